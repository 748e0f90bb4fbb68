"""Lines into words and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.config.quoting import quote, split_line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", []),
        (b" \t\r\n\v\f ", []),
        (b"port 6379", [b"port", b"6379"]),
        (b"  a\tb\rc ", [b"a", b"b", b"c"]),
        (b'a"b"c', [b"abc"]),
        (b"a'b'c", [b"abc"]),
        (b"'' \"\"", [b"", b""]),
        (rb'"\n\r\t\b\a\x41\q\""', [b'\n\r\t\b\aAq"']),
        (rb'"\xzz\x4"', [b"xzzx4"]),
        (rb"'\'\n'", [rb"'\n"]),
        (rb"\x41", [rb"\x41"]),
        (b"a\vb \vc", [b"a\vb", b"c"]),
        (rb'"a\""', [b'a"']),
        (b"a\0b c", [b"a"]),
        (b'"a\0b"', [b"a\0b"]),
        (b'"\xff"', [b"\xff"]),
    ],
)
def test_a_line_is_split_as_a_shell_would(line: bytes, words: list[bytes]) -> None:
    assert split_line(line) == words


@pytest.mark.parametrize("line", [b'"', b"a'b", b'a "b', rb'"a\" x', rb'"\x4', rb'"a\\\"b', b"'\""])
def test_an_open_quote_is_told(line: bytes) -> None:
    assert split_line(line) is None
    assert split_line(line, inline=True) is None


@pytest.mark.parametrize("line", [rb'"a\"', rb"'a\'"])
def test_the_last_quote_of_a_line_is_escaped_in_a_file_but_closes_an_inline_command(line: bytes) -> None:
    assert split_line(line) is None
    assert split_line(line, inline=True) == [b"a\\"]


def test_quoting_escapes_all_but_printable_ascii() -> None:
    assert quote(b'a "\\\n\x01\xe9') == rb'"a \"\\\n\x01\xe9"'


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_quoted_words_are_split_back_into_themselves(words: list[bytes]) -> None:
    assert split_line(b" ".join(quote(word) for word in words)) == words
    assert split_line(b" ".join(quote(word) for word in words), inline=True) == words


@given(st.binary(max_size=60))
def test_any_line_is_split_or_refused(line: bytes) -> None:
    assert split_line(line) is None or isinstance(split_line(line), list)
