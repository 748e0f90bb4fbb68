"""Reply values to Lua values, and results of scripts to reply values, in both protocols and without wire bytes.

Simple values pass as they are.  A flat row of strings and numbers passes as the arguments of one call, and Lua makes
the table.  Everything else passes as tokens: a code, what belongs to it, and then the tokens of its parts.
"""

from __future__ import annotations

from math import copysign
from typing import Any, Final

from mypy_extensions import i64

from redpoll.protocol.numbers import INT64_MAX, INT64_MIN, format_double
from redpoll.protocol.reply import (
    ALONE,
    FLAT,
    MAP,
    SET,
    Attribute,
    BigNumber,
    Boolean,
    Coordinate,
    Double,
    Error,
    Map,
    Marker,
    NullArray,
    PairMap,
    Pairs,
    Push,
    Ranking,
    RawError,
    Rows,
    Sequence,
    SetOf,
    Spoken,
    Status,
    Verbatim,
    View,
)
from redpoll.scripting.runtime import PIECE, Runtime

VALUE: Final = 0
ARRAY_OF: Final = 1
MAP_OF: Final = 2
SET_OF: Final = 3
STATUS: Final = 4
FAILED: Final = 5
DOUBLE: Final = 6
BIG: Final = 7
VERBATIM: Final = 8

SMALL: Final[i64] = 1 << 16
"""Replies up to this size need no look at Lua's memory."""

EXACT: Final = 1 << 62
"""Integral numbers up to this one are written as digits."""


class NoRoomError(Exception):
    """Lua has no memory for a reply."""


ITEM_BYTES: Final[i64] = 128
"""What Lua needs for an item beside its text, at most."""


def check_room(lua: Runtime, items: list[object]) -> None:
    """Raise NoRoomError if Lua has no memory for the items."""
    size: i64 = len(items) * ITEM_BYTES
    for item in items:
        if isinstance(item, bytes):
            size += len(item)
    if size > SMALL and not lua.has_room(size):
        raise NoRoomError("not enough memory")


def argument_text(number: object) -> bytes | None:
    """A number of Lua as an argument of a command; None for other values."""
    if isinstance(number, bool):
        return None
    if isinstance(number, int):
        if -EXACT <= number <= EXACT:
            return b"%d" % number
        return format_double(float(number))
    if isinstance(number, float):
        if number != number and copysign(1.0, number) < 0.0:
            return b"-nan"
        return format_double(number)
    return None


def null_of(resp: i64) -> object:
    """A null as Lua sees it."""
    return False if resp < 3 else None


def to_lua(lua: Runtime, reply: object, resp: i64) -> object:
    """A reply value as Lua sees it; never called for bytes, numbers and errors."""
    if reply is None or isinstance(reply, NullArray):
        return null_of(resp)
    if isinstance(reply, Status):
        return lua.status_table(reply.text)
    items: list[object] | None = None
    if isinstance(reply, list):
        items = reply
    elif isinstance(reply, View) and (resp < 3 or reply.shape not in (MAP, SET)):
        if not isinstance(reply, Ranking) or reply.layout == ALONE:
            items = reply.to_list()
        elif reply.layout == FLAT and resp < 3:
            items = flat_ranking(reply)
    if items is not None:
        flat = flat_items(items, resp)
        if flat is not None:
            return array_of(lua, flat)
    out: list[object] = []
    spell(out, reply, resp)
    return tree_of(lua, out)


def flat_ranking(ranking: Ranking) -> list[object]:
    """Members and scores alternately, as RESP2 has them."""
    items: list[object] = []
    ranking.start()
    for _ in range(ranking.count):
        items.append(ranking.step())
        items.append(format_double(ranking.score))
    return items


def flat_items(items: list[object], resp: i64) -> list[object] | None:
    """The items as Lua sees them, if all are strings, numbers or nulls."""
    holes = False
    for item in items:
        if isinstance(item, bytes):
            continue
        if item is None:
            holes = True
        elif isinstance(item, bool) or not isinstance(item, int):
            return None
    if holes and resp < 3:
        return [False if item is None else item for item in items]
    return items


def array_of(lua: Runtime, items: list[object]) -> object:
    """A table of the items."""
    check_room(lua, items)
    count: i64 = len(items)
    if count <= PIECE:
        return lua.array(*items)
    table: Any = lua.array(*items[: int(PIECE)])
    at: i64 = PIECE
    while at < count:
        lua.long_array(table, at, *items[at : at + PIECE])
        at += PIECE
    return table


