"""CLIENT: filters, KILL, PAUSE, REPLY, UNBLOCK, and what a connection asks for itself."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from random import Random

import pytest
from tests.differential.pair import Pair, difference_rows
from tests.differential.wire import encode


@pytest.fixture(autouse=True)
def unpaused(pair: Pair) -> Iterator[None]:
    yield
    other = pair.second()
    other.send("CLIENT", "UNPAUSE")


def ids(pair: Pair) -> tuple[int, int]:
    """The connection's id at the reference, and at ours."""
    theirs, ours = pair.both("CLIENT", "ID")
    return theirs.integer, ours.integer


def each(pair: Pair, target: tuple[int, int], *words: str) -> list[bytes]:
    """Send words with `{}` in the place of an id that each server has its own for; both replies, which are equal."""
    for wire, number in zip((pair.theirs, pair.ours), target, strict=True):
        wire.send(encode(tuple(word.format(number) for word in words)))
    replies = [wire.read().raw for wire in (pair.theirs, pair.ours)]
    assert replies[0] == replies[1], words
    return replies


def flags(pair: Pair, target: tuple[int, int]) -> bytes:
    """The flags of a client, equal at both."""
    found = []
    for wire, number in zip((pair.theirs, pair.ours), target, strict=True):
        wire.send(encode(("CLIENT", "LIST", "ID", number)))
        found.append(re.findall(rb" flags=(\S+) ", wire.read().text or b"")[0])
    assert found[0] == found[1]
    return found[0]


# ---- what is refused


def test_errors(pair: Pair) -> None:
    pair.play("""
        CLIENT PAUSE
        CLIENT PAUSE x
        CLIENT PAUSE -1
        CLIENT PAUSE 1.5
        CLIENT PAUSE 1 FOO
        CLIENT PAUSE x FOO
        CLIENT PAUSE 9223372036854775807
        CLIENT PAUSE 9223372036854775807 WRITE
        CLIENT PAUSE 9223372036854775808
        CLIENT PAUSE 0
        CLIENT PAUSE 1 write
        CLIENT PAUSE 1 WRITE ALL
        CLIENT PAUSE 0 FOO ALL
        CLIENT UNPAUSE x
        CLIENT UNPAUSE
        CLIENT UNBLOCK
        CLIENT UNBLOCK x
        CLIENT UNBLOCK 0
        CLIENT UNBLOCK -1
        CLIENT UNBLOCK 1 FOO
        CLIENT UNBLOCK x FOO
        CLIENT UNBLOCK 9223372036854775807 ERROR
        CLIENT UNBLOCK 9223372036854775808 ERROR
        CLIENT UNBLOCK 99999999 TIMEOUT X
        CLIENT UNBLOCK 99999999 FOO X
        CLIENT NO-EVICT
        CLIENT NO-EVICT x
        CLIENT NO-EVICT on
        CLIENT NO-EVICT off x
        CLIENT NO-TOUCH
        CLIENT NO-TOUCH y
        CLIENT NO-TOUCH OFF
        CLIENT CAPA
        CLIENT CAPA x
        CLIENT CAPA redirect
        CLIENT CAPA a REDIRECT b
        CLIENT IMPORT-SOURCE
        CLIENT IMPORT-SOURCE on
        CLIENT IMPORT-SOURCE off
        CLIENT IMPORT-SOURCE x
        CLIENT GETREDIR
        CLIENT GETREDIR x
        CLIENT TRACKINGINFO
        CLIENT TRACKINGINFO x
        CLIENT REPLY
        CLIENT REPLY x
        CLIENT REPLY on x
        CLIENT INFO x
        CLIENT HELP x
    """)


def test_unknown_capabilities_are_ignored(pair: Pair) -> None:
    me = ids(pair)
    for _ in range(2):
        for wire, number in zip((pair.theirs, pair.ours), me, strict=True):
            wire.send(encode(("CLIENT", "LIST", "ID", number)))
            assert b" capa=r " in (wire.read().text or b"") or _ == 0
        pair.do("CLIENT", "CAPA", "x", "redirect")
        pair.do("RESET")
        if pair.protocol == 3:
            pair.both("HELLO", "3")


