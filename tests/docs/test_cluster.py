"""The page on clusters: its commands run in their order, with loopback addresses as the machines."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.differential.servers import ROOT, free_port
from tests.docs.shell import REDPOLL, Shell

import redpoll.cli.cluster.main as manager
from redpoll.cli.cluster.main import COMMANDS, OVERVIEW

PAGE = (ROOT / "docs" / "cluster.md").read_text()


class Machines:
    """The machines of the page: 10.0.0.1 to 10.0.0.4 are 127.0.0.1 to 127.0.0.4, with free ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {port: free_port() for port in ("6379", "7000", "7001")}
        while len({port % 10000 for port in self.ports.values()}) < 3 or max(self.ports.values()) > 55535:
            self.ports = {port: free_port() for port in self.ports}
        self.shell = Shell(folder, {"redpoll": REDPOLL})

    def filled_in(self, line: str, machine: int) -> str:
        line = line.replace("/var/lib/", f"{self.folder}/{machine}/")
        for port, own in self.ports.items():
            line = re.sub(rf"(?<=[: ]){port}\b", str(own), line)
        return line.replace("--bind 10.0.0.1", f"--bind 127.0.0.{machine}").replace("10.0.0.", "127.0.0.")

    def run(self, line: str, machine: int = 1) -> str:
        """Run one line; a line that starts a server returns when that answers.  The output."""
        words = self.filled_in(line, machine)
        if line.startswith("redpoll server"):
            words += ' --save "" --repl-diskless-sync-delay 0 --cluster-node-timeout 3000'
            # The system would let all nodes connect from 127.0.0.1.
            words += f" --cluster-announce-ip 127.0.0.{machine}"
            self.shell.start(words, f"127.0.0.{machine}")
            return ""
        return self.shell.output(words)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    made = Machines(tmp_path)
    yield made
    made.shell.stop_servers()


def blocks() -> list[list[str]]:
    return [block.splitlines() for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)]


@pytest.mark.timeout(600)
def test_the_path_from_one_server_to_three_machines(machines: Machines) -> None:
    _local, started, created, imported, grown, shrunk = blocks()
    machines.run("redpoll server --bind 10.0.0.1 --port 6379")
    old = redis.Redis(port=machines.ports["6379"])
    for n in range(500):
        old.set(f"user:{n}", n)
    for machine in (1, 2, 3):
        for line in started:
            machines.run(line, machine)
    shown = [machines.run(line) for line in created]
    assert "[WARNING]" not in shown[0]
    assert "[OK] All 16384 slots covered." in shown[1]
    assert "500 keys copied" in machines.run(imported[0])
    assert "[OK] 500 keys in 3 primaries." in machines.run(imported[1])
    assert old.dbsize() == 500
    old.close()
    for line in started:
        machines.run(line, 4)
    shown = [machines.run(line) for line in grown]
    assert "would move" in shown[2]
    shown = [machines.run(line) for line in shrunk]
    assert shown[3].count("127.0.0.4") == 0
    assert "[OK] 500 keys in 3 primaries." in machines.run(imported[1])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_local_cluster_of_the_page(machines: Machines) -> None:
    (line,) = blocks()[0]
    words = machines.filled_in(line, 1).replace(str(machines.ports["7000"]), "0")
    process = subprocess.Popen(
        ["sh", "-c", f"exec {words}"],
        env=machines.shell.environment,
        cwd=machines.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        for shown in output:
            if shown.startswith("Ctrl-C"):
                break
        process.send_signal(signal.SIGINT)
        rest = output.read()
    assert (process.wait(60), "stopping 6 nodes" in rest) == (0, True)


def test_every_command_and_option_has_its_place_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    sections = PAGE.partition("## On one machine")[2].partition("## By hand")[0]
    for command in COMMANDS:
        assert command in sections
        assert f"redpoll cluster {command}" in OVERVIEW
        with pytest.raises(SystemExit):
            manager.main([command, "--help"])
        rows = re.findall(r"^  (?:-., )?(--.*?)(?:  |$)", capsys.readouterr().out, re.MULTILINE)
        missing = [
            row
            for row in rows
            if not any(name in sections for name in re.findall("--[a-z-]+", row) if name != "--help")
        ]
        missing = [row for row in missing if not row.startswith(("--help", "--pass"))]
        assert missing == [], command
