"""The listeners to changes of keys: watchers of transactions, keyspace events (`notifications.py`), and sessions that
wait for a key (`blocking.py`).

`moment.interest` has a reserved bit for client-side caches.  While no bit is on, a change costs one test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.gates import GATE_OOM
from redpoll.engine.latency import EXPIRE_DEL
from redpoll.keyspace.events import EXPIRED, Event
from redpoll.keyspace.moment import NOTIFIED, REPLACEMENT_AWAITED, WATCHED, Listener
from redpoll.keyspace.tables import Tables

STREAM_LETTER: Final = b"t"

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine
    from redpoll.engine.session import Session


class Interest(Listener):
    """The engine's listener to its databases."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.watchers: dict[tuple[int, bytes], list[Session]] = {}
        self.expiring_since_us: i64 = 0

    # Called by the databases.

    def changed(self, db: i64, key: bytes, event: Event) -> None:
        interest = self.engine.moment.interest
        if interest & NOTIFIED != 0:
            self.engine.notifications.send(db, key, event)
        if not event.modifies:
            return
        watching = self.watchers.get((db, key))
        if watching is not None:
            place = (int(db), key)
            for session in watching:
                if event is EXPIRED and place in session.watched_stale:
                    # The key had already expired when it was watched.
                    continue
                session.watch_broken = True
        # Events of a stream do not replace the key or its type.  Commands that add entries call `grown`.
        if interest & REPLACEMENT_AWAITED != 0 and event.letter != STREAM_LETTER:
            self.engine.blocking.mark_ready(int(db), key)

    def grown(self, db: i64, key: bytes) -> None:
        self.engine.blocking.mark_ready(int(db), key)

    def replaced(self, db: i64, following: Tables | None) -> None:
        tables = self.engine.databases[db].tables
        now_ms = self.engine.moment.now_ms
        for place, watching in self.watchers.items():
            if place[0] != db:
                continue
            key = place[1]
            was_there = tables.of(key).find(key)
            comes = stale = False
            if following is not None:
                table = following.of(key)
                comes = table.find(key)
                stale = comes and 0 < table.deadline() <= now_ms
            for session in watching:
                if (was_there and place not in session.watched_stale) or (comes and not stale):
                    session.watch_broken = True
                elif stale:
                    session.watched_stale.add(place)
                else:
                    session.watched_stale.discard(place)

        if self.engine.moment.interest & REPLACEMENT_AWAITED != 0:
            self.engine.blocking.mark_all_ready(int(db))

    def exchanged(self, db: i64) -> None:
        self.engine.blocking.mark_all_ready(int(db))

    def expiring(self) -> None:
        if self.engine.outliers.latency.threshold_ms != 0:
            self.expiring_since_us = self.engine.clock.now_us()

    def expired(self, db: i64, key: bytes) -> None:
        if self.expiring_since_us != 0:
            ended_us = self.engine.clock.now_us()
            self.engine.outliers.latency.note(EXPIRE_DEL, ended_us - self.expiring_since_us, ended_us)
            self.expiring_since_us = 0
        unit = self.engine.unit
        if unit.journal is not None:
            unit.add(int(db), [self.engine.deletion_word(True), key])

    def evicted(self, db: i64, key: bytes) -> None:
        unit = self.engine.unit
        if unit.journal is not None:
            unit.add(int(db), self.engine.eviction.effect_of(key))

    def over_limit(self) -> None:
        self.engine.gates |= GATE_OOM

    def fields_expired(self, db: i64, key: bytes, fields: list[bytes], emptied: bool) -> None:
        unit = self.engine.unit
        if unit.journal is not None:
            unit.add(int(db), [b"HDEL", key, *fields])
            if emptied:
                unit.add(int(db), [self.engine.deletion_word(True), key])
            unit.end()

    # Registering listeners.

    def watch(self, session: Session, db: int, key: bytes) -> None:
        place = (db, key)
        if place not in session.watched:
            session.watched[place] = None
            self.watchers.setdefault(place, []).append(session)
            self._set(WATCHED, True)

    def unwatch(self, session: Session) -> None:
        for place in session.watched:
            watching = self.watchers[place]
            watching.remove(session)
            if len(watching) == 0:
                del self.watchers[place]
        session.watched.clear()
        session.watched_stale.clear()
        session.watch_broken = False
        self._set(WATCHED, len(self.watchers) > 0)

    def _set(self, bit: i64, on: bool) -> None:
        moment = self.engine.moment
        if on:
            moment.interest |= bit
        else:
            moment.interest &= ~bit
