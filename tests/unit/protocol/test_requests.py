"""Requests: whole, byte by byte and cut anywhere give the same commands and the same error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.protocol.requests import Limits, RequestParser

ALL = 1 << 30


def array(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def run(
    parts: list[bytes], most: int = ALL, parser: RequestParser | None = None
) -> tuple[list[list[bytes]], bytes | None]:
    """All commands of a connection that receives `parts`, and its error."""
    parser = parser or RequestParser(Limits(1 << 20))
    commands: list[list[bytes]] = []
    for part in parts:
        parser.feed(part)
        while True:
            some: list[list[bytes]] = []
            error = parser.parse(some, most)
            assert len(some) <= most
            commands += some
            if error is not None:
                return commands, error
            if len(some) < most:
                break
    return commands, None


def cut(data: bytes, places: list[int]) -> list[bytes]:
    places = sorted({place % (len(data) + 1) for place in places})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


sizes = st.sampled_from([0, 1, 2, 8, 9, 10, 99, 100, 999, 1000, 5000, 9999, 10000, 20000])
words = (
    st.binary(max_size=12)
    | st.sampled_from([b"GET", b"set", b"HINCRBY", b"\r\n", b"$1\r\na"])
    | st.builds(bytes, sizes)
)
requests = st.lists(words, min_size=1, max_size=12)
blanks = st.sampled_from([b"\r\n", b"\n", b"  \r\n", b"*0\r\n", b"*-1\r\n"])
broken = st.sampled_from(
    [
        b"*x\r\n", b"*01\r\n", b"*2147483648\r\n", b"*1\rx", b"*1\r\nPING\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$1048577\r\n",
        b"*1\r\n$1\rx", b"*1\r\n$1\r\nab\r\n", b'"open\n', b"*3\r\n$1\r\na\r\n$1\r\nb\r\n$x\r\n",
    ]
)  # fmt: skip


@given(st.lists(requests | blanks, max_size=6), st.lists(st.integers(0, 1 << 16), max_size=8), st.integers(1, 5))
def test_commands_are_the_same_however_they_are_cut(
    items: list[list[bytes] | bytes], places: list[int], most: int
) -> None:
    data = b"".join(item if isinstance(item, bytes) else array(*item) for item in items)
    expected = [item for item in items if not isinstance(item, bytes)]
    assert (expected, None) == run([data])
    assert (expected, None) == run(cut(data, places), most)


@given(st.lists(requests, max_size=3), broken, st.binary(max_size=5), st.lists(st.integers(0, 1 << 16), max_size=8))
def test_errors_are_the_same_however_they_are_cut(
    before: list[list[bytes]], wrong: bytes, after: bytes, places: list[int]
) -> None:
    data = b"".join(array(*item) for item in before) + wrong
    commands, error = run([data + after])
    assert commands == before
    assert error is not None
    assert (before, error) == run(cut(data + after, places))


@given(
    st.binary(max_size=60) | st.text("*$0123\r\n ab\"'\\x", max_size=60).map(str.encode), st.lists(st.integers(0, 60))
)
def test_whatever_comes_is_cut_alike(data: bytes, places: list[int]) -> None:
    whole = run([data])
    assert whole == run(cut(data, places))
    assert whole == run([data[i : i + 1] for i in range(len(data))])


@given(requests)
def test_byte_by_byte(request: list[bytes]) -> None:
    data = array(*request)
    if len(data) < 4000:
        assert ([request, request], None) == run([bytes([c]) for c in data * 2])


def test_a_line_that_came_whole_later_does_not_hide_the_next_one() -> None:
    assert run([b"*", b"1\r\n$", b"4\r\nPING\r\n*1\r\n$1\r\na\r\n"]) == ([[b"PING"], [b"a"]], None)


@pytest.mark.parametrize(
    ("data", "commands"),
    [
        (b"PING\r\n", [[b"PING"]]),
        (b"PING\n", [[b"PING"]]),
        (b"PING\r\r\n", [[b"PING"]]),
        (b'set k "a b"\r\nget k\n', [[b"set", b"k", b"a b"], [b"get", b"k"]]),
        (b'""\n', [[b""]]),
        (b"\r\r\r\n" + array(b"PING"), [[b"PING"]]),
        (b" *1\r\n$4\r\n", [[b"*1"], [b"$4"]]),
        (b"*0\r\n*-7\r\nPING\n", [[b"PING"]]),
        (b"*1\r\n$0\r\n\r\n", [[b""]]),
        (b"P" * 65536 + b"\n", [[b"P" * 65536]]),
        (b"P" * 65536 + b"\r\nPING\r\n", [[b"P" * 65536], [b"PING"]]),
        (b"P" * 65535 + b"\r\r\n", [[b"P" * 65535]]),
    ],
)
def test_inline_and_empty_commands(data: bytes, commands: list[list[bytes]]) -> None:
    assert (commands, None) == run([data])


@pytest.mark.parametrize(
    "data",
    [
        b"*", b"*1", b"*1\r", b"*1\n$4\n", b"*1\r\n", b"*1\r\nP", b"*1\r\nPING\r", b"*1\r\n$4\r\nPING",
        b"*1\r\n$4\r\nPINGx", b"P\0NG\nPING\n", b"*" + b"1" * 65535, b"*1\r\n$" + b"1" * 65535, b"P" * 65536,
        b"P" * 65536 + b"\r", b"*2147483647\r\n", b"'a\\",
    ],
)  # fmt: skip
def test_what_is_not_complete_waits(data: bytes) -> None:
    assert run([data]) == ([], None)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"P" * 65537, b"too big inline request"),
        (b"P" * 65537 + b"\n", b"too big inline request"),
        (b"P" * 65536 + b"\rP", b"too big inline request"),
        (b"P" * 65536 + b"\r\r\n", b"too big inline request"),
        (b"P\0\n" + b"P" * 65536, b"too big inline request"),
        (b'ECHO "a\n', b"unbalanced quotes in request"),
        (b"*" + b"1" * 65536, b"too big mbulk count string"),
        (b"*1\r\n$" + b"1" * 65536, b"too big bulk count string"),
        (b"*1\r\nX" + b"1" * 65536, b"too big bulk count string"),
        (b"*\r\n", b"invalid multibulk length"),
        (b"*+1\r\n", b"invalid multibulk length"),
        (b"*-0\r\n", b"invalid multibulk length"),
        (b"*1 \r\n", b"invalid multibulk length"),
        (b"*2147483648\r\n", b"invalid multibulk length"),
        (b"*-9223372036854775809\r\n", b"invalid multibulk length"),
        (b"*1\r\nPING\r\n", b"expected '$', got 'P'"),
        (b"*1\r\nP\rx", b"expected '$', got 'P'"),
        (b"*1\r\n\r\n", b"expected '$', got '\r'"),
        (b"*1\r\n\0\r\n", b"expected '$', got '\0'"),
        (b"*1\r\n\xff\r\n", b"expected '$', got '\xff'"),
        (b"*1\r\n$\r\n", b"invalid bulk length"),
        (b"*1\r\n$-1\r\n", b"invalid bulk length"),
        (b"*1\r\n$04\r\nPING\r\n", b"invalid bulk length"),
        (b"*1\r\n$+4\r\nPING\r\n", b"invalid bulk length"),
        (b"*1\r\n$1048577\r\n", b"invalid bulk length"),
        (b"*x\rx", b"invalid CRLF in request"),
        (b"*0\rx", b"invalid CRLF in request"),
        (b"*1\r\n$x\rx", b"invalid CRLF in request"),
        (b"*1\r\n$4\r\nPINGxx", b"invalid CRLF in request"),
        (b"*1\r\n$4\r\nPING\rx", b"invalid CRLF in request"),
        (b"*3\r\n$4\r\nPING\n$1", b"invalid CRLF in request"),
    ],
)
def test_protocol_errors(data: bytes, text: bytes) -> None:
    assert ([], b"Protocol error: " + text) == run([data])
    assert ([[b"PING"]], b"Protocol error: " + text) == run([array(b"PING"), data])


@pytest.mark.parametrize("before", [[], [b"k"], [b"k", b"v"]])
@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (b"$1\r\nkxy", b"Protocol error: invalid CRLF in request"),
        (b"$1\r\nk\rx", b"Protocol error: invalid CRLF in request"),
        (b"$1\r\nkx\n", b"Protocol error: invalid CRLF in request"),
        # Nine bytes before the line's end: read as if the length were known, an empty argument would stand there.
        (b"$00000003\r\nabc\r\n", b"Protocol error: invalid bulk length"),
        (b"$99999999\r\nabc\r\n", b"Protocol error: invalid bulk length"),
        (b"$1234567x\r\nabc\r\n", b"Protocol error: invalid bulk length"),
        (b"x1234567x\r\nabc\r\n", b"Protocol error: expected '$', got 'x'"),
    ],
)
def test_a_short_command_is_checked_to_its_end(before: list[bytes], argument: bytes, text: bytes) -> None:
    words = [b"GET", *before]
    data = array(*words).replace(b"*%d" % len(words), b"*%d" % (len(words) + 1), 1) + argument
    assert run([array(b"PING") + data + array(b"PING")]) == ([[b"PING"]], text)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_short_command_may_end_where_the_bytes_end(count: int) -> None:
    words = [b"GET", b"k", b"v", b"w"][: count + 1]
    assert run([array(*words)]) == ([words], None)
    for missing in range(1, 8):
        assert run([array(*words)[:-missing]]) == ([], None)


def test_an_error_is_final() -> None:
    parser = RequestParser(Limits())
    assert run([b"*x\r\n"], parser=parser) == run([array(b"PING")], parser=parser)


@pytest.mark.parametrize("cuts", [[], [3], [5, 9]])
def test_strangers_may_send_little(cuts: list[int]) -> None:
    def stranger(data: bytes) -> bytes | None:
        return run(cut(data, cuts), 1, RequestParser(Limits(), authenticated=False))[1]

    assert stranger(array(*[b"a"] * 10)) is None
    assert stranger(array(*[b"a"] * 11)) == b"Protocol error: unauthenticated multibulk length"
    assert stranger(array(b"a" * 16384)) is None
    assert stranger(array(b"a" * 16385)) == b"Protocol error: unauthenticated bulk length"
    assert stranger(b"*2147483648\r\n") == b"Protocol error: invalid multibulk length"
    assert stranger(b"*1\r\n$536870913\r\n") == b"Protocol error: invalid bulk length"


def test_whoever_has_authenticated_may_send_more_in_the_same_read() -> None:
    parser = RequestParser(Limits(), authenticated=False)
    parser.feed(array(b"AUTH", b"x") + array(*[b"a"] * 11))
    commands: list[list[bytes]] = []
    assert parser.parse(commands, 1) is None
    parser.authenticated = True
    assert parser.parse(commands, 1) is None
    assert [len(command) for command in commands] == [2, 11]


def test_no_more_commands_than_asked_for() -> None:
    parser = RequestParser(Limits())
    parser.feed(array(b"PING") * 5)
    counts = []
    for most in (2, 2, 2, 2):
        commands: list[list[bytes]] = []
        parser.parse(commands, most)
        counts.append(len(commands))
    assert counts == [2, 2, 1, 0]


def test_a_cut_bulk_string_says_what_it_lacks() -> None:
    parser = RequestParser(Limits())
    commands: list[list[bytes]] = []
    lacking = []
    for part in (b"*2\r\n$4\r\nECHO\r\n$100000\r\n", b"x" * 60000, b"x" * 39999, b"x", b"\r\n"):
        parser.feed(part)
        assert parser.parse(commands, ALL) is None
        lacking.append((parser.missing(), parser.pending_bytes()))
    assert lacking == [(100002, 4), (40002, 60004), (3, 100003), (0, 100004), (0, 0)]
    assert commands == [[b"ECHO", b"x" * 100000]]


@pytest.mark.parametrize("step", [1, 100, 4095, 4096, 70000])
def test_a_large_value_comes_in_pieces_of_any_size(step: int) -> None:
    value = bytes(range(256)) * 1000
    data = array(b"SET", b"k", value) + array(b"PING")
    parts = [data[at : at + step] for at in range(0, len(data), step)]
    assert ([[b"SET", b"k", value], [b"PING"]], None) == run(parts)


def test_what_is_held_is_counted() -> None:
    parser = RequestParser(Limits())
    commands: list[list[bytes]] = []
    parser.feed(array(b"PING") + b"*3\r\n$3\r\nSET\r\n$100\r\n0123456789")
    assert parser.pending_bytes() == len(array(b"PING")) + 29
    assert parser.parse(commands, 1) is None
    parser.feed(b"0123456789")
    assert parser.pending_bytes() == 29 + 10
    assert parser.parse(commands, 1) is None
    assert parser.pending_bytes() == len(b"SET") + 20


def test_names_that_share_a_slot_or_a_beginning_are_not_confused() -> None:
    names = [
        bytes([a, b, *middle, c])
        for a in b"GgSs"
        for b in b"eE1"
        for c in b"tTZ"
        for middle in (b"", b"abcd", b"abcdef")
    ]
    assert ([[name] for name in names * 2], None) == run([b"".join(array(name) for name in names * 2)])


def test_expected_names_are_the_objects_given() -> None:
    limits = Limits()
    name = bytes(bytearray(b"GET"))
    limits.names.expect([name])
    for _ in range(2):
        commands, _ = run([array(b"GET", b"key"), array(b"get", b"key")], parser=RequestParser(limits))
        assert commands[0][0] is name
        assert commands[1][0] == b"get"


def test_the_longest_inline_command_may_come_in_pieces() -> None:
    for pieces in ([b"P" * 65536, b"\r", b"\n"], [b"P" * 65536 + b"\r", b"\n"], [b"P" * 65536, b"\r\n"]):
        assert run(pieces) == ([[b"P" * 65536]], None)
    assert run([b"P" * 65536, b"\r", b"P"]) == ([], b"Protocol error: too big inline request")
