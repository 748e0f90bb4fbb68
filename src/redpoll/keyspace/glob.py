"""Glob patterns over bytes: KEYS, SCAN MATCH, CONFIG GET, PSUBSCRIBE.

Source: spec/values.md, "Across types".  A class without `]` ends with the pattern; there are no braces and no `!`.
"""

from __future__ import annotations

import re


class Glob:
    """A compiled pattern.

    A regular expression does the matching.  It cannot take exponential time: `*` never backtracks far.
    """

    def __init__(self, pattern: bytes) -> None:
        self.pattern = pattern
        self.matches_all = pattern == b"*"
        self.prefix = literal_prefix(pattern)
        self.is_prefix = pattern == self.prefix + b"*"
        """Whether the prefix and a star are all: then no regular expression is needed."""
        self.expression = re.compile(translate(pattern), re.DOTALL)

    def matches(self, text: bytes) -> bool:
        """Whether all of `text` matches."""
        if len(text) == 0:
            # As in the reference, only these two patterns match the empty text.
            return self.matches_all or len(self.pattern) == 0
        if self.matches_all:
            return True
        # Most keys of a large keyspace are rejected here, at a tenth of the cost of the expression.
        if not text.startswith(self.prefix):
            return False
        return self.is_prefix or self.expression.fullmatch(text) is not None


def literal_prefix(pattern: bytes) -> bytes:
    """The literal prefix of every match: the bytes before the first special one."""
    stop = 0
    while stop < len(pattern) and pattern[stop] not in b"*?[\\":
        stop += 1
    return pattern[:stop]


def translate(pattern: bytes) -> bytes:
    """The pattern as a regular expression."""
    out = b""
    at = 0
    size = len(pattern)
    while at < size:
        c = pattern[at : at + 1]
        at += 1
        if c == b"*":
            while pattern[at : at + 1] == b"*":
                at += 1
            # The text up to the next star is fixed, so the first match of it is enough.
            stop = at
            while stop < size and pattern[stop : stop + 1] != b"*":
                stop = _after(pattern, stop)
            piece = _pieces(pattern, at, stop)
            if stop >= size:
                return out + b".*" + piece
            out += b"(?>.*?" + piece + b")"
            at = stop
        else:
            at -= 1
            following = _after(pattern, at)
            out += _pieces(pattern, at, following)
            at = following
    return out


def _after(pattern: bytes, at: int) -> int:
    """The end of the pattern element that begins at `at`."""
    c = pattern[at : at + 1]
    if c == b"\\":
        return min(at + 2, len(pattern))
    if c != b"[":
        return at + 1
    at += 1
    if pattern[at : at + 1] == b"^":
        at += 1
    while at < len(pattern):
        c = pattern[at : at + 1]
        if c == b"\\" and at + 1 < len(pattern):
            at += 2
        elif c == b"]":
            return at + 1
        elif at + 2 < len(pattern) and pattern[at + 1 : at + 2] == b"-":
            at += 3
        else:
            at += 1
    return at


def _pieces(pattern: bytes, at: int, stop: int) -> bytes:
    out = b""
    while at < stop:
        following = _after(pattern, at)
        c = pattern[at : at + 1]
        if c == b"?":
            out += b"."
        elif c == b"[":
            out += _class(pattern, at + 1, following)
        elif c == b"\\" and following - at == 2:
            out += re.escape(pattern[at + 1 : at + 2])
        else:
            out += re.escape(c)
        at = following
    return out


def _class(pattern: bytes, at: int, stop: int) -> bytes:
    """A `[...]` as a set of bytes."""
    negated = pattern[at : at + 1] == b"^"
    if negated:
        at += 1
    members: set[int] = set()
    while at < stop:
        c = pattern[at]
        if c == 0x5C and at + 1 < len(pattern):
            members.add(pattern[at + 1])
            at += 2
        elif c == 0x5D:
            break
        elif at + 2 < len(pattern) and pattern[at + 1] == 0x2D:
            low, high = sorted((c, pattern[at + 2]))
            members.update(range(low, high + 1))
            at += 3
        else:
            members.add(c)
            at += 1
    if negated:
        members = set(range(256)) - members
    if not members:
        return b"(?!)"
    return b"[" + b"".join([b"\\x%02x" % member for member in sorted(members)]) + b"]"
