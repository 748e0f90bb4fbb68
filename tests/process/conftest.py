"""`start` starts servers and ends them with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.process.running import Running

Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Running] = []

    def one(*words: str, **options: object) -> Running:
        made = Running(*words, **options)  # type: ignore[arg-type]
        started.append(made)
        return made

    yield one
    for each in started:
        each.close()
