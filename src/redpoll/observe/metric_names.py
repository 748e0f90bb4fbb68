"""The metrics that are a field of INFO each, with the names that redis_exporter gives them."""

from __future__ import annotations

from typing import Final


class Row:
    """A metric: its name, the field of INFO, and what one unit of the field counts in the metric's unit.

    A field that is a word is 1 if it is `ok`, else 0.
    """

    def __init__(self, name: str, field: str, help: str, scale: float = 1.0) -> None:
        self.name: Final = name
        self.field: Final = field
        self.help: Final = help
        self.scale: Final = scale


SERVER: Final = [
    Row("uptime_in_seconds", "uptime_in_seconds", "Seconds since the start."),
    Row("process_id", "process_id", "Number of the process."),
    Row("io_threads_active", "io_threads_active", "Whether I/O threads work: there are none."),
]

CLIENTS: Final = [
    Row("connected_clients", "connected_clients", "Clients that are connected."),
    Row("blocked_clients", "blocked_clients", "Clients that wait in a blocking command."),
    Row("tracking_clients", "tracking_clients", "Clients that cache with the server's help."),
    Row("pubsub_clients", "pubsub_clients", "Clients that subscribe to something."),
    Row("watching_clients", "watching_clients", "Clients that watch keys."),
    Row("clients_in_timeout_table", "clients_in_timeout_table", "Blocked clients with a time limit."),
    Row("cluster_connections", "cluster_connections", "Connections of the cluster bus."),
    Row("config_maxclients", "maxclients", "The directive maxclients."),
    Row("client_recent_max_input_buffer_bytes", "client_recent_max_input_buffer", "Largest recent incomplete request."),
    Row("client_recent_max_output_buffer_bytes", "client_recent_max_output_buffer", "Largest recent unread output."),
]

MEMORY: Final = [
    Row("memory_used_bytes", "used_memory", "Memory in use, by the server's own accounting."),
    Row("memory_used_rss_bytes", "used_memory_rss", "Resident memory of the process."),
    Row("memory_used_peak_bytes", "used_memory_peak", "Most memory that was in use."),
    Row("memory_used_overhead_bytes", "used_memory_overhead", "Memory in use that is not data."),
    Row("memory_used_startup_bytes", "used_memory_startup", "Memory in use at the start."),
    Row("memory_used_dataset_bytes", "used_memory_dataset", "Memory of keys and values."),
    Row("memory_used_lua_bytes", "used_memory_lua", "Memory of scripts' interpreters."),
    Row("memory_used_scripts_bytes", "used_memory_scripts", "Memory of scripts."),
    Row("memory_max_bytes", "maxmemory", "The directive maxmemory, 0 without a limit."),
    Row("config_maxmemory", "maxmemory", "The directive maxmemory."),
    Row("number_of_cached_scripts", "number_of_cached_scripts", "Scripts in the cache."),
    Row("allocator_allocated_bytes", "allocator_allocated", "Memory in use."),
    Row("allocator_active_bytes", "allocator_active", "Resident memory."),
    Row("allocator_resident_bytes", "allocator_resident", "Resident memory."),
    Row("allocator_frag_ratio", "allocator_frag_ratio", "Resident memory over memory in use."),
    Row("allocator_frag_bytes", "allocator_frag_bytes", "Resident memory less memory in use."),
    Row("allocator_rss_ratio", "allocator_rss_ratio", "Always 1: there is no allocator of our own."),
    Row("allocator_rss_bytes", "allocator_rss_bytes", "Always 0: there is no allocator of our own."),
    Row("mem_fragmentation_ratio", "mem_fragmentation_ratio", "Resident memory over memory in use."),
    Row("mem_fragmentation_bytes", "mem_fragmentation_bytes", "Resident memory less memory in use."),
    Row("mem_not_counted_for_eviction_bytes", "mem_not_counted_for_evict", "Memory to which maxmemory does not apply."),
    Row("mem_clients_normal", "mem_clients_normal", "Memory in the buffers of clients."),
    Row("mem_clients_slaves", "mem_clients_slaves", "Memory in the buffers of replicas."),
    Row("active_defrag_running", "active_defrag_running", "Whether objects are moved to give back memory."),
    Row("lazyfree_pending_objects", "lazyfree_pending_objects", "Deleted values that are not freed yet."),
]

PERSISTENCE: Final = [
    Row("loading_dump_file", "loading", "Whether a file is being loaded."),
    Row("rdb_changes_since_last_save", "rdb_changes_since_last_save", "Changes since the last save."),
    Row("rdb_bgsave_in_progress", "rdb_bgsave_in_progress", "Whether a save runs."),
    Row("rdb_last_save_timestamp_seconds", "rdb_last_save_time", "When the last save ended, in seconds since 1970."),
    Row("rdb_last_bgsave_status", "rdb_last_bgsave_status", "Whether the last save succeeded."),
    Row("rdb_last_bgsave_duration_sec", "rdb_last_bgsave_time_sec", "Duration of the last save, -1 without one."),
    Row("rdb_current_bgsave_duration_sec", "rdb_current_bgsave_time_sec", "Duration of the running save, or -1."),
    Row("rdb_last_cow_size_bytes", "rdb_last_cow_size", "Memory copied during the last save."),
    Row("aof_enabled", "aof_enabled", "Whether the append-only file is on."),
    Row("aof_rewrite_in_progress", "aof_rewrite_in_progress", "Whether it is being rewritten."),
    Row("aof_rewrite_scheduled", "aof_rewrite_scheduled", "Whether a rewrite is scheduled."),
    Row("aof_last_rewrite_duration_sec", "aof_last_rewrite_time_sec", "Duration of the last rewrite, or -1."),
    Row("aof_current_rewrite_duration_sec", "aof_current_rewrite_time_sec", "Duration of the running rewrite, or -1."),
    Row("aof_last_bgrewrite_status", "aof_last_bgrewrite_status", "Whether the last rewrite succeeded."),
    Row("aof_last_write_status", "aof_last_write_status", "Whether the last write succeeded."),
    Row("aof_last_cow_size_bytes", "aof_last_cow_size", "Memory copied during the last rewrite."),
    Row("module_fork_in_progress", "module_fork_in_progress", "Whether a module's process runs: never."),
    Row("module_fork_last_cow_size", "module_fork_last_cow_size", "Memory copied for a module's process."),
]

