"""Packed bytes: what is compared, patched and spliced in part shows at every length and at every place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from redpoll.structures.packed import LENGTH_BYTE, PATCH_LIMIT, equal_at, patched, spliced, without, words_bytes

LENGTHS = (*range(40), 63, 64, 65, 200, 255)
texts = st.binary(max_size=60)


def pattern(length: int) -> bytes:
    """Bytes of which no two neighbours within 250 are alike."""
    return bytes(1 + (n * 7) % 250 for n in range(length))


def test_equal_bytes_are_equal_wherever_they_stand() -> None:
    for length in LENGTHS:
        key = pattern(length)
        for at in (0, 1, 7, 8, 13):
            assert equal_at(b"\xff" * at + key, at, key, length)
            assert equal_at(b"\xff" * at + key + b"\xff" * 9, at, key, length)


def test_one_other_byte_at_any_place_makes_them_differ() -> None:
    for length in LENGTHS:
        key = pattern(length)
        for place in range(length):
            for bit in (1, 128):
                other = bytearray(key)
                other[place] ^= bit
                assert not equal_at(b"ab" + bytes(other) + b"c", 2, key, length), (length, place)


def test_bytes_beside_the_place_do_not_count() -> None:
    for length in LENGTHS:
        key = pattern(length)
        shifted = key[1:] + b"\0"
        assert equal_at(b"\0" + key + b"\0", 1, key, length)
        assert equal_at(b"\0" + key + b"\0", 0, key, length) == (length == 0)
        assert equal_at(b"\0" + key + b"\0", 2, shifted, length)


def test_a_patch_of_any_size_changes_its_place_only() -> None:
    for size in (*range(40), 100):
        for before in (b"", b"a", b"before" * 20):
            for behind in (b"", b"z", b"behind" * 20):
                blob = before + b"." * size + behind
                data = pattern(size)
                assert before + data + behind == patched(blob, len(before), data)
                assert blob == before + b"." * size + behind


def test_patches_on_both_sides_of_the_limit_do_not_leave_bytes_of_the_last_one() -> None:
    for size in (PATCH_LIMIT - 1, PATCH_LIMIT, PATCH_LIMIT + 1):
        assert patched(b"." * 300, 7, b"x" * size) == b"." * 7 + b"x" * size + b"." * (293 - size)
        assert patched(b"short" * 8, 1, b"y" * size) == b"s" + b"y" * size + (b"short" * 8)[1 + size :]


@given(texts, texts, texts, texts)
def test_splicing_puts_data_in_place_of_a_part(before: bytes, old: bytes, behind: bytes, data: bytes) -> None:
    start, stop = len(before), len(before) + len(old)
    assert before + data + behind == spliced(before + old + behind, start, stop, data)
    assert before + data[: len(old)].ljust(len(old)) + behind == spliced(
        before + old + behind, start, stop, data[: len(old)].ljust(len(old))
    )


@given(texts, texts, texts)
def test_without_leaves_the_rest(before: bytes, old: bytes, behind: bytes) -> None:
    assert before + behind == without(before + old + behind, len(before), len(before) + len(old))


def test_the_byte_of_a_length() -> None:
    assert b"".join(LENGTH_BYTE) == bytes(range(256))


@given(st.lists(texts), st.integers(0, 5))
def test_the_bytes_of_words(words: list[bytes], at: int) -> None:
    assert words_bytes(words, at) == len(b"".join(words[at:]))
