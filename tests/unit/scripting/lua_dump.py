"""Reads compiled Lua: which globals a chunk uses once it has run."""

from __future__ import annotations

import struct
from typing import Any

from lupa.lua51 import LuaRuntime  # type: ignore[import-untyped, unused-ignore]

HEADER_BYTES = 12
GETGLOBAL, SETGLOBAL = 5, 7
BOOLEAN, NUMBER, STRING = 1, 3, 4


class Dump:
    """A dump of Lua 5.1 (little-endian, 8-byte sizes); `library_loader` has its grammar."""

    def __init__(self, source: bytes) -> None:
        runtime: Any = LuaRuntime(encoding=None, register_eval=False)
        self.code: bytes = runtime.execute(b"return string.dump(assert(loadstring((...))))", source)
        self.at = HEADER_BYTES
        self.late_globals: set[bytes] = set()
        self.read_function(is_main=True)

    def integer(self) -> int:
        (value,) = struct.unpack_from("<i", self.code, self.at)
        self.at += 4
        return int(value)

    def string(self) -> bytes:
        (size,) = struct.unpack_from("<q", self.code, self.at)
        self.at += 8 + size
        return self.code[self.at - size : self.at - 1] if size else b""

    def constant(self) -> bytes:
        """The next constant, if it is a string."""
        kind = self.code[self.at]
        self.at += 1
        if kind == STRING:
            return self.string()
        self.at += {BOOLEAN: 1, NUMBER: 8}.get(kind, 0)
        return b""

    def read_function(self, is_main: bool) -> None:
        self.string()
        self.at += 4 + 4 + 4
        instructions = [self.integer() & 0xFFFFFFFF for _ in range(self.integer())]
        constants = [self.constant() for _ in range(self.integer())]
        if not is_main:
            self.late_globals |= {constants[word >> 14] for word in instructions if word & 63 in (GETGLOBAL, SETGLOBAL)}
        for _ in range(self.integer()):
            self.read_function(is_main=False)
        lines = self.integer()
        self.at += 4 * lines
        for _ in range(self.integer()):
            self.string()
            self.at += 8
        for _ in range(self.integer()):
            self.string()


def late_globals(source: bytes) -> set[bytes]:
    """The globals that functions within a chunk read or write."""
    return Dump(source).late_globals
