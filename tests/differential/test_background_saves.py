"""BGSAVE beside the reference: replies, files, refusals, save points."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.differential.pair import Pair
from tests.differential.servers import Server, Valkey, ours
from tests.differential.test_persistence import digest, do, filled, started_with
from tests.differential.wire import Wire, encode


@pytest.fixture
def folders() -> Iterator[list[Server]]:
    started: list[Server] = []
    yield started
    for server in started:
        server.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def info(server: Server, name: str) -> str:
    text = (do(server, "INFO", "persistence").text or b"").decode()
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)[name]


def ended(server: Server) -> bool:
    return info(server, "rdb_bgsave_in_progress") == "0"


def test_words(pair: Pair) -> None:
    for words in (("x",), ("SCHEDULE", "x"), ("CANCEL", "SCHEDULE"), ("CANCEL",), ("cancel",)):
        pair.do("BGSAVE", *words)
    for words in ((), ("SCHEDULE",)):
        pair.do("BGSAVE", *words)
        for server in pair.servers:
            until(partial(ended, server))
    pair.play("MULTI\nBGSAVE\nBGSAVE CANCEL\nEXEC\nBGSAVE CANCEL")
    saves = [int(info(server, "rdb_saves")) for server in pair.servers]
    pair.play("MULTI\nBGSAVE SCHEDULE\nEXEC")
    for server, before in zip(pair.servers, saves, strict=True):
        until(lambda server=server, before=before: int(info(server, "rdb_saves")) > before)  # type: ignore[misc]
        # The reference counts a save when it begins.
        until(partial(ended, server))


def test_either_loads_what_the_other_saves(pair: Pair, folders: list[Server]) -> None:
    filled(pair)
    theirs, mine = pair.servers
    before = digest(theirs)
    saves = int(info(mine, "rdb_saves"))
    pair.do("BGSAVE")
    for n in range(200):
        pair.do("RPUSH", "longlist", "more")
        pair.do("HSET", "longhash", f"word:{n}", "changed")
        pair.do("DEL", f"longset:{n}")
    for server in (theirs, mine):
        until(partial(ended, server))
        assert info(server, "rdb_last_bgsave_status") == "ok"
        for fresh in (Valkey("valkey"), ours()):
            started_with(fresh, Path(server.folder.name) / "dump.rdb", folders)
            assert digest(fresh) == before
    assert int(info(mine, "rdb_saves")) == saves + 1


def test_a_snapshot_under_way(folders: list[Server]) -> None:
    """Slow enough to look at: one of our own settings there, the reference's delay of each key here."""
    found = []
    for server in (Valkey("valkey", "--rdb-key-save-delay", "2000000"), ours("--snapshot-cpu-percent", "1")):
        folders.append(server)
        server.start()
        do(server, "DEBUG", "POPULATE", "50000")
        replies = [do(server, *words.split()).raw for words in (
            "BGSAVE", "BGSAVE", "BGSAVE SCHEDULE", "SAVE", "PING", "BGSAVE CANCEL",
        )]  # fmt: skip
        until(partial(ended, server))
        replies += [do(server, *words.split()).raw for words in ("BGSAVE CANCEL", "BGSAVE", "FLUSHALL")]
        until(partial(ended, server))
        assert do(server, "BGSAVE").kind == "+"
        wire = Wire(server.port)
        wire.send(encode(("SHUTDOWN", "NOSAVE")))
        assert wire.read_until_closed() == b""
        wire.close()
        assert server.process is not None
        assert server.process.wait(10) == 0
        found.append((replies, sorted(path.name for path in Path(server.folder.name).glob("*.rdb"))))
    assert found[0] == found[1]


