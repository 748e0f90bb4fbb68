"""Glob patterns: the short ways agree with the long one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from redpoll.keyspace.glob import Glob, literal_prefix

patterns = st.lists(st.sampled_from([b"a", b"b", b"ab", b"*", b"?", b"[", b"]", b"^", b"\\", b"-"]), max_size=8)
texts = st.lists(st.sampled_from([b"a", b"b", b"*", b"\\", b"[", b"\n"]), min_size=1, max_size=8)


@given(patterns, texts)
def test_prefixes_decide_as_the_expression_does(parts: list[bytes], letters: list[bytes]) -> None:
    glob = Glob(b"".join(parts))
    text = b"".join(letters)
    assert glob.matches(text) == (glob.expression.fullmatch(text) is not None)


def test_a_prefix_ends_where_a_byte_has_a_meaning() -> None:
    for pattern, prefix in (
        (b"user:*", b"user:"),
        (b"user:?", b"user:"),
        (b"us\\er", b"us"),
        (b"us[e]r", b"us"),
        (b"]^-", b"]^-"),
        (b"", b""),
    ):
        assert literal_prefix(pattern) == prefix


def test_ranges_go_over_all_bytes_in_either_direction() -> None:
    for pattern, found in (
        (b"[\x00-\xff]", range(256)),
        (b"[\xff-A]", range(65, 256)),
        (b"[\x80-\xc0]", range(128, 193)),
        (b"[^\x01-\xff]", (0,)),
    ):
        glob = Glob(pattern)
        assert [byte for byte in range(256) if glob.matches(bytes((byte,)))] == list(found)
