"""Files beside the reference: what either saves, the other loads to the same data; SAVE, RELOAD and SHUTDOWN alike."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.differential.pair import Pair, difference_rows
from tests.differential.servers import ROOT, Redpoll, Server, Valkey, free_port, ours
from tests.differential.wire import ConnectionClosedError, Reply, Wire, encode

GOLDEN = ROOT / "tests" / "golden" / "rdb"
FAR_MS = 4102444800000


def do(server: Server, *words: str | bytes | int) -> Reply:
    wire = Wire(server.port, timeout=60)
    try:
        wire.send(encode(words))
        return wire.read()
    finally:
        wire.close()


def digest(server: Server) -> bytes:
    """Of all databases, streams without the times of their consumers."""
    return do(server, "DEBUG", "DIGEST").text or b""


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[list[Server]]:
    """Servers to be ended with the test."""
    started: list[Server] = []
    yield started
    for server in started:
        server.close()


def started_with(server: Server, file: Path, folders: list[Server]) -> Server:
    """A server that finds `file` as its snapshot."""
    shutil.copy(file, Path(server.folder.name) / "dump.rdb")
    folders.append(server)
    server.start()
    return server


def filled(pair: Pair) -> None:
    pair.play(f"""
        SET string value
        SET number 12345
        SET long "{"abcdefgh" * 200}"
        SET timed v PXAT {FAR_MS}
        RPUSH list a b 1 -5 70000
        SADD ints 1 2 3 70000
        SADD words a b 1
        HSET hash f v g w
        HSET fields f v g w
        HPEXPIREAT fields {FAR_MS} FIELDS 1 f
        ZADD zset 1 a 2.5 b inf c
        XADD stream 1-1 f v g w
        XADD stream 2-1 f x
        XADD stream 3-1 h y
        XDEL stream 2-1
        XGROUP CREATE stream group 0
        XGROUP CREATE stream other $
        XGROUP CREATECONSUMER stream group idle
        PFADD hll a b c
        SETBIT bits 1000 1
    """)
    pair.do("RPUSH", "longlist", *[f"element:{n}" for n in range(3000)])
    pair.do("SADD", "longset", *[f"member:{n}" for n in range(1000)])
    pair.do("HSET", "longhash", *[f"word:{n}" for n in range(2000)])
    pair.do("ZADD", "longzset", *[word for n in range(1000) for word in (n / 7, f"member:{n}")])
    for n in range(300):
        pair.do("XADD", "longstream", f"{n + 1}-0", "field", f"value {n}")
    pair.play("SELECT 3\nSET other db\nSELECT 0")


@pytest.mark.parametrize("format", ["valkey080", "redis0011", "redis0010"])
def test_either_loads_what_the_other_saves(pair: Pair, folders: list[Server], format: str) -> None:
    filled(pair)
    if format != "valkey080":
        pair.do("DEL", "fields")
    theirs, under_test = pair.servers
    do(under_test, "CONFIG", "SET", "rdb-format", format)
    before = digest(theirs)
    assert digest(under_test) == before
    for server in (theirs, under_test):
        assert do(server, "SAVE").raw == b"+OK\r\n"
        file = Path(server.folder.name) / "dump.rdb"
        assert file.read_bytes()[:9] in (b"VALKEY080", format.upper().encode())
        for fresh in (Valkey("valkey"), ours()):
            started_with(fresh, file, folders)
            assert digest(fresh) == before, (server.name, fresh.name)
            assert "Done loading RDB, keys loaded: " in fresh.log.read_text(errors="replace")
            assert do(fresh, "PEXPIRETIME", "timed").raw == b":%d\r\n" % FAR_MS
    do(under_test, "CONFIG", "SET", "rdb-format", "valkey080")


@pytest.mark.parametrize("name", ["valkey-9.1.2/dump.rdb", "redis-7.0.15/dump.rdb", "legacy/types-0-21.rdb"])
def test_golden_files_go_through_both(folders: list[Server], name: str) -> None:
    theirs = started_with(Valkey("valkey"), GOLDEN / name, folders)
    mine = started_with(Redpoll("redpoll"), GOLDEN / name, folders)
    assert digest(mine) == digest(theirs)
    assert do(mine, "SAVE").raw == b"+OK\r\n"
    again = started_with(Valkey("valkey"), Path(mine.folder.name) / "dump.rdb", folders)
    assert digest(again) == digest(theirs)
    # Kept as text until there are functions.
    theirs_functions = do(theirs, "FUNCTION", "LIST", "WITHCODE").raw
    assert sorted(theirs_functions.split(b"\r\n")) == sorted(
        do(again, "FUNCTION", "LIST", "WITHCODE").raw.split(b"\r\n")
    )


def test_hashes_with_deadlines_need_the_format_of_valkey(pair: Pair) -> None:
    pair.play(f"HSET hash f v\nHPEXPIREAT hash {FAR_MS} FIELDS 1 f")
    under_test = pair.servers[1]
    do(under_test, "CONFIG", "SET", "rdb-format", "redis0011")
    try:
        assert do(under_test, "DUMP", "hash").text == (
            b"ERR rdb-format: a hash whose fields have deadlines needs the format of Valkey 9"
        )
        assert do(under_test, "SAVE").raw == b"-ERR\r\n"
        assert b"needs the format of Valkey 9" in under_test.log.read_bytes()
    finally:
        do(under_test, "CONFIG", "SET", "rdb-format", "valkey080")
    pair.do("SAVE")


def test_reloading_keeps_all(pair: Pair) -> None:
    filled(pair)
    before = pair.do("DEBUG", "DIGEST")
    pair.do("DEBUG", "RELOAD")
    assert pair.do("DEBUG", "DIGEST").raw == before.raw
    for key in ("string", "number", "long", "list", "ints", "words", "hash", "fields", "zset", "stream", "longlist",
                "longset", "longhash", "longzset"):  # fmt: skip
        pair.do("OBJECT", "ENCODING", key)
        pair.do("PTTL", key)
    pair.do("SET", "more", "v")
    pair.do("DEBUG", "RELOAD", "NOSAVE")
    pair.do("EXISTS", "more")
    pair.do("SET", "string", "changed")
    pair.do("SET", "more", "v")
    pair.do("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE")
    pair.do("DEBUG", "DIGEST")
    pair.do("GET", "string")
    pair.do("DEBUG", "RELOAD", "WHAT")
    pair.do("DEBUG", "RELOAD", "NOSAVE", "x")


def test_watched_keys_and_waiting_clients(pair: Pair) -> None:
    pair.do("SET", "k", "v")
    other = pair.second()
    waiter = pair.second()
    waiter.send("BLPOP", "list", "0")
    waiter.silent()
    pair.do("WATCH", "k")
    other.do("DEBUG", "RELOAD")
    pair.play("MULTI\nPING\nEXEC")
    pair.do("WATCH", "nothing")
    other.do("DEBUG", "RELOAD")
    pair.play("MULTI\nPING\nEXEC")
    pair.do("RPUSH", "list", "a")
    waiter.read()


def test_saving_is_counted(pair: Pair) -> None:
    pair.do("SET", "k", "v")
    pair.do("SAVE")
    pair.do("SAVE", "now")
    pair.within(2, "LASTSAVE")
    pair.play("MULTI\nSAVE\nEXEC")
    for server in pair.servers:
        text = do(server, "INFO", "persistence").text or b""
        assert b"rdb_changes_since_last_save:0\r\n" in text
        assert b"rdb_last_bgsave_status:ok\r\n" in text
        assert b"loading:0\r\n" in text


def test_a_folder_that_cannot_be_written_to(pair: Pair, folders: list[Server]) -> None:
    replies = []
    for server in (Valkey("valkey", "--enable-protected-configs", "yes"), ours("--enable-protected-configs", "yes")):
        folders.append(server)
        server.start()
        do(server, "SET", "k", "v")
        assert do(server, "CONFIG", "SET", "dir", "/proc").raw == b"+OK\r\n"
        found = [do(server, "SAVE").raw, do(server, "DEBUG", "RELOAD").raw, do(server, "GET", "k").raw]
        found += [do(server, "SHUTDOWN", "SAVE").raw, do(server, "DEBUG", "RELOAD", "NOSAVE").raw]
        text = do(server, "INFO", "persistence").text or b""
        found.append(next(line for line in text.split(b"\r\n") if line.startswith(b"rdb_last_bgsave_status")))
        replies.append(found)
    assert replies[0] == replies[1]


@pytest.mark.parametrize("words", [("SAVE",), ("NOSAVE",), (), ("SAVE", "FORCE"), ("save", "now")])
def test_what_is_saved_at_the_end(folders: list[Server], words: tuple[str, ...]) -> None:
    found = []
    for server in (Valkey("valkey"), ours()):
        folders.append(server)
        server.start()
        do(server, "SET", "k", "v")
        wire = Wire(server.port)
        wire.send(encode(("SHUTDOWN", *words)))
        assert wire.read_until_closed() == b""
        wire.close()
        assert server.process is not None
        found.append((server.process.wait(10), (Path(server.folder.name) / "dump.rdb").exists()))
    assert found[0] == found[1]


def test_a_damaged_file_refuses_the_start(folders: list[Server]) -> None:
    data = bytearray((GOLDEN / "valkey-9.1.2" / "dump-lru.rdb").read_bytes())
    data[-1] ^= 1
    for server in (Valkey("valkey"), ours()):
        folders.append(server)
        (Path(server.folder.name) / "dump.rdb").write_bytes(data)
        with pytest.raises(RuntimeError) as refused:
            server.start()
        assert "Wrong RDB checksum expected: (" in str(refused.value)


def test_clients_are_told_that_it_is_loading(folders: list[Server], tmp_path: Path) -> None:
    """A file that takes a while: most commands are refused, and SIGTERM ends it in good order."""
    source = ours()
    folders.append(source)
    source.start()
    do(source, "CONFIG", "SET", "rdbcompression", "no")
    do(source, "DEBUG", "POPULATE", "100000", "key", "100")
    assert do(source, "SAVE").raw == b"+OK\r\n"
    server = ours("--loading-process-events-interval-bytes", "1024")
    folders.append(server)
    shutil.copy(Path(source.folder.name) / "dump.rdb", Path(server.folder.name) / "dump.rdb")
    server.port = free_port()
    with server.log.open("wb") as log:
        server.process = subprocess.Popen(
            server.command(), cwd=server.folder.name, env=server.environment(), stdout=log, stderr=log
        )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", server.port)).close()
            break
        except OSError:
            time.sleep(0.005)
    assert do(server, "GET", "k").raw == b"-LOADING Valkey is loading the dataset in memory\r\n"
    assert do(server, "CONFIG", "SET", "dir", ".").raw == b"-LOADING Valkey is loading the dataset in memory\r\n"
    assert b"loading:1\r\n" in (do(server, "INFO", "persistence").text or b"")
    assert do(server, "LASTSAVE").kind == ":"
    server.process.terminate()
    assert server.process.wait(20) == 0
    assert "Received shutdown signal during loading" in server.log.read_text()


class PlainValkey(Valkey):
    """Without the `--save ""` of the others."""

    def command(self) -> list[str]:
        return super().command()[:-2]


class PlainRedpoll(Redpoll):
    """Without the `--save ""` of the others."""

    def command(self) -> list[str]:
        return super().command()[:-2]


def test_the_default_save_points_and_what_replaces_them(folders: list[Server]) -> None:
    for words, expected in (
        ((), b"3600 1 300 100 60 10000"),
        (("--save", ""), b""),
        (("--save", "5 6", "--save", "7", "8"), b"5 6 7 8"),
    ):
        for server in (PlainValkey("valkey", *words), PlainRedpoll("redpoll", *words)):
            folders.append(server)
            server.start()
            assert do(server, "CONFIG", "GET", "save").items[1].text == expected


def test_reloading_fails_halfway(folders: list[Server]) -> None:
    assert "debug-reload-failing" in difference_rows()
    found = []
    for server in (Valkey("valkey"), ours()):
        folders.append(server)
        server.start()
        do(server, "MSET", "a", "1", "b", "1")
        assert do(server, "SAVE").raw == b"+OK\r\n"
        file = Path(server.folder.name) / "dump.rdb"
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
        do(server, "SET", "c", "1")
        replies = [do(server, "DEBUG", "RELOAD", "NOSAVE").raw, do(server, "EXISTS", "c").integer]
        do(server, "MSET", "a", "2", "c", "1")
        replies += [
            do(server, "DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE").raw,
            do(server, "EXISTS", "a", "b", "c").integer,
        ]
        try:
            replies.append(do(server, "DEBUG", "RELOAD", "NOSAVE", "NOFLUSH").raw)
        except (ConnectionError, ConnectionClosedError):
            replies.append(b"closed")
        found.append(replies)
    failed = b"-ERR Error trying to load the RDB dump, check server logs.\r\n"
    assert found[0] == [failed, 0, failed, 3, b"closed"]
    assert found[1] == [failed, 1, failed, 3, failed]
    assert do(folders[1], "EXISTS", "a", "b", "c").integer == 3
