"""A client of two servers: what is sent goes to both, and what both answer is compared byte for byte.

A looser comparison has a name: `unordered`, `within`, `shape`, `error_code`, `apart_from`.  What is known to differ goes
through `differs`, which wants a row of docs/differences.md.  `play` reads a session as one would type it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.differential.servers import ROOT, Server, self_test
from tests.differential.wire import ConnectionClosedError, Reply, Wire, Word, encode, spell

DIFFERENCES = ROOT / "docs" / "differences.md"

Comparison = Callable[[Reply, Reply], bool]


def exact(theirs: Reply, ours: Reply) -> bool:
    return theirs.raw == ours.raw


def groups(reply: Reply, step: int) -> list[tuple[bytes, ...]]:
    """The elements, `step` at a time, sorted: two replies with equal groups differ in order at most."""
    raws = [item.raw for item in reply.items]
    return sorted(tuple(raws[at : at + step]) for at in range(0, len(raws), step))


def unordered(theirs: Reply, ours: Reply, pairs: bool = False) -> bool:
    """Equal but for the order of elements; of field and value pairs if it is a map, or a flat array of `pairs`."""
    step = 2 if pairs or theirs.kind == "%" else 1
    head = theirs.raw.partition(b"\r\n")[0]
    return head == ours.raw.partition(b"\r\n")[0] and groups(theirs, step) == groups(ours, step)


def within(tolerance: int, theirs: Reply, ours: Reply) -> bool:
    """Equal but for integers, which may be `tolerance` apart, -1 and -2 (which are no times) excepted."""
    if theirs.kind != ours.kind or len(theirs.items) != len(ours.items):
        return False
    if theirs.items:
        return all(within(tolerance, *both) for both in zip(theirs.items, ours.items, strict=True))
    if theirs.kind != ":":
        return theirs.raw == ours.raw
    if theirs.integer < 0 or ours.integer < 0:
        return theirs.integer == ours.integer
    return abs(theirs.integer - ours.integer) <= tolerance


def same_shape(theirs: Reply, ours: Reply) -> bool:
    """Equal in types and lengths of arrays; a null is not a bulk."""
    if theirs.kind != ours.kind or (theirs.text is None) != (ours.text is None) or len(theirs.items) != len(ours.items):
        return False
    return all(same_shape(*both) for both in zip(theirs.items, ours.items, strict=True))


def same_error_code(theirs: Reply, ours: Reply) -> bool:
    return theirs.is_error and ours.is_error and (theirs.text or b"").split()[0] == (ours.text or b"").split()[0]


def without(pattern: bytes, reply: Reply) -> tuple[object, ...]:
    """The reply as nested tuples, with what matches `pattern` blotted out of its texts."""
    text = None if reply.text is None else re.sub(pattern, b"*", reply.text)
    if reply.items or reply.kind in "*%~>":
        text = None
    return (reply.kind, text, *(without(pattern, item) for item in reply.items))


def difference_rows() -> set[str]:
    """The names of the rows of docs/differences.md: the first cell of each, in backquotes."""
    return set(re.findall(r"^\| `([a-z0-9-]+)`", DIFFERENCES.read_text(), re.MULTILINE))


def words_of(line: str) -> tuple[Word, ...]:
    """A line as one types it at redis-cli: shell quotes, and in double ones \\x00, \\r, \\n."""
    found: list[Word] = []
    for quoted, plain in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line):
        if plain:
            found.extend(shlex.split(plain))
        else:
            found.append(quoted.encode("latin-1").decode("unicode_escape").encode("latin-1"))
    return tuple(found)


class NoAnswerError(AssertionError):
    """A server closed or kept silent: what it would answer to the next command is anybody's guess."""


