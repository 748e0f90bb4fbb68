"""The types of settings: parsing, meaning, showing and writing of values.

A kind turns the words of a line, or the one string of CONFIG SET, into a `Value`, and a value into lines of redis.conf:

    kind                written                                         number
    bool                yes, no                                         1, 0
    int                 [-]digits, no leading zeros                     itself
    memory              [digits][b | k | kb | m | mb | g | gb]          bytes; k = 1000, kb = 1024
    percent-or-memory   the same, or N%                                 bytes, or -N for N%
    octal               octal digits                                    itself
    enum                one word of a list, any case                    its place in the list
    enum-set            several words of a list                         one bit for each word, the first one's is 0
    string, list        anything                                        0

An invalid value raises `BadValue` with the reference's reason.
"""

from __future__ import annotations

import re
from typing import Final

from redpoll.config.quoting import quote, split_line

GREATEST: Final = 2**63 - 1
GREATEST_UNSIGNED: Final = 2**64 - 1

INTEGER: Final = re.compile(rb"0|-?[1-9][0-9]{0,18}")
"""With more digits it lies out of every range, and `int` refuses to read thousands of them."""
LOOSE_INTEGER: Final = re.compile(rb"[ \t\n\v\f\r]*([+-]?[0-9]+)")
"""The range of C's strtoll, with which the reference reads numbers within lists."""

MEMORY: Final = re.compile(rb"([0-9]{0,127})(|b|k|kb|m|mb|g|gb)", re.IGNORECASE)
UNITS: Final = {b"": 1, b"b": 1, b"k": 1000, b"kb": 1024, b"m": 1000**2, b"mb": 1024**2, b"g": 1000**3, b"gb": 1024**3}
OCTAL: Final = re.compile(rb"[ \t\n\v\f\r]*([+-]?)([0-7]+)")

WRONG_COUNT: Final = b"wrong number of arguments"


class BadValue(Exception):
    """A directive does not accept a value.  `reason` is the text for CONFIG SET and the configuration error."""

    def __init__(self, reason: bytes) -> None:
        super().__init__(reason.decode("utf-8", "replace"))
        self.reason = reason


class Value:
    """The value of a directive: the text that CONFIG GET shows, and the number that it stands for."""

    def __init__(self, text: bytes, number: int = 0) -> None:
        self.text = text
        self.number = number


class Line:
    """One line of redis.conf.  `needed` is whether CONFIG REWRITE adds it if the file has no line of the directive."""

    def __init__(self, text: bytes, needed: bool) -> None:
        self.text = text
        self.needed = needed


class Kind:
    """A type of setting.  `label` is its name in the documentation, `many` whether it takes several words."""

    label = ""
    many = False

    def parse(self, words: list[bytes], before: Value) -> Value:
        """Parse `words`.  Raises BadValue.  `before` is the old value, for kinds that change only a part of it."""
        raise NotImplementedError

    def words_of_line(self, words: list[bytes]) -> list[bytes]:
        """The words to parse, from those after the name in a line of redis.conf."""
        if self.many:
            if len(words) == 1 and words[0]:
                return split_line(words[0]) or []
        elif len(words) != 1:
            raise BadValue(WRONG_COUNT)
        return words

    def words_of_string(self, text: bytes) -> list[bytes]:
        """The words to parse, from the one string that CONFIG SET has."""
        if not self.many:
            return [text]
        return text.split(b" ") if text else []

    def allowed(self) -> str:
        """The values allowed, in words, for the documentation."""
        return ""

    def lines(self, name: bytes, value: Value, default: Value) -> list[Line]:
        """`value` as lines of redis.conf."""
        return [Line(name + b" " + self.written(value), value.text != default.text)]

    def written(self, value: Value) -> bytes:
        """The value as it is written after the name in redis.conf."""
        return value.text or b'""'


