"""`maxmemory-clients`: the limit, who is weighed, and who is disconnected first."""

from __future__ import annotations

import pytest
from tests.unit.engine.machine import Machine, Told

from redpoll.engine.session import SESSION_BYTES, Buffers, Session
from redpoll.engine.settings import Options
from redpoll.env.clock import VirtualClock
from redpoll.env.log import Log
from redpoll.net.client_memory import LEAST_BYTES, ClientMemory, limit_of
from redpoll.observe.client_sizes import size_lines


class Holding(Told):
    """A client that holds so many bytes of replies, until it is closed."""

    def __init__(self, machine: Machine, memory: ClientMemory, held: int) -> None:
        super().__init__()
        self.memory = memory
        self.number = 7
        self.held = held
        self.machine = machine
        self.session: Session = machine.engine.open_session(self)

    def buffers(self) -> Buffers:
        found = Buffers()
        found.backlog = self.held
        return found

    def close(self) -> None:
        super().close()
        self.machine.engine.close_session(self.session)
        self.memory.forget(self.session)


class Crowd:
    """Clients of some sizes, in KB, under a limit."""

    def __init__(self, limit: str, *sizes: int) -> None:
        self.machine = Machine()
        self.machine.do("CONFIG", "SET", "maxmemory-clients", limit)
        self.memory = ClientMemory(self.machine.engine, Log(VirtualClock(), "nothing"))
        self.clients = [Holding(self.machine, self.memory, size << 10) for size in sizes]

    def left(self) -> list[int]:
        return [client.held >> 10 for client in self.clients if not client.closed]


@pytest.mark.parametrize(
    ("clients", "maxmemory", "most"),
    [
        (0, 0, 0),
        (1 << 20, 0, 1 << 20),
        (1, 0, LEAST_BYTES),
        (-50, 10 << 20, 5 << 20),
        (-50, 0, 0),
        (-1, 100, LEAST_BYTES),
    ],
)
def test_the_limit(clients: int, maxmemory: int, most: int) -> None:
    options = Options()
    options.maxmemory_clients = clients
    options.maxmemory = maxmemory
    assert limit_of(options) == pytest.approx(most, abs=100)


def test_the_largest_go_until_the_rest_fits() -> None:
    crowd = Crowd("1mb", 100, 600, 500, 10, 300)
    crowd.memory.weigh(crowd.clients[3].session)
    assert crowd.left() == [100, 500, 10, 300]
    assert crowd.machine.lines("stats")["evicted_clients"] == "1"
    crowd.clients[0].held = 400 << 10
    crowd.memory.weigh(crowd.clients[0].session)
    assert crowd.left() == [400, 10, 300]
    crowd.machine.do("CONFIG", "RESETSTAT")
    assert crowd.machine.lines("stats")["evicted_clients"] == "0"


def test_who_is_exempt_counts_and_stays() -> None:
    crowd = Crowd("1mb", 900, 300, 200)
    crowd.clients[0].session.no_evict = True
    crowd.memory.weigh(crowd.clients[0].session)
    assert crowd.left() == [900]
    crowd.clients[0].held = 2 << 20
    crowd.memory.weigh(crowd.clients[0].session)
    assert crowd.left() == [2048]


def test_without_a_limit_nobody_is_weighed() -> None:
    crowd = Crowd("0", 900, 300)
    crowd.memory.weigh(crowd.clients[0].session)
    crowd.memory.sweep()
    assert crowd.clients[0].session.weight == 0
    assert crowd.left() == [900, 300]


def test_who_reads_its_replies_weighs_less() -> None:
    crowd = Crowd("1mb", 600, 10)
    crowd.memory.weigh(crowd.clients[0].session)
    crowd.clients[0].held = 0
    crowd.clients[1].held = 900 << 10
    crowd.memory.weigh(crowd.clients[1].session)
    assert crowd.left() == [0, 900]


def test_a_sweep_finds_what_a_new_limit_forbids() -> None:
    crowd = Crowd("10mb", 600, 500)
    crowd.memory.sweep()
    crowd.machine.do("CONFIG", "SET", "maxmemory-clients", "700kb")
    crowd.memory.sweep()
    assert crowd.left() == [500]


def test_a_client_that_is_gone_weighs_nothing() -> None:
    crowd = Crowd("1mb", 600, 100)
    crowd.memory.weigh(crowd.clients[0].session)
    crowd.clients[0].close()
    assert crowd.memory.held == (100 << 10) + SESSION_BYTES


def test_a_client_that_is_weighed_again_counts_once() -> None:
    crowd = Crowd("1mb", 300, 100)
    for _ in range(10):
        crowd.memory.weigh(crowd.clients[0].session)
        assert crowd.memory.held == (400 << 10) + 2 * SESSION_BYTES
    crowd.clients[0].held = 0
    crowd.memory.weigh(crowd.clients[0].session)
    assert crowd.memory.held == (100 << 10) + 2 * SESSION_BYTES


def test_a_weighing_costs_that_client_alone_until_there_is_a_new_limit() -> None:
    crowd = Crowd("1mb", 300, 100)
    first, second = (client.session for client in crowd.clients)
    crowd.memory.weigh(first)
    # What the other one holds now is not asked before it is busy, or a second has passed.
    crowd.clients[1].held = 400 << 10
    crowd.memory.weigh(first)
    assert second.weight == (100 << 10) + SESSION_BYTES
    crowd.machine.do("CONFIG", "SET", "maxmemory-clients", "0")
    crowd.memory.sweep()
    crowd.machine.do("CONFIG", "SET", "maxmemory-clients", "1mb")
    crowd.memory.weigh(first)
    assert crowd.memory.held == (700 << 10) + 2 * SESSION_BYTES


def test_a_transaction_counts_what_it_collects() -> None:
    crowd = Crowd("1mb")
    client = crowd.machine.client()
    client.do("MULTI")
    client.do("SET k " + "v" * 1000)
    assert client.session.held_bytes() == SESSION_BYTES + 1004
    client.do("DISCARD")
    assert client.session.held_bytes() == SESSION_BYTES


def test_sizes_in_classes() -> None:
    crowd = Crowd("1mb", 0, 40, 50, 1 << 23)
    lines = size_lines(crowd.machine.engine).decode().splitlines()
    assert len(lines) == 19
    # The machine's own session is one more small one.
    assert lines[0] == f"bucket          0 -      32767: tot-mem: {2 * SESSION_BYTES:>10}, clients: 2"
    assert lines[1].endswith(f"{(90 << 10) + 2 * SESSION_BYTES}, clients: 2")
    assert lines[-1] == f"bucket 4294967296+            : tot-mem: {(1 << 33) + SESSION_BYTES:>10}, clients: 1"
