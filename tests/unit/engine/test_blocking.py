"""Sessions that wait for keys: in which order they are served, what wakes them, and what is left of them afterwards."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Client, Machine, with_handler

from redpoll.engine.blocking import ANY_CHANGE, HASHES, HEAD, LISTS, SETS, STREAMS, ZSETS, LateReply, Waiting
from redpoll.engine.command import CATALOGUE
from redpoll.engine.session import Session
from redpoll.errors import UNBLOCKED
from redpoll.keyspace.moment import AWAITED, REPLACEMENT_AWAITED
from redpoll.protocol.reply import BLOCKED, NULL_ARRAY, Double, Error
from redpoll.types.kinds import TYPE_NAME


@pytest.fixture
def machine() -> Machine:
    return Machine()


def popped(client: Client) -> list[bytes]:
    """The key and member of each pop that was delivered since this was asked last."""
    told = []
    for reply in client.heard():
        assert isinstance(reply, list)
        key, member, score = reply
        assert isinstance(score, Double)
        told.append(key + b":" + member)
    return told


def waiting(machine: Machine, count: int, line: str = "BZPOPMIN k 0") -> list[Client]:
    clients = [machine.client() for _ in range(count)]
    for client in clients:
        assert client.do(line) is BLOCKED
        assert client.session.waits()
    return clients


def nobody_waits(machine: Machine) -> None:
    blocking, moment = machine.engine.blocking, machine.engine.moment
    assert (blocking.queues, blocking.timed, blocking.masks, blocking.ready, blocking.is_ready) == (
        {},
        {},
        {},
        [],
        set(),
    )
    assert (moment.awaited, moment.interest & (AWAITED | REPLACEMENT_AWAITED)) == (0, 0)


# ---- who is served


def test_masks_name_the_kinds_of_a_type() -> None:
    for mask, name in ((LISTS, b"list"), (SETS, b"set"), (HASHES, b"hash"), (ZSETS, b"zset"), (STREAMS, b"stream")):
        assert [kind for kind in range(len(TYPE_NAME)) if mask >> kind & 1] == [
            kind for kind, told in enumerate(TYPE_NAME) if told == name
        ]
    assert max(LISTS, SETS, HASHES, ZSETS, STREAMS) < ANY_CHANGE


@pytest.mark.parametrize("elements", [1, 2, HEAD - 1, HEAD, HEAD + 1, 2 * HEAD + 3])
@pytest.mark.parametrize("count", [1, HEAD, HEAD + 1, 2 * HEAD + 5])
def test_first_come_first_served(machine: Machine, count: int, elements: int) -> None:
    clients = waiting(machine, count)
    machine.do("ZADD", "k", *(word for n in range(elements) for word in (n, f"m{n:02}")))
    for n, client in enumerate(clients):
        assert popped(client) == ([b"k:m%02d" % n] if n < elements else [])
        assert client.session.waits() == (n >= elements)
        assert client.told.resumed == int(n < elements)
    assert machine.do("EXISTS", "k") == int(elements > count)
    if elements >= count:
        nobody_waits(machine)
    else:
        assert list(machine.engine.blocking.queues[(0, b"k")]) == [client.session for client in clients[elements:]]


@pytest.mark.parametrize("size", [1, 70, 9000])
def test_every_encoding_serves_who_waits(machine: Machine, size: int) -> None:
    """A long member makes the large one."""
    for waits, line in (("BZPOPMIN k 0", "ZADD k 1"), ("BLPOP k 0", "RPUSH k")):
        client = waiting(machine, 1, waits)[0]
        machine.do(*line.split(), "m" * size)
        (reply,) = client.heard()
        assert isinstance(reply, list)
        assert reply[:2] == [b"k", b"m" * size]
    nobody_waits(machine)


def test_keys_are_served_in_the_order_of_their_changes(machine: Machine) -> None:
    first, second = waiting(machine, 1, "BZPOPMIN a b 0")[0], waiting(machine, 1, "BZPOPMIN b a 0")[0]
    machine.client().play("MULTI", "ZADD b 1 m", "ZADD a 1 n", "ZADD b 2 o", "EXEC")
    # Of the key that became ready first the session that waits longest is asked, and looks in its own order.
    assert popped(first) == [b"a:n"]
    assert popped(second) == [b"b:m"]
    nobody_waits(machine)


def test_a_session_that_is_served_leaves_all_queues(machine: Machine) -> None:
    client = waiting(machine, 1, "BZPOPMIN a b c b 0")[0]
    assert set(machine.engine.blocking.queues) == {(0, b"a"), (0, b"b"), (0, b"c")}
    machine.do("ZADD", "b", 1, "m", 2, "n")
    assert popped(client) == [b"b:m"]
    nobody_waits(machine)
    machine.do("ZADD", "a", 1, "m")
    assert popped(client) == []


def test_only_keys_of_its_database_serve_a_session(machine: Machine) -> None:
    client = machine.client()
    client.play("SELECT 2", "BZPOPMIN k 0")
    machine.do("ZADD", "k", 1, "m")
    assert popped(client) == []
    machine.do("SELECT", 2)
    machine.do("ZADD", "k", 1, "n")
    assert popped(client) == [b"k:n"]
    nobody_waits(machine)


ARRIVALS = [
    "ZADD k 1 m", "RENAME other k", "COPY other k", "MULTI|ZADD k 1 m|EXEC", "MULTI|SET k x|DEL k|ZADD k 1 m|EXEC",
    "MULTI|ZADD k 5 z|DEL k|ZADD k 1 m|EXEC", "SELECT 1|ZADD k 1 m|SWAPDB 0 1|SELECT 0",
    "SELECT 1|ZADD k 1 m|MOVE k 0|SELECT 0", "MULTI|ZADD k 1 m|EXPIRE k 100|EXEC",
]  # fmt: skip


@pytest.mark.parametrize("lines", ARRIVALS)
def test_a_key_may_come_by_any_way(machine: Machine, lines: str) -> None:
    machine.do("ZADD", "other", 1, "m")
    client = waiting(machine, 1)[0]
    for line in lines.split("|"):
        machine.do(*line.split())
    assert popped(client) == [b"k:m"]
    nobody_waits(machine)


OTHERS = [
    "SET k x", "HSET k f v", "SADD k m", "MULTI|ZADD k 1 m|DEL k|EXEC", "MULTI|ZADD k 1 m|SET k x|EXEC",
    "MULTI|ZADD k 1 m|DEL k|HSET k f v|EXEC", "MULTI|ZADD k 1 m|RENAME text k|EXEC", "MULTI|ZADD k 1 m|FLUSHALL|EXEC",
    "MULTI|ZADD k 1 m|FLUSHALL|APPEND k x|EXEC", "MULTI|ZADD k 1 m|SWAPDB 0 1|EXEC|SELECT 1", "ZADD j 1 m",
    "MULTI|ZADD k 1 m|ZREM k m|EXEC", "MULTI|ZADD k 1 m|PEXPIRE k -1|EXEC", "GET k", "ZRANGE k 0 -1",
]  # fmt: skip


@pytest.mark.parametrize("lines", OTHERS)
def test_what_is_no_sorted_set_in_the_end_lets_it_wait_on(machine: Machine, lines: str) -> None:
    machine.do("SET", "text", "x")
    client = waiting(machine, 1)[0]
    before = machine.engine.blocking.queues
    for line in lines.split("|"):
        machine.do(*line.split())
    assert client.heard() == []
    assert client.session.waits()
    assert machine.engine.blocking.queues == before
    assert (machine.engine.blocking.ready, machine.engine.blocking.is_ready) == ([], set())
    machine.do("SELECT", 0)
    machine.do("DEL", "k")
    machine.do("ZADD", "k", 1, "later")
    assert popped(client) == [b"k:later"]


def test_a_key_that_is_past_its_deadline_serves_nobody(machine: Machine) -> None:
    machine.do("SELECT", 1)
    machine.do("ZADD", "k", 1, "m")
    machine.do("PEXPIRE", "k", 10)
    machine.do("SELECT", 0)
    client = waiting(machine, 1)[0]
    machine.clock.advance_ms(10)
    machine.do("SWAPDB", 0, 1)
    assert client.heard() == []
    assert client.session.waits()


def test_a_served_session_that_finds_a_wrong_type_before_its_key_is_told_so(machine: Machine) -> None:
    client = waiting(machine, 1, "BZPOPMIN a k 0")[0]
    machine.do("SET", "a", "text")
    assert client.heard() == []
    machine.do("ZADD", "k", 1, "m")
    replies = client.heard()
    assert len(replies) == 1
    assert isinstance(replies[0], Error)
    assert replies[0].text.startswith(b"WRONGTYPE")
    nobody_waits(machine)


def test_a_session_served_by_another_ones_change_may_wake_a_third(machine: Machine) -> None:
    # As BLMOVE will: the handler of a served command makes another key ready.
    engine = machine.engine
    last = waiting(machine, 1, "BZPOPMIN b 0")[0]

    def move(session: Session, args: list[bytes]) -> object:
        board = session.db.zset_to_change(b"a", False)
        if board is None:
            return engine.blocking.block(session, [b"BZPOPMIN", b"a", b"0"], [b"a"], 0, NULL_ARRAY, ZSETS)
        machine.engine.run(session, CATALOGUE[b"zadd"], [b"ZADD", b"b", b"1", b"moved"])
        return 1

    first = machine.client()
    mover = with_handler(move)
    engine.start_unit()
    assert engine.run(first.session, mover, [b"MOVE"]) is BLOCKED
    assert first.session.waiting is not None
    # The wait remembers its command, which the name does not tell.
    held = Waiting(mover, [b"MOVE"], 0, [b"a"], mask=ZSETS)
    first.session.waiting = held
    machine.do("ZADD", "a", 1, "m")
    assert first.heard() == [1]
    assert popped(last) == [b"b:moved"]


# ---- waiting on


def trying(machine: Machine, client: Client, mask: int, tries: list[bytes]) -> None:
    """Let a client wait with a command that notes each try, and blocks again."""
    engine = machine.engine

    def handler(session: Session, args: list[bytes]) -> object:
        tries.append(args[1])
        machine.clock.at_us += 7
        return engine.blocking.block(session, args, [b"k"], engine.moment.now_ms + 1000, NULL_ARRAY, mask)

    command = with_handler(handler)
    engine.commands[b"TRY"] = engine.commands[b"try"] = command
    engine.start_unit()
    args = [b"TRY", b"%d" % client.session.id]
    reply = engine.run(client.session, command, args)
    assert reply is BLOCKED
    tries.clear()


def test_a_session_that_waits_on_goes_to_the_end_and_keeps_its_deadline(machine: Machine) -> None:
    tries: list[bytes] = []
    clients = [machine.client() for _ in range(3)]
    for client in clients:
        trying(machine, client, ZSETS, tries)
    deadlines = [client.session.waiting.deadline_ms for client in clients if client.session.waiting]
    ids = [b"%d" % client.session.id for client in clients]
    queue = machine.engine.blocking.queues[(0, b"k")]
    machine.clock.advance_ms(100)
    machine.do("ZADD", "k", 1, "m")
    # All are tried once, in order, and stand in the same order again.
    assert tries == ids
    assert list(queue) == [client.session for client in clients]
    assert [client.session.waiting.deadline_ms for client in clients if client.session.waiting] == deadlines
    machine.engine.blocking.mark_ready(0, b"k")
    machine.engine.blocking._serve_sessions((0, b"k"), [clients[0].session])
    assert list(queue) == [clients[1].session, clients[2].session, clients[0].session]
    assert machine.engine.blocking.masks == {int(ZSETS): 3}


def test_many_that_wait_on_are_each_tried_once(machine: Machine) -> None:
    tries: list[bytes] = []
    clients = [machine.client() for _ in range(3 * HEAD)]
    for client in clients:
        trying(machine, client, ZSETS, tries)
    machine.do("ZADD", "k", 1, "m")
    assert tries == [b"%d" % client.session.id for client in clients]


def test_a_wait_for_another_kind_is_passed_over(machine: Machine) -> None:
    tries: list[bytes] = []
    others = [machine.client() for _ in range(HEAD + 2)]
    for client in others:
        trying(machine, client, STREAMS, tries)
    client = waiting(machine, 1)[0]
    machine.do("ZADD", "k", 1, "m")
    assert tries == []
    assert popped(client) == [b"k:m"]
    assert len(machine.engine.blocking.queues[(0, b"k")]) == len(others)


def test_time_of_tries_in_vain_adds_up_to_that_of_the_command(machine: Machine) -> None:
    tries: list[bytes] = []
    client = machine.client()
    trying(machine, client, ZSETS, tries)
    for n in range(3):
        assert client.session.waiting is not None
        assert client.session.waiting.spent_us == 7 * (n + 1)
        machine.do("DEL", "k")
        machine.do("ZADD", "k", n, "m")
    counters = machine.engine.counters
    index = CATALOGUE[b"ping"].index
    assert counters.calls(index) == 0
    machine.engine.start_unit()
    machine.engine.blocking.unblock(client.session, None)
    assert (counters.calls(index), counters.usec(index)) == (1, 28)


@pytest.mark.parametrize(
    "line", ["DEL k", "SET k x", "RENAME other k", "FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "PEXPIRE k -1", "ZADD k 2 n"]
)
def test_some_want_to_know_of_every_end_of_their_key(machine: Machine, line: str) -> None:
    tries: list[bytes] = []
    machine.do("ZADD", "k", 1, "m")
    machine.do("SET", "other", "x")
    plain = machine.client()
    plain.do("BZPOPMIN none 0")
    client = machine.client()
    trying(machine, client, ANY_CHANGE, tries)
    assert machine.engine.moment.interest & REPLACEMENT_AWAITED != 0
    machine.do("SET", "unrelated", 1)
    assert tries == []
    machine.do(*line.split())
    assert len(tries) == 1, line
    machine.engine.blocking.stop(client.session)
    assert machine.engine.moment.interest & REPLACEMENT_AWAITED == 0
    assert machine.engine.moment.awaited == ZSETS
    tries.clear()
    machine.do("DEL", "k")
    assert tries == []


# ---- ends


def test_a_wait_ends_with_its_time(machine: Machine) -> None:
    blocking = machine.engine.blocking
    late, early, never = (waiting(machine, 1, f"BZPOPMIN k {s}")[0] for s in ("0.02", "0.01", "0"))
    now_ms = machine.engine.moment.now_ms
    assert (blocking.first_deadline_ms(), machine.engine.next_deadline_ms()) == (now_ms + 10, now_ms + 10)
    assert list(blocking.timed) == [late.session, early.session]
    machine.clock.advance_ms(9)
    machine.engine.tick()
    assert (late.heard(), early.heard()) == ([], [])
    machine.clock.advance_ms(1)
    machine.engine.tick()
    assert (late.heard(), early.heard(), early.told.resumed) == ([], [NULL_ARRAY], 1)
    assert blocking.first_deadline_ms() == now_ms + 20
    machine.clock.advance_ms(100)
    machine.engine.tick()
    assert (late.heard(), never.heard()) == ([NULL_ARRAY], [])
    assert (blocking.first_deadline_ms(), blocking.timed) == (0, {})
    assert list(blocking.queues[(0, b"k")]) == [never.session]
    assert late.session.active_us == machine.engine.moment.now_us
    machine.engine.close_session(never.session)
    nobody_waits(machine)


def test_a_wait_that_ended_counts_once_as_a_call(machine: Machine) -> None:
    index = CATALOGUE[b"bzpopmin"].index
    counters = machine.engine.counters
    clients = waiting(machine, 3, "BZPOPMIN k 0.01")
    assert counters.calls(index) == 0
    assert [client.session.commands for client in clients] == [0, 0, 0]
    machine.engine.blocking.unblock(clients[0].session, Error(UNBLOCKED))
    assert (counters.calls(index), counters.failed[index]) == (1, 1)
    machine.do("ZADD", "k", 1, "m")
    assert (counters.calls(index), counters.failed[index]) == (2, 1)
    machine.clock.advance_ms(10)
    machine.engine.tick()
    assert (counters.calls(index), counters.failed[index]) == (3, 1)
    assert [client.session.commands for client in clients] == [1, 1, 1]
    assert clients[0].heard()[0].text == UNBLOCKED  # type: ignore[attr-defined]
    machine.engine.blocking.unblock(clients[0].session, None)
    assert (clients[0].heard(), counters.calls(index)) == ([], 3)
    nobody_waits(machine)


def test_a_closed_session_is_forgotten(machine: Machine) -> None:
    first, second = waiting(machine, 2)
    machine.engine.close_session(first.session)
    machine.do("ZADD", "k", 1, "m")
    assert (first.heard(), popped(second)) == ([], [b"k:m"])
    nobody_waits(machine)
    machine.engine.blocking.stop(second.session)
    nobody_waits(machine)


def test_what_is_awaited_is_the_sum_of_all_waits(machine: Machine) -> None:
    moment = machine.engine.moment
    tries: list[bytes] = []
    streams, any_change = machine.client(), machine.client()
    trying(machine, streams, STREAMS, tries)
    trying(machine, any_change, ANY_CHANGE | STREAMS, tries)
    boards = waiting(machine, 2)
    assert moment.awaited == ZSETS | STREAMS
    assert moment.interest == AWAITED | REPLACEMENT_AWAITED
    machine.engine.close_session(boards[0].session)
    assert moment.awaited == ZSETS | STREAMS
    machine.engine.close_session(boards[1].session)
    assert moment.awaited == STREAMS
    machine.engine.close_session(any_change.session)
    assert (moment.awaited, moment.interest) == (STREAMS, AWAITED)
    machine.engine.close_session(streams.session)
    nobody_waits(machine)


# ---- what may not wait, or not now


def test_who_must_not_block_gets_what_a_time_out_gives(machine: Machine) -> None:
    client = machine.client()
    assert client.play("MULTI", "BZPOPMIN k 0", "EXEC") == [NULL_ARRAY]
    client.session.may_block = False
    assert client.do("BZPOPMIN k 0") is NULL_ARRAY
    nobody_waits(machine)


def test_a_pop_does_not_happen_while_writes_are_paused(machine: Machine) -> None:
    first, second = waiting(machine, 2)
    machine.client().play("MULTI", "ZADD k 1 a 2 b", "CLIENT PAUSE 100 WRITE", "EXEC")
    assert machine.do("ZCARD", "k") == 2
    for client in (first, second):
        assert client.heard() == []
        assert client.session.is_postponed()
        assert client.told.requeued == [[b"BZPOPMIN", b"k", b"0"]]
    # The wait is over for the queues; the connections run the commands anew, in their order.
    nobody_waits(machine)
    assert machine.engine.pause.waiting == [first.session, second.session]
    machine.clock.advance_ms(100)
    machine.engine.tick()
    assert (first.told.resumed, second.told.resumed) == (1, 1)
    assert not first.session.waits()


def test_a_postponed_session_is_not_served_and_may_go(machine: Machine) -> None:
    machine.do("CLIENT", "PAUSE", 100, "WRITE")
    client = machine.client()
    assert client.do("BZPOPMIN k 0.001") is BLOCKED
    assert client.session.is_postponed()
    assert client.session.waiting is not None
    assert (client.session.waiting.deadline_ms, client.session.waiting.mask) == (0, 0)
    nobody_waits(machine)
    machine.engine.blocking.stop(client.session)
    assert (machine.engine.pause.waiting, client.session.waits()) == ([], False)


def test_monitors_see_a_blocked_command_once(machine: Machine) -> None:
    monitor = machine.client()
    monitor.do("MONITOR")
    client = waiting(machine, 1)[0]
    machine.do("ZADD", "k", 1, "m")
    assert popped(client) == [b"k:m"]
    shown = [reply.text.split(b'"')[1] for reply in monitor.heard()]  # type: ignore[attr-defined]
    assert shown == [b"BZPOPMIN", b"ZADD"]


class Late(LateReply):
    """The number of its readings so far."""

    def __init__(self) -> None:
        self.read = 0

    def value(self) -> object:
        self.read += 1
        return self.read


def test_a_late_reply_is_read_when_the_time_is_over(machine: Machine) -> None:
    blocking = machine.engine.blocking
    client, late = machine.client(), Late()
    args = [b"WAIT", b"1", b"100"]
    assert blocking.block(client.session, args, [], machine.engine.moment.now_ms + 100, late, 0) is BLOCKED
    machine.clock.advance_ms(99)
    machine.engine.tick()
    assert (late.read, client.heard()) == (0, [])
    machine.clock.advance_ms(1)
    machine.engine.tick()
    assert client.heard() == [1]
    client.session.may_block = False
    assert blocking.block(client.session, args, [], 0, late, 0) == 2
