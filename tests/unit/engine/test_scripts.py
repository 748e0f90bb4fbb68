"""The seam of scripts: an engine without scripts."""

from __future__ import annotations

from redpoll.engine.scripts import ScriptHost, ScriptStatistics
from redpoll.script_errors import (
    NOT_BUSY,
)


def test_without_scripts_everything_is_zero() -> None:
    host = ScriptHost()
    assert host.cached_scripts() == host.texts_bytes() == host.eval_bytes() == 0
    assert host.functions() == host.libraries() == host.libraries_bytes() == host.functions_bytes() == 0
    assert not host.runs_function()


def test_without_scripts_there_is_nothing_to_kill() -> None:
    assert ScriptHost().kill(False) == NOT_BUSY
    assert ScriptHost().kill(True) == NOT_BUSY


def test_the_statistics_begin_at_zero() -> None:
    statistics = ScriptStatistics()
    assert statistics.evicted == 0
    assert not statistics.deny_disabled
