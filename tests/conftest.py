"""What every test run shares: how much hypothesis tries, and the certainty of testing the build that was meant.

REDPOLL_EXPECT=pure or compiled (the Makefile sets it) refuses to run against the other one: a test run that silently
imported the sources would prove nothing about the compiled product.
"""

from __future__ import annotations

import os
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import redpoll
from redpoll.build_info import build_kind

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(redpoll.__path__[0]).resolve()

settings.register_profile(
    "ci",
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# `make test-full`: some more of it interpreted, many times as much compiled.
settings.register_profile("more", parent=settings.get_profile("ci"), max_examples=100, stateful_step_count=60)
settings.register_profile("full", parent=settings.get_profile("ci"), max_examples=800, stateful_step_count=100)
settings.load_profile(os.environ.get("REDPOLL_PROFILE", "ci"))


def module_names(package: Path) -> set[str]:
    """The modules found below `package`, by their path inside it, without suffix."""
    suffixes = (".py", *EXTENSION_SUFFIXES)
    names = set()
    for path in package.rglob("*"):
        for suffix in suffixes:
            if path.name.endswith(suffix):
                names.add(str(path.relative_to(package))[: -len(suffix)])
                break
    return {name for name in names if not name.endswith("__mypyc")}


def wrong_build(expected: str) -> str | None:
    """Why the package that was imported is not the `expected` one (`pure` or `compiled`)."""
    sources = ROOT / "src" / "redpoll"
    if expected == "pure":
        return None if sources == PACKAGE else f"expected the sources in {sources}, imported {PACKAGE}"
    if PACKAGE.parent.parent != ROOT / "build":
        return f"expected a package in {ROOT / 'build'}, imported {PACKAGE}"
    if differing := module_names(sources) ^ module_names(PACKAGE):
        return f"{PACKAGE} was built from other sources: {', '.join(sorted(differing))}; run `make unit-compiled`"
    return None


def pytest_configure(config: pytest.Config) -> None:
    expected = os.environ.get("REDPOLL_EXPECT")
    if expected and (reason := wrong_build(expected)):
        raise pytest.UsageError(f"REDPOLL_EXPECT={expected}: {reason}")


def pytest_report_header() -> str:
    return f"redpoll: {build_kind()}, from {PACKAGE}"
