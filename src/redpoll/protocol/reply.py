"""The values that a command may return.

A handler returns one of these and never bytes of the wire; `encode.py` alone knows how RESP2 and RESP3 spell them.  The
most common ones are plain Python values:

    bytes -> bulk string        int -> integer        None -> null        list -> array

A `bool` is not a reply: compiled and interpreted code disagree about it, so the encoder refuses it.  Write `int(found)`
for 1 or 0, or `Boolean` for RESP3's `#t`.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

Reply = object
"""What a handler returns: one of the values described above."""


@mypyc_attr(acyclic=True)
class Status:
    """A short line such as `OK`, without CR and LF.  `wire` is the whole line as both protocols send it."""

    def __init__(self, text: bytes) -> None:
        self.text: Final = text
        self.wire: Final = b"+%b\r\n" % text


@mypyc_attr(acyclic=True)
class Error:
    """An error line without the leading `-`: its code, a blank, its words."""

    def __init__(self, text: bytes) -> None:
        self.text: Final = text


@mypyc_attr(acyclic=True)
class CountedError(Error):
    """An error of a script whose text is in the statistics already, because a call of the script failed with it."""


@mypyc_attr(acyclic=True)
class RawError:
    """An error line that does not count as a failure (DEBUG ERROR)."""

    def __init__(self, text: bytes) -> None:
        self.text: Final = text


class NullArray:
    """RESP2's `*-1`; RESP3 has one null only."""


class Map:
    """Keys and values alternately in `items`; a flat array in RESP2."""

    def __init__(self, items: list[object]) -> None:
        self.items: Final = items


class Pairs:
    """Items two by two in `items`: an array of pairs in RESP3, one flat array in RESP2 (members with scores)."""

    def __init__(self, items: list[object]) -> None:
        self.items: Final = items


class PairMap:
    """Alternating keys and values in `items`.

    A map in RESP3, an array of pairs in RESP2 (streams with their entries).
    """

    def __init__(self, items: list[object]) -> None:
        self.items: Final = items


class SetOf:
    """An unordered collection; an array in RESP2."""

    def __init__(self, items: list[object]) -> None:
        self.items: Final = items


@mypyc_attr(acyclic=True, free_list_len=1)
class Double:
    """A floating point number; a bulk string in RESP2."""

    def __init__(self, value: float) -> None:
        self.value: Final = value


@mypyc_attr(acyclic=True)
class Coordinate:
    """A floating point number with up to 17 digits after the point; a bulk string in RESP2."""

    def __init__(self, value: float) -> None:
        self.value: Final = value

    def text(self) -> bytes:
        """Its digits, without zeros at the end."""
        return (b"%.17f" % self.value).rstrip(b"0").rstrip(b".")


@mypyc_attr(acyclic=True)
class Boolean:
    """True or false; 1 or 0 in RESP2."""

    def __init__(self, value: bool) -> None:
        self.value: Final = value


@mypyc_attr(acyclic=True)
class BigNumber:
    """An integer of any size as decimal digits; a bulk string in RESP2."""

    def __init__(self, digits: bytes) -> None:
        self.digits: Final = digits


@mypyc_attr(acyclic=True)
class Verbatim:
    """Text for people, with a format of three letters (`txt`, `mkd`); a bulk string in RESP2."""

    def __init__(self, text: bytes, format: bytes = b"txt") -> None:
        self.text: Final = text
        self.format: Final = format


@mypyc_attr(acyclic=True)
class Push:
    """A message that is not a reply to a command (Pub/Sub, invalidations); an array in RESP2."""

    def __init__(self, items: list[object]) -> None:
        self.items: Final = items


@mypyc_attr(acyclic=True)
class Message(Push):
    """A push that many clients get; it is spelled once for each protocol, into `resp2` and `resp3`."""

    def __init__(self, items: list[object]) -> None:
        super().__init__(items)
        self.resp2: bytes | None = None
        self.resp3: bytes | None = None


class Attribute:
    """Alternating keys and values that describe the reply that follows.  RESP2 leaves them out."""

    def __init__(self, items: list[object], reply: object) -> None:
        self.items: Final = items
        self.reply: Final = reply


class Sequence:
    """Several replies to one command, one after another (SUBSCRIBE a b)."""

    def __init__(self, replies: list[object]) -> None:
        self.replies: Final = replies


def is_push(reply: object) -> bool:
    """Whether a reply is of pushes, which come to a client that wants no replies too (CLIENT REPLY)."""
    if isinstance(reply, Sequence):
        return len(reply.replies) > 0 and isinstance(reply.replies[0], Push)
    return isinstance(reply, Push)


class Spoken:
    """A reply in its own protocol version: replies inside EXEC that come before a HELLO keep the earlier version."""

    def __init__(self, reply: object, resp: i64) -> None:
        self.reply: Final = reply
        self.resp: i64 = resp


class Marker:
    """A constant that the connection acts on instead of sending a reply."""

    def __init__(self, name: str) -> None:
        self.name: Final = name


