"""The families of commands; importing this registers them all."""

from __future__ import annotations

from redpoll.commands import (
    clients,
    config,
    connection,
    expiry,
    flush,
    hashes,
    introspection,
    keys,
    object,
    server,
    strings,
    transactions,
    zset_ranges,
    zsets,
)

FAMILIES = (
    connection, clients, keys, object, flush, expiry, strings, hashes, zsets, zset_ranges, transactions, server, config,
    introspection,
)  # fmt: skip
