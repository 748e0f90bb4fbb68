"""INFO's section of counters: stats.  Counters of missing features are 0."""

from __future__ import annotations

from redpoll.engine.engine import Engine
from redpoll.replication.replication import replication_of


def stats_lines(engine: Engine) -> list[str]:
    moment = engine.moment
    counters = engine.counters
    return [
        *traffic_lines(engine),
        f"expired_keys:{moment.expired}",
        f"expired_fields:{moment.expired_fields}",
        f"expire_lag_p50_ms:{moment.lags.percentile(50)}",
        f"expire_lag_p99_ms:{moment.lags.percentile(99)}",
        f"expire_lag_max_ms:{moment.lags.longest_ms}",
        "expired_stale_perc:0.00",
        "expired_keys_with_volatile_items_stale_perc:0.00",
        "expired_time_cap_reached_count:0",
        f"expire_cycle_cpu_milliseconds:{engine.expiry.took_us // 1000}",
        f"evicted_keys:{moment.evicted}",
        f"evicted_clients:{engine.traffic.evicted_clients}",
        f"evicted_scripts:{engine.script_statistics.evicted}",
        f"total_eviction_exceeded_time:{(engine.eviction.over_us + engine.eviction.over_now_us()) // 1000}",
        f"current_eviction_exceeded_time:{engine.eviction.over_now_us() // 1000}",
        f"keyspace_hits:{moment.hits}",
        f"keyspace_misses:{moment.misses}",
        f"pubsub_channels:{len(engine.pubsub.channels.audiences)}",
        f"pubsub_patterns:{len(engine.pubsub.patterns.audiences)}",
        f"pubsubshard_channels:{len(engine.pubsub.shards.audiences)}",
        "latest_fork_usec:0",
        "total_forks:0",
        f"migrate_cached_sockets:{len(engine.remotes.open)}",
        "slave_expires_tracked_keys:0",
        f"active_defrag_hits:{engine.trimming.moved}",
        "active_defrag_misses:0",
        "active_defrag_key_hits:0",
        "active_defrag_key_misses:0",
        f"total_active_defrag_time:{engine.trimming.took_us // 1000}",
        "current_active_defrag_time:0",
        "tracking_total_keys:0",
        "tracking_total_items:0",
        "tracking_total_prefixes:0",
        f"unexpected_error_replies:{counters.internal_errors + counters.propagation_errors}",
        f"internal_errors:{counters.internal_errors}",
        f"total_error_replies:{counters.error_replies}",
        "dump_payload_sanitizations:0",
        *loop_lines(engine),
        f"acl_access_denied_auth:{engine.traffic.refused_passwords}",
        "acl_access_denied_cmd:0",
        "acl_access_denied_key:0",
        "acl_access_denied_channel:0",
        "acl_access_denied_tls_cert:0",
        "acl_access_denied_db:0",
    ]


def traffic_lines(engine: Engine) -> list[str]:
    """Network traffic: in total and recent."""
    traffic = engine.traffic
    sampler = engine.sampler
    primary = replication_of(engine).primary
    return [
        f"total_connections_received:{engine.traffic.connections}",
        f"total_commands_processed:{engine.counters.processed()}",
        f"instantaneous_ops_per_sec:{int(sampler.commands.mean())}",
        f"total_net_input_bytes:{traffic.received}",
        f"total_net_output_bytes:{traffic.sent}",
        f"total_net_repl_input_bytes:{traffic.received_of_primary}",
        f"total_net_repl_output_bytes:{traffic.sent_to_replicas}",
        f"total_net_cluster_slot_import_bytes:{traffic.slots_received}",
        f"total_net_cluster_slot_export_bytes:{traffic.slots_sent}",
        f"instantaneous_input_kbps:{sampler.received.mean() / 1024.0:.2f}",
        f"instantaneous_output_kbps:{sampler.sent.mean() / 1024.0:.2f}",
        f"instantaneous_input_repl_kbps:{sampler.received_of_primary.mean() / 1024.0:.2f}",
        f"instantaneous_output_repl_kbps:{sampler.sent_to_replicas.mean() / 1024.0:.2f}",
        f"rejected_connections:{engine.traffic.rejected_connections}",
        f"sync_full:{primary.full_syncs}",
        f"sync_partial_ok:{primary.partial_syncs}",
        f"sync_partial_err:{primary.refused_syncs}",
    ]


def loop_lines(engine: Engine) -> list[str]:
    """Reads, writes and turns of the loop.  There are no I/O threads."""
    traffic = engine.traffic
    sampler = engine.sampler
    return [
        f"total_reads_processed:{traffic.reads}",
        f"total_writes_processed:{traffic.writes}",
        "io_threaded_reads_processed:0",
        "io_threaded_writes_processed:0",
        "io_threaded_freed_objects:0",
        "io_threaded_accept_processed:0",
        "io_threaded_poll_processed:0",
        "io_threaded_total_prefetch_batches:0",
        "io_threaded_total_prefetch_entries:0",
        f"client_query_buffer_limit_disconnections:{engine.traffic.query_limit_closes}",
        f"client_output_buffer_limit_disconnections:{engine.traffic.output_limit_closes}",
        "reply_buffer_shrinks:0",
        "reply_buffer_expands:0",
        f"eventloop_cycles:{traffic.turns}",
        f"eventloop_duration_sum:{traffic.active_us}",
        f"eventloop_duration_cmd_sum:{engine.counters.total_usec()}",
        f"instantaneous_eventloop_cycles_per_sec:{int(sampler.turns.mean())}",
        f"instantaneous_eventloop_duration_usec:{sampler.turn_us()}",
    ]
