"""What client libraries and monitoring tools say first: the lines that they send when they connect, one behind another.

Each was written down from what the library sends; names and versions are examples.
"""

from __future__ import annotations

import pytest
from tests.differential.pair import Pair, words_of
from tests.differential.wire import Reply, encode

LIBRARIES = {
    "redis-py": """
        HELLO 3
        CLIENT SETINFO LIB-NAME redis-py
        CLIENT SETINFO LIB-VER 5.0.1
        CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type none
        SELECT 2
        CLIENT SETNAME worker
    """,
    "go-redis": """
        HELLO 3 SETNAME worker
        CLIENT SETINFO LIB-NAME "go-redis(,go1.22.1)"
        CLIENT SETINFO LIB-VER 9.5.1
        SELECT 1
        READONLY
        PING
    """,
    "jedis": """
        HELLO 3 AUTH default secret SETNAME pool-1
        CLIENT SETINFO LIB-NAME jedis(java)
        CLIENT SETINFO LIB-VER 5.1.0
        SELECT 0
        PING
        QUIT
    """,
    "lettuce": """
        HELLO 3 SETNAME lettuce#1
        CLIENT SETINFO lib-name Lettuce
        CLIENT SETINFO lib-ver 6.3.2.RELEASE/8941aea
        CLIENT NO-EVICT ON
        PING
    """,
    "ioredis": """
        CLIENT SETNAME worker
        CLIENT SETINFO LIB-NAME ioredis
        CLIENT SETINFO LIB-VER 5.4.1
        SELECT 3
    """,
    "node-redis": """
        HELLO 3
        CLIENT SETINFO LIB-NAME node-redis
        CLIENT SETINFO LIB-VER 1.5.14
        CLIENT SETNAME "with blanks"
        CLIENT SETNAME worker
        READONLY
    """,
    "StackExchange.Redis": """
        HELLO 3 AUTH default secret
        CLIENT SETNAME HOST(SE.Redis-v2.7.33)
        CLIENT SETINFO lib-name SE.Redis
        CLIENT SETINFO lib-ver 2.7.33
        CONFIG GET slave-read-only
        CONFIG GET databases
        CONFIG GET timeout
        CLUSTER NODES
        SENTINEL MASTERS
        GET __Booksleeve_TieBreak
        ECHO "\\x01\\x02\\x03"
    """,
    "phpredis": """
        AUTH secret
        AUTH default secret
        SELECT 0
        PING
        ECHO phpredis
    """,
    "redis-client (Sidekiq)": """
        HELLO 3
        CLIENT SETINFO LIB-NAME "redis-client(ruby;sidekiq)"
        CLIENT SETINFO LIB-VER 0.22.0
        CONFIG GET maxmemory-policy
    """,
    "kombu (Celery)": """
        CLIENT SETINFO LIB-NAME redis-py(kombu_v5.3.4)
        CLIENT SETINFO LIB-VER 4.6.0
        SELECT 0
        PING
    """,
    "GLIDE": """
        HELLO 3
        CLIENT SETINFO LIB-NAME GlidePy
        CLIENT SETINFO LIB-VER 1.2.0
        CLIENT CAPA redirect
        CLIENT NO-TOUCH ON
    """,
    "redis_exporter": """
        CLIENT SETNAME redis_exporter
        CONFIG GET maxmemory
        CLUSTER INFO
        LATENCY LATEST
        DBSIZE
        SENTINEL MASTERS
        TIME x
    """,
}


def without_what_is_each_servers_own(replies: list[Reply]) -> list[tuple[object, ...]]:
    """The replies, of HELLO all but the id and the modules."""
    return [plain(reply) for reply in replies]


def plain(reply: Reply) -> tuple[object, ...]:
    names = [item.text for item in reply.items[::2]]
    items = reply.items
    if names[:1] == [b"server"]:
        items = tuple(
            item for name, pair in zip(names, zip(items[::2], items[1::2], strict=True), strict=True)
            for item in pair if name not in (b"id", b"modules")
        )  # fmt: skip
    return (reply.kind, None if reply.items else reply.text, *(plain(item) for item in items))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("pipelined", [False, True])
def test_a_library_connects(pair: Pair, library: str, pipelined: bool) -> None:
    lines = [words_of(line.strip()) for line in LIBRARIES[library].splitlines() if line.strip()]
    answered: list[list[Reply]] = []
    for wire in (pair.theirs, pair.ours):
        replies: list[Reply] = []
        if pipelined:
            wire.send(b"".join(map(encode, lines)))
        for line in lines:
            if not pipelined:
                wire.send(encode(line))
            replies.append(wire.read())
        answered.append(replies)
    theirs, ours = map(without_what_is_each_servers_own, answered)
    assert [*zip(lines, ours, strict=True)] == [*zip(lines, theirs, strict=True)]
