"""Words of a line, as the reference's ECHO gave them back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.protocol.inline import split_words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", []),
        (b" \t\r\n\v\f", []),
        (b"PING", [b"PING"]),
        (b"  SET\ta\rb ", [b"SET", b"a", b"b"]),
        (b'a"b"c', [b"abc"]),
        (b"\"a\"'b'c", [b"abc"]),
        (b"a\vb \vc", [b"a\vb", b"c"]),
        (b'""', [b""]),
        (b"''", [b""]),
        (b'"a b" c', [b"a b", b"c"]),
        (rb'"\n\r\t\b\a\q\"\\"', [b'\n\r\t\b\aq"\\']),
        (rb'"\x41\x0a\xfF"', [b"A\n\xff"]),
        (rb'"\x4" "\xg1" "\x"', [b"x4", b"xg1", b"x"]),
        (rb"'a\n' 'a\'b'", [rb"a\n", b"a'b"]),
        (rb"a\nb", [rb"a\nb"]),
        (b"\xa0x", [b"\xa0x"]),
    ],
)
def test_lines_are_split_like_a_shell_line(line: bytes, words: list[bytes]) -> None:
    assert words == split_words(line)


@pytest.mark.parametrize("line", [b'"', b"'", b'a "b', b"a 'b", b'"a\\"', b"'a\\'", b'"a\\', b"'a\\", b'a"', b'"\\x41'])
def test_an_open_quote_is_no_line(line: bytes) -> None:
    assert split_words(line) is None


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_words_quoted_byte_by_byte_come_back(words: list[bytes]) -> None:
    line = b" ".join(b'"%b"' % b"".join(b"\\x%02x" % c for c in word) for word in words)
    assert words == split_words(line)


@given(st.binary(max_size=40))
def test_no_line_is_too_strange(line: bytes) -> None:
    words = split_words(line)
    assert words is None or sum(map(len, words)) <= len(line)
