"""A store of web sessions.

A session is a hash.  Each request that uses it starts its idle time anew, up to a greatest age.  Single fields may go
earlier than the session: a code that is good for one minute, the right to do something dangerous for five.  One more
hash for each user has the sessions as fields, each with the session's own time to live, so a user can see them all and
end them all.

    python examples/sessions.py --url redis://127.0.0.1:6379
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

USER, BORN = "_user", "_born"


@dataclass(frozen=True)
class Session:
    """What a request gets to see: the fields as they are at its start."""

    id: str
    user: str
    data: dict[str, str]


class Sessions:
    """Sessions that end after `idle` seconds without a request, and after `greatest_age` seconds in any case."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        idle: float = 1800.0,
        greatest_age: float = 86400.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.client = client
        self.idle = idle
        self.greatest_age = greatest_age
        self.clock = clock

    # ---- begin, use, end

    def begin(self, user: str, data: dict[str, str] | None = None) -> Session:
        """Begin a session; its id cannot be guessed."""
        session_id = secrets.token_urlsafe(24)
        fields: Any = {**(data or {}), USER: user, BORN: repr(self.clock())}
        ms = int(min(self.idle, self.greatest_age) * 1000)
        with self.client.pipeline() as step:
            step.hset(_key(session_id), mapping=fields)
            step.pexpire(_key(session_id), ms)
            step.hsetex(_sessions_of(user), session_id, repr(self.clock()), px=ms)
            step.execute()
        return Session(session_id, user, dict(data or {}))

    def open(self, session_id: str) -> Session | None:
        """The session, its idle time begun anew; None if it has ended or never was.

        PEXPIRE finds nothing to do if the session ends between the two steps, so it cannot come back.
        """
        fields: Any = self.client.hgetall(_key(session_id))
        if USER not in fields:
            return None
        user = fields.pop(USER)
        left = float(fields.pop(BORN)) + self.greatest_age - self.clock()
        if left <= 0:
            self.end(session_id)
            return None
        ms = int(min(self.idle, left) * 1000)
        with self.client.pipeline() as step:
            step.pexpire(_key(session_id), ms)
            step.hpexpire(_sessions_of(user), ms, session_id)
            alive, _ = step.execute()
        return Session(session_id, user, fields) if alive else None

    def end(self, session_id: str) -> None:
        """Log out."""
        user: Any = self.client.hget(_key(session_id), USER)
        with self.client.pipeline() as step:
            step.delete(_key(session_id))
            if user is not None:
                step.hdel(_sessions_of(user), session_id)
            step.execute()

    # ---- fields

    def put(self, session_id: str, **fields: str) -> bool:
        """Set fields for as long as the session lives; False if it has ended."""
        return self._change(session_id, lambda step: step.hset(_key(session_id), mapping=fields))

    def put_for(self, session_id: str, seconds: float, **fields: str) -> bool:
        """Set fields that go after `seconds`, or with the session; False if it has ended."""
        ms = int(seconds * 1000)
        return self._change(session_id, lambda step: step.hsetex(_key(session_id), mapping=fields, px=ms))

    def take(self, session_id: str, field: str) -> str | None:
        """Read a field and remove it, as one step: of two requests with the same code one gets it."""
        with self.client.pipeline() as step:
            step.hget(_key(session_id), field)
            step.hdel(_key(session_id), field)
            value, _ = step.execute()
        return None if value is None else str(value)

    def _change(self, session_id: str, change: Callable[[Any], object]) -> bool:
        """Change a session that is there.  A bare HSET would bring an ended one back, without an end."""
        key = _key(session_id)
        with self.client.pipeline() as step:
            while True:
                try:
                    step.watch(key)
                    if not step.exists(key):
                        return False
                    step.multi()
                    change(step)
                    step.execute()
                    return True
                except redis.WatchError:
                    continue  # another request of this session was quicker

    # ---- all sessions of a user

    def of_user(self, user: str) -> list[str]:
        """The ids of the sessions that have not ended."""
        ids: Any = self.client.hkeys(_sessions_of(user))
        return list(ids)

    def end_all(self, user: str) -> int:
        """Log a user out everywhere; returns the number of sessions."""
        ids = self.of_user(user)
        self.client.delete(_sessions_of(user), *(_key(session_id) for session_id in ids))
        return len(ids)


def _key(session_id: str) -> str:
    return f"session:{session_id}"


def _sessions_of(user: str) -> str:
    return f"user:{user}:sessions"


def main(words: list[str] | None = None) -> None:
    """Log in, use the session, and log out everywhere."""
    parser = argparse.ArgumentParser(description="A store of sessions.")
    parser.add_argument("--url", default="redis://127.0.0.1:6379")
    options = parser.parse_args(words)

    client = redis.Redis.from_url(options.url, decode_responses=True)
    sessions = Sessions(client, idle=1800)
    phone = sessions.begin("ann", {"device": "phone"})
    laptop = sessions.begin("ann", {"device": "laptop"})
    sessions.put(laptop.id, cart="3 books")
    sessions.put_for(laptop.id, 60, code="271828")
    print("the laptop's session:", sessions.open(laptop.id))
    print(f"idle time left: {client.ttl(_key(laptop.id))} s; the code's: {_field_time(client, laptop.id, 'code')} s")
    print("the code is taken once:", [sessions.take(laptop.id, "code") for _ in range(2)])
    print("ann's sessions:", len(sessions.of_user("ann")), "- ended:", sessions.end_all("ann"))
    print("the phone's session afterwards:", sessions.open(phone.id))
    client.close()


def _field_time(client: redis.Redis, session_id: str, field: str) -> int:
    """Seconds that a field has left."""
    left: Any = client.httl(_key(session_id), field)
    return int(left[0])


if __name__ == "__main__":
    main()
