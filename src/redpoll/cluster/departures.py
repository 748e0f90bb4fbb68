"""Ends blocked commands and subscriptions to shard channels whose slot has moved to another node.

Source: spec/cluster.md, section 2.3.
"""

from __future__ import annotations

from redpoll.cluster.router import ClusterRouter, Wanted
from redpoll.cluster_errors import CLUSTER_DOWN, CLUSTER_UNBOUND
from redpoll.engine.blocking import Waiting
from redpoll.engine.engine import Engine
from redpoll.engine.session import SHARDS, Session
from redpoll.keyspace.slots import key_slot
from redpoll.protocol.reply import Error, Push


def release_waiting(engine: Engine, router: ClusterRouter) -> None:
    """Answer blocked clients whose keys are not served here any longer.  O(blocked clients)."""
    waiting_sessions: dict[Session, None] = {}
    for queue in engine.blocking.queues.values():
        waiting_sessions.update(queue)
    for session in waiting_sessions:
        waiting = session.waiting
        if waiting is None or waiting.postponed:
            continue
        reason = reason_to_go(router, session, waiting)
        if reason:
            engine.blocking.unblock(session, Error(reason))


def reason_to_go(router: ClusterRouter, session: Session, waiting: Waiting) -> bytes:
    """The error for a blocked client; empty if it stays."""
    wanted = Wanted()
    wanted.add(waiting.command, waiting.args)
    if wanted.slot < 0:
        return b""
    machine = router.machine
    view = machine.view
    slot = int(wanted.slot)
    if not machine.state_ok:
        return CLUSTER_DOWN
    owner = view.owner(slot)
    if owner is None:
        return CLUSTER_UNBOUND
    if owner is view.myself or slot in view.importing:
        return b""
    if session.readonly and not wanted.writes and view.myself.primary is owner:
        return b""
    return router.redirect(session, b"MOVED", slot, owner)


def release_subscribers(engine: Engine, router: ClusterRouter) -> None:
    """End the subscriptions to shard channels whose slot has left our shard.  O(shard channels)."""
    pubsub = engine.pubsub
    view = router.machine.view
    ours = view.shard_primary()
    for name, audience in list(pubsub.shards.audiences.items()):
        owner = view.owner(int(key_slot(name)))
        if owner is not None and owner is ours:
            continue
        for session in list(audience.sessions):
            pubsub.unsubscribe(session, SHARDS, name)
            subscriptions = session.subscriptions
            left = len(subscriptions.places[SHARDS]) if subscriptions is not None else 0
            session.peer.deliver(session, Push([b"sunsubscribe", name, left]))
