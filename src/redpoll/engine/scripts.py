"""The seam between the engine and Lua: what the engine, INFO and other rooms know of scripts.

`scripting/` subclasses `ScriptHost`.  An engine without scripts has none, and lupa is not imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

from redpoll.script_errors import NOT_BUSY

if TYPE_CHECKING:
    from redpoll.engine.command import Command


@mypyc_attr(allow_interpreted_subclasses=True)
class ScriptHost:
    """The scripts of one engine.  Sizes are in bytes."""

    def cached_scripts(self) -> i64:
        return 0

    def texts_bytes(self) -> i64:
        """The texts of the cached scripts."""
        return 0

    def eval_bytes(self) -> i64:
        """The environment of EVAL."""
        return 0

    def functions(self) -> i64:
        return 0

    def libraries(self) -> i64:
        return 0

    def libraries_bytes(self) -> i64:
        """The texts of the function libraries."""
        return 0

    def functions_bytes(self) -> i64:
        """The environment of the functions."""
        return 0

    def flags_for(self, command: Command, args: list[bytes]) -> i64:
        """The command flags of the script that EVAL, EVALSHA or FCALL name; -1 if it has none of its own."""
        return -1

    def kill(self, functions: bool) -> bytes:
        """SCRIPT KILL or FUNCTION KILL; the error for the client, empty if the script will end."""
        return NOT_BUSY

    def runs_function(self) -> bool:
        """Whether what runs is a function, not a script of EVAL."""
        return False

    def settings_changed(self, name: bytes) -> None:
        """A directive of scripts has another value."""


class ScriptStatistics:
    """Counters that exist with or without a host."""

    def __init__(self) -> None:
        self.evicted: i64 = 0
        self.deny_disabled = False
        """Whether scripts may call commands that are closed to them (DEBUG SET-DISABLE-DENY-SCRIPTS)."""
