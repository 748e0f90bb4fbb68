"""What clients probe although there is no replication, no cluster and no module: a lone server's answers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.differential.catalogue import golden
from tests.differential.pair import Pair
from tests.differential.servers import Server, both


def test_role_and_replication(pair: Pair) -> None:
    pair.play("""
        ROLE
        ROLE x
        REPLICAOF NO ONE
        replicaof no one
        SLAVEOF No One
        REPLICAOF
        REPLICAOF NO
        REPLICAOF NO ONE x
        REPLICAOF host port
        REPLICAOF host 65536
        REPLICAOF host -1
        SLAVEOF one no
        ROLE
    """)


def test_wait(pair: Pair) -> None:
    pair.play("""
        WAIT
        WAIT 0
        WAIT 0 0
        WAIT -1 0
        WAIT 0 a
        WAIT a 0
        WAIT a a
        WAIT 0 -1
        WAIT 1 -1
        WAIT 1 1
        WAIT 1 1.5
        WAIT 99999999999999999999 1
        WAIT 1 99999999999999999999
        WAIT 1 9223372036854775807
        WAIT 0 9223372036854775807
        WAITAOF 0 0 0
        WAITAOF 0 1 1
        WAITAOF 1 0 0
        WAITAOF 1 0 a
        WAITAOF 1 a a
        WAITAOF 2 0 0
        WAITAOF -1 0 0
        WAITAOF a a a
        WAITAOF 0 -1 0
        WAITAOF 0 a a
        WAITAOF 0 1 -1
        WAITAOF 0 0
        MULTI
        WAIT 1 0
        WAITAOF 0 1 0
        WAITAOF 1 1 0
        EXEC
    """)


def test_wait_takes_its_time(pair: Pair) -> None:
    began = time.monotonic()
    pair.do("WAIT", "1", "60")
    assert time.monotonic() - began >= 0.06
    pair.send("WAIT", "1", "0")
    pair.silent()
    pair.send("PING")
    pair.silent()


def test_failover(pair: Pair) -> None:
    pair.play("""
        FAILOVER
        FAILOVER ABORT
        failover abort
        FAILOVER ABORT ABORT
        FAILOVER ABORT TIMEOUT 1
        FAILOVER TIMEOUT 1 ABORT
        FAILOVER TO
        FAILOVER TO a
        FAILOVER TO a 1
        FAILOVER TO a b
        FAILOVER TO a -1
        FAILOVER TO a 99999999999
        FAILOVER TO a 99999999999999999999
        FAILOVER TO a 1 FORCE
        FAILOVER TO a 1 FORCE FORCE
        FAILOVER TO a 1 TO a 1
        FAILOVER TO a 1 FORCE TIMEOUT 10
        FAILOVER FORCE
        FAILOVER FORCE TIMEOUT 1
        FAILOVER TIMEOUT
        FAILOVER TIMEOUT 0
        FAILOVER TIMEOUT -1
        FAILOVER TIMEOUT a
        FAILOVER TIMEOUT 10
        FAILOVER TIMEOUT 10 TIMEOUT 10
        FAILOVER TIMEOUT 10 x
        FAILOVER TIMEOUT 0 x
        FAILOVER x
    """)


def test_cluster_is_off(pair: Pair) -> None:
    for name, tree in golden()["cluster"]["subcommands"].items():
        words = ("CLUSTER", name.upper(), *["1"] * (abs(tree["arity"]) - 2))
        pair.do(*words)
        pair.do(*words, "and", "one", "more")
        pair.do(*words[:2])
    pair.play("""
        CLUSTER
        CLUSTER NOSUCH
        CLUSTER KEYSLOT a
        cluster keyslot ""
        CLUSTER KEYSLOT {a}b
        CLUSTER KEYSLOT x{a}b
        CLUSTER KEYSLOT {}b
        CLUSTER KEYSLOT {b
        CLUSTER KEYSLOT {{a}}
        CLUSTER KEYSLOT }{a}{b}
        CLUSTER KEYSLOT "\\x00\\xff\\x80"
        CLUSTER KEYSLOT 123456789
        ASKING
        ASKING x
        READONLY
        READONLY x
        READWRITE
        READWRITE x
        CLUSTERSCAN 0
        CLUSTERSCAN
        MULTI
        CLUSTER INFO
        CLUSTER NODES x
        EXEC
    """)


def test_modules(pair: Pair) -> None:
    pair.play("""
        MODULE LIST
        INFO modules
        MODULE
        MODULE NOSUCH
        MODULE LIST x
        MODULE LOAD
        MODULE UNLOAD
        MODULE UNLOAD x y
        MODULE LOADEX
        MODULE LOAD /x.so
        MODULE LOADEX /x.so CONFIG a b ARGS c
        MODULE UNLOAD x
    """)


@pytest.fixture(scope="module", params=["yes", "local"])
def open_to_modules(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Server]]:
    with both("--enable-module-command", str(request.param)) as started:
        yield started


def test_modules_where_they_are_allowed(open_to_modules: tuple[Server, Server]) -> None:
    pair = Pair(*open_to_modules, 2)
    try:
        pair.play("""
            CONFIG GET enable-module-command
            MODULE LOAD
            MODULE LOAD /nonexistent.so
            MODULE LOAD /nonexistent.so a b
            MODULE LOAD /etc/passwd
            MODULE LOADEX /nonexistent.so
            MODULE LOADEX /nonexistent.so CONFIG a b ARGS x
            MODULE LOADEX /nonexistent.so CONFIG a
            MODULE LOADEX /nonexistent.so FOO
            MODULE UNLOAD nosuch
            MODULE UNLOAD a b
            MULTI
            MODULE LOAD /nonexistent.so
            MODULE UNLOAD nosuch
            EXEC
        """)
    finally:
        pair.close()
    for server in open_to_modules:
        log = server.log.read_text()
        assert "# Module /nonexistent.so failed to load: " in log
        assert "# Error unloading module nosuch: no such module with that name" in log


def test_last_save_is_the_start(pair: Pair) -> None:
    pair.within(60, "LASTSAVE")
    pair.do("LASTSAVE", "x")


def test_lolwut(pair: Pair) -> None:
    for words in ((), ("VERSION", "5"), ("VERSION", "5", "30", "10"), ("VERSION", "-1"), ("0",), ("9999", "9999")):
        reply = pair.differs("lolwut", "LOLWUT", *words)
        assert (reply.text or b"").endswith(b"Valkey ver. 9.1.2\n")
    pair.play("""
        LOLWUT VERSION x
        LOLWUT VERSION 5 x
        LOLWUT VERSION 99999999999999999999
    """)


CONTAINERS = sorted(name for name, tree in golden().items() if "subcommands" in tree)


def test_help_of_every_container(pair: Pair) -> None:
    for container in CONTAINERS:
        theirs, ours = pair.both(container, "HELP")
        if (ours.text or b"").startswith(b"ERR unknown command"):
            continue
        pair.do(container, "HELP", "x")
        if theirs.is_error:
            pair.do(container, "HELP")
            continue
        lines = [item.text or b"" for item in ours.items]
        assert {item.kind for item in ours.items} == {"+"}
        for at in (0, -2, -1):
            assert lines[at] == theirs.items[at].text
        subcommands = {
            name.partition("|")[2].upper().encode()
            for name, tree in golden().items()
            if name.startswith(container + "|") and tree.get("doc_flags") != ["syscmd"]
        }
        told = {line.partition(b" ")[0] for line in lines[1:] if not line.startswith(b"    ")} - {b"(no"}
        assert told <= subcommands, container
    pair.differs("help-words", "COMMAND", "HELP")
