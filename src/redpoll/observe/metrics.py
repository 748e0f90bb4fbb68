"""`/metrics`: the state of an engine in the text form that Prometheus reads.

Metrics have the names of redis_exporter, so its dashboards and alerts work.  Metrics that only redpoll has start with
`redpoll_`.  prometheus_client writes the text.  The first report imports it, so a server without `metrics-port`
does not load it.

A scrape does not walk over keys and costs as much as INFO.  It is made in steps: one for each family of metrics, and
one for each COMMANDS_A_STEP commands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from redpoll.build_info import VERSION
from redpoll.engine.command import CATALOGUE, Command
from redpoll.engine.engine import Engine
from redpoll.keyspace.scan import visible_keys, visible_mean_ttl_ms, visible_timed
from redpoll.observe.histogram import Histogram
from redpoll.observe.info_data import memory_lines, persistence_lines
from redpoll.observe.info_replication import replication_lines
from redpoll.observe.info_server import client_lines, cpu_lines, server_lines
from redpoll.observe.info_stats import stats_lines
from redpoll.observe.metric_names import CLIENTS, CLUSTER, CPU, MEMORY, PERSISTENCE, REPLICATION, SERVER, STATS, Row
from redpoll.observe.report import Report

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
COMMANDS_A_STEP: Final = 16
GAUGE: Final = "gauge"
COUNTER: Final = "counter"
SUMMARY: Final = "summary"


def cluster_fields(engine: Engine) -> list[str]:
    return [f"cluster_enabled:{int(engine.router is not None)}"]


class Fields:
    """Metrics that are fields of a section of INFO."""

    def __init__(self, rows: list[Row], lines: Callable[[Engine], list[str]]) -> None:
        self.rows: Final = rows
        self.lines: Final = lines


FIELDS: Final = [
    Fields(SERVER, server_lines),
    Fields(CLIENTS, client_lines),
    Fields(MEMORY, memory_lines),
    Fields(PERSISTENCE, persistence_lines),
    Fields(STATS, stats_lines),
    Fields(REPLICATION, replication_lines),
    Fields(CPU, cpu_lines),
    Fields(CLUSTER, cluster_fields),
]


def by_name(lines: list[str]) -> dict[str, str]:
    """Lines of INFO as a table."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields[name] = value
    return fields


def number(text: str, scale: float) -> float:
    """The value of a field of INFO."""
    if text == "ok":
        return 1.0
    try:
        return float(text) * scale
    except ValueError:
        return 0.0


class OneMetric:
    """The registry that `generate_latest` reads."""

    def __init__(self, metric: Metric) -> None:
        self.metric: Final = metric

    def collect(self) -> list[Metric]:
        return [self.metric]


