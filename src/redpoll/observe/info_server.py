"""INFO's sections about the process: server, tls, clients, cpu, debug."""

from __future__ import annotations

import os
import platform
import sys

from redpoll.build_info import VERSION
from redpoll.engine.engine import Engine
from redpoll.env.process import cpu_seconds
from redpoll.structures.segment import CLOCK_MASK
from redpoll.version import COMPATIBLE_VERSION, REFERENCE_VERSION


def server_lines(engine: Engine) -> list[str]:
    up_s = (engine.moment.now_us - engine.started_us) // 1000000
    facts = engine.host.facts()
    redis_like = engine.options.extended_redis_compatibility
    hz = engine.config.text(b"hz").decode()
    lines = [
        f"redis_version:{COMPATIBLE_VERSION.decode()}",
        f"server_name:{'redis' if redis_like else 'valkey'}",
        f"valkey_version:{REFERENCE_VERSION.decode()}",
        "valkey_release_stage:ga",
        f"redpoll_version:{VERSION}",
        f"redpoll_build:{facts.get('build', 'in process')}",
        "redis_git_sha1:00000000",
        "redis_git_dirty:0",
        f"redis_build_id:redpoll-{VERSION}",
        f"{'redis_mode' if redis_like else 'server_mode'}:standalone",
        f"os:{platform.system()} {platform.release()} {platform.machine()}",
        f"arch_bits:{64 if sys.maxsize > 1 << 32 else 32}",
        "monotonic_clock:POSIX clock_gettime",
        f"multiplexing_api:{facts.get('poller', 'none')}",
        f"gcc_version:{platform.python_compiler().removeprefix('GCC ') or '0.0.0'}",
        f"python_version:{platform.python_version()}",
        f"process_id:{os.getpid()}",
        f"process_supervised:{facts.get('supervised', 'no')}",
        f"run_id:{engine.run_id.decode()}",
        f"tcp_port:{facts.get('port', '0')}",
        f"server_time_usec:{engine.moment.now_us}",
        f"uptime_in_seconds:{up_s}",
        f"uptime_in_days:{up_s // 86400}",
        f"hz:{hz}",
        f"configured_hz:{hz}",
        f"clients_hz:{hz}",
        f"lru_clock:{engine.moment.clock & CLOCK_MASK}",
        f"executable:{sys.executable}",
        f"config_file:{facts.get('config_file', '')}",
        "io_threads_active:0",
        f"availability_zone:{engine.config.text(b'availability-zone').decode('utf-8', 'surrogateescape')}",
    ]
    if facts.get("shutdown_in_ms"):
        lines.append(f"shutdown_in_milliseconds:{facts['shutdown_in_ms']}")
    for number, listener in enumerate(engine.host.listeners()):
        lines.append(f"listener{number}:{listener}")
    return lines


def tls_lines(engine: Engine) -> list[str]:
    lines: list[str] = []
    for whose in ("server", "client", "ca"):
        lines.append(f"tls_{whose}_cert_serial:none")
        lines.append(f"tls_{whose}_cert_expires_in_seconds:0")
    return lines


def client_lines(engine: Engine) -> list[str]:
    pause = engine.pause
    blocked = 0
    watching = 0
    largest_in = engine.sampler.requests.most()
    largest_out = engine.sampler.replies.most()
    for session in engine.sessions.values():
        blocked += int(session.waiting is not None)
        watching += int(len(session.watched) > 0)
        held = session.peer.buffers()
        largest_in = max(largest_in, held.request)
        largest_out = max(largest_out, held.reply + held.backlog)
    clients = sum([not session.is_replica() and not session.is_primary for session in engine.sessions.values()])
    return [
        f"connected_clients:{clients}",
        "cluster_connections:0",
        f"maxclients:{engine.config.text(b'maxclients').decode()}",
        f"client_recent_max_input_buffer:{largest_in}",
        f"client_recent_max_output_buffer:{largest_out}",
        f"blocked_clients:{blocked}",
        "tracking_clients:0",
        f"pubsub_clients:{engine.pubsub.clients}",
        f"watching_clients:{watching}",
        f"clients_in_timeout_table:{len(engine.blocking.timed)}",
        f"total_watched_keys:{len(engine.interest.watchers)}",
        f"total_blocking_keys:{len(engine.blocking.queues)}",
        "total_blocking_keys_on_nokey:0",
        f"paused_reason:{pause.reason().decode()}",
        f"paused_actions:{pause.actions().decode()}",
        f"paused_timeout_milliseconds:{pause.left_ms()}",
    ]


def cpu_lines(engine: Engine) -> list[str]:
    system, user, children_system, children_user = cpu_seconds(False)
    thread_system, thread_user, _, _ = cpu_seconds(True)
    return [
        f"used_cpu_sys:{system:.6f}",
        f"used_cpu_user:{user:.6f}",
        f"used_cpu_sys_children:{children_system:.6f}",
        f"used_cpu_user_children:{children_user:.6f}",
        f"used_cpu_sys_main_thread:{thread_system:.6f}",
        f"used_cpu_user_main_thread:{thread_user:.6f}",
        f"used_active_time_main_thread:{float(engine.traffic.active_us) / 1e6:.6f}",
    ]


def debug_lines(engine: Engine) -> list[str]:
    return [
        "eventloop_duration_aof_sum:0",
        f"eventloop_duration_cron_sum:{engine.tick_us}",
        f"eventloop_duration_max:{engine.traffic.longest_turn_us}",
        "eventloop_cmd_per_cycle_max:0",
        "io_threaded_reads_pending:0",
        "io_threaded_writes_pending:0",
    ]
