"""The current settings: typed access, search by pattern, and atomic changes.

Hot paths do not read settings here: they keep copies, and an `Effects` updates these after a change.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import mypyc_attr

from redpoll.config.directive import NO_EFFECT, NOT_YET, Directive
from redpoll.config.quoting import split_line
from redpoll.config.schema import BY_NAME, DIRECTIVES, find
from redpoll.config.special_values import expanded_title, title_variables
from redpoll.config.values import BadValue, Value
from redpoll.env.files import Files
from redpoll.errors import up_to_nul

FAILED: Final = b"ERR CONFIG SET failed (possibly related to argument '%s') - %s"
UNKNOWN: Final = b"ERR Unknown option or number of arguments for CONFIG SET - '%s'"

IMMUTABLE: Final = b"can't set immutable config"
PROTECTED: Final = b"can't set protected config"
DUPLICATE: Final = b"duplicate parameter"


@mypyc_attr(allow_interpreted_subclasses=True)
class NameGlob:
    """How CONFIG GET matches a pattern.  A higher room with globs subclasses it."""

    def matches(self, pattern: bytes, name: bytes) -> bool:
        """Whether `name`, in lower case, fits `pattern`, in any case."""
        raise NotImplementedError


@mypyc_attr(allow_interpreted_subclasses=True)
class Effects:
    """A listener to changes of settings.  Subclass it and pass it to `Config.listen`."""

    def apply(self, name: bytes, config: Config) -> bytes:
        """Apply the setting `name`, which has just changed.  If that fails, return the reason and keep the old state.

        Called again with the old value if another part of the same CONFIG SET fails.
        """
        raise NotImplementedError


class Rename:
    """A line `rename-command`.  `new` is empty if the command is removed.  `where` is for error messages."""

    def __init__(self, old: bytes, new: bytes, where: Place) -> None:
        self.old = old
        self.new = new
        self.where = where


class Place:
    """A line of the configuration: its number from 1, its stripped text, and its source.

    `source` is the path of a file, `-` for standard input, or empty for the command line.
    """

    def __init__(self, number: int, text: bytes, source: bytes) -> None:
        self.number = number
        self.text = text
        self.source = source

    def name(self) -> bytes:
        """The first word of the line, in lower case and without quotes; empty if there is none."""
        words = split_line(self.text) or self.text.split()
        return words[0].lower() if words else b""

    def named(self) -> bytes:
        """The place of the line, for an operator."""
        return b"In %b, line %d" % (b"standard input" if self.source == b"-" else self.source, self.number)


class Config:
    """Every directive's value.

    `path` is the absolute path of the file that was read, empty if none.  `renames` has the commands to rename.
    `remarks` has lines to log about the settings; `take_remarks` returns them once.
    """

    def __init__(self, files: Files) -> None:
        self.files: Final = files
        self.values: dict[bytes, Value] = {directive.name: directive.default for directive in DIRECTIVES}
        self.values[b"dir"] = Value(files.working_folder())
        self.listeners: dict[bytes, list[Effects]] = {}
        self.path = b""
        self.from_stdin = False
        """Whether standard input was read."""
        self.renames: list[Rename] = []
        self.remarks: list[str] = []
        self.not_yet: list[str] = []
        """Directives of missing features that were set since the last remarks."""

    # ---- reading

    def value(self, name: bytes) -> Value:
        """The value of a directive, by its main name."""
        return self.values[name]

    def text(self, name: bytes) -> bytes:
        """The value as CONFIG GET shows it."""
        return self.values[name].text

    def string(self, name: bytes) -> str:
        """The value as a str, for paths and words.  It ends at a zero byte."""
        return up_to_nul(self.values[name].text).decode("utf-8", "surrogateescape")

    def integer(self, name: bytes) -> int:
        """The value as a number: a size in bytes, an octal, a set of bits, or -N for N%."""
        return self.values[name].number

    def flag(self, name: bytes) -> bool:
        """The value as a bool."""
        return self.values[name].number != 0

    def words(self, name: bytes) -> list[bytes]:
        """The items of a list."""
        return self.values[name].text.split()

    def get(self, patterns: list[bytes], glob: NameGlob) -> list[tuple[bytes, bytes]]:
        """The names and values that match `patterns`, sorted by name, each once.  O(directives * patterns).

        A pattern without `*`, `?` and `[` is a name: it also finds hidden directives, and the reply repeats its
        spelling.
        """
        found: dict[bytes, tuple[bytes, bytes]] = {}
        for pattern in patterns:
            if b"*" not in pattern and b"?" not in pattern and b"[" not in pattern:
                directive = find(pattern)
                if directive is not None:
                    found.setdefault(pattern.lower(), (pattern, self.text(directive.name)))
                continue
            for name, directive in BY_NAME.items():
                if not directive.hidden and name not in found and glob.matches(pattern, name):
                    found[name] = (name, self.text(directive.name))
        return sorted(found.values())

    # ---- changing

    def listen(self, name: bytes, effects: Effects) -> None:
        """Call `effects` after every change of `name`."""
        if name not in self.values:
            raise ValueError(f"no such directive: {name.decode()}")
        self.listeners.setdefault(name, []).append(effects)

    def refused_while_loading(self, pairs: list[bytes]) -> bool:
        """Whether a name in `pairs` must not be set while the server loads; CONFIG SET then answers LOADING."""
        for at in range(0, len(pairs), 2):
            directive = find(pairs[at])
            if directive is not None and directive.refused_while_loading:
                return True
        return False

    def set(self, pairs: list[bytes], local: bool = False) -> bytes:
        """Set names to values, given alternately.  Returns the error for the client if nothing was changed, else empty.

        `local` is whether the client is on this machine; `enable-protected-configs local` requires it.
        """
        complaint = self.first_refused(pairs, local)
        if complaint:
            return complaint
        before: dict[bytes, Value] = {}
        for at in range(0, len(pairs), 2):
            directive = BY_NAME[pairs[at].lower()]
            old = self.values[directive.name]
            try:
                self.assign(directive, directive.kind.words_of_string(pairs[at + 1]))
            except BadValue as wrong:
                self.restore(before)
                return FAILED % (pairs[at], wrong.reason)
            if self.values[directive.name].text != old.text:
                before.setdefault(directive.name, old)
        return self.apply(pairs, before)

    def first_refused(self, pairs: list[bytes], local: bool) -> bytes:
        """The error for the first name that may not be set at all; empty if all may be set."""
        seen: set[bytes] = set()
        open_to = self.text(b"enable-protected-configs")
        for at in range(0, len(pairs), 2):
            name = pairs[at].lower()
            directive = BY_NAME.get(name)
            if directive is None:
                return UNKNOWN % up_to_nul(pairs[at])
            if directive.immutable:
                return FAILED % (pairs[at], IMMUTABLE)
            if directive.protected and open_to != b"yes" and not (open_to == b"local" and local):
                return FAILED % (pairs[at], PROTECTED)
            if name in seen:
                return FAILED % (pairs[at], DUPLICATE)
            seen.add(name)
        return b""

    def assign(self, directive: Directive, words: list[bytes]) -> None:
        """Set one directive without its effects; raises BadValue.  The working folder is changed at once."""
        name = directive.name
        value = directive.parse(words, self.values[name])
        if name == b"dir":
            try:
                self.files.enter(up_to_nul(value.text))
            except OSError as refused:
                raise BadValue((refused.strerror or "").encode()) from refused
            value = Value(self.files.working_folder())
        elif name == b"proc-title-template":
            self.title(value.text, b"")
        self.values[name] = value
        if directive.applies == NO_EFFECT and value.text != directive.default.text:
            self.remarks.append(f"{name.decode()} is accepted, but has no effect in redpoll")
        if directive.applies == NOT_YET and value.text != directive.default.text:
            self.not_yet.append(name.decode())

    def title(self, template: bytes, name: bytes) -> bytes:
        """The process title from a template, for a process called `name`.  Raises BadValue if it is empty."""
        return expanded_title(template, title_variables(self.values, name, self.path))

    def apply(self, pairs: list[bytes], before: dict[bytes, Value]) -> bytes:
        """Run the effects of what was changed, each once; if one fails, undo all and give the error."""
        applied: list[bytes] = []
        for at in range(0, len(pairs), 2):
            name = BY_NAME[pairs[at].lower()].name
            if name not in before or name in applied:
                continue
            applied.append(name)
            reason = self.tell(name)
            if reason:
                self.restore(before)
                for done in reversed(applied):
                    self.tell(done)
                return FAILED % (pairs[at], reason)
        return b""

    def tell(self, name: bytes) -> bytes:
        """Call every listener of `name`; return the first reason for a failure."""
        for effects in self.listeners.get(name, []):
            reason = effects.apply(name, self)
            if reason:
                return reason
        return b""

    def restore(self, before: dict[bytes, Value]) -> None:
        """Put old values back."""
        for name, value in before.items():
            self.values[name] = value
            if name == b"dir":
                self.files.enter(value.text)

    def take_remarks(self) -> list[str]:
        """The lines to log about settings that changed since the last call."""
        remarks = self.remarks
        if self.not_yet:
            names = ", ".join(sorted(set(self.not_yet)))
            remarks.append(f"accepted, but without effect in this version of redpoll: {names}")
        self.remarks = []
        self.not_yet = []
        return remarks
