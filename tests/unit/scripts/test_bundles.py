"""Which C file takes a module."""

from __future__ import annotations

import fnmatch
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

from bundles import C_FILES, bundle_of  # noqa: E402


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("build/c/compiled/__native_redpoll___types___zset.c", "core"),
        ("build/c/compiled/__native_redpoll___commands___strings.c", "commands"),
        ("build/c/compiled/__native_redpoll___commands___client_list.c", "seldom"),
        ("build/c/compiled/documented___native_redpoll___client___store.c", "commands"),
        ("build/c/compiled/__native_redpoll.c", "core"),
        ("build/c/compiled/bytes_ops.c", "core"),
    ],
)
def test_a_module_is_in_the_file_of_its_room_and_the_runtime_in_the_core(source: str, name: str) -> None:
    assert bundle_of(source) == name


def test_every_pattern_fits_a_module() -> None:
    package = ROOT / "src" / "redpoll"
    modules = [path.relative_to(package).with_suffix("").as_posix() for path in package.rglob("*.py")]
    for _, _, patterns in C_FILES.values():
        for pattern in patterns.split():
            assert fnmatch.filter(modules, pattern), f"{pattern} is no module"
