"""`maxmemory-clients`: disconnect the largest clients if all clients together use too much memory.

While there is a limit, the memory of a client is measured at the end of each turn in which it was active.  Source:
spec/values.md, section 5.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.engine import Engine
from redpoll.engine.session import Session
from redpoll.engine.settings import Options
from redpoll.env.log import Log
from redpoll.observe.client_line import client_line_for_log

LEAST_BYTES: Final[i64] = 128 << 10
"""Minimum limit: a client must be able to connect and raise it."""


class ClientMemory:
    """Memory of all clients of a server.  A measurement is O(1) below the limit."""

    def __init__(self, engine: Engine, log: Log) -> None:
        self.engine: Final = engine
        self.log: Final = log
        self.held: i64 = 0
        self.limited = False
        """Whether there was a limit at the last measurement."""

    def weigh(self, session: Session) -> None:
        """Measure an active client, and disconnect the largest clients above the limit."""
        most = limit_of(self.engine.options)
        if most == 0:
            return
        if not self.limited:
            self.limited = True
            self.weigh_all()
        before = session.weight
        session.weight = session.held_bytes()
        self.held += session.weight - before
        if self.held > most:
            self.make_room(most)

    def weigh_all(self) -> None:
        """Measure every client.  O(clients)."""
        self.held = 0
        for session in self.engine.sessions.values():
            if session.peer.descriptor() >= 0:
                session.weight = session.held_bytes()
                self.held += session.weight

    def sweep(self) -> None:
        """Measure every client once a second: idle clients may use less memory, and the limit may have changed."""
        most = limit_of(self.engine.options)
        self.limited = most > 0
        if self.limited:
            self.weigh_all()
            if self.held > most:
                self.make_room(most)

    def forget(self, session: Session) -> None:
        """Forget a disconnected client."""
        self.held -= session.weight
        session.weight = 0

    def make_room(self, most: i64) -> None:
        """Disconnect the largest clients until the others use at most `most` bytes.  O(clients log clients)."""
        self.weigh_all()
        found = [session for session in self.engine.sessions.values() if session.weight > 0 and not session.no_evict]
        found.sort(key=weight_of, reverse=True)
        for session in found:
            if self.held <= most:
                return
            self.log.notice(f"Evicting client: {client_line_for_log(session)}")
            self.engine.traffic.evicted_clients += 1
            session.peer.close()


def weight_of(session: Session) -> int:
    return int(session.weight)


def limit_of(options: Options) -> i64:
    """The limit of all clients in bytes, 0 without a limit.  A percentage refers to `maxmemory`."""
    most = options.maxmemory_clients
    if most < 0:
        most = options.maxmemory // 100 * -most
    if most == 0:
        return 0
    return most if most > LEAST_BYTES else LEAST_BYTES