def tree_of(lua: Runtime, tokens: list[object]) -> object:
    """The value that tokens stand for."""
    check_room(lua, tokens)
    at: i64 = 0
    while len(tokens) - at > PIECE:
        lua.add_tokens(*tokens[at : at + PIECE])
        at += PIECE
    return lua.tree(*tokens[at:])


def spell(out: list[object], reply: object, resp: i64) -> None:
    """Append the tokens of a reply.  Recursion follows the nesting of our own replies, never client input."""
    if isinstance(reply, bytes):
        out.append(VALUE)
        out.append(reply)
    elif reply is None or isinstance(reply, NullArray):
        out.append(VALUE)
        out.append(null_of(resp))
    elif isinstance(reply, int):
        out.append(VALUE)
        out.append(reply)
    elif isinstance(reply, list):
        spell_items(out, ARRAY_OF, len(reply), reply, resp)
    elif isinstance(reply, Ranking):
        spell_ranking(out, reply, resp)
    elif isinstance(reply, View):
        items = reply.to_list()
        if resp < 3 or reply.shape not in (MAP, SET):
            spell_items(out, ARRAY_OF, len(items), items, resp)
        elif reply.shape == MAP:
            spell_items(out, MAP_OF, len(items) >> 1, items, resp)
        else:
            spell_items(out, SET_OF, len(items), items, resp)
    elif isinstance(reply, Rows):
        spell(out, reply.to_list(), resp)
    elif isinstance(reply, Status):
        out.append(STATUS)
        out.append(reply.text)
    elif isinstance(reply, Error):
        out.append(FAILED)
        out.append(reply.text)
    else:
        spell_rare(out, reply, resp)


def spell_rare(out: list[object], reply: object, resp: i64) -> None:
    """`spell` for rarer values."""
    if isinstance(reply, Double):
        spell_number(out, reply.value, format_double(reply.value), resp)
    elif isinstance(reply, Coordinate):
        spell_number(out, reply.value, reply.text(), resp)
    elif isinstance(reply, Map):
        if resp < 3:
            spell_items(out, ARRAY_OF, len(reply.items), reply.items, resp)
        else:
            spell_items(out, MAP_OF, len(reply.items) >> 1, reply.items, resp)
    elif isinstance(reply, PairMap):
        if resp < 3:
            spell_pairs(out, reply.items, resp)
        else:
            spell_items(out, MAP_OF, len(reply.items) >> 1, reply.items, resp)
    elif isinstance(reply, Pairs):
        if resp < 3:
            spell_items(out, ARRAY_OF, len(reply.items), reply.items, resp)
        else:
            spell_pairs(out, reply.items, resp)
    elif isinstance(reply, SetOf):
        spell_items(out, ARRAY_OF if resp < 3 else SET_OF, len(reply.items), reply.items, resp)
    elif isinstance(reply, Boolean):
        out.append(VALUE)
        out.append(reply.value if resp >= 3 else int(reply.value))
    elif isinstance(reply, BigNumber):
        out.append(VALUE if resp < 3 else BIG)
        out.append(reply.digits)
    elif isinstance(reply, Verbatim):
        if resp < 3:
            out.append(VALUE)
            out.append(reply.text)
        else:
            out.append(VERBATIM)
            out.append(reply.text)
            out.append(reply.format)
    elif isinstance(reply, RawError):
        out.append(FAILED)
        out.append(reply.text)
    elif isinstance(reply, Attribute):
        spell(out, reply.reply, resp)
    elif isinstance(reply, Spoken):
        spell(out, reply.reply, reply.resp)
    elif isinstance(reply, Push):
        spell_items(out, ARRAY_OF, len(reply.items), reply.items, resp)
    elif isinstance(reply, Sequence):
        spell_items(out, ARRAY_OF, len(reply.replies), reply.replies, resp)
    elif isinstance(reply, Marker):
        out.append(VALUE)
        out.append(null_of(resp))
    else:
        raise TypeError(f"no reply: {reply!r}")


def spell_items(out: list[object], code: int, count: int, items: list[object], resp: i64) -> None:
    out.append(code)
    out.append(count)
    for item in items:
        spell(out, item, resp)


