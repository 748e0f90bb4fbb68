"""The survey: a walk over the data in pieces that finds shares of types, large keys and streams, and changes nothing."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Machine

from redpoll.observe.memory_report import bucket_bytes, usage
from redpoll.observe.survey import MOST_LARGE, MOST_STREAMS, Survey


def whole(survey: Survey, machine: Machine) -> None:
    """Let it make a pass over everything."""
    machine.clock.advance_ms(2000)
    for walk in survey.walks:
        while walk.tables is not walk.db.tables or (walk.db.tables.size() > 0 and walk.next_us <= machine.clock.at_us):
            if walk.tables is not walk.db.tables:
                walk.restart()
            survey.read(walk, machine.clock.at_us)


def types(survey: Survey) -> dict[str, int]:
    return {found.name: found.keys for found in survey.types()}


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_types_and_sizes_of_all_databases(machine: Machine) -> None:
    for n in range(300):
        machine.do("SET", f"string:{n}", "x" * 50)
    machine.do("SET", "timed", "x", "EX", 100)
    machine.do("RPUSH", "list", *["x" * 100] * 1000)
    machine.do("SELECT", 5)
    machine.do("ZADD", "zset", 1, "a")
    machine.do("HSET", "hash", "f", "v")
    survey = Survey(machine.engine)
    whole(survey, machine)
    assert types(survey) == {"string": 301, "list": 1, "hash": 1, "zset": 1}
    assert survey.seen_share() == 1.0
    first = survey.largest()[0]
    assert (first.db, first.key, first.type_name) == (0, b"list", "list")
    db = machine.engine.databases[0]
    assert first.size == usage(db, b"list") - bucket_bytes(db.table) // db.table.size
    # Together they are what the tables account.
    total = sum(found.size for found in survey.types())
    content = sum(db.table.record_bytes + db.table.outside_bytes + 8 * db.table.size for db in machine.engine.databases)
    assert total == pytest.approx(content + 8, rel=0.05)


def test_a_part_is_scaled_to_all_keys(machine: Machine) -> None:
    for n in range(3000):
        machine.do("SET", f"string:{n}", "x")
        if n % 3 == 0:
            machine.do("SADD", f"set:{n}", 1)
    survey = Survey(machine.engine)
    for _ in range(100):
        survey.read(survey.walks[0], 0)
    assert 0 < survey.seen_share() < 1
    found = types(survey)
    assert found["string"] == pytest.approx(3000, rel=0.1)
    assert found["set"] == pytest.approx(1000, rel=0.25)
    assert found["string"] + found["set"] == pytest.approx(4000, abs=2)


def test_it_works_for_so_long_and_rests_after_a_pass() -> None:
    machine = Machine()
    for n in range(5000):
        machine.do("SET", f"string:{n}", "x")
    survey = Survey(machine.engine)
    survey.work(1000)
    # A clock that stands still would let it go on to the end of the pass.
    assert survey.walks[0].complete is not None
    complete = survey.walks[0].complete
    survey.work(1000)
    assert survey.walks[0].complete is complete
    machine.clock.advance_ms(1001)
    survey.work(1000)
    assert survey.walks[0].complete is not complete


def test_nothing_changes(machine: Machine) -> None:
    machine.do("SET", "gone", "x", "PX", 10)
    machine.do("SET", "kept", "x")
    machine.do("XADD", "stream", "1-1", "f", "v")
    machine.clock.advance_ms(5000)
    before = (machine.engine.moment.hits, machine.engine.moment.misses, machine.engine.moment.expired)
    survey = Survey(machine.engine)
    whole(survey, machine)
    survey.types()
    survey.largest()
    survey.found_streams()
    assert machine.engine.databases[0].table.size == 3
    assert (machine.engine.moment.hits, machine.engine.moment.misses, machine.engine.moment.expired) == before
    machine.clock.advance_ms(3000)
    assert machine.do("OBJECT", "IDLETIME", "kept") == 10


def test_the_largest_keys_are_shown_as_they_are_now(machine: Machine) -> None:
    for n in range(100):
        machine.do("SET", f"key:{n}", "x" * (100 + n))
    survey = Survey(machine.engine)
    whole(survey, machine)
    assert [found.key for found in survey.largest()] == [b"key:%d" % n for n in range(99, 99 - MOST_LARGE, -1)]
    assert len(survey.large) == MOST_LARGE
    machine.do("DEL", "key:99")
    machine.do("SET", "key:98", "short")
    machine.do("SET", "key:1", "x" * 10000)
    assert [found.key for found in survey.largest()][:2] == [b"key:97", b"key:96"]
    whole(survey, machine)
    found = [found.key for found in survey.largest()]
    assert found[:3] == [b"key:1", b"key:97", b"key:96"]
    assert b"key:98" not in found[: MOST_LARGE - 1]


def test_a_key_that_shrinks_leaves_its_place_to_a_larger_one(machine: Machine) -> None:
    for n in range(100):
        machine.do("SET", f"key:{n}", "x" * (100 + n))
    survey = Survey(machine.engine)
    whole(survey, machine)
    # Smaller ones are not even remembered.
    assert survey.least == survey.largest()[-1].size - 1
    machine.do("SET", "key:98", "short")
    assert survey.largest()[-1].key == b"key:98"
    machine.do("SET", "key:200", "x" * 500)
    whole(survey, machine)
    assert [found.key for found in survey.largest()][:3] == [b"key:200", b"key:99", b"key:97"]
    assert b"key:98" not in [found.key for found in survey.largest()]


def test_the_place_of_a_key_that_went_is_filled_by_the_next_pass(machine: Machine) -> None:
    for n in range(100):
        machine.do("SET", f"key:{n}", "x" * (100 + n))
    survey = Survey(machine.engine)
    whole(survey, machine)
    machine.do("DEL", "key:99")
    assert len(survey.largest()) == MOST_LARGE - 1
    whole(survey, machine)
    assert [found.key for found in survey.largest()] == [b"key:%d" % n for n in range(98, 98 - MOST_LARGE, -1)]


def test_sizes_count_deadlines(machine: Machine) -> None:
    machine.do("SET", "k", "v")
    survey = Survey(machine.engine)
    whole(survey, machine)
    untimed = survey.largest()[0].size
    machine.do("EXPIRE", "k", 100)
    whole(survey, machine)
    assert [found.size for found in survey.types()] == [untimed + 8]
    assert survey.largest()[0].size == untimed + 8


def test_the_share_seen_is_at_most_all(machine: Machine) -> None:
    for n in range(1000):
        machine.do("SET", f"key:{n}", "x")
    survey = Survey(machine.engine)
    for _ in range(20):
        survey.read(survey.walks[0], 0)
    for n in range(1, 1000):
        machine.do("DEL", f"key:{n}")
    assert survey.seen_share() == 1.0


def test_a_clock_that_is_set_back_ends_the_rest(machine: Machine) -> None:
    machine.do("SET", "k", "v")
    survey = Survey(machine.engine)
    machine.clock.advance_ms(3_600_000)
    survey.work(1000)
    complete = survey.walks[0].complete
    machine.clock.at_us -= 3_600_000_000
    survey.work(1000)
    assert survey.walks[0].complete is not complete


def test_large_keys_of_a_table_that_went_leave_room(machine: Machine) -> None:
    for n in range(MOST_LARGE):
        machine.do("SET", f"large:{n}", "x" * 10000)
    survey = Survey(machine.engine)
    survey.work(1000)
    machine.do("FLUSHALL")
    for n in range(MOST_LARGE + 10):
        machine.do("SET", f"small:{n}", "x")
    machine.clock.advance_ms(1001)
    survey.work(1000)
    assert len(survey.largest()) == MOST_LARGE


def test_streams_are_found_and_forgotten(machine: Machine) -> None:
    for n in range(MOST_STREAMS + 10):
        machine.do("XADD", f"stream:{n}", "*", "f", "v")
    survey = Survey(machine.engine)
    whole(survey, machine)
    found = survey.found_streams()
    assert len(found) == MOST_STREAMS
    assert all(stream.length() == 1 for _, stream in found)
    gone, other = found[0][0].key, found[1][0].key
    machine.do("DEL", gone)
    machine.do("SET", other, "no stream")
    assert len(survey.found_streams()) == MOST_STREAMS - 2
    whole(survey, machine)
    assert len(survey.found_streams()) == MOST_STREAMS


@pytest.mark.parametrize("command", [("FLUSHALL",), ("SWAPDB", 0, 1)])
def test_another_table_begins_another_walk(machine: Machine, command: tuple[object, ...]) -> None:
    for n in range(1000):
        machine.do("SET", f"key:{n}", "x")
    survey = Survey(machine.engine)
    for _ in range(10):
        survey.read(survey.walks[0], 0)
    machine.do(*command)
    machine.do("SELECT", 0)
    machine.do("RPUSH", "list", "x" * 50)
    assert types(survey) == {}
    survey.work(1000)
    expected = {"list": 1} if command[0] == "FLUSHALL" else {"list": 1, "string": 1000}
    assert types(survey) == expected
    assert (0, b"list") in [(found.db, found.key) for found in survey.largest()]


def test_an_empty_server(machine: Machine) -> None:
    survey = Survey(machine.engine)
    survey.work(1000)
    assert survey.types() == [] and survey.largest() == [] and survey.found_streams() == []
    assert survey.seen_share() == 1.0
    machine.do("SET", "k", "v")
    survey.work(1000)
    machine.do("DEL", "k")
    survey.work(1000)
    assert survey.types() == []
    # What was found before the database was empty says nothing of what comes then.
    machine.do("RPUSH", "list", "v")
    assert survey.types() == []
