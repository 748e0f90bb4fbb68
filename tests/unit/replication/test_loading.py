"""What clients of a replica see while it loads a snapshot from its connection."""

from __future__ import annotations

import pytest
from tests.unit.replication.world import Server, World

from redpoll.engine.gates import GATE_LOADING
from redpoll.engine.routing import Router, SlotArrival


@pytest.mark.parametrize("mode", ["flush-before-load", "swapdb"])
def test_a_load_with_another_history_hides_the_data(mode: str) -> None:
    world = World()
    one, other = Server(world, 1), Server(world, 2, repl_diskless_load=mode)
    for n in range(500):
        one.do("SET", f"k{n}", n)
    other.do("SET", "old", 1)
    gates: list[bool] = []
    world.watch = lambda: gates.append(other.engine.gates & GATE_LOADING != 0)
    other.do("REPLICAOF", "h", 1)
    world.settle_down()
    assert gates and all(gates)
    assert other.engine.gates & GATE_LOADING == 0
    assert other.digest() == one.digest()


def test_the_old_data_of_the_same_history_is_served() -> None:
    """`repl-diskless-load swapdb`: the replica is beyond the ring, but its data is an older state of the same."""
    world = World()
    one, other = world.pair(repl_diskless_load="swapdb")
    one.play("CONFIG SET repl-backlog-size 16384", "SET k old")
    world.run()
    world.cut_off.add((2, 1))
    world.wires[0].cut()
    one.do("SET", "k", "new")
    for n in range(50):
        one.do("SET", f"k{n}", "x" * 1000)
    replies: list[object] = []
    world.watch = lambda: replies.append(other.do("GET", "k"))
    world.cut_off.clear()
    world.settle_down()
    assert replies and all(reply == b"old" for reply in replies)
    assert other.do("GET", "k") == b"new"
    assert one.replication.primary.full_syncs == 2


class Calls(Router):
    """Keeps what it hears about loads."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def load_begins(self) -> None:
        self.found.append("begins")

    def loaded(self, arrivals: list[SlotArrival]) -> None:
        self.found.append("loaded")


@pytest.mark.parametrize(
    ("mode", "during", "after"),
    [("flush-before-load", ["begins"], ["begins", "loaded"]), ("swapdb", [], ["loaded"])],
)
def test_old_data_keeps_its_hidden_slots_until_it_is_replaced(mode: str, during: list[str], after: list[str]) -> None:
    world = World()
    one, other = Server(world, 1), Server(world, 2, repl_diskless_load=mode)
    for n in range(500):
        one.do("SET", f"k{n}", n)
    calls = Calls()
    seen: list[list[str]] = []
    world.watch = lambda: seen.append(list(calls.found))
    other.do("REPLICAOF", "h", 1)
    other.engine.router = calls
    world.settle_down()
    assert seen and all(found == during for found in seen)
    assert calls.found == after


def test_functions_come_with_the_snapshot() -> None:
    world = World()
    one, other = Server(world, 1), Server(world, 2)
    code = "#!lua name=mine\nserver.register_function{function_name='f', callback=function() return 7 end, flags={'no-writes'}}"
    assert one.do("FUNCTION", "LOAD", code) == b"mine"
    other.do("REPLICAOF", "h", 1)
    world.settle_down()
    assert other.do("FCALL_RO", "f", 0) == 7
