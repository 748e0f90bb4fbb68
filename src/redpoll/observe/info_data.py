"""INFO's sections about the data: memory, persistence, replication, keyspace."""

from __future__ import annotations

from redpoll.engine.engine import Engine
from redpoll.engine.scripts import ScriptHost
from redpoll.keyspace.database import Database
from redpoll.observe.facts import Memory, human
from redpoll.structures.table_walk import mean_ttl_ms


def memory_lines(engine: Engine) -> list[str]:
    held = Memory(engine)
    limit = int(engine.config.text(b"maxmemory"))
    peak_share = 100.0 * held.used / held.peak if held.peak > 0 else 0.0
    return [
        f"used_memory:{held.used}",
        f"used_memory_human:{human(held.used)}",
        f"used_memory_rss:{held.resident}",
        f"used_memory_rss_human:{human(held.resident)}",
        f"used_memory_peak:{held.peak}",
        f"used_memory_peak_human:{human(held.peak)}",
        f"used_memory_peak_time:{engine.sampler.peak_at_us // 1000000}",
        f"used_memory_peak_perc:{peak_share:.2f}%",
        f"used_memory_overhead:{held.overhead}",
        f"used_memory_startup:{held.startup}",
        f"used_memory_dataset:{held.dataset}",
        f"used_memory_dataset_perc:{held.dataset_share():.2f}%",
        f"allocator_allocated:{held.used}",
        f"allocator_active:{held.resident}",
        f"allocator_resident:{held.resident}",
        "allocator_muzzy:0",
        f"total_system_memory:{held.system}",
        f"total_system_memory_human:{human(held.system)}",
        *script_lines(engine),
        f"maxmemory:{limit}",
        f"maxmemory_human:{human(limit)}",
        f"maxmemory_policy:{engine.config.text(b'maxmemory-policy').decode()}",
        f"allocator_frag_ratio:{held.fragmentation:.2f}",
        f"allocator_frag_bytes:{held.resident - held.used}",
        "allocator_rss_ratio:1.00",
        "allocator_rss_bytes:0",
        "rss_overhead_ratio:1.00",
        "rss_overhead_bytes:0",
        f"mem_fragmentation_ratio:{held.fragmentation:.2f}",
        f"mem_fragmentation_bytes:{held.resident - held.used}",
        f"mem_not_counted_for_evict:{engine.base_bytes}",
        "mem_replication_backlog:0",
        "mem_total_replication_buffers:0",
        "mem_replicas_repl_buffer:0",
        "mem_clients_slaves:0",
        f"mem_clients_normal:{held.clients}",
        "mem_cluster_links:0",
        "mem_cluster_slot_import:0",
        "mem_cluster_slot_export:0",
        "mem_aof_buffer:0",
        "mem_allocator:python",
        "mem_overhead_db_hashtable_rehashing:0",
        f"active_defrag_running:{int(engine.trimming.is_running)}",
        f"lazyfree_pending_objects:{engine.reclaimer.pending()}",
        f"lazyfreed_objects:{engine.reclaimer.freed}",
    ]


def script_lines(engine: Engine) -> list[str]:
    """Memory of scripts and functions.  Without scripts there is no Lua runtime."""
    scripts = engine.scripts if engine.scripts is not None else ScriptHost()
    of_eval, of_functions = int(scripts.eval_bytes()), int(scripts.functions_bytes())
    texts, libraries = int(scripts.texts_bytes()), int(scripts.libraries_bytes())
    return [
        f"used_memory_lua:{of_eval}",
        f"used_memory_vm_eval:{of_eval}",
        f"used_memory_lua_human:{human(of_eval)}",
        f"used_memory_scripts_eval:{texts}",
        f"number_of_cached_scripts:{scripts.cached_scripts()}",
        f"number_of_functions:{scripts.functions()}",
        f"number_of_libraries:{scripts.libraries()}",
        f"used_memory_vm_functions:{of_functions}",
        f"used_memory_vm_total:{of_eval + of_functions}",
        f"used_memory_vm_total_human:{human(of_eval + of_functions)}",
        f"used_memory_functions:{libraries}",
        f"used_memory_scripts:{texts + libraries}",
        f"used_memory_scripts_human:{human(texts + libraries)}",
    ]


def persistence_lines(engine: Engine) -> list[str]:
    """Lines about the snapshot file; there is no append-only file yet."""
    durability = engine.durability
    running = durability.running
    done = 0 if running is None else int(running.keys_done())
    total = 0 if running is None else int(running.total)
    share = 100.0 * done / total if total > 0 else 0.0
    seconds = -1 if running is None else (engine.moment.now_us - running.began_us) // 1000000
    return [
        f"loading:{int(durability.loading)}",
        "async_loading:0",
        "current_cow_peak:0",
        "current_cow_size:0",
        "current_cow_size_age:0",
        f"current_fork_perc:{share:.2f}",
        f"current_save_keys_processed:{done}",
        f"current_save_keys_total:{total}",
        f"rdb_changes_since_last_save:{engine.unsaved_changes()}",
        f"rdb_bgsave_in_progress:{0 if running is None else 1}",
        f"rdb_last_save_time:{durability.saved_s}",
        f"rdb_last_bgsave_status:{'ok' if durability.last_save_worked else 'err'}",
        f"rdb_last_bgsave_time_sec:{durability.took_s}",
        f"rdb_current_bgsave_time_sec:{seconds}",
        f"rdb_saves:{durability.saves}",
        "rdb_last_cow_size:0",
        f"rdb_last_load_keys_expired:{durability.keys_expired}",
        f"rdb_last_load_keys_loaded:{durability.keys_loaded}",
        "aof_enabled:0",
        "aof_rewrite_in_progress:0",
        "aof_rewrite_scheduled:0",
        "aof_last_rewrite_time_sec:-1",
        "aof_current_rewrite_time_sec:-1",
        "aof_last_bgrewrite_status:ok",
        "aof_rewrites:0",
        "aof_rewrites_consecutive_failures:0",
        "aof_last_write_status:ok",
        "aof_last_cow_size:0",
        "module_fork_in_progress:0",
        "module_fork_last_cow_size:0",
        "slot_migration_fork_in_progress:0",
    ]


def replication_lines(engine: Engine) -> list[str]:
    """A primary without replicas."""
    return [
        "role:master",
        "connected_slaves:0",
        "replicas_waiting_psync:0",
        "master_failover_state:no-failover",
        f"master_replid:{engine.replication_id.decode()}",
        f"master_replid2:{'0' * 40}",
        "master_repl_offset:0",
        "second_repl_offset:-1",
        "repl_backlog_active:0",
        f"repl_backlog_size:{engine.config.text(b'repl-backlog-size').decode()}",
        "repl_backlog_first_byte_offset:0",
        "repl_backlog_histlen:0",
    ]


def keyspace_lines(engine: Engine) -> list[str]:
    return [keyspace_line(db) for db in engine.databases if db.table.size > 0]


def keyspace_line(db: Database) -> str:
    table = db.table
    mean = mean_ttl_ms(table, db.moment.now_ms)
    return (
        f"db{db.index}:keys={table.size},expires={table.volatile},avg_ttl={mean},"
        f"keys_with_volatile_items={table.volatile_items}"
    )
