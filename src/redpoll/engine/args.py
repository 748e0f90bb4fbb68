"""Parsing arguments: numbers with the reference's error texts, and a cursor for commands with options."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.errors import NOT_A_FLOAT, NOT_AN_INTEGER, SYNTAX, CommandError
from redpoll.protocol.numbers import NO_INT, is_int, parse_double, to_int


def integer(word: bytes, complaint: bytes = NOT_AN_INTEGER) -> i64:
    """A canonical 64-bit integer, or CommandError(complaint)."""
    found = to_int(word)
    if found == NO_INT and not is_int(word):
        raise CommandError(complaint)
    return found


def double(word: bytes, complaint: bytes = NOT_A_FLOAT) -> float:
    """A number that is not nan, or CommandError(complaint)."""
    found = parse_double(word)
    if found != found:
        raise CommandError(complaint)
    return found


@mypyc_attr(acyclic=True)
class Args:
    """A cursor over the arguments from index `at` on."""

    def __init__(self, args: list[bytes], at: i64) -> None:
        self.args: Final = args
        self.at: i64 = at

    def left(self) -> i64:
        """How many arguments are not read yet."""
        return len(self.args) - self.at

    def word(self) -> bytes:
        """The next argument in upper case, as an option's name."""
        word = self.args[self.at]
        self.at += 1
        return word.upper()

    def next(self) -> bytes:
        """The next argument; a syntax error if there is none."""
        if self.at >= len(self.args):
            raise CommandError(SYNTAX)
        word = self.args[self.at]
        self.at += 1
        return word

    def integer(self, complaint: bytes = NOT_AN_INTEGER) -> i64:
        """The next argument as an integer."""
        return integer(self.next(), complaint)
