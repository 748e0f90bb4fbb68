"""The families of commands; importing this registers them all."""

from __future__ import annotations

from redpoll.commands import (
    clients,
    config,
    connection,
    expiry,
    hashes,
    introspection,
    keys,
    server,
    shutdown,
    strings,
    transactions,
    zset_ranges,
    zsets,
)

FAMILIES = (
    connection, clients, keys, expiry, strings, hashes, zsets, zset_ranges, transactions, server, shutdown, config,
    introspection,
)  # fmt: skip
