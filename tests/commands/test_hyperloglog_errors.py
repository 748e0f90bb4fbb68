"""How far estimates are off, over a thousand sets: within what the theory says of 16384 registers."""

from __future__ import annotations

from math import sqrt

import pytest

from redpoll.engine.session import Session

STANDARD_ERROR = 1.04 / sqrt(16384)
SETS = {10: 1000, 100: 1000, 1_000: 1000, 10_000: 200, 100_000: 50, 1_000_000: 12}
"""How many of the thousand sets grow to each size."""


@pytest.mark.slow
def test_errors_are_within_the_bounds_of_the_theory(session: Session) -> None:
    execute = session.engine.execute
    errors: dict[int, list[float]] = {size: [] for size in SETS}
    for number in range(max(SETS.values())):
        key = b"set:%d" % number
        added = 0
        for size, sets in SETS.items():
            if number >= sets:
                break
            while added < size:
                stop = min(size, added + 5000)
                execute(session, [b"PFADD", key, *(b"%d:%d" % (number, n) for n in range(added, stop))])
                added = stop
            found = execute(session, [b"PFCOUNT", key])
            assert isinstance(found, int)
            errors[size].append((found - size) / size)
        execute(session, [b"DEL", key])
    for size, found_errors in errors.items():
        sets = len(found_errors)
        mean = sum(found_errors) / sets
        spread = sqrt(sum(error * error for error in found_errors) / sets)
        # Four standard deviations of a mean, and of a standard deviation, of so many; and five of a single one.
        # Estimates are rounded to whole elements, which shows where there are few.
        rounding = 0.5 / size
        assert abs(mean) < 4 * STANDARD_ERROR / sqrt(sets) + rounding
        assert spread < STANDARD_ERROR * (1 + 4 / sqrt(2 * sets)) + rounding
        assert max(map(abs, found_errors)) < 5 * STANDARD_ERROR + 2 * rounding
