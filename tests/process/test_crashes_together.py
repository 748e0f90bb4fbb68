"""A save, a rewrite and full synchronisations at once over large values that clients change, and kill -9 in between.

Each client runs transactions in two databases of its own, and repeats on a Valkey what the server has acknowledged.
After a kill the server must have the data of the Valkey: all that was acknowledged, and of the transaction without a
reply all or nothing.  A counter in each transaction tells whether it ran.
"""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import settings
from tests.differential.links import Client, until
from tests.differential.servers import Valkey
from tests.differential.wire import ConnectionClosedError, Reply, Word, encode, spell
from tests.process.conftest import Start
from tests.process.running import Running

from redpoll.build_info import build_kind
from redpoll.cli.rdb import check

FULL = settings().max_examples >= 800
SIZE = 100_000 if build_kind() == "compiled" else 10_000
"""Items of a large value."""
CLIENTS = 2
MOST_REPLICAS = 3
COUNTERS = 15
"""The database with the clients' counters."""
LOCAL = ("--bind", "127.0.0.1", "--port", "{port}", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0")
PRIMARY = (*LOCAL, "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0")
SOON_MS = 40
"""How long a field or key lives that expires during the test."""
PATIENCE = 120.0
"""Seconds for a reply.  DEBUG RELOAD takes some of them, and whatever else the machine does."""

Words = tuple[Word, ...]


def built(key: str, at: int) -> list[Words]:
    """The commands that make a large value anew."""
    n = range(SIZE)
    items: dict[str, Words] = {
        "hash": ("HSET", "hash", *[word for i in n for word in (f"f{i}", f"v{at}:{i}")]),
        "set": ("SADD", "set", *[f"m{i}" for i in n]),
        "numbers": ("SADD", "numbers", *[i * 3 for i in n]),
        "zset": ("ZADD", "zset", *[word for i in n for word in (i * 7 % SIZE, f"m{i}")]),
        "list": ("RPUSH", "list", *[f"e{at}:{i}" for i in n]),
        "string": ("SET", "string", b"0123456789abcdef" * (SIZE // 2)),
    }
    if key == "stream":
        return [("DEL", key), *[("XADD", key, f"{at}-{i + 1}", "f", f"v{i}") for i in range(SIZE // 10)]]
    return [("DEL", key), items[key]]


LARGE = ("hash", "set", "numbers", "zset", "list", "string", "stream")


class Drawer:
    """Draws transactions.  What they do follows from the data and the words alone, so it is the same on both servers.

    A key or field that expires is used by one transaction only: when it goes is no matter.
    """

    def __init__(self, seed: int, database: int) -> None:
        self.random = Random(seed)
        self.here = database
        self.there = database + 1
        self.at = 0
        self.deadline = 0.0
        """When all is expired that was made to expire, in seconds since the epoch."""

    def soon(self) -> int:
        """A deadline in milliseconds since the epoch."""
        deadline = int(time.time() * 1000) + SOON_MS
        self.deadline = deadline / 1000
        return deadline

    def first(self) -> list[Words]:
        return [words for key in LARGE for words in built(key, 0)]

    def transaction(self) -> list[Words]:
        self.at += 1
        way = self.random.random()
        if way < 0.90:
            return [words for _ in range(self.random.randrange(1, 20)) for words in self.small()]
        if way < 0.93:
            return built(self.random.choice(LARGE), self.at)
        if way < 0.95:
            return [("FLUSHDB",), *self.copies_from_there()]
        if way < 0.97:
            return [("SWAPDB", self.here, self.there)]
        return self.moves()

    def copies_from_there(self) -> list[Words]:
        copies: list[Words] = [("COPY", key, key, "DB", self.here) for key in LARGE]
        return [("SELECT", self.there), *copies, ("SELECT", self.here)]

    def moves(self) -> list[Words]:
        key = self.random.choice(LARGE)
        choices: list[list[Words]] = [
            [("COPY", key, key, "DB", self.there, "REPLACE")],
            [("RENAME", key, "other:" + key)],
            [("UNLINK", "other:" + key)],
            [("DEL", "other:" + key), ("RENAME", key, "other:" + key), ("COPY", "other:" + key, key)],
            [("MOVE", "other:" + key, self.there)],
            [("PEXPIREAT", key, 4102444800000 + self.at)],
        ]
        return self.random.choice(choices)

    def small(self) -> list[Words]:
        """A change of a part of a value."""
        at, n, m = self.at, self.random.randrange(SIZE), self.random.randrange(SIZE)
        choices: list[list[Words]] = [
            [("HSET", "hash", f"f{n}", f"new{at}")],
            [("HDEL", "hash", f"f{n}", f"f{m}")],
            [("HSET", "hash", "stays", at, f"x{at}", n), ("HPEXPIREAT", "hash", self.soon(), "FIELDS", 1, f"x{at}")],
            [("HPEXPIREAT", "hash", 4102444800000 + at, "FIELDS", 1, f"f{n}")],
            [("SADD", "set", f"new{at}", f"m{n}"), ("SREM", "set", f"m{m}")],
            [("SADD", "numbers", n), ("SREM", "numbers", m)],
            [("ZADD", "zset", n, f"m{m}", m, f"new{at}")],
            [("ZPOPMIN", "zset", 3), ("ZREM", "zset", f"m{n}"), ("ZINCRBY", "zset", 1.5, f"m{m}")],
            [("RPUSH", "list", f"new{at}"), ("LPOP", "list"), ("LSET", "list", n // 2, at)],
            [("LPUSH", "list", f"new{at}"), ("RPOP", "list", 2)],
            [("SETRANGE", "string", n * 7, f"new{at}"), ("SETBIT", "string", n, 1), ("APPEND", "string", at)],
            [("XADD", "stream", f"{at}-*", "f", "v")],
            [("XDEL", "stream", f"0-{n // 10}"), ("XTRIM", "stream", "MAXLEN", SIZE // 10)],
            [("SET", f"small:{n % 100}", at), ("SET", f"soon:{at}", at, "PXAT", self.soon())],
        ]
        return self.random.choice(choices)


class Ledger:
    """What one client has done, over all lives of the server.  The Valkey has exactly what was acknowledged."""

    def __init__(self, number: int, seed: int, oracle: Valkey) -> None:
        self.counter = f"client:{number}"
        self.drawer = Drawer(seed, number * 2)
        self.oracle = Client(oracle, PATIENCE)
        self.acknowledged = 0
        self.pending: list[Words] = []

    def run_next(self, client: Client) -> None:
        """Run a transaction on the server, then on the Valkey.  `pending` is the one without a reply."""
        self.pending = [("SELECT", self.drawer.here)]
        self.pending += self.drawer.first() if self.acknowledged == 0 else self.drawer.transaction()
        self.pending += [("SELECT", COUNTERS), ("INCR", self.counter)]
        replies = exchange(client, [("MULTI",), *self.pending, ("EXEC",)])
        if replies[-1].is_error and any(reply.raw.startswith(b"-LOADING ") for reply in replies):
            # DEBUG RELOAD refuses commands while it loads, and so the whole transaction.
            assert replies[-1].raw.startswith(b"-EXECABORT ")
            self.pending = []
            return
        assert len(replies[-1].items) == len(self.pending), replies[-1]
        self.acknowledge()

    def acknowledge(self) -> None:
        exchange(self.oracle, self.pending)
        self.pending = []
        self.acknowledged += 1

    def learn(self, client: Client) -> None:
        """Find out whether the transaction without a reply ran, after a kill."""
        client("SELECT", COUNTERS)
        counted = int(client("GET", self.counter).text or 0)
        if self.pending and counted == self.acknowledged + 1:
            self.acknowledge()
        assert counted == self.acknowledged, "a transaction that was acknowledged is lost"


def exchange(client: Client, commands: list[Words]) -> list[Reply]:
    """The replies to commands that are sent at once."""
    client.wire.send(b"".join(map(encode, commands)))
    return [client.wire.read() for _ in commands]


class Changing(threading.Thread):
    """A client that changes large values until the server dies, or until it is told to stop."""

    def __init__(self, server: Running, ledger: Ledger) -> None:
        super().__init__(daemon=True)
        self.client = Client(server, PATIENCE)
        self.ledger = ledger
        self.ends = threading.Event()
        self.failure: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            while not self.ends.is_set():
                self.ledger.run_next(self.client)
        except (ConnectionClosedError, ConnectionError):
            pass
        except Exception as failure:
            self.failure = failure

    def stop(self) -> None:
        self.ends.set()
        self.join(PATIENCE)
        self.client.close()
        assert self.failure is None, self.failure
        assert not self.is_alive()


def has_all(client: Client, oracle: Client, ledgers: list[Ledger]) -> None:
    """The data is that of the Valkey, once all has expired that was made to expire."""
    deadline = max(ledger.drawer.deadline for ledger in ledgers)
    until(lambda: time.time() > deadline, "the last deadline")
    until(lambda: client.text("DEBUG", "DIGEST") == oracle.text("DEBUG", "DIGEST"), "the data is that of the Valkey")


def is_following(replica: Client, primary: Client) -> bool:
    return replica.info("master_link_status") == "up" and (
        replica.info("slave_repl_offset") == primary.info("master_repl_offset")
    )


class Lives:
    """Lives of one server."""

    def __init__(self, start: Start, folder: Path, seed: int, oracle: Valkey) -> None:
        self.start = start
        self.folder = folder
        self.random = Random(seed)
        self.oracle = Client(oracle, PATIENCE)
        self.ledgers = [Ledger(number, self.random.randrange(1 << 30), oracle) for number in range(CLIENTS)]
        self.replicas: list[Running | Valkey] = []
        """They outlive the server, and follow the next one whatever they have."""

    def begin(self) -> tuple[Running, Client]:
        """The server starts and has what was acknowledged."""
        preamble = self.random.choice(("yes", "no"))
        server = self.start(*PRIMARY, "--aof-use-rdb-preamble", preamble, folder=self.folder).ready()
        client = Client(server, PATIENCE)
        for ledger in self.ledgers:
            ledger.learn(client)
            if ledger.acknowledged == 0:
                ledger.run_next(client)
        has_all(client, self.oracle, self.ledgers)
        return server, client

    def new_replica(self) -> Running | Valkey:
        """Every second one is a Valkey."""
        if len(self.replicas) % 2 == 0:
            return self.start(*LOCAL, "--appendonly", self.random.choice(("yes", "no"))).ready()
        replica = Valkey("valkey-replica")
        replica.start()
        return replica

    def close(self) -> None:
        for replica in self.replicas:
            replica.close()
        for client in [self.oracle, *[ledger.oracle for ledger in self.ledgers]]:
            client.close()

    def life(self, in_peace: bool) -> None:
        """The server starts, does everything at once, and is killed.

        `in_peace`, it ends its save, its rewrite and its synchronisations before.
        """
        server, client = self.begin()
        # So slow that the three meet each other and many changes.
        client("CONFIG", "SET", "rdb-key-save-delay", 10_000)
        before = sum(ledger.acknowledged for ledger in self.ledgers)
        clients = [Changing(server, ledger) for ledger in self.ledgers]
        if len(self.replicas) < MOST_REPLICAS:
            self.replicas.append(self.new_replica())
        followers = [Client(replica, PATIENCE) for replica in self.replicas]
        jobs: list[tuple[Client, Words]] = [
            (client, ("BGSAVE", "SCHEDULE")),
            (client, ("BGREWRITEAOF",)),
            (client, ("DEBUG", "RELOAD")),
            *[(follower, ("REPLICAOF", "127.0.0.1", server.port)) for follower in followers],
        ]
        self.random.shuffle(jobs)
        for asked, words in jobs:
            # A save is refused while the snapshot for the replica is made.
            until(lambda asked=asked, words=words: not asked(*words).is_error, spell(words))  # type: ignore[misc]
        acknowledged = before + self.random.randrange(20, 200)
        until(
            lambda: (
                sum(ledger.acknowledged for ledger in self.ledgers) >= acknowledged
                or not all(each.is_alive() for each in clients)
            ),
            "changes",
            PATIENCE,
        )
        assert [each.failure for each in clients] == [None] * CLIENTS
        if in_peace:
            for changing in clients:
                changing.stop()
            self.end_in_peace(client, followers)
        server.signal(signal.SIGKILL)
        server.status()
        for changing in clients:
            changing.stop()
        for each in [client, *followers]:
            each.close()
        snapshot = self.folder / "dump.rdb"
        assert not snapshot.exists() or check([str(snapshot)]) == 0

    def end_in_peace(self, client: Client, followers: list[Client]) -> None:
        for field in ("rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled"):
            until(lambda field=field: client.info(field) == "0", field)  # type: ignore[misc]
        assert client.info("rdb_last_bgsave_status") == client.info("aof_last_bgrewrite_status") == "ok"
        has_all(client, self.oracle, self.ledgers)
        for follower in followers:
            until(lambda follower=follower: is_following(follower, client), "the replica has all")  # type: ignore[misc]
            has_all(follower, self.oracle, self.ledgers)


@pytest.mark.timeout(3000 if FULL else 180)
@pytest.mark.parametrize("seed", range(10 if FULL else 1))
def test_nothing_acknowledged_is_lost(start: Start, tmp_path: Path, seed: int) -> None:
    oracle = Valkey("valkey")
    oracle.start()
    lives = Lives(start, tmp_path, seed, oracle)
    try:
        for number in range(10 if FULL else 2):
            lives.life(in_peace=number % 2 == 1)
        lives.begin()[1].close()
    finally:
        lives.close()
        oracle.close()
