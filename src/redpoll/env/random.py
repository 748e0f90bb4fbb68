"""Randomness.  It is passed to its users, so that a seed repeats a run."""

from __future__ import annotations

from librt.random import Random as Generator
from mypy_extensions import i64


class Random:
    """A seeded generator; without a seed the system chooses one."""

    def __init__(self, seed: i64 | None = None) -> None:
        self.generator = Generator(seed) if seed is not None else Generator()

    def below(self, stop: i64) -> i64:
        """A random integer from 0 to `stop` - 1."""
        return self.generator.randrange(stop)

    def fraction(self) -> float:
        """A number from 0 (included) to 1 (excluded)."""
        return self.generator.random()

    def hex_digits(self, count: int) -> bytes:
        """`count` random hexadecimal digits: run ids, replication ids."""
        return bytes([b"0123456789abcdef"[self.below(16)] for _ in range(count)])
