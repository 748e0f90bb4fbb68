"""`/data.json`: the data of the page of `metrics-port`, as sums since the start.

The page computes rates and recent percentiles from two polls.  Keys and arguments are escaped as in Python's `repr`, so
that they are text.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.build_info import VERSION
from redpoll.engine.command import CATALOGUE, Command
from redpoll.engine.engine import Engine
from redpoll.env.process import resident_bytes
from redpoll.keyspace.scan import visible_keys, visible_timed
from redpoll.observe.histogram import Histogram
from redpoll.observe.report import Report
from redpoll.observe.survey import Survey
from redpoll.types.stream import Stream

COMMANDS_A_STEP: Final = 32
MOST_SLOW: Final = 16
MOST_SHOWN: Final = 16
"""Most streams."""
MOST_GROUPS: Final = 8
"""Most groups of each stream."""
MOST_CHARACTERS: Final = 120

CONTENT_TYPE: Final = "application/json"


class PageData(Report):
    """One poll of the page."""

    def __init__(self, engine: Engine, survey: Survey) -> None:
        super().__init__()
        self.engine: Final = engine
        self.survey: Final = survey
        self.commands: Final[list[Command]] = list(CATALOGUE.values())
        self.done = 0
        self.families: Final[dict[str, int]] = {}
        self.durations: Final[dict[int, int]] = {}

    def step(self) -> bool:
        self.engine.start_unit()
        if self.done < len(self.commands):
            stop = min(self.done + COMMANDS_A_STEP, len(self.commands))
            for at in range(self.done, stop):
                self.add_command(self.commands[at])
            self.done = stop
            return True
        import json

        self.parts.append(json.dumps(self.whole(), ensure_ascii=True, separators=(",", ":")).encode())
        return False

    def add_command(self, command: Command) -> None:
        counters = self.engine.counters
        calls = counters.calls(command.index)
        if calls == 0:
            return
        family = command.spec.group
        self.families[family] = self.families.get(family, 0) + int(calls)
        histogram = Histogram(counters.tracked, command.index)
        for n in range(len(histogram.usec)):
            usec = histogram.usec[n]
            self.durations[usec] = self.durations.get(usec, 0) + histogram.counts[n]

    def whole(self) -> dict[str, object]:
        engine = self.engine
        moment = engine.moment
        options = engine.options
        return {
            "version": VERSION,
            "run": engine.run_id.decode(),
            "time_us": int(moment.now_us),
            "started_s": int(engine.started_us) // 1000000,
            "families": self.families,
            "durations": sorted(self.durations.items()),
            "tracking": engine.counters.tracking,
            "memory": self.memory(),
            "types": [{"type": found.name, "keys": found.keys, "bytes": found.size} for found in self.survey.types()],
            "surveyed": round(self.survey.seen_share(), 4),
            "hits": int(moment.hits),
            "misses": int(moment.misses),
            "expired": int(moment.expired),
            "evicted": int(moment.evicted),
            "expire_lag_ms": int(moment.lags.percentile(99)),
            "received": int(engine.traffic.received),
            "sent": int(engine.traffic.sent),
            "errors": int(engine.counters.error_replies),
            "clients": self.clients(),
            "files": self.files(),
            "databases": [
                {"db": int(db.index), "keys": int(visible_keys(db)), "expires": int(visible_timed(db))}
                for db in engine.databases
                if visible_keys(db) > 0
            ],
            "hot_window_s": int(options.hotkey_window_seconds) if options.hotkey_top_k > 0 else 0,
            "hot": [
                {"db": found.db, "key": shown(found.key), "per_second": found.per_second}
                for found in engine.hot_keys.hottest()
            ],
            "slow": self.slow(),
            "largest": [
                {"db": found.db, "key": shown(found.key), "type": found.type_name, "bytes": found.size}
                for found in self.survey.largest()
            ],
            "streams": self.streams(),
        }

    def memory(self) -> dict[str, object]:
        engine = self.engine
        content: i64 = 0
        for db in engine.databases:
            content += db.tables.content_bytes()
        return {
            "used": int(engine.sampler.note_memory(engine.moment.now_us)),
            "peak": int(engine.sampler.peak_bytes),
            "resident": resident_bytes(),
            "data": int(content),
            "limit": int(engine.options.maxmemory),
            "policy": engine.config.string(b"maxmemory-policy"),
        }

    def files(self) -> dict[str, object]:
        """The last save, and how far a running save or load is: a share, its bytes a second, seconds to its end."""
        durability = self.engine.durability
        now_us = self.engine.moment.now_us
        running = durability.running
        load = durability.load
        share = rate = 0.0
        left: i64 = -1
        if running is not None:
            share = float(running.keys_done()) / float(max(1, running.total))
            rate = float(running.bytes_done()) * 1e6 / float(max(1, now_us - running.began_us))
            left = running.left_s(now_us)
        elif load is not None:
            share = float(load.done) / float(max(1, load.total))
            rate = float(load.done) * 1e6 / float(max(1, now_us - load.began_us))
            left = load.left_s(now_us)
        return {
            "work": "saving" if running is not None else "loading" if load is not None else "",
            "share": round(share, 4),
            "bytes_a_second": int(rate),
            "left_s": int(left),
            "saved_s": int(durability.saved_s),
            "worked": durability.last_save_worked,
            "unsaved": int(self.engine.unsaved_changes()),
        }

    def clients(self) -> dict[str, object]:
        """O(clients)."""
        engine = self.engine
        blocked = 0
        for session in engine.sessions.values():
            blocked += int(session.waiting is not None)
        return {
            "connected": len(engine.sessions),
            "blocked": blocked,
            "subscribed": int(engine.pubsub.clients),
            "limit": int(engine.options.maxclients),
        }

    def slow(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        for entry in self.engine.outliers.slow.newest(MOST_SLOW):
            found.append(
                {
                    "id": int(entry.id),
                    "at_s": int(entry.at_s),
                    "usec": int(entry.amount),
                    "command": shown(b" ".join(entry.args)),
                    "client": shown(entry.name or entry.address),
                }
            )
        return found

    def streams(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        for place, stream in self.survey.found_streams():
            if len(found) == MOST_SHOWN:
                break
            found.append(
                {
                    "db": place.db,
                    "key": shown(place.key),
                    "entries": int(stream.length()),
                    "groups": stream_groups(stream),
                    "more_groups": max(group_count(stream) - MOST_GROUPS, 0),
                }
            )
        return found


def group_count(stream: Stream) -> int:
    return len(stream.groups) if stream.groups is not None else 0


def stream_groups(stream: Stream) -> list[dict[str, object]]:
    """The first groups of a stream, each with its lag, None if that is unknown."""
    found: list[dict[str, object]] = []
    groups = stream.groups
    if groups is None:
        return found
    for name in groups:
        if len(found) == MOST_GROUPS:
            break
        group = groups[name]
        lag = stream.lag(group)
        found.append(
            {
                "name": shown(name),
                "lag": int(lag) if lag is not None else None,
                "pending": int(group.pending.count),
                "consumers": len(group.consumers),
            }
        )
    return found


def shown(text: bytes) -> str:
    """Escaped bytes as text, cut to MOST_CHARACTERS."""
    # Cut first: a key may have 512 MB.
    found = repr(text[:MOST_CHARACTERS])[2:-1]
    if len(text) > MOST_CHARACTERS or len(found) > MOST_CHARACTERS:
        return found[:MOST_CHARACTERS] + "…"
    return found
