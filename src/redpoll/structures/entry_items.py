"""Items of a stream's entries, and the varints beside them: texts and numbers, packed.

    item   = length byte below NUMBER, bytes | NUMBER + k, a signed number of k bytes | LONG, 4 bytes length, bytes

Numbers are little-endian, a varint has 7 bits a byte, low ones first.  Integers in canonical spelling are kept as
numbers.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i32_le, write_i32_le
from mypy_extensions import i32, i64, u8

NUMBER: Final[i64] = 240
LONG: Final[i64] = 249
SHORT_LIMIT: Final[i64] = 239

NO_NUMBER: Final[i64] = -4611686018427387904
"""What `number_in` answers for text that is kept as text; such a number is kept as text too."""


def number_in(text: bytes) -> i64:
    """The integer that `text` spells canonically with up to 18 digits, or NO_NUMBER."""
    size: i64 = len(text)
    if size == 0 or size > 19:
        return NO_NUMBER
    at: i64 = 0
    c: i64 = text[0]
    negative = c == 45
    if negative:
        if size == 1:
            return NO_NUMBER
        at = 1
        c = text[1]
    if c <= 48 or c > 57:
        return i64(0) if c == 48 and size == 1 else NO_NUMBER
    if size - at > 18:
        return NO_NUMBER
    found: i64 = 0
    while at < size:
        c = text[at]
        if c < 48 or c > 57:
            return NO_NUMBER
        found = found * 10 + (c - 48)
        at += 1
    return -found if negative else found


def is_long_number(text: bytes) -> bool:
    """Whether `text` is a canonical 64-bit integer of 19 digits, which stays text here and is a number there."""
    size: i64 = len(text)
    if size < 19 or size > 20:
        return False
    negative = text[0] == 45
    digits = text[1:] if negative else text
    if len(digits) != 19 or digits[0] == 48 or not digits.isdigit():
        return False
    return digits <= (b"9223372036854775808" if negative else b"9223372036854775807")


def number_node_bytes(number: i64) -> i64:
    """What a number takes in a node of the reference's: its own bytes, and one that tells their length."""
    if number >= 0 and number < 128:
        return 2
    if number >= -4096 and number < 4096:
        return 3
    if number >= -32768 and number < 32768:
        return 4
    if number >= -8388608 and number < 8388608:
        return 5
    if number >= -2147483648 and number < 2147483648:
        return 6
    return 10


def text_node_bytes(size: i64) -> i64:
    """What a text of `size` bytes takes there."""
    if size < 64:
        size += 1
    elif size < 4096:
        size += 2
    else:
        size += 5
    if size <= 127:
        return size + 1
    if size < 16383:
        return size + 2
    if size < 2097151:
        return size + 3
    return size + 4 if size < 268435455 else size + 5


def write_item(out: BytesWriter, text: bytes) -> i64:
    """Append an item; what it takes in a node of the reference's."""
    size: i64 = len(text)
    if size > 0 and size <= 20 and text[size - 1] <= 57 and text[0] <= 57:
        number = number_in(text)
        if number != NO_NUMBER:
            write_number(out, text, number)
            return number_node_bytes(number)
        if size >= 19 and is_long_number(text):
            write_text(out, text)
            return 10
    write_text(out, text)
    return text_node_bytes(size)


def write_text(out: BytesWriter, text: bytes) -> None:
    size: i64 = len(text)
    if size <= SHORT_LIMIT:
        out.append(u8(size))
    else:
        out.append(u8(LONG))
        write_i32_le(out, i32(size))
    out.write(text)


def write_number(out: BytesWriter, text: bytes, number: i64) -> None:
    """Append a number; a single digit is as short as text."""
    if len(text) == 1:
        out.append(1)
        out.append(u8(number + 48))
        return
    rest: i64 = number if number >= 0 else ~number
    size: i64 = 1
    rest >>= 7
    while rest > 0:
        size += 1
        rest >>= 8
    out.append(u8(NUMBER + size))
    while size > 0:
        out.append(u8(number & 255))
        number >>= 8
        size -= 1


def item_end(blob: bytes, at: i64) -> i64:
    """Where the item at `at` ends."""
    size: i64 = blob[at]
    if size < NUMBER:
        return at + 1 + size
    if size < LONG:
        return at + 1 + size - NUMBER
    return at + 5 + (i64(read_i32_le(blob, at + 1)) & 0xFFFFFFFF)


def number_at(blob: bytes, at: i64) -> i64:
    """The number that the item at `at` is."""
    last: i64 = at + blob[at] - NUMBER
    byte: i64 = blob[last]
    number: i64 = byte - ((byte & 128) << 1)
    last -= 1
    while last > at:
        number = (number << 8) | blob[last]
        last -= 1
    return number


def item_at(blob: bytes, at: i64) -> bytes:
    """The text of the item at `at`."""
    size: i64 = blob[at]
    if size < NUMBER:
        return blob[at + 1 : at + 1 + size]
    if size < LONG:
        return str(number_at(blob, at)).encode()
    return blob[at + 5 : at + 5 + (i64(read_i32_le(blob, at + 1)) & 0xFFFFFFFF)]


# Varints


def write_varint(out: BytesWriter, number: i64) -> None:
    """Append a number of at least 0."""
    while number >= 128:
        out.append(u8(number & 127 | 128))
        number >>= 7
    out.append(u8(number))


def varint_size(number: i64) -> i64:
    size: i64 = 1
    while number >= 128:
        size += 1
        number >>= 7
    return size


def varint_at(blob: bytes, at: i64) -> i64:
    """The varint at `at`."""
    number: i64 = blob[at]
    if number < 128:
        return number
    number &= 127
    shift: i64 = 7
    while True:
        at += 1
        byte: i64 = blob[at]
        number |= (byte & 127) << shift
        if byte < 128:
            return number
        shift += 7


def varint_end(blob: bytes, at: i64) -> i64:
    """Where the varint at `at` ends."""
    while blob[at] >= 128:
        at += 1
    return at + 1


# Writing
