"""A shell that runs the lines of a page, with `redpoll` and other programs on its PATH."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.differential.servers import redpoll_environment

REDPOLL = f'"{sys.executable}" -m redpoll'


class Shell:
    """Runs lines in a folder, and keeps the servers that they start."""

    def __init__(self, folder: Path, programs: dict[str, str]) -> None:
        """`programs` has the command behind each name."""
        self.folder = folder
        self.servers: list[subprocess.Popen[bytes]] = []
        place = folder / "bin"
        place.mkdir()
        for name, command in programs.items():
            (place / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            (place / name).chmod(0o755)
        environment = redpoll_environment()
        self.environment = {**environment, "PATH": f"{place}:{environment['PATH']}"}

    def start(self, line: str, host: str = "127.0.0.1") -> None:
        """Run a line that starts a server with `--port`; return when the server answers."""
        self.servers.append(
            subprocess.Popen(
                ["sh", "-c", f"exec {line}"], env=self.environment, cwd=self.folder, stdout=subprocess.DEVNULL
            )
        )
        answers(int(line.split("--port ")[1].split()[0]), host)

    def output(self, line: str) -> str:
        """Run a line, which must succeed; return its output."""
        done = subprocess.run(
            ["sh", "-c", line], env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def stop_servers(self) -> None:
        for server in self.servers:
            server.terminate()
        for server in self.servers:
            server.wait(20)
        self.servers = []


def answers(port: int, host: str) -> None:
    """Return when a server answers to PING."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection((host, port), timeout=5) as sock:
                sock.sendall(b"PING\r\n")
                if sock.recv(100) == b"+PONG\r\n":
                    return
        except OSError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.02)
