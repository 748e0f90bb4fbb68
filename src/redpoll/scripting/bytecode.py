"""Tail calls to named functions become plain calls, so that the caller's frame survives.

Lua drops the frame of a function that ends in `return f(x)`.  If `f` is a built-in, written in C, the frame stays, and its
error messages name the caller's line.  Our built-ins are written in Lua; so that theirs do too, the compiled script is
changed: a tail call whose function was read from a table, a global or a local variable other than a parameter becomes a
call followed by the return that is there already.  Calls of upvalues and parameters, by which functions recurse without end,
stay tail calls.

Grammar of a dump of Lua 5.1 (little-endian, 8-byte sizes):
    dump      header (12 bytes) function
    function  string int int byte byte byte byte code constants int function... lines locals names
    string    size bytes     code  int (4 bytes)...     constants  int (type value)...
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

_HEADER: Final = b"\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00"

_MOVE: Final = 0
_CALL: Final = 28
_TAILCALL: Final = 29
# Instructions that load the function of a call: MOVE LOADK LOADBOOL LOADNIL GETUPVAL GETGLOBAL GETTABLE, SELF, CALL, CLOSURE, VARARG
_LOADERS: Final = frozenset((0, 1, 2, 3, 4, 5, 6, 11, 28, 36, 37))
_NAMED: Final = frozenset((5, 6, 11))


class _Dump:
    """A walk over the functions of a dump that changes its instructions in place."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.pos: i64 = len(_HEADER)
        self.changed = False

    def integer(self) -> i64:
        pos: i64 = self.pos
        self.pos = pos + 4
        return int.from_bytes(self.data[pos : pos + 4], "little")

    def skip_string(self) -> None:
        pos: i64 = self.pos
        length: i64 = int.from_bytes(self.data[pos : pos + 8], "little")
        self.pos = pos + 8 + length

    def skip_constants(self) -> None:
        for _ in range(self.integer()):
            kind = self.data[self.pos]
            self.pos += 1
            if kind == 1:
                self.pos += 1
            elif kind == 3:
                self.pos += 8
            elif kind == 4:
                self.skip_string()

    def function_head(self) -> i64:
        """Go through one function up to its inner ones and return how many those are."""
        self.skip_string()
        parameters: i64 = self.data[self.pos + 9]
        self.pos += 12
        count = self.integer()
        self.change(count, parameters)
        self.pos += count * 4
        self.skip_constants()
        return self.integer()

    def function_tail(self) -> None:
        lines = self.integer()
        self.pos += lines * 4
        for _ in range(self.integer()):
            self.skip_string()
            self.pos += 8
        for _ in range(self.integer()):
            self.skip_string()

    def walk(self) -> None:
        """Go through all functions; the list holds how many inner ones are still to come, outermost first."""
        left: list[int] = [self.function_head()]
        while left:
            if left[-1] > 0:
                left[-1] -= 1
                left.append(self.function_head())
            else:
                self.function_tail()
                left.pop()

    def change(self, count: i64, parameters: i64) -> None:
        data = self.data
        start = self.pos
        for index in range(count):
            at = start + index * 4
            if data[at] & 0x3F == _TAILCALL and self.is_named(start, index, parameters):
                data[at] = (data[at] & 0xC0) | _CALL
                self.changed = True

    def is_named(self, start: i64, index: i64, parameters: i64) -> bool:
        """Whether the function of the call at `index` comes from a table, a global or a local that is no parameter."""
        data = self.data
        at = start + index * 4
        register: i64 = (data[at] >> 6) | ((data[at + 1] & 0x3F) << 2)
        while at > start:
            at -= 4
            opcode = data[at] & 0x3F
            target: i64 = (data[at] >> 6) | ((data[at + 1] & 0x3F) << 2)
            if target == register and opcode in _LOADERS:
                if opcode == _MOVE:
                    source: i64 = (data[at + 2] >> 7) | (data[at + 3] << 1)
                    return source >= parameters
                return opcode in _NAMED
        return False


def without_tail_calls(dump: bytes) -> bytes | None:
    """The changed dump, or None if there is nothing to change (or it is no dump of this machine's Lua).  O(size)."""
    if not dump.startswith(_HEADER):
        return None
    work = _Dump(dump)
    work.walk()
    return bytes(work.data) if work.changed else None
