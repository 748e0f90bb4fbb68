"""Lists: pushing, popping and moving at the ends, reading and changing anywhere."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.catalogue.keyspec import ACCESS, DELETE, INSERT, RO, RW, UPDATE, counted_keys, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, LIST, MOVABLEKEYS, READONLY, WRITE
from redpoll.commands.list_replies import Backward, elements
from redpoll.engine.args import integer
from redpoll.engine.command import Handler, command
from redpoll.engine.session import Session
from redpoll.errors import (
    COUNT_NOT_POSITIVE,
    COUNT_OUT_OF_RANGE,
    INDEX_OUT_OF_RANGE,
    NO_SUCH_KEY,
    NOT_POSITIVE,
    NUMKEYS_NOT_POSITIVE,
    SYNTAX,
    CommandError,
    wrong_arity,
)
from redpoll.keyspace.events import LINSERT, LPOP, LPUSH, LREM, LSET, LTRIM, RPOP, RPUSH
from redpoll.protocol.numbers import INT64_MIN, int_text
from redpoll.protocol.reply import NULL_ARRAY, OK, View
from redpoll.structures.runs import reverse
from redpoll.types.list import EVERY, List


def push(session: Session, args: list[bytes], front: bool, create: bool) -> object:
    """LPUSH, RPUSH, LPUSHX and RPUSHX; return the length of the list."""
    db = session.db
    value = db.list_to_change(args[1], create)
    if value is None:
        return 0
    value.push(args, 2, front, db.moment.limits)
    session.changed(args[1], value, LPUSH if front else RPUSH, len(args) - 2)
    return value.count()


class Lpush(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return push(session, args, True, True)


command(
    "lpush", arity=-3, flags=WRITE | DENYOOM | FAST, acl=LIST, keys=one_key(RW | INSERT), group="list",
    arguments="key#0 element ...",
    since="1.0.0", complexity="O(1) for each element",
    summary="Insert elements at the front of a list and return its length.",
)(Lpush())  # fmt: skip


class Rpush(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return push(session, args, False, True)


command(
    "rpush", arity=-3, flags=WRITE | DENYOOM | FAST, acl=LIST, keys=one_key(RW | INSERT), group="list",
    arguments="key#0 element ...",
    since="1.0.0", complexity="O(1) for each element",
    summary="Append elements to a list and return its length.",
)(Rpush())  # fmt: skip


@command(
    "lpushx", arity=-3, flags=WRITE | DENYOOM | FAST, acl=LIST, keys=one_key(RW | INSERT), group="list",
    arguments="key#0 element ...",
    since="2.2.0", complexity="O(1) for each element",
    summary="Insert elements at the front of a list, if the list exists.",
)  # fmt: skip
def lpushx(session: Session, args: list[bytes]) -> object:
    return push(session, args, True, False)


@command(
    "rpushx", arity=-3, flags=WRITE | DENYOOM | FAST, acl=LIST, keys=one_key(RW | INSERT), group="list",
    arguments="key#0 element ...",
    since="2.2.0", complexity="O(1) for each element",
    summary="Append elements to a list, if the list exists.",
)  # fmt: skip
def rpushx(session: Session, args: list[bytes]) -> object:
    return push(session, args, False, False)


def pop(session: Session, args: list[bytes], front: bool) -> object:
    """LPOP and RPOP: return the element, or with a count the elements."""
    if len(args) == 2:
        value = session.db.list_to_change(args[1], False)
        if value is None:
            return None
        item = value.pop(front)
        session.changed(args[1], value, LPOP if front else RPOP, 1)
        return item
    if len(args) > 3:
        raise CommandError(wrong_arity(b"lpop" if front else b"rpop"))
    number = integer(args[2], NOT_POSITIVE)
    if number < 0:
        raise CommandError(NOT_POSITIVE)
    value = session.db.list_to_change(args[1], False)
    if value is None:
        return NULL_ARRAY
    if number == 0:
        return []
    return pop_some(session, args[1], value, number, front)


def pop_some(session: Session, key: bytes, value: List, number: i64, front: bool) -> View:
    """Take up to `number` elements, at least one; return the reply."""
    total = value.count()
    if number > total:
        number = total
    popped: View
    if front:
        popped = elements(value, 0, number)
        value.keep(number, total)
    else:
        popped = Backward(number, value.stretches(total - number, total))
        value.keep(0, total - number)
    session.changed(key, value, LPOP if front else RPOP, number)
    return popped


class Lpop(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return pop(session, args, True)


command(
    "lpop", arity=-2, flags=WRITE | FAST, acl=LIST, keys=one_key(RW | ACCESS | DELETE), group="list",
    arguments="key#0 [count:integer@6.2.0]",
    since="1.0.0", complexity="O(1) for each element", summary="Remove and return the first elements of a list.",
)(Lpop())  # fmt: skip


class Rpop(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        return pop(session, args, False)


command(
    "rpop", arity=-2, flags=WRITE | FAST, acl=LIST, keys=one_key(RW | ACCESS | DELETE), group="list",
    arguments="key#0 [count:integer@6.2.0]",
    since="1.0.0", complexity="O(1) for each element", summary="Remove and return the last elements of a list.",
)(Rpop())  # fmt: skip


class PopPlan:
    """The arguments of LMPOP and BLMPOP: keys, an end, a number of elements."""

    def __init__(self, args: list[bytes], at: i64) -> None:
        """`at` is the index of the number of keys.  Raises CommandError."""
        count: i64 = len(args)
        number = integer(args[at], NUMKEYS_NOT_POSITIVE)
        if number <= 0:
            raise CommandError(NUMKEYS_NOT_POSITIVE)
        if number >= count - at - 1:
            raise CommandError(SYNTAX)
        where = at + 1 + number
        self.keys = args[at + 1 : where]
        self.front = is_left(args[where])
        self.number: i64 = 1
        if where + 1 < count:
            if where + 3 != count or args[where + 1].upper() != b"COUNT":
                # A second COUNT is a syntax error, but a bad number after the first one is reported before it.
                if where + 2 < count and args[where + 1].upper() == b"COUNT":
                    positive(args[where + 2])
                raise CommandError(SYNTAX)
            self.number = positive(args[where + 2])

    def run(self, session: Session) -> object | None:
        """Pop elements from the first existing list; return the reply, None if there is no list."""
        for key in self.keys:
            value = session.db.list_to_change(key, False)
            if value is not None:
                popped = pop_some(session, key, value, self.number, self.front)
                session.journal_as([b"LPOP" if self.front else b"RPOP", key, int_text(popped.count)])
                return [key, popped]
        return None


def positive(word: bytes) -> i64:
    """A number of elements above 0."""
    number = integer(word, COUNT_NOT_POSITIVE)
    if number <= 0:
        raise CommandError(COUNT_NOT_POSITIVE)
    return number


def is_left(word: bytes) -> bool:
    """Whether LEFT is said, and not RIGHT."""
    side = word.upper()
    if side != b"LEFT" and side != b"RIGHT":
        raise CommandError(SYNTAX)
    return side == b"LEFT"


@command(
    "lmpop", arity=-4, flags=WRITE | MOVABLEKEYS, acl=LIST, keys=counted_keys(1, RW | ACCESS | DELETE), group="list",
    arguments="numkeys:integer key#0 ... (where: LEFT | RIGHT) [COUNT count:integer]",
    since="7.0.0", complexity="O(keys) and O(1) for each element",
    summary="Pop elements from the first list that is not empty.",
)  # fmt: skip
def lmpop(session: Session, args: list[bytes]) -> object:
    popped = PopPlan(args, 1).run(session)
    return NULL_ARRAY if popped is None else popped


def moved(session: Session, source: bytes, target: bytes, from_front: bool, to_front: bool) -> bytes | None:
    """Move an element from a list to another one, or the same; return it, or None if there is no `source`."""
    db = session.db
    value = db.list_to_change(source, False)
    if value is None:
        return None
    pushed = LPUSH if to_front else RPUSH
    popped = LPOP if from_front else RPOP
    limits = db.moment.limits
    if source == target:
        # Source and target are one key: the reference looks it up a second time.
        db.look_to_change(target)
        item = value.pop(from_front)
        value.push([item], 0, to_front, limits)
        session.changed(source, value, pushed, 1)
        session.also(source, popped)
        return item
    other = db.list_to_change(target, True)
    assert other is not None
    item = value.pop(from_front)
    other.push([item], 0, to_front, limits)
    session.changed(target, other, pushed, 1)
    db.changed_too(source, value, popped)
    return item


@command(
    "lmove", arity=5, flags=WRITE | DENYOOM, acl=LIST,
    keys=one_key(RW | ACCESS | DELETE) + one_key(RW | INSERT, 2), group="list",
    arguments="source#0 destination#1 (wherefrom: LEFT | RIGHT) (whereto: LEFT | RIGHT)",
    since="6.2.0", complexity="O(1)", summary="Move an element from one list to another and return it.",
)  # fmt: skip
def lmove(session: Session, args: list[bytes]) -> object:
    return moved(session, args[1], args[2], is_left(args[3]), is_left(args[4]))


@command(
    "rpoplpush", arity=3, flags=WRITE | DENYOOM, acl=LIST,
    keys=one_key(RW | ACCESS | DELETE) + one_key(RW | INSERT, 2), group="list",
    arguments="source#0 destination#1",
    since="1.2.0", complexity="O(1)",
    summary="Move the last element of a list to the front of another and return it.",
)  # fmt: skip
def rpoplpush(session: Session, args: list[bytes]) -> object:
    return moved(session, args[1], args[2], False, True)


class Llen(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        value = session.db.list_(args[1])
        return 0 if value is None else value.count()


command(
    "llen", arity=2, flags=READONLY | FAST, acl=LIST, keys=one_key(RO), group="list",
    arguments="key#0",
    since="1.0.0", complexity="O(1)", summary="Return the length of a list.",
)(Llen())  # fmt: skip


class Lindex(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        value = session.db.list_(args[1])
        if value is None:
            return None
        index = integer(args[2])
        count = value.count()
        if index < 0:
            index += count
        return value.get(index) if 0 <= index < count else None


command(
    "lindex", arity=3, flags=READONLY, acl=LIST, keys=one_key(RO | ACCESS), group="list",
    arguments="key#0 index:integer",
    since="1.0.0", complexity="O(log n)",
    summary="Return a list element by its index; a negative index counts from the end.",
)(Lindex())  # fmt: skip


class Lrange(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        start = integer(args[2])
        stop = integer(args[3])
        value = session.db.list_(args[1])
        if value is None:
            return []
        count = value.count()
        start = clamped(start, count)
        stop = end_of(stop, count)
        if start >= stop:
            return []
        return elements(value, start, stop)


command(
    "lrange", arity=4, flags=READONLY, acl=LIST, keys=one_key(RO | ACCESS), group="list",
    arguments="key#0 start:integer stop:integer",
    since="1.0.0", complexity="O(log n) and O(1) for each element",
    summary="Return a range of list elements.",
)(Lrange())  # fmt: skip


def clamped(start: i64, count: i64) -> i64:
    """The start of a range as an index of at least 0; negative indexes count from the end."""
    if start < 0:
        start += count
    return start if start > 0 else i64(0)


def end_of(stop: i64, count: i64) -> i64:
    """The end of a range as an exclusive index; negative indexes count from the end.

    0 if it is before the first element.
    """
    if stop < 0:
        stop += count
    if stop < 0:
        return 0
    return stop + 1 if stop < count else count


@command(
    "lset", arity=4, flags=WRITE | DENYOOM, acl=LIST, keys=one_key(RW | UPDATE), group="list",
    arguments="key#0 index:integer element",
    since="1.0.0", complexity="O(log n)", summary="Set a list element by its index.",
)  # fmt: skip
def lset(session: Session, args: list[bytes]) -> object:
    db = session.db
    value = db.list_to_change(args[1], False)
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    index = index_of_32_bits(integer(args[2]))
    grown = value.make_room(args[3], db.moment.limits)
    count = value.count()
    if index < 0:
        index += count
    if index < 0 or index >= count:
        if grown:
            db.put_back(args[1], value)
        raise CommandError(INDEX_OUT_OF_RANGE)
    value.set(index, args[3])
    session.changed(args[1], value, LSET, 1)
    return OK


def index_of_32_bits(index: i64) -> i64:
    """LSET's index as the reference reads it: the low 32 bits, signed."""
    low = index & 0xFFFFFFFF
    return low - (1 << 32) if low >= 1 << 31 else low


