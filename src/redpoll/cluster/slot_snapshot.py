"""A running snapshot of the slots of one migration, and the journal that gets the changes of all migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.cluster.migrations import syncslots
from redpoll.cluster.slot_link import SlotLink
from redpoll.engine.unit import Journal
from redpoll.env.files import Appender
from redpoll.persistence.background import SlicedSnapshot
from redpoll.persistence.command_writer import CommandWriter
from redpoll.persistence.saving import DRAFTS
from redpoll.persistence.sink import Sink
from redpoll.persistence.value_streams import BufferStream

if TYPE_CHECKING:
    from redpoll.cluster.migration_seat import SlotMover

MOST_UNSENT: Final[i64] = 4 << 20
"""The snapshot waits while more of it is unsent."""


class ToLink(Appender):
    """Passes the pieces of a snapshot to the link."""

    def __init__(self, link: SlotLink) -> None:
        super().__init__(-1)
        self.link: Final = link

    def write(self, data: bytes) -> None:
        self.link.piece(data)

    def sync(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class SlotSnapshot(SlicedSnapshot):
    """See the module's docstring."""

    def __init__(self, mover: SlotMover, link: SlotLink, flags: bytes) -> None:
        engine = mover.engine
        self.mover: Final = mover
        self.link: Final = link
        sink = Sink(False, ToLink(link))
        sink.summing = False
        writer = CommandWriter(sink)
        writer.slots = flags
        super().__init__(engine, writer, engine.config.files.absolute(DRAFTS.next() + b".side"))
        self.is_migration = True

    def step(self, budget_us: i64) -> bool:
        if self.link.wire is None:
            self.cancel("its link is closed")
            return False
        clock = self.engine.clock
        until: i64 = clock.now_us() + budget_us
        while True:
            if self.link.bytes > MOST_UNSENT:
                return True
            if not self.write_some():
                break
            if clock.now_us() >= until:
                self._send()
                return True
        self.let_go()
        self._close()
        if self.complaint:
            self.engine.host.log(f"Sending a snapshot of slots failed: {self.complaint}")
            self.mover.snapshot_ended(self.link, False)
            return False
        self.writer.end(False)
        self.link.end_snapshot(syncslots(b"SNAPSHOT-EOF"))
        self.mover.snapshot_ended(self.link, True)
        return False

    def _send(self) -> None:
        """Send what is there, and the messages that wait, unless a command is half written."""
        open_value = self.parts.queue.open
        if open_value is not None:
            if open_value.text is not None or open_value.is_inside or isinstance(open_value, BufferStream):
                return
        if len(self.writer.sink.out) > 0:
            self.writer.sink.flush()
        self.link.send_late()

    def _close(self) -> None:
        self.engine.durability.running = None

    def cancel(self, why: str) -> None:
        self.let_go()
        self._close()
        self.engine.host.note(f"The snapshot of slots was given up: {why}")
        self.mover.snapshot_ended(self.link, False)


class SlotJournal(Journal):
    """Gives the changes of moving slots to their links.

    A transaction is sent as its commands, because no client sees the keys before they have all arrived: MULTI and EXEC
    have no slot.
    """

    def __init__(self, mover: SlotMover) -> None:
        self.mover: Final = mover
        self.links: list[SlotLink] = []

    def takes_messages(self) -> bool:
        # What a script does for replicas alone changes the data too.
        return True

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        for n in range(len(effects)):
            self.write_one(databases[n], effects[n])

    def write_one(self, db: i64, effect: list[bytes]) -> None:
        slot = self.mover.slot_of(effect)
        if slot < 0:
            return
        for link in self.links:
            if link.flags[slot] != 0:
                link.change(db, effect)
