"""The version, and whether the running modules are compiled.

This module is never compiled: it inspects the others, and the build reads `VERSION` from its source.
"""

from __future__ import annotations

import os
import platform
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

VERSION: Final = "0.1.0"
"""The one place where redpoll's version is written; pyproject.toml takes it from here."""

WITNESS: Final = "redpoll.structures.table"
"""A module that every compiled build compiles.  How it was loaded shows how redpoll was built."""


def is_compiled_module(name: str) -> bool:
    """Whether the module called `name` was loaded from machine code rather than from its source."""
    origin = import_module(name).__file__
    return origin is not None and origin.endswith(tuple(EXTENSION_SUFFIXES))


def is_compiled() -> bool:
    """Whether this redpoll runs compiled."""
    return is_compiled_module(WITNESS)


def warning() -> str:
    """The warning for a program whose installed redpoll runs interpreted; empty if no warning is needed."""
    folder = Path(__file__).resolve().parent
    if is_compiled() or os.environ.get("REDPOLL_PURE", "0") not in ("", "0"):
        return ""
    if folder.parent.name not in ("site-packages", "dist-packages"):
        return ""
    return (
        "redpoll runs interpreted, several times slower than compiled: it was installed without a C compiler, or with "
        "REDPOLL_PURE=1. Install a compiler (Debian: gcc and python3-dev), then install redpoll again without "
        "REDPOLL_PURE. To silence this warning, set REDPOLL_PURE=1 when the program runs."
    )


def build_kind() -> str:
    """`compiled with mypyc` or `interpreted`, for the start-up log and INFO."""
    return "compiled with mypyc" if is_compiled() else "interpreted"


def interpreter() -> str:
    """The interpreter's name and version, as in `CPython 3.11.2`."""
    return f"{platform.python_implementation()} {platform.python_version()}"
