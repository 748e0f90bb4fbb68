"""Failures of commands that have succeeded elsewhere: they are counted and logged, and may end the server."""

from __future__ import annotations

import pytest

from redpoll.config.schema import BY_NAME
from redpoll.engine.engine import Engine
from redpoll.engine.host import Host
from redpoll.engine.propagation import SIGABRT, propagation_failed
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random


class Ended(Host):
    """A host that keeps its log, and the signals that would have ended it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.signals: list[int] = []

    def log(self, message: str) -> None:
        self.lines.append(message)

    def end_by_fault(self, signal: int, last_words: str) -> bool:
        self.signals.append(int(signal))
        return True


@pytest.mark.parametrize(
    ("behavior", "read_only", "of_file", "of_primary"),
    [
        ("ignore", "yes", False, False),
        ("panic", "yes", True, True),
        ("panic", "no", True, False),
        ("panic-on-replicas", "yes", False, True),
        ("panic-on-replicas", "no", False, False),
    ],
)
def test_which_failures_end_the_server(behavior: str, read_only: str, of_file: bool, of_primary: bool) -> None:
    for is_of_primary, panics in ((False, of_file), (True, of_primary)):
        host = Ended()
        engine = Engine(VirtualClock(), Random(1), host=host)
        engine.config.assign(BY_NAME[b"propagation-error-behavior"], [behavior.encode()])
        engine.config.assign(BY_NAME[b"replica-read-only"], [read_only.encode()])
        assert propagation_failed(engine, is_of_primary, b"lpush", b"WRONGTYPE x") == panics
        assert host.signals == ([SIGABRT] if panics else [])
        assert engine.counters.propagation_errors == 1
        ends = (
            "replica is sending an error to its primary" if is_of_primary else "server is sending an error to its AOF-"
        )
        assert host.lines[0].startswith(f"== CRITICAL == This {ends}")
        assert host.lines[0].endswith(": '-WRONGTYPE x' after processing the command 'lpush'")
        engine.counters.reset()
        assert engine.counters.propagation_errors == 0
