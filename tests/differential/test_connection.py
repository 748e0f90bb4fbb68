"""PING, ECHO, HELLO, SELECT, QUIT, and CLIENT about oneself."""

from __future__ import annotations

import re

import pytest
from tests.differential.pair import Pair
from tests.differential.servers import self_test
from tests.differential.wire import Reply, encode

NUMBER = rb"^\d+$"


def test_ping_and_echo(pair: Pair) -> None:
    pair.play(r"""
        PING
        ping
        PING hello
        PING ""
        PING "\r\n\x00"
        PING a b
        ECHO
        ECHO x
        ECHO ""
        ECHO "\xff\r\n"
        ECHO a b
    """)
    pair.do("ECHO", b"x" * 1_000_000)


def test_select(pair: Pair) -> None:
    pair.play("""
        SELECT 0
        SELECT 1
        SET k in-one
        SELECT 15
        GET k
        SELECT 1
        GET k
        SELECT 16
        GET k
        SELECT -1
        SELECT abc
        SELECT ""
        SELECT 1.5
        SELECT " 1"
        SELECT +1
        SELECT 01
        SELECT 2147483647
        SELECT 2147483648
        SELECT 9223372036854775807
        SELECT 9223372036854775808
        SELECT
        SELECT 1 2
        select 0
        GET k
    """)


def hello(reply: Reply) -> list[bytes]:
    """What HELLO tells, without the connection's id and the loaded modules."""
    raws = [item.raw for item in reply.items]
    assert raws[6] == b"$2\r\nid\r\n" and raws[12] == b"$7\r\nmodules\r\n"
    return [reply.kind.encode(), *raws[:7], *raws[8:13]]


def compare_hello(pair: Pair, *words: str) -> None:
    pair.compare(lambda theirs, ours: hello(theirs) == hello(ours), "HELLO", *words)


def test_hello(pair: Pair) -> None:
    compare_hello(pair)
    for protocol in ("2", "3", "3", "2"):
        compare_hello(pair, protocol)
        pair.do("HGETALL", "missing")
        pair.do("GET", "missing")
        compare_hello(pair)
    compare_hello(pair, "3", "SETNAME", "me")
    pair.do("CLIENT", "GETNAME")
    compare_hello(pair, "2", "setname", "you")
    pair.do("CLIENT", "GETNAME")
    compare_hello(pair, "2", "SETNAME", "a", "SETNAME", "b")
    pair.do("CLIENT", "GETNAME")
    compare_hello(pair, "2", "SETNAME", "")
    pair.do("CLIENT", "GETNAME")


def test_hello_modules(pair: Pair) -> None:
    theirs, ours = pair.both("HELLO", pair.protocol)
    assert theirs.raw.partition(b"modules")[2] == ours.raw.partition(b"modules")[2] != b""


def test_hello_errors_change_nothing(pair: Pair) -> None:
    pair.play("""
        CLIENT SETNAME before
        HELLO 1
        HELLO 4
        HELLO 0
        HELLO -1
        HELLO abc
        HELLO ""
        HELLO 3.0
        HELLO 03
        HELLO 9223372036854775807
        HELLO 9223372036854775808
        HELLO 3 FOO
        HELLO 3 SETNAME
        HELLO 3 AUTH
        HELLO 3 AUTH default
        HELLO 3 AUTH nobody wrong
        HELLO 3 AUTH nobody wrong SETNAME x
        HELLO 3 SETNAME x AUTH nobody wrong
        HELLO 3 SETNAME "a b"
        HELLO 3 SETNAME x FOO
        HELLO 4 FOO
        HELLO SETNAME x
        HELLO abc FOO
        CLIENT GETNAME
        HGETALL missing
        GET missing
    """)


def test_quit(pair: Pair) -> None:
    pair.do("QUIT")
    pair.closed()


def test_quit_drops_what_follows(pair: Pair) -> None:
    pair.raw(encode(("SET", "k", "v")) + encode(("quit",)) + encode(("SET", "l", "v")), closes=True)
    other = pair.second()
    other.do("EXISTS", "k", "l")
    other.do("QUIT", "with", "arguments")


# ---- CLIENT


def test_client_id(pair: Pair) -> None:
    pair.shape("CLIENT", "ID")
    other = pair.second()
    for mine, later in zip(pair.both("CLIENT", "ID"), other.both("CLIENT", "ID"), strict=True):
        assert later.integer > mine.integer > 0
    pair.play("""
        CLIENT ID x
        CLIENT
        CLIENT NOSUCH
        CLIENT NOSUCH a b c
        CLIENT ""
    """)


def test_client_names(pair: Pair) -> None:
    pair.play(r"""
        CLIENT GETNAME
        CLIENT SETNAME me
        CLIENT GETNAME
        client setname You
        CLIENT GETNAME
        CLIENT SETNAME "a b"
        CLIENT SETNAME "a\n"
        CLIENT SETNAME "\x7f"
        CLIENT SETNAME "\xff"
        CLIENT SETNAME "a\x00b"
        CLIENT GETNAME
        CLIENT SETNAME !~
        CLIENT GETNAME
        CLIENT SETNAME ""
        CLIENT GETNAME
        CLIENT SETNAME
        CLIENT SETNAME a b
        CLIENT GETNAME a
    """)


