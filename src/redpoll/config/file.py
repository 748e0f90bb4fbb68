"""Reads the configuration: a file, its includes, standard input and the command line, as one text.

Each line is blank, a comment (`#` in front), or a directive and its values, split as `quoting.py` says.  The last line
of a directive wins, but `save` lines add up and client-output-buffer-limit changes the classes it names.  A wrong
value, an unknown word or a missing feature stops the start.
"""

from __future__ import annotations

from typing import Final

from redpoll.config.arguments import CommandLine
from redpoll.config.directive import Directive
from redpoll.config.quoting import split_line
from redpoll.config.schema import BY_NAME, IGNORED, find
from redpoll.config.settings import Config, Place, Rename
from redpoll.config.values import BadValue, Value
from redpoll.env.files import Files
from redpoll.errors import up_to_nul

BAD_DIRECTIVE: Final = b"Bad directive or wrong number of arguments"
UNBALANCED: Final = b"Unbalanced quotes in configuration line"
ZERO_BYTE: Final = b"A zero byte in the line: is this file text in UTF-8?"
NO_SUCH_COMMAND: Final = b"No such command in rename-command"
TARGET_EXISTS: Final = b"Target command name already exists"

MOST_NESTED: Final = 32
"""The greatest nesting of includes.  The reference crashes if a file includes itself."""

BLANKS: Final = b" \t\r"

LINE_WORDS: Final = (b"include", b"rename-command", b"user", b"loadmodule", b"sentinel")
"""Words that may begin a line but are not directives."""

DEFAULT_USER: Final = [
    b"on",
    b"nopass",
    b"sanitize-payload",
    b"~*",
    b"&*",
    b"+@all",
    b"alldbs",
    b"-@all",
    b"resetchannels",
]
"""Rules of the default user in files that a server rewrote; the last of +@all and -@all must be +@all."""


class ConfigError(Exception):
    """The configuration cannot be used.

    `place` is the line, None if the fault concerns the whole configuration.  `in_log` is whether the reference logs the
    fault instead of printing it on standard error.
    """

    def __init__(self, reason: bytes, place: Place | None = None, in_log: bool = False) -> None:
        super().__init__(reason.decode("utf-8", "replace"))
        self.reason = reason
        self.place = place
        self.in_log = in_log

    def frame(self, version: bytes) -> bytes:
        """The text for standard error."""
        text = b"\n*** FATAL CONFIG FILE ERROR (Version %s) ***\n" % version
        if self.place is not None:
            text += b"Reading the configuration file, at line %d\n>>> '%s'\n" % (self.place.number, self.place.text)
        return text + self.reason + b"\n"

    def report(self, version: bytes) -> bytes:
        """The text for the operator: one line for the command line; for a file the frame and the file's name."""
        place = self.place
        hint = nearest(self)
        if place is None:
            return self.frame(version)
        if not place.source:
            shown = b"--" + b" ".join(split_line(place.text) or [place.text])
            if self.reason == BAD_DIRECTIVE and place.name() not in LINE_WORDS:
                shown = b"there is no directive '%b'" % place.name() if place.text else b"a word without --name"
                if hint:
                    shown += b"; did you mean --%b?" % hint
                return b"redpoll server: %b  (redpoll server --help lists all)\n" % shown
            return b"redpoll server: %b: %b\n" % (shown, self.reason)
        return self.frame(version) + place.named() + (b"; did you mean '%b'?\n" % hint if hint else b"\n")


def nearest(wrong: ConfigError) -> bytes:
    """The directive with the most similar name to a mistyped word, empty if there is none."""
    if wrong.place is None or wrong.reason != BAD_DIRECTIVE or not wrong.place.text:
        return b""
    name = wrong.place.name()
    if name in LINE_WORDS:
        return b""
    word = name.decode("utf-8", "replace")
    from difflib import get_close_matches

    close = get_close_matches(word, [name.decode() for name in BY_NAME], 1)
    return close[0].encode() if close and close[0] != word else b""


def load(words: list[bytes], stdin: bytes, files: Files) -> Config:
    """Load the settings of a command line.  `words` are its arguments, `stdin` the content of standard input.

    Raises ConfigError.  `dir` changes the working folder as soon as it is read, because later paths are relative to it.
    """
    config = Config(files)
    reader = Reader(config)
    read_all(reader, CommandLine(words), stdin)
    reader.finish()
    return config


def faults(config: Config, words: list[bytes], stdin: bytes) -> list[ConfigError]:
    """Load the settings of a command line into `config`; return all faults, not only the first one.

    Creates no file: for a log file it only checks that the folder exists.
    """
    reader = Reader(config)
    reader.faults = []
    try:
        read_all(reader, CommandLine(words), stdin)
    except ConfigError as wrong:
        reader.faults.append(wrong)
    path = up_to_nul(config.text(b"logfile"))
    folder = config.files.absolute(path).rpartition(b"/")[0]
    if path and folder and not config.files.exists(folder):
        reader.faults.append(ConfigError(b"Can't open the log file: there is no folder %b" % folder))
    return reader.faults


