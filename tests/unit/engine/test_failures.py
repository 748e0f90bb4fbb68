"""What goes wrong inside a command: it answers an error, counts, and the engine lives."""

from __future__ import annotations

from tests.unit.engine.machine import Machine, Session, with_handler

from redpoll.engine.command import CATALOGUE, Command
from redpoll.protocol.reply import BLOCKED, Error


def out_of_memory(session: Session, args: list[bytes]) -> object:
    raise MemoryError


def mistaken(session: Session, args: list[bytes]) -> object:
    raise ZeroDivisionError("a mistake of ours")


def broken(name: bytes) -> Command:
    """A command of the catalogue whose handler fails."""
    found = CATALOGUE[name]
    return Command(found.spec, mistaken, found.index)


def test_out_of_memory_in_one_command_is_an_error() -> None:
    machine = Machine()
    reply = machine.engine.run(machine.session, with_handler(out_of_memory), [b"PING"])
    assert isinstance(reply, Error)
    assert reply.text == b"OOM out of memory while running 'ping'"
    assert machine.lines("errorstats") == {"errorstat_OOM": "count=1"}
    assert machine.lines("commandstats")["cmdstat_ping"].endswith("failed_calls=1")
    assert machine.lines("stats")["internal_errors"] == "0"


def test_a_mistake_of_ours_is_an_error_that_the_log_tells() -> None:
    machine = Machine()
    reply = machine.engine.run(machine.session, with_handler(mistaken), [b"PING"])
    assert isinstance(reply, Error)
    assert reply.text == b"ERR internal error"
    assert "internal error in 'ping'" in machine.host.lines[0]
    assert "ZeroDivisionError: a mistake of ours" in machine.host.lines[0]
    stats = machine.lines("stats")
    assert stats["internal_errors"] == stats["unexpected_error_replies"] == "1"


def test_debug_oom_lets_a_command_find_no_memory() -> None:
    machine = Machine()
    reply = machine.do("DEBUG", "OOM")
    assert isinstance(reply, Error)
    assert reply.text == b"OOM out of memory while running 'debug'"


def test_faults_are_refused_inside_another_program() -> None:
    machine = Machine()
    for word in ("SEGFAULT", "PANIC", "ASSERT"):
        reply = machine.do("DEBUG", word)
        assert isinstance(reply, Error)
        assert reply.text.startswith(b"ERR this ends a server")


def test_a_transaction_without_memory_lets_time_go_on() -> None:
    machine = Machine()
    engine = machine.engine
    machine.do("MULTI")
    transaction = machine.session.transaction
    assert transaction is not None
    # No client can send this: it stands for what goes wrong between two commands.
    transaction.queued.append([])
    reply = machine.do("EXEC")
    assert isinstance(reply, Error)
    assert engine.frozen == 0
    assert machine.session.executing == 0
    assert machine.do("BZPOPMIN", "z", 0) is BLOCKED


def test_the_log_shows_no_password_of_a_renamed_command() -> None:
    machine = Machine()
    engine = machine.engine
    engine.options.hide_user_data_from_log = False
    engine.commands[b"letmein"] = engine.commands.pop(b"auth")
    engine.run(machine.session, broken(b"auth"), [b"letmein", b"secret"])
    assert "'auth' [b'letmein', b'(redacted)']" in machine.host.lines[0]
