"""Commands that stand out: which threshold decides, and what a reply or a request weighs."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Machine

from redpoll.engine.command import CATALOGUE
from redpoll.engine.counters import CELLS, NEVER_QUICK
from redpoll.engine.outliers import FLUSH_BYTES, NO_SIZE, Outliers, bulk_bytes, reply_bytes
from redpoll.protocol.encode import encode
from redpoll.protocol.output import Output
from redpoll.protocol.reply import BLOCKED, NO_REPLY, OK, QUEUED, Boolean, Double, Error, Map, SetOf, Status


@pytest.fixture
def machine() -> Machine:
    made = Machine()
    made.do("CONFIG", "SET", "commandlog-execution-slower-than", -1, "commandlog-request-larger-than", -1)
    made.do("CONFIG", "SET", "commandlog-reply-larger-than", -1)
    return made


def thresholds(outliers: Outliers) -> tuple[int, int, int, int]:
    return (outliers.counters.quick_us, outliers.weigh_from, outliers.large_from, outliers.brim)


def test_thresholds_decide_what_needs_a_second_look(machine: Machine) -> None:
    outliers = machine.engine.outliers
    assert thresholds(outliers) == (CELLS, NO_SIZE, NO_SIZE, FLUSH_BYTES)
    for slow, quick in (
        (10, 10),
        (CELLS - 1, CELLS - 1),
        (CELLS, CELLS),
        (10_000, CELLS),
        (0, NEVER_QUICK),
        (-1, CELLS),
    ):
        machine.do("CONFIG", "SET", "commandlog-execution-slower-than", slow)
        assert outliers.counters.quick_us == quick
    machine.do("CONFIG", "SET", "commandlog-request-larger-than", 8000)
    assert outliers.weigh_from == 1000
    for large, brim in ((FLUSH_BYTES + 1, FLUSH_BYTES), (FLUSH_BYTES, FLUSH_BYTES), (100, 100), (0, 0)):
        machine.do("CONFIG", "SET", "commandlog-reply-larger-than", large)
        assert (outliers.large_from, outliers.brim) == (large, brim)


def test_while_requests_are_weighed_no_command_is_quick(machine: Machine) -> None:
    outliers = machine.engine.outliers
    outliers.weigh_requests(True)
    assert outliers.counters.quick_us == NEVER_QUICK
    outliers.weigh_requests(False)
    assert outliers.counters.quick_us == CELLS


def test_a_command_is_kept_in_each_log_whose_threshold_it_reaches(machine: Machine) -> None:
    outliers = machine.engine.outliers
    outliers.slow.threshold, outliers.large_requests.threshold, outliers.latency.threshold_ms = 50, 40, 1
    ping = CATALOGUE[b"ping"]
    cases = [
        (49, b"x", (0, 0, 0)), (50, b"x", (1, 0, 0)), (51, b"x" * 40, (1, 0, 0)), (2000, b"x" * 40, (1, 0, 1)),
    ]  # fmt: skip
    for weighing in (False, True):
        outliers.weighing = weighing
        for usec, word, (slow, _, spike) in cases:
            before = (len(outliers.slow.entries), len(outliers.large_requests.entries), len(outliers.latency.series))
            outliers.record(machine.session, ping, [b"PING", word], usec, 1_000_000)
            large = int(weighing and len(word) == 40)
            assert len(outliers.slow.entries) - before[0] == slow
            assert len(outliers.large_requests.entries) - before[1] == large
            assert len(outliers.latency.series) == int(spike or before[2])
    assert outliers.counters.calls(ping.index) == 8


def test_some_commands_are_never_logged_and_counted_all_the_same(machine: Machine) -> None:
    outliers = machine.engine.outliers
    outliers.slow.threshold = outliers.large_requests.threshold = 0
    outliers.weighing = True
    exec_ = CATALOGUE[b"exec"]
    outliers.record(machine.session, exec_, [b"EXEC"], 5000, 1_000_000)
    assert (len(outliers.slow.entries), len(outliers.large_requests.entries), outliers.counters.calls(exec_.index)) == (
        0,
        0,
        1,
    )


def test_a_large_reply_is_kept_but_that_of_a_refusal_is_not(machine: Machine) -> None:
    outliers = machine.engine.outliers
    session = machine.session
    outliers.large_replies.threshold = 20
    outliers.update_thresholds()
    for reply, kept in (
        (b"x" * 12, 0), (b"x" * 13, 1), ([b"x"] * 3, 2), (QUEUED, 2), (outliers.refused, 2), (Error(b"ERR " + b"x" * 20), 3),
    ):  # fmt: skip
        outliers.record_reply(session, [b"GET", b"k"], reply, 5_000_000)
        assert len(outliers.large_replies.entries) == kept, reply
    outliers.record_reply(session, [b"NOSUCH"], b"x" * 100, 5_000_000)
    outliers.record_reply(session, [b"EXEC"], b"x" * 100, 5_000_000)
    assert len(outliers.large_replies.entries) == 3
    # Short kinds of reply are weighed where the threshold is as short.
    for threshold, kept in ((1, 5), (65, 5)):
        outliers.large_replies.threshold = threshold
        outliers.update_thresholds()
        outliers.record_reply(session, [b"GET", b"k"], None, 5_000_000)
        outliers.record_reply(session, [b"GET", b"k"], OK, 5_000_000)
        assert len(outliers.large_replies.entries) == kept


REPLIES = [
    b"", b"x" * 9, b"x" * 10, b"x" * 1000, [], [b"a", [b"b", 7, None]], None, 12, -1, OK, Status(b"a status"),
    Double(1.5), Map([b"k", 1]), SetOf([1, 2]), Boolean(True), Error(b"ERR no"),
]  # fmt: skip


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: type(reply).__name__)
def test_a_reply_weighs_what_it_takes_on_the_wire(reply: object, resp: int) -> None:
    out = Output()
    encode(out, reply, resp)
    assert reply_bytes(reply, resp) == out.size()


def test_what_is_not_sent_weighs_nothing() -> None:
    assert (reply_bytes(BLOCKED, 2), reply_bytes(NO_REPLY, 2)) == (0, 0)
    assert [bulk_bytes(size) for size in (0, 9, 10, 100)] == [6, 15, 17, 108]
