"""What the subcommands share of their words: refusals, addresses, sets of slots as text."""

from __future__ import annotations

from typing import NamedTuple

from redpoll.cluster.slot_sets import ranges

HIGHEST_PORT = 65535


class Refusal(Exception):
    """What cannot be done, why, and what the user can do about it."""


class Address(NamedTuple):
    """Where clients reach a node."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def address(text: str) -> Address:
    """Read HOST:PORT, [IPV6]:PORT or IPV6:PORT; what follows an @ (the bus port) is dropped.  Raises ValueError."""
    host, colon, port = text.partition("@")[0].rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) <= HIGHEST_PORT:
        raise ValueError(f"'{text}' is not an address: write HOST:PORT, as in 127.0.0.1:7000")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def slots_text(slots: int) -> str:
    """A set of slots as `0-99,200`; `-` if it is empty."""
    found = ranges(slots)
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in found) or "-"


def plural(count: int, noun: str) -> str:
    """`1 slot`, `1,234 slots`, `2 processes`."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"
