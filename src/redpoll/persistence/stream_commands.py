"""The commands that create a stream: its entries, its attributes, then its groups.  Source: spec/aof.md, section 6."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.persistence.append_encode import write_command
from redpoll.persistence.sink import Sink
from redpoll.protocol.numbers import int_text
from redpoll.structures.entries import Picked
from redpoll.types.stream import Stream, id_text
from redpoll.types.stream_group import Consumer, Group

ENTRIES_AT_A_TIME: Final[i64] = 64


@mypyc_attr(acyclic=True)
class StreamCommands:
    """Writes the commands in steps, until `step` returns False.  The stream must not change meanwhile."""

    def __init__(self, key: bytes, stream: Stream) -> None:
        self.key: bytes = key
        self.stream: Final = stream
        self.ms: i64 = 0
        self.seq: i64 = 0
        """The least ID that may come next."""
        self.has_entries = False
        self.names: list[bytes] | None = None
        """The names of the groups; None until the entries and the attributes are written."""
        self.name: i64 = 0
        """The index in `names` of the group that is being written, or comes next."""
        self.consumers: list[Consumer] | None = None
        """The consumers of the group that is being written."""
        self.consumer: i64 = 0
        self.chunk: i64 = -1
        """The next chunk of this consumer's IDs; -1 before its first."""

    def step(self, sink: Sink) -> bool:
        """Write some entries, the attributes, or a part of a group; return whether there may be more."""
        names = self.names
        if names is None:
            if not self._entries(sink):
                self._attributes(sink)
            return True
        if self.name >= len(names):
            return False
        name = names[self.name]
        group = self.stream.group(name)
        assert group is not None
        consumers = self.consumers
        if consumers is None:
            last = id_text(group.last_ms, group.last_seq)
            words = [b"XGROUP", b"CREATE", self.key, name, last, b"ENTRIESREAD", b"%d" % int(group.read)]
            write_command(sink.out, words)
            self.consumers = group.sorted_consumers()
            self.consumer = 0
            self.chunk = -1
        elif self.consumer < len(consumers):
            self._pending(sink, name, group, consumers[self.consumer])
        else:
            self.consumers = None
            self.name += 1
        return True

    def _entries(self, sink: Sink) -> bool:
        """Write some entries; return whether there were any."""
        entries = Picked()
        found = self.stream.pick(entries, self.ms, self.seq, -1, -1, ENTRIES_AT_A_TIME)
        k: i64 = 0
        while k < found:
            items = entries.items(k)
            assert items is not None
            write_command(sink.out, [b"XADD", self.key, id_text(entries.ms[k], entries.seq[k]), *items])
            sink.drain_piece()
            k += 1
        if found < ENTRIES_AT_A_TIME:
            self.ms = -1
            self.seq = -1
        else:
            # The numbers of IDs are unsigned.
            self.ms = entries.ms[k - 1]
            self.seq = entries.seq[k - 1] + 1
            if self.seq == 0:
                self.ms += 1
        if found > 0:
            self.has_entries = True
        return found == ENTRIES_AT_A_TIME

    def _attributes(self, sink: Sink) -> None:
        stream = self.stream
        key = self.key
        if not self.has_entries:
            # One entry is added and removed at once.
            write_command(sink.out, [b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b"y"])
        last = id_text(stream.last_ms, stream.last_seq)
        gone = id_text(stream.gone_ms, stream.gone_seq)
        added = b"%d" % int(stream.added)
        write_command(sink.out, [b"XSETID", key, last, b"ENTRIESADDED", added, b"MAXDELETEDID", gone])
        self.names = stream.sorted_groups()

    def _pending(self, sink: Sink, name: bytes, group: Group, consumer: Consumer) -> None:
        """Write the pending entries of a consumer's next chunk (up to 128), or only the consumer if it has none."""
        out = sink.out
        index = consumer.ids.index
        if consumer.ids.count == 0:
            write_command(out, [b"XGROUP", b"CREATECONSUMER", self.key, name, consumer.name])
            self.consumer += 1
            return
        if self.chunk < 0:
            self.chunk = index.head
        pending = group.pending
        walk = consumer.ids.walk(self.chunk)
        more = True
        while more:
            there = pending.find(walk.ms, walk.seq)
            assert there
            write_command(
                out,
                [
                    b"XCLAIM", self.key, name, consumer.name, b"0", id_text(walk.ms, walk.seq), b"TIME",
                    int_text(pending.delivered_ms()), b"RETRYCOUNT", b"%d" % pending.deliveries(), b"JUSTID",
                    b"FORCE",
                ],
            )  # fmt: skip
            sink.drain_piece()
            more = walk.step()
        self.chunk += 1
        if self.chunk >= index.stop:
            self.consumer += 1
            self.chunk = -1
