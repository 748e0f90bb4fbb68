"""Splits a line into words as a shell does, and quotes a word so that splitting gives it back.

Used by redis.conf and by inline commands, which share one syntax:

    line  = [blank] word {blank word} [blank]
    word  = {bare | '"' {any | escape} '"' | "'" {any | "\\'"} "'"}        quoted and bare parts may touch

A word ends at a blank, a tab, a CR, an LF or a NUL; vertical tab and form feed separate words only when they follow
such a byte.  Within double quotes `\\n \\r \\t \\b \\a \\xHH` have their usual meaning and `\\c` is c for any other c.

In an inline command, a backslash before the last byte of the line is literal, because that byte can only be the closing
quote.  In redis.conf it escapes that byte, and the quote is left open.
"""

from __future__ import annotations

from typing import Final

BLANKS: Final = b" \t\n\r\v\f"
"""Bytes that are skipped before a word."""

ENDS: Final = b" \t\n\r\0"
"""Bytes that end an unquoted word."""

QUOTE: Final = ord('"')
APOSTROPHE: Final = ord("'")
BACKSLASH: Final = ord("\\")

ESCAPES: Final = {ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("b"): 8, ord("a"): 7}
ESCAPED: Final = {10: b"\\n", 13: b"\\r", 9: b"\\t", 8: b"\\b", 7: b"\\a", QUOTE: b'\\"', BACKSLASH: b"\\\\"}
HEX_DIGITS: Final = b"0123456789abcdefABCDEF"


def split_line(line: bytes, inline: bool = False) -> list[bytes] | None:
    """Split `line`, an `inline` command or a line of redis.conf; return None if a quote is left open.  O(bytes)."""
    words: list[bytes] = []
    at = 0
    size = len(line)
    last = size - 1 if inline else size
    while True:
        while at < size and line[at] in BLANKS:
            at += 1
        if at == size or line[at] == 0:
            return words
        word = bytearray()
        while at < size and line[at] not in ENDS:
            if line[at] == QUOTE:
                at = read_quoted(line, at + 1, last, word)
            elif line[at] == APOSTROPHE:
                at = read_apostrophes(line, at + 1, last, word)
            else:
                word.append(line[at])
                at += 1
            if at < 0:
                return None
        words.append(bytes(word))


def read_quoted(line: bytes, at: int, last: int, word: bytearray) -> int:
    """Add the text up to the closing double quote to `word`; return the index after the quote, -1 if it is missing.

    A backslash only escapes bytes before `last`.
    """
    size = len(line)
    while at < size:
        byte = line[at]
        if byte == QUOTE:
            return at + 1
        if byte != BACKSLASH or at + 1 >= last:
            word.append(byte)
            at += 1
        elif line[at + 1] == ord("x") and at + 3 < size and line[at + 2] in HEX_DIGITS and line[at + 3] in HEX_DIGITS:
            word.append(int(line[at + 2 : at + 4], 16))
            at += 4
        else:
            word.append(ESCAPES.get(line[at + 1], line[at + 1]))
            at += 2
    return -1


def read_apostrophes(line: bytes, at: int, last: int, word: bytearray) -> int:
    """The same for single quotes, in which only `\\'` is an escape."""
    size = len(line)
    while at < size:
        byte = line[at]
        if byte == APOSTROPHE:
            return at + 1
        if byte == BACKSLASH and at + 1 < last and line[at + 1] == APOSTROPHE:
            at += 1
            byte = APOSTROPHE
        word.append(byte)
        at += 1
    return -1


def quote(word: bytes) -> bytes:
    """`word` within double quotes, all but printable ASCII escaped; `split_line` gives it back.  O(bytes)."""
    parts = [b'"']
    for byte in word:
        if byte in ESCAPED:
            parts.append(ESCAPED[byte])
        elif 32 <= byte < 127:
            parts.append(bytes([byte]))
        else:
            parts.append(b"\\x%02x" % byte)
    parts.append(b'"')
    return b"".join(parts)
