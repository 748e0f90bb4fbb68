"""Sessions: what they are at first, what CLIENT LIST shows of them, and what they may do."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Kept, Machine

from redpoll.engine.role import Follower
from redpoll.engine.session import LOUD, UNKNOWN, Buffers, Peer, Transaction
from redpoll.engine.settings import NORMAL, REPLICA
from redpoll.keyspace.events import EXPIRE


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_new_session_has_the_first_database_and_nothing_else(machine: Machine) -> None:
    session = machine.client().session
    assert session.db is machine.engine.databases[0]
    assert (session.resp, session.gates, session.authenticated, session.user) == (2, 0, True, b"default")
    assert (session.name, session.lib_name, session.lib_version, session.last_command) == (b"", b"", b"", UNKNOWN)
    assert (session.commands, session.executing, session.atomic, session.quiet) == (0, 0, 0, LOUD)
    assert (session.transaction, session.waiting, session.tried) == (None, None, None)
    assert (session.watched, session.watched_stale, session.watch_broken) == ({}, set(), False)
    assert session.created_us == session.active_us == machine.engine.moment.now_us
    assert (session.monitors, session.readonly, session.no_evict, session.capa_redirect) == (False,) * 4
    assert (session.had_transaction, session.may_block, session.output_class()) == (False, True, NORMAL)


def test_ids_count_on(machine: Machine) -> None:
    first, second = machine.client().session, machine.client().session
    assert second.id == first.id + 1
    machine.engine.close_session(second)
    assert machine.client().session.id == second.id + 1
    assert second.id not in machine.engine.sessions
    machine.engine.close_session(second)


def test_flags_are_those_of_client_list(machine: Machine) -> None:
    client, other = machine.client(), machine.client()
    session = client.session
    assert session.flags() == b"N"
    for lines, flags in (
        (["MULTI"], b"x"),
        (["DISCARD", "WATCH k"], b"N"),
        (["READONLY"], b"r"),
        (["CLIENT NO-EVICT ON"], b"re"),
        (["CLIENT NO-TOUCH ON"], b"reT"),
        (["RESET"], b"N"),
    ):
        client.play(*lines)
        assert session.flags() == flags
    client.do("WATCH k")
    other.do("SET k v")
    assert session.flags() == b"d"
    client.do("UNWATCH")
    client.do("MONITOR")
    assert session.flags() == b"O"
    client.do("RESET")
    client.do("BZPOPMIN z 0")
    assert session.flags() == b"b"
    session.executing = 2
    assert session.flags() == b"xb"


def test_who_may_block_and_who_may_be_idle(machine: Machine) -> None:
    client = machine.client()
    session = client.session
    assert (session.can_block(), session.may_be_idle(), session.waits(), session.is_postponed()) == (
        True,
        True,
        False,
        False,
    )
    session.atomic = 1
    assert not session.can_block()
    session.atomic = 0
    session.may_block = False
    assert not session.can_block()
    session.may_block = True
    client.do("BZPOPMIN z 0")
    assert (session.may_be_idle(), session.waits(), session.is_postponed()) == (False, True, False)
    machine.engine.blocking.stop(session)
    client.do("MONITOR")
    assert not session.may_be_idle()
    client.do("RESET")
    machine.do("CLIENT", "PAUSE", 100)
    client.do("GET k")
    assert (session.waits(), session.is_postponed()) == (True, True)


def test_a_further_event_is_told_to_who_listens_alone(machine: Machine) -> None:
    client, other = machine.client(), machine.client()
    client.session.also(b"k", EXPIRE)
    other.do("WATCH k")
    client.session.also(b"j", EXPIRE)
    assert not other.session.watch_broken
    client.session.also(b"k", EXPIRE)
    assert other.session.watch_broken


def test_what_a_command_says_to_the_journal(machine: Machine) -> None:
    kept = Kept()
    machine.engine.unit.attach(kept)
    session = machine.client().session
    machine.engine.moment.changes += 1
    session.journal_as([b"A"])
    session.journal_as([b"B"])
    machine.engine.unit.note(0, [b"IT"])
    machine.engine.unit.end()
    session.journal_always()
    machine.engine.unit.note(0, [b"IT"])
    machine.engine.unit.end()
    assert kept.units == ["0 MULTI, 0 A, 0 B, 0 EXEC", "0 IT"]


def test_a_peer_without_a_connection_does_nothing(machine: Machine) -> None:
    peer = Peer()
    assert (peer.address(), peer.local_address(), peer.source()) == (b"?:0", b"?:0", b"?:0")
    assert (peer.descriptor(), peer.marks(), peer.is_local()) == (-1, b"", True)
    held = peer.buffers()
    assert isinstance(held, Buffers)
    assert (held.request, held.reply, held.backlog, held.pieces, held.received, held.sent, held.writing) == (0,) * 6 + (
        False,
    )
    session = machine.client().session
    peer.deliver(session, None)
    peer.requeue([])
    peer.resume(session)
    for end in (peer.close_after_reply, peer.close, peer.freeze, peer.hush):
        end()


def test_a_transaction_begins_empty() -> None:
    transaction = Transaction()
    assert (transaction.queued, transaction.spoiled, transaction.gates, transaction.weighed) == ([], False, 0, False)


class Attached(Follower):
    def is_attached(self) -> bool:
        return True


def test_a_replica_has_a_class_and_a_type_of_its_own(machine: Machine) -> None:
    session = machine.client().session
    session.follower = Follower()
    assert (session.output_class(), session.kind(), session.may_be_idle()) == (NORMAL, b"normal", True)
    session.follower = Attached()
    assert (session.output_class(), session.kind(), session.may_be_idle()) == (REPLICA, b"slave", False)


def test_asking_holds_for_one_command_or_one_transaction(machine: Machine) -> None:
    session = machine.client().session
    assert not session.is_asking()
    session.asks_until = session.commands
    assert session.is_asking()
    session.commands += 1
    assert not session.is_asking()
    session.transaction = Transaction()
    assert not session.is_asking()
    session.transaction.asking = True
    assert session.is_asking()