ARRAY: Final = 0
MAP: Final = 1
SET: Final = 2

STOP_MASK: Final[i64] = 0x7FFFFFFF


@mypyc_attr(acyclic=True)
class View:
    """A long row of bulk strings that the encoder reads one by one, without a list.

    It references immutable bytes, never the value, so it stays valid when later commands of the same transaction change
    the key.  `shape` is ARRAY, MAP (keys and values alternately) or SET, `count` the number of bulk strings.
    """

    def __init__(self, count: i64, shape: i64) -> None:
        self.count: i64 = count
        self.shape: i64 = shape

    def start(self) -> None:
        """Go to before the first item."""
        raise NotImplementedError

    def step(self) -> bytes:
        """The next item; to be called `count` times after `start`."""
        raise NotImplementedError

    def to_list(self) -> list[object]:
        """All items as a list, for callers without a wire.  O(count)."""
        self.start()
        items: list[object] = []
        for _ in range(self.count):
            items.append(self.step())
        return items


BEHIND_LENGTHS: Final[i64] = 0
WHOLE: Final[i64] = -1
SHORT: Final[i64] = 128


@mypyc_attr(acyclic=True)
class RunView(View):
    """A view of bulk strings that are packed in runs of other bytes.  The encoder copies them from there.

    `enter` goes to the next run: `left` strings in `holder` from `at` on.  `width` says how they are packed: n > 0, of
    n bytes each; BEHIND_LENGTHS, each after its length, which is one byte, or from SHORT on `SHORT + low 7 bits` and
    then the rest; or WHOLE, the holder itself is the only one.
    """

    def __init__(self, count: i64) -> None:
        super().__init__(count, ARRAY)
        self.holder: bytes = b""
        self.at: i64 = 0
        self.left: i64 = 0
        self.width: i64 = WHOLE

    def enter(self) -> None:
        """Go to the next run."""
        raise NotImplementedError

    def step(self) -> bytes:
        while self.left == 0:
            self.enter()
        self.left -= 1
        holder = self.holder
        if self.width == WHOLE:
            return holder
        begin = self.at
        size = self.width
        if size == BEHIND_LENGTHS:
            size = holder[begin]
            begin += 1
            if size >= SHORT:
                size = (size & 127) + (i64(holder[begin]) << 7)
                begin += 1
        self.at = begin + size
        return holder[begin : self.at]


NULL_ITEM: Final[i64] = -1
WHOLE_ITEM: Final[i64] = -2


@mypyc_attr(acyclic=True)
class Strings(View):
    """A row of bulk strings and nulls.  Most of them are parts of other bytes, such as the records of a bucket.

    The encoder copies them from there, so no objects are created.
    """

    def __init__(self, shape: i64 = ARRAY) -> None:
        super().__init__(0, shape)
        self.holders: list[bytes] = []
        self.places: vec[i64] = vec[i64]()
        """For each item: its start in the holder, shifted left by 32, and its end; or a marker."""
        self.at: i64 = 0

    def add_part(self, holder: bytes, start: i64, stop: i64) -> None:
        """One more item: `holder[start:stop]`; for positions below 2^31."""
        self.holders.append(holder)
        self.places = append(self.places, start << 32 | stop)
        self.count += 1

    def add(self, item: bytes | None) -> None:
        """One more item."""
        self.holders.append(b"" if item is None else item)
        self.places = append(self.places, NULL_ITEM if item is None else WHOLE_ITEM)
        self.count += 1

    def start(self) -> None:
        self.at = 0

    def step(self) -> bytes:
        """The next item; empty for a null."""
        holder = self.holders[self.at]
        place = self.places[self.at]
        self.at += 1
        if place < 0:
            return holder
        start = place >> 32
        return holder[start : place & STOP_MASK]

    def to_list(self) -> list[object]:
        self.start()
        items: list[object] = []
        for place in self.places:
            item = self.step()
            items.append(None if place == NULL_ITEM else item)
        return items


@mypyc_attr(acyclic=True)
class PackedStrings(View):
    """A row of bulk strings that stand as `[length, 1 byte][string]...` one after another, in several pieces.

    Longer strings follow, as whole objects.
    """

    def __init__(self, shape: i64) -> None:
        super().__init__(0, shape)
        self.pieces: list[bytes] = []
        self.wholes: list[bytes] = []
        self.piece: i64 = 0
        self.at: i64 = 0

    def start(self) -> None:
        self.piece = 0
        self.at = 0

    def step(self) -> bytes:
        while self.piece < len(self.pieces):
            packed = self.pieces[self.piece]
            if self.at < len(packed):
                begin: i64 = self.at + 1
                end: i64 = begin + packed[self.at]
                self.at = end
                return packed[begin:end]
            self.piece += 1
            self.at = 0
        whole = self.wholes[self.at]
        self.at += 1
        return whole


FLAT: Final[i64] = 0
ALONE: Final[i64] = 1
PAIRED: Final[i64] = 2


