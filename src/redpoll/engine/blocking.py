"""Blocking commands: sessions that wait for keys, and how they are served.

A command that finds nothing calls `block` and returns BLOCKED.  Its session then waits in the queue of each of its
keys.  A change that may serve it marks the key as ready; when the unit ends, `serve` runs the commands of the waiting
sessions again, first come first served, each as a unit of its own and through the same gates as any command.  A command
that blocks again goes to the end of the queues.

The changes that wake a command are a bit mask: of kinds (`1 << LIST_LISTPACK | ...`), or ANY_CHANGE for commands that
must also learn that their key was deleted, replaced or changed its type.  The sum of all masks is `Moment.awaited`.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from redpoll.keyspace.moment import AWAITED, REPLACEMENT_AWAITED
from redpoll.protocol.reply import BLOCKED, Error, Rows
from redpoll.types.kinds import (
    HASH_HASHTABLE,
    HASH_LISTPACK,
    HASH_VOLATILE,
    LIST_LISTPACK,
    LIST_QUICKLIST,
    SET_HASHTABLE,
    SET_INTSET,
    SET_LISTPACK,
    STREAM,
    ZSET_LISTPACK,
    ZSET_SKIPLIST,
)

if TYPE_CHECKING:
    from redpoll.engine.command import Command
    from redpoll.engine.engine import Engine
    from redpoll.engine.session import Session

LISTS: Final[i64] = (1 << LIST_LISTPACK) | (1 << LIST_QUICKLIST)
SETS: Final[i64] = (1 << SET_INTSET) | (1 << SET_LISTPACK) | (1 << SET_HASHTABLE)
HASHES: Final[i64] = (1 << HASH_LISTPACK) | (1 << HASH_HASHTABLE) | (1 << HASH_VOLATILE)
ZSETS: Final[i64] = (1 << ZSET_LISTPACK) | (1 << ZSET_SKIPLIST)
STREAMS: Final[i64] = 1 << STREAM
ANY_CHANGE: Final[i64] = 1 << 20

HEAD: Final = 8
"""How many sessions are looked at before the whole queue is copied: one new element serves one of them."""


@mypyc_attr(allow_interpreted_subclasses=True)
class LateReply:
    """A reply to a time-out that is known only when the time has come."""

    def value(self) -> object:
        raise NotImplementedError


class Waiting:
    """A blocked command.  `deadline_ms` is when it gives up, 0 for never.

    A `postponed` command has not run yet, because clients are paused.  Its connection runs it after the pause.
    """

    def __init__(
        self,
        command: Command,
        args: list[bytes],
        db: int,
        keys: list[bytes],
        deadline_ms: i64 = 0,
        timeout_reply: object = None,
        mask: i64 = 0,
    ) -> None:
        self.command: Final = command
        self.args: Final = args
        self.db: Final = db
        self.keys: Final = keys
        self.deadline_ms: i64 = deadline_ms
        self.timeout_reply: Final = timeout_reply
        self.mask: i64 = mask
        self.postponed = False
        self.spent_us: i64 = 0
        """How long it has run so far, in tries that found nothing."""


class Blocking:
    """The sessions of one engine that wait for keys or for time to pass."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.queues: Final[dict[tuple[int, bytes], OrderedDict[Session, None]]] = {}
        """Per key the sessions that wait for it, in the order in which they came."""
        self.timed: Final[dict[Session, None]] = {}
        """The waiting sessions with a deadline."""
        self.ready: list[tuple[int, bytes]] = []
        """Keys that changed, in the order of their changes ..."""
        self.is_ready: Final[set[tuple[int, bytes]]] = set()
        """... each of them once."""
        self.rows: Rows | None = None
        """The entries of the last served session.  Sessions that read the same entries share the reply."""
        self.masks: Final[dict[int, int]] = {}
        """How many waiting sessions have each mask."""

    # Waiting.

    def block(
        self, session: Session, args: list[bytes], keys: list[bytes], deadline_ms: i64, on_timeout: object, mask: i64
    ) -> object:
        """Let the session wait for one of `keys` until `deadline_ms` (0 = for ever); BLOCKED, or at once `on_timeout`.

        Sessions that must not block (inside EXEC, in scripts, in process) get what a time-out would give them.
        """
        if not session.can_block():
            return timeout_reply(on_timeout)
        tried = session.tried
        db = int(session.db.index)
        if tried is not None:
            # A command that blocks again keeps its deadline, and goes to the end of the queues.
            waiting = tried
        else:
            command = self.engine.meant(args)
            assert command is not None
            waiting = Waiting(command, args, db, keys, deadline_ms, on_timeout, mask)
            if deadline_ms > 0:
                self.timed[session] = None
            self._count_mask(waiting.mask, 1)
        session.waiting = waiting
        for key in keys:
            place = (db, key)
            queue = self.queues.get(place)
            if queue is None:
                queue = OrderedDict()
                self.queues[place] = queue
            if session in queue:
                if waiting is tried:
                    queue.move_to_end(session)
            else:
                queue[session] = None
        return BLOCKED

    def _count_mask(self, mask: i64, by: int) -> None:
        if mask == 0:
            return
        count = self.masks.get(int(mask), 0) + by
        if count > 0:
            self.masks[int(mask)] = count
        else:
            del self.masks[int(mask)]
        total: i64 = 0
        for held in self.masks:
            total |= held
        moment = self.engine.moment
        moment.awaited = total & ~ANY_CHANGE
        moment.interest &= ~(AWAITED | REPLACEMENT_AWAITED)
        if total != 0:
            moment.interest |= AWAITED
        if total & ANY_CHANGE != 0:
            moment.interest |= REPLACEMENT_AWAITED

    def stop(self, session: Session) -> None:
        """End the session's wait, if it waits, without a reply."""
        waiting = session.waiting
        if waiting is not None:
            session.waiting = None
            self._leave(session, waiting)

    def _leave(self, session: Session, waiting: Waiting) -> None:
        """Remove the session from the queues.  O(keys)."""
        if waiting.postponed:
            self.engine.pause.waiting.remove(session)
            return
        for key in waiting.keys:
            queue = self.queues.get((waiting.db, key))
            if queue is not None and session in queue:
                del queue[session]
                if len(queue) == 0:
                    del self.queues[(waiting.db, key)]
        self.timed.pop(session, None)
        self._count_mask(waiting.mask, -1)

    def unblock(self, session: Session, reply: object) -> None:
        """End a wait from outside, with `reply` (a time-out, CLIENT UNBLOCK)."""
        waiting = session.waiting
        if waiting is None:
            return
        engine = self.engine
        self.stop(session)
        if not waiting.postponed:
            self._count_call(session, waiting, reply)
        if isinstance(reply, Error):
            engine.counters.error(reply.text)
        session.active_us = engine.moment.now_us
        session.peer.deliver(session, reply)
        session.peer.resume(session)

    def _count_call(self, session: Session, waiting: Waiting, reply: object) -> None:
        """Count the call of a command that ends without having been served."""
        engine = self.engine
        session.commands += 1
        if isinstance(reply, Error):
            engine.counters.failed[waiting.command.index] += 1
        now_us = engine.moment.now_us
        engine.outliers.record(session, waiting.command, waiting.args, waiting.spent_us, now_us)
        engine.outliers.record_reply(session, waiting.args, reply, now_us)

    # Time.

    def end_overdue(self, now_ms: i64) -> None:
        """Answer every session whose deadline has come.  O(sessions with a deadline)."""
        for session in list(self.timed):
            waiting = session.waiting
            if waiting is not None and waiting.deadline_ms <= now_ms:
                self.unblock(session, timeout_reply(waiting.timeout_reply))

    def first_deadline_ms(self) -> i64:
        """The earliest deadline, 0 if there is none."""
        first: i64 = 0
        for session in self.timed:
            waiting = session.waiting
            if waiting is not None and (first == 0 or waiting.deadline_ms < first):
                first = waiting.deadline_ms
        return first

    # Ready keys.

    def mark_ready(self, db: int, key: bytes) -> None:
        """Mark a key as ready: at the end of the unit, the sessions that wait for it are served."""
        place = (db, key)
        if place in self.queues and place not in self.is_ready:
            self.is_ready.add(place)
            self.ready.append(place)

    def mark_all_ready(self, db: int) -> None:
        """Mark every key of a database that a session waits for as ready, because its keys were exchanged."""
        for where, key in list(self.queues):
            if where == db:
                self.mark_ready(where, key)

    def serve(self) -> None:
        """Serve the sessions that wait for ready keys: keys in the order of their changes, sessions first come first.

        O(sessions tried).  After the last element is taken, no further session that waits for elements is tried.
        """
        while len(self.ready) > 0:
            round_of = self.ready
            self.ready = []
            self.is_ready.clear()
            for place in round_of:
                self._serve_key(place)
        self.rows = None

    def _serve_key(self, place: tuple[int, bytes]) -> None:
        queue = self.queues.get(place)
        if queue is None:
            return
        head = list(islice(queue, HEAD))
        waits_on = len(queue) > HEAD
        if not self._serve_sessions(place, head) or not waits_on:
            return
        queue = self.queues.get(place)
        if queue is not None:
            seen = set(head)
            self._serve_sessions(place, [session for session in queue if session not in seen])

    def _serve_sessions(self, place: tuple[int, bytes], sessions: list[Session]) -> bool:
        """Try each session; return False if the key is gone and no session waits for that."""
        db = self.engine.databases[place[0]]
        key = place[1]
        for session in sessions:
            kind: i64 = -1
            if db.find(key) and not db.is_past(key):
                kind = db.table.kind()
            elif self.engine.moment.interest & REPLACEMENT_AWAITED == 0:
                return False
            waiting = session.waiting
            if waiting is None or waiting.postponed:
                continue
            if waiting.mask & ANY_CHANGE != 0 or (kind >= 0 and (waiting.mask >> kind) & 1 != 0):
                self._try_again(session, waiting)
        return True

    def _try_again(self, session: Session, waiting: Waiting) -> None:
        engine = self.engine
        session.waiting = None
        session.tried = waiting
        # The time of earlier tries counts as time of the command.
        engine.read_us -= waiting.spent_us
        reply = engine.run_again(session, waiting.command, waiting.args)
        session.tried = None
        if session.waits() and not session.is_postponed():
            session.peer.release()
            return
        self._leave(session, waiting)
        if session.is_postponed():
            # Clients are paused.  The connection runs the command as a new one after the pause.
            session.peer.requeue(waiting.args)
            session.peer.release()
            return
        engine.outliers.record_reply(session, waiting.args, reply, engine.read_us)
        session.peer.deliver(session, reply)
        session.peer.release()
        session.peer.resume(session)


def timeout_reply(reply: object) -> object:
    """The reply to a wait whose time is over: `reply`, or its value if it is a LateReply."""
    return reply.value() if isinstance(reply, LateReply) else reply
