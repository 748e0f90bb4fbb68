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
    key_moves,
    keys,
    object,
    server,
    shutdown,
    string_many,
    string_parts,
    string_takes,
    strings,
    transactions,
    zset_ranges,
    zsets,
)

FAMILIES = (
    clients, config, connection, expiry, flush, hashes, introspection, keys, object, server, shutdown, string_many,
    string_parts, string_takes, strings, transactions, zset_ranges, zsets, key_moves,
)  # fmt: skip
