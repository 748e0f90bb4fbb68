"""Mutated payloads and files do no harm.  `make test-full` runs ten million of them."""

from __future__ import annotations

import pytest
from tests.hostile.fuzz import corpus, files, fuzz


def test_there_is_something_to_mutate() -> None:
    assert len(corpus()) > 100
    assert len(files()) > 20
    assert {body[0] for body in corpus()} >= {0, 2, 4, 5, 11, 16, 17, 18, 20, 21, 22}


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_payloads(seed: int) -> None:
    accepted, count = fuzz(1000, seed)
    assert 10 < accepted < count
