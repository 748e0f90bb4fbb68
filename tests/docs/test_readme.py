"""What the README and the pages for maintainers show is run, and their links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.differential.servers import Redpoll, free_port, redpoll_environment
from tests.test_tidy import PACKAGE, ROOMS

ROOT = Path(__file__).resolve().parent.parent.parent


def python_of(page: Path) -> list[str]:
    """The blocks of Python on a page, in order."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks, f"{page.name} shows no Python"
    return blocks


@pytest.mark.parametrize("page", ["README.md", "docs/pubsub.md", "docs/recipes.md", "docs/scripting.md"])
def test_the_python_of_a_page_runs(page: str) -> None:
    server = Redpoll("redpoll")
    server.start()
    names: dict[str, object] = {}
    try:
        for block in python_of(ROOT / page):
            exec(compile(block.replace("6379", str(server.port)), page, "exec"), names)
    finally:
        server.close()


def test_the_python_of_the_page_on_metrics_runs() -> None:
    http = free_port()
    server = Redpoll("redpoll", "--metrics-port", str(http))
    server.start()
    try:
        for block in python_of(ROOT / "docs" / "metrics.md"):
            exec(compile(block.replace("9121", str(http)), "metrics.md", "exec"), {})
    finally:
        server.close()


def test_the_python_of_the_page_on_replication_runs() -> None:
    options = ("--repl-diskless-sync-delay", "0")
    servers = [Redpoll("primary", *options), Redpoll("replica", *options)]
    try:
        for server in servers:
            server.start()
        names: dict[str, object] = {}
        for block in python_of(ROOT / "docs" / "replication.md"):
            block = block.replace("6379", str(servers[0].port)).replace("6380", str(servers[1].port))
            exec(compile(block, "replication.md", "exec"), names)
    finally:
        for server in servers:
            server.close()


@pytest.mark.parametrize("name", ["in-process.md", "eviction.md"])
def test_the_python_of_pages_on_programs_runs(name: str) -> None:
    for block in python_of(ROOT / "docs" / name):
        exec(compile(block, name, "exec"), {})


USE = """
import redpoll
store = redpoll.open()
store.execute("HSET", "h", "a", "1", "b", "333")
assert store.execute("HLONGEST", "h") == 3
assert store.execute("hlongest", "h", "withvalue") == [3, b"333"]
assert store.execute("HLONGEST", "none") is None
assert store.execute("COMMAND", "GETKEYS", "HLONGEST", "h") == [b"h"]
assert store.execute("HADD", "new", "a", "1") == 1
assert store.execute("HADD", "new", "a", "2") == 0
assert store.execute("HGET", "new", "a") == b"1"
"""


def test_the_commands_of_the_architecture_page_work() -> None:
    """In a process of its own, as it declares commands that the catalogue shall not keep."""
    program = "\n".join([*python_of(ROOT / "docs" / "architecture.md"), USE])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_the_architecture_page_has_the_rooms_in_their_order() -> None:
    """Each row of its table is a level of ROOMS, without the rooms that do not exist yet."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("| rooms | contain |")[2].partition("\n\n")[0]
    shown = [set(re.findall(r"`(\w+)(?:/|\.py)`", row.split("|")[1])) for row in table.splitlines()[2:]]
    rooms = {path.stem for path in PACKAGE.iterdir()}
    assert shown == [level & rooms for level in ROOMS if level & rooms]


LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize(
    "page",
    sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "examples" / "README.md"]),
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    missing = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert missing == [], f"{page.name} links to what is not there"


def test_the_python_of_the_page_on_snapshots_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", redpoll_environment()["PYTHONPATH"])
    for block in python_of(ROOT / "docs" / "persistence.md"):
        exec(compile(block.replace("7010", str(free_port())), "persistence.md", "exec"), {})
