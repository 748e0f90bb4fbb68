"""The flags of a node: bits in headers and gossip, words in CLUSTER NODES and nodes.conf.

Source: spec/cluster.md, sections 5.2 and 3.1.
"""

from __future__ import annotations

from typing import Final

MASTER: Final = 1
"""A primary."""
REPLICA: Final = 2
PFAIL: Final = 4
"""This node has not reached it for `cluster-node-timeout`."""
FAIL: Final = 8
"""The voting primaries have agreed that it fails."""
MYSELF: Final = 16
HANDSHAKE: Final = 32
"""Its name is not known yet: `name` is a random one."""
NOADDR: Final = 64
MEET: Final = 128
"""It still has to get a MEET."""
MIGRATE_TO: Final = 256
"""A primary without replicas may get one from another shard."""
NOFAILOVER: Final = 512
EXTENSIONS: Final = 1024
"""It reads ping extensions."""
LIGHT_PUBLISH: Final = 2048
LIGHT_MODULE: Final = 4096
"""It reads light MODULE messages, and takes a repeated MEET."""
PRIMARY_FAILED: Final = 8192
"""A replica that sees its primary as FAIL."""

ROLES: Final = MASTER | REPLICA
ABILITIES: Final = EXTENSIONS | LIGHT_PUBLISH | LIGHT_MODULE
"""What redpoll can do, and says in its headers."""
FAILING: Final = PFAIL | FAIL

WORDS: Final[list[tuple[int, bytes]]] = [
    (MYSELF, b"myself"),
    (MASTER, b"master"),
    (REPLICA, b"slave"),
    (PFAIL, b"fail?"),
    (FAIL, b"fail"),
    (HANDSHAKE, b"handshake"),
    (NOADDR, b"noaddr"),
    (NOFAILOVER, b"nofailover"),
]


def flag_words(flags: int) -> bytes:
    """The flags as CLUSTER NODES shows them: `myself,master`, or `noflags`."""
    found = [word for flag, word in WORDS if flags & flag]
    return b",".join(found) if found else b"noflags"


def flags_of(words: bytes) -> int:
    """The flags that `words` name; -1 if one is unknown."""
    flags = 0
    for word in words.split(b","):
        if word == b"noflags":
            continue
        known = 0
        for flag, name in WORDS:
            if name == word:
                known = flag
        if known == 0:
            return -1
        flags |= known
    return flags
