"""A node's part in replication, as its state machine needs it."""

from __future__ import annotations

from redpoll.cluster.node import Node
from redpoll.engine.engine import Engine
from redpoll.persistence.saving import save
from redpoll.replication.replication import Replication, replication_of


def offset(engine: Engine) -> int:
    """The offset of this node: the end of its stream for a primary, the last applied byte for a replica.

    0 for a replica that has nothing of its primary yet: an offset of another stream cannot be compared.
    """
    role = replication_of(engine)
    if not role.is_replica:
        return int(role.offset)
    return int(role.link.applied_offset()) if role.link.has_history else 0


def data_age_ms(engine: Engine) -> int:
    """How long ago a replica last heard from its primary, or lost the link if it is down.

    Without a link since the start, this is the time since 1970: other replicas may have much newer data.
    """
    role = replication_of(engine)
    clock = engine.clock
    if role.link.is_up():
        return int(max(0, clock.now_us() - role.link.heard_us) // 1000)
    if role.down_since_us == 0:
        return int(clock.now_us() // 1000)
    return int((clock.steady_us() - role.down_steady_us) // 1000)


def follow(engine: Engine, primary: Node, full: bool) -> None:
    """Replicate from a node; if `full`, nothing of what this node has is continued."""
    role: Replication = replication_of(engine)
    role.follow(primary.ip, primary.port)
    if full:
        role.link.has_history = False
        # It must not be elected with the data of another shard.
        role.down_since_us = 0


def promote(engine: Engine) -> None:
    role = replication_of(engine)
    if role.is_replica:
        role.promote()


def flush(engine: Engine) -> None:
    """Delete all data, on the disk too.

    The deletion is not in the stream, so the stream ends: no replica may go on with it.
    """
    running = engine.durability.running
    if running is not None and not running.is_rewrite:
        running.cancel("the node has dropped its data")
    role = replication_of(engine)
    role.primary.disconnect_all()
    role.primary.close_stream()
    role.begin_history()
    for db in engine.databases:
        engine.moment.changes += db.flush()
    # For the append-only file.
    engine.unit.add_apart(0, [[b"FLUSHALL"]])
    if engine.config.words(b"save") and not engine.durability.loading:
        save(engine)
