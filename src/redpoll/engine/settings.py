"""Copies settings to where they are used.  CONFIG keeps the values, and each change is copied from there.

Commands and connections never ask `Config`: they read `engine.options`, whose attributes are called as the directives
(`tcp-keepalive` is `engine.options.tcp_keepalive`), or what `EngineSettings.apply_here` writes to.  To use a directive,
declare an attribute of its name in `Options`; nothing else is needed.  To act on a change beyond that, subclass
`Effects` and `config.listen`.  Then mark the directive `EFFECT` where `config/` declares it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.config.schema import BY_NAME, DIRECTIVES
from redpoll.config.settings import Config, Effects
from redpoll.config.special_values import CLIENT_CLASSES
from redpoll.config.values import GREATEST
from redpoll.env.files import Files

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

NORMAL: Final = 0
REPLICA: Final = 1
PUBSUB: Final = 2
"""The classes of clients in `Options.output_limits`."""


class OutputLimit:
    """The limit of unsent output: `hard` bytes, or `soft` bytes for `seconds`.  0 means no limit."""

    def __init__(self, hard: i64, soft: i64, seconds: i64) -> None:
        self.hard: Final = hard
        self.soft: Final = soft
        self.seconds: Final = seconds


class Options:
    """Values of directives, under their own names.

    Numbers, sizes and bits are i64, yes and no are bool, others the text of CONFIG GET.  An `Engine` fills it from its
    `Config` first of all.
    """

    def __init__(self) -> None:
        # Clients.
        self.maxclients: i64 = 0
        self.maxmemory_clients: i64 = 0
        """In bytes; -N is N % of `maxmemory`."""
        self.timeout: i64 = 0
        self.tcp_keepalive: i64 = 0
        self.max_new_connections_per_cycle: i64 = 0
        self.client_query_buffer_limit: i64 = 0
        self.protected_mode: bool = False
        self.output_limits: list[OutputLimit] = []
        """Of NORMAL, REPLICA and PUBSUB clients."""
        self.availability_zone: bytes = b""
        self.extended_redis_compatibility: bool = False
        self.enable_debug_command: bytes = b""
        self.enable_module_command: bytes = b""
        # Statistics.
        self.commandlog_execution_slower_than: i64 = 0
        self.commandlog_slow_execution_max_len: i64 = 0
        self.commandlog_request_larger_than: i64 = 0
        self.commandlog_large_request_max_len: i64 = 0
        self.commandlog_reply_larger_than: i64 = 0
        self.commandlog_large_reply_max_len: i64 = 0
        self.latency_monitor_threshold: i64 = 0
        self.latency_tracking: bool = False
        self.latency_tracking_info_percentiles: bytes = b""
        self.hide_user_data_from_log: bool = False
        self.hotkey_top_k: i64 = 0
        self.hotkey_sampling_ratio: i64 = 1
        self.hotkey_window_seconds: i64 = 10
        # Scripts.
        self.busy_reply_threshold: i64 = 5000
        self.lua_enable_insecure_api: bool = False
        self.lua_memory_limit: i64 = 1 << 30
        # The data.
        self.hz: i64 = 0
        self.active_expire_effort: i64 = 0
        self.maxmemory: i64 = 0
        self.maxmemory_policy: bytes = b"noeviction"
        self.maxmemory_samples: i64 = 5
        self.maxmemory_eviction_tenacity: i64 = 10
        self.lfu_log_factor: i64 = 10
        self.lfu_decay_time: i64 = 1
        self.lazyfree_lazy_eviction: bool = True
        self.replica_ignore_maxmemory: bool = True
        self.repl_backlog_size: i64 = 0
        self.lazyfree_lazy_expire: bool = True
        self.lazyfree_lazy_server_del: bool = True


ENCODING_LIMITS: Final = {
    b"set-max-intset-entries": "set_intset",
    b"set-max-listpack-entries": "set_entries",
    b"set-max-listpack-value": "set_value",
    b"hash-max-listpack-entries": "hash_entries",
    b"hash-max-listpack-value": "hash_value",
    b"zset-max-listpack-entries": "zset_entries",
    b"zset-max-listpack-value": "zset_value",
    b"list-max-listpack-size": "list_size",
    b"list-compress-depth": "list_compress_depth",
    b"hll-sparse-max-bytes": "hll_sparse_bytes",
    b"stream-node-max-bytes": "stream_node_bytes",
    b"stream-node-max-entries": "stream_node_entries",
}
"""Directives that decide encodings, with their attributes of `EncodingLimits`."""

WATCHED: Final = [
    b"commandlog-execution-slower-than",
    b"commandlog-slow-execution-max-len",
    b"commandlog-request-larger-than",
    b"commandlog-large-request-max-len",
    b"commandlog-reply-larger-than",
    b"commandlog-large-reply-max-len",
    b"latency-monitor-threshold",
    b"latency-tracking",
    b"latency-tracking-info-percentiles",
]
"""Directives that decide what `Outliers` records."""

TRACKING: Final = [b"hotkey-top-k", b"hotkey-sampling-ratio", b"hotkey-window-seconds"]
"""Directives that decide how hot keys are found."""

EVICTING: Final = [
    b"maxmemory",
    b"maxmemory-policy",
    b"maxmemory-samples",
    b"maxmemory-eviction-tenacity",
    b"lfu-log-factor",
    b"lfu-decay-time",
    b"lazyfree-lazy-eviction",
    b"replica-ignore-maxmemory",
]
"""Directives that decide which keys go when, and what their access clock says."""

SCRIPTING: Final = [b"lua-memory-limit", b"lua-enable-insecure-api"]
"""Directives that the Lua runtime must learn at once."""

ELSEWHERE: Final = [
    b"requirepass",
    b"proto-max-bulk-len",
    b"client-output-buffer-limit",
    b"notify-keyspace-events",
    *ENCODING_LIMITS,
]
"""Directives that `apply_here` copies."""


class EngineSettings(Effects):
    """Copies changed settings into `engine`."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine

    def connect(self, config: Config) -> None:
        """Copy all settings, and listen to later changes."""
        for directive in DIRECTIVES:
            name = directive.name
            if name in ELSEWHERE or hasattr(self.engine.options, attribute_of(name)):
                config.listen(name, self)
                self.apply(name, config)

    def apply(self, name: bytes, config: Config) -> bytes:
        options = self.engine.options
        attribute = attribute_of(name)
        if hasattr(options, attribute):
            kind = getattr(options, attribute)
            if isinstance(kind, bytes):
                setattr(options, attribute, config.text(name))
            elif isinstance(kind, bool):
                setattr(options, attribute, config.flag(name))
            else:
                # Some sizes may exceed 64 bits, which an attribute cannot hold.
                setattr(options, attribute, min(config.integer(name), GREATEST))
        if name in WATCHED:
            self.engine.outliers.apply_options(options)
        if name in TRACKING:
            self.engine.hot_keys.apply_options(options)
        if name in EVICTING:
            self.engine.eviction.apply_options(options)
        if name in SCRIPTING and self.engine.scripts is not None:
            self.engine.scripts.settings_changed(name)
        if name in ELSEWHERE:
            self.apply_here(name, config)
        return b""

    def apply_here(self, name: bytes, config: Config) -> None:
        """Copy a directive to an attribute with another name."""
        engine = self.engine
        if name == b"requirepass":
            engine.require_password(config.text(name))
        elif name == b"proto-max-bulk-len":
            engine.most_bulk_bytes = config.integer(name)
        elif name == b"client-output-buffer-limit":
            engine.options.output_limits = output_limits(config.words(name))
        elif name == b"notify-keyspace-events":
            engine.notifications.choose(config.integer(name))
        else:
            setattr(engine.moment.limits, ENCODING_LIMITS[name], config.integer(name))


def attribute_of(name: bytes) -> str:
    """The attribute of `Options` that a directive is copied to."""
    return name.decode().replace("-", "_")


def output_limits(words: list[bytes]) -> list[OutputLimit]:
    """The limits of each class.  The value of CONFIG GET names each class once, in order."""
    numbers = [int(word) for word in words if word not in CLIENT_CLASSES]
    return [OutputLimit(numbers[at], numbers[at + 1], numbers[at + 2]) for at in range(0, len(numbers), 3)]


def default_config(databases: int, files: Files | None = None) -> Config:
    """The default settings of an engine inside a program.  It writes no file that the program did not ask for."""
    config = Config(files if files is not None else Files())
    config.assign(BY_NAME[b"databases"], [b"%d" % databases])
    config.assign(BY_NAME[b"save"], [b""])
    return config
