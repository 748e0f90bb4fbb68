"""HSET, HGET, HGETALL, HDEL, and the rest of the family as it comes."""

from __future__ import annotations

import pytest
from tests.differential.pair import Pair


def test_hset_and_hget(pair: Pair) -> None:
    pair.play(r"""
        HSET h a 1
        HSET h a 2
        HSET h a 3 b 4
        HSET h b 4 c 5 c 6
        HGET h a
        HGET h c
        HGET h missing
        HGET missing a
        ~~ HGETALL h
        HGETALL missing
        HSET h "" ""
        HGET h ""
        HSET "" "" x
        HGET "" ""
        HSET h "\x00\r\n\xff" "\xff\x00"
        HGET h "\x00\r\n\xff"
        hset h A other-case
        HGET h a
        HGET h A
        HSET h n 10 n 010
        HGET h n
        HSET h long 9223372036854775808
        HGET h long
        ~~ HGETALL h
    """)


def test_hset_wants_whole_pairs(pair: Pair) -> None:
    pair.play("""
        HSET h
        HSET h a
        HSET h a 1 b
        HSET h a 1 b 2 c
        EXISTS h
        SET s v
        HSET s a 1 b
        HSET s a 1
    """)


def test_hdel(pair: Pair) -> None:
    pair.play("""
        HDEL missing a
        HSET h a 1 b 2 c 3 d 4
        HDEL h missing
        HDEL h a a missing b
        ~~ HGETALL h
        HDEL h "" c
        HDEL h d d
        EXISTS h
        HDEL h d
        HSET h again 1
        HGETALL h
    """)


def test_wrong_type(pair: Pair) -> None:
    pair.play("""
        SET s v
        ZADD z 1 a
        HSET s f v
        HGET s f
        HGETALL s
        HDEL s f
        HSET z f v
        HGET z f
        HGETALL z
        HDEL z f
    """)


@pytest.mark.parametrize("count", [1, 2, 3, 10, 100, 511, 512, 513, 600, 3000])
def test_many_fields(pair: Pair, count: int) -> None:
    for start in range(0, count, 7):
        words = [word for at in range(start, min(start + 7, count)) for word in (f"field:{at}", f"value {at * 37}")]
        pair.do("HSET", "h", *words)
    pair.unordered("HGETALL", "h", pairs=True)
    for at in range(0, count, 5):
        pair.do("HGET", "h", f"field:{at}")
        pair.do("HSET", "h", f"field:{at}", "x" * (at % 80))
    for at in range(0, count, 3):
        pair.do("HDEL", "h", f"field:{at}", f"field:{at + 1}")
    pair.unordered("HGETALL", "h", pairs=True)
    pair.do("HDEL", "h", *(f"field:{at}" for at in range(count)))
    pair.do("EXISTS", "h")


