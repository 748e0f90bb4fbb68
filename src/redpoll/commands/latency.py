"""LATENCY: latency spikes by event, and the duration of commands."""

from __future__ import annotations

from redpoll.catalogue.spec import ADMIN, LOADING, NOSCRIPT, STALE
from redpoll.commands.containers import container, help_command
from redpoll.engine.command import CATALOGUE, Command, command
from redpoll.engine.engine import Engine
from redpoll.engine.session import Session
from redpoll.errors import CommandError, no_latency_samples
from redpoll.observe.histogram import Histogram
from redpoll.observe.latency_report import diagnosis, graph
from redpoll.protocol.reply import Map, Verbatim

ADMINISTRATORS = ADMIN | NOSCRIPT | LOADING | STALE
ALL_NODES = "nondeterministic_output request_policy:all_nodes response_policy:special"


latency = container(
    "latency", group="server", since="2.8.13",
    summary="Commands about latency spikes and the duration of commands.",
)  # fmt: skip


@command(
    "latency|latest", arity=2, flags=ADMINISTRATORS, group="server", tips=ALL_NODES,
    since="2.8.13", complexity="O(events)", summary="Return the last and the greatest latency spike of each event.",
)  # fmt: skip
def latency_latest(session: Session, args: list[bytes]) -> object:
    found: list[object] = []
    for event, series in session.engine.outliers.latency.series.items():
        at_s, ms = series.samples()[-1]
        found.append([event, at_s, ms, int(series.greatest_ms), int(series.sum_ms), int(series.count)])
    return found


@command(
    "latency|history", arity=3, flags=ADMINISTRATORS, group="server", tips=ALL_NODES,
    arguments="event",
    since="2.8.13", complexity="O(samples)", summary="Return the latency spikes of an event with their times.",
)  # fmt: skip
def latency_history(session: Session, args: list[bytes]) -> object:
    series = session.engine.outliers.latency.series.get(args[2])
    found: list[object] = []
    if series is not None:
        for at_s, ms in series.samples():
            found.append([at_s, ms])
    return found


@command(
    "latency|graph", arity=3, flags=ADMINISTRATORS, group="server", tips=ALL_NODES,
    arguments="event",
    since="2.8.13", complexity="O(samples)", summary="Draw the latency spikes of an event as text.",
)  # fmt: skip
def latency_graph(session: Session, args: list[bytes]) -> object:
    engine = session.engine
    series = engine.outliers.latency.series.get(args[2])
    if series is None:
        raise CommandError(no_latency_samples(args[2]))
    return Verbatim(graph(args[2], series, engine.moment.now_us // 1000000))


@command(
    "latency|doctor", arity=2, flags=ADMINISTRATORS, group="server", tips=ALL_NODES,
    since="2.8.13", complexity="O(samples)", summary="Return a report on latency spikes, with advice.",
)  # fmt: skip
def latency_doctor(session: Session, args: list[bytes]) -> object:
    return Verbatim(diagnosis(session.engine))


@command(
    "latency|reset", arity=-2, flags=ADMINISTRATORS, group="server",
    tips="request_policy:all_nodes response_policy:agg_sum",
    arguments="[event] ...",
    since="2.8.13", complexity="O(events)", summary="Delete the latency spikes of some events, or of all.",
)  # fmt: skip
def latency_reset(session: Session, args: list[bytes]) -> object:
    return session.engine.outliers.latency.reset(args[2:])


@command(
    "latency|histogram", arity=-2, flags=ADMINISTRATORS, group="server", tips=ALL_NODES,
    arguments="[command] ...",
    since="7.0.0", complexity="O(commands)", summary="Return the distribution of durations of commands.",
)  # fmt: skip
def latency_histogram(session: Session, args: list[bytes]) -> object:
    engine = session.engine
    wanted = [command for _name, command in sorted(CATALOGUE.items())]
    if len(args) > 2:
        wanted = []
        for word in args[2:]:
            found = CATALOGUE.get(word.lower())
            if found is not None and found.subcommands is not None:
                wanted.extend(found.subcommands.values())
            elif found is not None:
                wanted.append(found)
    items: list[object] = []
    for one in wanted:
        add_histogram(engine, one, items)
    return Map(items)


def add_histogram(engine: Engine, found: Command, items: list[object]) -> None:
    """Add name and distribution of a command to a map, if it was called."""
    histogram = Histogram(engine.counters.tracked, found.index)
    if histogram.calls > 0:
        buckets: list[object] = []
        for bound, calls in histogram.buckets():
            buckets.append(bound)
            buckets.append(calls)
        items.append(found.name)
        items.append(Map([b"calls", histogram.calls, b"histogram_usec", Map(buckets)]))


help_command(latency, since="2.8.13")