def test_client_setinfo(pair: Pair) -> None:
    pair.play(r"""
        CLIENT SETINFO LIB-NAME redis-py
        CLIENT SETINFO lib-ver 1.2.3
        CLIENT SETINFO LIB-NAME "a b"
        CLIENT SETINFO LIB-VER "a\n"
        CLIENT SETINFO LIB-NAME ""
        CLIENT SETINFO FOO x
        CLIENT SETINFO "" x
        CLIENT SETINFO LIB-NAME
        CLIENT SETINFO LIB-NAME a b
        CLIENT SETINFO
    """)


def fields(line: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    for part in line.rstrip(b"\n").split(b" "):
        name, _, value = part.partition(b"=")
        found.append((name, value))
    return found


# What depends on allocators, descriptors, the moment, or the order in which connections came.
LOOSE = {
    *(
        b"id",
        b"addr",
        b"laddr",
        b"fd",
        b"age",
        b"idle",
        b"qbuf",
        b"qbuf-free",
        b"multi-mem",
        b"rbs",
        b"rbp",
    ),
    *(b"obl", b"oll", b"omem", b"tot-mem", b"tot-net-in", b"tot-net-out", b"tot-cmds"),
}


def told(reply: Reply) -> list[str]:
    """The reply's type, and the fields of each client in order, the values of LOOSE ones left out.

    The client named `me` comes last: the order of clients is not compared, and no test has more than two.
    """
    found = [reply.kind]
    for line in sorted((reply.text or b"").splitlines(), key=lambda line: b" name=me " in line):
        found.extend(f"{name.decode()}={'' if name in LOOSE else value.decode()}" for name, value in fields(line))
    return found


def compare_clients(pair: Pair, *words: str) -> None:
    theirs, ours = pair.both(*words)
    assert told(theirs) == told(ours)


def test_client_list_of_oneself(pair: Pair) -> None:
    compare_clients(pair, "CLIENT", "LIST")
    pair.play("""
        CLIENT SETNAME me
        CLIENT SETINFO LIB-NAME lib
        CLIENT SETINFO LIB-VER 1.0
        SELECT 3
    """)
    compare_clients(pair, "CLIENT", "LIST")
    pair.do("WATCH", "k")
    compare_clients(pair, "client", "list")
    pair.do("MULTI")
    pair.do("CLIENT", "LIST")
    pair.do("PING")
    theirs, ours = pair.both("EXEC")
    assert told(theirs.items[0]) == told(ours.items[0])
    compare_clients(pair, "CLIENT", "LIST")
    pair.do("NOSUCH")
    compare_clients(pair, "CLIENT", "LIST", "TYPE", "normal")


def test_client_list_of_others(pair: Pair) -> None:
    other = pair.second()
    pair.do("CLIENT", "SETNAME", "me")
    compare_clients(pair, "CLIENT", "LIST")
    other.do("GET", "k")
    compare_clients(pair, "CLIENT", "LIST")
    other.send("BZPOPMIN", "z", "0")
    other.silent(0.01)
    compare_clients(pair, "CLIENT", "LIST")
    pair.do("ZADD", "z", "1", "a")
    other.read()
    other.play("WATCH k\nMULTI\nGET k")
    compare_clients(pair, "CLIENT", "LIST")
    pair.do("SET", "k", "v")
    compare_clients(pair, "CLIENT", "LIST")


def test_client_list_errors(pair: Pair) -> None:
    pair.play("""
        CLIENT LIST FOO
        CLIENT LIST TYPE
        CLIENT LIST TYPE nosuch
        CLIENT LIST ID
        CLIENT LIST ID abc
        CLIENT LIST ID 0
        CLIENT LIST ID -1
        CLIENT LIST ID 999999999
        CLIENT LIST TYPE pubsub
        CLIENT LIST TYPE replica
        CLIENT LIST TYPE slave
        CLIENT LIST TYPE master
        CLIENT LIST USER nosuch
        CLIENT LIST MAXAGE abc
        CLIENT LIST MAXAGE 0
        CLIENT LIST MAXAGE -1
        CLIENT LIST FLAGS Z
        CLIENT LIST DB 16
        CLIENT LIST SKIPME maybe
        CLIENT LIST NAME nobody
        CLIENT LIST TYPE normal FOO
    """)


def test_client_list_by_id(pair: Pair) -> None:
    for wire in (pair.theirs, pair.ours):
        wire.send(encode(("CLIENT", "ID")))
        number = wire.read().integer
        wire.send(encode(("CLIENT", "LIST", "ID", number, number + 1000, number)))
        text = wire.read().text or b""
        assert re.match(rb"id=%d addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:\d+ fd=\d+ " % number, text), text
        assert text.count(b"\n") == 1


@pytest.mark.skipif(self_test(), reason="what is told of our own build")
def test_info_is_of_the_same_form(pair: Pair) -> None:
    theirs, ours = pair.both("INFO", "server")
    assert theirs.kind == ours.kind
    for reply in (theirs, ours):
        lines = (reply.text or b"").split(b"\r\n")
        assert lines[0] == b"# Server"
        assert lines[-1] == b""
        assert all(re.match(rb"[a-z0-9_]+:", line) for line in lines[1:-1]), lines
