"""An engine on virtual time for tests: run commands, let them take as long as is wanted."""

from __future__ import annotations

from redpoll import commands
from redpoll.catalogue.spec import Spec
from redpoll.engine.command import CATALOGUE, Command
from redpoll.engine.engine import Engine
from redpoll.engine.host import Host
from redpoll.engine.session import Peer, Session
from redpoll.engine.unit import Journal
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.protocol.reply import Message

FAMILIES = commands.FAMILIES


class Listening(Host):
    """A host that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        self.lines.append(message)


class Kept(Journal):
    """Shows each write as one line: `0 SET a 1, 1 SET b 2`."""

    def __init__(self) -> None:
        self.units: list[str] = []

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        lines = [f"{db} {b' '.join(effect).decode()}" for db, effect in zip(databases, effects, strict=True)]
        self.units.append(", ".join(lines))


class Told(Peer):
    """A peer that remembers what its connection would have done."""

    def __init__(self) -> None:
        self.replies: list[object] = []
        self.messages: list[Message] = []
        self.spreads: list[int] = []
        self.requeued: list[list[bytes]] = []
        self.resumed = 0
        self.order: list[int] = []
        """The ids of resumed sessions; peers may share it."""
        self.closed = False
        self.number = -1
        self.local = True

    def descriptor(self) -> int:
        return self.number

    def is_local(self) -> bool:
        return self.local

    def deliver(self, session: Session, reply: object) -> None:
        self.replies.append(reply)

    def push(self, session: Session, message: Message) -> None:
        self.messages.append(message)

    def spread(self, work: int) -> None:
        self.spreads.append(work)

    def taken(self) -> list[Message]:
        """The messages that came since this was asked last."""
        messages = self.messages
        self.messages = []
        return messages

    def requeue(self, args: list[bytes]) -> None:
        self.requeued.append(args)

    def resume(self, session: Session) -> None:
        self.resumed += 1
        self.order.append(session.id)

    def close(self) -> None:
        self.closed = True


class Client:
    """One more session of a machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.told = Told()
        self.session = machine.engine.open_session(self.told)

    def do(self, line: str) -> object:
        """Run a line's command; its reply."""
        self.machine.engine.start_unit()
        return self.machine.engine.execute(self.session, [word.encode() for word in line.split()])

    def play(self, *lines: str) -> object:
        """Run several; the last one's reply."""
        reply: object = None
        for line in lines:
            reply = self.do(line)
        return reply

    def heard(self) -> list[object]:
        """The replies that came later, since this was asked last."""
        replies = self.told.replies
        self.told.replies = []
        return replies


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

    def client(self) -> Client:
        return Client(self)

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


__all__ = ["Client", "Kept", "Machine", "Session", "Told", "with_handler"]
