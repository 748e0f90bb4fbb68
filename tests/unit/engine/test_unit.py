"""What a journal is given: the effects of each unit together, and of each the database that it is for."""

from __future__ import annotations

from tests.unit.engine.machine import Machine

from redpoll.engine.unit import Journal


class Kept(Journal):
    """Shows each write as one line: `0 SET a 1, 1 SET b 2`."""

    def __init__(self) -> None:
        self.units: list[str] = []

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        lines = [f"{db} {b' '.join(effect).decode()}" for db, effect in zip(databases, effects, strict=True)]
        self.units.append(", ".join(lines))


def journal_of(machine: Machine, *lines: str) -> list[str]:
    kept = Kept()
    machine.engine.unit.attach(kept)
    for line in lines:
        machine.do(*line.split())
    return kept.units


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
        machine.engine.unit.attach(None)
        machine.do(*last.split())
        assert journal_of(machine, "GET a", "SET b 1") == ["0 SET b 1"]


def test_who_comes_back_is_not_told_of_what_ran_meanwhile() -> None:
    machine = Machine()
    assert journal_of(machine, "SET a 1") == ["0 SET a 1"]
    machine.engine.unit.attach(None)
    machine.do("GETEX", "a", "EX", "100")
    machine.do("GETDEL", "a")
    assert journal_of(machine, "GET a", "INCR a") == ["0 INCR a"]
