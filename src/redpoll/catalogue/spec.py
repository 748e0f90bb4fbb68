"""The description of a command without its handler.  ACL, routing, COMMAND and the docs use it."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import KeySpec

WRITE: Final[i64] = 1 << 0
READONLY: Final[i64] = 1 << 1
DENYOOM: Final[i64] = 1 << 2
ADMIN: Final[i64] = 1 << 3
PUBSUB: Final[i64] = 1 << 4
NOSCRIPT: Final[i64] = 1 << 5
BLOCKING: Final[i64] = 1 << 6
LOADING: Final[i64] = 1 << 7
STALE: Final[i64] = 1 << 8
SKIP_MONITOR: Final[i64] = 1 << 9
SKIP_COMMANDLOG: Final[i64] = 1 << 10
ASKING: Final[i64] = 1 << 11
FAST: Final[i64] = 1 << 12
NO_AUTH: Final[i64] = 1 << 13
MOVABLEKEYS: Final[i64] = 1 << 14
NO_MULTI: Final[i64] = 1 << 15
NO_MANDATORY_KEYS: Final[i64] = 1 << 16
ALLOW_BUSY: Final[i64] = 1 << 17
NO_ASYNC_LOADING: Final[i64] = 1 << 18

FLAG_NAMES: Final = (
    (WRITE, b"write"), (READONLY, b"readonly"), (DENYOOM, b"denyoom"), (ADMIN, b"admin"), (PUBSUB, b"pubsub"),
    (NOSCRIPT, b"noscript"), (BLOCKING, b"blocking"), (LOADING, b"loading"), (STALE, b"stale"),
    (SKIP_MONITOR, b"skip_monitor"), (SKIP_COMMANDLOG, b"skip_commandlog"), (ASKING, b"asking"), (FAST, b"fast"),
    (NO_AUTH, b"no_auth"), (NO_MANDATORY_KEYS, b"no_mandatory_keys"), (MOVABLEKEYS, b"movablekeys"),
    (NO_ASYNC_LOADING, b"no_async_loading"), (NO_MULTI, b"no_multi"), (ALLOW_BUSY, b"allow_busy"),
)  # fmt: skip
"""In the order in which COMMAND INFO lists them."""

KEYSPACE: Final[i64] = 1 << 0
READ: Final[i64] = 1 << 1
WRITING: Final[i64] = 1 << 2
SET: Final[i64] = 1 << 3
SORTEDSET: Final[i64] = 1 << 4
LIST: Final[i64] = 1 << 5
HASH: Final[i64] = 1 << 6
STRING: Final[i64] = 1 << 7
BITMAP: Final[i64] = 1 << 8
HYPERLOGLOG: Final[i64] = 1 << 9
GEO: Final[i64] = 1 << 10
STREAM: Final[i64] = 1 << 11
PUBSUB_CATEGORY: Final[i64] = 1 << 12
ADMINISTRATIVE: Final[i64] = 1 << 13
QUICK: Final[i64] = 1 << 14
SLOW: Final[i64] = 1 << 15
BLOCKS: Final[i64] = 1 << 16
DANGEROUS: Final[i64] = 1 << 17
CONNECTION: Final[i64] = 1 << 18
TRANSACTION: Final[i64] = 1 << 19
SCRIPTING: Final[i64] = 1 << 20

CATEGORY_NAMES: Final = (
    (KEYSPACE, b"@keyspace"), (READ, b"@read"), (WRITING, b"@write"), (SET, b"@set"), (SORTEDSET, b"@sortedset"),
    (LIST, b"@list"), (HASH, b"@hash"), (STRING, b"@string"), (BITMAP, b"@bitmap"),
    (HYPERLOGLOG, b"@hyperloglog"), (GEO, b"@geo"), (STREAM, b"@stream"), (PUBSUB_CATEGORY, b"@pubsub"),
    (ADMINISTRATIVE, b"@admin"), (QUICK, b"@fast"), (SLOW, b"@slow"), (BLOCKS, b"@blocking"),
    (DANGEROUS, b"@dangerous"), (CONNECTION, b"@connection"), (TRANSACTION, b"@transaction"),
    (SCRIPTING, b"@scripting"),
)  # fmt: skip
"""In the order in which COMMAND INFO lists them."""


def categories_of(flags: i64, acl: i64) -> i64:
    """All ACL categories: the declared ones and those that follow from the flags."""
    found = acl
    if flags & WRITE != 0:
        found |= WRITING
    # EXEC, EVAL and similar commands read and write only through the commands that they run.
    if flags & READONLY != 0 and acl & SCRIPTING == 0:
        found |= READ
    if flags & ADMIN != 0:
        found |= ADMINISTRATIVE | DANGEROUS
    if flags & PUBSUB != 0:
        found |= PUBSUB_CATEGORY
    if flags & BLOCKING != 0:
        found |= BLOCKS
    return found | (QUICK if flags & FAST != 0 else SLOW)


class Spec:
    """Name (a subcommand's as `client|list`), arity, flags, ACL categories, key specs and words for the docs.

    `arity` counts the name; if negative, it is a minimum.  `tips` are hints for clients that send to many nodes.
    `arguments` is the line that arguments.py explains.  `replaced` is the version that deprecated the command, and its
    replacement.  `system` commands are for communication between servers and for tests.
    """

    def __init__(
        self,
        name: bytes,
        arity: i64,
        flags: i64,
        acl: i64,
        keys: list[KeySpec],
        since: str,
        complexity: str,
        summary: str,
        group: str,
        tips: str,
        arguments: str,
        replaced: str,
        system: bool,
    ) -> None:
        self.name: Final = name
        self.arity: i64 = arity
        self.flags: i64 = flags
        self.categories: i64 = categories_of(flags, acl)
        self.keys: Final = keys
        self.since: Final = since
        self.complexity: Final = complexity
        self.summary: Final = summary
        self.group: Final = group
        self.tips: Final = tips
        self.arguments: Final = arguments
        self.replaced: Final = replaced
        self.system: Final = system
