"""Free pages go back to the system, in steps."""

from __future__ import annotations

import subprocess
import sys

import pytest

from redpoll.env.allocator import FreePages, anonymous_areas, glibc

IN_A_PROCESS_OF_ITS_OWN = """
from redpoll.env.allocator import FreePages, glibc
from redpoll.env.process import resident_bytes

pages = FreePages(glibc())
pages.keep_freed()
before = resident_bytes()
blocks = [bytes(3000) for _ in range(20000)]
last = bytes(3000)
full = resident_bytes()
kept = blocks[::100]
del blocks
freed = resident_bytes()
steps = 1
while pages.step():
    steps += 1
given_back = resident_bytes()
rounds = []
for _ in range(3):
    again = 1
    while pages.step():
        again += 1
    rounds.append(again)
print(full - before, full - freed, given_back - before, steps, max(rounds[1:]) - rounds[0], pages.level, len(pages.blocks), sum(map(len, kept)))
"""


@pytest.mark.skipif(glibc() is None, reason="another C library")
def test_what_is_free_goes_back_in_steps_and_what_is_in_use_stays() -> None:
    run = subprocess.run([sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN], capture_output=True, text=True, check=True)
    grown, at_once, left, steps, grown_rounds, level, blocks, kept = map(int, run.stdout.split())
    assert grown > 50 << 20
    # The library was told to keep everything ...
    assert at_once < 4 << 20
    # ... and 200 blocks of 3,000 bytes hold a page or two each, and as much is lost between blocks that were returned.
    assert left < 4 << 20
    assert steps > 10
    # The heap does not grow from round to round.
    assert grown_rounds <= 0
    assert (level, blocks, kept) == (0, 0, 200 * 3000)


def test_another_library_keeps_what_it_keeps() -> None:
    pages = FreePages(None)
    pages.keep_freed()
    assert not pages.step()


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
def test_areas_are_those_of_small_objects() -> None:
    areas = anonymous_areas()
    assert all(start < stop for start, stop in areas)
    small = id(object())
    assert any(start <= small < stop for start, stop in areas)
