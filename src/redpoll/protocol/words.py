"""Conversion of Python values to words of commands, and of replies to Python values."""

from __future__ import annotations

from collections.abc import Mapping

from redpoll.errors import CommandError
from redpoll.protocol.reply import (
    MAP,
    Attribute,
    BigNumber,
    Boolean,
    Coordinate,
    Double,
    Error,
    Map,
    NullArray,
    PairMap,
    Pairs,
    Push,
    RawError,
    Rows,
    Sequence,
    SetOf,
    Spoken,
    Status,
    Verbatim,
    View,
)

Text = bytes | str
"""A name: a `str` is taken as UTF-8."""

Word = bytes | str | int | float
"""A value."""


def to_bytes(text: object) -> bytes:
    """A name as plain bytes.  Raises TypeError unless it is bytes or str."""
    if type(text) is bytes:
        return text
    if isinstance(text, str):
        return text.encode()
    # A member of a bytes enumeration has another hash than its value, so a look-up would not find the key.
    if isinstance(text, bytes):
        return bytes(text)
    raise TypeError(f"a name is bytes or str, not {type(text).__name__}")


def as_word(word: object) -> bytes:
    """A word of a command as bytes.  Raises TypeError for anything else: None, True, a list …"""
    if isinstance(word, bytes) or isinstance(word, str):
        return to_bytes(word)
    if isinstance(word, bool):
        raise TypeError("a word of a command is bytes, str, int or float, not bool")
    # For a member of an enumeration `str` would give its name; its number is wanted.
    if isinstance(word, int):
        return int.__repr__(word).encode()
    if isinstance(word, float):
        return float.__repr__(word).encode()
    raise TypeError(f"a word of a command is bytes, str, int or float, not {type(word).__name__}")


def words(values: tuple[Word, ...]) -> list[bytes]:
    """Several values as words of a command."""
    return [as_word(value) for value in values]


def pairs(values: Mapping[Text, Word]) -> list[bytes]:
    """Names and values, alternating, as words of a command."""
    found: list[bytes] = []
    for name, value in values.items():
        found.append(to_bytes(name))
        found.append(as_word(value))
    return found


def to_python(reply: object) -> object:
    """A reply as plain Python values.  Raises CommandError if the reply itself is an error."""
    if isinstance(reply, Error):
        raise CommandError(reply.text)
    return plain(reply)


def plain(reply: object) -> object:
    """A reply as plain Python values.  An error inside an array becomes an exception object.

    Recursion is bounded: a script chooses the nesting of its result, and `plain_tree` reads nested lists.
    """
    if reply is None or isinstance(reply, bytes) or isinstance(reply, int):
        return reply
    if isinstance(reply, Status):
        return reply.text
    if isinstance(reply, list):
        found: list[object] = []
        for item in reply:
            if isinstance(item, list) or isinstance(item, Map) or isinstance(item, SetOf):
                return plain_tree(reply)
            found.append(plain(item))
        return found
    if isinstance(reply, NullArray):
        return None
    if isinstance(reply, Double):
        return reply.value
    if isinstance(reply, Boolean):
        return reply.value
    if isinstance(reply, Coordinate):
        return reply.value
    if isinstance(reply, Map):
        return plain_tree([reply])[0]
    if isinstance(reply, PairMap):
        return paired([plain(item) for item in reply.items])
    if isinstance(reply, View):
        items = reply.to_list()
        return paired(items) if reply.shape == MAP else items
    if isinstance(reply, Rows):
        return reply.to_list()
    if isinstance(reply, Pairs):
        values = [plain(item) for item in reply.items]
        return [(values[n], values[n + 1]) for n in range(0, len(values), 2)]
    if isinstance(reply, Error) or isinstance(reply, RawError):
        return CommandError(reply.text)
    if isinstance(reply, Verbatim):
        return reply.text
    if isinstance(reply, BigNumber):
        return int(reply.digits)
    if isinstance(reply, SetOf):
        return plain(reply.items)
    if isinstance(reply, Push):
        return [plain(item) for item in reply.items]
    if isinstance(reply, Attribute):
        return plain(reply.reply)
    if isinstance(reply, Spoken):
        return plain(reply.reply)
    if isinstance(reply, Sequence):
        return [plain(item) for item in reply.replies]
    raise TypeError(f"no reply: {reply!r}")


def plain_tree(items: list[object]) -> list[object]:
    """`plain` for nested lists, maps and sets, with a list of work instead of recursion."""
    root: list[object] = []
    sources = [items]
    targets = [root]
    maps: list[dict[object, object]] = []
    fields: list[list[object]] = []
    while len(sources) > 0:
        source = sources.pop()
        target = targets.pop()
        for item in source:
            inner: list[object] = []
            if isinstance(item, list):
                sources.append(item)
                target.append(inner)
            elif isinstance(item, SetOf):
                sources.append(item.items)
                target.append(inner)
            elif isinstance(item, Map):
                sources.append(item.items)
                made: dict[object, object] = {}
                maps.append(made)
                fields.append(inner)
                target.append(made)
            else:
                target.append(plain(item))
                continue
            targets.append(inner)
    for n in range(len(maps)):
        maps[n].update(paired(fields[n]))
    return root


def paired(items: list[object]) -> dict[object, object]:
    """Alternating keys and values as a dict."""
    return {items[n]: items[n + 1] for n in range(0, len(items), 2)}