FILTERS = """
    CLIENT {} ID x
    CLIENT {} ID 0
    CLIENT {} ID -5
    CLIENT {} ID 99999
    CLIENT {} ID 99999 99998
    CLIENT {} ID 99999 FOO
    CLIENT {} ID abc FOO
    CLIENT {} ID ""  x
    CLIENT {} id 99999 type replica
    CLIENT {} TYPE foo
    CLIENT {} TYPE replica
    CLIENT {} TYPE SLAVE
    CLIENT {} TYPE master
    CLIENT {} TYPE primary
    CLIENT {} TYPE pubsub
    CLIENT {} TYPE ""
    CLIENT {} NOT-TYPE normal
    CLIENT {} NOT-TYPE foo
    CLIENT {} USER nosuch
    CLIENT {} NOT-USER nosuch
    CLIENT {} NOT-USER default
    CLIENT {} USER default SKIPME x
    CLIENT {} ADDR 1.2.3.4:5
    CLIENT {} LADDR 1.2.3.4:5
    CLIENT {} IP 1.2.3.4
    CLIENT {} IP ""
    CLIENT {} NOT-IP 127.0.0.1
    CLIENT {} FOO bar
    CLIENT {} MAXAGE x
    CLIENT {} MAXAGE 0
    CLIENT {} MAXAGE -1
    CLIENT {} MAXAGE 100000
    CLIENT {} NOT-MAXAGE 3
    CLIENT {} IDLE x
    CLIENT {} IDLE 0
    CLIENT {} IDLE 100000
    CLIENT {} NOT-IDLE 3
    CLIENT {} NAME nobody
    CLIENT {} NAME nobody NAME
    CLIENT {} NOT-NAME me NAME nobody
    CLIENT {} LIB-NAME x
    CLIENT {} LIB-VER x
    CLIENT {} FLAGS Z
    CLIENT {} FLAGS zN
    CLIENT {} FLAGS xNzyO
    CLIENT {} FLAGS iE
    CLIENT {} NOT-CAPA rzr
    CLIENT {} NOT-DB x
    CLIENT {} NOT-ID x
    CLIENT {} FLAGS x
    CLIENT {} FLAGS Nx
    CLIENT {} FLAGS O
    CLIENT {} NOT-FLAGS N
    CLIENT {} NOT-FLAGS Z
    CLIENT {} DB 3
    CLIENT {} DB 16
    CLIENT {} DB -1
    CLIENT {} DB x
    CLIENT {} NOT-DB 0
    CLIENT {} NOT-DB 99
    CLIENT {} CAPA r
    CLIENT {} CAPA z
    CLIENT {} NOT-CAPA ""
    CLIENT {} SKIPME
    CLIENT {} SKIPME x
    CLIENT {} NOT-SKIPME yes
    CLIENT {} SKIPME yes ID 9999999 FOO
    CLIENT {} SKIPME yes
    CLIENT {} TYPE normal FOO
    CLIENT {} NOT-FOO x
    CLIENT {} NOT- x
    CLIENT {} NAME ""
    CLIENT {} LIB-NAME ""
    CLIENT {} LIB-VER ""
    CLIENT {} ID
    CLIENT {} NOT-ID
    CLIENT {} ID ID
    CLIENT {} ID 99999 ID
    CLIENT {} TYPE normal ID
    CLIENT {} TYPE replica NOT-ID
    CLIENT {} ID NAME me
    CLIENT {} ID 99999 03
"""


@pytest.mark.parametrize("word", ["KILL", "LIST"])
def test_filters(pair: Pair, word: str) -> None:
    pair.do("CLIENT", "SETNAME", "me")
    pair.play(FILTERS.replace("{}", word))
    pair.do("CLIENT", "LIST", "NOT-NAME", "me")