@mypyc_attr(acyclic=True)
class Ranking(View):
    """Members of a sorted set that lie in other bytes, with a score each or without, in the order of the reply.

    `layout` says how scores stand beside members: ALONE (no scores), FLAT (one array in RESP2, pairs in RESP3) or
    PAIRED (pairs in both).  `count` is the number of members.  After each `advance` the member is `holder[begin:end]`,
    with its `score`.
    """

    def __init__(self, count: i64, layout: i64) -> None:
        super().__init__(count, ARRAY)
        self.layout: i64 = layout
        self.holder: bytes = b""
        self.begin: i64 = 0
        self.end: i64 = 0
        self.score: float = 0.0

    def advance(self) -> None:
        """Go to the next member; to be called `count` times after `start`."""
        raise NotImplementedError

    def step(self) -> bytes:
        self.advance()
        return self.holder[self.begin : self.end]

    def to_list(self) -> list[object]:
        """All members, with scores as pairs."""
        self.start()
        items: list[object] = []
        for _ in range(self.count):
            member = self.step()
            items.append(member if self.layout == ALONE else (member, self.score))
        return items


@mypyc_attr(acyclic=True)
class RecordStrings(View):
    """A row of bulk strings in records `[name length, 1 byte][name][value]` one after another.

    `lengths` has the length of each record, one byte each.  `names` and `values` say which of the two are returned.
    Longer strings follow, as whole objects.
    """

    def __init__(self, shape: i64, names: bool, values: bool) -> None:
        super().__init__(0, shape)
        self.names = names
        self.values = values
        self.pieces: list[bytes] = []
        self.lengths: bytes = b""
        self.wholes: list[bytes] = []
        self.piece: i64 = 0
        self.at: i64 = 0
        self.record: i64 = 0
        self.value_due = False
        """Whether the name of the current record has been returned, so that its value comes next."""

    def start(self) -> None:
        self.piece = 0
        self.at = 0
        self.record = 0
        self.value_due = not self.names

    def step(self) -> bytes:
        while self.piece < len(self.pieces) and self.at >= len(self.pieces[self.piece]):
            self.piece += 1
            self.at = 0
        if self.piece == len(self.pieces):
            whole = self.wholes[self.at]
            self.at += 1
            return whole
        packed = self.pieces[self.piece]
        begin: i64 = self.at + 1
        middle: i64 = begin + packed[self.at]
        end: i64 = self.at + self.lengths[self.record]
        if not self.value_due and self.values:
            self.value_due = True
            return packed[begin:middle]
        self.at = end
        self.record += 1
        self.value_due = not self.names
        return packed[middle:end] if self.values else packed[begin:middle]


NO_ROW: Final[i64] = -1
NUMBER_ITEM: Final[i64] = -1


class Rows:
    """An array of rows: each is the ID of a stream entry and an array of strings.  The encoder reads them one by one.

    Like a View it references immutable bytes only.  A `shared` one goes to many clients and has no null rows, so both
    protocols encode it alike: it is encoded once, into `spelled`.
    """

    def __init__(self, count: i64) -> None:
        self.count: i64 = count
        self.ms: i64 = 0
        self.seq: i64 = 0
        """The row's ID: two unsigned numbers as words."""
        self.holder: bytes = b""
        """The bytes in which the row's strings lie."""
        self.number: i64 = 0
        self.shared = False
        self.spelled: bytes | None = None

    def open(self, k: i64) -> i64:
        """Go to row `k`; return how many strings it has, NO_ROW for a null array in their place."""
        raise NotImplementedError

    def step(self) -> i64:
        """The next string of the row: start << 32 | stop in `holder`, or NUMBER_ITEM if it is the text of `number`."""
        raise NotImplementedError

    def to_list(self) -> list[object]:
        """The rows as lists, for callers without a wire.  O(rows)."""
        rows: list[object] = []
        for k in range(self.count):
            width = self.open(k)
            id = b"%d-%d" % (unsigned(self.ms), unsigned(self.seq))
            if width == NO_ROW:
                rows.append([id, None])
                continue
            strings: list[object] = []
            for _ in range(width):
                place = self.step()
                if place == NUMBER_ITEM:
                    strings.append(b"%d" % self.number)
                else:
                    strings.append(self.holder[place >> 32 : place & STOP_MASK])
            rows.append([id, strings])
        return rows


def unsigned(word: i64) -> int:
    """The unsigned value of a word."""
    return int(word) & 0xFFFFFFFFFFFFFFFF


OK: Final = Status(b"OK")
PONG: Final = Status(b"PONG")
QUEUED: Final = Status(b"QUEUED")
NULL_ARRAY: Final = NullArray()
NO_REPLY: Final = Marker("no reply")
"""Nothing is sent (CLIENT REPLY OFF, a command that sends for itself)."""
BLOCKED: Final = Marker("blocked")
"""The session waits; its reply comes when a key is ready or its time is up."""
