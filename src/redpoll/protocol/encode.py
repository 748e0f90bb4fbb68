"""Reply values to bytes in RESP2 and RESP3: the only code that spells the wire.

Replies go into an `Output`: small things into one growing buffer, bulk strings from 16 KB on by reference, so that
a large value is not copied twice on its way to the socket.  Lengths and small integers are written as machine
words, since most replies are a few bytes long.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i32_le, read_i64_le, write_i16_le, write_i32_le, write_i64_le
from mypy_extensions import i32, i64, mypyc_attr, u8

from redpoll.protocol.numbers import PAIRS, format_double, int_size, is_negative_zero, write_int
from redpoll.protocol.reply import (
    ALONE,
    BEHIND_LENGTHS,
    MAP,
    NO_ROW,
    NUMBER_ITEM,
    PAIRED,
    SET,
    SHORT,
    STOP_MASK,
    WHOLE,
    WHOLE_ITEM,
    Attribute,
    BigNumber,
    Boolean,
    Coordinate,
    Double,
    Error,
    Map,
    Marker,
    NullArray,
    PackedStrings,
    PairMap,
    Pairs,
    Push,
    Ranking,
    RawError,
    RecordStrings,
    Rows,
    RunView,
    Sequence,
    SetOf,
    Spoken,
    Status,
    Strings,
    Verbatim,
    View,
    unsigned,
)

RESP2: Final = 2
RESP3: Final = 3

BIG: Final = 16384
"""Bulk strings from so many bytes on are handed on as they are."""

IN_WORDS: Final[i64] = 64
"""Parts of other bytes up to so many bytes are copied in machine words."""

KEPT: Final = 65536
"""A buffer that grew beyond this is given back once it is empty."""

PIECE: Final[i64] = 49152
"""A buffer of so many bytes in the middle of a long reply becomes a piece.

