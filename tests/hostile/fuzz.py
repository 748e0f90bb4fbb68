"""Mutated payloads and files for RESTORE and the loader: `python -m tests.hostile.fuzz --payloads 200000 --seed 1`.

Nothing may crash the process, take long or take much memory, and what is accepted must be a sound value.  The process
runs with a limit of memory.  It writes the number of its current payload to a file, so that a crash or an endless loop
can be repeated with `--seed` and `--first`.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from pathlib import Path

from redpoll import commands
from redpoll.build_info import build_kind
from redpoll.config.schema import BY_NAME
from redpoll.config.settings import Config
from redpoll.engine.engine import Engine
from redpoll.engine.session import Peer, Session
from redpoll.env.clock import VirtualClock
from redpoll.env.files import MemoryAppender, MemoryFile, MemoryFiles
from redpoll.env.process import resident_bytes
from redpoll.env.random import Random
from redpoll.observe.digest import key_digest
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.export import CommandExport, JsonExport
from redpoll.persistence.loading import load
from redpoll.persistence.snapshot_reader import Progress
from redpoll.persistence.source import Source
from redpoll.protocol.reply import OK, Error
from redpoll.structures.table_check import check

assert commands.FAMILIES, "importing them fills the catalogue"

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "rdb"
SLOWEST_S = 2.0
"""Most processor time of NOTED payloads."""
NOTED = 64
"""The processor time is checked, and the number of the next payload written to the note, once for so many payloads."""
MOST_GROWTH = 400 << 20
"""Bytes of memory that the process may take beyond its start."""
LARGEST = 4096
"""Longest payload to mutate: longer ones cost time and have no other structure."""
REFUSALS = (b"ERR Bad data format", b"ERR DUMP payload version or checksum are wrong")
FILE_EVERY = 50
"""Of so many mutations one is of a whole file."""
ENGINES_EVERY = 20_000
USES = {
    b"string": ("GET k", "APPEND k x", "GETRANGE k -3 -1"),
    b"list": ("LRANGE k 0 -1", "RPUSH k x", "LPOP k", "LINSERT k BEFORE x y", "LREM k 0 x"),
    b"set": ("SMEMBERS k", "SADD k x", "SREM k x", "SRANDMEMBER k 3", "SPOP k"),
    b"hash": ("HGETALL k", "HSET k x y", "HDEL k x", "HPEXPIRE k 1000 FIELDS 1 x", "HRANDFIELD k 2"),
    b"zset": ("ZRANGE k 0 -1 WITHSCORES", "ZADD k 1 x", "ZPOPMAX k", "ZRANGEBYSCORE k -inf +inf", "ZREM k x"),
    b"stream": (
        "XRANGE k - +", "XINFO STREAM k FULL", "XADD k * f v", "XGROUP CREATE k new 0", "XREADGROUP GROUP new c STREAMS k >",
        "XTRIM k MAXLEN 1", "XPENDING k new", "XAUTOCLAIM k new d 0 0",
    ),
}  # fmt: skip


def corpus() -> list[bytes]:
    """Payloads of real servers without their footers."""
    found: list[bytes] = []
    for path in sorted(GOLDEN.glob("*/dumps.json")):
        for keys in json.loads(path.read_text()).values():
            for text in keys.values():
                payload = bytes.fromhex(text)
                if len(payload) <= LARGEST:
                    found.append(payload[:-10])
    return sorted(set(found))


def files() -> list[bytes]:
    """Small snapshot files of real servers."""
    cases = json.loads((GOLDEN / "rdb-files.json").read_text())
    found = [bytes.fromhex(case["file_hex"]) for case in cases if isinstance(case["file_hex"], str)]
    found += [path.read_bytes() for path in sorted(GOLDEN.glob("*/*.rdb"))]
    return [data for data in found if len(data) <= 16 * LARGEST]


def mutated(chance: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """A few changes of bytes, lengths and blocks."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        size = len(out)
        at = chance.randrange(size + 1)
        kind = chance.randrange(9)
        if kind == 0 and at < size:
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 1 and at < size:
            out[at] = chance.choice((0, 1, 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xC0, 0xC3, 0xFE, 0xFF, chance.randrange(256)))
        elif kind == 2:
            del out[at : at + chance.randrange(1, 9)]
        elif kind == 3:
            out[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif kind == 4:
            out[at : at + 9] = b"\x81" + chance.choice((0, 1, 1 << 20, 1 << 31, (1 << 62) + 5, (1 << 64) - 1)).to_bytes(
                8, "big"
            )
        elif kind == 5:
            out[at : at + 5] = b"\x80" + chance.choice((0, 1, 70000, (1 << 31) - 1, (1 << 32) - 1)).to_bytes(4, "big")
        elif kind == 6:
            width = chance.randrange(1, 64)
            start = chance.randrange(size + 1)
            out[at : at + chance.choice((0, width))] = out[start : start + width]
        elif kind == 7:
            del out[at:]
        else:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            out[at : at + chance.randrange(64)] = other[start : start + chance.randrange(64)]
    return bytes(out)


class Silent(Progress):
    """Tells nobody."""


class Target:
    """An engine that gets the payloads."""

    def __init__(self) -> None:
        config = Config(MemoryFiles())
        config.assign(BY_NAME[b"rdb-version-check"], [b"relaxed"])
        config.assign(BY_NAME[b"save"], [b""])
        self.engine = Engine(VirtualClock(), Random(1), config=config)
        self.engine.durability.checking_sums = False
        self.session: Session = self.engine.open_session(Peer())
        self.session.may_block = False

    def do(self, *words: bytes) -> object:
        self.engine.start_unit()
        return self.engine.execute(self.session, list(words))

    def restore(self, payload: bytes) -> bool:
        """RESTORE, and use what was accepted; whether it was."""
        reply = self.do(b"RESTORE", b"k", b"0", payload, b"REPLACE")
        if isinstance(reply, Error):
            assert reply.text in REFUSALS, reply.text
            return False
        assert reply is OK
        dumped = self.do(b"DUMP", b"k")
        if isinstance(dumped, bytes):
            digest = key_digest(self.session.db, b"k")
            again = self.do(b"RESTORE", b"l", b"0", dumped)
            assert again is OK, (again, dumped.hex())
            assert key_digest(self.session.db, b"l") == digest
        name = self.do(b"TYPE", b"k")
        for line in USES.get(getattr(name, "text", b""), ()):
            reply = self.do(*line.encode().split())
            assert not isinstance(reply, Error) or not reply.text.startswith(b"ERR internal error"), (line, reply.text)
        self.do(b"DEL", b"k", b"l")
        return True


def loaded(data: bytes, exporting: Target) -> bool:
    """Load a file, and export it with the settings of another engine; whether it was accepted."""
    target = Target()
    file = target.engine.config.files.append(b"f")
    file.write(data)
    accepted = load(target.engine, target.engine.config.files.reader(b"f"), Silent()) == ""
    if accepted:
        for db in target.engine.databases:
            check(db.table)
    for kind in (JsonExport, CommandExport):
        try:
            kind(exporting.engine, Source(data, len(data)), Silent(), MemoryAppender(MemoryFile())).run()
        except DamagedError:
            assert not accepted
    return accepted


def fuzz(payloads: int, seed: int, first: int = 0, note: Path | None = None, shows: bool = False) -> tuple[int, int]:
    """Run payloads from number `first` on; how many were accepted, and of how many.  Raises AssertionError."""
    bases = corpus()
    whole = files()
    target = Target()
    start_bytes = resident_bytes()
    accepted = 0
    began = time.monotonic()
    before = time.process_time()
    for number in range(first, first + payloads):
        # Each number has a seed of its own, so that one payload can be repeated alone.
        chance = random.Random(seed * 1_000_000_007 + number)
        if number % NOTED == 0:
            now = time.process_time()
            took = now - before
            assert took < SLOWEST_S, f"the payloads before {number} of seed {seed} took {took:.1f} s"
            before = now
            if note is not None:
                note.write_text(f"{number}\n")
        try:
            if number % FILE_EVERY == 0:
                accepted += loaded(mutated(chance, chance.choice(whole), whole), target)
            else:
                version = chance.choice((10, 11, 12, 80, 80))
                body = mutated(chance, chance.choice(bases), bases)
                accepted += target.restore(body + version.to_bytes(2, "little") + bytes(8))
        except Exception as error:
            raise AssertionError(f"payload {number} of seed {seed}: {error!r}") from error
        if number % ENGINES_EVERY == 0:
            check(target.engine.databases[0].table)
            target = Target()
            grown = resident_bytes() - start_bytes
            assert grown < MOST_GROWTH, f"at payload {number} of seed {seed} memory has grown by {grown >> 20} MB"
            if shows:
                rate = (number - first + 1) / (time.monotonic() - began)
                sys.stderr.write(f"\r{number:,} payloads, {rate:,.0f} a second")
                sys.stderr.flush()
    return accepted, payloads


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payloads", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--note", type=Path, help="file for the number of the current payload")
    options = parser.parse_args()
    limit = 3 << 30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    accepted, count = fuzz(options.payloads, options.seed, options.first, options.note, sys.stderr.isatty())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    sys.stdout.write(f"{count:,} payloads ({build_kind()}), {accepted:,} accepted, at most {peak} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
