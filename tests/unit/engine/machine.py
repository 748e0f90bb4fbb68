"""An engine on virtual time for tests: run commands, let them take as long as is wanted."""

from __future__ import annotations

from redpoll import commands
from redpoll.catalogue.spec import Spec
from redpoll.engine.command import CATALOGUE, Command
from redpoll.engine.engine import Engine
from redpoll.engine.host import Host
from redpoll.engine.session import Peer, Session
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random

FAMILIES = commands.FAMILIES


class Listening(Host):
    """A host that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        self.lines.append(message)


class Machine:
    """`do` runs a command as a client would; DEBUG SLEEP moves the clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.host = Listening()
        self.engine = Engine(self.clock, Random(1), 4, self.host)
        self.engine.options.enable_debug_command = b"yes"
        self.session = self.engine.open_session(Peer())

    def do(self, *words: str | bytes | int) -> object:
        self.engine.start_unit()
        args = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        return self.engine.execute(self.session, args)

    def lines(self, *sections: str) -> dict[str, str]:
        """INFO's fields."""
        reply = self.do("INFO", *sections)
        text: bytes = reply.text  # type: ignore[attr-defined]
        return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)


def with_handler(handler: object) -> Command:
    """PING with another handler, not part of the catalogue."""
    ping = CATALOGUE[b"ping"]
    spec: Spec = ping.spec
    return Command(spec, handler, ping.index)  # type: ignore[arg-type]


__all__ = ["Machine", "Session", "with_handler"]
