"""What a call in the caller's own process costs, from an interpreted loop, beside a dict and other libraries."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import report

LIMITS_US = {"get": 0.35, "set": 0.45}

_VALUE = b"eight-by"

Get = Callable[[bytes], Any]
Set = Callable[[bytes, bytes], Any]


@dataclass(frozen=True)
class Candidate:
    """A library's two calls; `awaited` if they are coroutines, to be measured in an event loop as their users call
    them."""

    name: str
    get: Get
    set: Set
    awaited: bool = False


def candidates() -> tuple[list[Candidate], list[str]]:
    """Those installed, and a sentence on each that is not."""
    table: dict[bytes, bytes] = {}
    found = [Candidate("dict", table.get, table.__setitem__)]
    missing = []
    for name, make in (("redpoll", _redpoll), ("burner-redis", _burner_redis), ("fakeredis", _fakeredis)):
        try:
            found.append(make())
        except (ImportError, AttributeError) as error:
            missing.append(f"{name} is left out: {error}; .venv/bin/pip install {name} (`make bench` does it)")
    return found, missing


def _redpoll() -> Candidate:
    module: Any = importlib.import_module("redpoll")
    store = module.open()
    return Candidate("redpoll", store.get, store.set)


def _burner_redis() -> Candidate:
    module: Any = importlib.import_module("burner_redis")
    store = module.BurnerRedis()
    return Candidate("burner-redis", store.get, store.set, awaited=True)


def _fakeredis() -> Candidate:
    module: Any = importlib.import_module("fakeredis")
    store = module.FakeRedis()
    return Candidate("fakeredis", store.get, store.set)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--keys", type=int, default=100_000, metavar="N", help="of the cold columns (default 100000)")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="the median counts (default 7)")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    found, missing = candidates()
    report.print_heading(f"embedded: microseconds a call; one key, and {options.keys:,} keys in random order", missing)
    names = [b"key:%012d" % number for number in range(options.keys)]
    random.Random(1).shuffle(names)
    measured = {each.name: measure(each, names, options.rounds) for each in found}
    columns = ("get", "set", "get many", "set many", "loop")
    lines = [[name, *(f"{figures[column]:.3f}" for column in columns)] for name, figures in measured.items()]
    lines.append(["limit", f"{LIMITS_US['get']:.2f}", f"{LIMITS_US['set']:.2f}", "", "", ""])
    report.print_table(["library", *columns], lines)
    print("`loop` is the bare loop; it is part of every other figure\n")
    report.save(options.json, {"bench": "embedded", "us": measured})


def measure(candidate: Candidate, names: list[bytes], rounds: int) -> dict[str, float]:
    """Microseconds a call.  Raises RuntimeError if what was set is not what is got."""
    first_fill = min(_timed_set(candidate, names[:1000]) for _ in range(3)) / 1000
    _timed_set(candidate, names)
    if _value_of(candidate, names[0]) != _VALUE:
        raise RuntimeError(f"{candidate.name} does not give back what it was given")
    # About a tenth of a second a round, so that fakeredis, a hundred times slower than a dict, ends as well.
    calls = min(300_000, max(2_000, int(0.1 / first_fill)))
    some = (names * (calls // len(names) + 1))[:calls]
    one = [names[0]] * calls
    samples: dict[str, list[float]] = {"get": [], "set": [], "get many": [], "set many": [], "loop": []}
    for _ in range(rounds):
        samples["loop"].append(_timed_nothing(one))
        samples["get"].append(_timed_get(candidate, one))
        samples["set"].append(_timed_set(candidate, one))
        samples["get many"].append(_timed_get(candidate, some))
        samples["set many"].append(_timed_set(candidate, some))
    return {column: report.median(list_of) / calls * 1e6 for column, list_of in samples.items()}


def _value_of(candidate: Candidate, name: bytes) -> object:
    async def ask() -> object:
        return await candidate.get(name)

    return asyncio.run(ask()) if candidate.awaited else candidate.get(name)


# The loops are spelled out: a call in between would be measured with the call it makes.


def _timed_nothing(names: list[bytes]) -> float:
    started = time.perf_counter()
    for _ in names:
        pass
    return time.perf_counter() - started


def _timed_get(candidate: Candidate, names: list[bytes]) -> float:
    get = candidate.get
    if candidate.awaited:

        async def loop() -> float:
            started = time.perf_counter()
            for name in names:
                await get(name)
            return time.perf_counter() - started

        return asyncio.run(loop())
    started = time.perf_counter()
    for name in names:
        get(name)
    return time.perf_counter() - started


def _timed_set(candidate: Candidate, names: list[bytes]) -> float:
    set_ = candidate.set
    value = _VALUE
    if candidate.awaited:

        async def loop() -> float:
            started = time.perf_counter()
            for name in names:
                await set_(name, value)
            return time.perf_counter() - started

        return asyncio.run(loop())
    started = time.perf_counter()
    for name in names:
        set_(name, value)
    return time.perf_counter() - started
