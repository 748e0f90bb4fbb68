"""HOTKEYS: sessions that measure the processor time and bandwidth of keys, as in Redis 8.6."""

from __future__ import annotations

from typing import Final

from redpoll.catalogue.spec import ADMIN, NOSCRIPT
from redpoll.commands.containers import container, help_command
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.hot_keys import Measurement
from redpoll.engine.session import Session
from redpoll.errors import (
    HOTKEYS_BUSY,
    HOTKEYS_COUNT,
    HOTKEYS_CPU_TWICE,
    HOTKEYS_DURATION,
    HOTKEYS_METRICS_COUNT,
    HOTKEYS_METRICS_NONE,
    HOTKEYS_METRICS_NUMBER,
    HOTKEYS_METRICS_REQUIRED,
    HOTKEYS_NET_TWICE,
    HOTKEYS_SAMPLE,
    HOTKEYS_SLOTS,
    HOTKEYS_STOP_FIRST,
    SYNTAX,
    CommandError,
)
from redpoll.observe.hot_keys_report import measurement_fields
from redpoll.protocol.reply import OK, Map

METRICS: Final = 2
MOST_SECONDS: Final = 1_000_000
GREATEST_RATIO: Final = 2**31 - 1

hotkeys = container(
    "hotkeys", group="server", since="8.6.0",
    summary="Measure the processor time and bandwidth of keys.",
)  # fmt: skip


class StartOptions:
    """The options of HOTKEYS START."""

    def __init__(self) -> None:
        self.cpu = False
        self.net = False
        self.count = 10
        self.seconds = 0
        self.ratio = 1

    def read_metrics(self, args: list[bytes], at: int) -> int:
        """Read `n [CPU] [NET]` with the number at `at`; return the index of the next option."""
        number = integer(args[at], HOTKEYS_METRICS_COUNT) if at < len(args) else 0
        if not 0 < number <= METRICS:
            raise CommandError(HOTKEYS_METRICS_COUNT)
        at += 1
        found = 0
        while at < len(args) and found < number:
            word = args[at].upper()
            if word == b"CPU":
                if self.cpu:
                    raise CommandError(HOTKEYS_CPU_TWICE)
                self.cpu = True
            elif word == b"NET":
                if self.net:
                    raise CommandError(HOTKEYS_NET_TWICE)
                self.net = True
            else:
                break
            found += 1
            at += 1
        if found == 0:
            raise CommandError(HOTKEYS_METRICS_NONE)
        if found != number:
            raise CommandError(HOTKEYS_METRICS_NUMBER)
        return at

    def read(self, args: list[bytes]) -> None:
        """Read all options; raises CommandError."""
        if len(args) < 3 or args[2].upper() != b"METRICS":
            raise CommandError(HOTKEYS_METRICS_REQUIRED)
        at = self.read_metrics(args, 3)
        while at < len(args):
            word = args[at].upper()
            if word == b"SLOTS":
                raise CommandError(HOTKEYS_SLOTS)
            if at + 1 >= len(args):
                raise CommandError(SYNTAX)
            value = args[at + 1]
            if word == b"COUNT":
                self.count = within(value, 1, 64, HOTKEYS_COUNT)
            elif word == b"DURATION":
                self.seconds = within(value, 0, MOST_SECONDS, HOTKEYS_DURATION)
            elif word == b"SAMPLE":
                self.ratio = within(value, 1, GREATEST_RATIO, HOTKEYS_SAMPLE)
            else:
                raise CommandError(SYNTAX)
            at += 2


def within(word: bytes, least: int, most: int, complaint: bytes) -> int:
    number = integer(word, complaint)
    if not least <= number <= most:
        raise CommandError(complaint)
    return number


@command(
    "hotkeys|start", arity=-2, flags=ADMIN | NOSCRIPT, group="server",
    arguments="[METRICS (data: count:integer [CPU] [NET])] [COUNT k:integer] [DURATION seconds:integer] "
    "[SAMPLE ratio:integer]",
    since="8.6.0", complexity="O(1)", summary="Start to measure all commands, or one in `ratio`.",
)  # fmt: skip
def hotkeys_start(session: Session, args: list[bytes]) -> object:
    hot_keys = session.engine.hot_keys
    running = hot_keys.measured()
    if running is not None and running.active:
        raise CommandError(HOTKEYS_BUSY)
    wanted = StartOptions()
    wanted.read(args)
    hot_keys.start(Measurement(session.engine, wanted.cpu, wanted.net, wanted.count, wanted.seconds, wanted.ratio))
    return OK


@command(
    "hotkeys|stop", arity=2, flags=ADMIN | NOSCRIPT, group="server",
    since="8.6.0", complexity="O(1)", summary="Stop measuring, and keep the results.",
)  # fmt: skip
def hotkeys_stop(session: Session, args: list[bytes]) -> object:
    hot_keys = session.engine.hot_keys
    running = hot_keys.measured()
    if running is None or not running.active:
        return None
    hot_keys.stop()
    return OK


@command(
    "hotkeys|get", arity=2, flags=ADMIN | NOSCRIPT, group="server",
    since="8.6.0", complexity="O(keys shown)", summary="Return the results of the current or last session.",
)  # fmt: skip
def hotkeys_get(session: Session, args: list[bytes]) -> object:
    measured = session.engine.hot_keys.measured()
    if measured is None:
        return None
    return [Map(measurement_fields(measured))]


@command(
    "hotkeys|reset", arity=2, flags=ADMIN | NOSCRIPT, group="server",
    since="8.6.0", complexity="O(1)", summary="Drop the results.",
)  # fmt: skip
def hotkeys_reset(session: Session, args: list[bytes]) -> object:
    hot_keys = session.engine.hot_keys
    measured = hot_keys.measured()
    if measured is not None and measured.active:
        raise CommandError(HOTKEYS_STOP_FIRST)
    hot_keys.reset()
    return OK


help_command(hotkeys, since="8.6.0")
