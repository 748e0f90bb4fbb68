"""How handlers reach the node of the cluster that this engine is."""

from __future__ import annotations

from redpoll.cluster.machine import Machine
from redpoll.cluster.router import ClusterRouter
from redpoll.cluster.slot_sets import SLOT_COUNT
from redpoll.cluster_errors import INVALID_SLOT, NO_CLUSTER
from redpoll.engine.args import integer
from redpoll.engine.session import Session
from redpoll.errors import CommandError


def node_of(session: Session) -> Machine:
    """The state machine of this node, which knows the time.  Raises CommandError outside a cluster."""
    router = session.engine.router
    if not isinstance(router, ClusterRouter):
        raise CommandError(NO_CLUSTER)
    machine = router.machine
    machine.outside.update_time()
    return machine


def slot_number(word: bytes) -> int:
    """A slot.  Raises CommandError."""
    slot: int = integer(word, INVALID_SLOT)
    if not 0 <= slot < SLOT_COUNT:
        raise CommandError(INVALID_SLOT)
    return slot
