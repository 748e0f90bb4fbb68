"""Random commands, also from scripts, functions and transactions, on a server with an append-only file and two replicas.

Blocked clients are served in between, the file is rewritten and a snapshot is saved.  Afterwards the replicas, the
append-only files of the server and of its replica, and the snapshot have the data and the functions that they must have.

REDPOLL_SEED   runs this seed alone; a failure prints its seed
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random

import pytest
from tests.differential.catalogue import golden
from tests.differential.links import Client, until
from tests.differential.servers import Server
from tests.differential.test_random import KEYS, Drawer, in_groups
from tests.differential.test_replication import follow, mine, running, same, theirs
from tests.differential.wire import Reply, Word, encode

FULL = os.environ.get("REDPOLL_PROFILE") == "full"
COUNT = 3000 if FULL else 600
SEEDS = 30 if FULL else 2

LEFT_OUT = {"migrate", "wait", "waitaof", "multi", "exec", "discard", "watch", "randomkey", "restore"}
"""Commands that need another server, wait for one, or would end a transaction of the test."""


def drawable(name: str) -> bool:
    return (in_groups(name) or name in ("swapdb", "select", "flushdb", "publish")) and name not in LEFT_OUT


ANY = sorted(filter(drawable, golden()))
"""What scripts and transactions run; in them no command blocks."""
NAMES = [name for name in ANY if "blocking" not in golden()[name]["flags"]]

SCRIPTS = (
    "return redis.pcall(unpack(ARGV))",
    "redis.pcall(unpack(ARGV)) return redis.pcall('incr', 'scripts')",
    # An error halfway: what ran before it has happened.
    "redis.call('incr', 'scripts') redis.call(unpack(ARGV)) return redis.call('incr', 'scripts')",
    "redis.call('incr', 'scripts') redis.call(unpack(ARGV)) error('halfway')",
    # What is hidden from the replicas, the file or both, is deleted everywhere again.
    """
    for number, mode in ipairs({redis.REPL_NONE, redis.REPL_AOF, redis.REPL_REPLICA}) do
        redis.set_repl(mode)
        redis.call('set', 'hidden:' .. number, number)
    end
    redis.set_repl(redis.REPL_ALL)
    redis.pcall(unpack(ARGV))
    -- It may have been SWAPDB.
    for database = 0, 15 do
        redis.call('select', database)
        redis.call('del', 'hidden:1', 'hidden:2', 'hidden:3')
    end
    """,
)
LIBRARY = """#!lua name=%(name)s
redis.register_function('%(name)s_any', function(keys, args) return redis.pcall(unpack(args)) end)
redis.register_function('%(name)s_half', function(keys, args)
    redis.call('incr', 'functions:%(version)d')
    redis.call(unpack(args))
    return redis.call('incr', 'functions')
end)
"""
LIBRARIES = ("one", "two")

WAITING: tuple[tuple[Word, ...], ...] = (
    ("BLPOP", "list", *KEYS, 0),
    ("BRPOP", *KEYS, "list", 0),
    ("BLMOVE", "list", "b", "LEFT", "RIGHT", 0),
    ("BLMPOP", 0, 3, "a", "list", "c", "RIGHT", "COUNT", 2),
    ("BZPOPMIN", "zset", *KEYS, 0),
    ("BZPOPMAX", *KEYS, "zset", 0),
    ("BZMPOP", 0, 2, "zset", "b", "MIN", "COUNT", 3),
    ("XREADGROUP", "GROUP", "g", "waiter", "BLOCK", 0, "STREAMS", "stream", ">"),
    ("XREADGROUP", "GROUP", "g", "waiter", "BLOCK", 0, "NOACK", "STREAMS", "stream", ">"),
)
"""What blocked clients wait for: the keys that everything uses, and three that only WAKING changes."""
WAKING: tuple[tuple[Word, ...], ...] = (
    ("RPUSH", "list", "1", "2", "3"),
    ("LPUSH", "list", "x"),
    ("ZADD", "zset", 1, "m", 2, "n", 2, "o"),
    ("ZINCRBY", "zset", 1.5, "m"),
    ("XGROUP", "CREATE", "stream", "g", "$", "MKSTREAM"),
    ("XADD", "stream", "*", "f", "v"),
    ("XADD", "stream", "*", "f", "v"),
    ("DEL", "stream"),
    ("SWAPDB", 0, 1),
)


class Waiter:
    """A client that waits for keys, and waits anew once it has been served."""

    def __init__(self, server: Server, random: Random, database: int) -> None:
        self.client = Client(server)
        self.client("SELECT", database)
        self.random = random
        self.served = 0
        self.wait()

    def wait(self) -> None:
        self.client.wire.send(encode(self.random.choice(WAITING)))

    def go_on(self) -> None:
        """Wait anew if a reply has come.  An error comes at once if a key has another type."""
        if self.client.wire.silent_for(0.0005):
            self.served += not self.client.wire.read().is_error
            self.wait()


class Play:
    """Random use of the primary."""

    def __init__(self, server: Server, client: Client, random: Random) -> None:
        self.client = client
        self.random = random
        self.at = 0
        self.hashes = [client.text("SCRIPT", "LOAD", script) for script in SCRIPTS]
        self.dump = client.text("FUNCTION", "DUMP")
        self.waiters = [Waiter(server, random, database) for database in (0, 0, 0, 1)]

    def drawn(self, names: list[str]) -> list[Word]:
        """The words of a command, sometimes of one that serves blocked clients."""
        if self.random.random() < 0.15:
            return list(self.random.choice(WAKING))
        return list(Drawer(self.random.randrange(1 << 30), self.at).command(self.random.choice(names))[1])

    def run(self, count: int) -> None:
        for _ in range(count):
            self.at += 1
            self.act()
            for waiter in self.waiters:
                waiter.go_on()

    def act(self) -> None:
        """Some commands, sent in one of the ways that there are."""
        way = self.random.random()
        if way < 0.25:
            self.script(self.drawn(ANY))
        elif way < 0.35:
            self.client("MULTI")
            for _ in range(self.random.randrange(1, 4)):
                if self.random.random() < 0.2:
                    self.script(self.drawn(ANY))
                else:
                    self.client(*self.drawn(ANY))
            self.client("EXEC")
        elif way < 0.40:
            self.change_functions()
        else:
            self.client(*self.drawn(NAMES))

    def script(self, words: list[Word]) -> None:
        way = self.random.random()
        if way < 0.3:
            name = self.random.choice(LIBRARIES) + self.random.choice(("_any", "_half"))
            self.client("FCALL", name, 0, *words)
        elif way < 0.6:
            self.client("EVALSHA", self.random.choice(self.hashes), 0, *words)
        else:
            self.client("EVAL", self.random.choice(SCRIPTS), 0, *words)

    def change_functions(self) -> None:
        name = self.random.choice(LIBRARIES)
        way = self.random.random()
        if way < 0.6:
            code = LIBRARY % {"name": name, "version": self.at}
            self.client("FUNCTION", "LOAD", *self.random.choice(((), ("REPLACE",))), code)
        elif way < 0.7:
            self.client("FUNCTION", "DELETE", name)
        elif way < 0.75:
            self.client("FUNCTION", "FLUSH", *self.random.choice(((), ("SYNC",))))
        elif way < 0.85:
            self.dump = self.client.text("FUNCTION", "DUMP")
        elif way < 0.95:
            policy = self.random.choice(("APPEND", "REPLACE", "FLUSH"))
            self.client("FUNCTION", "RESTORE", self.dump, policy)
        else:
            self.client("SCRIPT", "FLUSH")
            self.hashes = [self.client.text("SCRIPT", "LOAD", script) for script in SCRIPTS]

    def close(self) -> int:
        """End the blocked clients; return how often they were served."""
        for waiter in self.waiters:
            waiter.client.close()
        return sum(waiter.served for waiter in self.waiters)


def functions(client: Client) -> list[bytes]:
    """The libraries with their code, in the order of their names."""

    def field(library: Reply, name: bytes) -> bytes:
        return next(
            value.text or b""
            for key, value in zip(library.items[::2], library.items[1::2], strict=True)
            if key.text == name
        )

    listed = client("FUNCTION", "LIST", "WITHCODE")
    return sorted(field(library, b"library_code") for library in listed.items)


def state(client: Client) -> tuple[bytes, list[bytes]]:
    """What must survive: the digest of all data, and the functions."""
    return client.text("DEBUG", "DIGEST"), functions(client)


def restarted(server: Server, client: Client, kill: bool) -> Client:
    """The server stops or is killed, and starts again from its file."""
    client.close()
    assert server.process is not None
    if kill:
        server.process.kill()
        server.process.wait()
    server.stop()
    server.start()
    return Client(server)


def in_file(path: Path) -> tuple[bytes, list[bytes]]:
    """The state that a server has which starts with this snapshot."""
    server = mine("--dbfilename", "copy.rdb")
    shutil.copy(path, Path(server.folder.name) / "copy.rdb")
    with running(server) as (client,):
        return state(client)


def everything_together(seed: int) -> None:
    random = Random(seed)
    preamble = random.choice(("yes", "no"))
    primary = mine("--appendonly", "yes", "--appendfsync", "always", "--aof-use-rdb-preamble", preamble)
    our = mine("--appendonly", "yes", "--aof-use-rdb-preamble", preamble)
    with running(primary, theirs(), our) as clients:
        client, their_replica, our_replica = clients
        for replica in (their_replica, our_replica):
            follow(replica, primary)
        play = Play(primary, client, random)
        play.run(COUNT // 3)
        # Slow enough that commands come in between.
        client("CONFIG", "SET", "rdb-key-save-delay", 10_000)
        assert client("BGREWRITEAOF").text == b"Background append only file rewriting started"
        play.run(COUNT // 6)
        until(lambda: client.info("aof_rewrite_in_progress") == "0", "the rewrite has ended")
        assert client.info("aof_last_bgrewrite_status") == "ok"
        saved = state(client)
        assert client("BGSAVE").text == b"Background saving started"
        play.run(COUNT // 2)
        until(lambda: client.info("rdb_bgsave_in_progress") == "0", "the save has ended")
        assert client.info("rdb_last_bgsave_status") == "ok"
        assert in_file(Path(primary.folder.name) / "dump.rdb") == saved
        assert play.close() >= COUNT // 200, "hardly any blocked client was served"
        same(client, their_replica, our_replica)
        client("SELECT", 0)
        before = state(client)
        assert before[0] != b"0" * 40
        assert functions(their_replica) == functions(our_replica) == before[1]
        assert not client("DEBUG", "LOADAOF").is_error
        assert state(client) == before

        clients[2] = restarted(our, our_replica, kill=False)
        assert state(clients[2]) == before
        clients[0] = restarted(primary, client, kill=False)
        assert state(clients[0]) == before
        play = Play(primary, clients[0], random)
        play.run(COUNT // 6)
        play.close()
        assert clients[0]("WAITAOF", 1, 0, 5000).items[0].integer == 1
        clients[0]("SELECT", 0)
        before = state(clients[0])
        clients[0] = restarted(primary, clients[0], kill=True)
        assert state(clients[0]) == before


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(1 if "REDPOLL_SEED" in os.environ else SEEDS))
def test_replicas_and_files_have_what_the_server_has(number: int) -> None:
    """The first two seeds are those of every run, the others are new in each."""
    seed = int(os.environ.get("REDPOLL_SEED", number if number < 2 else Random().randrange(1 << 32)))
    try:
        everything_together(seed)
    except AssertionError as failure:
        failure.add_note(f"REDPOLL_SEED={seed}")
        raise
