"""House rules that a machine can check.  Each failure says why the rule exists.

The rules look at the syntax tree of each source, never at its text, so that a word in a comment is free.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "redpoll"
SOURCES = sorted(PACKAGE.rglob("*.py"))
PYTHON_FILES = [
    path
    for folder in ("src", "tests", "scripts", "benchmarks", "examples")
    for path in sorted((ROOT / folder).rglob("*.py"))
]

ROOMS: list[set[str]] = [
    {"env", "errors", "script_errors", "cluster_errors", "build_info", "scratch", "version"},
    {"config"},
    {"protocol", "structures"},
    {"catalogue", "types"},
    {"keyspace"},
    {"acl", "pubsub"},
    {"engine"},
    {"scripting", "persistence"},
    {"replication"},
    {"cluster"},
    {"observe"},
    {"commands"},
    {"net", "client", "asyncio"},
    {"server"},
    {"cli"},
    {"__main__"},
]
"""The rooms of src/redpoll from the lowest to the highest.  A file in the package's own folder is a room by itself."""

BESIDE = {("asyncio", "client"): "the same handle, awaited"}
"""Imports between rooms of one level that are meant, with the reason."""

LIMIT_OF_LINES = 650

OUTSIDE_WORLD = {
    "time": "take the time from env/clock.py: a test moves that clock, and the simulator replaces it",
    "datetime": "take the time from env/clock.py: a test moves that clock, and the simulator replaces it",
    "random": "take randomness from env/random.py: a seed then repeats the run",
    "secrets": "take randomness from env/random.py: a seed then repeats the run",
    "socket": "sockets live in net/ alone: everything else must run without one, in process and in the simulator",
    "select": "sockets live in net/ alone: everything else must run without one, in process and in the simulator",
    "librt.time": "take the time from env/clock.py: a test moves that clock, and the simulator replaces it",
    "librt.random": "take randomness from env/random.py: a seed then repeats the run",
}
OPEN = "files are reached through env/files.py: MemoryFiles can then lose what was not synced, as a crash does"
WHERE_THE_OUTSIDE_IS_FREE = ("env", "net", "cli")


def room_of(path: Path) -> str:
    """The room a source file belongs to; the package's own __init__.py is in none."""
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def level_of(room: str) -> int:
    """How high a room lies; fails for a room that has no place in the order."""
    for level, rooms in enumerate(ROOMS):
        if room in rooms:
            return level
    pytest.fail(
        f"the room `{room}` has no place in ROOMS (tests/test_tidy.py): say what it may import by putting it there"
    )


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_modules(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Dotted names of what a file imports, `from a import b` as both `a` and `a.b`, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def complain(found: list[str], why: str) -> None:
    """Fail with every place found and the rule's reason."""
    if found:
        pytest.fail("\n".join([why, *found]), pytrace=False)


def test_imports_point_one_way() -> None:
    found = []
    for path in SOURCES:
        room = room_of(path)
        if room == "__init__":
            continue
        level = level_of(room)
        for module, line in imported_modules(parsed(path)):
            parts = module.split(".")
            if parts[0] != "redpoll" or len(parts) < 2:
                continue
            other = parts[1]
            if other == room or not any(other in rooms for rooms in ROOMS):
                continue
            above = level_of(other) > level
            beside = level_of(other) == level and (room, other) not in BESIDE
            if above or beside:
                found.append(f"{name_of(path)}:{line}: {room}/ imports {module}")
    complain(
        sorted(set(found)),
        "A lower room must not know a higher one, nor its neighbour: it could then be neither tested nor read alone. "
        "Where the lower one has to tell something upwards, it defines a small base class for the higher to subclass.",
    )


def test_relative_imports_are_not_used() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    complain(
        found,
        "Imports name their room (`from redpoll.structures.table import Table`), for readers and for the rule above.",
    )


def test_the_outside_world_is_reached_through_env() -> None:
    found = []
    for path in SOURCES:
        if room_of(path) in WHERE_THE_OUTSIDE_IS_FREE:
            continue
        tree = parsed(path)
        for module, line in imported_modules(tree):
            if module in OUTSIDE_WORLD:
                found.append(f"{name_of(path)}:{line}: imports {module}: {OUTSIDE_WORLD[module]}")
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
                found.append(f"{name_of(path)}:{node.lineno}: calls open(): {OPEN}")
    complain(found, "Compiled code cannot be patched, so what a test must replace is handed in:")


def test_nothing_prints_but_the_command_line() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        if room_of(path) != "cli"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "breakpoint")
    ]
    complain(found, "A library that prints writes into its host program's output; tell env/log.py instead.")


