"""Redirections: whether a command runs on this node, and where it belongs otherwise.

`refusal` is called for every command with keys, so slots that are served here without conditions are a table of bytes,
made anew when an owner, an open slot, the role or the state changes.  Source: spec/cluster.md, section 2.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import NOT_KEY, KeyRange
from redpoll.catalogue.spec import WRITE
from redpoll.cluster.endpoints import client_port, endpoint
from redpoll.cluster.machine import Machine
from redpoll.cluster.node import Node
from redpoll.cluster.outgoing import publish
from redpoll.cluster.slot_sets import SLOT_COUNT, members
from redpoll.cluster.slot_statistics import SlotStatistics
from redpoll.cluster.view import View
from redpoll.cluster_errors import CLUSTER_DOWN, CLUSTER_READ_ONLY, CLUSTER_UNBOUND, CROSSSLOT, TRYAGAIN, moved
from redpoll.engine.command import Command
from redpoll.engine.engine import Engine
from redpoll.engine.routing import NOTHING_SERVED, Router, SlotArrival
from redpoll.engine.session import Session
from redpoll.keyspace.database import Database
from redpoll.keyspace.slots import key_slot

SHARD_COMMANDS: Final = (b"spublish", b"ssubscribe", b"sunsubscribe")


class Wanted:
    """The keys of a command or of a whole transaction."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.slot: i64 = -1
        self.crossed = False
        self.writes = False
        self.shard_channels = False
        self.moves_away = False
        """MOVE, or COPY to another database: they need the keys of two databases."""

    def add(self, command: Command, args: list[bytes]) -> None:
        if command.flag(WRITE):
            self.writes = True
        name = command.name
        if name in SHARD_COMMANDS:
            self.shard_channels = True
        if name == b"move" or (name == b"copy" and len(args) > 3 and copies_elsewhere(args)):
            self.moves_away = True
        for spec in command.spec.keys:
            positions = spec.positions(args)
            if positions is None:
                continue
            for at in positions:
                key = args[at]
                slot = key_slot(key)
                if self.slot < 0:
                    self.slot = slot
                elif self.slot != slot:
                    self.crossed = True
                if spec.access & NOT_KEY == 0:
                    self.keys.append(key)


def simple_slot(command: Command, args: list[bytes]) -> i64:
    """The slot of all keys of a command whose keys are at fixed places; -1 if they differ or must be searched for."""
    if len(command.spec.keys) != 1:
        return -1
    spec = command.spec.keys[0]
    if not isinstance(spec, KeyRange):
        return -1
    last = spec.last if spec.last >= 0 else len(args) + spec.last
    at = spec.first
    if at > last or last >= len(args):
        return -1
    slot = key_slot(args[at])
    while at + spec.step <= last:
        at += spec.step
        if key_slot(args[at]) != slot:
            return -1
    return slot


def copies_elsewhere(args: list[bytes]) -> bool:
    return any(word.upper() == b"DB" for word in args[3:])


