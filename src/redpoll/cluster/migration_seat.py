"""The data and the links of migrations, in the engine of this node.

`SlotMover` is what the state machine (`migrations.py`) sees of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.cluster.migration_job import Job
from redpoll.cluster.migration_outside import MigrationOutside
from redpoll.cluster.migrations import Migrations
from redpoll.cluster.node import Node
from redpoll.cluster.slot_import import SlotImport, changes_data
from redpoll.cluster.slot_link import SlotLink
from redpoll.cluster.slot_sets import SLOT_COUNT, members
from redpoll.cluster.slot_snapshot import SlotJournal, SlotSnapshot
from redpoll.engine.engine import Engine
from redpoll.replication.network import Errand, Network
from redpoll.replication.replication import replication_of

if TYPE_CHECKING:
    from redpoll.cluster.seat import Seat

REASON: Final = b"slot_migration_in_progress"
"""Why writes wait, as INFO shows it."""


class SlotMover(MigrationOutside):
    """See the module's docstring."""

    def __init__(self, seat: Seat, engine: Engine, migrations: Migrations) -> None:
        self.seat: Final = seat
        self.engine: Final = engine
        self.migrations: Final = migrations
        self.links: Final[dict[bytes, SlotLink]] = {}
        """Of exports, by the name of the job."""
        self.imports: Final[dict[bytes, SlotImport]] = {}
        self.journal: Final = SlotJournal(self)
        self.attached = False
        self.detaching: Final = Detaching(self)
        self.slow: Final[list[SlotLink]] = []

    def update_time(self) -> None:
        self.seat.update_time()

    def finish(self) -> None:
        self.seat.machine.finish()

    def network(self) -> Network:
        return replication_of(self.engine).network

    def sent_bytes(self, size: i64) -> None:
        traffic = self.engine.traffic
        traffic.sent += size
        traffic.slots_sent += size

    def slot_of(self, effect: list[bytes]) -> i64:
        """The slot of the keys that a command changes; -1 without any."""
        command = self.engine.meant(effect)
        if command is None or not changes_data(command):
            return -1
        return self.seat.router.slot(command, effect)

    # Links.

    def dial(self, job: Job, node: Node) -> None:
        link = SlotLink(self, job)
        self.links[job.name] = link
        link.wire = self.network().dial(node.ip, node.port, link)
        if link.wire is None:
            self.migrations.lost(job, "cannot connect")

    def send(self, job: Job, words: list[bytes]) -> None:
        link = self.links.get(job.name)
        if link is not None:
            link.send(words)
            return
        arriving = self.imports.get(job.name)
        if arriving is not None:
            arriving.send(words)

    def close(self, job: Job) -> None:
        link = self.links.pop(job.name, None)
        if link is not None:
            link.close()
        arriving = self.imports.pop(job.name, None)
        if arriving is not None:
            arriving.close()

    def login(self) -> list[bytes]:
        config = self.engine.config
        password = config.text(b"primaryauth")
        if not password:
            return []
        user = config.text(b"primaryuser")
        return [b"AUTH", user, password] if user else [b"AUTH", password]

    def unsent(self, job: Job) -> int:
        link = self.links.get(job.name)
        return int(link.unsent()) if link is not None else 0

    def too_slow(self, link: SlotLink) -> None:
        """More waits for a target than `client-output-buffer-limit replica` allows; a command may be running."""
        if link not in self.slow:
            self.slow.append(link)
            self.network().soon(self.detaching)

    # Exports.

    def begin_snapshot(self, job: Job) -> bytes:
        engine = self.engine
        if engine.durability.running is not None:
            return b"a snapshot"
        link = self.links.get(job.name)
        if link is None or link.wire is None:
            return b"its link"
        if not self.attached:
            self.attached = True
            engine.unit.attach(self.journal)
        flags = bytearray(SLOT_COUNT)
        for slot in members(job.slots):
            flags[slot] = 1
        link.flags = bytes(flags)
        link.begin_snapshot()
        self.journal.links.append(link)
        engine.durability.running = SlotSnapshot(self, link, link.flags)
        return b""

    def snapshot_ended(self, link: SlotLink, worked: bool) -> None:
        self.update_time()
        self.migrations.snapshot_ended(link.job, worked)
        self.finish()

    def end_export(self, job: Job) -> None:
        link = self.links.get(job.name)
        if link is None:
            return
        if link in self.journal.links:
            self.journal.links.remove(link)
        running = self.engine.durability.running
        if isinstance(running, SlotSnapshot) and running.link is link:
            running.cancel("the migration has ended")
        if len(self.journal.links) == 0 and self.attached:
            self.network().soon(self.detaching)

    def tidy(self) -> None:
        """Between two commands: detach the journal if nothing needs it, and drop links that are too slow."""
        if self.attached and len(self.journal.links) == 0:
            self.attached = False
            self.engine.unit.detach(self.journal)
        slow = list(self.slow)
        self.slow.clear()
        for link in slow:
            link.lost("it is too slow")

    def pause_writes(self, until_ms: int) -> None:
        self.engine.pause.hold_writes(REASON, until_ms)

    def resume_writes(self) -> None:
        self.engine.pause.release_writes(REASON)

    # Imports.

    def hide(self, slots: int) -> None:
        self.engine.moment.hidden.hide(members(slots))

    def show(self, slots: int) -> None:
        self.engine.moment.hidden.show(members(slots))

    def delete_hidden(self, slots: int) -> None:
        self.seat.delete_keys(slots)
        self.show(slots)

    def propagate(self, words: list[bytes]) -> None:
        self.engine.unit.add_apart(0, [words])

    def note(self, text: str) -> None:
        self.engine.host.note(text)

    def warn(self, text: str) -> None:
        self.engine.host.log(text)


class Detaching(Errand):
    """Calls `tidy` when no command runs."""

    def __init__(self, mover: SlotMover) -> None:
        self.mover: Final = mover

    def run_errand(self) -> None:
        self.mover.tidy()
