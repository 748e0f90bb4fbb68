"""What a journal is given: the effects of each unit together, and of each the database that it is for."""

from __future__ import annotations

from tests.unit.engine.machine import Kept, Machine

from redpoll.engine.unit import ALL_JOURNALS, TO_FILE, TO_REPLICAS


class Messages(Kept):
    """A journal like the stream for replicas."""

    def takes_messages(self) -> bool:
        return True


def journal_of(machine: Machine, *lines: str) -> list[str]:
    kept = Kept()
    machine.engine.unit.attach(kept)
    for line in lines:
        machine.do(*line.split())
    return kept.units


def detach_all(machine: Machine) -> None:
    for journal in machine.engine.unit.journals:
        machine.engine.unit.detach(journal)


def test_each_command_is_a_unit() -> None:
    assert journal_of(Machine(), "SET a 1", "GET a", "INCR a", "SELECT 2", "SET b 1") == [
        "0 SET a 1",
        "0 INCR a",
        "2 SET b 1",
    ]


def test_a_transaction_reaches_into_several_databases() -> None:
    assert journal_of(Machine(), "MULTI", "SET a 1", "SELECT 1", "GET a", "SET b 2", "EXEC") == [
        "0 MULTI, 0 SET a 1, 1 SET b 2, 1 EXEC"
    ]


def test_what_ends_in_another_database_is_deleted_there() -> None:
    machine = Machine()
    lines = ["SELECT 1", "SET a 1 PX 10", "SELECT 0", "SET a 2", "DEBUG SLEEP 0.02", "MOVE a 1"]
    assert journal_of(machine, *lines)[-1] == "1 MULTI, 1 UNLINK a, 0 MOVE a 1, 0 EXEC"


def test_keys_that_the_cycle_finds_are_units_of_their_own() -> None:
    machine = Machine()
    kept = Kept()
    for line in ("SET a 1 PX 10", "SET b 1 PX 10", "SELECT 3", "SET c 1 PX 10"):
        machine.do(*line.split())
    machine.engine.unit.attach(kept)
    machine.clock.advance_ms(10)
    machine.engine.tick()
    assert sorted(kept.units) == ["0 UNLINK a", "0 UNLINK b", "3 UNLINK c"]


def test_who_comes_later_is_not_told_of_what_ran_before() -> None:
    machine = Machine()
    # The last command rewrites itself, or is an effect whether it changes something or not; the next one is neither.
    for last in ("EXPIRE a 100", "FLUSHALL", "SET a 2"):
        machine.do(b"SET", b"a", b"1")
        detach_all(machine)
        machine.do(*last.split())
        assert journal_of(machine, "GET a", "SET b 1") == ["0 SET b 1"]


def test_who_comes_back_is_not_told_of_what_ran_meanwhile() -> None:
    machine = Machine()
    assert journal_of(machine, "SET a 1") == ["0 SET a 1"]
    detach_all(machine)
    machine.do("GETEX", "a", "EX", "100")
    machine.do("GETDEL", "a")
    assert journal_of(machine, "GET a", "INCR a") == ["0 INCR a"]


def test_a_command_may_have_several_effects_or_another_than_itself() -> None:
    machine = Machine()
    kept = Kept()
    machine.engine.unit.attach(kept)
    unit = machine.engine.unit
    moment = machine.engine.moment
    for effects in ([], [b"ONE"], [b"ONE", b"TWO"]):
        moment.changes += 1
        for effect in effects:
            unit.rewrite([effect])
        unit.note(2, [b"AS", b"IT", b"CAME"])
        unit.end()
    assert kept.units == ["2 AS IT CAME", "2 ONE", "2 MULTI, 2 ONE, 2 TWO, 2 EXEC"]
    # What changed nothing is no effect, rewritten or not, unless it is forced.
    unit.rewrite([b"NOTHING"])
    unit.note(0, [b"GET"])
    unit.note(0, [b"GET"])
    unit.end()
    assert len(kept.units) == 3
    unit.force()
    unit.note(0, [b"FLUSHALL"])
    unit.note(0, [b"GET"])
    unit.end()
    assert kept.units[3:] == ["0 FLUSHALL"]


def test_without_a_journal_nothing_is_kept() -> None:
    machine = Machine()
    unit = machine.engine.unit
    unit.rewrite([b"ONE"])
    machine.do("SET", "a", 1, "PX", 10)
    machine.do("EXPIRE", "a", 100)
    machine.clock.advance_ms(200_000)
    machine.do("GET", "a")
    unit.end()
    unit.end_each()
    assert (unit.effects, unit.databases, unit.rewritten) == ([], [], [])


