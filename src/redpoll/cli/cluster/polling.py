"""Waiting for a condition that only repeated looks can see."""

from __future__ import annotations

import time
from collections.abc import Callable

PER_LOOK = 0.1


def pause() -> None:
    """Let some time pass between two looks."""
    time.sleep(PER_LOOK)


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Look until the condition holds; False if it does not within `seconds`.  Looks once at least."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        pause()
    return True
