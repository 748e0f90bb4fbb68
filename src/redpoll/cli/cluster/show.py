"""What the subcommands show: lines, tables, progress bars, questions."""

from __future__ import annotations

import sys
import time

from redpoll.cli.cluster.words import Refusal

BAR = 28
PER_REFRESH = 0.1


def say(line: str = "") -> None:
    print(line, flush=True)


def warn(line: str) -> None:
    print(f"[WARNING] {line}", flush=True)


def table(rows: list[list[str]], right: tuple[int, ...] = ()) -> list[str]:
    """Lines with columns as wide as their widest cell; the columns in `right` are aligned to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.rjust(widths[n]) if n in right else cell.ljust(widths[n]) for n, cell in enumerate(row)]
        lines.append("  ".join(cells).rstrip())
    return lines


def agreed(question: str, yes: bool) -> None:
    """Ask the user to type yes.  `yes` is the option that answers the question.  Raises Refusal."""
    if yes:
        return
    try:
        answer = input(f"{question} (type 'yes' to accept): ")
    except EOFError:
        say()
        raise Refusal("nothing was changed: there is nobody to ask; --yes answers all questions with yes") from None
    if answer.strip().lower() != "yes":
        raise Refusal("nothing was changed")


def asked(question: str, option: str) -> str:
    """The user's answer to an open question.  Raises Refusal if there is nobody to ask."""
    try:
        return input(question).strip()
    except EOFError:
        say()
        raise Refusal(f"nothing was changed: there is nobody to ask; pass {option}") from None


class Meter:
    """A progress bar on a terminal; it shows nothing elsewhere.  `advance` counts units."""

    def __init__(self, title: str, total: int, noun: str = "slots") -> None:
        self.title = title
        self.total = total
        self.noun = noun
        self.done = 0
        self.keys = 0
        self.started = time.monotonic()
        self.shown = 0.0
        self.shows = sys.stderr.isatty()

    def advance(self, units: int = 1, keys: int = 0) -> None:
        self.done += units
        self.keys += keys
        now = time.monotonic()
        if self.shows and (now - self.shown >= PER_REFRESH or self.done >= self.total):
            self.shown = now
            sys.stderr.write(f"\r{self.line(now)}\x1b[K")
            sys.stderr.flush()

    def line(self, now: float) -> str:
        """`moving  [#####.....]  45 %  12 of 26 slots  1,204 keys  3 s left`."""
        share = min(1.0, self.done / self.total) if self.total else 1.0
        bar = "#" * int(share * BAR)
        parts = [
            f"{self.title}  [{bar:.<{BAR}}] {int(100 * share):3} %",
            f"{self.done:,} of {self.total:,} {self.noun}",
        ]
        if self.keys:
            parts.append(f"{self.keys:,} keys")
        if 0 < share < 1:
            parts.append(f"{(now - self.started) * (1 - share) / share:.0f} s left")
        return "  ".join(parts)

    def end(self) -> None:
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
