"""Random commands, also from scripts and in transactions, on a server with an append-only file and two replicas.

Afterwards both replicas have the same data, and the server has it again when it comes back from its file.
"""

from __future__ import annotations

import os
from random import Random

import pytest
from tests.differential.catalogue import golden
from tests.differential.links import Client, until
from tests.differential.test_random import Drawer, in_groups
from tests.differential.test_replication import follow, mine, running, same, theirs
from tests.differential.wire import Word

LEFT_OUT = {"migrate", "wait", "waitaof", "shutdown", "multi", "exec", "discard", "watch", "randomkey", "restore"}
NAMES = sorted(
    name
    for name, tree in golden().items()
    if (in_groups(name) or name in ("swapdb", "select", "flushdb", "publish"))
    and name not in LEFT_OUT
    and "blocking" not in [flag.lower() for flag in tree.get("command_flags", ())]
    and not name.startswith("b")
    and not name.startswith("xread")
)
COUNT = 3000 if os.environ.get("REDPOLL_PROFILE") == "full" else 600
IN_SCRIPT = "return redis.pcall(unpack(ARGV))"
TWICE = "redis.pcall(unpack(ARGV)) return redis.pcall('incr', 'scripts')"


def drawn(random: Random, at: int) -> list[Word]:
    return list(Drawer(random.randrange(1 << 30), at).command(random.choice(NAMES))[1])


def act(client: Client, random: Random, at: int) -> None:
    """Some commands, sent in one of the ways that there are."""
    way = random.random()
    if way < 0.2:
        client("EVAL", random.choice((IN_SCRIPT, TWICE)), 0, *drawn(random, at))
    elif way < 0.3:
        client("MULTI")
        for _ in range(random.randrange(1, 4)):
            client(*drawn(random, at))
        client("EXEC")
    else:
        client(*drawn(random, at))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(2))
def test_replicas_and_the_file_have_what_the_server_has(seed: int) -> None:
    random = Random(seed)
    primary = mine("--appendonly", "yes", "--appendfsync", "always")
    with running(primary, theirs(), mine("--appendonly", "yes")) as (client, their_replica, our_replica):
        for replica in (their_replica, our_replica):
            follow(replica, primary)
        for at in range(COUNT):
            act(client, random, at)
            if at == COUNT // 3:
                assert not client("BGREWRITEAOF").is_error
            elif at == COUNT // 2:
                client("BGSAVE")
        same(client, their_replica, our_replica)
        until(lambda: client.info("aof_rewrite_in_progress") == "0", "the rewrite has ended")
        client("SELECT", 0)
        before = client.text("DEBUG", "DIGEST")
        assert before != b"0" * 40
        assert not client("DEBUG", "LOADAOF").is_error
        assert client.text("DEBUG", "DIGEST") == before