class ClusterRouter(Router):
    """See the module's docstring."""

    def __init__(self, engine: Engine, machine: Machine) -> None:
        self.engine: Final = engine
        self.machine: Final = machine
        self.served: bytes = NOTHING_SERVED
        """1 for each slot that this node serves whatever the command is."""
        self.statistics: Final = SlotStatistics(self)

    def refresh(self) -> None:
        """Look again at what is served here."""
        machine = self.machine
        view = machine.view
        served = bytearray(SLOT_COUNT)
        if machine.state_ok and view.myself.is_primary():
            for slot in members(view.myself.slots):
                served[slot] = 1
            for slot in view.migrating:
                served[slot] = 0
            for slot in view.importing:
                served[slot] = 0
        self.statistics.forget_others(shard_slots(view))
        self.served = bytes(served)
        self.engine.served = self.served

    def refusal(self, session: Session, command: Command, args: list[bytes]) -> bytes:
        if session.is_primary or session.taker is not None:
            return b""
        slot = simple_slot(command, args)
        if slot >= 0 and self.served[slot] == 1:
            return b""
        wanted = Wanted()
        if command.name == b"exec":
            transaction = session.transaction
            if transaction is None or transaction.spoiled or session.watch_broken:
                return b""
            for queued in transaction.queued:
                found = self.engine.meant(queued)
                if found is not None:
                    wanted.add(found, queued)
        else:
            wanted.add(command, args)
        if wanted.slot < 0:
            return b""
        if wanted.crossed:
            return CROSSSLOT
        if self.served[wanted.slot] == 1:
            return b""
        return self.decide(session, command, wanted)

    def reset_statistics(self) -> None:
        self.statistics.reset()

    def slot(self, command: Command, args: list[bytes]) -> i64:
        if command.key_at > 0:
            return self.engine.moment.find_slot(args[command.key_at])
        wanted = Wanted()
        wanted.add(command, args)
        return wanted.slot

    def decide(self, session: Session, command: Command, wanted: Wanted) -> bytes:
        """The rules in the reference's order, for a slot that is not simply served here."""
        machine = self.machine
        view = machine.view
        myself = view.myself
        slot = int(wanted.slot)
        owner = view.owner(slot)
        if owner is None:
            return CLUSTER_UNBOUND
        target: Node | None = None
        source: Node | None = None
        if myself.is_primary() or session.readonly:
            if owner is view.shard_primary():
                target = view.migrating.get(slot)
            source = view.importing.get(slot)
        there = 0
        missing = 0
        if (target is not None or source is not None) and not wanted.shard_channels:
            if session.transaction is None or command.name == b"exec":
                for key in wanted.keys:
                    if holds(session.db, key):
                        there += 1
                    else:
                        missing += 1
            if wanted.moves_away:
                return TRYAGAIN
        if not machine.state_ok:
            down = self.refusal_when_down(wanted)
            if down:
                return down
        if (target is not None or source is not None) and command.name == b"migrate":
            return b""
        if target is not None and missing > 0:
            return TRYAGAIN if there > 0 else self.redirect(session, b"ASK", slot, target)
        if source is not None and (session.is_asking() or command.name == b"restore-asking"):
            return TRYAGAIN if missing > 0 and len(set(wanted.keys)) > 1 else b""
        if myself.is_replica() and myself.primary is owner and not wanted.writes:
            if session.readonly or wanted.shard_channels:
                return b""
        if owner is not myself:
            return self.redirect(session, b"MOVED", slot, owner)
        return b""

    def refusal_when_down(self, wanted: Wanted) -> bytes:
        config = self.engine.config
        if wanted.shard_channels:
            return b"" if config.flag(b"cluster-allow-pubsubshard-when-down") else CLUSTER_DOWN
        if not config.flag(b"cluster-allow-reads-when-down"):
            return CLUSTER_DOWN
        return CLUSTER_READ_ONLY if wanted.writes else b""

    def arrivals(self) -> list[SlotArrival]:
        return [SlotArrival(job.name, job.ranges) for job in self.machine.migrations.imports()]

    def load_begins(self) -> None:
        self.machine.migrations.forget_tracked()

    def loaded(self, arrivals: list[SlotArrival]) -> None:
        self.machine.outside.update_time()
        self.machine.migrations.forget_tracked()
        for arrival in arrivals:
            self.machine.migrations.track(arrival.name, arrival.ranges)

    def flushed(self) -> None:
        if len(self.machine.migrations.active) > 0:
            self.machine.outside.update_time()
            self.machine.migrations.flushed()
            self.machine.finish()

    def redirect(self, session: Session, kind: bytes, slot: int, node: Node) -> bytes:
        return moved(kind, slot, endpoint(session, node) or b"", client_port(node))

    def publish(self, channel: bytes, payload: bytes, shard: bool) -> None:
        publish(self.machine, channel, payload, shard)
        self.machine.finish()


def shard_slots(view: View) -> int:
    """The slots of this node's shard, as a set."""
    primary = view.shard_primary()
    return primary.slots if primary is not None else 0


def holds(db: Database, key: bytes) -> bool:
    """Whether a key is there.  Nothing is deleted, touched or counted."""
    if not db.find(key):
        return False
    table = db.table
    deadline = table.deadline() if table.volatile > 0 else i64(0)
    return deadline == 0 or deadline > db.moment.now_ms
