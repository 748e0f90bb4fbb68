"""Replies on the wire: as the reference spells them, and back through a decoder of redis-py's protocol family."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.commands.hash_replies import packed_pairs
from redpoll.protocol.encode import encode
from redpoll.protocol.output import BIG, KEPT, Output
from redpoll.protocol.reply import (
    ARRAY,
    BLOCKED,
    MAP,
    NO_REPLY,
    NULL_ARRAY,
    OK,
    SET,
    Attribute,
    BigNumber,
    Boolean,
    Double,
    Error,
    Map,
    Pairs,
    Push,
    RecordStrings,
    Sequence,
    SetOf,
    Status,
    Strings,
    Verbatim,
    View,
)
from redpoll.types.hash import Hash


def wire(reply: object, resp: int) -> bytes:
    out = Output()
    encode(out, reply, resp)
    size = out.size()
    data = b"".join(out.take())
    assert size == len(data)
    assert out.size() == 0
    return data


def view(count: int, shape: int) -> View:
    """0, 1, 2 ... as text.  A view of the product's own, as a compiled class has no interpreted subclasses."""
    value = Hash()
    for n in range(0, count, 2):
        value.put(b"%d" % n, b"%d" % (n + 1))
    made = packed_pairs(value.items(), shape)
    made.count = count
    return made


def test_strings_where_they_lie() -> None:
    strings = Strings()
    holder = bytes(range(200))
    expected: list[bytes | None] = []
    for size in range(70):
        strings.add_part(holder, size, size + size)
        expected.append(holder[size : size + size])
    strings.add(None)
    strings.add(b"whole")
    strings.add(b"")
    expected += [None, b"whole", b""]
    assert strings.to_list() == expected
    assert wire(strings, 2) == wire(list(expected), 2)
    assert wire(strings, 3) == wire(list(expected), 3)
    assert wire(Strings(), 2) == b"*0\r\n"


