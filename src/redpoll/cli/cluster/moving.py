"""Moving slots with their keys between nodes that are in use.

`move_slot` is the only way in which a slot changes its owner here: open it in both nodes, MIGRATE its keys in batches,
and tell all primaries the new owner.  Clients are served meanwhile; those whose key has moved are redirected with ASK.
"""

from __future__ import annotations

import time

from redpoll.cli.cluster.moves import Move
from redpoll.cli.cluster.nodes import Cluster, Manner, Node
from redpoll.cli.cluster.polling import pause
from redpoll.cli.cluster.show import Meter
from redpoll.cli.cluster.words import Address, Refusal
from redpoll.cli.resp import ServerComplaint

JOIN_SECONDS = 10.0
"""How long a target may take to know that all slots have owners."""
ATTEMPTS = 3


def move_all(cluster: Cluster, moves: list[Move], manner: Manner, title: str) -> int:
    """Move slots one after another, with a progress bar; the count of keys moved.  Raises Refusal."""
    meter = Meter(title, len(moves))
    try:
        for move in moves:
            source, target = cluster.by_id(move.source), cluster.by_id(move.target)
            try:
                meter.advance(1, move_slot(cluster, move.slot, source, target, manner))
            except Refusal as refused:
                raise Refusal(
                    f"slot {move.slot} stays open between {source.address} and {target.address}, after "
                    f"{meter.done} of {len(moves)} slots: {refused}. "
                    f"When the cause is gone: redpoll cluster fix {source.address}"
                ) from refused
    finally:
        meter.end()
    return meter.keys


def move_slot(cluster: Cluster, slot: int, source: Node, target: Node, manner: Manner) -> int:
    """Move one slot with its keys, also one whose move has stopped half-way; the count of keys.  Raises Refusal."""
    number = str(slot)
    target.ask("CLUSTER", "SETSLOT", number, "IMPORTING", source.id)
    source.ask("CLUSTER", "SETSLOT", number, "MIGRATING", target.id)
    moved = move_keys(cluster, slot, source, target, manner)
    # First the target takes the slot: if the source gave it up before, nobody would own it in between.
    target.ask("CLUSTER", "SETSLOT", number, "NODE", target.id)
    refused = source.try_to("CLUSTER", "SETSLOT", number, "NODE", target.id)
    if isinstance(refused, ServerComplaint) and not source.look().me.is_replica:
        # A source that has lost its last slot may have become a replica of the target by then.
        raise Refusal(f"{source.address} does not give the slot away: {refused}")
    for node in cluster.primaries:
        if node is not target and node is not source:
            # A node that knows the new owner from gossip may refuse, which does no harm.
            node.try_to("CLUSTER", "SETSLOT", number, "NODE", target.id)
    return moved


def move_keys(cluster: Cluster, slot: int, source: Node, target: Node, manner: Manner) -> int:
    """MIGRATE the keys of a slot, of all databases; their count.  Raises Refusal."""
    moved = 0
    address = cluster.address_of(target)
    for database in source.databases():
        source.select(database)
        while True:
            keys = source.ask("CLUSTER", "GETKEYSINSLOT", str(slot), str(manner.pipeline))
            if not isinstance(keys, list) or not keys:
                break
            send(cluster, source, target, address, [key for key in keys if isinstance(key, bytes)], manner)
            moved += len(keys)
    source.select(0)
    return moved


def send(cluster: Cluster, source: Node, target: Node, address: Address, keys: list[bytes], manner: Manner) -> None:
    """MIGRATE keys of the selected database.  Raises Refusal."""
    replace = manner.replace
    deadline = time.monotonic() + JOIN_SECONDS
    attempts = 0
    while True:
        attempts += 1
        reply = source.migrate(address, cluster.access, keys, manner.timeout_ms, copy=False, replace=replace)
        if not isinstance(reply, ServerComplaint):
            return
        if "BUSYKEY" in str(reply) and not replace:
            check_same(source, target, keys)
            # The target has the same values, as after a move that was cut off.
            replace = True
        elif "CLUSTERDOWN" in str(reply) and time.monotonic() < deadline:
            # The target has just joined, or has just heard that all slots have owners.
            pause()
        elif not str(reply).startswith("IOERR") or attempts >= ATTEMPTS:
            raise Refusal(f"{source.address} cannot send keys to {target.address}: {reply}")


def check_same(source: Node, target: Node, keys: list[bytes]) -> None:
    """Raises Refusal if one of the keys is in both nodes, with different values."""
    target.select(source.database)
    for key in keys:
        mine, theirs = value_of(source, key), value_of(target, key)
        if mine and theirs and not mine & theirs:
            raise Refusal(
                f"the key {key.decode('utf-8', 'backslashreplace')!r} has one value in {source.address} and another in "
                f"{target.address}. Delete the wrong one, or say --replace to keep that of {source.address}"
            )
    target.select(0)


def value_of(node: Node, key: bytes) -> set[bytes]:
    """The payload of a value, and its digest if the node allows DEBUG; empty if there is no key.

    Equal values have one of the two in common: payloads differ between formats, and digests need DEBUG.
    """
    _, payload = node.ask_all([("ASKING",), ("DUMP", key)])
    if not isinstance(payload, bytes):
        return set()
    digest = node.try_to("DEBUG", "DIGEST-VALUE", key)
    return {payload, *(found for found in (digest if isinstance(digest, list) else []) if isinstance(found, bytes))}
