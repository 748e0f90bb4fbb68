"""INFO: what an engine knows of itself, as text in sections.  Source: spec/server.md, "INFO"."""

from __future__ import annotations

import os
import platform
import resource
import sys
from typing import Final

from redpoll.build_info import VERSION
from redpoll.engine.command import CATALOGUE
from redpoll.engine.engine import Engine
from redpoll.env.process import resident_bytes
from redpoll.version import COMPATIBLE_VERSION, REFERENCE_VERSION

DEFAULT: Final = (b"server", b"clients", b"memory", b"stats", b"replication", b"cpu", b"errorstats", b"keyspace")
ORDER: Final = (
    b"server", b"clients", b"memory", b"stats", b"replication", b"cpu", b"commandstats", b"errorstats", b"keyspace",
)  # fmt: skip


def info_text(engine: Engine, words: list[bytes]) -> bytes:
    """The sections asked for, in the fixed order; unknown words are ignored."""
    if not words or b"default" in words:
        words = [*words, *DEFAULT]
    if b"all" in words or b"everything" in words:
        words = list(ORDER)
    texts = [section(engine, name) for name in ORDER if name in words]
    return b"\r\n".join(texts)


def section(engine: Engine, name: bytes) -> bytes:
    """One section: title and lines."""
    lines: list[str] = []
    if name == b"server":
        lines = server_lines(engine)
    elif name == b"clients":
        blocked = sum(1 for session in engine.sessions.values() if session.waiting is not None)
        watching = sum(1 for session in engine.sessions.values() if session.watched)
        lines = [
            f"connected_clients:{len(engine.sessions)}",
            f"blocked_clients:{blocked}",
            f"watching_clients:{watching}",
            f"clients_in_timeout_table:{len(engine.waits_with_deadline)}",
            f"total_watched_keys:{len(engine.interest.watchers)}",
            f"total_blocking_keys:{len(engine.interest.waiters)}",
        ]
    elif name == b"memory":
        used = engine.used_memory()
        rss = resident_bytes()
        lines = [
            f"used_memory:{used}",
            f"used_memory_human:{human(used)}",
            f"used_memory_rss:{rss}",
            f"used_memory_rss_human:{human(rss)}",
            "maxmemory:0",
            "maxmemory_human:0B",
            "maxmemory_policy:noeviction",
            "mem_allocator:pymalloc",
            f"lazyfree_pending_objects:{engine.reclaimer.pending()}",
            f"lazyfreed_objects:{engine.reclaimer.freed}",
        ]
    elif name == b"stats":
        moment = engine.moment
        lines = [
            f"total_connections_received:{engine.connections}",
            f"total_commands_processed:{engine.counters.processed}",
            f"expired_keys:{moment.expired}",
            "evicted_keys:0",
            f"keyspace_hits:{moment.hits}",
            f"keyspace_misses:{moment.misses}",
            f"total_error_replies:{engine.counters.error_replies}",
            f"internal_errors:{engine.counters.internal_errors}",
        ]
    elif name == b"replication":
        lines = ["role:master", "connected_slaves:0", f"master_replid:{engine.run_id.decode()}", "master_repl_offset:0"]
    elif name == b"cpu":
        usage = resource.getrusage(resource.RUSAGE_SELF)
        lines = [f"used_cpu_sys:{usage.ru_stime:.6f}", f"used_cpu_user:{usage.ru_utime:.6f}"]
    elif name == b"commandstats":
        lines = command_lines(engine)
    elif name == b"errorstats":
        lines = [f"errorstat_{code.decode()}:count={count}" for code, count in sorted(engine.counters.errors.items())]
    elif name == b"keyspace":
        lines = [
            f"db{db.index}:keys={db.table.size},expires={db.table.volatile},avg_ttl=0"
            for db in engine.databases
            if db.table.size > 0
        ]
    title = "CPU" if name == b"cpu" else name.decode().capitalize()
    return "".join(f"{line}\r\n" for line in [f"# {title}", *lines]).encode()


def server_lines(engine: Engine) -> list[str]:
    up = (engine.moment.now_us - engine.started_us) // 1000000
    facts = engine.host.facts()
    return [
        f"redis_version:{COMPATIBLE_VERSION.decode()}",
        f"server_name:{'redis' if engine.options.extended_redis_compatibility else 'valkey'}",
        f"valkey_version:{REFERENCE_VERSION.decode()}",
        f"redpoll_version:{VERSION}",
        f"redpoll_build:{facts.get('build', 'in process')}",
        "server_mode:standalone",
        f"os:{platform.system()} {platform.release()} {platform.machine()}",
        f"arch_bits:{64 if sys.maxsize > 1 << 32 else 32}",
        f"python_version:{platform.python_version()}",
        f"multiplexing_api:{facts.get('poller', 'none')}",
        f"process_id:{os.getpid()}",
        f"run_id:{engine.run_id.decode()}",
        f"tcp_port:{facts.get('port', '0')}",
        f"server_time_usec:{engine.moment.now_us}",
        f"uptime_in_seconds:{up}",
        f"uptime_in_days:{up // 86400}",
        f"lru_clock:{engine.moment.clock}",
        f"executable:{sys.executable}",
        f"config_file:{facts.get('config_file', '')}",
    ]


def command_lines(engine: Engine) -> list[str]:
    counters = engine.counters
    lines = []
    for name, command in sorted(CATALOGUE.items()):
        at = command.index
        calls, usec = counters.calls[at], counters.usec[at]
        if calls or counters.rejected[at] or counters.failed[at]:
            mean = usec / float(calls) if calls else 0.0
            lines.append(
                f"cmdstat_{name.decode()}:calls={calls},usec={int(usec)},usec_per_call={mean:.2f},"
                f"rejected_calls={counters.rejected[at]},failed_calls={counters.failed[at]}"
            )
    return lines


def human(size: int) -> str:
    """A size as `33.00K`."""
    if size < 1024:
        return f"{size}B"
    power = min((size.bit_length() - 1) // 10, 4)
    return f"{size / float(1 << 10 * power):.2f}{'KMGT'[power - 1]}"
