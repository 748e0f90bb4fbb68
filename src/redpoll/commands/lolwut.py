"""LOLWUT: a birch in winter with a flock of redpolls, another one each time."""

from __future__ import annotations

from typing import Final

from redpoll.catalogue.spec import FAST, READONLY
from redpoll.engine.args import Args, integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.env.random import Random
from redpoll.errors import SYNTAX, CommandError
from redpoll.protocol.reply import Verbatim
from redpoll.version import REFERENCE_VERSION

COLUMNS: Final = 66
ROWS: Final = 22
MOST: Final = 200
SNOW: Final = b".,'"
FLYING: Final = (b"v", b"^v", b"~v~")
PERCHED: Final = (b",>", b"<,")


@command(
    "lolwut", arity=-1, flags=READONLY | FAST, group="server", arguments="[VERSION version:integer]",
    since="5.0.0", complexity="O(columns * rows)", summary="Draw a picture and show the version.",
)  # fmt: skip
def lolwut(session: Session, args: list[bytes]) -> object:
    words = Args(args, 1)
    if words.left() > 1 and args[1].upper() == b"VERSION":
        integer(args[2])
        words = Args(args, 3)
    columns = min(max(words.integer(), 0), MOST) if words.left() > 0 else COLUMNS
    rows = min(max(words.integer(), 0), MOST) if words.left() > 0 else ROWS
    if words.left() > 0:
        raise CommandError(SYNTAX)
    picture = Picture(session.engine.random, columns, rows)
    picture.draw()
    return Verbatim(picture.text() + b"\nredpoll, to its clients Valkey ver. %b\n" % REFERENCE_VERSION)


class Picture:
    """Rows of characters.  Anything outside the picture is not drawn."""

    def __init__(self, random: Random, columns: int, rows: int) -> None:
        self.random: Final = random
        self.columns = columns
        self.rows = rows
        self.canvas: Final = [bytearray(b" " * columns) for _ in range(rows)]

    def draw(self) -> None:
        for _ in range(self.columns * self.rows // 40):
            self.put(self.chance(self.columns), self.chance(self.rows), SNOW[self.chance(3) :][:1])
        self.branch(self.columns / 2, self.rows - 1.0, 0.0, self.rows / 4)
        for _ in range(self.columns // 12):
            flying = FLYING[self.chance(3)]
            self.put(self.chance(self.columns), self.chance(self.rows // 2), flying)
        for x in range(self.columns):
            self.put(x, self.rows - 1, b"_" if x % 7 else b"-")

    def chance(self, stop: int) -> int:
        return self.random.below(stop) if stop > 0 else 0

    def branch(self, x: float, y: float, slope: float, length: float) -> None:
        """Draw a branch from (x, y) upwards, `slope` columns for each row, and shorter branches that grow from it."""
        step = 0.0
        while step < length:
            self.put(int(x), int(y), b"|" if abs(slope) < 0.4 else b"/" if slope > 0 else b"\\")
            x += slope
            y -= 1
            step += 1
        if length < 2:
            if self.chance(4) == 0:
                self.put(int(x), int(y), PERCHED[self.chance(2)])
            return
        for bend in (-0.7, 0.1, 0.8):
            self.branch(x, y, slope + bend + 0.4 * (self.random.fraction() - 0.5), length * 0.62)

    def put(self, x: int, y: int, mark: bytes) -> None:
        if 0 <= y < self.rows and x >= 0 and x + len(mark) <= self.columns:
            self.canvas[y][x : x + len(mark)] = mark

    def text(self) -> bytes:
        return b"".join([bytes(row).rstrip() + b"\n" for row in self.canvas])
