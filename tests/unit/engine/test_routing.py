"""A router refuses commands with keys, alone and in a transaction; without one nothing is asked."""

from __future__ import annotations

from tests.unit.engine.machine import Machine

from redpoll.engine.command import Command
from redpoll.engine.gates import GATE_CLUSTER
from redpoll.engine.routing import Router
from redpoll.engine.session import Session
from redpoll.protocol.reply import Error, Status


class Elsewhere(Router):
    """Sends every command with the key `far` away, and remembers what was published."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.published: list[tuple[bytes, bytes, bool]] = []

    def refusal(self, session: Session, command: Command, args: list[bytes]) -> bytes:
        self.asked.append(command.name)
        queued = session.transaction.queued if session.transaction is not None and command.name == b"exec" else []
        return b"MOVED 1 :1" if any(b"far" in words for words in [args, *queued]) else b""

    def publish(self, channel: bytes, payload: bytes, shard: bool) -> None:
        self.published.append((channel, payload, shard))


def text_of(reply: object) -> bytes:
    assert isinstance(reply, Error | Status)
    return reply.text


def routed(router: Router) -> Machine:
    machine = Machine()
    machine.engine.router = router
    machine.engine.gates |= GATE_CLUSTER
    return machine


def test_the_router_is_asked_about_commands_with_keys() -> None:
    router = Elsewhere()
    machine = routed(router)
    assert text_of(machine.do("SET", "near", "1")) == b"OK"
    assert machine.do("GET", "near") == b"1"
    assert text_of(machine.do("PING")) == b"PONG"
    assert text_of(machine.do("GET", "far")) == b"MOVED 1 :1"
    assert router.asked == [b"set", b"get", b"get"]


def test_a_redirection_spoils_a_transaction() -> None:
    machine = routed(Elsewhere())
    machine.do("MULTI")
    assert text_of(machine.do("GET", "far")) == b"MOVED 1 :1"
    assert text_of(machine.do("EXEC")).startswith(b"EXECABORT")


def test_a_redirected_exec_ends_the_transaction() -> None:
    router = Elsewhere()
    machine = routed(Router())
    machine.do("MULTI")
    machine.do("GET", "far")
    machine.engine.router = router
    assert text_of(machine.do("EXEC")) == b"MOVED 1 :1"
    assert machine.session.transaction is None
    assert text_of(machine.do("EXEC")) == b"ERR EXEC without MULTI"


def test_messages_are_spread() -> None:
    router = Elsewhere()
    machine = routed(router)
    assert machine.do("PUBLISH", "news", "hi") == 0
    assert machine.do("SPUBLISH", "shard", "hi") == 0
    assert router.published == [(b"news", b"hi", False), (b"shard", b"hi", True)]


def test_the_default_router_lets_everything_run() -> None:
    machine = routed(Router())
    assert text_of(machine.do("SET", "far", "1")) == b"OK"
    assert machine.do("PUBLISH", "a", "b") == 0
