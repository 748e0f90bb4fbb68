"""What a function in Python sees of redpoll, and how its result becomes a reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mypy_extensions import i64

from redpoll.errors import CommandError
from redpoll.protocol.reply import Boolean, Double, Error, Map, SetOf
from redpoll.protocol.words import as_word, plain
from redpoll.script_errors import SCRIPT_NO_ARGUMENT
from redpoll.scripting.calls import Calls
from redpoll.scripting.convert import line_of

if TYPE_CHECKING:
    from redpoll.protocol.words import Word

DEEPEST: i64 = 100
"""The levels that a result may have."""
LEAST_INT = -(1 << 63)
GREATEST_INT = (1 << 63) - 1


class FunctionApi:
    """The first argument of a function: it runs commands and tells the time.  It works during the call only."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._runs = False
        self._failed_with: bytes = b""

    def call(self, *words: Word) -> Any:
        """Run a command; return its reply as Python values, as `redpoll.Store.execute` does.

        The first word is the name of the command.  Raises CommandError for an error reply.
        """
        if not self._runs:
            raise RuntimeError("the function that this API belongs to has ended")
        args: list[bytes] = []
        for word in words:
            args.append(word if type(word) is bytes else as_word(word))
        if len(args) == 0:
            raise CommandError(SCRIPT_NO_ARGUMENT)
        reply = self._calls.perform(args)
        if reply is None or isinstance(reply, bytes):
            return reply
        if isinstance(reply, Error):
            self._failed_with = reply.text
            raise CommandError(reply.text)
        return plain(reply)

    def now(self) -> float:
        """The time in seconds since 1970.  It stands still while the function runs."""
        return float(self._calls.engine.moment.now_us) / 1e6

    def log(self, message: str) -> None:
        """Write a line into the log of the server."""
        self._calls.engine.host.log("<python> " + message.replace("\r", " ").replace("\n", " "))

    def begin(self) -> None:
        """A function begins: the API works."""
        self._runs = True
        self._failed_with = b""

    def end(self) -> None:
        """The function has ended."""
        self._runs = False

    def was_counted(self, text: bytes) -> bool:
        """Whether the statistics have counted this error already, because the last call that failed gave it."""
        return text == self._failed_with and len(text) > 0


def to_reply(result: object, depth: i64) -> object:
    """The reply for the result of a function.  Raises TypeError and ValueError.

    str is UTF-8; a bool is a boolean in RESP3 and 1 or 0 in RESP2; a dict is a map, and a set is a set.
    """
    if result is None or type(result) is bytes:
        return result
    if isinstance(result, bool):
        return Boolean(result)
    if isinstance(result, int):
        if result < LEAST_INT or result > GREATEST_INT:
            raise ValueError(f"an integer reply has 64 bits: {result} is out of range")
        return int(result)
    if isinstance(result, str):
        return result.encode()
    if isinstance(result, float):
        return Double(result)
    if isinstance(result, bytes) or isinstance(result, bytearray):
        return bytes(result)
    if isinstance(result, CommandError):
        return Error(line_of(result.text))
    if depth >= DEEPEST:
        raise ValueError(f"a reply has at most {int(DEEPEST)} levels")
    if isinstance(result, dict):
        fields: list[object] = []
        for key, value in result.items():
            fields.append(to_reply(key, depth + 1))
            fields.append(to_reply(value, depth + 1))
        return Map(fields)
    items: list[object] = []
    if isinstance(result, list) or isinstance(result, tuple):
        for item in result:
            items.append(to_reply(item, depth + 1))
        return items
    if isinstance(result, set) or isinstance(result, frozenset):
        for member in result:
            items.append(to_reply(member, depth + 1))
        return SetOf(items)
    raise TypeError(f"a value of type {type(result).__name__} is not a reply")
