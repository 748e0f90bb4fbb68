"""`redpoll rdb export --format commands`: a real server that runs the commands has the data of the file."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.differential.pair import Pair
from tests.differential.servers import Server, redpoll_environment
from tests.differential.test_persistence import digest, do, filled

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "rdb"


def exported(path: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "redpoll", "rdb", "export", str(path), *words],
        capture_output=True, timeout=120, env=redpoll_environment(), check=False,
    )  # fmt: skip


def pipe(server: Server, commands: bytes) -> bytes:
    """Send all commands as `redis-cli --pipe` does; the replies."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        sock.sendall(commands)
        sock.shutdown(socket.SHUT_WR)
        found = b""
        while more := sock.recv(1 << 16):
            found += more
        return found


def test_of_our_own_file(pair: Pair) -> None:
    filled(pair)
    theirs, mine = pair.servers
    before = digest(mine)
    assert do(mine, "SAVE").raw == b"+OK\r\n"
    done = exported(Path(mine.folder.name) / "dump.rdb", "--format", "commands")
    assert (done.returncode, done.stderr) == (0, b"")
    for server in (theirs, mine):
        do(server, "FLUSHALL")
        assert [line for line in pipe(server, done.stdout).split(b"\r\n") if line.startswith(b"-")] == []
        assert digest(server) == before


@pytest.mark.parametrize("name", ["valkey-9.1.2/dump.rdb", "redis-7.0.15/dump.rdb", "legacy/types-0-21.rdb"])
def test_of_files_of_real_servers(pair: Pair, name: str) -> None:
    done = exported(GOLDEN / name, "--format", "commands")
    assert (done.returncode, done.stderr) == (0, b"")
    pair.do("FLUSHALL")
    for server in pair.servers:
        pipe(server, done.stdout)
    theirs, mine = pair.servers
    assert do(theirs, "DBSIZE").raw == do(mine, "DBSIZE").raw != b":0\r\n"
    assert digest(theirs) == digest(mine)
    do(theirs, "FUNCTION", "FLUSH")


def test_usage_and_errors(tmp_path: Path) -> None:
    for words in ((), ("--format",), ("--format", "xml"), ("--format", "json", "other")):
        done = exported(GOLDEN / "valkey-9.1.2" / "dump.rdb", *words)
        assert done.returncode == 2
        assert b"--format json|commands|csv" in done.stderr
    assert (
        exported(tmp_path / "none", "--format", "json").stderr
        == f"{tmp_path}/none: No such file or directory\n".encode()
    )
    (tmp_path / "short").write_bytes((GOLDEN / "valkey-9.1.2" / "dump.rdb").read_bytes()[:3000])
    done = exported(tmp_path / "short", "--format", "csv")
    assert done.returncode == 1
    assert b"short: damaged at offset" in done.stderr
    assert done.stdout.startswith(b"db,key,type,field,value,expires_at_ms\n")
    name = str(GOLDEN / "redis-dev-rdb12" / "dump.rdb")
    assert exported(Path(name), "--format", "json").returncode == 1
    assert exported(Path(name), "--format", "json", "--relaxed").returncode == 0