With the bulk string that reaches it, it stays below KEPT, so the buffer is used again.
"""

CRLF: Final = 0x0A0D

# The bytes that start a reply, or what follows them.
STAR: Final[i64] = 42
DOLLAR: Final[i64] = 36
COLON: Final[i64] = 58
PERCENT: Final[i64] = 37
TILDE: Final[i64] = 126
GREATER: Final[i64] = 62
BAR: Final[i64] = 124
EQUALS: Final[i64] = 61
MINUS: Final = 45
COMMA: Final = 44

WHOLE_LIMIT: Final = 1e15


@mypyc_attr(acyclic=True)
class Output:
    """Bytes on their way to a client: finished pieces, then a buffer."""

    def __init__(self) -> None:
        self.buffer = BytesWriter()
        self.pieces: list[bytes] = []
        self.pieces_bytes: i64 = 0
        self.peak: i64 = 0
        """The most bytes that the buffer held since somebody set this to 0."""
        self.room: i64 = 0
        """The most since it was made, for which it has room."""

    def size(self) -> i64:
        """Bytes held in all.  O(1)."""
        return self.pieces_bytes + i64(len(self.buffer))

    def write(self, data: bytes) -> None:
        """Append bytes that are spelled already, such as a part of a replication stream."""
        if len(data) >= BIG:
            self.add_piece(data)
        else:
            self.buffer.write(data)

    def add_piece(self, data: bytes) -> None:
        """Append `data` by reference."""
        self.finish_buffer()
        self.pieces.append(data)
        self.pieces_bytes += i64(len(data))

    def finish_buffer(self) -> None:
        """Make what is in the buffer a piece."""
        if len(self.buffer) > 0:
            finished = self._empty_buffer()
            self.pieces.append(finished)
            self.pieces_bytes += i64(len(finished))

    def cut(self) -> None:
        """Make a piece of a buffer that is large: a reply that grew in one buffer would be copied whole at its end."""
        if i64(len(self.buffer)) >= PIECE:
            self.finish_buffer()

    def take(self) -> list[bytes]:
        """All that is held, in order, none of it empty; the output is empty after it."""
        self.finish_buffer()
        taken = self.pieces
        self.pieces = []
        self.pieces_bytes = 0
        return taken

    def take_bytes(self) -> bytes | None:
        """All that is held if it is in the buffer, the usual case; None if `take` has to be asked."""
        if self.pieces_bytes > 0:
            return None
        return self._empty_buffer()

    def _empty_buffer(self) -> bytes:
        """What was in the buffer."""
        taken = self.buffer.getvalue()
        size: i64 = len(taken)
        if size > self.peak:
            self.peak = size
        if size > KEPT:
            self.buffer = BytesWriter()
            self.room = 0
        else:
            self.buffer.truncate(0)
            if size > self.room:
                self.room = size
        return taken

    def shrink(self) -> None:
        """Give back the memory of an empty buffer of which less than half was used since `peak` was set to 0."""
        if len(self.buffer) == 0 and self.peak * 2 < self.room:
            self.buffer = BytesWriter()
            self.room = 0


def encode(out: Output, reply: object, resp: i64) -> None:
    """Append `reply` as `resp`, 2 or 3, spells it.

    Raises TypeError for what is no reply, `bool` among it.  Recursion follows our own nesting of replies, never
    a client's input.
    """
    if isinstance(reply, bytes):
        write_bulk(out, reply)
    elif isinstance(reply, Status):
        out.buffer.write(reply.wire)
    elif reply is None:
        write_null(out.buffer, resp)
    elif isinstance(reply, bool):
        raise TypeError("a bool is no reply: use int() or Boolean")
    elif isinstance(reply, int):
        write_integer(out.buffer, reply)
    elif isinstance(reply, list):
        write_header(out.buffer, STAR, len(reply))
        write_items(out, reply, resp)
    elif isinstance(reply, View):
        write_view(out, reply, resp)
    elif isinstance(reply, Rows):
        write_rows(out, reply, resp)
    else:
        encode_rare(out, reply, resp)


def encode_rare(out: Output, reply: object, resp: i64) -> None:
    """`encode` for the values that are not on the hot path."""
    if isinstance(reply, Double):
        write_double(out, reply.value, resp)
    elif isinstance(reply, Error):
        write_error(out.buffer, reply.text)
    elif isinstance(reply, Map):
        write_map(out, PERCENT, reply.items, resp)
    elif isinstance(reply, PairMap):
        write_pair_map(out, reply.items, resp)
    elif isinstance(reply, SetOf):
        write_header(out.buffer, TILDE if resp >= RESP3 else STAR, len(reply.items))
        write_items(out, reply.items, resp)
    elif isinstance(reply, Coordinate):
        if resp >= RESP3:
            out.buffer.write(b",%b\r\n" % reply.text())
        else:
            write_bulk(out, reply.text())
    elif isinstance(reply, NullArray):
        out.buffer.write(b"_\r\n" if resp >= RESP3 else b"*-1\r\n")
    elif isinstance(reply, Pairs):
        write_pairs(out, reply.items, resp)
    elif isinstance(reply, Push):
        write_header(out.buffer, GREATER if resp >= RESP3 else STAR, len(reply.items))
        write_items(out, reply.items, resp)
    elif isinstance(reply, Boolean):
        if resp >= RESP3:
            out.buffer.write(b"#t\r\n" if reply.value else b"#f\r\n")
        else:
            out.buffer.write(b":1\r\n" if reply.value else b":0\r\n")
    elif isinstance(reply, Verbatim):
        write_verbatim(out, reply, resp)
    elif isinstance(reply, BigNumber):
        if resp >= RESP3:
            out.buffer.write(b"(%b\r\n" % reply.digits)
        else:
            write_bulk(out, reply.digits)
    elif isinstance(reply, Sequence):
        write_items(out, reply.replies, resp)
    elif isinstance(reply, RawError):
        write_error(out.buffer, reply.text)
    elif isinstance(reply, Attribute):
        if resp >= RESP3:
            write_map(out, BAR, reply.items, resp)
        encode(out, reply.reply, resp)
    elif isinstance(reply, Spoken):
        encode(out, reply.reply, reply.resp)
    elif not isinstance(reply, Marker):
        raise TypeError(f"no reply: {reply!r}")


def write_bulk(out: Output, data: bytes) -> None:
    """Append a bulk string."""
    size: i64 = len(data)
    buffer = out.buffer
    write_header(buffer, DOLLAR, size)
    if size >= BIG:
        out.add_piece(data)
        # A large buffer may have been replaced just now.
        buffer = out.buffer
    else:
        buffer.write(data)
    write_i16_le(buffer, CRLF)


def write_header(buffer: BytesWriter, mark: i64, count: i64) -> None:
    """Append `mark`, a count of at least 0, CR LF.  The word literals are `mark` 0 CR LF and the like."""
    if count < 10:
        write_i32_le(buffer, i32(0x0A0D3000 + mark + (count << 8)))
    elif count < 100:
        write_i32_le(buffer, i32(0x0D000000 + mark + (i64(PAIRS[count]) << 8)))
        buffer.append(10)
    else:
        buffer.append(u8(mark))
        write_int(buffer, count)
        write_i16_le(buffer, CRLF)


def write_integer(buffer: BytesWriter, n: i64) -> None:
    """Append an integer reply."""
    if n >= 0:
        write_header(buffer, COLON, n)
    else:
        buffer.append(u8(COLON))
        write_int(buffer, n)
        write_i16_le(buffer, CRLF)


def write_null(buffer: BytesWriter, resp: i64) -> None:
    """Append the null."""
    buffer.write(b"_\r\n" if resp >= RESP3 else b"$-1\r\n")


def write_items(out: Output, items: list[object], resp: i64) -> None:
    """Append each of `items`."""
    for item in items:
        if isinstance(item, bytes):
            write_bulk(out, item)
        else:
            encode(out, item, resp)
        out.cut()


def write_map(out: Output, mark: i64, items: list[object], resp: i64) -> None:
    """Append keys and values by turns with `mark` and the number of pairs; a flat array in RESP2."""
    count: i64 = len(items)
    assert count & 1 == 0, "a key without a value"
    if resp >= RESP3:
        write_header(out.buffer, mark, count >> 1)
    else:
        write_header(out.buffer, STAR, count)
    write_items(out, items, resp)


def write_pairs(out: Output, items: list[object], resp: i64) -> None:
    """Append items two by two: as pairs in RESP3, flat in RESP2."""
    if resp >= RESP3:
        write_two_by_two(out, items, resp)
    else:
        write_header(out.buffer, STAR, len(items))
        write_items(out, items, resp)


def write_pair_map(out: Output, items: list[object], resp: i64) -> None:
    """Append keys and values by turns as a map; as an array of pairs in RESP2."""
    if resp >= RESP3:
        write_map(out, PERCENT, items, resp)
    else:
        write_two_by_two(out, items, resp)


def write_two_by_two(out: Output, items: list[object], resp: i64) -> None:
    """Append items as an array of pairs."""
    count: i64 = len(items)
    write_header(out.buffer, STAR, count >> 1)
    i: i64 = 0
    while i < count:
        write_header(out.buffer, STAR, 2)
        encode(out, items[i], resp)
        encode(out, items[i + 1], resp)
        out.cut()
        i += 2


def write_rows(out: Output, rows: Rows, resp: i64) -> None:
    """Append rows; those that many clients get are spelled once."""
    spelled = rows.spelled
    if spelled is not None:
        out.write(spelled)
        return
    if rows.shared:
        aside = Output()
        spell_rows(aside, rows, resp)
        spelled = b"".join(aside.take())
        rows.spelled = spelled
        out.write(spelled)
        return
    spell_rows(out, rows, resp)


def spell_rows(out: Output, rows: Rows, resp: i64) -> None:
    """Append rows."""
    count = rows.count
    write_header(out.buffer, STAR, count)
    k: i64 = 0
    while k < count:
        width = rows.open(k)
        buffer = out.buffer
        write_header(buffer, STAR, 2)
        write_id(buffer, rows.ms, rows.seq)
        if width == NO_ROW:
            buffer.write(b"_\r\n" if resp >= RESP3 else b"*-1\r\n")
        else:
            write_header(buffer, STAR, width)
            holder = rows.holder
            while width > 0:
                place = rows.step()
                if place == NUMBER_ITEM:
                    write_digits(out.buffer, rows.number)
                else:
                    start = place >> 32
                    write_part(out, holder, start, place & STOP_MASK)
                width -= 1
        out.cut()
        k += 1


def write_id(buffer: BytesWriter, ms: i64, seq: i64) -> None:
    """Append the bulk string `ms-seq` of two unsigned numbers."""
    if ms < 0 or seq < 0:
        text = b"%d-%d" % (unsigned(ms), unsigned(seq))
        write_header(buffer, DOLLAR, len(text))
        buffer.write(text)
    else:
        write_header(buffer, DOLLAR, digits_of(ms) + 1 + digits_of(seq))
        write_int(buffer, ms)
        buffer.append(MINUS)
        write_int(buffer, seq)
    write_i16_le(buffer, CRLF)


def write_digits(buffer: BytesWriter, number: i64) -> None:
    """Append the bulk string that spells a number of up to 18 digits."""
    if number >= 0:
        write_header(buffer, DOLLAR, digits_of(number))
    else:
        write_header(buffer, DOLLAR, digits_of(-number) + 1)
    write_int(buffer, number)
    write_i16_le(buffer, CRLF)


def digits_of(number: i64) -> i64:
    """How many digits a number of at least 0 has."""
    if number >= 1000000000000 and number < 10000000000000:
        # The time in ms.
        return 13
    digits: i64 = 1
    while number >= 10000:
        number //= 10000
        digits += 4
    if number >= 100:
        return digits + 3 if number >= 1000 else digits + 2
    return digits + 1 if number >= 10 else digits


def write_view(out: Output, view: View, resp: i64) -> None:
    """Append the bulk strings that a view walks over."""
    if isinstance(view, Ranking):
        write_ranking(out, view, resp)
        return
    count = view.count
    if resp < RESP3:
        write_header(out.buffer, STAR, count)
    elif view.shape == MAP:
        assert count & 1 == 0, "a key without a value"
        write_header(out.buffer, PERCENT, count >> 1)
    else:
        write_header(out.buffer, TILDE if view.shape == SET else STAR, count)
    if isinstance(view, PackedStrings):
        write_packed(out, view)
        return
    if isinstance(view, Strings):
        write_strings(out, view, resp)
        return
    if isinstance(view, RecordStrings):
        write_records(out, view)
        return
    view.start()
    if isinstance(view, RunView):
        while count > 0:
            view.enter()
            count -= view.left
            write_run(out, view.holder, view.at, view.width, view.left)
            out.cut()
        return
    while count > 0:
        write_bulk(out, view.step())
        out.cut()
        count -= 1


def write_strings(out: Output, strings: Strings, resp: i64) -> None:
    """Append bulk strings and nulls."""
    count = strings.count
    holders = strings.holders
    places = strings.places
    k: i64 = 0
    while k < count:
        place = places[k]
        if place >= 0:
            start = place >> 32
            write_part(out, holders[k], start, place & STOP_MASK)
        elif place == WHOLE_ITEM:
            write_bulk(out, holders[k])
        else:
            write_null(out.buffer, resp)
        out.cut()
        k += 1


def write_packed(out: Output, view: PackedStrings) -> None:
    """Append packed bulk strings from where they are."""
    for packed in view.pieces:
        at: i64 = 0
        size: i64 = len(packed)
        while at < size:
            begin: i64 = at + 1
            at = begin + packed[at]
            write_part(out, packed, begin, at)
        out.cut()
    for whole in view.wholes:
        write_bulk(out, whole)
        out.cut()


def write_ranking(out: Output, ranking: Ranking, resp: i64) -> None:
    """Append members of a sorted set, with scores or without."""
    count = ranking.count
    scored = ranking.layout != ALONE
    paired = ranking.layout == PAIRED or (scored and resp >= RESP3)
    write_header(out.buffer, STAR, count << 1 if scored and not paired else count)
    ranking.start()
    while count > 0:
        ranking.advance()
        if paired:
            write_header(out.buffer, STAR, 2)
        write_part(out, ranking.holder, ranking.begin, ranking.end)
        if scored:
            write_double(out, ranking.score, resp)
        out.cut()
        count -= 1


def write_records(out: Output, view: RecordStrings) -> None:
    """Append bulk strings that stand in records."""
    names = view.names
    values = view.values
    lengths = view.lengths
    k: i64 = 0
    for packed in view.pieces:
        at: i64 = 0
        size: i64 = len(packed)
        while at < size:
            begin: i64 = at + 1
            middle: i64 = begin + packed[at]
            at += lengths[k]
            k += 1
            if names:
                write_part(out, packed, begin, middle)
            if values:
                write_part(out, packed, middle, at)
        out.cut()
    for whole in view.wholes:
        write_bulk(out, whole)
        out.cut()


def write_run(out: Output, holder: bytes, at: i64, width: i64, count: i64) -> None:
    """Append the bulk strings of one run of a `RunView`."""
    if width == WHOLE:
        write_bulk(out, holder)
    elif width == BEHIND_LENGTHS:
        while count > 0:
            size: i64 = holder[at]
            at += 1
            if size >= SHORT:
                size = (size & 127) + (i64(holder[at]) << 7)
                at += 1
            write_part(out, holder, at, at + size)
            at += size
            count -= 1
    else:
        while count > 0:
            write_part(out, holder, at, at + width)
            at += width
            count -= 1


def write_part(out: Output, holder: bytes, start: i64, stop: i64) -> None:
    """Append the bulk string `holder[start:stop]`; a short one in words, which is quicker than making it first."""
    size = stop - start
    if size > IN_WORDS:
        write_bulk(out, holder if size == len(holder) else holder[start:stop])
        return
    buffer = out.buffer
    write_header(buffer, DOLLAR, size)
    at = start
    while stop - at >= 8:
        write_i64_le(buffer, read_i64_le(holder, at))
        at += 8
    if stop - at >= 4:
        write_i32_le(buffer, read_i32_le(holder, at))
        at += 4
    while at < stop:
        buffer.append(u8(holder[at]))
        at += 1
    write_i16_le(buffer, CRLF)


def write_double(out: Output, value: float, resp: i64) -> None:
    """Append a double; a bulk string with the same text in RESP2."""
    if value > -WHOLE_LIMIT and value < WHOLE_LIMIT:
        n = i64(value)
        if float(n) == value and (n != 0 or not is_negative_zero(value)):
            # Nearly all scores are whole numbers: their digits need not become an object.
            buffer = out.buffer
            if resp >= RESP3:
                buffer.append(COMMA)
            else:
                write_header(buffer, DOLLAR, int_size(n))
            write_int(buffer, n)
            write_i16_le(buffer, CRLF)
            return
    text = format_double(value)
    if resp >= RESP3:
        out.buffer.write(b",%b\r\n" % text)
    else:
        write_bulk(out, text)


def write_verbatim(out: Output, reply: Verbatim, resp: i64) -> None:
    """Append a text with its format; a bulk string with the text alone in RESP2."""
    if resp < RESP3:
        write_bulk(out, reply.text)
        return
    write_header(out.buffer, EQUALS, len(reply.text) + 4)
    out.buffer.write(b"%b:" % reply.format)
    out.write(reply.text)
    write_i16_le(out.buffer, CRLF)


def write_error(buffer: BytesWriter, text: bytes) -> None:
    """Append an error line.  CR and LF would end it early and become blanks."""
    buffer.append(MINUS)
    if b"\r" in text or b"\n" in text:
        text = text.replace(b"\r", b" ").replace(b"\n", b" ")
    buffer.write(text)
    write_i16_le(buffer, CRLF)
