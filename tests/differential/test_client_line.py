"""What CLIENT LIST tells of one client, step by step."""

from __future__ import annotations

import re

from tests.differential.pair import Pair
from tests.differential.test_clients import each, ids
from tests.differential.wire import encode


def shown(pair: Pair, target: tuple[int, int], *names: str) -> list[bytes]:
    """Fields of a client's line, equal at both."""
    found = []
    for wire, number in zip((pair.theirs, pair.ours), target, strict=True):
        wire.send(encode(("CLIENT", "LIST", "ID", number)))
        line = wire.read().text or b""
        assert line.count(b"\n") == 1
        found.append([re.findall(rb" %b=(\S*)" % name.encode(), line)[0] for name in names])
    assert found[0] == found[1]
    return found[0]


def test_a_name_is_shown_up_to_its_first_zero_byte(pair: Pair) -> None:
    me = ids(pair)
    pair.do("CLIENT", "SETNAME", b"ab\0c\n d")
    pair.do("CLIENT", "SETINFO", "LIB-NAME", b"lib\0\nid=7")
    pair.do("CLIENT", "SETINFO", "LIB-VER", b"1\0 2")
    pair.do("CLIENT", "GETNAME")
    assert shown(pair, me, "name", "lib-name", "lib-ver") == [b"ab", b"lib", b"1"]
    for condition in (("NAME", "ab"), ("NAME", b"ab\0x"), ("NAME", "abc"), ("LIB-NAME", "lib"), ("LIB-VER", "1")):
        pair.do("CLIENT", "KILL", *condition, "SKIPME", "yes")
        theirs, ours = pair.both("CLIENT", "LIST", *condition)
        assert (theirs.text or b"").count(b"\n") == (ours.text or b"").count(b"\n")


def test_the_last_command_is_shown_though_it_was_refused(pair: Pair) -> None:
    me = ids(pair)
    other = pair.second()
    for words, command in (
        (("GET",), b"get"),
        (("NOSUCH",), b"NULL"),
        (("GET", "k"), b"get"),
        (("CLIENT", "x"), b"NULL"),
    ):
        pair.do(*words)
        assert shown(other, me, "cmd") == [command]


def test_a_transaction_that_cannot_run_keeps_nothing(pair: Pair) -> None:
    me = ids(pair)
    other = pair.second()
    pair.play("""
        MULTI
        SET a 1
        SET b 1
    """)
    assert shown(other, me, "multi") == [b"2"]
    pair.do("NOSUCH")
    assert shown(other, me, "multi", "multi-mem") == [b"0", b"0"]
    pair.do("SET", "c", "1")
    assert shown(other, me, "multi", "multi-mem") == [b"0", b"0"]
    pair.play("""
        EXEC
        WATCH k
        MULTI
        SET a 1
    """)
    other.do("SET", "k", "1")
    pair.do("SET", "b", "1")
    assert shown(other, me, "multi", "multi-mem") == [b"0", b"0"]
    pair.do("EXEC")


def test_the_bytes_of_the_arguments_of_who_asks(pair: Pair) -> None:
    for words in (("CLIENT", "LIST"), ("client", "info"), ("CLIENT", "LIST", "NAME", "argument-bytes")):
        pair.do("CLIENT", "SETNAME", "argument-bytes")
        theirs, ours = (
            re.findall(rb" name=argument-bytes .* argv-mem=(\d+)", r.text or b"") for r in pair.both(*words)
        )
        assert ours == theirs == [b"%d" % sum(map(len, words))]
    pair.do("MULTI")
    pair.do("CLIENT", "LIST", "NAME", "argument-bytes")
    theirs, ours = (re.findall(rb" argv-mem=(\d+)", r.items[0].text or b"") for r in pair.both("EXEC"))
    assert ours == theirs


def test_who_waits_has_run_nothing_yet(pair: Pair) -> None:
    me = ids(pair)
    other = pair.second()

    def runs() -> int:
        return int(shown(other, me, "tot-cmds")[0])

    before = runs()
    pair.send("BZPOPMIN", "z", "0")
    pair.silent()
    assert runs() == before
    other.do("ZADD", "z", "1", "a")
    pair.read()
    assert runs() == before + 1
    pair.send("BZPOPMIN", "z", "0")
    pair.silent()
    each(other, me, "CLIENT", "UNBLOCK", "{}")
    pair.read()
    assert runs() == before + 2


def test_words_in_errors_end_at_a_zero_byte(pair: Pair) -> None:
    for words in (
        ("CLIENT", "LIST", "TYPE"),
        ("CLIENT", "LIST", "USER"),
        ("CLIENT", "LIST", "FLAGS"),
        ("CLIENT", "LIST", "NOT-CAPA"),
        ("CLIENT", "SETINFO"),
        ("HELLO", "3"),
        ("SCAN", "0", "TYPE"),
    ):
        last = ("x",) if words[-1] == "SETINFO" else ()
        for word in (b"?\0y", b"?\r\ny\0z"):
            pair.do(*words, word, *last)
