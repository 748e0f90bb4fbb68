"""The settings that exist so far: each declared once, read from file and command line, shown and changed at run time.

Syntax, errors and quirks: spec/config.md.  A directive that is not declared here is refused by name.
"""

from __future__ import annotations

import fnmatch
from typing import Final

from redpoll.config.quoting import split_line
from redpoll.version import REFERENCE_VERSION

BOOL: Final = 0
INTEGER: Final = 1
MEMORY: Final = 2
TEXT: Final = 3
WORD: Final = 4
ONLY_DEFAULT: Final = 5
"""Known to stock files, but nothing but its default is supported yet."""

UNITS: Final = {
    "": 1, "b": 1, "k": 1000, "kb": 1024, "m": 10**6, "mb": 1 << 20, "g": 10**9, "gb": 1 << 30,
}  # fmt: skip
MOST: Final = (1 << 63) - 1


class ConfigError(Exception):
    """The configuration is wrong; the message is the whole frame for standard error."""


class Directive:
    """Name, type, default, limits, and whether it may change while the server runs."""

    def __init__(
        self,
        name: str,
        type: int,
        default: str,
        help: str,
        low: int = 0,
        high: int = MOST,
        words: tuple[str, ...] = (),
        immutable: bool = False,
    ) -> None:
        self.name: Final = name
        self.type: Final = type
        self.default: Final = default
        self.help: Final = help
        self.low: Final = low
        self.high: Final = high
        self.words: Final = words
        self.immutable: Final = immutable

    def parse(self, value: str) -> str:
        """The value as CONFIG GET shows it; raises ValueError with the reference's reason."""
        if self.type == BOOL:
            if value.lower() not in ("yes", "no"):
                raise ValueError("argument must be 'yes' or 'no'")
            return value.lower()
        if self.type == INTEGER:
            return str(self._within(parse_integer(value)))
        if self.type == MEMORY:
            return str(self._within(parse_memory(value)))
        if self.type == WORD:
            if value.lower() not in self.words:
                raise ValueError(f"argument(s) must be one of the following: {', '.join(self.words)}")
            return value.lower()
        if self.type == ONLY_DEFAULT and value != self.default:
            raise ValueError(
                f"{self.name} is not supported by this version of redpoll: only '{self.default}' is accepted"
            )
        return value

    def _within(self, number: int) -> int:
        if not self.low <= number <= self.high:
            raise ValueError(f"argument must be between {self.low} and {self.high} inclusive")
        return number


def parse_integer(value: str) -> int:
    digits = value.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or (len(digits) > 1 and digits[0] == "0"):
        raise ValueError("argument couldn't be parsed into an integer")
    return int(value)


def parse_memory(value: str) -> int:
    digits = value.rstrip("bkmgBKMG")
    unit = value[len(digits) :].lower()
    if unit not in UNITS or (digits and not (digits.isascii() and digits.isdigit())):
        raise ValueError("argument must be a memory value")
    return int(digits or "0") * UNITS[unit]


DIRECTIVES: Final = {
    directive.name: directive
    for directive in (
        Directive("port", INTEGER, "6379", "TCP port; 0 lets the system choose.", 0, 65535, immutable=True),
        Directive("bind", TEXT, "127.0.0.1 -::1", "Addresses to listen on; one with - may fail.", immutable=True),
        Directive("dir", TEXT, "", "Working directory.", immutable=True),
        Directive("databases", INTEGER, "16", "How many databases there are.", 1, 2147483647, immutable=True),
        Directive("tcp-backlog", INTEGER, "511", "Connections that may wait to be accepted.", immutable=True),
        Directive("maxclients", INTEGER, "10000", "Connections at most.", 1, 4294967295),
        Directive("requirepass", TEXT, "", "Password of the default user; empty for none."),
        Directive("loglevel", WORD, "notice", "Least level of log lines.",
                  words=("debug", "verbose", "notice", "warning"), immutable=True),
        Directive("logfile", TEXT, "", "File for the log; empty for standard output.", immutable=True),
        Directive("proto-max-bulk-len", MEMORY, "536870912", "Largest string.", 1048576),
        Directive("client-query-buffer-limit", MEMORY, "1073741824", "Largest request.", 1048576),
        Directive("lazyfree-lazy-user-flush", BOOL, "yes", "Whether FLUSHALL frees in slices if not told."),
        Directive("hash-max-listpack-entries", INTEGER, "512", "Fields up to which a hash says listpack."),
        Directive("hash-max-listpack-value", MEMORY, "64", "Bytes of an item up to which a hash says listpack."),
        Directive("zset-max-listpack-entries", INTEGER, "128", "Members up to which a sorted set says listpack."),
        Directive("zset-max-listpack-value", MEMORY, "64", "Bytes of a member up to which a sorted set says listpack."),
        Directive("enable-debug-command", WORD, "no", "Who may use DEBUG.", words=("no", "yes", "local"),
                  immutable=True),
        Directive("save", ONLY_DEFAULT, "", "When to save to disk: not supported yet."),
        Directive("appendonly", ONLY_DEFAULT, "no", "The append-only file: not supported yet."),
        Directive("cluster-enabled", ONLY_DEFAULT, "no", "Cluster mode: not supported yet."),
        Directive("maxmemory", ONLY_DEFAULT, "0", "Limit of memory: not supported yet."),
        Directive("daemonize", ONLY_DEFAULT, "no", "Going to the background: not supported yet."),
    )
}  # fmt: skip