def test_writers_are_shared_in_compiled_code_only() -> None:
    found = []
    for path in SOURCES:
        tree = parsed(path)
        kept = {
            target.id
            for node in tree.body
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call)
            if ast.unparse(node.value.func) in ("BytesWriter", "StringWriter", "bytearray")
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        allowed = {
            node.body for node in ast.walk(tree) if isinstance(node, ast.IfExp) and ast.unparse(node.test) == "SHARED"
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in kept and isinstance(node.ctx, ast.Load):
                if node not in allowed:
                    found.append(f"{name_of(path)}:{node.lineno}: {node.id}")
    complain(
        found,
        "Interpreted, two engines in two threads would write into it by turns: `_scratch if SHARED else BytesWriter()` "
        "(src/redpoll/scratch.py).",
    )


def test_files_stay_readable_in_one_sitting() -> None:
    found = []
    for path in PYTHON_FILES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LIMIT_OF_LINES:
            found.append(f"{name_of(path)}: {lines} lines")
    complain(
        found,
        f"A file of more than {LIMIT_OF_LINES} lines hides a concept without a name: name it, and give it a file.",
    )


def test_annotations_are_never_evaluated() -> None:
    found = []
    for path in PYTHON_FILES:
        tree = parsed(path)
        statements = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
        first = statements[0] if statements else None
        if first and not (isinstance(first, ast.ImportFrom) and first.module == "__future__"):
            found.append(name_of(path))
    complain(
        found,
        "`from __future__ import annotations` belongs on top: without it interpreted code evaluates annotations that "
        "compiled code does not, and a name imported for types alone becomes an import at run time.",
    )


def test_every_module_says_what_it_is() -> None:
    found = [name_of(path) for path in SOURCES if (tree := parsed(path)).body and not ast.get_docstring(tree)]
    complain(found, "The docstring on top tells what a file is, how it works and what must always hold.")


TESTED_BY_NAME = ("structures", "types", "keyspace", "engine")
"""The rooms that hold data and decide what happens to it: each module has a unit test of its own name."""

OWED: set[str] = {"structures/run_row"}
"""What is being rewritten, with its tests.  Strike out what has come."""


def test_what_holds_data_has_its_unit_test_by_name() -> None:
    found = []
    for path in SOURCES:
        room = room_of(path)
        if room in TESTED_BY_NAME and path.stem != "__init__":
            test = ROOT / "tests" / "unit" / room / f"test_{path.stem}.py"
            if not test.exists() and f"{room}/{path.stem}" not in OWED:
                found.append(f"{name_of(path)}: {name_of(test)} is missing")
    complain(
        found,
        "Who changes a module runs its unit test in a second, and `make mutants` asks that test first whether it would "
        "notice a mistake.",
    )


def test_no_machine_code_lies_beside_the_sources() -> None:
    found = [name_of(path) for path in (ROOT / "src").rglob("*") if path.suffix in (".so", ".pyd", ".c")]
    complain(
        found,
        "Python prefers machine code to the source beside it, so an edit would have no effect. Build with `make`.",
    )


def test_what_is_not_compiled_is_listed_truly() -> None:
    """Reads setup.py rather than importing it: setuptools is no business of the tests."""
    listed = next(
        ast.literal_eval(node.value)
        for node in parsed(ROOT / "setup.py").body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "NOT_COMPILED"
    )
    found = [f"{pattern}: {PACKAGE / pattern}" for pattern in listed if not list(PACKAGE.glob(pattern))]
    complain(
        found,
        "NOT_COMPILED (setup.py) names files that are not there: it would silence a later file of that name.",
    )


def test_makefile_targets_tell_what_they_do() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    phony = {name for line in lines if line.startswith(".PHONY:") for name in line.split()[1:]}
    told = {match[1] for line in lines if (match := re.match(r"([a-z-]+):.*## \S", line))}
    complain(
        sorted(phony ^ told),
        "`make help` lists the targets from their own `##` comments; these lack one, or are not .PHONY:",
    )


def test_each_difference_from_the_reference_is_shown_by_a_test() -> None:
    """A row of docs/differences.md that no test names may be untrue by now."""
    rows = re.findall(r"^\| `([a-z0-9-]+)`", (ROOT / "docs" / "differences.md").read_text(), re.MULTILINE)
    tests = "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("*.py")))
    assert rows
    assert [row for row in rows if not re.search(f'[`"]{row}[`"]', tests)] == []
