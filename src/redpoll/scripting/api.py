"""The functions of the table `redis` but for calls: log, sha1hex, setresp and so on.

Lua calls them directly.  Errors are ScriptError, whose text the script sees without a position.
"""

from __future__ import annotations

from typing import Any, Final

from redpoll.env.openssl import sha1
from redpoll.errors import INTERNAL
from redpoll.script_errors import (
    SCRIPT_ARGUMENT_KIND,
    SCRIPT_NO_ARGUMENT,
)
from redpoll.scripting.busy import Watch
from redpoll.scripting.calls import Calls, ScriptError
from redpoll.scripting.convert import argument_text
from redpoll.version import COMPATIBLE_VERSION, REFERENCE_VERSION

WRONG_COUNT: Final = b"ERR wrong number of arguments"
LOG_NEEDS_TWO: Final = b"ERR server.log() requires two arguments or more."
LOG_LEVEL_KIND: Final = b"ERR First argument must be a number (log level)."
LOG_LEVEL_RANGE: Final = b"ERR Invalid log level."
SETRESP_NEEDS_ONE: Final = b"ERR server.setresp() requires one argument."
SETRESP_RANGE: Final = b"ERR RESP version must be 2 or 3."
SET_REPL_NEEDS_ONE: Final = b"ERR server.set_repl() requires one argument."
SET_REPL_RANGE: Final = b"ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE."
ACL_CHECK_UNKNOWN: Final = b"ERR Invalid command passed to server.acl_check_cmd()"

MOST_LOGGED: Final = 1000
"""The bytes of a line that redis.log writes."""


class Api:
    """The callbacks of one engine's runtime."""

    def __init__(self, calls: Calls, watch: Watch, register: Any) -> None:
        self.register: Final = register
        self.calls: Final = calls
        self.watch: Final = watch

    def callbacks(self) -> list[Any]:
        """All callbacks in the order of `sandbox.py`."""
        calls = self.calls
        return [
            calls.call, calls.pcall, self.watch.tick, self.explain, self.sha1hex, self.log, self.setresp, self.set_repl,
            self.acl_check_cmd, self.register, self.versions,
        ]  # fmt: skip

    def explain(self, *caught: object) -> object:
        """Text and count of the exception that Lua has caught; (None, 0) for something else."""
        runtime = self.calls.runtime
        assert runtime is not None
        if not runtime.has_room(0):
            runtime.lift_limit()
        error = caught[0]
        if isinstance(error, ScriptError):
            return (error.text, error.counted)
        if isinstance(error, BaseException):
            return (INTERNAL, 0)
        return (None, 0)

    def sha1hex(self, *words: object) -> object:
        self.calls.require_room(0)
        if len(words) != 1:
            raise ScriptError(WRONG_COUNT, 0)
        word = words[0]
        text = word if isinstance(word, bytes) else argument_text(word)
        return sha1(text if text is not None else b"").hex().encode()

    def log(self, *words: object) -> object:
        """redis.log: a line in the log of the server."""
        self.calls.require_room(0)
        if len(words) < 2:
            raise ScriptError(LOG_NEEDS_TWO, 0)
        level = number_of(words[0])
        if level is None:
            raise ScriptError(LOG_LEVEL_KIND, 0)
        if level < 0 or level > 3:
            raise ScriptError(LOG_LEVEL_RANGE, 0)
        parts: list[bytes] = []
        for word in words[1:]:
            text = word if isinstance(word, bytes) else argument_text(word)
            if text is not None:
                parts.append(text)
        line = b" ".join(parts).split(b"\0", 1)[0][:MOST_LOGGED]
        self.calls.engine.host.line(level, "<lua> " + line.decode("utf-8", "surrogateescape"))
        return None

    def setresp(self, *words: object) -> object:
        """redis.setresp: the protocol in which commands answer from now on."""
        self.calls.require_room(0)
        if len(words) != 1:
            raise ScriptError(SETRESP_NEEDS_ONE, 0)
        resp = number_of(words[0])
        if resp not in (2, 3):
            raise ScriptError(SETRESP_RANGE, 0)
        self.calls.resp = 2 if resp == 2 else 3
        self.calls.session.resp = self.calls.resp
        return None

    def set_repl(self, *words: object) -> object:
        """redis.set_repl: where the effects of later calls go."""
        self.calls.require_room(0)
        if len(words) != 1:
            raise ScriptError(SET_REPL_NEEDS_ONE, 0)
        targets = number_of(words[0])
        if targets is None:
            targets = 0
        if targets < 0 or targets > 3:
            raise ScriptError(SET_REPL_RANGE, 0)
        self.calls.engine.unit.targets = targets
        return None

    def acl_check_cmd(self, *words: object) -> object:
        """redis.acl_check_cmd: whether the user may run a command: always, as there is no ACL yet."""
        self.calls.require_room(0)
        if len(words) == 0:
            raise ScriptError(SCRIPT_NO_ARGUMENT, 0)
        args: list[bytes] = []
        for word in words:
            text = word if isinstance(word, bytes) else argument_text(word)
            if text is None:
                raise ScriptError(SCRIPT_ARGUMENT_KIND, 0)
            args.append(text)
        if self.calls.find(args) is None:
            raise ScriptError(ACL_CHECK_UNKNOWN, 0)
        return True

    def versions(self, *words: object) -> object:
        """Give Lua the constants with versions."""
        put: Any = words[0]
        put(b"REDIS_VERSION", COMPATIBLE_VERSION)
        put(b"REDIS_VERSION_NUM", version_number(COMPATIBLE_VERSION))
        put(b"VALKEY_VERSION", REFERENCE_VERSION)
        put(b"VALKEY_VERSION_NUM", version_number(REFERENCE_VERSION))
        put(b"SERVER_NAME", b"valkey")
        return None


def version_number(version: bytes) -> int:
    """A version as one number, a byte for each part: 7.2.4 is 0x00070204."""
    major, minor, patch = version.split(b".")
    return int(major) << 16 | int(minor) << 8 | int(patch)


def number_of(word: object) -> int | None:
    """A number or numeric string of Lua, truncated; None for anything else."""
    if isinstance(word, bool):
        return None
    if isinstance(word, int):
        return word
    if isinstance(word, float):
        return int(word) if word - word == 0.0 else 1 << 62
    if isinstance(word, bytes):
        try:
            text = word.strip().lower()
            return int(text, 16) if text.startswith((b"0x", b"-0x")) else number_of(float(text))
        except ValueError:
            return None
    return None