def spell_pairs(out: list[object], items: list[object], resp: i64) -> None:
    """Items two by two, each pair an array."""
    out.append(ARRAY_OF)
    out.append(len(items) >> 1)
    for at in range(0, len(items), 2):
        out.append(ARRAY_OF)
        out.append(2)
        spell(out, items[at], resp)
        spell(out, items[at + 1], resp)


def spell_number(out: list[object], value: float, text: bytes, resp: i64) -> None:
    if resp >= 3:
        out.append(DOUBLE)
        out.append(value)
    else:
        out.append(VALUE)
        out.append(text)


def spell_ranking(out: list[object], ranking: Ranking, resp: i64) -> None:
    """Members of a sorted set, with scores as the encoder places them."""
    ranking.start()
    count = int(ranking.count)
    if ranking.layout == ALONE:
        spell_items(out, ARRAY_OF, count, ranking.to_list(), resp)
        return
    flat = ranking.layout == FLAT and resp < 3
    out.append(ARRAY_OF)
    out.append(count * 2 if flat else count)
    for _ in range(count):
        member = ranking.step()
        if not flat:
            out.append(ARRAY_OF)
            out.append(2)
        out.append(VALUE)
        out.append(member)
        spell_number(out, ranking.score, format_double(ranking.score), resp)


# From Lua.

NO_NUMBER: Final = INT64_MIN


def integer_of(number: object) -> int:
    """A number that a script returns: truncated towards 0, the lowest integer if it has none."""
    if isinstance(number, int):
        return number if INT64_MIN <= number <= INT64_MAX else NO_NUMBER
    assert isinstance(number, float)
    if number != number or number >= 9223372036854775808.0 or number < -9223372036854775808.0:
        return NO_NUMBER
    return int(number)


def line_of(text: bytes) -> bytes:
    """A text as a line of the protocol: cut at a NUL, CR and LF become blanks."""
    end = text.find(b"\0")
    if end >= 0:
        text = text[:end]
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


class Results:
    """Reads the tokens of a script's result.  `errors` are the texts of its errors that have not been counted."""

    def __init__(self, tokens: list[object], true_reply: object, false_reply: object) -> None:
        self.tokens: Final = tokens
        self.true_reply: Final = true_reply
        self.false_reply: Final = false_reply
        self.at: i64 = 0
        self.errors: list[bytes] = []
        self.failures: i64 = 0
        """Errors that were counted when they were raised."""

    def next(self) -> object:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def text(self) -> bytes:
        token = self.next()
        assert isinstance(token, bytes)
        return token

    def count(self) -> int:
        token = self.next()
        assert isinstance(token, int)
        return token

    def read(self) -> object:
        """The reply.  Uses its own stack, because a script chooses the nesting."""
        # For each open container: its items, and how many are missing.
        stack: list[list[object]] = []
        left: list[int] = []
        while True:
            made: object = None
            code = self.count()
            if code >= 9:
                count = self.count()
                items: list[object] = []
                made = items
                if code == 9:
                    count *= 2
                    made = Map(items)
                elif code == 10:
                    made = SetOf(items)
                if count > 0:
                    if len(stack) > 0:
                        stack[len(stack) - 1].append(made)
                        left[len(left) - 1] -= 1
                    else:
                        root = made
                    stack.append(items)
                    left.append(count)
                    continue
            else:
                made = self._leaf(code)
            if len(stack) == 0:
                return made
            stack[len(stack) - 1].append(made)
            left[len(left) - 1] -= 1
            while left[len(left) - 1] == 0:
                stack.pop()
                left.pop()
                if len(stack) == 0:
                    return root

    def _leaf(self, code: int) -> object:
        if code == 0:
            value = self.next()
            return value if isinstance(value, bytes) else integer_of(value)
        if code == 1:
            return self.true_reply
        if code == 2:
            return self.false_reply
        if code == 3:
            return None
        if code == 4:
            text = line_of(self.text())
            if self.count() == 0:
                self.errors.append(text)
            else:
                self.failures += 1
            return RawError(text)
        if code == 5:
            return Status(line_of(self.text()))
        if code == 6:
            value = self.next()
            if isinstance(value, float):
                return Double(value)
            return Double(float(value) if isinstance(value, int) else -0.0)
        if code == 7:
            return BigNumber(line_of(self.text()))
        format = self.text()
        return Verbatim(self.text(), (format + b"   ")[:3])