@command(
    "linsert", arity=5, flags=WRITE | DENYOOM, acl=LIST, keys=one_key(RW | INSERT), group="list",
    arguments="key#0 (where: BEFORE | AFTER) pivot element",
    since="2.2.0", complexity="O(elements up to the pivot)",
    summary="Insert an element before or after another one; return the length of the list, -1 if the other is missing.",
)  # fmt: skip
def linsert(session: Session, args: list[bytes]) -> object:
    where = args[2].upper()
    if where != b"BEFORE" and where != b"AFTER":
        raise CommandError(SYNTAX)
    db = session.db
    value = db.list_to_change(args[1], False)
    if value is None:
        return 0
    grown = value.make_room(args[4], db.moment.limits)
    found = value.find(args[3], 0, value.count(), 1, False)
    if len(found) == 0:
        if grown:
            db.put_back(args[1], value)
        return -1
    value.insert(found[0], where == b"AFTER", args[4])
    session.changed(args[1], value, LINSERT, 1)
    return value.count()


@command(
    "lrem", arity=4, flags=WRITE, acl=LIST, keys=one_key(RW | DELETE), group="list",
    arguments="key#0 count:integer element",
    since="1.0.0", complexity="O(elements)",
    summary="Remove list elements that equal a value: all of them, the first ones, or the last ones.",
)  # fmt: skip
def lrem(session: Session, args: list[bytes]) -> object:
    count = integer(args[2])
    if count == INT64_MIN:
        raise CommandError(COUNT_OUT_OF_RANGE)
    value = session.db.list_to_change(args[1], False)
    if value is None:
        return 0
    most = count if count >= 0 else -count
    if most == 0 or most > EVERY:
        most = EVERY
    gone = value.find(args[3], 0, value.count(), most, count < 0)
    number: i64 = len(gone)
    if number > 0:
        if count < 0:
            reverse(gone, 0)
        value.remove(gone, args[3])
        session.changed(args[1], value, LREM, number)
    return number


@command(
    "ltrim", arity=4, flags=WRITE, acl=LIST, keys=one_key(RW | DELETE), group="list",
    arguments="key#0 start:integer stop:integer",
    since="1.0.0", complexity="O(log n) and what is freed of those removed",
    summary="Keep only a range of list elements.",
)  # fmt: skip
def ltrim(session: Session, args: list[bytes]) -> object:
    start = integer(args[2])
    stop = integer(args[3])
    db = session.db
    value = db.list_to_change(args[1], False)
    if value is None:
        return OK
    count = value.count()
    start = clamped(start, count)
    stop = end_of(stop, count)
    if start >= stop:
        start = 0
        stop = 0
    value.keep(start, stop)
    if stop - start < count:
        session.changed(args[1], value, LTRIM, count - (stop - start))
    else:
        # The elements are unchanged, but the change is reported, and the encoding may differ.
        value.apply_limits(db.moment.limits)
        db.put_back(args[1], value)
        session.also(args[1], LTRIM)
    return OK
