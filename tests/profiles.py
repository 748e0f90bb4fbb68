"""Settings of state machines as shares of the profile of this run, so that `make test-full` reaches every machine."""

from __future__ import annotations

from hypothesis import settings


def scaled(examples: float = 1.0, steps: float = 1.0) -> settings:
    """The profile's settings with so many times its examples, of so many times its steps.

    tests/conftest.py has the profiles: `ci` tries 50 examples of 40 steps, `full` 800 of 100.
    """
    profile = settings.default
    assert profile is not None
    return settings(
        profile,
        max_examples=max(1, round(profile.max_examples * examples)),
        stateful_step_count=max(1, round(profile.stateful_step_count * steps)),
    )
