"""MIGRATE: keys go to another server and are deleted here.  Source: spec/dump.md, section 4.

The server waits meanwhile, as the reference's does, so the keys cannot change under it.
"""

from __future__ import annotations

from redpoll.catalogue.keyspec import ACCESS, DELETE, INCOMPLETE, RW, KeyRange, KeysAfter
from redpoll.catalogue.spec import DANGEROUS, KEYSPACE, MOVABLEKEYS, WRITE
from redpoll.commands.payloads import payload_of
from redpoll.engine.args import Args, integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import MIGRATE_KEYS, SYNTAX, CommandError, target_refused
from redpoll.protocol.numbers import int_text
from redpoll.protocol.reply import OK, Error, Status

NO_KEY = Status(b"NOKEY")
DEFAULT_TIMEOUT_MS = 1000


class OneUnlessEmpty(KeyRange):
    """The key of MIGRATE, which is empty if the keys follow KEYS."""

    def positions(self, args: list[bytes]) -> list[int] | None:
        if len(args) > self.first and not args[self.first]:
            return []
        return super().positions(args)


KEYS = [
    OneUnlessEmpty(RW | ACCESS | DELETE, 3, 3, 1),
    KeysAfter(RW | ACCESS | DELETE | INCOMPLETE, b"KEYS", -2, -1, 0),
]


class Options:
    """The options of MIGRATE; `keys` are the names that were given."""

    def __init__(self, args: list[bytes]) -> None:
        self.copy = False
        self.replace = False
        self.login: list[bytes] = []
        self.keys = [args[3]]
        cursor = Args(args, 6)
        while cursor.left() > 0:
            word = cursor.word()
            if word == b"COPY":
                self.copy = True
            elif word == b"REPLACE":
                self.replace = True
            elif word == b"AUTH":
                self.login = [b"AUTH", cursor.next()]
            elif word == b"AUTH2":
                self.login = [b"AUTH", cursor.next(), cursor.next()]
            elif word == b"KEYS":
                if args[3]:
                    raise CommandError(MIGRATE_KEYS)
                self.keys = args[cursor.at :]
                break
            else:
                raise CommandError(SYNTAX)


@command(
    "migrate", arity=-6, flags=WRITE | MOVABLEKEYS, acl=KEYSPACE | DANGEROUS, keys=[*KEYS], group="generic",
    tips="nondeterministic_output",
    arguments="host port:integer (key-selector: key#0 | (empty-string: '')) destination-db:integer timeout:integer "
              "[COPY@3.0.0] [REPLACE@3.0.0] [authentication: AUTH auth<password>@4.0.7 | (AUTH2 username "
              "password)@6.0.0] "
              "[KEYS keys:key#1<key> ...]@3.0.6",
    since="2.6.0", complexity="O(size of the values)", summary="Move keys to another server.",
)  # fmt: skip
def migrate(session: Session, args: list[bytes]) -> object:
    options = Options(args)
    timeout_ms: int = integer(args[5])
    number: int = integer(args[4])
    if timeout_ms <= 0:
        timeout_ms = DEFAULT_TIMEOUT_MS
    keys: list[bytes] = []
    requests: list[list[bytes]] = []
    for key in options.keys:
        request = restoring(session, key, options.replace)
        if request:
            keys.append(key)
            requests.append(request)
    if not keys:
        return NO_KEY
    before = [options.login] if options.login else []
    before.append([b"SELECT", b"%d" % number])
    data = b"".join([encoded(words) for words in before + requests])
    replies = session.engine.host.converse(args[1], args[2], data, len(before) + len(requests), timeout_ms)
    return finish(session, options, keys, replies, len(before))


def finish(session: Session, options: Options, keys: list[bytes], replies: list[bytes], first: int) -> object:
    """Delete the keys that have arrived; the reply of MIGRATE.  The replies to the keys begin at `first`."""
    refused = b""
    for reply in replies[:first]:
        if reply.startswith(b"-") and not refused:
            refused = reply[1:]
    moved: list[bytes] = []
    ready = not refused
    for n in range(len(keys)):
        reply = replies[first + n]
        if reply.startswith(b"-"):
            refused = refused or reply[1:]
        elif ready:
            moved.append(keys[n])
    if moved and not options.copy:
        for key in moved:
            session.db.delete(key)
        session.journal_as([b"DEL", *moved])
    return OK if not refused else Error(target_refused(refused))


def restoring(session: Session, key: bytes, replace: bool) -> list[bytes]:
    """The command that restores a key elsewhere; empty if there is no such key."""
    db = session.db
    if not db.look(key):
        return []
    deadline = db.table.deadline() if db.table.volatile > 0 else 0
    ttl = max(1, int(deadline - db.moment.now_ms)) if deadline else 0
    name = b"RESTORE-ASKING" if session.engine.router is not None else b"RESTORE"
    words = [name, key, int_text(ttl), payload_of(session)]
    return [*words, b"REPLACE"] if replace else words


def encoded(words: list[bytes]) -> bytes:
    """A request as a client sends it."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)
