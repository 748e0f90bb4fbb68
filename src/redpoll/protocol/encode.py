"""Encodes reply values as RESP2 and RESP3: the only code that writes the wire protocol.

Replies go into an `Output` (`protocol/output.py`), which also knows how the simple ones are spelled.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, write_i16_le
from mypy_extensions import i64

from redpoll.protocol.numbers import write_int
from redpoll.protocol.output import (
    BAR,
    CRLF,
    DOLLAR,
    EQUALS,
    GREATER,
    MINUS,
    PERCENT,
    RESP3,
    STAR,
    TILDE,
    Output,
    write_bulk,
    write_columns,
    write_double,
    write_error,
    write_header,
    write_integer,
    write_null,
    write_part,
)
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
    Message,
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
from redpoll.scratch import SHARED

_aside: Final = Output()
"""For messages."""

MOST_RECURSION: Final[i64] = 32
"""Deeper lists are written without recursion."""


def encode(out: Output, reply: object, resp: i64) -> None:
    """Append `reply`, encoded as RESP2 or RESP3 (`resp` is 2 or 3).

    Raises TypeError for a value that is not a reply, such as a `bool`.  Recursion is bounded: a script chooses the
    nesting of its result, so `write_tree` writes deep lists, maps and sets.
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
    elif isinstance(reply, Message):
        out.write(wire_of(reply, resp))
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


def wire_of(message: Message, resp: i64) -> bytes:
    """The bytes of a message, spelled at the first call for each protocol."""
    wire = message.resp3 if resp >= RESP3 else message.resp2
    if wire is None:
        out = _aside if SHARED else Output()
        if out.size() > 0:
            # The last message raised.
            out.take()
        write_header(out.buffer, GREATER if resp >= RESP3 else STAR, len(message.items))
        write_items(out, message.items, resp)
        wire = out.take_all()
        if resp >= RESP3:
            message.resp3 = wire
        else:
            message.resp2 = wire
    return wire


def write_items(out: Output, items: list[object], resp: i64) -> None:
    """Append each of `items`."""
    write_level(out, items, resp, 0)


def write_level(out: Output, items: list[object], resp: i64, depth: i64) -> None:
    """Append each of `items`, which `depth` lists contain."""
    for item in items:
        if isinstance(item, bytes):
            write_bulk(out, item)
        elif isinstance(item, list):
            write_header(out.buffer, STAR, len(item))
            if depth < MOST_RECURSION:
                write_level(out, item, resp, depth + 1)
            else:
                write_tree(out, item, resp)
        elif isinstance(item, Map) or isinstance(item, SetOf):
            write_tree(out, [item], resp)
        else:
            encode(out, item, resp)
        out.cut()


def write_tree(out: Output, items: list[object], resp: i64) -> None:
    """`write_items` with a stack of its own, for nesting without a limit."""
    stack = [items]
    places = [0]
    while len(stack) > 0:
        top = len(stack) - 1
        level = stack[top]
        at = places[top]
        if at == len(level):
            stack.pop()
            places.pop()
            continue
        places[top] = at + 1
        item = level[at]
        inner: list[object]
        if isinstance(item, list):
            inner = item
            write_header(out.buffer, STAR, len(inner))
        elif isinstance(item, Map):
            inner = item.items
            count: i64 = len(inner)
            if resp >= RESP3:
                write_header(out.buffer, PERCENT, count >> 1)
            else:
                write_header(out.buffer, STAR, count)
        elif isinstance(item, SetOf):
            inner = item.items
            write_header(out.buffer, TILDE if resp >= RESP3 else STAR, len(inner))
        else:
            encode(out, item, resp)
            out.cut()
            continue
        stack.append(inner)
        places.append(0)


def write_map(out: Output, mark: i64, items: list[object], resp: i64) -> None:
    """Append keys and values alternately with `mark` and the number of pairs; a flat array in RESP2."""
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
    """Append keys and values alternately as a map; as an array of pairs in RESP2."""
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
    """Append rows.  Rows for many clients are encoded once."""
    spelled = rows.spelled
    if spelled is not None:
        out.write(spelled)
        return
    if rows.shared:
        aside = Output()
        spell_rows(aside, rows, resp)
        spelled = aside.take_all()
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
    """Append a number of up to 18 digits as a bulk string."""
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
    """Append the bulk strings of a view."""
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
    """Append packed bulk strings by copying them from their bytes."""
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
        count -= 1
        if count & 15 == 0:
            out.cut()


def write_records(out: Output, view: RecordStrings) -> None:
    """Append bulk strings from records."""
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
        write_columns(out, holder, at, width, count)


def write_verbatim(out: Output, reply: Verbatim, resp: i64) -> None:
    """Append a text with its format; a bulk string with the text alone in RESP2."""
    if resp < RESP3:
        write_bulk(out, reply.text)
        return
    write_header(out.buffer, EQUALS, len(reply.text) + 4)
    out.buffer.write(b"%b:" % reply.format)
    out.write(reply.text)
    write_i16_le(out.buffer, CRLF)