def test_an_expired_key_is_deleted_before_the_command_that_found_it() -> None:
    lines = ["SET a 1 PX 10", "SET b 1 PX 10", "DEBUG SLEEP 0.02", "SET a 2"]
    assert journal_of(Machine(), *lines)[2:] == ["0 MULTI, 0 UNLINK a, 0 SET a 2, 0 EXEC"]
    assert journal_of(Machine(), *lines[:3], "GET b")[2:] == ["0 UNLINK b"]


def test_an_empty_unit_writes_nothing_and_leaves_the_next_one_alone() -> None:
    machine = Machine()
    kept = Kept()
    machine.engine.unit.attach(kept)
    machine.engine.unit.end()
    machine.engine.unit.end_each()
    assert kept.units == []
    machine.do("SET", "a", 1)
    machine.engine.unit.end()
    assert kept.units == ["0 SET a 1"]


def test_keys_of_the_cycle_are_written_each_for_its_database() -> None:
    machine = Machine()
    kept = Kept()
    unit = machine.engine.unit
    unit.attach(kept)
    unit.add(1, [b"UNLINK", b"a"])
    unit.add(3, [b"UNLINK", b"b"])
    unit.end_each()
    unit.end_each()
    assert kept.units == ["1 UNLINK a", "3 UNLINK b"]


def test_a_served_pop_is_a_unit_of_its_own_behind_its_cause() -> None:
    machine = Machine()
    kept = Kept()
    machine.engine.unit.attach(kept)
    waiting, other = machine.client(), machine.client()
    waiting.do("BZPOPMIN k 0")
    other.do("ZADD k 1 a")
    assert kept.units == ["0 ZADD k 1 a", "0 ZPOPMIN k"]
    # Several pops served by one change are several units, in order; what changed nothing is none.
    third = machine.client()
    waiting.play("SELECT 1", "BZPOPMIN k 0")
    third.play("SELECT 1", "BZPOPMIN other k 0")
    kept.units.clear()
    other.play("SELECT 1", "MULTI", "ZADD k 1 a 2 b", "SET x 1", "EXEC")
    assert kept.units == ["1 MULTI, 1 ZADD k 1 a 2 b, 1 SET x 1, 1 EXEC", "1 ZPOPMIN k", "1 ZPOPMIN k"]
    kept.units.clear()
    machine.do("SET", "y", 1)
    assert kept.units == ["0 SET y 1"]


def test_a_pop_that_need_not_wait_is_told_as_the_pop_that_it_is() -> None:
    assert journal_of(Machine(), "ZADD k 1 a 2 b", "BZPOPMIN none k 0")[1:] == ["0 ZPOPMIN k"]
    assert journal_of(Machine(), "ZADD k 1 a", "MULTI", "BZPOPMIN none 1", "BZPOPMIN k 1", "EXEC")[1:] == [
        "0 ZPOPMIN k"
    ]
    assert journal_of(Machine(), "ZADD k 1 a", "MULTI", "SET x 1", "BZPOPMIN k 1", "EXEC")[1:] == [
        "0 MULTI, 0 SET x 1, 0 ZPOPMIN k, 0 EXEC"
    ]


def test_who_comes_gets_nothing_that_was_noted_before_and_not_written() -> None:
    machine = Machine()
    unit = machine.engine.unit
    unit.attach(Kept())
    unit.add(3, [b"UNLINK", b"a"])
    kept = Kept()
    unit.attach(kept)
    unit.add(1, [b"UNLINK", b"b"])
    unit.end()
    assert kept.units == ["1 UNLINK b"]


def test_several_journals_get_the_same_and_each_may_go() -> None:
    machine = Machine()
    unit = machine.engine.unit
    first, second = Kept(), Kept()
    unit.attach(first)
    machine.do("SET", "a", 1)
    unit.attach(second)
    machine.do("SET", "b", 1)
    unit.detach(first)
    machine.do("SET", "c", 1)
    unit.detach(second)
    machine.do("SET", "d", 1)
    assert unit.journal is None
    assert (first.units, second.units) == (["0 SET a 1", "0 SET b 1"], ["0 SET b 1", "0 SET c 1"])


def test_only_replicas_get_messages() -> None:
    machine = Machine()
    log, stream = Kept(), Messages()
    machine.engine.unit.attach(log)
    machine.engine.unit.attach(stream)
    for line in ("PUBLISH c m", "MULTI", "SET a 1", "PUBLISH c m", "EXEC"):
        machine.do(*line.split())
    assert log.units == ["0 SET a 1"]
    assert stream.units == ["0 PUBLISH c m", "0 MULTI, 0 SET a 1, 0 PUBLISH c m, 0 EXEC"]