class Pair:
    """One connection to each server.

    theirs, ours     the reference and the server under test
    protocol         2 or 3
    """

    def __init__(self, theirs: Server, ours: Server, protocol: int) -> None:
        self.servers = (theirs, ours)
        self.protocol = protocol
        self.seconds: list[Pair] = []
        self.sent: list[tuple[Word, ...]] = []
        self.theirs = Wire(theirs.port)
        try:
            self.ours = Wire(ours.port)
        except OSError:
            self.theirs.close()
            raise
        if protocol == 3:
            try:
                self.both("HELLO", 3)
            except BaseException:
                self.close()
                raise

    # ---- sending and comparing

    def do(self, *words: Word) -> Reply:
        """Send, read one reply of each, compare the bytes; theirs."""
        return self.compare(exact, *words)

    def unordered(self, *words: Word, pairs: bool = False) -> Reply:
        """As `do`, with elements in any order: of a set, a map, or a flat array of `pairs`."""
        return self.compare(lambda theirs, ours: unordered(theirs, ours, pairs), *words)

    def within(self, tolerance: int, *words: Word) -> Reply:
        """As `do`, with integers up to `tolerance` apart."""
        return self.compare(lambda theirs, ours: within(tolerance, theirs, ours), *words)

    def shape(self, *words: Word) -> Reply:
        """Types and lengths of arrays only."""
        return self.compare(same_shape, *words)

    def error_code(self, *words: Word) -> Reply:
        """Both are errors that start with the same word."""
        return self.compare(same_error_code, *words)

    def apart_from(self, pattern: bytes, *words: Word) -> Reply:
        """As `do`, with what matches `pattern` in any text blotted out."""
        return self.compare(lambda theirs, ours: without(pattern, theirs) == without(pattern, ours), *words)

    def differs(self, row: str, *words: Word) -> Reply:
        """A known difference, the `row` of docs/differences.md; ours.  Fails once both answer the same."""
        assert row in difference_rows(), f"docs/differences.md has no row `{row}`"
        theirs, ours = self.both(*words)
        assert theirs.raw != ours.raw or self_test(), f"no longer different: strike `{row}` out of docs/differences.md"
        return ours

    def play(self, session: str) -> None:
        """Compare the replies to each line; blank lines and `#` comments are for the reader.

        All lines run, and all that differ are told.  A line that starts with `~` is compared without order, with `~~`
        as pairs without order, with `±` within 100.
        """
        failures = []
        for line in session.splitlines():
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            mark, words = re.fullmatch(r"(~~|~|±)?\s*(.*)", text).groups()  # type: ignore[union-attr]
            try:
                if mark is None:
                    self.do(*words_of(words))
                elif mark == "±":
                    self.within(100, *words_of(words))
                else:
                    self.unordered(*words_of(words), pairs=mark == "~~")
            except AssertionError as failure:
                failures.append(str(failure))
                if isinstance(failure, NoAnswerError):
                    break
        if failures:
            pytest.fail(f"{len(failures)} differ:\n" + "\n".join(failures[:30]), pytrace=False)

    def compare(self, alike: Comparison, *words: Word) -> Reply:
        theirs, ours = self.both(*words)
        self.judge(alike, theirs, ours, words)
        return theirs

    def both(self, *words: Word) -> tuple[Reply, Reply]:
        """The two replies, not compared."""
        self.theirs.send(encode(words))
        self.ours.send(encode(words))
        return self._read_both(words)

    def wait_ms(self, ms: int) -> None:
        """Ask both for the time until their clocks are more than `ms` further: a deadline in so long is past then."""
        deadline = max(self._now_us()) + 1000 * (ms + 1)
        while min(self._now_us()) <= deadline:
            pass

    def _now_us(self) -> list[int]:
        found = []
        for reply in self.both("TIME"):
            seconds, micros = (int(item.text or b"") for item in reply.items)
            found.append(seconds * 1_000_000 + micros)
        return found

    def judge(self, alike: Comparison, theirs: Reply, ours: Reply, words: tuple[Word, ...]) -> None:
        if not alike(theirs, ours):
            theirs_name, ours_name = (server.name for server in self.servers)
            width = max(len(theirs_name), len(ours_name)) + 1
            raise AssertionError(
                f"RESP{self.protocol}> {spell(words)}\n"
                f"  {theirs_name + ':':{width}} {theirs}\n"
                f"  {ours_name + ':':{width}} {ours}"
            )

    def _read_both(self, words: tuple[Word, ...]) -> tuple[Reply, Reply]:
        replies = []
        for wire, server in zip((self.theirs, self.ours), self.servers, strict=True):
            try:
                replies.append(wire.read())
            except (ConnectionClosedError, ConnectionResetError, TimeoutError) as failure:
                raise NoAnswerError(f"RESP{self.protocol}> {spell(words)}\n  {server.name}: {failure!r}") from failure
        return replies[0], replies[1]

    # ---- sending now, reading later

    def send(self, *words: Word) -> None:
        """Send without reading: a command that blocks, or a pipeline."""
        self.sent.append(words)
        self.theirs.send(encode(words))
        self.ours.send(encode(words))

    def read(self, alike: Comparison = exact) -> Reply:
        """The reply to the oldest command sent and not yet read, compared; theirs."""
        words = self.sent.pop(0)
        theirs, ours = self._read_both(words)
        self.judge(alike, theirs, ours, words)
        return theirs

    def silent(self, seconds: float = 0.03) -> None:
        """Nothing comes from either side for some time: the client is blocked."""
        both = [wire.silent_for(seconds) for wire in (self.theirs, self.ours)]
        assert both == [b"", b""], f"silence was awaited, but: {both[0]!r}, {both[1]!r}"

    def pushes(self, count: int) -> list[Reply]:
        """The next `count` pushes, compared; theirs."""
        found = []
        for _ in range(count):
            theirs, ours = self.theirs.read_push(), self.ours.read_push()
            self.judge(exact, theirs, ours, ("(push)",))
            found.append(theirs)
        return found

    # ---- bytes as they are

    def raw(self, data: bytes, *, closes: bool = False) -> bytes:
        """Send bytes as they are; all that comes, compared.

        Until the servers close if that `closes` the connection, else up to the reply to an ECHO sent behind, which is
        left out.
        """
        ends = b"the end of what was asked"
        got = []
        for wire, server in zip((self.theirs, self.ours), self.servers, strict=True):
            wire.send(data if closes else data + encode(("ECHO", ends)))
            if closes:
                try:
                    got.append(wire.read_until_closed())
                except TimeoutError:
                    raise AssertionError(f"{server.name} does not close after {data[:200]!r}") from None
                continue
            parts = []
            try:
                while (reply := wire.read()).text != ends:
                    parts.append(reply.raw)
            except (ConnectionClosedError, ConnectionResetError, TimeoutError) as failure:
                raise AssertionError(f"{data[:200]!r}\n  {server.name}: {failure!r} after {parts!r}") from failure
            got.append(b"".join(parts))
        assert got[0] == got[1], (
            f"RESP{self.protocol}> {data[:200]!r}\n  {self.servers[0].name}: {got[0]!r}\n  {self.servers[1].name}: {got[1]!r}"
        )
        return got[0]

    def raw_waits(self, data: bytes, seconds: float = 0.03) -> None:
        """Send bytes that are no whole request: neither side answers or closes."""
        self.theirs.send(data)
        self.ours.send(data)
        self.silent(seconds)

    def closed(self) -> None:
        """Both servers have closed this connection, and said nothing more."""
        both = [wire.read_until_closed() for wire in (self.theirs, self.ours)]
        assert both == [b"", b""], both

    # ---- around it

    def second(self, protocol: int | None = None) -> Pair:
        """Another connection to both, of the same protocol; closed together with this one."""
        other = Pair(*self.servers, protocol or self.protocol)
        self.seconds.append(other)
        return other

    def fresh(self) -> None:
        """Empty both servers."""
        for wire in (self.theirs, self.ours):
            wire.send(encode(("FLUSHALL",)))
        for wire in (self.theirs, self.ours):
            assert wire.read().raw == b"+OK\r\n"

    def needs(self, *names: str) -> None:
        """Skip the test while the server under test lacks one of these commands."""
        for name in names:
            self.ours.send(encode(("COMMAND", "INFO", name)))
            if not self.ours.read().items[0].items:
                pytest.skip(f"{name} is not there yet")

    @contextmanager
    def config(self, name: str, value: Word) -> Iterator[None]:
        """The directive set on both, and put back at the end."""
        before = []
        for wire in (self.theirs, self.ours):
            wire.send(encode(("CONFIG", "GET", name)))
            before.append(wire.read().items[1].text or b"")
        self.do("CONFIG", "SET", name, value)
        try:
            yield
        finally:
            for wire, old in zip((self.theirs, self.ours), before, strict=True):
                wire.send(encode(("CONFIG", "SET", name, old)))
                assert wire.read().raw == b"+OK\r\n"

    def close(self) -> None:
        for other in self.seconds:
            other.close()
        self.theirs.close()
        self.ours.close()
