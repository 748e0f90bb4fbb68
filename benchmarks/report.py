"""The heading that says what was measured where, plain tables, and the few statistics we use."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.contestants import Server


def median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def quantile(ordered: list[float], part: float) -> float:
    """The value below which `part` of the sorted values lie."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(math.log(value) for value in values) / len(values))


def cores() -> int:
    """Processors this machine has."""
    return os.cpu_count() or 1


def machine() -> dict[str, str]:
    """Processor, cores, system and interpreter."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "time": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "processor": f"{model}, {cores()} cores",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "interpreter": f"{platform.python_implementation()} {platform.python_version()} "
        f"({platform.python_compiler()}), {sys.executable}",
    }


def describe(server: Server) -> str:
    """A server's version, build and allocator, as it tells them itself."""
    connection = server.connect()
    fields = connection.info()
    connection.close()
    version = next((fields[name] for name in _VERSION_FIELDS if name in fields), "of unknown version")
    build = fields.get("redpoll_build", "")
    allocator = fields.get("mem_allocator", "unknown")
    return f"{server.name} {version}{f', {build}' if build else ''}, allocator {allocator}"


# Each server also names the version whose behaviour it has as redis_version: ask for its own first.
_VERSION_FIELDS = ("redpoll_version", "valkey_version", "redis_version")


def print_heading(title: str, notes: list[str]) -> None:
    print(f"# {title}")
    for name, value in machine().items():
        print(f"  {name + ':':13}{value}")
    for note in notes:
        print(f"  {note}")
    print(flush=True)


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """Columns as wide as they need; the first to the left, the others to the right."""
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    for number, line in enumerate([head, ["-" * width for width in widths], *rows]):
        first = line[0].ljust(widths[0], "-" if number == 1 else " ")
        print(
            "  ".join([first, *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]).rstrip()
        )
    print(flush=True)


def save(path: str | None, data: dict[str, Any]) -> None:
    """Write what was measured as JSON, for scripts to compare."""
    if path is not None:
        Path(path).write_text(json.dumps({"machine": machine(), **data}, indent=2) + "\n")
        print(f"written to {path}")