def test_a_list_of_some(pair: Pair) -> None:
    """The names of who is listed."""
    others = {name: pair.second() for name in ("one", "two", "three")}
    for name, other in others.items():
        other.do("CLIENT", "SETNAME", name)
    others["one"].do("SELECT", "3")
    others["two"].do("CLIENT", "SETINFO", "LIB-NAME", "lib")
    others["two"].do("CLIENT", "SETINFO", "LIB-VER", "1.0")
    others["two"].do("CLIENT", "CAPA", "redirect")
    others["three"].do("MULTI")
    others["one"].do("CLIENT", "NO-EVICT", "on")
    others["one"].do("CLIENT", "NO-TOUCH", "on")
    for filters in (
        "DB 3",
        "NOT-DB 0",
        "DB 0",
        "LIB-NAME lib",
        "LIB-VER 1.0",
        "NOT-LIB-NAME lib",
        "NOT-LIB-VER 1.0",
        "CAPA r",
        "NOT-CAPA r",
        "FLAGS x",
        "FLAGS eT",
        "FLAGS N",
        "NOT-FLAGS N",
        "NAME two",
        "NOT-NAME two",
        "NAME two NAME three",
        "NAME two DB 3",
        "IP 127.0.0.1",
        "NOT-IP 127.0.0.1",
        "USER default",
        "TYPE normal",
        "SKIPME yes",
        "SKIPME no",
        "NOT-TYPE replica",
        "NOT-ADDR 127.0.0.1:1",
        "NOT-LADDR 127.0.0.1:1",
        "NOT-ID 99999",
        "TYPE normal NOT-ID",
        # Who has no name is not found by an empty one.
        "NAME ''",
        "NOT-NAME ''",
        "LIB-NAME ''",
        "NOT-LIB-NAME ''",
        "NOT-LIB-VER ''",
    ):
        found = []
        for reply in pair.both("CLIENT", "LIST", *shlex.split(filters)):
            found.append(sorted(re.findall(rb" name=(\S*) ", reply.text or b"")))
        assert found[0] == found[1], filters


# ---- KILL


def test_kill(pair: Pair) -> None:
    other = pair.second()
    victim = ids(other)
    assert each(pair, victim, "CLIENT", "KILL", "ID", "{}") == [b":1\r\n"] * 2
    other.closed()
    each(pair, victim, "CLIENT", "KILL", "ID", "{}")
    pair.do("PING")


def test_kill_by_address(pair: Pair) -> None:
    other = pair.second()
    victim = ids(other)
    for wire, number in zip((pair.theirs, pair.ours), victim, strict=True):
        wire.send(encode(("CLIENT", "LIST", "ID", number)))
        address = re.findall(rb" addr=(\S+) ", wire.read().text or b"")[0]
        wire.send(encode(("CLIENT", "KILL", address)) + encode(("CLIENT", "KILL", address)))
        assert [wire.read().raw, wire.read().raw] == [b"+OK\r\n", b"-ERR No such client\r\n"]
    other.closed()


def test_kill_by_several_filters(pair: Pair) -> None:
    one, two, three = pair.second(), pair.second(), pair.second()
    for other, name in ((one, "one"), (two, "two"), (three, "three")):
        other.do("CLIENT", "SETNAME", name)
    two.do("SELECT", "2")
    pair.do("CLIENT", "KILL", "NAME", "one", "DB", "2")
    pair.do("CLIENT", "KILL", "TYPE", "normal", "DB", "2")
    two.closed()
    each(pair, ids(one), "CLIENT", "KILL", "ID", "{}", "99999", "99998", "NAME", "one")
    one.closed()
    three.do("PING")
    pair.do("CLIENT", "KILL", "SKIPME", "yes")
    three.closed()
    pair.do("PING")


def test_killing_oneself(pair: Pair) -> None:
    me = ids(pair)
    each(pair, me, "CLIENT", "KILL", "ID", "{}")
    for wire, number in zip((pair.theirs, pair.ours), me, strict=True):
        wire.send(encode(("CLIENT", "KILL", "ID", number, "SKIPME", "no")) + encode(("PING",)))
    assert [wire.read_until_closed() for wire in (pair.theirs, pair.ours)] == [b":1\r\n"] * 2