STATS: Final = [
    Row("connections_received_total", "total_connections_received", "Connections that were accepted."),
    Row("commands_processed_total", "total_commands_processed", "Commands that ran."),
    Row("net_input_bytes_total", "total_net_input_bytes", "Bytes received."),
    Row("net_output_bytes_total", "total_net_output_bytes", "Bytes sent."),
    Row("rejected_connections_total", "rejected_connections", "Connections refused because of maxclients."),
    Row("replica_resyncs_full", "sync_full", "Full synchronizations of replicas."),
    Row("replica_partial_resync_accepted", "sync_partial_ok", "Partial synchronizations of replicas."),
    Row("replica_partial_resync_denied", "sync_partial_err", "Partial synchronizations that were refused."),
    Row("expired_keys_total", "expired_keys", "Keys that expired."),
    Row("expired_stale_percentage", "expired_stale_perc", "Per cent of keys that expired but are not deleted."),
    Row("expired_time_cap_reached_total", "expired_time_cap_reached_count", "Turns of expiry that ran out of time."),
    Row("evicted_keys_total", "evicted_keys", "Keys that were evicted because of maxmemory."),
    Row("keyspace_hits_total", "keyspace_hits", "Look-ups of keys that were there."),
    Row("keyspace_misses_total", "keyspace_misses", "Look-ups of keys that were not there."),
    Row("pubsub_channels", "pubsub_channels", "Channels with subscribers."),
    Row("pubsub_patterns", "pubsub_patterns", "Patterns with subscribers."),
    Row("latest_fork_seconds", "latest_fork_usec", "Duration of the last fork.", 1e-6),
    Row("migrate_cached_sockets_total", "migrate_cached_sockets", "Open connections of MIGRATE."),
    Row("slave_expires_tracked_keys", "slave_expires_tracked_keys", "Keys that a writable replica expires."),
    Row("defrag_hits", "active_defrag_hits", "Objects moved to give back memory."),
    Row("defrag_misses", "active_defrag_misses", "Values not moved by defragmentation."),
    Row("defrag_key_hits", "active_defrag_key_hits", "Keys moved by defragmentation, always 0."),
    Row("defrag_key_misses", "active_defrag_key_misses", "Keys not moved by defragmentation."),
    Row("tracking_total_keys", "tracking_total_keys", "Keys that clients cache."),
    Row("tracking_total_items", "tracking_total_items", "Keys that clients cache, for each client."),
    Row("tracking_total_prefixes", "tracking_total_prefixes", "Prefixes that clients listen to."),
    Row("unexpected_error_replies", "unexpected_error_replies", "Commands that ended by a fault."),
    Row("total_error_replies", "total_error_replies", "Errors that clients got."),
    Row("total_reads_processed", "total_reads_processed", "Reads from sockets."),
    Row("total_writes_processed", "total_writes_processed", "Writes to sockets."),
    Row("io_threaded_reads_processed", "io_threaded_reads_processed", "Reads of I/O threads: none."),
    Row("io_threaded_writes_processed", "io_threaded_writes_processed", "Writes of I/O threads: none."),
    Row("dump_payload_sanitizations", "dump_payload_sanitizations", "Values that RESTORE has checked."),
]

REPLICATION: Final = [
    Row("connected_slaves", "connected_slaves", "Replicas that are connected."),
    Row("master_repl_offset", "master_repl_offset", "Bytes sent to replicas."),
    Row("second_repl_offset", "second_repl_offset", "Up to where the former identity's replicas may go on."),
    Row("repl_backlog_is_active", "repl_backlog_active", "Whether the backlog is kept."),
    Row("replication_backlog_bytes", "repl_backlog_size", "Size of the backlog."),
    Row("repl_backlog_first_byte_offset", "repl_backlog_first_byte_offset", "First byte of the backlog."),
    Row("repl_backlog_history_bytes", "repl_backlog_histlen", "Bytes in the backlog."),
]

CPU: Final = [
    Row("cpu_sys_seconds_total", "used_cpu_sys", "Processor time in the system."),
    Row("cpu_user_seconds_total", "used_cpu_user", "Processor time in the program."),
    Row("cpu_sys_children_seconds_total", "used_cpu_sys_children", "Processor time of children in the system."),
    Row("cpu_user_children_seconds_total", "used_cpu_user_children", "Processor time of children."),
    Row("cpu_sys_main_thread_seconds_total", "used_cpu_sys_main_thread", "Processor time of this thread, system."),
    Row("cpu_user_main_thread_seconds_total", "used_cpu_user_main_thread", "Processor time of this thread."),
]

CLUSTER: Final = [Row("cluster_enabled", "cluster_enabled", "Whether this is a node of a cluster.")]
