"""Settings arrive where they work: in `Options`, in the encoding limits, in the engine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import redpoll.commands
from redpoll.config.directive import EFFECT
from redpoll.config.schema import DIRECTIVES
from redpoll.engine.command import CATALOGUE, Command
from redpoll.engine.engine import Engine
from redpoll.engine.host import Host
from redpoll.engine.session import Peer, Session
from redpoll.engine.settings import NORMAL, PUBSUB, REPLICA, attribute_of
from redpoll.env.clock import Clock, VirtualClock
from redpoll.env.random import Random
from redpoll.protocol.reply import Error

assert redpoll.commands.FAMILIES

SOURCES = Path(__file__).resolve().parents[3] / "src" / "redpoll"

ATTRIBUTES = re.findall(
    r"^        self\.(\w+): (i64|bool|bytes) = ", (SOURCES / "engine/settings.py").read_text(), re.M
)
"""The attributes of `Options` that are copies of directives, and their types."""


@pytest.fixture
def engine() -> Engine:
    return Engine(Clock(), Random(1), 2)


@pytest.mark.parametrize(("attribute", "kind"), ATTRIBUTES)
def test_an_option_is_called_as_its_directive_and_holds_its_value(engine: Engine, attribute: str, kind: str) -> None:
    name = attribute.replace("_", "-").encode()
    config = engine.config
    expected = {"i64": config.integer, "bool": config.flag, "bytes": config.text}[kind](name)
    value = getattr(engine.options, attribute)
    assert (type(value), value) == (type(expected), expected)


def test_changes_arrive(engine: Engine) -> None:
    pairs = [
        b"timeout", b"7", b"protected-mode", b"no", b"maxmemory-policy", b"allkeys-lfu", b"requirepass", b"secret",
        b"hash-max-ziplist-entries", b"3", b"zset-max-listpack-value", b"1kb", b"proto-max-bulk-len", b"2mb",
    ]  # fmt: skip
    assert engine.config.set(pairs) == b""
    assert engine.options.timeout == 7
    assert not engine.options.protected_mode
    assert engine.eviction.policy == b"allkeys-lfu"
    assert engine.password == b"secret"
    assert engine.session_gates != 0
    assert (engine.moment.limits.hash_entries, engine.moment.limits.zset_value) == (3, 1024)
    assert engine.most_bulk_bytes == 2 << 20


def test_output_limits_are_kept_by_class(engine: Engine) -> None:
    assert engine.config.set([b"client-output-buffer-limit", b"pubsub 1kb 2 3 normal 4 5 6"]) == b""
    limits = engine.options.output_limits
    found = [(limits[at].hard, limits[at].soft, limits[at].seconds) for at in (NORMAL, REPLICA, PUBSUB)]
    assert found == [(4, 5, 6), (268435456, 67108864, 60), (1024, 2, 3)]


def test_a_size_beyond_63_bits_is_the_greatest(engine: Engine) -> None:
    # No attribute takes more than an i64, whatever the directive allows.
    assert engine.config.set([b"commandlog-request-larger-than", str(2**63 - 1).encode()]) == b""
    assert engine.options.commandlog_request_larger_than == 2**63 - 1


class Listening(Host):
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, message: str) -> None:
        self.lines.append(message)


def broken(session: Session, args: list[bytes]) -> object:
    raise ValueError("our mistake")


@pytest.mark.parametrize("hidden", [b"yes", b"no"])
def test_arguments_are_logged_only_if_that_is_wanted(hidden: bytes) -> None:
    host = Listening()
    engine = Engine(Clock(), Random(1), 1, host)
    get = CATALOGUE[b"get"]
    engine.commands[b"get"] = Command(get.spec, broken, get.index)
    assert engine.config.set([b"hide-user-data-from-log", hidden]) == b""
    reply = engine.execute(engine.open_session(Peer()), [b"get", b"secret"])
    assert isinstance(reply, Error)
    assert reply.text == b"ERR internal error"
    assert "our mistake" in host.lines[0]
    assert ("secret" in host.lines[0]) == (hidden == b"no")


def test_effort_decides_how_many_keys_expire_in_a_turn() -> None:
    left = []
    for effort in (b"1", b"10"):
        clock = VirtualClock()
        engine = Engine(clock, Random(1), 1)
        assert engine.config.set([b"active-expire-effort", effort]) == b""
        session = engine.open_session(Peer())
        engine.start_unit()
        for number in range(5000):
            engine.execute(session, [b"SET", b"k%d" % number, b"v", b"PX", b"1"])
        clock.advance_ms(2)
        engine.tick()
        left.append(engine.databases[0].table.size)
    assert 5000 > left[0] > left[1] > 0


def test_what_is_said_to_act_is_used_somewhere() -> None:
    """A directive marked EFFECT that nobody reads would be accepted and ignored."""
    paths = [path for path in sorted(SOURCES.rglob("*.py")) if not path.name.startswith("schema")]
    text = "\n".join(path.read_text() for path in paths)
    unused = [
        directive.name
        for directive in DIRECTIVES
        if directive.applies == EFFECT
        and f"options.{attribute_of(directive.name)}" not in text
        and f'b"{directive.name.decode()}"' not in text
    ]
    assert unused == []