def read_all(reader: Reader, asked: CommandLine, stdin: bytes) -> None:
    """Read file, standard input and command line, numbered as one text; raises ConfigError."""
    config = reader.config
    number = 1
    if asked.path is not None:
        config.path = config.files.absolute(asked.path)
        text = read_file(config.files, config.path)
        reader.read(text, 0, config.path, number)
        number += text.count(b"\n") + int(asked.reads_stdin and text != b"" and not text.endswith(b"\n"))
    if asked.reads_stdin:
        config.from_stdin = True
        reader.read(stdin, 0, b"-", number)
        number += stdin.count(b"\n")
    # In the reference an empty line precedes the command line; this affects the line numbers.
    reader.read(b"\n".join(asked.lines), 0, b"", number + 1)


def read_file(files: Files, path: bytes) -> bytes:
    """The content of a configuration file.  Raises ConfigError."""
    try:
        return files.read(path)
    except OSError as refused:
        reason = (refused.strerror or "").encode()
        raise ConfigError(b"Fatal error, can't open config file '%s': %s" % (path, reason), in_log=True) from refused


class Reader:
    """Reads lines into `config`, in order.  `finish` checks the configuration as a whole."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.save_points: list[bytes] = []
        self.saves_given = False
        """Whether a line has set `save`.  Its first line replaces the default points."""
        self.faults: list[ConfigError] | None = None
        """Where faults are gathered, None if the first one is raised."""

    def read(self, text: bytes, nested: int, source: bytes, first: int) -> None:
        """Read every line of `text`.  It is nested `nested` files deep, and begins with line `first` of its source.

        Raises ConfigError.
        """
        for number, raw in enumerate(text.split(b"\n"), first):
            line = raw.strip(BLANKS)
            if not line or line.startswith(b"#"):
                continue
            try:
                self.take_line(Place(number, line, source), nested)
            except ConfigError as wrong:
                if self.faults is None:
                    raise
                self.faults.append(wrong)

    def take_line(self, place: Place, nested: int) -> None:
        """Read one line.  Raises ConfigError."""
        if b"\0" in place.text and place.source:
            raise ConfigError(ZERO_BYTE, place)
        words = split_line(place.text)
        if words is None:
            raise ConfigError(UNBALANCED, place)
        if words:
            self.take(words, place, nested)

    def take(self, words: list[bytes], place: Place, nested: int) -> None:
        """Read one line, split into words.  Raises ConfigError."""
        name = words[0].lower()
        directive = find(name)
        try:
            if directive is not None:
                self.set(directive, directive.kind.words_of_line(words[1:]), place)
            elif name == b"include" and len(words) == 2:
                self.include(words[1], place, nested)
            elif not (name in IGNORED and len(words) == 2):
                self.take_other(name, words[1:], place)
        except BadValue as wrong:
            raise ConfigError(wrong.reason, place) from wrong

    def set(self, directive: Directive, words: list[bytes], place: Place) -> None:
        """Set a directive.  Save points are only collected here, because their lines add up."""
        if directive.name != b"save":
            self.config.assign(directive, words)
            return
        points = directive.kind.parse(words, Value(b"")).text.split()
        self.save_points = self.save_points + points if points else []
        self.saves_given = True

    def take_other(self, name: bytes, values: list[bytes], place: Place) -> None:
        """Read a line whose first word is not a directive.  Raises BadValue."""
        if name == b"rename-command" and len(values) == 2:
            self.rename(values[0].lower(), values[1].lower(), place)
        elif name == b"user" and values:
            if not is_plain_default_user(values):
                raise BadValue(b"user is not supported by this version of redpoll: use requirepass")
        elif name == b"loadmodule" and values:
            raise BadValue(b"loadmodule is not supported by redpoll: there are no modules")
        elif name == b"sentinel":
            raise BadValue(b"sentinel directive while not in sentinel mode")
        elif b"." in name:
            if not values:
                raise BadValue(b"Module config specified without value")
            raise BadValue(name + b" is not supported by redpoll: there are no modules")
        else:
            raise BadValue(BAD_DIRECTIVE)

    def rename(self, old: bytes, new: bytes, place: Place) -> None:
        """Remember a command to rename.  The server checks later whether it exists."""
        self.config.renames.append(Rename(old, new, place))

    def include(self, path: bytes, place: Place, nested: int) -> None:
        """Read the lines of a file, or of all files that match a pattern, in place of the line."""
        if nested == MOST_NESTED:
            raise BadValue(b"include goes deeper than %d files: does a file include itself?" % MOST_NESTED)
        files = self.config.files
        path = up_to_nul(path)
        is_pattern = b"*" in path or b"?" in path or b"[" in path
        for name in files.matching(path) if is_pattern else [path]:
            try:
                text = read_file(files, name)
            except ConfigError as wrong:
                wrong.place = place
                raise
            self.read(text, nested + 1, name, 1)

    def finish(self) -> None:
        """Check the configuration as a whole.  Raises ConfigError."""
        config = self.config
        if self.saves_given:
            config.assign(BY_NAME[b"save"], self.save_points)
        path = up_to_nul(config.text(b"logfile"))
        if path:
            try:
                config.files.append(path).close()
            except OSError as refused:
                raise ConfigError(b"Can't open the log file: " + (refused.strerror or "").encode()) from refused


def is_plain_default_user(values: list[bytes]) -> bool:
    """Whether a line `user` describes the default user as it is: on, without password, all commands allowed."""
    if values[0] != b"default" or b"on" not in values or b"nopass" not in values or b"~*" not in values:
        return False
    rules = [rule for rule in values[1:] if rule.endswith(b"@all")]
    return bool(rules) and rules[-1] == b"+@all" and all(rule in DEFAULT_USER for rule in values[1:])
