"""The subcommands of DEBUG about the cluster bus and about migrations of slots.  commands/debug.py has the table.

Switches of the bus are accepted outside a cluster too, where they switch nothing.
"""

from __future__ import annotations

from redpoll.cluster.machine import Faults, Machine
from redpoll.cluster.router import ClusterRouter
from redpoll.cluster_errors import LINKS_TO_MYSELF, ONLY_IN_A_CLUSTER, unknown_direction, unknown_node
from redpoll.engine.args import integer
from redpoll.engine.session import Session
from redpoll.errors import CommandError, wrong_subcommand
from redpoll.protocol.numbers import is_int, to_int
from redpoll.protocol.reply import OK


def is_on(word: bytes) -> bool:
    """A switch, read as leniently as in the reference: anything but a number is 0."""
    digits = word.strip()
    return is_int(digits) and to_int(digits) != 0


def machine_of(session: Session) -> Machine | None:
    """The node that this engine is; None outside a cluster."""
    router = session.engine.router
    if not isinstance(router, ClusterRouter):
        return None
    router.machine.outside.update_time()
    return router.machine


def faults_of(session: Session) -> Faults:
    """The switches of the bus; outside a cluster some that switch nothing."""
    machine = machine_of(session)
    return machine.faults if machine is not None else Faults()


def drop_packet_filter(session: Session, args: list[bytes]) -> object:
    faults_of(session).drops = integer(args[2])
    return OK


def close_on_drop(session: Session, args: list[bytes]) -> object:
    faults_of(session).closes_on_drop = is_on(args[2])
    return OK


def no_random_ping(session: Session, args: list[bytes]) -> object:
    faults_of(session).no_random_ping = is_on(args[2])
    return OK


def no_reconnection(session: Session, args: list[bytes]) -> object:
    faults_of(session).no_reconnection = is_on(args[2])
    return OK


def clusterlink(session: Session, args: list[bytes]) -> object:
    """KILL to|from|all NODE: close the links to or from another node."""
    if args[2].lower() != b"kill":
        raise CommandError(wrong_subcommand(args[1], b"DEBUG"))
    machine = machine_of(session)
    if machine is None:
        raise CommandError(ONLY_IN_A_CLUSTER)
    node = machine.view.nodes.get(args[4])
    if node is None:
        raise CommandError(unknown_node(args[4]))
    if node is machine.view.myself:
        raise CommandError(LINKS_TO_MYSELF)
    direction = args[3].lower()
    if direction not in (b"to", b"from", b"all"):
        raise CommandError(unknown_direction(args[3]))
    if direction != b"from" and node.link is not None:
        machine.close(node.link)
    if direction != b"to" and node.inbound is not None:
        machine.close(node.inbound)
    machine.finish()
    return OK


def slotmigration(session: Session, args: list[bytes]) -> object:
    """PREVENT-PAUSE and PREVENT-FAILOVER: hold migrations before these steps."""
    machine = machine_of(session)
    word = args[2].upper()
    if word not in (b"PREVENT-PAUSE", b"PREVENT-FAILOVER"):
        raise CommandError(wrong_subcommand(args[1], b"DEBUG"))
    if machine is not None:
        if word == b"PREVENT-PAUSE":
            machine.migrations.prevents_pause = is_on(args[3])
        else:
            machine.migrations.prevents_failover = is_on(args[3])
    return OK
