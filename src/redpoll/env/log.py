"""The server's log: one line for each event, flushed at once, in the forms that operators' tools know.

    legacy   1:M 24 Nov 2026 14:35:27.057 * Ready to accept connections tcp
    logfmt   pid=1 role=primary timestamp="24 Nov 2026 14:35:27.057" level=notice message="Ready to accept ..."
    json     {"pid":1,"role":"primary","timestamp":"24 Nov 2026 14:35:27.057","level":"notice","message":"Ready ..."}

The time is local; as `iso8601` it is 2026-11-24T14:35:27.057+00:00, as `milliseconds` the Unix time.
Lines go to standard output or to a file, and to a `system` log as well.
"""

from __future__ import annotations

import os
import time
from typing import Final

from mypy_extensions import mypyc_attr

from redpoll.env.clock import Clock
from redpoll.env.system_log import MONTHS, SystemLog

STANDARD_OUTPUT: Final = 1

DEBUG: Final = 0
VERBOSE: Final = 1
NOTICE: Final = 2
WARNING: Final = 3
NOTHING: Final = 4

LEVELS: Final = ("debug", "verbose", "notice", "warning", "nothing")
"""The words of `loglevel`; each level also logs those after it."""

SIGNS: Final = ".-*#"

PRIMARY: Final = "M"
REPLICA: Final = "S"
CHILD: Final = "C"
SENTINEL: Final = "X"
ROLES: Final = {PRIMARY: "primary", REPLICA: "replica", CHILD: "RDB/AOF child", SENTINEL: "sentinel"}


@mypyc_attr(allow_interpreted_subclasses=True)
class Log:
    """Lines of at least `level`, on standard output or at the end of the file at `path`.

    `form` (legacy, logfmt, json), `timestamp` (legacy, iso8601, milliseconds), `level` and `role` may change any time.
    The file is opened for each line, so that it may be moved away at any time; a line that cannot be written is lost.
    """

    def __init__(self, clock: Clock, level: str = "notice", path: str = "") -> None:
        self.clock: Final = clock
        self.level = LEVELS.index(level)
        self.path = path
        self.form = "legacy"
        self.timestamp = "legacy"
        self.role = PRIMARY
        self.system: SystemLog | None = None

    def debug(self, message: str) -> None:
        """Log details for developers."""
        self.write(DEBUG, message)

    def verbose(self, message: str) -> None:
        """Log details that are rarely useful, but fewer than `debug`."""
        self.write(VERBOSE, message)

    def notice(self, message: str) -> None:
        """Log normal events for the operator."""
        self.write(NOTICE, message)

    def warning(self, message: str) -> None:
        """Log an event that the operator must know."""
        self.write(WARNING, message)

    def write(self, level: int, message: str) -> None:
        """Log `message` if `level` is wanted; bytes that are not UTF-8 are passed as surrogate escapes."""
        if level < self.level:
            return
        self.put(self.line(level, message))
        if self.system is not None:
            self.system.write(level, message)

    def line(self, level: int, message: str) -> str:
        """The line for `message`, without its end."""
        pid = os.getpid()
        stamp = time_text(self.clock.now_us() // 1000, self.timestamp)
        if self.form == "logfmt":
            message = message.replace('"', "'").replace("\r", " ").replace("\n", " ")
            return f'pid={pid} role={ROLES[self.role]} timestamp="{stamp}" level={LEVELS[level]} message="{message}"'
        if self.form == "json":
            return (
                f'{{"pid":{pid},"role":"{ROLES[self.role]}","timestamp":"{stamp}","level":"{LEVELS[level]}",'
                f'"message":"{json_text(message)}"}}'
            )
        return f"{pid}:{self.role} {stamp} {SIGNS[level]} {message}"

    def signal(self, message: str) -> None:
        """Log a warning about a signal.

        In the legacy form such a line looks different from all others, as in the reference.  In logfmt and json it
        looks like the others, so that a program can parse every line of the log.
        """
        if self.level > WARNING:
            return
        if self.form == "legacy":
            self.put(f"{os.getpid()}:signal-handler ({self.clock.now_us() // 1000000}) {message}")
        else:
            self.put(self.line(WARNING, message))

    def put(self, line: str) -> None:
        """Write one line where it belongs."""
        data = (line + "\n").encode("utf-8", "surrogateescape")
        try:
            if not self.path:
                # Unbuffered: if nobody reads the output any more, the line is lost now and does not fail again at the
                # end.
                os.write(STANDARD_OUTPUT, data)
                return
            with open(self.path, "ab", buffering=0) as file:
                file.write(data)
        except OSError:
            pass


class CollectedLog(Log):
    """A log that only collects lines, without their ends, in `lines`."""

    def __init__(self, clock: Clock, level: str = "notice") -> None:
        super().__init__(clock, level)
        self.lines: list[str] = []

    def put(self, line: str) -> None:
        self.lines.append(line)


def time_text(ms: int, form: str) -> str:
    """A moment, in ms since 1970, as log lines show it."""
    if form == "milliseconds":
        return str(ms)
    at = time.localtime(ms // 1000)
    clock = f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}.{ms % 1000:03d}"
    if form == "iso8601":
        minutes = at.tm_gmtoff // 60
        sign = "-" if minutes < 0 else "+"
        minutes = abs(minutes)
        zone = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
        return f"{at.tm_year}-{at.tm_mon:02d}-{at.tm_mday:02d}T{clock}{zone}"
    return f"{at.tm_mday:02d} {MONTHS[at.tm_mon - 1]} {at.tm_year} {clock}"


JSON_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def json_text(message: str) -> str:
    """`message`, escaped for a JSON string."""
    parts: list[str] = []
    for letter in message:
        if letter in JSON_ESCAPES:
            parts.append(JSON_ESCAPES[letter])
        elif letter < " ":
            parts.append(f"\\u{ord(letter):04x}")
        else:
            parts.append(letter)
    return "".join(parts)
