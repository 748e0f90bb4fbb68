"""The way of every command: resolving names, refusing, counting, time, and what happens by itself."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Kept, Machine, with_handler

from redpoll.engine.command import CATALOGUE
from redpoll.engine.engine import FIRST_ID, Engine, allows
from redpoll.engine.session import UNKNOWN, Session
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.errors import CommandError
from redpoll.keyspace.key_lookups import counted_bytes
from redpoll.protocol.reply import NO_REPLY, OK, PONG, QUEUED, Error


@pytest.fixture
def machine() -> Machine:
    return Machine()


def text_of(reply: object) -> str:
    assert isinstance(reply, Error), reply
    return reply.text.decode()


# ---- names


def test_names_are_taken_in_any_case_and_subcommands_too(machine: Machine) -> None:
    for word in ("PING", "ping", "PiNg"):
        assert machine.do(word) is PONG
    for words in (("CLIENT", "ID"), ("client", "id"), ("cLient", "iD")):
        assert machine.do(*words) == FIRST_ID
    assert machine.session.last_command == b"client|id"


def test_what_is_unknown_is_refused_by_name(machine: Machine) -> None:
    assert text_of(machine.do("NOSUCH", "a", "b")).startswith(
        "ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b'"
    )
    assert machine.session.last_command == UNKNOWN
    machine.do("PING")
    assert "unknown subcommand 'nosuch'" in text_of(machine.do("CLIENT", "nosuch"))
    assert machine.session.last_command == UNKNOWN
    assert text_of(machine.do("CLIENT")) == "ERR wrong number of arguments for 'client' command"


def test_the_number_of_arguments_is_checked(machine: Machine) -> None:
    for words in (("GET",), ("GET", "a", "b"), ("SET", "a"), ("CLIENT", "ID", "x")):
        assert text_of(machine.do(*words)).startswith("ERR wrong number of arguments")
    for words in (("GET", "a"), ("SET", "a", "b"), ("SET", "a", "b", "NX")):
        assert not isinstance(machine.do(*words), Error)
    get = CATALOGUE[b"get"].index
    assert (machine.engine.counters.rejected[get], machine.engine.counters.calls(get)) == (2, 1)


def test_what_args_mean_is_known_without_running_them(machine: Machine) -> None:
    for args, name in (
        ([b"Get", b"k"], b"get"), ([b"CLIENT", b"List"], b"client|list"), ([b"CLIENT"], b"client"),
        ([b"CLIENT", b"nosuch"], b"client"),
    ):  # fmt: skip
        found = machine.engine.meant(args)
        assert found is not None
        assert found.name == name
    assert machine.engine.meant([b"NOSUCH"]) is None


def test_a_browser_is_hung_up_on_where_there_is_a_connection(machine: Machine) -> None:
    client = machine.client()
    assert isinstance(client.do("POST /"), Error)
    assert not client.told.closed
    client.told.number = 5
    for word in ("POST /", "host: x"):
        client.told.closed = False
        assert client.do(word) is NO_REPLY
        assert client.told.closed
    # Told to the operator once a minute.
    assert len(machine.host.lines) == 1
    machine.clock.advance_ms(60_000)
    client.do("POST /")
    assert len(machine.host.lines) == 2


# ---- running


def test_a_command_counts_its_time_its_errors_and_its_session(machine: Machine) -> None:
    engine, session = machine.engine, machine.session

    def slow(session: Session, args: list[bytes]) -> object:
        machine.clock.at_us += 40
        if len(args) > 1:
            raise CommandError(b"ERR refused")
        return 1

    command = with_handler(slow)
    engine.start_unit()
    began = engine.read_us
    assert engine.run(session, command, [b"PING"]) == 1
    assert (engine.read_us, engine.moment.now_us, session.active_us) == (began + 40,) * 3
    assert isinstance(engine.run(session, command, [b"PING", b"x"]), Error)
    assert (engine.counters.calls(command.index), engine.counters.usec(command.index)) == (2, 80)
    assert (engine.counters.failed[command.index], session.commands, session.last_command) == (1, 2, b"ping")


def test_time_stands_still_in_a_transaction(machine: Machine) -> None:
    machine.clock.at_us = 1_700_000_000_000_000
    machine.do("CONFIG", "SET", "commandlog-execution-slower-than", 0)
    client = machine.client()
    replies = client.play("MULTI", "TIME", "DEBUG SLEEP 0.01", "TIME", "EXEC")
    assert isinstance(replies, list)
    assert replies[0] == replies[2]
    assert (machine.engine.frozen, client.session.atomic, client.session.executing) == (0, 0, 0)
    # The commands inside took their own time.
    assert [entry.amount for entry in machine.engine.outliers.slow.entries if entry.args[0] == b"DEBUG"] == [10_000]
    assert client.play("TIME") != replies[0]


def test_a_unit_ends_with_the_command(machine: Machine) -> None:
    kept = Kept()
    machine.engine.unit.attach(kept)
    client = machine.client()
    machine.engine.start_unit()
    machine.engine.run(client.session, CATALOGUE[b"set"], [b"SET", b"k", b"v"])
    assert kept.units == []
    machine.engine.end_unit(client.session)
    assert kept.units == ["0 SET k v"]


def test_while_a_script_runs_commands_of_others_belong_to_its_unit(machine: Machine) -> None:
    kept = Kept()
    engine = machine.engine
    engine.unit.attach(kept)
    machine.do("SET", "old", "v", "PX", 10)
    kept.units.clear()
    engine.frozen = 1
    before = engine.moment.now_us
    machine.clock.advance_ms(20)
    assert machine.client().do("SET k v") is OK
    engine.tick()
    assert (engine.moment.now_us, kept.units, engine.databases[0].table.size) == (before, [], 2)
    engine.frozen = 0
    engine.end_unit(machine.session)
    assert kept.units == ["0 SET k v"]


def test_a_session_remembers_where_its_last_effects_are(machine: Machine) -> None:
    engine = machine.engine
    engine.unit.attach(Kept())
    client = machine.client()
    engine.role.offset = 7
    client.do("SET k v")
    engine.role.offset = 9
    client.do("GET k")
    assert (client.session.stream_offset, client.session.journaled) == (7, 1)


def test_a_replica_deletes_no_expired_keys(machine: Machine) -> None:
    engine = machine.engine
    engine.role.is_replica = True
    engine.review_expiry()
    assert not engine.moment.deleting_expired
    engine.role.is_replica = False
    engine.review_expiry()
    assert engine.moment.deleting_expired


def test_refusals_spoil_a_transaction_or_end_it(machine: Machine) -> None:
    client = machine.client()
    client.do("MULTI")
    assert client.do("SET k v") is QUEUED
    reply = text_of(machine.engine.refuse(client.session, CATALOGUE[b"get"], b"ERR no"))
    assert reply == "ERR no"
    assert client.session.transaction is not None
    assert client.session.transaction.spoiled
    assert machine.engine.counters.rejected[CATALOGUE[b"get"].index] == 1
    client = machine.client()
    client.do("MULTI")
    aborted = text_of(machine.engine.refuse(client.session, CATALOGUE[b"exec"], b"ERR no"))
    assert aborted == "EXECABORT Transaction discarded because of: no"
    assert client.session.transaction is None


# ---- sessions and permissions


def test_a_closed_session_leaves_nothing_behind(machine: Machine) -> None:
    client = machine.client()
    client.play("WATCH k", "MONITOR", "MULTI")
    machine.engine.close_session(client.session)
    assert client.session.id not in machine.engine.sessions
    assert (machine.engine.interest.watchers, machine.engine.monitors.sessions) == ({}, [])
    assert client.session.transaction is None


def test_whom_a_directive_means(machine: Machine) -> None:
    client = machine.client()
    assert [allows(word, client.session) for word in (b"yes", b"local", b"no")] == [True, True, False]
    client.told.local = False
    assert [allows(word, client.session) for word in (b"yes", b"local", b"no")] == [True, False, False]


def test_a_password_closes_the_gate_of_those_who_are_not_in(machine: Machine) -> None:
    engine = machine.engine
    inside = machine.client()
    engine.require_password(b"secret")
    late = machine.client()
    assert inside.do("PING") is PONG
    assert text_of(late.do("PING")).startswith("NOAUTH")
    assert late.do("AUTH secret") is OK
    engine.require_password(b"")
    assert machine.client().do("PING") is PONG
    assert (engine.session_gates, late.session.gates) == (0, 0)


# ---- what happens by itself


def test_when_something_has_to_be_done_again(machine: Machine) -> None:
    engine = machine.engine
    assert engine.next_deadline_ms() == 0
    machine.do("SET", "k", "v", "PX", 100_000)
    assert engine.next_deadline_ms() == engine.moment.now_ms + 10
    client = machine.client()
    client.do("BZPOPMIN z 0.005")
    assert engine.next_deadline_ms() == engine.moment.now_ms + 5
    engine.pause.begin(engine.moment.now_ms + 3, True)
    assert engine.next_deadline_ms() == engine.moment.now_ms + 3
    engine.databases[0].flush()
    assert engine.next_deadline_ms() == engine.moment.now_ms + 1


def test_memory_of_what_was_dropped_comes_back_in_ticks(machine: Machine) -> None:
    for n in range(20_000):
        machine.do("SET", f"key:{n}", "v")
    machine.do("FLUSHALL", "ASYNC")
    assert machine.engine.reclaimer.pending() == 1
    ticks = 0
    while machine.engine.reclaimer.pending():
        machine.engine.tick()
        ticks += 1
    assert 1 <= ticks < 20
    assert machine.engine.reclaimer.freed == 20_000


def test_statistics_are_reset(machine: Machine) -> None:
    machine.do("SET", "k", "v")
    machine.do("GET", "k")
    machine.do("GET", "none")
    engine = machine.engine
    engine.moment.expired = engine.expiry.took_us = engine.tick_us = engine.reclaimer.freed = 5
    engine.reset_statistics()
    assert (engine.moment.hits, engine.moment.misses, engine.moment.expired) == (0, 0, 0)
    assert (engine.expiry.took_us, engine.tick_us, engine.reclaimer.freed, engine.counters.processed()) == (0, 0, 0, 0)


def test_memory_is_that_of_the_program_and_of_the_data(machine: Machine) -> None:
    engine = machine.engine
    empty = engine.used_memory()
    assert engine.startup_bytes == empty == sum(counted_bytes(db.table) for db in engine.databases)
    engine.count_program(1_000_000)
    assert (engine.used_memory(), engine.startup_bytes) == (empty + 1_000_000,) * 2
    machine.do("SET", "k", "v" * 1000)
    assert engine.used_memory() > empty + 1_001_000
    machine.do("FLUSHALL")
    assert engine.used_memory() == engine.startup_bytes


def test_engines_of_one_seed_are_alike_and_others_are_not() -> None:
    one, same, other = (Engine(VirtualClock(), Random(seed), 1) for seed in (7, 7, 8))
    assert one.run_id == same.run_id != other.run_id
    assert (len(one.run_id), len(one.role.history)) == (40, 40)
    assert one.run_id != one.role.history
