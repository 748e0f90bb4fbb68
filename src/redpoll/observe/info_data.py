"""INFO's sections about the data: memory, persistence, replication, keyspace."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.engine.durability import LOG_OFF, AppendLog
from redpoll.engine.engine import Engine
from redpoll.engine.scripts import ScriptHost
from redpoll.keyspace.database import Database
from redpoll.keyspace.scan import visible_keys, visible_mean_ttl_ms, visible_timed, visible_volatile_items
from redpoll.observe.facts import Memory, aof_buffer, human
from redpoll.replication.replication import replication_of


def memory_lines(engine: Engine) -> list[str]:
    held = Memory(engine)
    primary = replication_of(engine).primary
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
        f"mem_replication_backlog:{primary.ring_bytes()}",
        f"mem_total_replication_buffers:{primary.held_bytes()}",
        "mem_replicas_repl_buffer:0",
        f"mem_clients_slaves:{held.replicas}",
        f"mem_clients_normal:{held.clients}",
        "mem_cluster_links:0",
        f"mem_cluster_slot_import:{held.slot_imports}",
        f"mem_cluster_slot_export:{held.slot_exports}",
        f"mem_aof_buffer:{aof_buffer(engine)}",
        "mem_allocator:python",
        "mem_overhead_db_hashtable_rehashing:0",
        f"active_defrag_running:{int(engine.trimming.is_running)}",
        f"lazyfree_pending_objects:{engine.reclaimer.pending_objects()}",
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
    durability = engine.durability
    running = durability.running
    rewriting = running is not None and running.is_rewrite
    done = 0 if running is None else int(running.keys_done())
    total = 0 if running is None else int(running.total)
    share = 100.0 * done / total if total > 0 else 0.0
    moving = running is not None and running.is_migration
    seconds = -1 if running is None else (engine.moment.now_us - running.began_us) // 1000000
    return [
        f"loading:{int(durability.loading and not durability.async_loading)}",
        f"async_loading:{int(durability.async_loading)}",
        "current_cow_peak:0",
        "current_cow_size:0",
        "current_cow_size_age:0",
        f"current_fork_perc:{share:.2f}",
        f"current_save_keys_processed:{done}",
        f"current_save_keys_total:{total}",
        f"rdb_changes_since_last_save:{engine.unsaved_changes()}",
        f"rdb_bgsave_in_progress:{int(running is not None and running.is_save())}",
        f"rdb_last_save_time:{durability.saved_s}",
        f"rdb_last_bgsave_status:{'ok' if durability.last_save_worked else 'err'}",
        f"rdb_last_bgsave_time_sec:{durability.took_s}",
        f"rdb_current_bgsave_time_sec:{-1 if rewriting or moving else seconds}",
        f"rdb_saves:{durability.saves}",
        "rdb_last_cow_size:0",
        f"rdb_last_load_keys_expired:{durability.keys_expired}",
        f"rdb_last_load_keys_loaded:{durability.keys_loaded}",
        *append_only_lines(durability.append_only or AppendLog(), rewriting, int(seconds)),
        "module_fork_in_progress:0",
        "module_fork_last_cow_size:0",
        f"slot_migration_fork_in_progress:{int(moving)}",
        *append_file_lines(durability.append_only),
        *progress_lines(engine),
    ]


def append_only_lines(log: AppendLog, rewriting: bool, seconds: int) -> list[str]:
    """Lines about the append-only file that are always there; `seconds`: how long a rewrite has been running."""
    return [
        f"aof_enabled:{int(log.state != LOG_OFF)}",
        f"aof_rewrite_in_progress:{int(rewriting)}",
        f"aof_rewrite_scheduled:{int(log.scheduled)}",
        f"aof_last_rewrite_time_sec:{log.rewrite_took_s}",
        f"aof_current_rewrite_time_sec:{seconds if rewriting else -1}",
        f"aof_last_bgrewrite_status:{'ok' if log.rewrite_worked else 'err'}",
        f"aof_rewrites:{log.rewrites}",
        f"aof_rewrites_consecutive_failures:{log.failures}",
        f"aof_last_write_status:{'err' if log.trouble else 'ok'}",
        "aof_last_cow_size:0",
    ]


def append_file_lines(log: AppendLog | None) -> list[str]:
    """Further lines while the append-only file is on."""
    if log is None or log.state == LOG_OFF:
        return []
    return [
        f"aof_current_size:{log.size}",
        f"aof_base_size:{log.base_size}",
        f"aof_pending_rewrite:{int(log.scheduled)}",
        f"aof_buffer_length:{log.pending_bytes()}",
        f"aof_pending_bio_fsync:{log.pending_syncs()}",
        f"aof_delayed_fsync:{log.delayed}",
    ]


def progress_lines(engine: Engine) -> list[str]:
    """Lines about a file that is being written or loaded; none if there is no such file."""
    now_us = engine.clock.now_us()
    running = engine.durability.running
    lines: list[str] = []
    if running is not None:
        lines += [
            f"rdb_current_bgsave_bytes:{running.bytes_done()}",
            f"rdb_current_bgsave_bytes_per_sec:{bytes_a_second(running.bytes_done(), now_us - running.began_us)}",
            f"rdb_current_bgsave_eta_seconds:{running.left_s(now_us)}",
        ]
    load = engine.durability.load
    if load is not None:
        share = 100.0 * float(load.done) / float(load.total) if load.total > 0 else 0.0
        lines += [
            f"loading_start_time:{load.began_us // 1000000}",
            f"loading_total_bytes:{load.total}",
            f"loading_rdb_used_mem:{load.used_memory}",
            f"loading_loaded_bytes:{load.done}",
            f"loading_loaded_perc:{share:.2f}",
            f"loading_eta_seconds:{load.left_s(now_us)}",
            f"loading_bytes_per_sec:{bytes_a_second(load.done, now_us - load.began_us)}",
        ]
    return lines


def bytes_a_second(count: i64, us: i64) -> i64:
    return count * 1000000 // us if us > 0 else i64(0)


def keyspace_lines(engine: Engine) -> list[str]:
    return [keyspace_line(db) for db in engine.databases if visible_keys(db) > 0]


def keyspace_line(db: Database) -> str:
    return (
        f"db{db.index}:keys={visible_keys(db)},expires={visible_timed(db)},avg_ttl={visible_mean_ttl_ms(db)},"
        f"keys_with_volatile_items={visible_volatile_items(db)}"
    )