class Bool(Kind):
    label = "bool"

    def parse(self, words: list[bytes], before: Value) -> Value:
        text = words[0].lower()
        if text != b"yes" and text != b"no":
            raise BadValue(b"argument must be 'yes' or 'no'")
        return Value(text, 1 if text == b"yes" else 0)

    def allowed(self) -> str:
        return "yes, no"


class Int(Kind):
    """A whole number from `low` to `high`, both included."""

    label = "int"

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def parse(self, words: list[bytes], before: Value) -> Value:
        if INTEGER.fullmatch(words[0]) is None or not -GREATEST - 1 <= int(words[0]) <= GREATEST:
            raise BadValue(b"argument couldn't be parsed into an integer")
        number = self.in_range(int(words[0]))
        return Value(b"%d" % number, number)

    def in_range(self, number: int) -> int:
        """`number`, or BadValue if it lies out of range."""
        if not self.low <= number <= self.high:
            raise BadValue(b"argument must be between %d and %d inclusive" % (self.low, self.high))
        return number

    def allowed(self) -> str:
        return f"{self.low} to {self.high}"


class UnsignedInt(Int):
    """An unsigned number, as the reference's parser reads it: negative numbers count as huge ones."""

    def in_range(self, number: int) -> int:
        return number


class ClampedInt(Int):
    """A number from `low` to `high`, clamped to `least` to `most`."""

    def __init__(self, low: int, high: int, least: int, most: int) -> None:
        super().__init__(low, high)
        self.least = least
        self.most = most

    def in_range(self, number: int) -> int:
        return min(max(super().in_range(number), self.least), self.most)


def loose_integer(text: bytes) -> int | None:
    """The number that C's strtoll takes, brought into 64 bits; None if that is not the whole text."""
    match = LOOSE_INTEGER.fullmatch(text)
    if match is None:
        return None
    digits = match[1].lstrip(b"+-").lstrip(b"0")[:20] or b"0"
    number = -int(digits) if match[1].startswith(b"-") else int(digits)
    return min(max(number, -GREATEST - 1), GREATEST)


def memory_bytes(text: bytes) -> int:
    """The bytes that `text` means, such as `64mb`; -1 if it is invalid or exceeds 2^64 - 1."""
    match = MEMORY.fullmatch(text)
    if match is None:
        return -1
    size = int(match[1] or b"0") * UNITS[match[2].lower()]
    return size if size <= GREATEST_UNSIGNED else -1


