"""A pass over all keys keeps every value, whatever happens between its steps."""

from __future__ import annotations

from tests.unit.engine.machine import Machine

from redpoll.keyspace.compaction import DONE, Compaction
from redpoll.protocol.reply import Status
from redpoll.structures.mover import Mover


def filled() -> Machine:
    machine = Machine()
    for n in range(150):
        machine.do("SET", f"s{n}", "v" * (n * 7))
        machine.do("HSET", f"h{n}", *[f"{n}-{m}" for m in range(n // 10 * 2 + 2)])
        machine.do("ZADD", f"z{n}", *[str(m) for m in range(n // 5 * 2 + 2)])
        machine.do("SADD", f"m{n}", *[f"m{m}" for m in range(n + 1)])
        machine.do("RPUSH", f"l{n}", *[f"e{m}" * (n % 9) for m in range(n + 1)])
        machine.do("XADD", f"x{n % 3}", "*", "f", "v" * n)
    for n in range(3):
        machine.do("XGROUP", "CREATE", f"x{n}", "g", "0")
        machine.do("XREADGROUP", "GROUP", "g", "c", "COUNT", "9", "STREAMS", f"x{n}", ">")
    machine.do("HSET", "large", *[str(m) for m in range(4000)])
    machine.do("ZADD", "large z", *[str(m) for m in range(4000)])
    machine.do("HEXPIRE", "h5", "100", "FIELDS", "1", "5-0")
    machine.do("HEXPIRE", "large", "100", "FIELDS", "1", "0")
    machine.do("EXPIRE", "s7", "100")
    machine.do("APPEND", "s140", "v")
    return machine


def digest(machine: Machine) -> bytes:
    found = machine.do("DEBUG", "DIGEST")
    assert isinstance(found, Status)
    return found.text


def compaction(machine: Machine) -> Compaction:
    return Compaction(machine.engine.databases, Mover(anywhere=True))


def test_nothing_changes() -> None:
    machine = filled()
    before = digest(machine), machine.engine.used_memory()
    for _ in range(2):
        run = compaction(machine)
        while run.step():
            pass
        assert run.phase == DONE
        assert run.mover.moved > 700
        assert (digest(machine), machine.engine.used_memory()) == before
    assert machine.do("TTL", "s7") == 100
    assert machine.do("XPENDING", "x0", "g")[0] == 9
    assert machine.do("HTTL", "large", "FIELDS", "1", "0") == [100]


def test_steps_between_commands() -> None:
    machine, other = filled(), filled()
    run = compaction(machine)
    n = 0
    while run.step():
        n += 1
        if n % 5 == 0:
            for each in (machine, other):
                each.do("DEL", f"s{n % 150}", f"l{(n * 7) % 150}")
                each.do("HDEL", "large", f"{n % 2000 * 2}")
                each.do("ZREM", "large z", f"{n % 2000 * 2 + 1}")
                each.do("SET", f"new{n % 1000}", "v" * (n % 700))
                each.do("LPOP", f"l{n % 150}")
                if n == 2000:
                    each.do("DEL", "large")
                elif n == 3000:
                    each.do("FLUSHALL")
    assert n > 700
    assert machine.do("DBSIZE") == other.do("DBSIZE")
    assert digest(machine) == digest(other)
