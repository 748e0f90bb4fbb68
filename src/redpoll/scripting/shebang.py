"""The first line of a script, `#!lua flags=no-writes,allow-oom`, and the flags that it can name."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.spec import DENYOOM, STALE, WRITE
from redpoll.config.quoting import split_line
from redpoll.errors import CommandError
from redpoll.script_errors import (
    BAD_SHEBANG,
    BAD_SHEBANG_ENGINE,
    no_scripting_engine,
    unknown_script_flag,
    unknown_shebang_option,
)

NO_WRITES: Final[i64] = 1 << 0
ALLOW_OOM: Final[i64] = 1 << 1
ALLOW_STALE: Final[i64] = 1 << 2
NO_CLUSTER: Final[i64] = 1 << 3
ALLOW_CROSS_SLOT_KEYS: Final[i64] = 1 << 4
PLAIN: Final[i64] = 1 << 5
"""A script without a `#!` line: nothing is refused beforehand."""

FLAGS: Final = {
    b"no-writes": NO_WRITES,
    b"allow-oom": ALLOW_OOM,
    b"allow-stale": ALLOW_STALE,
    b"no-cluster": NO_CLUSTER,
    b"allow-cross-slot-keys": ALLOW_CROSS_SLOT_KEYS,
}
"""In the order in which FUNCTION LIST names them."""


def parse_shebang(text: bytes, any_engine: bool = False) -> i64:
    """The flags of a script; raises CommandError for a line that is wrong, or names another engine than Lua."""
    if text[:2] != b"#!":
        return PLAIN
    line, end, _ = text.partition(b"\n")
    if not end:
        raise CommandError(BAD_SHEBANG)
    words = split_line(line)
    if words is None:
        raise CommandError(BAD_SHEBANG_ENGINE)
    flags: i64 = 0
    for word in words[1:]:
        if word[:6] != b"flags=":
            raise CommandError(unknown_shebang_option(word))
        names = word[6:]
        if not names:
            continue
        for name in names.split(b","):
            flag = FLAGS.get(name)
            if flag is None:
                raise CommandError(unknown_script_flag(name))
            flags |= flag
    engine = words[0][2:]
    if not any_engine and engine.lower() != b"lua":
        raise CommandError(no_scripting_engine(engine))
    return flags


def command_flags(flags: i64) -> i64:
    """The flags that a script has as a command."""
    found: i64 = 0
    if flags & NO_WRITES == 0:
        found |= WRITE
        if flags & ALLOW_OOM == 0:
            found |= DENYOOM
    if flags & ALLOW_STALE != 0:
        found |= STALE
    return found


def text_flags(text: bytes) -> i64:
    """The flags that the script in a text has as a command; -1 if its first line names none, or has a mistake."""
    try:
        flags = parse_shebang(text, any_engine=True)
    except CommandError:
        return -1
    return command_flags(flags) if flags & PLAIN == 0 else i64(-1)