def test_fields_and_values_of_all_lengths(pair: Pair) -> None:
    for length in (*range(70), 127, 128, 254, 255, 256, 300, 4096, 65535, 65536, 70_000):
        pair.do("HSET", "small", b"f", b"v" * length, b"g", b"w")
        pair.do("HGET", "small", b"f")
        pair.do("HGET", "small", b"g")
        pair.do("HSET", "wide", b"f" * length, b"v" * (length // 2))
        pair.do("HGET", "wide", b"f" * length)
    pair.unordered("HGETALL", "wide", pairs=True)
    pair.do("HSET", "one", "f", b"x" * 64)
    pair.do("HSET", "one", "f", b"x" * 65)
    pair.do("HGETALL", "one")


def test_a_packed_hash_keeps_its_order(pair: Pair) -> None:
    # Up to the listpack limits the reference answers in the order of insertion.
    for at in range(20):
        pair.do("HSET", "h", f"f{at * 13 % 20}", at)
    pair.do("HGETALL", "h")
    pair.do("HSET", "h", "f5", "changed and longer")
    pair.do("HDEL", "h", "f3", "f10")
    pair.do("HGETALL", "h")
    pair.do("HSET", "h", "f3", "again")
    pair.do("HGETALL", "h")


def test_hmset_and_hsetnx(pair: Pair) -> None:
    pair.play("""
        HMSET
        HMSET h
        HMSET h a
        HMSET h a 1 b
        HMSET h a 1 b 2
        HMSET h a 3 c 4
        HMSET s a
        SET s v
        HMSET s a 1
        HSETNX h
        HSETNX h a
        HSETNX h a 5 b
        HSETNX h a 5
        HSETNX h d 5
        HSETNX new "" ""
        HSETNX s a 1
        ~~ HGETALL h
        HGETALL new
    """)


def test_reading_single_fields(pair: Pair) -> None:
    pair.play("""
        HSET h a 1 b "" "" empty c 12345
        SET s v
        HMGET h
        HMGET h a
        HMGET h a missing b "" a
        HMGET missing a b
        HMGET s a
        HEXISTS h
        HEXISTS h a b
        HEXISTS h a
        HEXISTS h ""
        HEXISTS h missing
        HEXISTS missing a
        HEXISTS s a
        HSTRLEN h
        HSTRLEN h a b
        HSTRLEN h b
        HSTRLEN h c
        HSTRLEN h ""
        HSTRLEN h missing
        HSTRLEN missing a
        HSTRLEN s a
        HLEN
        HLEN h h
        HLEN h
        HLEN missing
        HLEN s
    """)


def test_reading_whole_hashes(pair: Pair) -> None:
    pair.play("""
        HSET h a 1 b "" "" empty c 12345
        SET s v
        HKEYS h
        HVALS h
        HGETALL h
        HKEYS missing
        HVALS missing
        HKEYS s
        HVALS s
        HKEYS
        HVALS h h
        HGETALL h h
    """)


@pytest.mark.parametrize("sizes", [(0, 3), (8, 12), (180, 80), (201, 1), (3, 300), (254, 254), (5, 20_000)])
@pytest.mark.parametrize("count", [1, 17, 1000])
def test_whole_large_hashes(pair: Pair, sizes: tuple[int, int], count: int) -> None:
    field, value = sizes
    pair.do("HSET", "h", "first", "x" * 300)
    for at in range(count):
        pair.do("HSET", "h", f"{at}".rjust(field, "f"), f"{at}".rjust(value, "v"))
    pair.do("HLEN", "h")
    pair.unordered("HGETALL", "h", pairs=True)
    pair.unordered("HKEYS", "h")
    pair.unordered("HVALS", "h")
    pair.do("HSTRLEN", "h", f"{count // 2}".rjust(field, "f"))
    pair.do("HMGET", "h", *(f"{at}".rjust(field, "f") for at in range(0, count + 5, 7)))
    # A reply is what the hash was, whatever a later command of the same transaction does to it.
    pair.do("MULTI")
    pair.do("HLEN", "h")
    pair.do("HSET", "h", "first", "changed", "another", "one")
    pair.do("HDEL", "h", *(f"{at}".rjust(field, "f") for at in range(count)))
    pair.do("EXEC")
    pair.unordered("HGETALL", "h", pairs=True)


NUMBERS = (
    *("0", "1", "-1", "10", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "-0", "+1", "01"),
    *(
        "",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "0x10",
        "abc",
        "4611686018427387904",
        "-4611686018427387904",
        "-4611686018427387905",
    ),
)


@pytest.mark.parametrize("large", [False, True])
def test_hincrby(pair: Pair, large: bool) -> None:
    pair.play("""
        HINCRBY h
        HINCRBY h f
        HINCRBY h f 1 2
        SET s v
        HINCRBY s f 1
        HINCRBY s f abc
    """)
    if large:
        pair.do("HSET", "h", "long", "v" * 2000)
    for number in NUMBERS:
        pair.do("HDEL", "h", "f")
        pair.do("HINCRBY", "h", "f", number)
        pair.do("HGET", "h", "f")
        pair.do("HINCRBY", "h", "f", 1)
        pair.do("HINCRBY", "h", "f", -1)
        for value in NUMBERS:
            pair.do("HSET", "h", "f", value)
            pair.do("HINCRBY", "h", "f", number)
            pair.do("HGET", "h", "f")
    pair.do("HSET", "h", "f", "1" * 300)
    pair.do("HINCRBY", "h", "f", 1)


FLOATS = (
    *("0", "1", "-1", "0.1", "5.0e3", "1e17", "-1e-18", "3.14159265358979323846", "0x10", ".5", "5."),
    *("inf", "-inf", "nan", "abc", "", " 1", "1 ", "1e5000", "1e-5000", "1e4930", "123456789.123456789"),
)


@pytest.mark.parametrize("large", [False, True])
def test_hincrbyfloat(pair: Pair, large: bool) -> None:
    pair.play("""
        HINCRBYFLOAT h
        HINCRBYFLOAT h f
        HINCRBYFLOAT h f 1 2
        SET s v
        HINCRBYFLOAT s f 1
        HINCRBYFLOAT s f abc
        HINCRBYFLOAT s f inf
    """)
    if large:
        pair.do("HSET", "h", "long", "v" * 2000)
    for number in FLOATS:
        pair.do("HDEL", "h", "f")
        pair.do("HINCRBYFLOAT", "h", "f", number)
        pair.do("HGET", "h", "f")
        for value in FLOATS:
            pair.do("HSET", "h", "f", value)
            pair.do("HINCRBYFLOAT", "h", "f", number)
            pair.do("HGET", "h", "f")
    pair.do("HSET", "h", "f", "1" * 5119)
    pair.do("HINCRBYFLOAT", "h", "f", 1)
    pair.do("HSET", "h", "f", "1" * 5120)
    pair.do("HINCRBYFLOAT", "h", "f", 1)


def test_encodings(pair: Pair) -> None:
    with pair.config("hash-max-listpack-entries", 4), pair.config("hash-max-listpack-value", 8):
        for name, words in (
            ("HSET", ("a", "12345678")),
            ("HSET", ("a", "123456789")),
            ("HSET", ("123456789", "a")),
            ("HMSET", ("a", "123456789")),
            ("HSETNX", ("a", "123456789")),
            ("HINCRBY", ("a", "123456789")),
            ("HINCRBYFLOAT", ("a", "1234567.125")),
            ("HSETEX", ("FIELDS", "1", "a", "123456789")),
            ("HSETEX", ("EX", "100", "FIELDS", "1", "a", "1")),
            ("HSETEX", ("FIELDS", "1", "a", "1")),
            ("HSET", tuple(f"{n}" for n in range(8))),
            ("HSET", tuple(f"{n}" for n in range(10))),
            ("HSET", ("a", "1") * 5),
            ("HMSET", ("a", "1") * 4),
        ):
            pair.do("DEL", "h")
            pair.do(name, "h", *words)
            pair.do("OBJECT", "ENCODING", "h")
            pair.do("HSETNX", "h", "x", "1")
            pair.do("HSETNX", "h", "y", "1")
            pair.do("HINCRBY", "h", "z", "1")
            pair.do("HINCRBYFLOAT", "h", "w", "1")
            pair.do("OBJECT", "ENCODING", "h")
            pair.do("HSETNX", "h", "v", "1")
            pair.do("OBJECT", "ENCODING", "h")
            pair.do("HDEL", "h", "x", "y", "z", "w", "v")
            pair.do("OBJECT", "ENCODING", "h")
    pair.do("HSET", "h", "b", "1" * 64)
    pair.do("OBJECT", "ENCODING", "h")


def test_hrandfield_syntax(pair: Pair) -> None:
    pair.play("""
        HSET h a 1
        SET s v
        HRANDFIELD
        HRANDFIELD h
        HRANDFIELD missing
        HRANDFIELD s
        HRANDFIELD h 1
        HRANDFIELD h 0
        HRANDFIELD h 5
        HRANDFIELD h -3
        HRANDFIELD h 1 WITHVALUES
        HRANDFIELD h -3 withvalues
        HRANDFIELD h 0 WITHVALUES
        HRANDFIELD missing 1
        HRANDFIELD missing -1 WITHVALUES
        HRANDFIELD s 1
        HRANDFIELD s 0
        HRANDFIELD s abc
        HRANDFIELD h abc
        HRANDFIELD h WITHVALUES
        HRANDFIELD h abc FOO
        HRANDFIELD h 1 FOO
        HRANDFIELD h 1 WITHVALUES FOO
        HRANDFIELD h 1.5
        HRANDFIELD h ""
        HRANDFIELD h -9223372036854775808
        HRANDFIELD h -9223372036854775808 WITHVALUES
        HRANDFIELD h 9223372036854775807
        HRANDFIELD h 9223372036854775808
        HRANDFIELD h 9223372036854775807 WITHVALUES
        HRANDFIELD h 4611686018427387903 WITHVALUES
        HRANDFIELD h 4611686018427387904 WITHVALUES
        HRANDFIELD missing -4611686018427387903 WITHVALUES
        HRANDFIELD missing -4611686018427387904 WITHVALUES
    """)


@pytest.mark.parametrize("count", [3, 40, 700])
def test_hrandfield_draws_what_is_there(pair: Pair, count: int) -> None:
    content = {b"field:%d" % n: b"v%d" % (n * 7) for n in range(count)}
    pair.do("HSET", "h", *(word for item in content.items() for word in item))
    for asked in (1, 2, count // 2, count - 1, count, count + 1, -1, -5, -count * 2):
        # Drawn by chance, so each server is judged by itself; the shapes are the same.
        for reply in pair.both("HRANDFIELD", "h", asked):
            fields = [item.text for item in reply.items]
            assert len(fields) == (-asked if asked < 0 else min(asked, count))
            assert set(fields) <= set(content)
            assert asked < 0 or len(set(fields)) == len(fields)
        for reply in pair.both("HRANDFIELD", "h", asked, "WITHVALUES"):
            flat = [part for item in reply.items for part in (item.items or [item])]
            texts = [item.text for item in flat]
            assert all(content[field or b""] == value for field, value in zip(texts[::2], texts[1::2], strict=True))
        theirs, ours = pair.both("HRANDFIELD", "h", asked, "WITHVALUES")
        assert [item.kind for item in theirs.items] == [item.kind for item in ours.items]
    pair.unordered("HRANDFIELD", "h", count)
    pair.unordered("HRANDFIELD", "h", count, "WITHVALUES", pairs=pair.protocol == 2)
