"""What is running: the version, and whether the modules it consists of are compiled.

Never compiled itself: it looks at the others from outside, and the build reads `VERSION` from its source.
"""

from __future__ import annotations

import platform
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from typing import Final

VERSION: Final = "0.1.0"
"""The one place where redpoll's version is written; pyproject.toml takes it from here."""

WITNESS: Final = "redpoll.structures.table"
"""A module that every compiled build compiles; how it was loaded tells how the whole was built."""


def is_compiled_module(name: str) -> bool:
    """Whether the module called `name` was loaded from machine code rather than from its source."""
    origin = import_module(name).__file__
    return origin is not None and origin.endswith(tuple(EXTENSION_SUFFIXES))


def is_compiled() -> bool:
    """Whether this redpoll runs compiled."""
    return is_compiled_module(WITNESS)


def build_kind() -> str:
    """`compiled with mypyc` or `interpreted`, as the start-up log and INFO say it."""
    return "compiled with mypyc" if is_compiled() else "interpreted"


def interpreter() -> str:
    """The interpreter's name and version, as in `CPython 3.11.2`."""
    return f"{platform.python_implementation()} {platform.python_version()}"
