"""The kinds of a single directive each, or of a few: lists with a meaning, names with a rule.

Kinds that any number of directives share are in `values.py`.
"""

from __future__ import annotations

import math
import re
from typing import Final

from redpoll.config.values import (
    GREATEST,
    INTEGER,
    WRONG_COUNT,
    BadValue,
    Kind,
    Line,
    ListOfWords,
    Text,
    Value,
    loose_integer,
    memory_bytes,
    memory_text,
)

GREATEST_COUNT: Final = 2**31 - 1

# ---- lists


class Addresses(ListOfWords):
    """Addresses to listen on: `*` and `::*` for all, a leading `-` for one that may be missing."""

    def check(self, words: list[bytes]) -> None:
        if len(words) > 16:
            raise BadValue(b"Too many bind addresses specified.")

    def lines(self, name: bytes, value: Value, default: Value) -> list[Line]:
        if value.text == default.text:
            return []
        return [Line(name + b" " + self.written(value), True)]


class SavePoints(ListOfWords):
    """Pairs of seconds and changes: save when this many changes have waited this long."""

    def parse(self, words: list[bytes], before: Value) -> Value:
        if words == [b""]:
            words = []
        if len(words) % 2:
            raise BadValue(b"Invalid save parameters")
        shown: list[bytes] = []
        for at, word in enumerate(words):
            found = loose_integer(word)
            number = -1 if found is None else found
            # The second number of a pair (changes) must be at least 0, the first (seconds) at least 1.
            if number < (0 if at % 2 else 1) or number > (GREATEST_COUNT if at % 2 else GREATEST):
                raise BadValue(b"Invalid save parameters")
            shown.append(b"%d" % number)
        return Value(b" ".join(shown))

    def lines(self, name: bytes, value: Value, default: Value) -> list[Line]:
        """One line, even for none: another server has points of its own without it."""
        return [Line(name + b" " + self.written(value), True)]


