"""DUMP and RESTORE: a value as a payload that Redis and Valkey also accept.  Source: spec/dump.md."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, OW, RO, UPDATE, one_key
from redpoll.catalogue.spec import ASKING, DANGEROUS, DENYOOM, KEYSPACE, READONLY, WRITE
from redpoll.engine.args import Args, integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    BAD_FREQ,
    BAD_PAYLOAD,
    BAD_PAYLOAD_FOOTER,
    BUSYKEY,
    NEGATIVE_IDLETIME,
    NEGATIVE_TTL,
    SYNTAX,
    CommandError,
    unwritable,
)
from redpoll.keyspace.events import RESTORE
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.formats import is_relaxed, version_written
from redpoll.persistence.payload import FOOTER_BYTES, dumped, version_of
from redpoll.persistence.source import Source
from redpoll.persistence.value_reader import ValueReader
from redpoll.persistence.value_writer import UnwritableError
from redpoll.protocol.numbers import int_text
from redpoll.protocol.reply import OK
from redpoll.types.value import Value

NOT_GIVEN = -1
GREATEST = 2**63 - 1


@command(
    "dump", arity=2, flags=READONLY, acl=KEYSPACE, keys=one_key(RO | ACCESS), group="generic",
    tips="nondeterministic_output",
    arguments="key#0",
    since="2.6.0", complexity="O(size of the value)", summary="Return the value of a key as a payload for RESTORE.",
)  # fmt: skip
def dump(session: Session, args: list[bytes]) -> object:
    return payload_of(session) if session.db.look(args[1]) else None


def payload_of(session: Session) -> bytes:
    """The payload of the key at the position.  Raises CommandError."""
    table = session.db.table
    config = session.engine.config
    outside = table.object() if table.is_outside() else None
    packed = b"" if outside is not None else table.value()
    try:
        return dumped(table.kind(), packed, outside, version_written(config), config.flag(b"rdbcompression"))
    except UnwritableError as refused:
        raise CommandError(unwritable(refused.reason.encode())) from None


class Options:
    """The options after the payload of RESTORE."""

    def __init__(self, args: list[bytes]) -> None:
        self.replace = False
        self.absolute = False
        self.idle_s = NOT_GIVEN
        self.frequency = NOT_GIVEN
        options = Args(args, 4)
        while options.left() > 0:
            word = options.word()
            if word == b"REPLACE":
                self.replace = True
            elif word == b"ABSTTL":
                self.absolute = True
            elif word == b"IDLETIME" and self.frequency == NOT_GIVEN:
                self.idle_s = options.integer()
                if self.idle_s < 0:
                    raise CommandError(NEGATIVE_IDLETIME)
            elif word == b"FREQ" and self.idle_s == NOT_GIVEN:
                self.frequency = options.integer()
                if not 0 <= self.frequency <= 255:
                    raise CommandError(BAD_FREQ)
            else:
                raise CommandError(SYNTAX)


def restored(session: Session, args: list[bytes]) -> object:
    """RESTORE and RESTORE-ASKING."""
    options = Options(args)
    key = args[1]
    db = session.db
    there = db.look_to_change(key)
    if there and not options.replace:
        raise CommandError(BUSYKEY)
    ttl = integer(args[2])
    if ttl < 0:
        raise CommandError(NEGATIVE_TTL)
    moment = db.moment
    reader = ValueReader(moment.limits)
    value = read_payload(session, args[3], reader)
    text = reader.text
    if value is None and text is None:
        raise CommandError(BAD_PAYLOAD)

    at_ms = int(ttl)
    if ttl != 0 and not options.absolute:
        at_ms += int(moment.now_ms)
    # Beyond 2^63 the deadline wraps in the reference, and has then passed.
    if ttl != 0 and moment.deleting_expired and (at_ms > GREATEST or at_ms <= moment.now_ms):
        if db.delete(key):
            session.journal_as([b"UNLINK", key])
        return OK
    db.discard(key)
    if value is not None:
        db.set_container(key, value)
    elif text is not None:
        db.set_string(key, text)
    found = db.find(key)
    assert found
    if ttl != 0:
        db.set_deadline(at_ms)
    db.table.set_access_clock(moment.restored_clock(options.idle_s, options.frequency))
    session.changed(key, None, RESTORE, 1)
    if ttl != 0 and not options.absolute:
        session.journal_as([*args[:2], int_text(at_ms), *args[3:], b"ABSTTL"])
    return OK


def read_payload(session: Session, payload: bytes, reader: ValueReader) -> Value | None:
    """Read a payload with `reader`; raises CommandError."""
    engine = session.engine
    version = version_of(payload, is_relaxed(engine.config), engine.durability.checking_sums)
    if version == 0:
        raise CommandError(BAD_PAYLOAD_FOOTER)
    reader.version = version
    size: i64 = len(payload)
    source = Source(payload, size - FOOTER_BYTES)
    try:
        return reader.read(source, source.byte())
    except DamagedError:
        raise CommandError(BAD_PAYLOAD) from None


@command(
    "restore", arity=-4, flags=WRITE | DENYOOM, acl=KEYSPACE | DANGEROUS, keys=one_key(OW | UPDATE), group="generic",
    arguments="key#0 ttl:integer serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME seconds:integer]@5.0.0 "
              "[FREQ frequency:integer]@5.0.0",
    since="2.6.0", complexity="O(size of the value)", summary="Create a key from a payload of DUMP.",
)  # fmt: skip
def restore(session: Session, args: list[bytes]) -> object:
    return restored(session, args)


@command(
    "restore-asking", arity=-4, flags=WRITE | DENYOOM | ASKING, acl=KEYSPACE | DANGEROUS, keys=one_key(OW | UPDATE),
    arguments="key#0 ttl:integer serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME seconds:integer]@5.0.0 "
              "[FREQ frequency:integer]@5.0.0",
    group="server", since="3.0.0", complexity="O(size of the value)",
    summary="RESTORE of a key whose slot is moving to this server.", system=True,
)  # fmt: skip
def restore_asking(session: Session, args: list[bytes]) -> object:
    return restored(session, args)
