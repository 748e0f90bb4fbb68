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
    string_many,
    string_parts,
    string_takes,
    strings,
    transactions,
    zset_ranges,
    zsets,
)

FAMILIES = (
    connection, clients, keys, expiry, strings, string_takes, string_many, string_parts, hashes, zsets, zset_ranges,
    transactions, server, config, introspection,
)  # fmt: skip
