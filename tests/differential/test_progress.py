"""What INFO says, and what other clients get, while a file is written or loaded slowly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import pytest
from tests.differential.pair import difference_rows
from tests.differential.servers import Server, both
from tests.differential.test_background_saves import ended, info, until
from tests.differential.test_persistence import do
from tests.differential.wire import Wire, encode

NOT_COMPARED = {
    "rdb_last_save_time", "loading_start_time", "loading_rdb_used_mem", "loading_total_bytes", "current_fork_perc",
    "current_save_keys_processed", "rdb_current_bgsave_time_sec", "loading_loaded_bytes", "loading_loaded_perc",
    "loading_eta_seconds", "rdb_last_load_keys_loaded", "current_cow_size", "current_cow_peak", "current_cow_size_age",
    "rdb_last_cow_size", "rdb_last_bgsave_time_sec",
}  # fmt: skip
OURS = {
    "rdb_current_bgsave_bytes", "rdb_current_bgsave_bytes_per_sec", "rdb_current_bgsave_eta_seconds",
    "loading_bytes_per_sec",
}  # fmt: skip


def fields(server: Server) -> dict[str, str]:
    """The section about persistence."""
    text = (do(server, "INFO", "persistence").text or b"").decode()
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def compared(servers: tuple[Server, Server]) -> dict[str, str]:
    """Our fields, after a comparison of all that do not depend on time and size."""
    theirs, mine = fields(servers[0]), fields(servers[1])
    assert [name for name in mine if name not in OURS] == list(theirs)
    for name in theirs:
        assert name in NOT_COMPARED or mine[name] == theirs[name], name
    return mine


@pytest.fixture
def slow() -> Iterator[tuple[Server, Server]]:
    with both("--key-load-delay", "4000", "--loading-process-events-interval-bytes", "1024") as servers:
        for server in servers:
            do(server, "DEBUG", "POPULATE", "2000")
        yield servers


def test_a_save(slow: tuple[Server, Server]) -> None:
    assert compared(slow)["rdb_bgsave_in_progress"] == "0"
    for server in slow:
        do(server, "SET", "k", "v")
        do(server, "CONFIG", "SET", "rdb-key-save-delay", "2000")
        assert do(server, "BGSAVE").kind == "+"
    mine = compared(slow)
    assert mine["rdb_bgsave_in_progress"] == "1"
    until(lambda: int(info(slow[1], "rdb_current_bgsave_eta_seconds")) > 0)
    until(lambda: 0 < int(info(slow[1], "current_save_keys_processed")) < 2001)
    assert "info-progress" in difference_rows()
    for server in slow:
        do(server, "BGSAVE", "CANCEL")
        until(partial(ended, server))
    compared(slow)


def test_delays_of_a_save(slow: tuple[Server, Server]) -> None:
    for server in slow:
        do(server, "CONFIG", "SET", "rdb-key-save-delay", "200")
        began = time.monotonic()
        assert do(server, "SAVE").raw == b"+OK\r\n"
        assert time.monotonic() - began >= 0.4
        began = time.monotonic()
        assert do(server, "BGSAVE").kind == "+"
        until(partial(ended, server))
        assert time.monotonic() - began >= 0.4
        do(server, "CONFIG", "SET", "rdb-key-save-delay", "-1000")
        assert do(server, "SAVE").raw == b"+OK\r\n"


def test_debug_reload_answers_other_clients(slow: tuple[Server, Server]) -> None:
    replies = []
    wires = []
    for server in slow:
        assert do(server, "SAVE").raw == b"+OK\r\n"
        wire = Wire(server.port)
        wires.append(wire)
        wire.send(encode(("DEBUG", "RELOAD", "NOSAVE")) + encode(("GET", "key:7")))
        until(lambda server=server: info(server, "loading") == "1")  # type: ignore[misc]
    mine = compared(slow)
    assert mine["loading"] == "1"
    for server in slow:
        until(lambda server=server: int(info(server, "rdb_last_load_keys_loaded")) > 0)  # type: ignore[misc]
        seen = fields(server)
        assert 0 < int(seen["loading_loaded_bytes"]) < int(seen["loading_total_bytes"])
        assert 0 < float(seen["loading_loaded_perc"]) < 100
        assert int(seen["loading_eta_seconds"]) >= 0
    for server in slow:
        got = [do(server, *words.split()).raw for words in (
            "GET key:7", "PING", "SET k v", "DBSIZE", "BGSAVE", "SAVE", "SHUTDOWN ABORT", "CONFIG GET dbfilename",
            "CONFIG SET appendonly no", "DEBUG SLEEP 0", "SUBSCRIBE a", "SELECT 1", "MULTI",
        )]  # fmt: skip
        replies.append(got)
    assert replies[0] == replies[1]
    for server in slow:
        do(server, "CONFIG", "SET", "key-load-delay", "0")
        until(lambda server=server: info(server, "loading") == "0")  # type: ignore[misc]
        assert do(server, "GET", "key:7").text == b"value:7"
    compared(slow)
    for wire in wires:
        assert [wire.read().raw for _ in range(2)] == [b"+OK\r\n", b"$7\r\nvalue:7\r\n"]
        wire.close()


def test_the_client_that_reloads_gets_its_replies_in_order(slow: tuple[Server, Server]) -> None:
    for server in slow:
        do(server, "CONFIG", "SET", "key-load-delay", "100")
        wire = Wire(server.port)
        wire.send(encode(("SET", "key:7", "changed")) + encode(("DEBUG", "RELOAD")) + encode(("GET", "key:7")))
        until(lambda server=server: info(server, "loading") == "1")  # type: ignore[misc]
        wire.send(encode(("GET", "key:8")))
        assert [wire.read().raw for _ in range(4)] == [
            b"+OK\r\n",
            b"+OK\r\n",
            b"$7\r\nchanged\r\n",
            b"$7\r\nvalue:8\r\n",
        ]
        wire.close()
