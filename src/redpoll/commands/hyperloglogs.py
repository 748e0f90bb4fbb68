"""HyperLogLog: counting distinct elements without keeping them."""

from __future__ import annotations

from librt.vecs import vec
from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, INSERT, RO, RW, KeyRange, key_range, one_key
from redpoll.catalogue.spec import ADMIN, DENYOOM, FAST, HYPERLOGLOG, READONLY, WRITE
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.errors import (
    DAMAGED_HYPERLOGLOG,
    HYPERLOGLOG_IS_DENSE,
    NOT_A_HYPERLOGLOG,
    PFDEBUG_NO_KEY,
    PFDEBUG_NO_SIMD,
    PFDEBUG_SWITCH,
    CommandError,
    unknown_pfdebug,
)
from redpoll.keyspace.events import PFADD, UNNAMED
from redpoll.protocol.reply import OK, Status
from redpoll.structures.registers import REGISTERS, empty_registers, estimate_of, register_at
from redpoll.structures.sparse_registers import described
from redpoll.types.hyperloglog import (
    CACHE,
    HEADER,
    INVALID,
    DamagedError,
    HyperLogLog,
    cached_count,
    count_of,
    head_of,
    is_sparse,
    raise_to,
)
from redpoll.types.string import String
from redpoll.types.value import CREATED


def to_change(session: Session, key: bytes) -> HyperLogLog:
    """The HyperLogLog at `key` to change, a new one if there is none; CommandError if that is another string."""
    value = session.db.string_to_change(key)
    assert value is not None
    head = INVALID if value.home == CREATED else valid_head(value)
    return HyperLogLog(value, head, session.db.moment.limits.hll_sparse_bytes)


def valid_head(value: String) -> bytes:
    """The head of the HyperLogLog in a string, or CommandError."""
    head = head_of(value)
    if head == INVALID:
        raise CommandError(NOT_A_HYPERLOGLOG)
    return head


