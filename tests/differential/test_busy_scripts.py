"""What two connections get while a script is busy, beside the reference, up to the end of the process."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.differential.links import until
from tests.differential.pair import difference_rows
from tests.differential.servers import Server, both
from tests.differential.wire import ConnectionClosedError, Reply, Wire, Word, encode

OPTIONS = ("--busy-reply-threshold", "20")
LIBRARY = """#!lua name=lib
redis.register_function('spin', function(keys, args)
    if args[1] then redis.call('set', 'written', args[1]) end
    while true do end
end)
redis.register_function{function_name = 'read', callback = function() while true do end end, flags = {'no-writes'}}
"""
SPIN = "while true do end"
WRITE_AND_SPIN = "redis.call('set', 'written', 1) while true do end"
STUBBORN = "while true do pcall(function() while true do end end) end"
IN_COROUTINE = "coroutine.wrap(function() while true do end end)()"


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    with both(*OPTIONS) as started:
        yield started


WIRES: list[Wire] = []


@pytest.fixture(autouse=True)
def closed_wires() -> Iterator[None]:
    yield
    while WIRES:
        WIRES.pop().close()


class Client:
    def __init__(self, server: Server) -> None:
        self.wire = Wire(server.port, 20.0)
        WIRES.append(self.wire)

    def send(self, *words: Word) -> None:
        self.wire.send(encode(words))

    def read(self) -> Reply:
        return self.wire.read()

    def __call__(self, *words: Word) -> Reply:
        self.send(*words)
        return self.read()


def await_busy(other: Client) -> None:
    """Wait until a client gets BUSY."""
    until(lambda: other("GET", "k").raw.startswith(b"-BUSY"), "BUSY")


def busy(server: Server, *words: Word) -> tuple[Client, Client]:
    """A client whose script is busy, and another one, which gets BUSY."""
    runs, other = Client(server), Client(server)
    runs.send(*words)
    await_busy(other)
    return runs, other


def without_times(reply: Reply) -> bytes:
    """A reply without durations."""
    return re.sub(rb"(duration_ms\r\n):\d+", rb"\1:n", reply.raw)


def is_free(other: Client) -> bool:
    """Whether no script is busy any more."""
    return other("GET", "k").raw == b"$-1\r\n"


def await_log(server: Server, text: str) -> None:
    """Wait until the log has a text."""
    until(lambda: text in server.log.read_text(), text)


OTHERS: tuple[tuple[Word, ...], ...] = (
    ("GET", "k"),
    ("PING",),
    ("INFO",),
    ("EVAL", "return 1", "0"),
    ("EVALSHA", "x" * 40, "0"),
    ("FCALL", "read", "0"),
    ("FUNCTION", "LIST"),
    ("FUNCTION", "STATS"),
    ("SCRIPT", "EXISTS", "x"),
    ("SCRIPT", "FLUSH"),
    ("SHUTDOWN",),
    ("SHUTDOWN", "SAVE"),
    ("CONFIG", "GET", "port"),
    ("NOSUCH",),
    ("GET",),
    ("MULTI",),
    ("SET", "k", "v"),
    ("WATCH", "k"),
    ("EXEC",),
    ("DISCARD",),
    ("SUBSCRIBE", "c"),
    ("CLIENT", "GETNAME"),
    ("CLIENT", "REPLY", "ON"),
    ("COMMAND", "COUNT"),
    ("HELLO",),
    ("AUTH", "x"),
    ("UNWATCH",),
    ("RESET",),
)


@pytest.mark.parametrize(
    "words",
    [
        ("EVAL", SPIN, "0"),
        ("EVAL", STUBBORN, "0"),
        ("EVAL", IN_COROUTINE, "0"),
        ("EVAL_RO", SPIN, "0"),
        ("EVAL", "#!lua flags=no-writes\n" + SPIN, "1", "k", "arg"),
        ("FCALL", "spin", "0"),
        ("FCALL", "read", "1", "k", "arg"),
        ("FCALL_RO", "read", "0"),
    ],
    ids=lambda words: " ".join(words)[:30],
)
def test_the_replies_to_others(pair: tuple[Server, Server], words: tuple[Word, ...]) -> None:
    found: list[list[object]] = []
    for server in pair:
        Client(server)("FUNCTION", "LOAD", LIBRARY)
        runs, other = busy(server, *words)
        answers: list[object] = []
        for each in OTHERS:
            reply = other(*each)
            # HELLO and COMMAND COUNT describe the server itself.
            answers.append((each, reply.kind if each[0] in ("HELLO", "COMMAND") else without_times(reply)))
        wrong, right = ("SCRIPT", "FUNCTION") if str(words[0]).startswith("FCALL") else ("FUNCTION", "SCRIPT")
        answers += [other(wrong, "KILL").raw, other("GET", "k").raw, other(right, "KILL").raw, runs.read().raw]
        answers += [other("GET", "k").raw, other(right, "KILL").raw, without_times(other("FUNCTION", "STATS"))]
        answers += [runs(*words[:1], "return 7", "0").raw if words[0] == "EVAL" else b"", runs("PING").raw]
        found.append(answers)
    assert found[1] == found[0]


@pytest.mark.parametrize(
    "words", [("EVAL", WRITE_AND_SPIN, "0"), ("FCALL", "spin", "0", "x")], ids=["script", "function"]
)
def test_one_that_has_written_ends_with_the_server(pair: tuple[Server, Server], words: tuple[Word, ...]) -> None:
    found = []
    for server in pair:
        Client(server)("FUNCTION", "LOAD", LIBRARY)
        runs, other = busy(server, *words)
        answers = [other(*each).raw for each in (("SCRIPT", "KILL"), ("FUNCTION", "KILL"), ("SHUTDOWN",), ("GET", "k"))]
        other.send("SHUTDOWN", "NOSAVE")
        with pytest.raises(ConnectionClosedError) as closed:
            other.read()
        answers.append(closed.value.rest)
        with pytest.raises(ConnectionClosedError):
            runs.read()
        process = server.process
        assert process is not None
        answers.append(process.wait(20))
        found.append(answers)
    assert found[1] == found[0]


@pytest.mark.parametrize("in_transaction", [False, True])
def test_half_a_script_never_reaches_the_file(in_transaction: bool) -> None:
    found = []
    with both(*OPTIONS, "--appendonly", "yes") as servers:
        for server in servers:
            runs, other = Client(server), Client(server)
            runs("SET", "a", "1")
            words = [encode(("EVAL", WRITE_AND_SPIN, "0"))]
            if in_transaction:
                words = [encode(("MULTI",)), encode(("SET", "b", "1")), *words, encode(("SET", "c", "1")), b"EXEC\r\n"]
            runs.wire.send(b"".join(words))
            await_busy(other)
            other.send("SHUTDOWN", "NOSAVE")
            assert server.process is not None
            server.process.wait(20)
            [journal] = Path(server.folder.name).rglob("*.incr.aof")
            found.append(journal.read_bytes())
    assert found[1] == found[0]
    assert b"written" not in found[1]


@pytest.mark.parametrize("script", [SPIN, WRITE_AND_SPIN])
def test_a_signal_waits_for_a_script_that_has_written(script: str) -> None:
    """redpoll ends a script that has not written; the reference waits for it too."""
    assert "script-signal" in difference_rows()
    with both(*OPTIONS) as servers:
        for server in servers:
            _, other = busy(server, "EVAL", script, "0")
            process = server.process
            assert process is not None
            process.send_signal(signal.SIGTERM)
            await_log(server, "Received SIGTERM")
            if script == SPIN and server is servers[1]:
                assert process.wait(20) == 0
                continue
            # A turn of the loop later it still answers.
            assert [other("GET", "k").raw[:5] for _ in range(50)] == [b"-BUSY"] * 50
            other.send("SHUTDOWN", "NOSAVE")
            assert process.wait(20) == 0


def test_a_busy_script_in_a_transaction(pair: tuple[Server, Server]) -> None:
    found = []
    for server in pair:
        runs, other = Client(server), Client(server)
        answers = [runs(*words).raw for words in (("MULTI",), ("SET", "a", "1"), ("EVAL", SPIN, "0"), ("INCR", "a"))]
        runs.send("EXEC")
        await_busy(other)
        answers += [other("SCRIPT", "KILL").raw, runs.read().raw, other("GET", "a").raw]
        found.append(answers)
    assert found[1] == found[0]


def test_pipelined_commands_behind_a_busy_script(pair: tuple[Server, Server]) -> None:
    """What the same client sends behind its script waits; what others sent while it ran is refused."""
    found = []
    for server in pair:
        runs, other = Client(server), Client(server)
        runs.wire.send(encode(("EVAL", SPIN, "0")) + encode(("SET", "a", "1")) + encode(("GET", "a")))
        await_busy(other)
        other.wire.send(encode(("SET", "b", "1")) + encode(("SCRIPT", "KILL")) + encode(("PING",)))
        answers = [other.read().raw, other.read().raw]
        last = other.read().raw
        # Whether the script has ended by then is left to chance.
        assert last == b"+PONG\r\n" or last.startswith(b"-BUSY")
        answers += [runs.read().raw, runs.read().raw, runs.read().raw, other("GET", "b").raw]
        found.append(answers)
    assert found[1] == found[0]


def test_a_client_that_leaves_does_not_end_its_script(pair: tuple[Server, Server]) -> None:
    found = []
    for server in pair:
        runs, other = busy(server, "EVAL", SPIN, "0")
        runs.wire.close()
        answers = [other("GET", "k").raw for _ in range(3)]
        answers.append(other("SCRIPT", "KILL").raw)
        until(partial(is_free, other), "the end")
        answers.append(other("PING").raw)
        found.append(answers)
    assert found[1] == found[0]
