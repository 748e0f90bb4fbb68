"""Active expiry: the engine deletes keys and hash fields that have expired, even if nobody looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.latency import EXPIRE_CYCLE
from redpoll.keyspace.field_expiry import expire_fields

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine


class ActiveExpiry:
    """The expiry of one engine.  `is_on` is False after DEBUG SET-ACTIVE-EXPIRE 0."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.is_on = True
        self.is_behind = False
        """Whether more keys have expired than the last turn was allowed to delete."""
        self.keys_from: i64 = 0
        self.fields_from: i64 = 0
        """The databases whose keys, and whose hash fields, a turn looks at first."""
        self.took_us: i64 = 0
        """The time of all turns."""

    def turn(self, most: i64) -> None:
        """`expire`, and record how long it took."""
        engine = self.engine
        began = engine.clock.now_us()
        self.expire(most)
        ended = engine.clock.now_us()
        self.took_us += ended - began
        engine.outliers.latency.note(EXPIRE_CYCLE, ended - began, ended)

    def expire(self, most: i64 = 500) -> i64:
        """Delete about `most` expired keys, and as many expired fields; return how many.

        Each key is a unit of its own.
        """
        engine = self.engine
        self.is_behind = False
        if not self.is_on or not engine.moment.deleting_expired:
            return 0
        expired: i64 = 0
        first = self.keys_from
        count: i64 = len(engine.databases)
        for n in range(count):
            db = engine.databases[(first + n) % count]
            if db.may_expire():
                expired += db.expire_due(most - expired)
                if engine.unit.journal is not None:
                    engine.unit.end_each()
                if expired >= most:
                    # The rest waits for the next call, which begins with another database.
                    self.is_behind = True
                    self.keys_from = (db.index + 1) % count
                    break
        return expired + self._expire_fields(most)

    def _expire_fields(self, most: i64) -> i64:
        """The same for hash fields.  The expired fields of one hash are one unit."""
        engine = self.engine
        expired: i64 = 0
        first = self.fields_from
        count: i64 = len(engine.databases)
        for n in range(count):
            db = engine.databases[(first + n) % count]
            if db.may_expire():
                expired += expire_fields(db, most - expired)
                if expired >= most:
                    self.is_behind = True
                    self.fields_from = (db.index + 1) % count
                    break
        return expired