def test_a_save_point_saves_by_itself_and_one_that_fails_holds_up_writes(folders: list[Server]) -> None:
    found = []
    for server in (Valkey("valkey"), ours()):
        folders.append(server)
        server.start()
        do(server, "CONFIG", "SET", "save", "1 2")
        do(server, "SET", "a", "1")
        do(server, "SET", "b", "1")
        until(lambda server=server: (Path(server.folder.name) / "dump.rdb").exists())  # type: ignore[misc]
        until(lambda server=server: info(server, "rdb_changes_since_last_save") == "0")  # type: ignore[misc]
        assert "2 changes in 1 seconds. Saving..." in server.log.read_text(errors="replace")
        # A folder that goes away.
        do(server, "CONFIG", "SET", "save", "")
        folder = Path(server.folder.name) / "gone"
        folder.mkdir()
        server.options = (*server.options, "--enable-protected-configs", "yes")
        server.stop()
        server.start()
        do(server, "CONFIG", "SET", "dir", str(folder))
        shutil.rmtree(folder)
        do(server, "CONFIG", "SET", "save", "3600 1")
        replies = [do(server, "BGSAVE").raw]
        until(lambda server=server: info(server, "rdb_last_bgsave_status") == "err")  # type: ignore[misc]
        for words in ("SET k v", "PING", "GET k", "DEL k", "MULTI", "CONFIG SET stop-writes-on-bgsave-error no", "SET k v",
                      "CONFIG SET stop-writes-on-bgsave-error yes", "SET k v"):  # fmt: skip
            replies.append(do(server, *words.split()).raw)
        replies.append(do(server, "CONFIG", "SET", "save", "").raw)
        replies.append(do(server, "SET", "k", "v").raw)
        replies.append(do(server, "SAVE").raw)
        replies.append(info(server, "rdb_saves").encode())
        found.append(replies)
    assert found[0] == found[1]


def test_the_folder_may_change_meanwhile(folders: list[Server], tmp_path: Path) -> None:
    found = []
    for server in (Valkey("valkey", "--rdb-key-save-delay", "10"), ours("--snapshot-cpu-percent", "20")):
        folders.append(server)
        server.options = (*server.options, "--enable-protected-configs", "yes")
        server.start()
        do(server, "DEBUG", "POPULATE", "20000")
        assert do(server, "BGSAVE").kind == "+"
        elsewhere = tmp_path / server.name
        elsewhere.mkdir()
        assert do(server, "CONFIG", "SET", "dir", str(elsewhere)).raw == b"+OK\r\n"
        until(partial(ended, server))
        found.append(
            (
                info(server, "rdb_last_bgsave_status"),
                sorted(path.name for path in Path(server.folder.name).glob("*.rdb")),
                sorted(path.name for path in elsewhere.iterdir()),
            )
        )
    assert found[0] == found[1] == ("ok", ["dump.rdb"], [])


def test_what_is_counted(folders: list[Server]) -> None:
    """Attempts of SAVE and BGSAVE; and FLUSHALL, which saves, leaves no changes."""
    found = []
    for server in (Valkey("valkey"), ours()):
        folders.append(server)
        server.options = (*server.options, "--enable-protected-configs", "yes")
        server.start()
        counted = []
        for words in (
            "SET k v", "SAVE", "SET k v", "BGSAVE", "FLUSHALL", "DEBUG RELOAD", "CONFIG SET save 3600#1000", "SET k v",
            "FLUSHALL", "SET k v", "FLUSHALL ASYNC", "SET k v", "FLUSHDB", "CONFIG SET dir /proc", "SAVE", "FLUSHALL",
            "BGSAVE", "CONFIG SET save #",
        ):  # fmt: skip
            reply = do(server, *(word.replace("#", " ").strip() for word in words.split())).raw
            until(partial(ended, server))
            names = ("rdb_saves", "rdb_changes_since_last_save", "rdb_last_bgsave_status")
            ever = info(server, "rdb_last_bgsave_time_sec") != "-1"
            counted.append((words, reply, ever, *(info(server, name) for name in names)))
        found.append(counted)
    assert found[0] == found[1]