def test_killing_oneself_by_address_in_a_transaction(pair: Pair) -> None:
    found = []
    for wire in (pair.theirs, pair.ours):
        wire.send(encode(("CLIENT", "INFO")))
        address = re.findall(rb" addr=(\S+) ", wire.read().text or b"")[0]
        for words in (("MULTI",), ("CLIENT", "KILL", address), ("SET", "k", "v"), ("EXEC",), ("PING",)):
            wire.send(encode(words))
        found.append(wire.read_until_closed())
    # The reference leaves the array unfinished, and runs the commands all the same.
    assert "killed-in-exec" in difference_rows()
    theirs, ours = found
    assert theirs == b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n"
    assert ours == theirs + b"+OK\r\n"
    pair.second().do("GET", "k")


def test_killing_who_waits(pair: Pair) -> None:
    other = pair.second()
    victim = ids(other)
    other.send("BZPOPMIN", "z", "0")
    other.silent()
    each(pair, victim, "CLIENT", "KILL", "ID", "{}")
    other.closed()
    pair.do("ZADD", "z", "1", "a")
    pair.do("ZRANGE", "z", "0", "-1")


# ---- UNBLOCK


def test_unblock(pair: Pair) -> None:
    other = pair.second()
    blocked = ids(other)
    each(pair, blocked, "CLIENT", "UNBLOCK", "{}")
    for how in ((), ("TIMEOUT",), ("error",)):
        other.send("BZPOPMIN", "z", "0")
        other.send("PING")
        other.silent()
        assert flags(pair, blocked) == b"b"
        each(pair, blocked, "CLIENT", "UNBLOCK", "{}", *how)
        other.read()
        other.read()
    each(pair, ids(pair), "CLIENT", "UNBLOCK", "{}")


# ---- PAUSE


def test_writes_wait(pair: Pair) -> None:
    other = pair.second()
    number = ids(other)
    pair.do("CLIENT", "PAUSE", "100000", "WRITE")
    other.play("""
        GET k
        MULTI
        GET k
        CLIENT ID x
        DISCARD
        NOSUCH
        SET
        MULTI
        GET k
    """)
    other.send("SET", "k", "1")
    other.silent()
    assert flags(pair, number) == b"xb"
    each(pair, number, "CLIENT", "UNBLOCK", "{}")
    pair.do("CLIENT", "UNPAUSE")
    other.read()
    pair.do("CLIENT", "PAUSE", "100000", "WRITE")
    other.send("EXEC")
    other.send("GET", "k")
    other.silent()
    pair.do("EXISTS", "k")
    pair.do("CLIENT", "UNPAUSE")
    other.read()
    other.read()


def test_an_exec_without_writes_does_not_wait(pair: Pair) -> None:
    other = pair.second()
    other.play("MULTI\nGET k\nPING")
    pair.do("CLIENT", "PAUSE", "100000", "WRITE")
    other.play("EXEC\nEXEC\nDISCARD\nWATCH k\nSELECT 1\nDBSIZE")


def test_they_go_on_in_order(pair: Pair) -> None:
    others = [pair.second() for _ in range(4)]
    pair.do("CLIENT", "PAUSE", "100000", "WRITE")
    for at, other in enumerate(others):
        other.do("PING")
        other.send("APPEND", "k", str(at))
        other.send("GET", "k")
        other.send("APPEND", "l", str(at))
        other.silent(0.01)
    pair.do("CLIENT", "UNPAUSE")
    for other in others:
        for _ in range(3):
            other.read()
    pair.play("GET k\nGET l")


def test_everything_waits(pair: Pair) -> None:
    other = pair.second()
    pair.do("CLIENT", "PAUSE", "150")
    for words in (("PING",), ("CLIENT", "UNPAUSE"), ("CLIENT", "REPLY", "SKIP"), ("PING",), ("RESET",)):
        pair.send(*words)
    other.do("NOSUCH")
    other.do("GET")
    other.send("QUIT")
    pair.silent()
    # The pause ends by itself.
    pair.read()
    pair.read()
    assert pair.sent.pop(0) == ("CLIENT", "REPLY", "SKIP")
    assert pair.sent.pop(0) == ("PING",)
    pair.read()
    other.read()
    other.closed()


