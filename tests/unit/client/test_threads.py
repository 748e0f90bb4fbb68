"""Engines in threads of one process, one engine a thread: none may see anything of the others.

Compiled code is not held up in the middle of anything; interpreted code is, between any two steps, so nothing may be
shared there that outlives a call.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

import redpoll
from redpoll.structures.table_check import check

THREADS = 3
ROUNDS = 800


@pytest.fixture
def _eager_switching() -> Iterator[None]:
    """Threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run_in_threads(work: Callable[[int], None]) -> None:
    """Do `work` in several threads at a time; raises what one of them raised."""
    failures: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def use(number: int) -> None:
    """Write and read values that tell whose they are, over everything that keeps bytes."""
    store = redpoll.open()
    letter = "abc"[number]
    base = (number + 1) * 10**6
    for n in range(ROUNDS):
        name = f"{letter}{n}"
        store.set(name, letter * 12)
        store.execute("SETRANGE", name, n % 11, letter.upper())
        text = store.get(name)
        assert text is not None and text.decode().lower() == letter * 12
        store.set(f"{letter}count", str(base + n))
        assert store.incr(f"{letter}count") == base + n + 1
        assert store.get(f"{letter}count") == str(base + n + 1).encode()
        field = f"{letter}{n % 40}"
        store.hset(f"{letter}hash", field, letter * 3)
        assert store.hget(f"{letter}hash", field) == letter.encode() * 3
        score = base + n + 0.123456789
        # More of them than stay packed: they go into a tree.
        member = f"{letter}{n % 200}"
        store.zadd(f"{letter}board", member, score)
        assert store.execute("ZSCORE", f"{letter}board", member) == score
        assert store.execute("ZADD", f"{letter}board", "INCR", 1, member) == score + 1
        bits = store.execute("INCRBYFLOAT", f"{letter}float", "0.1")
        assert isinstance(bits, bytes)
        store.execute("BITOP", "XOR", f"{letter}out", name, name)
        assert store.get(f"{letter}out") == bytes(12)
    for db in store.engine.databases:
        check(db.table)


@pytest.mark.usefixtures("_eager_switching")
def test_engines_in_several_threads_keep_their_data_apart() -> None:
    run_in_threads(use)
