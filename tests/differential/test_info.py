"""INFO: the same sections with the same fields in the same order; ours may have more."""

from __future__ import annotations

import pytest
from tests.differential.pair import Pair
from tests.differential.wire import Reply

OURS = {
    "redpoll_version", "redpoll_build", "python_version", "used_memory_peak_time", "internal_errors",
    "expire_lag_p50_ms", "expire_lag_p99_ms", "expire_lag_max_ms",
}  # fmt: skip
"""Fields that the reference does not have."""

NAMED = (
    "server", "tls", "clients", "memory", "persistence", "stats", "replication", "cpu", "cluster", "cluster_info",
    "debug",
)  # fmt: skip


def sections(reply: Reply) -> dict[str, list[str]]:
    """The names of the fields of each section, in order."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in (reply.text or b"").decode().split("\r\n"):
        if line.startswith("# "):
            title = line
            found[title] = []
        elif line:
            found[title].append(line.split(":", 1)[0])
    return found


def fields(reply: Reply) -> dict[str, str]:
    lines = (reply.text or b"").decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("name", NAMED)
def test_a_section_has_the_fields_of_the_reference_in_its_order(pair: Pair, name: str) -> None:
    theirs, ours = pair.both("INFO", name)
    kept = {title: [field for field in names if field not in OURS] for title, names in sections(ours).items()}
    assert kept == sections(theirs)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("default",),
        ("all",),
        ("everything",),
        ("ALL", "Debug"),
        ("keyspace", "server"),
        ("nosuch",),
        ("nosuch", "clients"),
        ("modules",),
        ("module_list",),
        ("default", "commandstats"),
        ("default", "default"),
        ("scriptingengines", "latencystats", "errorstats"),
    ],
    ids=" ".join,
)
def test_the_same_sections_come_in_the_same_order(pair: Pair, words: tuple[str, ...]) -> None:
    theirs, ours = pair.both("INFO", *words)
    assert list(sections(ours)) == list(sections(theirs))
    assert ours.kind == theirs.kind


def test_sections_are_separated_by_an_empty_line(pair: Pair) -> None:
    for reply in pair.both("INFO", "cluster", "modules", "cluster_info"):
        text = (reply.text or b"").decode()
        assert (
            text.startswith("# Modules\r\n")
            and "\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n# Cluster Info\r\n" in text
        )


def test_facts_that_clients_rely_on_are_equal(pair: Pair) -> None:
    pair.do("SET", "a", "1")
    pair.do("SET", "b", "1", "EX", "1000")
    theirs, ours = (fields(reply) for reply in pair.both("INFO", "everything"))
    for name in (
        "redis_version", "server_name", "valkey_version", "valkey_release_stage", "server_mode", "arch_bits", "maxclients",
        "loading", "aof_enabled", "rdb_last_bgsave_status", "role", "connected_slaves", "master_failover_state",
        "master_replid2", "second_repl_offset", "cluster_enabled", "maxmemory", "maxmemory_policy",
        "evicted_keys", "paused_reason", "blocked_clients",
    ):  # fmt: skip
        assert (name, ours[name]) == (name, theirs[name])
    assert ours["db0"].startswith("keys=2,expires=1,avg_ttl=")
    assert ours["redpoll_version"]
    for name in ("used_memory_rss", "used_memory", "total_system_memory", "uptime_in_seconds", "process_id"):
        assert int(ours[name]) >= 0


def test_command_statistics_count_alike(pair: Pair) -> None:
    pair.do("CONFIG", "RESETSTAT")
    pair.play("""
        SET a 1
        GET a
        get a
        GET
        GET a b
        HSET a f v
        INCR a
        CLIENT GETNAME
        CLIENT NOSUCH
        CLIENT ID x
        nosuch 1
        MULTI
        SET a 5
        ZADD a 1 m
        SET a
        EXEC
        MULTI
        INCR a
        HGET a f
        EXEC
        EXEC
        AUTH a b c d
        DEBUG ERROR "OWN error"
        DEBUG NOSUCH
    """)
    pair.second().raw(b"*1\r\n:1\r\n", closes=True)
    pair.second().raw(b'PING "\r\n', closes=True)
    for section in ("commandstats", "errorstats"):
        counts = []
        for reply in pair.both("INFO", section):
            found = fields(reply)
            counts.append(
                {
                    name: [part for part in value.split(",") if not part.startswith("usec")]
                    for name, value in found.items()
                    if name != "cmdstat_info"
                }
            )
        assert counts[1] == counts[0]
    theirs, ours = (fields(reply) for reply in pair.both("INFO", "stats"))
    for name in ("total_commands_processed", "total_error_replies", "keyspace_hits", "keyspace_misses"):
        assert (name, ours[name]) == (name, theirs[name])


def test_a_blocked_command_counts_when_it_is_over(pair: Pair) -> None:
    pair.do("CONFIG", "RESETSTAT")
    waiting = pair.second()
    waiting.send("BZPOPMIN", "z", "0.05")
    pair.do("PING")
    waiting.read()
    waiting.send("BZPOPMIN", "z", "0")
    waiting.silent()
    pair.do("ZADD", "z", "1", "m")
    waiting.read()
    for reply in pair.both("INFO", "commandstats"):
        assert fields(reply)["cmdstat_bzpopmin"].startswith("calls=2,")


def test_latency_statistics_name_the_commands_called(pair: Pair) -> None:
    pair.do("CONFIG", "RESETSTAT")
    pair.do("GET", "a")
    pair.do("CLIENT", "GETNAME")
    theirs, ours = (fields(reply) for reply in pair.both("INFO", "latencystats"))
    assert sorted(theirs) == sorted(ours)
    for value in ours.values():
        assert [part.split("=")[0] for part in value.split(",")] == ["p50", "p99", "p99.9"]


def test_a_pause_is_told(pair: Pair) -> None:
    pair.do("CLIENT", "PAUSE", "10000", "WRITE")
    theirs, ours = (fields(reply) for reply in pair.both("INFO", "clients"))
    for name in ("paused_reason", "paused_actions"):
        assert (name, ours[name]) == (name, theirs[name])
    assert 0 < int(ours["paused_timeout_milliseconds"]) <= 10000
    pair.do("CLIENT", "UNPAUSE")
    theirs, ours = (fields(reply) for reply in pair.both("INFO", "clients"))
    for name in ("paused_reason", "paused_actions", "paused_timeout_milliseconds"):
        assert (name, ours[name]) == (name, theirs[name])


def test_traffic_is_counted(pair: Pair) -> None:
    pair.do("CONFIG", "RESETSTAT")
    pair.do("SET", "a", "x" * 5000)
    pair.do("GET", "a")
    for reply in pair.both("INFO", "stats"):
        found = fields(reply)
        assert 5000 < int(found["total_net_input_bytes"]) < 5400
        assert 5000 < int(found["total_net_output_bytes"]) < 5400
        assert int(found["total_reads_processed"]) >= 2
        assert int(found["total_writes_processed"]) >= 2
        assert int(found["eventloop_cycles"]) >= 2


def test_resetstat_takes_no_more_words(pair: Pair) -> None:
    pair.do("CONFIG", "RESETSTAT", "x")


def test_refused_passwords_are_counted(pair: Pair) -> None:
    def refused() -> int:
        counts = [int(fields(reply)["acl_access_denied_auth"]) for reply in pair.both("INFO", "stats")]
        assert counts[1] - before[1] == counts[0] - before[0]
        return counts[0] - before[0]

    before = [0, 0]
    before = [int(fields(reply)["acl_access_denied_auth"]) for reply in pair.both("INFO", "stats")]
    pair.do("AUTH", "nobody", "x")
    pair.do("HELLO", "3", "AUTH", "nobody", "x")
    pair.do("AUTH", "x")
    assert refused() == 2
    pair.do("CONFIG", "SET", "requirepass", "secret")
    pair.do("AUTH", "x")
    pair.do("AUTH", "secret")
    pair.do("CONFIG", "SET", "requirepass", "")
    pair.do("CONFIG", "RESETSTAT")
    assert refused() == 3


def when_all_is_freed(pair: Pair) -> list[str]:
    """How many objects each has freed later, once none waits."""
    while True:
        both = [fields(reply) for reply in pair.both("INFO")]
        if all(found["lazyfree_pending_objects"] == "0" for found in both):
            return [found["lazyfreed_objects"] for found in both]


def test_only_what_is_in_pieces_is_freed_later(pair: Pair) -> None:
    when_all_is_freed(pair)
    pair.do("CONFIG", "RESETSTAT")
    pair.do("SET", "s", "x" * 1000000)
    pair.do("SET", "s", "y" * 1000000)
    pair.do("APPEND", "s", "z")
    pair.do("UNLINK", "s")
    pair.do("HSET", "h", *[str(n) * 10 for n in range(4000)])
    pair.do("UNLINK", "h")
    assert when_all_is_freed(pair) == ["1", "1"]


def test_flushing_frees_in_slices_with_sync_too(pair: Pair) -> None:
    """The difference `flush-sync`."""
    when_all_is_freed(pair)
    pair.do("CONFIG", "RESETSTAT")
    for n in range(10):
        pair.do("SET", f"k{n}", "v")
    pair.do("FLUSHALL", "SYNC")
    assert when_all_is_freed(pair) == ["0", "10"]