def test_the_stricter_and_the_later_hold(pair: Pair) -> None:
    other = pair.second()
    pair.play("MULTI\nCLIENT PAUSE 800 ALL\nCLIENT PAUSE 1 WRITE\nSET k 1\nEXEC")
    other.send("PING")
    other.silent()
    other.read()
    pair.play("MULTI\nCLIENT PAUSE 800 WRITE\nCLIENT PAUSE 1 ALL\nCLIENT PAUSE 0 WRITE\nEXEC")
    other.send("PING")
    other.silent()
    other.read()


def test_keys_stay_while_paused(pair: Pair) -> None:
    pair.do("SET", "k", "v", "PX", "30")
    pair.do("CLIENT", "PAUSE", "100000", "WRITE")
    wait_until_expired(pair)
    pair.play("GET k\nEXISTS k\nTTL k\nDBSIZE\nCLIENT UNPAUSE\nGET k\nDBSIZE")


def wait_until_expired(pair: Pair) -> None:
    for wire in (pair.theirs, pair.ours):
        while True:
            wire.send(encode(("EXISTS", "k")))
            if wire.read().integer == 0:
                break


def test_a_killed_client_does_not_run_what_waits(pair: Pair) -> None:
    other = pair.second()
    victim = ids(other)
    pair.do("CLIENT", "PAUSE", "100000", "WRITE")
    other.send("SET", "k", "v")
    other.silent()
    each(pair, victim, "CLIENT", "KILL", "ID", "{}")
    other.closed()
    pair.play("CLIENT UNPAUSE\nGET k")


# ---- REPLY


def test_reply(pair: Pair) -> None:
    """`raw` sends an ECHO behind, whose reply shows where the silence ends."""
    one = [
        ["CLIENT REPLY ON"],
        ["CLIENT REPLY SKIP", "NOSUCH", "PING"],
        ["CLIENT REPLY SKIP", "CLIENT REPLY SKIP", "PING", "PING"],
        ["CLIENT REPLY SKIP", "CLIENT REPLY ON", "PING"],
        ["CLIENT REPLY SKIP", "CLIENT REPLY BAD", "PING"],
        ["CLIENT REPLY SKIP", "CLIENT REPLY", "PING"],
        ["CLIENT REPLY OFF", "PING", "CLIENT REPLY SKIP", "PING", "CLIENT REPLY XX", "PING", "CLIENT REPLY ON", "PING"],
        ["CLIENT REPLY OFF", "GET", "CLIENT REPLY OFF x", "NOSUCH", "CLIENT REPLY ON"],
        ["CLIENT REPLY SKIP", "MULTI", "PING", "EXEC"],
        ["MULTI", "CLIENT REPLY ON", "CLIENT REPLY OFF", "EXEC", "PING"],
        ["CLIENT REPLY OFF", "MULTI", "PING", "CLIENT REPLY ON", "EXEC", "CLIENT REPLY ON"],
        ["CLIENT REPLY OFF", "SET k 1", "INCR k", "CLIENT REPLY ON", "GET k"],
        ["CLIENT REPLY SKIP", "BZPOPMIN z 0.02", "PING"],
        ["CLIENT REPLY SKIP", "BZPOPMIN z 0.02", "CLIENT REPLY SKIP", "BZPOPMIN z 0.02", "PING"],
    ]
    for lines in one:
        pair.raw(b"".join(encode(tuple(line.split())) for line in lines))
        # And the same, a line at a time.
        for line in lines[:-1]:
            pair.theirs.send(encode(tuple(line.split())))
            pair.ours.send(encode(tuple(line.split())))
        pair.raw(encode(tuple(lines[-1].split())))


def test_reset_ends_silence_and_not_a_skip(pair: Pair) -> None:
    second = pair.second(2)
    second.raw(encode(("CLIENT", "REPLY", "OFF")) + encode(("PING",)) + encode(("RESET",)) + encode(("PING",)))
    second.raw(encode(("CLIENT", "REPLY", "SKIP")) + encode(("RESET",)) + encode(("PING",)))