class LiveSettings:
    """The values in force, as CONFIG GET shows them."""

    def __init__(self) -> None:
        self.values: Final = {name: directive.default for name, directive in DIRECTIVES.items()}
        self.path = ""

    def text(self, name: str) -> str:
        return self.values[name]

    def integer(self, name: str) -> int:
        return int(self.values[name])

    def flag(self, name: str) -> bool:
        return self.values[name] == "yes"

    def get(self, patterns: list[str]) -> list[tuple[str, str]]:
        """Names and values that match, sorted; an argument without `*`, `?`, `[` is a name and echoed as spelled."""
        found: dict[str, str] = {}
        for pattern in patterns:
            if not any(c in pattern for c in "*?["):
                if pattern.lower() in self.values:
                    found[pattern] = self.values[pattern.lower()]
                continue
            for name, value in self.values.items():
                if fnmatch.fnmatchcase(name, pattern.lower()):
                    found[name] = value
        return sorted(found.items())

    def set(self, pairs: list[tuple[str, str]]) -> str | None:
        """Change settings, all or none; the reference's error text or None."""
        changed: dict[str, str] = {}
        for name, value in pairs:
            directive = DIRECTIVES.get(name.lower())
            if directive is None:
                return f"ERR Unknown option or number of arguments for CONFIG SET - '{name}'"
            reason = ""
            if directive.immutable:
                reason = "can't set immutable config"
            elif directive.name in changed:
                reason = "duplicate parameter"
            else:
                try:
                    changed[directive.name] = directive.parse(value)
                except ValueError as wrong:
                    reason = str(wrong)
            if reason:
                return f"ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"
        self.values.update(changed)
        return None

    def read_line(self, words: list[str]) -> None:
        """Take one line of a file; raises ValueError with the reason."""
        directive = DIRECTIVES.get(words[0].lower())
        if directive is None:
            raise ValueError("Bad directive or wrong number of arguments")
        if directive.name == "bind" and len(words) > 1:
            words = [words[0], " ".join(words[1:])]
        if len(words) != 2:
            raise ValueError("wrong number of arguments")
        self.values[directive.name] = directive.parse(words[1])


def load(path: str, text: str, options: list[str]) -> LiveSettings:
    """Settings from the text of a file (none if `path` is empty) and from `--name value ...`, which win.

    Raises ConfigError.
    """
    settings = LiveSettings()
    settings.path = path
    lines = text.split("\n") if path else []
    lines.append("")
    lines.extend(option_lines(options))
    for number, raw in enumerate(lines, 1):
        line = raw.strip(" \t\r")
        if not line or line.startswith("#"):
            continue
        words = split_line(line.encode("utf-8", "surrogateescape"))
        try:
            if words is None:
                raise ValueError("Unbalanced quotes in configuration line")
            settings.read_line([word.decode("utf-8", "surrogateescape") for word in words])
        except ValueError as wrong:
            raise ConfigError(
                f"\n*** FATAL CONFIG FILE ERROR (Version {REFERENCE_VERSION.decode()}) ***\n"
                f"Reading the configuration file, at line {number}\n>>> '{line}'\n{wrong}"
            ) from wrong
    return settings


def option_lines(options: list[str]) -> list[str]:
    """`--name value ...` as lines of a file, values quoted again."""
    lines: list[str] = []
    for word in options:
        if word.startswith("--") and (not lines or " " in lines[-1] or not lines[-1]):
            lines.append(word[2:])
        elif lines:
            escaped = word.replace("\\", "\\\\").replace('"', '\\"')
            lines[-1] += f' "{escaped}"'
        else:
            lines.append(word)
    return lines
