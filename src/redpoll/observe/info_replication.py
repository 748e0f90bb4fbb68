"""INFO's section about replication.  Source: spec/replication.md, section 12."""

from __future__ import annotations

from redpoll.engine.engine import Engine
from redpoll.replication.failover import STATE_NAMES as FAILOVER_NAMES
from redpoll.replication.replica import ONLINE, STATE_NAMES, Replica
from redpoll.replication.replication import Replication, replication_of


def replication_lines(engine: Engine) -> list[str]:
    replication = replication_of(engine)
    primary = replication.primary
    stream = primary.stream
    least = primary.minimum()
    now_us = engine.moment.now_us
    return [
        f"role:{'slave' if replication.is_replica else 'master'}",
        *(replica_lines(replication) if replication.is_replica else []),
        f"connected_slaves:{len(primary.replicas)}",
        *([f"min_slaves_good_slaves:{primary.good()}"] if least > 0 else []),
        *[replica_line(n, replica, now_us) for n, replica in enumerate(primary.replicas)],
        "replicas_waiting_psync:0",
        f"master_failover_state:{FAILOVER_NAMES[replication.failover.state]}",
        f"master_replid:{replication.history.decode()}",
        f"master_replid2:{replication.second_history.decode()}",
        f"master_repl_offset:{replication.offset}",
        f"second_repl_offset:{replication.second_offset}",
        f"repl_backlog_active:{int(stream is not None)}",
        f"repl_backlog_size:{primary.ring_size()}",
        f"repl_backlog_first_byte_offset:{stream.end - stream.kept() + 1 if stream is not None else 0}",
        f"repl_backlog_histlen:{stream.kept() if stream is not None else 0}",
    ]


def replica_lines(replication: Replication) -> list[str]:
    """The fields that a replica has in addition."""
    engine = replication.engine
    config = engine.config
    link = replication.link
    now_us = engine.moment.now_us
    up = link.is_up()
    payload = link.payload
    lines = [
        f"master_host:{replication.host.decode('utf-8', 'surrogateescape')}",
        f"master_port:{replication.port}",
        f"master_link_status:{'up' if up else 'down'}",
        f"master_last_io_seconds_ago:{(now_us - link.heard_us) // 1000000 if up else -1}",
        f"master_sync_in_progress:{int(link.is_synchronising())}",
        f"slave_read_repl_offset:{link.read_offset()}",
        f"slave_repl_offset:{link.applied_offset()}",
        "replicas_repl_buffer_size:0",
        "replicas_repl_buffer_peak:0",
    ]
    if link.is_synchronising():
        received = int(payload.received) if payload is not None else 0
        total = int(payload.size) if payload is not None and payload.size >= 0 else 0
        share = 100.0 * received / total if total > 0 else 0.0
        lines += [
            f"master_sync_total_bytes:{total}",
            f"master_sync_read_bytes:{received}",
            f"master_sync_left_bytes:{total - received}",
            f"master_sync_perc:{share:.2f}",
            f"master_sync_last_io_seconds_ago:{(now_us - link.heard_us) // 1000000}",
        ]
    if not up:
        since_us = replication.down_since_us
        lines.append(f"master_link_down_since_seconds:{(now_us - since_us) // 1000000 if since_us > 0 else -1}")
    priority = config.integer(b"replica-priority")
    announced = config.flag(b"replica-announced")
    read_only = config.flag(b"replica-read-only")
    return [
        *lines,
        f"slave_priority:{priority}",
        f"slave_read_only:{int(read_only)}",
        f"replica_announced:{int(announced)}",
    ]


def replica_line(n: int, replica: Replica, now_us: int) -> str:
    host, port = replica.address()
    online = replica.state == ONLINE
    lag = replica.lag_s(now_us) if online else 0
    return (
        f"slave{n}:ip={host.decode('utf-8', 'surrogateescape')},port={port},state={STATE_NAMES[int(replica.state)]},"
        f"offset={replica.acknowledged},lag={lag},type=replica"
    )