def test_a_silent_client_that_is_paused(pair: Pair) -> None:
    other = pair.second()
    pair.do("CLIENT", "PAUSE", "100000", "WRITE")
    for words in (("CLIENT", "REPLY", "SKIP"), ("APPEND", "k", "1"), ("APPEND", "k", "2")):
        other.theirs.send(encode(words))
        other.ours.send(encode(words))
    other.silent()
    pair.do("CLIENT", "UNPAUSE")
    other.raw(b"")
    pair.do("GET", "k")


# ---- RESET, NO-TOUCH


def test_reset(pair: Pair) -> None:
    other = pair.second()
    me = ids(other)
    other.play("""
        CLIENT SETNAME me
        CLIENT SETINFO LIB-NAME lib
        CLIENT NO-EVICT on
        CLIENT NO-TOUCH on
        READONLY
        SELECT 5
        SET k v
        WATCH k
        MULTI
        RESET
        EXEC
        GET k
        CLIENT GETNAME
    """)
    assert flags(pair, me) == b"N"
    other.do("SELECT", "5")
    other.both("DEL", "k")
    for wire, number in zip((pair.theirs, pair.ours), me, strict=True):
        wire.send(encode(("CLIENT", "LIST", "ID", number)))
        assert b" name= " in (line := wire.read().text or b"") and b" lib-name=lib " in line and b" resp=2 " in line


def test_readonly_is_a_flag(pair: Pair) -> None:
    me = ids(pair)
    for command, letters in (("READONLY", b"r"), ("READONLY", b"r"), ("READWRITE", b"N")):
        pair.do(command)
        assert flags(pair, me) == letters


def test_no_touch_leaves_the_access_clock_alone(pair: Pair) -> None:
    other = pair.second()
    other.do("SET", "k", "v")
    other.do("CLIENT", "NO-TOUCH", "on")
    me = ids(other)
    assert flags(pair, me) == b"T"
    for wire in (other.theirs, other.ours):
        while True:
            wire.send(encode(("GET", "k")) + encode(("OBJECT", "IDLETIME", "k")))
            wire.read()
            if wire.read().integer >= 1:
                break
    other.do("CLIENT", "NO-TOUCH", "off")
    other.play("GET k\nOBJECT IDLETIME k")


def test_a_protocol_error_behind_silence_comes_in_its_turn(pair: Pair) -> None:
    pair.raw(encode(("CLIENT", "REPLY", "SKIP")) + encode(("SET", "k", "v")) + b"PING\r\n*1\r\nfoo\r\n", closes=True)
    pair.second().do("GET", "k")


@pytest.mark.parametrize("last", [encode(("QUIT",)), b"*1\r\nfoo\r\n"], ids=["QUIT", "protocol error"])
def test_leaving_in_silence(pair: Pair, last: bytes) -> None:
    assert "closed-while-silent" in difference_rows()
    other = pair.second()
    for wire in (other.theirs, other.ours):
        wire.send(encode(("CLIENT", "REPLY", "OFF")) + last)
    assert other.ours.read_until_closed() == b""
    assert other.theirs.silent_for(0.05) == b""


TALK = """
    CLIENT REPLY SKIP|CLIENT REPLY OFF|CLIENT REPLY ON|CLIENT REPLY x|PING|GET|SET k 1|INCR k|MULTI|EXEC|DISCARD
    BZPOPMIN z 0.01|ZADD z 1 a|NOSUCH|RESET|WATCH k|SELECT 1|CLIENT SETNAME x|CLIENT GETNAME|CLIENT NO-TOUCH on
""".strip().replace("\n", "|")


def test_random_silence(pair: Pair) -> None:
    """Whole conversations at once, in two pieces cut anywhere: who is silent, and when, is the same."""
    pool = [encode(tuple(line.split())) for line in TALK.split("|")]
    for seed in range(60):
        random = Random(seed)
        said = b"".join(random.choice(pool) for _ in range(25))
        # A RESET may be left out itself.
        said += encode(("RESET",)) * 2 + encode(("QUIT",))
        cut = random.randrange(len(said))
        other = pair.second(2)
        pair.fresh()
        answers = []
        for wire in (other.theirs, other.ours):
            wire.send(said[:cut])
            wire.send(said[cut:])
            answers.append(wire.read_until_closed())
        assert answers[0] == answers[1], (seed, said)
