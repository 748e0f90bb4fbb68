"""The families of commands; importing this registers them all."""

from __future__ import annotations

from types import ModuleType

from redpoll.commands import (
    bitfield,
    bits,
    client_control,
    clients,
    cluster,
    collection_scan,
    commandlogs,
    config,
    connection,
    databases,
    debug,
    expiry,
    hashes,
    introspection,
    key_moves,
    keys,
    latency,
    lolwut,
    memory,
    modules,
    monitor,
    object,
    persistence,
    replication,
    server,
    set_algebra,
    set_random,
    sets,
    shutdown,
    string_many,
    string_parts,
    string_takes,
    strings,
    transactions,
    zset_algebra,
    zset_pops,
    zset_random,
    zset_ranges,
    zsets,
)

FAMILIES = tuple(found for found in list(vars().values()) if isinstance(found, ModuleType))