class Percentiles(ListOfWords):
    """Numbers from 0.0 to 100.0."""

    def parse(self, words: list[bytes], before: Value) -> Value:
        if words == [b""]:
            words = []
        shown: list[bytes] = []
        for word in words:
            try:
                number = float(word) if word.strip() == word and b"_" not in word else math.nan
            except ValueError:
                number = math.nan
            if math.isinf(number) and b"i" not in word.lower():
                # Too large to be read.
                number = math.nan
            if math.isnan(number):
                raise BadValue(b"Invalid latency-tracking-info-percentiles parameters")
            if not 0.0 <= number <= 100.0:
                raise BadValue(b"latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
            shown.append((b"%.6f" % number).rstrip(b"0").rstrip(b"."))
        return Value(b" ".join(shown))

    def lines(self, name: bytes, value: Value, default: Value) -> list[Line]:
        return [Line(name + b" " + self.written(value), True)]


class OomScores(ListOfWords):
    """Three whole numbers from -2000 to 2000, for a primary, a replica and a background child."""

    def parse(self, words: list[bytes], before: Value) -> Value:
        if len(words) != 3:
            raise BadValue(WRONG_COUNT)
        shown: list[bytes] = []
        for word in words:
            number = loose_integer(word or b"0")
            if number is None or not -2000 <= number <= 2000:
                raise BadValue(b"Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
            shown.append(b"%d" % number)
        return Value(b" ".join(shown))


CLIENT_CLASSES: Final = [b"normal", b"slave", b"pubsub"]
"""In the order in which their limits are shown; redis.conf calls the second one `replica`."""


class BufferLimits(ListOfWords):
    """Groups of four: class of clients, hard limit, soft limit, seconds.  A class that is not named keeps its limits.

    The value shown always names each class once, in the order of CLIENT_CLASSES.
    """

    def parse(self, words: list[bytes], before: Value) -> Value:
        if len(words) % 4:
            raise BadValue(b"Wrong number of arguments in buffer limit configuration.")
        limits = before.text.split() or [
            b"normal",
            b"0",
            b"0",
            b"0",
            b"slave",
            b"0",
            b"0",
            b"0",
            b"pubsub",
            b"0",
            b"0",
            b"0",
        ]
        for at in range(0, len(words), 4):
            name = words[at].lower()
            name = b"slave" if name == b"replica" else name
            if name not in CLIENT_CLASSES:
                raise BadValue(b"Invalid client class specified in buffer limit configuration.")
            found = loose_integer(words[at + 3] or b"0")
            seconds = -1 if found is None else found
            hard = memory_bytes(words[at + 1])
            soft = memory_bytes(words[at + 2])
            if hard < 0 or soft < 0 or not 0 <= seconds <= GREATEST_COUNT:
                raise BadValue(b"Error in hard, soft or soft_seconds setting in buffer limit configuration.")
            place = CLIENT_CLASSES.index(name) * 4
            limits[place + 1 : place + 4] = [b"%d" % hard, b"%d" % soft, b"%d" % seconds]
        return Value(b" ".join(limits))

    def lines(self, name: bytes, value: Value, default: Value) -> list[Line]:
        now = value.text.split()
        at_first = default.text.split()
        lines: list[Line] = []
        for at in range(0, len(now), 4):
            word = b"replica" if now[at] == b"slave" else now[at]
            sizes = memory_text(int(now[at + 1])) + b" " + memory_text(int(now[at + 2]))
            text = b" ".join([name, word, sizes, now[at + 3]])
            lines.append(Line(text, now[at : at + 4] != at_first[at : at + 4]))
        return lines


class PrimaryAddress(ListOfWords):
    """Host and port of the primary, or NO ONE."""

    def parse(self, words: list[bytes], before: Value) -> Value:
        if len(words) != 2:
            raise BadValue(WRONG_COUNT)
        if words[0].lower() == b"no" and words[1].lower() == b"one":
            return Value(b"")
        if INTEGER.fullmatch(words[1]) is None or not 0 <= int(words[1]) <= 65535:
            raise BadValue(b"Invalid primary port")
        return Value(b" ".join(words))


# ---- strings with a rule


class FileName(Text):
    """A file name without a path, not empty.  `name` is the directive, `thing` its name in error messages."""

    def __init__(self, name: bytes, thing: bytes = b"filename") -> None:
        super().__init__()
        self.name = name
        self.thing = thing

    def check(self, text: bytes) -> None:
        if not text:
            raise BadValue(self.name + b" can't be empty")
        if b"/" in text:
            raise BadValue(self.name + b" can't be a path, just a " + self.thing)


class FilePath(FileName):
    """A path, not empty."""

    def check(self, text: bytes) -> None:
        if not text:
            raise BadValue(self.name + b" can't be empty")


class Folder(FilePath):
    """The working directory: the server changes into it as soon as it is set, and keeps its absolute name."""

    label = "special"

    def lines(self, name: bytes, value: Value, default: Value) -> list[Line]:
        return [Line(name + b" " + self.written(value), True)]


class HostName(Text):
    def check(self, text: bytes) -> None:
        if len(text) > 255:
            raise BadValue(b"Hostnames must be less than 256 characters")
        if re.fullmatch(rb"[A-Za-z0-9.-]*", text) is None:
            raise BadValue(b"Hostnames may only contain alphanumeric characters, hyphens or dots")


class NodeText(Text):
    """A text that cluster nodes exchange: letters, digits, some signs, and bytes from 0x80 up."""

    def __init__(self, complaint: bytes) -> None:
        super().__init__(unset=True)
        self.complaint = complaint

    def check(self, text: bytes) -> None:
        if re.fullmatch(rb"[A-Za-z0-9_.:/`\x80-\xff-]*", text) is None:
            raise BadValue(self.complaint)


IPV4: Final = re.compile(rb"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!$)|$)){4}")


class IPv4(Text):
    def check(self, text: bytes) -> None:
        if text and IPV4.fullmatch(text) is None:
            raise BadValue(b"Invalid IPv4 address")


class IPv6(Text):
    def check(self, text: bytes) -> None:
        if text and not is_ipv6(text):
            raise BadValue(b"Invalid IPv6 address")


def is_ipv6(text: bytes) -> bool:
    """Whether `text` is an IPv6 address without a zone.

    Eight groups of hexadecimal digits, or fewer around one `::`; an IPv4 address may stand for the last two.
    """
    halves = text.split(b"::")
    if len(halves) > 2:
        return False
    groups = 0
    for half in halves:
        parts = half.split(b":") if half else []
        for at, part in enumerate(parts):
            if half is halves[-1] and at == len(parts) - 1 and IPV4.fullmatch(part) is not None:
                groups += 2
            elif re.fullmatch(rb"[0-9A-Fa-f]{1,4}", part) is not None:
                groups += 1
            else:
                return False
    return groups == 8 if len(halves) == 1 else groups <= 7


BAD_TEMPLATE: Final = b"template format is invalid or contains unknown variables"


def expanded_title(template: bytes, variables: dict[bytes, bytes]) -> bytes:
    """A template with its variables filled in, without blanks around it; raises BadValue.

    Two opening braces stand for a literal one.
    """
    title = b""
    rest = template
    while rest:
        before, brace, rest = rest.partition(b"{")
        title += before
        if not brace:
            break
        if rest.startswith(b"{"):
            title += b"{"
            rest = rest[1:]
            continue
        name, closed, rest = rest.partition(b"}")
        if not closed or name not in variables:
            raise BadValue(BAD_TEMPLATE)
        title += variables[name]
    title = title.strip(b" ")
    if not title:
        raise BadValue(BAD_TEMPLATE)
    return title


TITLE_VARIABLES: Final = (b"title", b"listen-addr", b"server-mode", b"port", b"tls-port", b"unixsocket", b"config-file")


def title_variables(values: dict[bytes, Value], name: bytes, path: bytes) -> dict[bytes, bytes]:
    """The values of TITLE_VARIABLES.  `{title}` is `name`; `path` is the path of the configuration file, if any."""
    port = values[b"port"].text
    socket = values[b"unixsocket"].text
    address = (values[b"bind"].text.split() or [b"*"])[0] + b":" + port
    meant = (
        name,
        address if port != b"0" else b"unixsocket:" + socket,
        b"[cluster]" if values[b"cluster-enabled"].number != 0 else b"",
        port,
        values[b"tls-port"].text,
        socket,
        path or b"-",
    )
    return dict(zip(TITLE_VARIABLES, meant, strict=True))


class TitleTemplate(Text):
    """A process title with variables.  `Config` knows their values, and refuses a title that would be empty."""

    def check(self, text: bytes) -> None:
        expanded_title(text, dict.fromkeys(TITLE_VARIABLES, b"x"))


# ---- keyspace events

EVENT_LETTERS: Final = b"g$lshzxetdnKEm"
"""The classes of keyspace events in the order in which they are shown; the bit of each is its place."""

ALL_EVENTS: Final = (1 << 10) - 1
"""The events of the letter A: all of g$lshzxetd."""


class EventClasses(Kind):
    """Letters of EVENT_LETTERS, or A for most of them.  The number has one bit for each letter."""

    label = "special"

    def parse(self, words: list[bytes], before: Value) -> Value:
        bits = 0
        for letter in words[0]:
            if letter == ord("A"):
                bits |= ALL_EVENTS
            elif letter in EVENT_LETTERS:
                bits |= 1 << EVENT_LETTERS.index(letter)
            else:
                raise BadValue(b"Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        return Value(events_text(bits), bits)

    def written(self, value: Value) -> bytes:
        return b'"' + value.text + b'"'


def events_text(bits: int) -> bytes:
    """The letters of `bits`.  If A is shown, n is not shown."""
    first = 0
    text = b""
    if bits & ALL_EVENTS == ALL_EVENTS:
        text = b"A"
        first = EVENT_LETTERS.index(b"K")
    for at in range(first, len(EVENT_LETTERS)):
        if bits >> at & 1:
            text += EVENT_LETTERS[at : at + 1]
    return text