class Metrics(Report):
    """One scrape."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine: Final = engine
        self.sections = 0
        self.at = 0
        self.commands: Final[list[Command]] = []
        self.column = 0
        self.row = 0

    def step(self) -> bool:
        self.engine.start_unit()
        if self.sections < len(FIELDS):
            self.add_fields(FIELDS[self.sections])
            self.sections += 1
            return True
        if self.at < len(STEPS):
            STEPS[self.at](self)
            self.at += 1
            return True
        return self.add_commands()

    def put(self, metric: Metric, headed: bool = True) -> None:
        """Append a metric; without its head if it continues the one before."""
        from prometheus_client import generate_latest

        text = generate_latest(OneMetric(metric))
        if not headed:
            text = text.split(b"\n", 2)[2]
        self.parts.append(text)

    def one(self, name: str, kind: str, help: str) -> Metric:
        from prometheus_client import Metric

        # The library appends `_total` to the name of a counter in the head.
        return Metric(name.removesuffix("_total") if kind == COUNTER else name, help, kind)

    def add(self, name: str, help: str, value: float, labels: dict[str, str] | None = None) -> None:
        """A metric with one sample; a counter if its name ends in `_total`."""
        made = self.one(name, COUNTER if name.endswith("_total") else GAUGE, help)
        made.add_sample(name, labels if labels is not None else {}, value)
        self.put(made)

    # ---- what INFO knows

    def add_fields(self, fields: Fields) -> None:
        found = by_name(fields.lines(self.engine))
        for row in fields.rows:
            self.add("redis_" + row.name, row.help, number(found.get(row.field, "0"), row.scale))

    def add_server(self) -> None:
        engine = self.engine
        self.add("redis_up", "Whether the server answers.", 1.0)
        started_s = float(engine.started_us // 1000000)
        self.add("redis_start_time_seconds", "When the server started, in seconds since 1970.", started_s)
        found = by_name(server_lines(engine))
        labels = {"role": "master", "maxmemory_policy": engine.config.string(b"maxmemory-policy")}
        for name in ("os", "process_id", "redis_build_id", "redis_mode", "redis_version", "run_id", "tcp_port"):
            labels[name] = found.get(name, "")
        self.add("redis_instance_info", "What this server is.", 1.0, labels)
        threads = float(engine.config.integer(b"io-threads"))
        self.add("redis_config_io_threads", "The directive io-threads.", threads)

    def add_errors(self) -> None:
        errors = self.engine.counters.errors
        made = self.one("redis_errors_total", COUNTER, "Errors that clients got, by code.")
        for code in sorted(errors):
            labels = {"err": code.decode("utf-8", "replace")}
            made.add_sample("redis_errors_total", labels, float(errors[code]))
        self.put(made)

    def add_databases(self) -> None:
        keys = self.one("redis_db_keys", GAUGE, "Keys of a database.")
        timed = self.one("redis_db_keys_expiring", GAUGE, "Keys of a database that have a deadline.")
        ttl = self.one("redis_db_avg_ttl_seconds", GAUGE, "Mean time that keys with a deadline have left.")
        for db in self.engine.databases:
            labels = {"db": f"db{db.index}"}
            keys.add_sample("redis_db_keys", labels, float(visible_keys(db)))
            timed.add_sample("redis_db_keys_expiring", labels, float(visible_timed(db)))
            if visible_keys(db) > 0:
                mean_ms = visible_mean_ttl_ms(db)
                ttl.add_sample("redis_db_avg_ttl_seconds", labels, float(mean_ms) / 1000.0)
        self.put(keys)
        self.put(timed)
        self.put(ttl)

    def add_logs(self) -> None:
        entries = self.engine.outliers.slow.entries
        newest = entries[0] if len(entries) > 0 else None
        last_id = float(newest.id) if newest is not None else 0.0
        last_s = float(newest.amount) / 1e6 if newest is not None else 0.0
        self.add("redis_slowlog_length", "Entries of the slow log.", float(len(entries)))
        self.add("redis_slowlog_last_id", "Number of the newest entry of the slow log.", last_id)
        self.add("redis_last_slow_execution_duration_seconds", "Duration of the newest slow command.", last_s)

    def add_own(self) -> None:
        """The metrics that redis_exporter does not have."""
        engine = self.engine
        labels = {"version": VERSION, "build": engine.host.facts().get("build", "in process")}
        self.add("redpoll_build_info", "Which redpoll this is.", 1.0, labels)
        name = "redpoll_hot_key_commands_per_second"
        hot = self.one(name, GAUGE, "Commands a second on the keys used most, estimated from below.")
        for found in engine.hot_keys.hottest():
            hot.add_sample(name, {"db": f"db{found.db}", "key": repr(found.key)[2:-1]}, float(found.per_second))
        self.put(hot)
        name = "redpoll_expire_lag_seconds"
        lag = self.one(name, SUMMARY, "How long after their deadline keys were deleted.")
        for percent in (50, 99):
            late_s = float(engine.moment.lags.percentile(percent)) / 1000.0
            lag.add_sample(name, {"quantile": str(percent)}, late_s)
        self.put(lag)

    # ---- commands

    def find_commands(self) -> None:
        """Collect the commands that were called or refused."""
        counters = self.engine.counters
        for _, command in sorted(CATALOGUE.items()):
            at = command.index
            if counters.calls(at) or counters.rejected[at] or counters.failed[at]:
                self.commands.append(command)

    def add_commands(self) -> bool:
        """Add samples of some commands to the current column; return whether there are more."""
        if self.column == len(COLUMNS):
            return False
        name, help = COLUMNS[self.column]
        is_summary = name == LATENCY
        if is_summary and not self.engine.counters.tracking:
            self.column += 1
            return True
        made = self.one(name, SUMMARY if is_summary else COUNTER, help)
        stop = min(self.row + COMMANDS_A_STEP, len(self.commands))
        for at in range(self.row, stop):
            command = self.commands[at]
            if is_summary:
                self.add_latency(made, command)
            else:
                value = self.column_value(command)
                made.add_sample(name, {"cmd": command.spec.name.decode()}, value)
        self.put(made, self.row == 0)
        self.row = stop
        if stop == len(self.commands):
            self.row = 0
            self.column += 1
        return True

    def column_value(self, command: Command) -> float:
        counters = self.engine.counters
        at = command.index
        if self.column == 0:
            return float(counters.calls(at))
        if self.column == 1:
            return float(counters.usec(at)) / 1e6
        return float(counters.failed[at] if self.column == 2 else counters.rejected[at])

    def add_latency(self, made: Metric, command: Command) -> None:
        engine = self.engine
        histogram = Histogram(engine.counters.tracked, command.index)
        if histogram.calls == 0:
            return
        cmd = command.spec.name.decode()
        for percent in engine.outliers.percentiles:
            labels = {"cmd": cmd, "quantile": f"{percent:.15g}"}
            made.add_sample(LATENCY, labels, float(histogram.percentile(percent)))
        made.add_sample(LATENCY + "_sum", {"cmd": cmd}, float(engine.counters.usec(command.index)))
        made.add_sample(LATENCY + "_count", {"cmd": cmd}, float(engine.counters.calls(command.index)))


LATENCY: Final = "redis_latency_percentiles_usec"
COLUMNS: Final = [
    ("redis_commands_total", "Calls of a command."),
    ("redis_commands_duration_seconds_total", "Time that a command took in all."),
    ("redis_commands_failed_calls_total", "Calls of a command that ended in an error."),
    ("redis_commands_rejected_calls_total", "Calls of a command that were refused before it ran."),
    (LATENCY, "Percentiles of a command's duration, in microseconds."),
]
"""The metrics of each command, in the order in which they are written."""

STEPS: Final[list[Callable[[Metrics], None]]] = [
    Metrics.add_server,
    Metrics.add_errors,
    Metrics.add_databases,
    Metrics.add_logs,
    Metrics.add_own,
    Metrics.find_commands,
]
"""The families between the fields of INFO and the commands."""