class Pfadd(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        key = args[1]
        found = to_change(session, key)
        changes: i64 = 0
        if found.value.home == CREATED:
            changes = 1
        i: i64 = 2
        count: i64 = len(args)
        try:
            while i < count:
                if found.add(args[i]):
                    changes += 1
                i += 1
        except DamagedError:
            # The elements before the damage stay counted, without an event.
            if changes > 0:
                found.finish()
                session.db.keep(key, found.value)
            raise CommandError(DAMAGED_HYPERLOGLOG) from None
        if changes == 0:
            return 0
        found.finish()
        session.changed(key, found.value, PFADD, changes)
        return 1


command(
    "pfadd", arity=-2, flags=WRITE | DENYOOM | FAST, acl=HYPERLOGLOG, keys=one_key(RW | INSERT), group="hyperloglog",
    arguments="key#0 [element ...]",
    since="2.8.9", complexity="O(1) for each element",
    summary="Count elements in a HyperLogLog; return 1 if the estimate may have changed.",
)(Pfadd())  # fmt: skip


@command(
    "pfcount", arity=-2, flags=READONLY, acl=HYPERLOGLOG, keys=key_range(1, -1, 1, RW | ACCESS), group="hyperloglog",
    arguments="key#0 ...",
    since="2.8.9", complexity="O(1) for one key, mostly; O(registers) for each of several",
    summary="Return the approximate number of distinct elements in one or several HyperLogLogs.",
)  # fmt: skip
def pfcount(session: Session, args: list[bytes]) -> object:
    try:
        if len(args) == 2:
            return count_of_one(session, args[1])
        registers = empty_registers()
        for key in args[1:]:
            value = session.db.string_to_read(key)
            if value is not None:
                valid_head(value)
                raise_to(registers, value.text())
    except DamagedError:
        raise CommandError(DAMAGED_HYPERLOGLOG) from None
    return estimate_of(registers)


def count_of_one(session: Session, key: bytes) -> i64:
    """The count of one key.  It is cached in the value, so computing it is a write."""
    value = session.db.string_to_read(key)
    if value is None:
        return 0
    known = cached_count(valid_head(value))
    if known >= 0:
        return known
    found = count_of(value.text())
    db = session.db
    db.find(key)
    db.preserve()
    kept = db.found_string()
    kept.write_at(CACHE, int(found).to_bytes(8, "little"))
    session.changed(key, kept, UNNAMED, 1)
    return found


@command(
    "pfmerge", arity=-2, flags=WRITE | DENYOOM, acl=HYPERLOGLOG,
    keys=[KeyRange(RW | ACCESS | INSERT, 1, 1, 1), KeyRange(RO | ACCESS, 2, -1, 1)], group="hyperloglog",
    arguments="destkey#0 [sourcekey#1 ...]",
    since="2.8.9", complexity="O(registers) for each key",
    summary="Merge several HyperLogLogs into one.",
)  # fmt: skip
def pfmerge(session: Session, args: list[bytes]) -> object:
    registers = empty_registers()
    dense = False
    try:
        for key in args[1:]:
            source = session.db.string_to_read(key)
            if source is not None:
                dense = not is_sparse(valid_head(source)) or dense
                raise_to(registers, source.text())
        target = args[1]
        found = to_change(session, target)
        if dense:
            found.to_dense()
        found.raise_all(registers)
    except DamagedError:
        raise CommandError(DAMAGED_HYPERLOGLOG) from None
    found.finish()
    session.changed(target, found.value, PFADD, 1)
    return OK


@command(
    "pfdebug", arity=3, flags=WRITE | DENYOOM | ADMIN, acl=HYPERLOGLOG, keys=one_key(RW | ACCESS, 2),
    group="hyperloglog", system=True,
    arguments="subcommand key#0",
    since="2.8.9", complexity="O(registers)", summary="Inspect a HyperLogLog: GETREG, DECODE, ENCODING, TODENSE.",
)  # fmt: skip
def pfdebug(session: Session, args: list[bytes]) -> object:
    word = args[1].upper()
    key = args[2]
    if word == b"SIMD":
        if key.upper() != b"ON" and key.upper() != b"OFF":
            raise CommandError(PFDEBUG_SWITCH)
        raise CommandError(PFDEBUG_NO_SIMD)
    value = session.db.string_to_change(key, create=False)
    if value is None:
        raise CommandError(PFDEBUG_NO_KEY)
    found = HyperLogLog(value, valid_head(value), session.db.moment.limits.hll_sparse_bytes)
    if word == b"GETREG":
        converted(session, key, value, found)
        registers = empty_registers()
        raise_to(registers, value.text())
        return listed(registers)
    if word == b"DECODE":
        if found.sparse is None:
            raise CommandError(HYPERLOGLOG_IS_DENSE)
        return described(value.text(), HEADER)
    if word == b"ENCODING":
        return Status(b"dense" if found.sparse is None else b"sparse")
    if word == b"TODENSE":
        return converted(session, key, value, found)
    raise CommandError(unknown_pfdebug(args[1]))


def converted(session: Session, key: bytes, value: String, found: HyperLogLog) -> i64:
    """Convert to the dense form; return 1 if it was sparse."""
    if found.sparse is None:
        return 0
    try:
        found.to_dense()
    except DamagedError:
        raise CommandError(DAMAGED_HYPERLOGLOG) from None
    session.changed(key, value, UNNAMED, 1)
    return 1


def listed(registers: vec[i64]) -> list[object]:
    """The registers as a reply."""
    found: list[object] = []
    for i in range(REGISTERS):
        found.append(int(register_at(registers, i)))
    return found


@command(
    "pfselftest", arity=1, flags=ADMIN, acl=HYPERLOGLOG, group="hyperloglog", system=True,
    since="2.8.9", complexity="O(1), some tenths of a second", summary="Run self-tests of registers and estimates.",
)  # fmt: skip
def pfselftest(session: Session, args: list[bytes]) -> object:
    if failed := self_test():
        raise CommandError(b"TESTFAILED " + failed)
    return OK


def self_test() -> bytes:
    """Check the two forms and the estimate; return the fault, or an empty text."""
    limit: i64 = 3000
    sparse = HyperLogLog(String(), INVALID, limit)
    dense = HyperLogLog(String(), INVALID, 0)
    wanted: i64 = 1
    for n in range(1, 20001):
        element = b"element %d" % n
        sparse.add(element)
        dense.add(element)
        if n == wanted * 10:
            wanted = n
            sparse.finish()
            dense.finish()
            found = count_of(sparse.value.text())
            if found != count_of(dense.value.text()):
                return b"sparse and dense registers differ after %d elements" % n
            if abs(int(found) - n) * 100 > n * 6 + 100:
                return b"%d elements are counted as %d" % (n, found)
    return b""
