"""A million entries, three consumers that crash in the middle of their work, and each entry done exactly once."""

from __future__ import annotations

import random

import pytest
from tests.differential.servers import ours
from tests.differential.wire import Reply, Wire, encode

ENTRIES = 1_000_000
BATCH = 1000
IDLE_MS = 50


def ids_in(reply: Reply) -> list[bytes]:
    return [entry.items[0].text or b"" for entry in reply.items]


class Consumer:
    """A client that reads, works and acknowledges, until its connection dies."""

    def __init__(self, port: int, name: str) -> None:
        self.port = port
        self.name = name
        self.wire = Wire(port)

    def do(self, *words: str | int | bytes) -> Reply:
        self.wire.send(encode(words))
        return self.wire.read()

    def crash(self) -> None:
        """Lose what was read and not acknowledged, and come back."""
        self.wire.close()
        self.wire = Wire(self.port)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_each_entry_is_acknowledged_exactly_once() -> None:
    server = ours()
    server.start()
    source = random.Random(7)
    consumers: list[Consumer] = []
    feeder = Consumer(server.port, "feeder")
    try:
        feeder.do("XGROUP", "CREATE", "work", "g", "0", "MKSTREAM")
        for start in range(0, ENTRIES, BATCH):
            feeder.wire.send(
                b"".join(encode(("XADD", "work", f"{n + 1}-0", "n", n)) for n in range(start, start + BATCH))
            )
            for _ in range(BATCH):
                feeder.wire.read()
        assert feeder.do("XLEN", "work").integer == ENTRIES

        consumers += [Consumer(server.port, f"c{n}") for n in range(3)]
        done = bytearray(ENTRIES + 1)
        acknowledged = crashes = claimed = 0
        start = b"0-0"
        while acknowledged < ENTRIES:
            consumer = source.choice(consumers)
            if source.random() < 0.3:
                reply = consumer.do("XAUTOCLAIM", "work", "g", consumer.name, IDLE_MS, start, "COUNT", BATCH)
                start = reply.items[0].text or b"0-0"
                got = ids_in(reply.items[1])
                claimed += len(got)
            else:
                reply = consumer.do("XREADGROUP", "GROUP", "g", consumer.name, "COUNT", BATCH, "STREAMS", "work", ">")
                got = ids_in(reply.items[0].items[1]) if reply.items else []
            crashing = source.random() < 0.05 and bool(got)
            worked = got[: source.randrange(len(got))] if crashing else got
            if worked:
                count = consumer.do("XACK", "work", "g", *worked).integer
                assert count == len(worked), "an entry was acknowledged twice"
                acknowledged += count
                for id in worked:
                    n = int(id.split(b"-")[0])
                    assert not done[n]
                    done[n] = 1
            if crashing:
                crashes += 1
                consumer.crash()
        assert crashes > 10
        assert claimed > 1000
        assert sum(done) == ENTRIES
        assert feeder.do("XPENDING", "work", "g").items[0].integer == 0
        group = feeder.do("XINFO", "GROUPS", "work").items[0].items
        assert group[group.index(next(item for item in group if item.text == b"lag")) + 1].integer == 0
    finally:
        for consumer in (feeder, *consumers):
            consumer.wire.close()
        server.close()