def test_a_unit_without_targets_has_no_effects() -> None:
    machine = Machine()
    machine.engine.unit.targets = 0
    assert journal_of(machine, "SET a 1") == []
    machine.engine.unit.targets = ALL_JOURNALS
    assert journal_of(machine, "SET a 2") == ["0 SET a 2"]


def test_effects_for_one_target() -> None:
    machine = Machine()
    log, stream = Kept(), Messages()
    unit = machine.engine.unit
    unit.attach(log)
    unit.attach(stream)
    for targets in (TO_FILE, TO_REPLICAS):
        unit.targets = targets
        for line in ("SET a 1", "SET b 1 PX 100000", "PUBLISH c m", "MULTI", "SET d 1", "PUBLISH c m", "DEL d", "EXEC"):
            machine.do(*line.split())
        unit.targets = ALL_JOURNALS
        machine.do("SET", "e", "1")
    deadline = machine.engine.clock.now_us() // 1000 + 100000
    assert (
        log.units
        == ["0 SET a 1", f"0 SET b 1 PXAT {deadline}", "0 MULTI, 0 SET d 1, 0 DEL d, 0 EXEC"] + ["0 SET e 1"] * 2
    )
    assert stream.units == [
        "0 SET e 1",
        "0 SET a 1",
        f"0 SET b 1 PXAT {deadline}",
        "0 PUBLISH c m",
        "0 MULTI, 0 SET d 1, 0 PUBLISH c m, 0 DEL d, 0 EXEC",
        "0 SET e 1",
    ]
    assert unit.count == 5


def test_a_unit_of_effects_for_several_targets() -> None:
    machine = Machine()
    log, stream = Kept(), Messages()
    unit = machine.engine.unit
    unit.attach(log)
    unit.attach(stream)
    machine.engine.frozen += 1
    for targets in (0, TO_FILE, ALL_JOURNALS, TO_REPLICAS, TO_FILE, TO_REPLICAS, ALL_JOURNALS):
        unit.targets = targets
        machine.do("INCR", "a")
    machine.engine.frozen -= 1
    machine.do("INCR", "a")
    incr = "0 INCR a"
    assert log.units == [", ".join(["0 MULTI", *[incr] * 5, "0 EXEC"])]
    assert stream.units == [", ".join(["0 MULTI", *[incr] * 5, "0 EXEC"])]


def test_units_with_effects_are_counted() -> None:
    machine = Machine()
    unit = machine.engine.unit
    journal_of(machine, "SET a 1", "GET a", "MULTI", "SET a 2", "SET b 2", "EXEC", "PUBLISH news hello")
    assert unit.count == 2
    for key in (b"a", b"b"):
        unit.add(0, [b"UNLINK", key])
    unit.end_each()
    assert unit.count == 4


def test_a_unit_of_messages_alone_is_none_that_the_file_has_to_sync() -> None:
    """The file never gets PUBLISH.  If it counted, WAITAOF would wait in vain."""
    machine = Machine()
    unit = machine.engine.unit
    log, stream = Kept(), Messages()
    unit.attach(log)
    unit.attach(stream)
    machine.do("PUBLISH", "c", "m")
    assert unit.count == 0
    for words in (("MULTI",), ("PUBLISH", "c", "m"), ("SET", "a", 1), ("EXEC",)):
        machine.do(*words)
    assert unit.count == 1
    assert log.units == ["0 SET a 1"]
    assert stream.units == ["0 PUBLISH c m", "0 MULTI, 0 PUBLISH c m, 0 SET a 1, 0 EXEC"]


def test_effects_of_the_server_are_units_of_their_own_but_inside_a_unit() -> None:
    machine = Machine()
    unit = machine.engine.unit
    deletions = [[b"UNLINK", b"a"], [b"UNLINK", b"b"]]
    unit.add_apart(0, deletions)
    log = Kept()
    unit.attach(log)
    machine.engine.moment.changes += 2
    unit.add_apart(3, deletions)
    assert log.units == ["3 UNLINK a", "3 UNLINK b"]
    log.units.clear()
    unit.add(0, [b"SET", b"c", b"1"])
    machine.engine.moment.changes += 2
    unit.add_apart(3, deletions)
    unit.note(0, [b"GET", b"c"])
    assert log.units == []
    unit.end()
    assert log.units == ["0 MULTI, 0 SET c 1, 3 UNLINK a, 3 UNLINK b, 3 EXEC"]
