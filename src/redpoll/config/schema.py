"""Every directive, declared once.

The declarations are in the `schema_*` modules, by topic.  CONFIG GET and SET, reading and writing redis.conf, the
command line and docs/configuration.md are derived from them.  A test compares them with the reference's.
"""

from __future__ import annotations

from typing import Final

from redpoll.config import (
    schema_cluster,
    schema_data,
    schema_metrics,
    schema_network,
    schema_server,
    schema_tuning,
)
from redpoll.config.directive import Directive

GROUPS: Final = [
    ("general", "The process"),
    ("network", "Listeners and clients"),
    ("security", "Security"),
    ("logging", "Log"),
    ("latency", "Statistics and slow commands"),
    ("memory", "Memory"),
    ("encoding", "Forms of values"),
    ("persistence", "Files"),
    ("events", "Keyspace events"),
    ("scripting", "Scripting"),
    ("replication", "Replication"),
    ("cluster", "Cluster"),
    ("tls", "TLS"),
    ("threads", "Threads"),
    ("defrag", "Defragmentation"),
    ("rdma", "RDMA"),
    ("debug", "Debugging"),
]
"""The groups in the order of the documentation, each with its title."""

IGNORED: Final = [
    b"list-max-ziplist-entries",
    b"list-max-ziplist-value",
    b"lua-replicate-commands",
    b"io-threads-do-reads",
    b"dynamic-hz",
    b"events-per-io-thread",
    b"sanitize-dump-payload",
]
"""Words of older files that are passed over if they have exactly one value, as the reference does."""


def all_directives() -> list[Directive]:
    """Every directive, by name."""
    found = list(schema_server.DIRECTIVES)
    found += schema_network.DIRECTIVES
    found += schema_data.DIRECTIVES
    found += schema_metrics.DIRECTIVES
    found += schema_cluster.DIRECTIVES
    found += schema_tuning.DIRECTIVES
    names = sorted([directive.name for directive in found])
    by_name = {directive.name: directive for directive in found}
    return [by_name[name] for name in names]


def spelled(directives: list[Directive]) -> dict[bytes, Directive]:
    """Each name and alias with its directive."""
    table: dict[bytes, Directive] = {}
    for directive in directives:
        for name in (directive.name, *directive.aliases):
            if name in table:
                raise ValueError(f"directive declared twice: {name.decode()}")
            table[name] = directive
    return table


DIRECTIVES: Final = all_directives()

BY_NAME: Final = spelled(DIRECTIVES)
"""Directives by name or alias, lower case; the key order is not that of the names."""


def find(name: bytes) -> Directive | None:
    """The directive called `name`, in any case, by its main name or an alias."""
    return BY_NAME.get(name.lower())