def memory_text(size: int) -> bytes:
    """`size` in the largest binary unit that holds it exactly: `1gb`, `1500kb`, `3000000`."""
    if size > 0:
        for unit in (b"gb", b"mb", b"kb"):
            if size % UNITS[unit] == 0:
                return b"%d%s" % (size // UNITS[unit], unit)
    return b"%d" % size


class Memory(Int):
    """A number of bytes from `low` to `high`.  A negative `low` is the only negative number that is accepted."""

    label = "memory"

    def parse(self, words: list[bytes], before: Value) -> Value:
        number = memory_bytes(words[0])
        if number < 0:
            if self.low >= 0 or INTEGER.fullmatch(words[0]) is None or words[0][:1] != b"-":
                raise BadValue(b"argument must be a memory value")
            number = int(words[0])
        number = self.in_range(number)
        return Value(b"%d" % number, number)

    def written(self, value: Value) -> bytes:
        return memory_text(value.number)


class PercentOrMemory(Int):
    label = "percent-or-memory"

    def parse(self, words: list[bytes], before: Value) -> Value:
        text = words[0]
        if text.endswith(b"%"):
            if INTEGER.fullmatch(text[:-1]) is None or not 0 <= int(text[:-1]) <= GREATEST:
                raise BadValue(b"argument must be a memory or percent value")
            percent = int(text[:-1])
            if percent > 100:
                raise BadValue(b"percentage argument must be less or equal to 100")
            return Value(text if percent else b"0", -percent)
        number = memory_bytes(text)
        if number < 0:
            raise BadValue(b"argument must be a memory or percent value")
        if number > self.high:
            # The reference stores percentages as negative numbers too, so it reads a size beyond 2^63 as a percentage.
            raise BadValue(b"percentage argument must be less or equal to 100")
        return Value(b"%d" % number, number)

    def allowed(self) -> str:
        return f"{self.low} to {self.high}, or 0% to 100%"

    def written(self, value: Value) -> bytes:
        return value.text if value.number < 0 else memory_text(value.number)


class Octal(Int):
    label = "octal"

    def parse(self, words: list[bytes], before: Value) -> Value:
        number = 0
        if words[0]:
            match = OCTAL.fullmatch(words[0])
            if match is None:
                raise BadValue(b"argument couldn't be parsed as an octal number")
            number = int(match[2], 8) if match[1] != b"-" else -int(match[2], 8)
        if not self.low <= number <= self.high:
            raise BadValue(b"argument must be between %o and %o inclusive" % (self.low, self.high))
        return Value(b"%o" % number, number)

    def allowed(self) -> str:
        return f"{self.low:o} to {self.high:o}"


class Enum(Kind):
    """One of `words`, in any case.  Each word of `same` is an alias, which is shown as the other word."""

    label = "enum"

    def __init__(self, words: bytes, same: dict[bytes, bytes] | None = None) -> None:
        self.words = words.split()
        self.same = same if same is not None else {}

    def place(self, text: bytes) -> int:
        """The index of `text` in `words`."""
        wanted = text.lower()
        for at, word in enumerate(self.words):
            if word.lower() == wanted:
                return at
        raise BadValue(b"argument(s) must be one of the following: " + b", ".join(self.words))

    def parse(self, words: list[bytes], before: Value) -> Value:
        word = self.words[self.place(words[0])]
        word = self.same.get(word, word)
        return Value(word, self.words.index(word))

    def allowed(self) -> str:
        return ", ".join(word.decode() for word in self.words)


class EnumSet(Enum):
    """Several of `words`.  The first one means none of the others.  Two words of `opposed` exclude each other."""

    label = "enum-set"
    many = True

    def __init__(self, words: bytes, opposed: tuple[bytes, bytes], clash: bytes) -> None:
        super().__init__(words)
        self.opposed = opposed
        self.clash = clash

    def parse(self, words: list[bytes], before: Value) -> Value:
        if not words:
            self.place(b"")
        chosen = {self.words[self.place(word)] for word in words} - {self.words[0]}
        if self.opposed[0] in chosen and self.opposed[1] in chosen:
            raise BadValue(self.clash)
        bits = 0
        for at, word in enumerate(self.words):
            if word in chosen:
                bits |= 1 << (at - 1)
        return Value(b" ".join([word for word in self.words if word in chosen]) or self.words[0], bits)


class Text(Kind):
    """Any string; with `unset`, an empty one is the same as none and is left out of redis.conf."""

    label = "string"

    def __init__(self, unset: bool = False) -> None:
        self.unset = unset

    def parse(self, words: list[bytes], before: Value) -> Value:
        self.check(words[0])
        return Value(words[0])

    def check(self, text: bytes) -> None:
        """Raises BadValue if `text` cannot be taken."""

    def lines(self, name: bytes, value: Value, default: Value) -> list[Line]:
        if self.unset and not value.text:
            return []
        return super().lines(name, value, default)

    def written(self, value: Value) -> bytes:
        return quote(value.text)


class ListOfWords(Kind):
    """Any words."""

    label = "list"
    many = True

    def parse(self, words: list[bytes], before: Value) -> Value:
        self.check(words)
        return Value(b" ".join(words))

    def lines(self, name: bytes, value: Value, default: Value) -> list[Line]:
        if not value.text and not default.text:
            # Lists with an empty default are addresses: a line cannot express an empty list.
            return []
        return super().lines(name, value, default)

    def check(self, words: list[bytes]) -> None:
        """Raises BadValue if `words` cannot be taken."""
