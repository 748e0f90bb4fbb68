"""`redpoll check-rdb` and `redpoll rdb stats` as one types them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.differential.servers import redpoll_environment

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "rdb"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "redpoll", *words],
        capture_output=True, text=True, timeout=60, env=redpoll_environment(), check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["valkey-9.1.2/dump.rdb", "redis-7.0.15/dump.rdb", "legacy/types-0-21.rdb"])
def test_files_of_real_servers_are_whole(name: str) -> None:
    done = run("check-rdb", str(GOLDEN / name))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("the file is whole\n")


def test_a_file_to_come_is_read_if_asked_for() -> None:
    name = str(GOLDEN / "redis-dev-rdb12" / "dump.rdb")
    done = run("check-rdb", name)
    assert done.returncode == 1
    assert "damaged at offset 0: Can't handle RDB format version 12" in done.stdout
    assert run("check-rdb", name, "--relaxed").returncode == 0


def test_what_is_damaged_is_told_with_its_place(tmp_path: Path) -> None:
    data = bytearray((GOLDEN / "valkey-9.1.2" / "dump.rdb").read_bytes())
    (tmp_path / "short.rdb").write_bytes(data[:3000])
    done = run("check-rdb", str(tmp_path / "short.rdb"))
    assert done.returncode == 1
    assert "damaged at offset " in done.stdout
    data[-1] ^= 1
    (tmp_path / "sum.rdb").write_bytes(data)
    assert "Wrong RDB checksum" in run("check-rdb", str(tmp_path / "sum.rdb")).stdout
    done = run("check-rdb", str(tmp_path / "missing.rdb"))
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}/missing.rdb: No such file or directory\n")
    assert run("check-rdb").returncode == run("rdb", "stats", "a", "b").returncode == 2


def test_stats_tell_what_there_is() -> None:
    done = run("rdb", "stats", str(GOLDEN / "valkey-9.1.2" / "dump.rdb"))
    assert (done.returncode, done.stderr) == (0, "")
    types = "type " + done.stdout.partition("\ntype ")[2].partition("\nprefix ")[0]
    rows = {line.split()[0]: line.split()[1:3] for line in types.splitlines() if len(line.split()) == 4}
    assert set(rows) == {"string", "list", "set", "hash", "zset", "stream", "type"}
    assert sum(int(rows[name][0]) for name in ("string", "list", "set", "hash", "zset", "stream")) == 109
    assert "largest keys" in done.stdout