@pytest.mark.parametrize(
    ("reply", "resp2", "resp3"),
    [
        (b"", b"$0\r\n\r\n", None),
        (b"ab", b"$2\r\nab\r\n", None),
        (b"a" * 10, b"$10\r\n" + b"a" * 10 + b"\r\n", None),
        (b"a" * 99, b"$99\r\n" + b"a" * 99 + b"\r\n", None),
        (b"a" * 100, b"$100\r\n" + b"a" * 100 + b"\r\n", None),
        (0, b":0\r\n", None),
        (10, b":10\r\n", None),
        (123456, b":123456\r\n", None),
        (-1, b":-1\r\n", None),
        (2**63 - 1, b":9223372036854775807\r\n", None),
        (-(2**63), b":-9223372036854775808\r\n", None),
        (None, b"$-1\r\n", b"_\r\n"),
        (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
        (OK, b"+OK\r\n", None),
        (Status(b"Background saving started"), b"+Background saving started\r\n", None),
        (Error(b"ERR no"), b"-ERR no\r\n", None),
        (Error(b"ERR a\r\nb\nc"), b"-ERR a  b c\r\n", None),
        ([], b"*0\r\n", None),
        ([b"a", 1, None, [OK, [b""]]], b"*4\r\n$1\r\na\r\n:1\r\n$-1\r\n*2\r\n+OK\r\n*1\r\n$0\r\n\r\n", "_"),
        (
            Map([b"a", 1, b"b", []]),
            b"*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n*0\r\n",
            b"%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n*0\r\n",
        ),
        (Map([]), b"*0\r\n", b"%0\r\n"),
        (SetOf([1, 2]), b"*2\r\n:1\r\n:2\r\n", b"~2\r\n:1\r\n:2\r\n"),
        (Pairs([b"a", Double(1.0)]), b"*2\r\n$1\r\na\r\n$1\r\n1\r\n", b"*1\r\n*2\r\n$1\r\na\r\n,1\r\n"),
        (Double(3.141), b"$5\r\n3.141\r\n", b",3.141\r\n"),
        (Double(math.inf), b"$3\r\ninf\r\n", b",inf\r\n"),
        (Double(-math.inf), b"$4\r\n-inf\r\n", b",-inf\r\n"),
        (Double(math.nan), b"$3\r\nnan\r\n", b",nan\r\n"),
        (Boolean(True), b":1\r\n", b"#t\r\n"),
        (Boolean(False), b":0\r\n", b"#f\r\n"),
        (BigNumber(b"-12"), b"$3\r\n-12\r\n", b"(-12\r\n"),
        (Verbatim(b"This is"), b"$7\r\nThis is\r\n", b"=11\r\ntxt:This is\r\n"),
        (Verbatim(b"", b"mkd"), b"$0\r\n\r\n", b"=4\r\nmkd:\r\n"),
        (Push([b"message", b"c", b"x"]), b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n", ">"),
        (Attribute([b"ttl", 5], b"v"), b"$1\r\nv\r\n", b"|1\r\n$3\r\nttl\r\n:5\r\n$1\r\nv\r\n"),
        (Sequence([1, [2]]), b":1\r\n*1\r\n:2\r\n", None),
        (view(4, ARRAY), b"*4\r\n$1\r\n0\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n", None),
        (view(2, SET), b"*2\r\n$1\r\n0\r\n$1\r\n1\r\n", b"~2\r\n$1\r\n0\r\n$1\r\n1\r\n"),
        (view(2, MAP), b"*2\r\n$1\r\n0\r\n$1\r\n1\r\n", b"%1\r\n$1\r\n0\r\n$1\r\n1\r\n"),
        (NO_REPLY, b"", None),
        (BLOCKED, b"", None),
    ],
)
def test_replies_are_spelled_in_both_protocols(reply: object, resp2: bytes, resp3: bytes | str | None) -> None:
    if resp3 is None:
        resp3 = resp2
    elif resp3 == "_":
        resp3 = resp2.replace(b"$-1\r\n", b"_\r\n")
    elif resp3 == ">":
        resp3 = b">" + resp2[1:]
    assert resp2 == wire(reply, 2)
    assert resp3 == wire(reply, 3)


@pytest.mark.parametrize("reply", [True, False, [True], "text", 1.5, (1,), {}, bytearray(b"a"), Map([b"a", True])])
def test_what_is_no_reply_is_refused(reply: object) -> None:
    with pytest.raises(TypeError):
        wire(reply, 3)


def test_a_map_without_its_last_value_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        wire(Map([b"a"]), 3)


def decode(data: bytes, at: int = 0) -> tuple[object, int]:
    """A decoder for the replies below, in the plainest Python."""
    end = data.index(b"\r\n", at)
    kind, line = data[at : at + 1], data[at + 1 : end]
    after = end + 2
    if kind == b"$":
        if line == b"-1":
            return None, after
        size = int(line)
        assert data[after + size : after + size + 2] == b"\r\n"
        return data[after : after + size], after + size + 2
    if kind == b"_":
        return None, after
    if kind == b":":
        return int(line), after
    assert kind == b"*"
    items = []
    for _ in range(int(line)):
        item, after = decode(data, after)
        items.append(item)
    return items, after


plain = st.recursive(
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=300) | st.integers(BIG - 2, BIG + 2).map(bytes),
    lambda inner: st.lists(inner, max_size=20),
    max_leaves=30,
)


@given(plain, st.sampled_from([2, 3]))
def test_what_is_encoded_decodes_to_itself(reply: object, resp: int) -> None:
    data = wire(reply, resp)
    assert (reply, len(data)) == decode(data)


def test_big_strings_are_handed_on_and_not_copied() -> None:
    big = bytes(BIG)
    out = Output()
    encode(out, [b"a", big, big, b"b"], 2)
    pieces = out.take()
    assert [piece is big for piece in pieces] == [False, True, False, True, False]
    assert all(pieces)


def test_an_output_is_drained_in_one_piece_if_it_is_small() -> None:
    out = Output()
    assert out.take() == []
    encode(out, 1, 2)
    assert out.take_bytes() == b":1\r\n"
    assert out.take_bytes() == b""
    encode(out, bytes(BIG), 2)
    assert out.take_bytes() is None
    assert len(b"".join(out.take())) == BIG + 10


def test_an_output_that_grew_starts_small_again() -> None:
    out = Output()
    before = out.buffer
    for _ in range(100):
        encode(out, bytes(1000), 2)
    assert out.size() > KEPT
    assert len(b"".join(out.take())) > KEPT
    assert out.buffer is not before
    out.write(b"x")
    assert out.take() == [b"x"]


@pytest.mark.parametrize(("names", "values"), [(True, True), (True, False), (False, True)])
def test_records_where_they_lie(names: bool, values: bool) -> None:
    pairs = [(b"n%d" % n, b"v" * (n * 7)) for n in range(12)] + [(b"", b""), (b"name", b""), (b"", b"value")]
    view = RecordStrings(ARRAY, names, values)
    lengths = []
    for start in (0, 5, 12):
        part = pairs[start : {0: 5, 5: 12, 12: 15}[start]]
        view.pieces.append(b"".join(bytes([len(name)]) + name + value for name, value in part))
        lengths += [1 + len(name) + len(value) for name, value in part]
    view.lengths = bytes(lengths)
    pairs.append((b"long" * 100, b"value" * 4000))
    view.wholes = [word for said, word in ((names, pairs[-1][0]), (values, pairs[-1][1])) if said]
    expected = [word for name, value in pairs for said, word in ((names, name), (values, value)) if said]
    view.count = len(expected)
    assert view.to_list() == expected
    assert wire(view, 2) == wire(list(expected), 2)


def long_replies() -> dict[str, object]:
    """A reply of each kind that has no bound."""
    words: list[object] = [b"word:%06d" % n for n in range(50_000)]
    strings = Strings()
    for n in range(50_000):
        strings.add(b"word:%06d" % n)
    records = RecordStrings(ARRAY, True, True)
    records.pieces = [b"".join(b"\x04%04d%06d" % (n, n) for n in range(at, at + 50)) for at in range(0, 5000, 50)] * 5
    records.lengths = bytes([11]) * 25_000
    records.count = 50_000
    return {
        "list": words,
        "nested": [words[:], [words[:]]],
        "map": Map(words[:]),
        "pairs": Pairs(words[:]),
        "strings": strings,
        "records": records,
    }


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("kind", ["list", "nested", "map", "pairs", "strings", "records"])
def test_a_long_reply_never_lies_in_one_buffer(kind: str, resp: int) -> None:
    """Its pieces are as large as what one `send` takes, and the buffer is used for all of them."""
    out = Output()
    encode(out, long_replies()[kind], resp)
    assert out.room <= KEPT
    pieces = out.take()
    assert len(pieces) > 5
    assert max(map(len, pieces)) <= KEPT


def test_a_buffer_that_is_hardly_used_shrinks() -> None:
    out = Output()
    encode(out, b"x" * 10_000, 2)
    assert out.room == out.peak == 0
    out.take_bytes()
    assert out.room == out.peak == 10_010
    out.shrink()
    assert out.room == 10_010
    out.peak = 0
    encode(out, b"x" * 4_000, 2)
    out.shrink()
    assert out.room == 10_010, "it is in use"
    out.take_bytes()
    assert out.peak == 4_009
    out.shrink()
    assert out.room == 0, "less than half was used"
