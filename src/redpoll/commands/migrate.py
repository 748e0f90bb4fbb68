"""MIGRATE: keys move to another server, which may be a redpoll, a Valkey or a Redis.

Source: spec/dump.md, section 4.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, INCOMPLETE, RW, KeyRange, KeysAfter, KeySpec
from redpoll.catalogue.spec import DANGEROUS, KEYSPACE, MOVABLEKEYS, WRITE
from redpoll.commands.payloads import payload_here
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.remotes import NO_DATABASE, Remote, RemoteError
from redpoll.engine.session import Session
from redpoll.errors import KEYS_NEED_NO_KEY, NO_MIGRATE_HERE, SYNTAX, CommandError, target_error
from redpoll.protocol.numbers import int_text
from redpoll.protocol.reply import OK, Status

DEFAULT_TIMEOUT_MS: Final[i64] = 1000
OPTIONS_AT: Final = 6


def first_of_keys(args: list[bytes]) -> int:
    """The index after the word KEYS; 0 if there is none.  The words of AUTH and AUTH2 do not count."""
    at = OPTIONS_AT
    while at < len(args):
        word = args[at].upper()
        if word == b"KEYS":
            return at + 1
        at += 2 if word == b"AUTH" else 3 if word == b"AUTH2" else 1
    return 0


class OnlyKey(KeyRange):
    """The key before the options, if KEYS does not name others."""

    def positions(self, args: list[bytes]) -> list[int] | None:
        if first_of_keys(args) == 0:
            return super().positions(args)
        return [] if not args[3] else None


class NamedKeys(KeysAfter):
    """The keys after KEYS."""

    def positions(self, args: list[bytes]) -> list[int] | None:
        first = first_of_keys(args)
        return list(range(first, len(args))) if first > 0 else []

    def access_in(self, args: list[bytes]) -> i64:
        # Incomplete is only what the spec says: the positions above are exact.
        return self.access & ~INCOMPLETE


def migrate_keys() -> list[KeySpec]:
    access = RW | ACCESS | DELETE
    return [OnlyKey(access, 3, 3, 1), NamedKeys(access | INCOMPLETE, b"KEYS", -2, -1, 0)]


class Options:
    """What MIGRATE is asked for."""

    def __init__(self, args: list[bytes]) -> None:
        self.copy = False
        self.replace = False
        self.login: list[bytes] = []
        self.keys = [args[3]]
        at = OPTIONS_AT
        while at < len(args):
            word = args[at].upper()
            left = len(args) - at - 1
            if word == b"COPY":
                self.copy = True
            elif word == b"REPLACE":
                self.replace = True
            elif word == b"AUTH" and left >= 1:
                self.login = [b"AUTH", args[at + 1]]
                at += 1
            elif word == b"AUTH2" and left >= 2:
                self.login = [b"AUTH", args[at + 1], args[at + 2]]
                at += 2
            elif word == b"KEYS":
                if args[3]:
                    raise CommandError(KEYS_NEED_NO_KEY)
                self.keys = args[at + 1 :]
                break
            else:
                raise CommandError(SYNTAX)
            at += 1
        self.timeout_ms: i64 = integer(args[5])
        self.database: i64 = integer(args[4])
        if self.timeout_ms <= 0:
            self.timeout_ms = DEFAULT_TIMEOUT_MS


class Move:
    """The keys of one MIGRATE: those that exist, as RESTORE commands, and those that the target has taken."""

    def __init__(self, session: Session, options: Options) -> None:
        self.session: Final = session
        self.options: Final = options
        self.keys: list[bytes] = []
        self.restores: list[bytes] = []
        self.taken: list[bytes] = []
        self.complaint = b""
        """The target's first error."""
        self.replied = False
        """Whether the target has answered the first RESTORE."""
        name = b"RESTORE-ASKING" if session.engine.config.flag(b"cluster-enabled") else b"RESTORE"
        db = session.db
        for key in options.keys:
            if not db.look(key):
                continue
            deadline = db.table.deadline()
            left_ms: i64 = 0
            if deadline != 0:
                left_ms = deadline - db.moment.now_ms
                if left_ms < 1:
                    left_ms = 1
            words = [name, key, int_text(left_ms), payload_here(session)]
            if options.replace:
                words.append(b"REPLACE")
            self.keys.append(key)
            self.restores.append(request(words))

    def send(self, remote: Remote) -> None:
        """Send all, and take the replies.  Raises RemoteError."""
        options = self.options
        login = len(options.login) > 0
        select = remote.database != options.database
        remote.wait_at_most(options.timeout_ms)
        parts: list[bytes] = []
        if login:
            parts.append(request(options.login))
        if select:
            parts.append(request([b"SELECT", int_text(options.database)]))
        remote.send(b"".join(parts + self.restores))
        refused = False
        for _ in range(int(login) + int(select)):
            refused = self.is_error(remote.line()) or refused
        for key in self.keys:
            failed = self.is_error(remote.line())
            self.replied = True
            if not failed and not refused:
                self.taken.append(key)
        remote.database = options.database if not self.complaint else NO_DATABASE

    def is_error(self, line: bytes) -> bool:
        if not line.startswith(b"-"):
            return False
        if not self.complaint:
            self.complaint = line[1:]
        return True

    def remove(self) -> None:
        """Delete the keys that the target has taken."""
        if self.options.copy or len(self.taken) == 0:
            return
        session = self.session
        for key in self.taken:
            session.db.delete(key)
        session.journal_as([b"DEL", *self.taken])


def request(words: list[bytes]) -> bytes:
    """A command as it is sent."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts.append(b"$%d\r\n" % len(word))
        parts.append(word)
        parts.append(b"\r\n")
    return b"".join(parts)


@command(
    "migrate", arity=-6, flags=WRITE | MOVABLEKEYS, acl=KEYSPACE | DANGEROUS, keys=migrate_keys(), group="generic",
    tips="nondeterministic_output",
    arguments="host port:integer (key-selector: key#0 | (empty-string: '')) destination-db:integer timeout:integer "
              "[COPY@3.0.0] [REPLACE@3.0.0] [authentication: AUTH auth<password>@4.0.7 | "
              "AUTH2 (auth2: username password)@6.0.0] [KEYS keys#1<key> ...]@3.0.6",
    since="2.6.0", complexity="O(size of the values); the server waits meanwhile",
    summary="Move keys to another server.",
)  # fmt: skip
def migrate(session: Session, args: list[bytes]) -> object:
    options = Options(args)
    move = Move(session, options)
    if len(move.keys) == 0:
        return Status(b"NOKEY")
    try:
        deliver(move, args[1], args[2])
    except RemoteError as failed:
        move.remove()
        raise CommandError(failed.text) from None
    move.remove()
    if move.complaint:
        raise CommandError(target_error(move.complaint))
    return OK


def deliver(move: Move, host: bytes, port: bytes) -> None:
    """Send the keys on a kept connection or a new one.  Raises RemoteError."""
    engine = move.session.engine
    remotes = engine.remotes
    tries = 2
    while True:
        tries -= 1
        try:
            remote = remotes.get(host, port)
            if remote is None:
                remote = engine.host.connect(host, port, move.options.timeout_ms)
                if remote is None:
                    raise CommandError(NO_MIGRATE_HERE)
                remotes.add(host, port, remote)
            remote.used_us = engine.clock.now_us()
            move.send(remote)
            return
        except RemoteError as failed:
            remotes.drop(host, port)
            # A kept connection may have been closed by the other side.
            if failed.timed_out or move.replied or tries == 0:
                raise
