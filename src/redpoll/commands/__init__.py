"""The families of commands; importing this registers them all."""

from __future__ import annotations

from redpoll.commands import (
    bitfield,
    bits,
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
    bitfield,
    bits,
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
    shutdown,
    string_many,
    string_parts,
    string_takes,
    strings,
    transactions,
    zset_ranges,
    zsets,
)
