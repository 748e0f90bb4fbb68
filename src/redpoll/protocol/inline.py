"""Splitting a line into words as a shell does: inline commands and lines of the configuration file.

    word = part+                      parts may touch: a"b"'c' is abc
    part = bare | "..." | '...'
    "..."                             \\n \\r \\t \\b \\a \\xHH, and \\c is c for any other c
    '...'                             \\' and nothing else

Blank, tab, CR and LF end a bare part; vertical tab and form feed are skipped before a word but do not end one.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64, u8

TAB: Final = 9
LINE_FEED: Final = 10
CARRIAGE_RETURN: Final = 13
BLANK: Final = 32
QUOTE: Final = 34
APOSTROPHE: Final = 39
BACKSLASH: Final = 92
LETTER_X: Final = 120


def split_words(line: bytes) -> list[bytes] | None:
    """The words of `line`, none if it is blank; None if a quote stays open.  O(bytes)."""
    words: list[bytes] = []
    word = BytesWriter()
    at: i64 = 0
    end: i64 = len(line)
    while True:
        while at < end and (line[at] == BLANK or (line[at] >= TAB and line[at] <= CARRIAGE_RETURN)):
            at += 1
        if at == end:
            return words
        word.truncate(0)
        while at < end:
            c: i64 = line[at]
            if c == BLANK or c == TAB or c == LINE_FEED or c == CARRIAGE_RETURN:
                break
            if c == QUOTE:
                at = read_double_quoted(line, at + 1, word)
            elif c == APOSTROPHE:
                at = read_single_quoted(line, at + 1, word)
            else:
                word.append(u8(c))
                at += 1
            if at < 0:
                return None
        words.append(word.getvalue())


def read_double_quoted(line: bytes, start: i64, word: BytesWriter) -> i64:
    """Append to `word` what stands before the closing `"`; the position behind it, or -1 if there is none."""
    at: i64 = start
    end: i64 = len(line)
    while at < end:
        c: i64 = line[at]
        if c == QUOTE:
            return at + 1
        if c == BACKSLASH and at + 1 < end:
            at += 1
            c = line[at]
            if c == LETTER_X and at + 2 < end and hex_digit(line[at + 1]) >= 0 and hex_digit(line[at + 2]) >= 0:
                c = hex_digit(line[at + 1]) << 4 | hex_digit(line[at + 2])
                at += 2
            else:
                c = unescaped(c)
        word.append(u8(c))
        at += 1
    return -1


def read_single_quoted(line: bytes, start: i64, word: BytesWriter) -> i64:
    """Append to `word` what stands before the closing `'`; the position behind it, or -1 if there is none."""
    at: i64 = start
    end: i64 = len(line)
    while at < end:
        c: i64 = line[at]
        if c == APOSTROPHE:
            return at + 1
        if c == BACKSLASH and at + 1 < end and line[at + 1] == APOSTROPHE:
            at += 1
            c = APOSTROPHE
        word.append(u8(c))
        at += 1
    return -1


def unescaped(c: i64) -> i64:
    """What a backslash and the character `c` stand for inside double quotes."""
    if c == 110:
        return LINE_FEED
    if c == 114:
        return CARRIAGE_RETURN
    if c == 116:
        return TAB
    if c == 98:
        return 8
    if c == 97:
        return 7
    return c


def hex_digit(c: i64) -> i64:
    """The value of the hexadecimal digit `c`, or -1."""
    if c >= 48 and c <= 57:
        return c - 48
    if (c >= 97 and c <= 102) or (c >= 65 and c <= 70):
        return (c | 32) - 87
    return -1
