"""Saves that are killed, and disks that are full: the file is the old one or the new one, whole."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest
import redis
from tests.process.conftest import Start
from tests.process.running import until

from redpoll.cli.rdb import check

LOCAL = ("--bind", "127.0.0.1", "--port", "{port}", "--enable-debug-command", "yes")


def check_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The snapshot file in `folder` is whole."""
    assert check([str(folder / "dump.rdb")]) == 0, capsys.readouterr().out


def wait_for_draft(folder: Path, pid: int) -> None:
    """Wait until the server has written bytes of a snapshot that is not complete."""
    until(lambda: any(draft.stat().st_size > 0 for draft in folder.glob(f"temp-{pid}.*.rdb")), "bytes of the draft")


@pytest.mark.parametrize("command", ["SAVE", "BGSAVE"])
def test_a_server_that_is_killed_while_it_saves(
    start: Start, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = [5000, 8000, 8000]
    for size in sizes:
        # The first start finds nothing; the others a whole file, and perhaps a draft of one that was killed.
        server = start(*LOCAL, "--rdbcompression", "no", folder=tmp_path).ready()
        client = server.client()
        client.execute_command("DEBUG", "POPULATE", size, "key", 1000)
        if size == sizes[0]:
            client.execute_command("SAVE")
        assert client.dbsize() == size
        # The file is written in pieces of 256 KB: the first one after a quarter of a second, the end after 5 s or more.
        client.config_set("rdb-key-save-delay", 1000)
        raw = client.connection_pool.get_connection()
        raw.send_command(command)
        wait_for_draft(tmp_path, server.process.pid)
        server.signal(signal.SIGKILL)
        server.status()
        check_file(tmp_path, capsys)


def test_a_disk_that_is_full(start: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SAVE, BGSAVE and SHUTDOWN fail, leave the old file and no draft, and work when there is space again."""
    server = start(*LOCAL, "--rdbcompression", "no", folder=tmp_path).ready()
    client = server.client()
    client.set("k", "v")
    client.execute_command("SAVE")
    before = (tmp_path / "dump.rdb").read_bytes()
    client.execute_command("DEBUG", "POPULATE", 20000, "key", 100)
    unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1 << 20, unlimited[1]))
    for words in (("SAVE",), ("BGSAVE",), ("SHUTDOWN", "SAVE")):
        if words == ("BGSAVE",):
            client.execute_command(*words)
            until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "the failure")
        else:
            with pytest.raises(redis.ResponseError):
                client.execute_command(*words)
        assert (tmp_path / "dump.rdb").read_bytes() == before
        assert list(tmp_path.glob("temp-*")) == []
    assert server.log().count("File too large") == 3
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
    client.execute_command("BGSAVE")
    until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok", "the end")
    check_file(tmp_path, capsys)
    assert (tmp_path / "dump.rdb").stat().st_size > 1 << 20
