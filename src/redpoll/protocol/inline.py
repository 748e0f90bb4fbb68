"""Splitting a line of words as a shell does: inline commands and lines of the configuration file.

    word  = (bare | quoted)+          bare and quoted parts may touch: a"b"c is abc
    double quotes                     \\n \\r \\t \\b \\a \\xHH, and \\c is c for any other c
    single quotes                     \\' and nothing else
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

QUOTE: Final = 34
APOSTROPHE: Final = 39
BACKSLASH: Final = 92
LETTER_X: Final = 120


def is_space(c: i64) -> bool:
    """Whether `c` separates words: a blank, or 9 to 13 (tab, line feed, CR and their like)."""
    return c == 32 or (c >= 9 and c <= 13)


def hex_digit(c: i64) -> i64:
    """The value of the hexadecimal digit `c`, or -1."""
    if c >= 48 and c <= 57:
        return c - 48
    c |= 32
    if c >= 97 and c <= 102:
        return c - 87
    return -1


def split_words(line: bytes) -> list[bytes] | None:
    """The words of `line`, none if it is blank; None if a quote stays open or touches a bare word behind it.

    O(bytes).
    """
    words: list[bytes] = []
    word = BytesWriter()
    at: i64 = 0
    end: i64 = len(line)
    while True:
        while at < end and is_space(line[at]):
            at += 1
        if at == end:
            return words
        word.truncate(0)
        while at < end and not is_space(line[at]):
            c: i64 = line[at]
            if c == QUOTE:
                at = read_double_quoted(line, at + 1, word)
            elif c == APOSTROPHE:
                at = read_single_quoted(line, at + 1, word)
            else:
                word.append(c)
                at += 1
                continue
            # A closing quote ends the word.
            if at < 0 or (at < end and not is_space(line[at])):
                return None
        words.append(word.getvalue())


def read_double_quoted(line: bytes, at: i64, word: BytesWriter) -> i64:
    """Append what stands before the closing `"`; the position behind it, or -1 if there is none."""
    end: i64 = len(line)
    while at < end:
        c: i64 = line[at]
        if c == QUOTE:
            return at + 1
        if c == BACKSLASH and at + 1 < end:
            if line[at + 1] == LETTER_X and at + 3 < end:
                high = hex_digit(line[at + 2])
                low = hex_digit(line[at + 3])
                if high >= 0 and low >= 0:
                    word.append(high << 4 | low)
                    at += 4
                    continue
            at += 1
            word.append(escaped(line[at]))
        else:
            word.append(c)
        at += 1
    return -1


def escaped(c: i64) -> i64:
    """What a backslash and the character `c` stand for inside double quotes."""
    if c == 110:
        return 10
    if c == 114:
        return 13
    if c == 116:
        return 9
    if c == 98:
        return 8
    if c == 97:
        return 7
    return c


def read_single_quoted(line: bytes, at: i64, word: BytesWriter) -> i64:
    """Append what stands before the closing `'`; the position behind it, or -1 if there is none."""
    end: i64 = len(line)
    while at < end:
        c: i64 = line[at]
        if c == APOSTROPHE:
            return at + 1
        if c == BACKSLASH and at + 1 < end and line[at + 1] == APOSTROPHE:
            at += 1
            c = APOSTROPHE
        word.append(c)
        at += 1
    return -1
