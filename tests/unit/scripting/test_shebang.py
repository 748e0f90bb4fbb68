"""The first line of a script: flags, engines, and complaints."""

from __future__ import annotations

import pytest

from redpoll.catalogue.spec import DENYOOM, STALE, WRITE
from redpoll.errors import CommandError
from redpoll.scripting.shebang import (
    ALLOW_OOM,
    ALLOW_STALE,
    FLAGS,
    NO_WRITES,
    PLAIN,
    command_flags,
    parse_shebang,
    text_flags,
)


def test_flags() -> None:
    assert parse_shebang(b"return 1") == PLAIN
    assert parse_shebang(b"") == PLAIN
    assert parse_shebang(b"#!lua\n") == 0
    assert parse_shebang(b"#!lua flags=\n") == 0
    assert parse_shebang(b"#!lua flags=no-writes,allow-oom\nreturn 1") == NO_WRITES | ALLOW_OOM
    for name, flag in FLAGS.items():
        assert parse_shebang(b"#!LUA flags=%b\n" % name) == flag


@pytest.mark.parametrize(
    "text",
    [b"#!lua", b"#!", b"#!\n", b"#!python\n", b"#!lua flags=no\n", b"#!lua name=x\n", b"#!lua flags=no-writes,\n",
     b'#!lua "flags=\n'],
)  # fmt: skip
def test_complaints(text: bytes) -> None:
    with pytest.raises(CommandError):
        parse_shebang(text)


def test_a_script_as_a_command() -> None:
    assert command_flags(0) == WRITE | DENYOOM
    assert command_flags(ALLOW_OOM) == WRITE
    assert command_flags(NO_WRITES) == 0
    assert command_flags(NO_WRITES | ALLOW_STALE) == STALE


def test_a_text_as_a_command() -> None:
    assert text_flags(b"#!lua flags=no-writes\nreturn 1") == 0
    assert text_flags(b"#!lua flags=allow-oom\nreturn 1") == WRITE
    # The engine is checked later.
    assert text_flags(b"#!python flags=no-writes\n") == 0
    for text in (b"return 1", b"#!lua", b"#!lua flags=no\n"):
        assert text_flags(text) == -1
