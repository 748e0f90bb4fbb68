"""The options of the commands that write a string: SET, GETEX and MSETEX, each with some of them."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.commands.times import absolute_ms
from redpoll.engine.args import Args
from redpoll.engine.session import Session
from redpoll.errors import SYNTAX, CommandError
from redpoll.protocol.numbers import int_text

EXISTENCE: Final[i64] = 1 << 0
"""NX and XX."""
EXPECTED: Final[i64] = 1 << 1
"""IFEQ."""
OLD_VALUE: Final[i64] = 1 << 2
"""GET."""
KEEP: Final[i64] = 1 << 3
"""KEEPTTL."""
PERSIST: Final[i64] = 1 << 4
"""PERSIST."""


@mypyc_attr(acyclic=True)
class StringOptions:
    """The options from the cursor to the end: a time, and the options in the `allowed` bits.

    Deadlines are in ms since 1970, 0 for none.  `name` is the command, for the error about a bad time.  A syntax error
    comes before a bad time.
    """

    def __init__(self, session: Session, cursor: Args, allowed: i64, name: bytes) -> None:
        self.only_new = False
        self.only_old = False
        self.expected: bytes | None = None
        self.get = False
        self.keep_deadline = False
        self.persist = False
        self.deadline_ms: i64 = 0
        self.first: i64 = cursor.at
        self.unit = b""
        amount = b""
        while cursor.left() > 0:
            word = cursor.word()
            if self._takes(word, allowed):
                if word == b"IFEQ":
                    self.expected = cursor.next()
                continue
            if word not in (b"EX", b"PX", b"EXAT", b"PXAT") or self.unit not in (b"", word) or self._is_settled():
                raise CommandError(SYNTAX)
            self.unit = word
            amount = cursor.next()
        if self.unit:
            self.deadline_ms = absolute_ms(session, amount, self.unit, name)

    def _is_settled(self) -> bool:
        """Whether KEEPTTL or PERSIST was given."""
        return self.keep_deadline or self.persist

    def _takes(self, word: bytes, allowed: i64) -> bool:
        """Accept an option that is not a time, unless it contradicts an earlier one."""
        unconditional = self.expected is None
        if word == b"NX" and allowed & EXISTENCE != 0 and not self.only_old and unconditional:
            self.only_new = True
        elif word == b"XX" and allowed & EXISTENCE != 0 and not self.only_new and unconditional:
            self.only_old = True
        elif word == b"GET" and allowed & OLD_VALUE != 0:
            self.get = True
        elif word == b"KEEPTTL" and allowed & KEEP != 0 and not self.unit:
            self.keep_deadline = True
        elif word == b"PERSIST" and allowed & PERSIST != 0 and not self.unit:
            self.persist = True
        else:
            return (
                word == b"IFEQ" and allowed & EXPECTED != 0 and unconditional and not (self.only_new or self.only_old)
            )
        return True

    def without_get(self, args: list[bytes]) -> list[bytes]:
        """The command without GET, for the journal."""
        told = args[: self.first]
        at = self.first
        while at < len(args):
            word = args[at].upper()
            if word != b"GET":
                told.append(args[at])
            at += 1
            if word == b"IFEQ":
                # The comparison value may look like an option.
                told.append(args[at])
                at += 1
        return told

    def absolute(self, args: list[bytes]) -> list[bytes]:
        """The command with its time as PXAT, so that the journal can repeat it later."""
        told = args[: self.first]
        at = self.first
        while at < len(args):
            if args[at].upper() == self.unit:
                told += [b"PXAT", int_text(self.deadline_ms)]
                at += 2
            else:
                told.append(args[at])
                at += 1
        return told
