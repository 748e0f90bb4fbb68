"""MEMORY: memory usage, by the engine's own accounting."""

from __future__ import annotations

from redpoll.catalogue.keyspec import RO, one_key
from redpoll.catalogue.spec import LOADING, READONLY
from redpoll.commands.containers import container, help_command
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.env.process import give_memory_back
from redpoll.errors import SYNTAX, CommandError
from redpoll.observe.memory_report import diagnosis, figures, usage
from redpoll.protocol.reply import OK, Map, Verbatim

ALL_SHARDS = "nondeterministic_output request_policy:all_shards response_policy:special"


memory = container(
    "memory", group="server", since="4.0.0",
    summary="Commands about memory usage.",
)  # fmt: skip


@command(
    "memory|usage", arity=-3, flags=READONLY, keys=one_key(RO, 2), group="server",
    arguments="key#0 [SAMPLES count:integer]",
    since="4.0.0", complexity="O(1)", summary="Return the bytes of a key, its value and their overhead.",
)  # fmt: skip
def memory_usage(session: Session, args: list[bytes]) -> object:
    # SAMPLES has no effect: the size of a value is known exactly.
    at = 3
    while at < len(args):
        if args[at].upper() != b"SAMPLES" or at + 1 >= len(args):
            raise CommandError(SYNTAX)
        if integer(args[at + 1]) < 0:
            raise CommandError(SYNTAX)
        at += 2
    bytes_held = usage(session.db, args[2])
    return bytes_held if bytes_held >= 0 else None


@command(
    "memory|stats", arity=2, flags=0, group="server", tips=ALL_SHARDS,
    since="4.0.0", complexity="O(databases + clients)", summary="Return the memory usage of all parts of the server.",
)  # fmt: skip
def memory_stats(session: Session, args: list[bytes]) -> object:
    return Map(figures(session.engine))


@command(
    "memory|doctor", arity=2, flags=0, group="server", tips=ALL_SHARDS,
    since="4.0.0", complexity="O(databases + clients)", summary="Return a report on memory problems.",
)  # fmt: skip
def memory_doctor(session: Session, args: list[bytes]) -> object:
    return Verbatim(diagnosis(session.engine))


@command(
    "memory|malloc-stats", arity=2, flags=LOADING, group="server", tips=ALL_SHARDS,
    since="4.0.0", complexity="O(1)", summary="Return statistics of the allocator: there are none.",
)  # fmt: skip
def memory_malloc_stats(session: Session, args: list[bytes]) -> object:
    return b"Stats not supported for the current allocator"


@command(
    "memory|purge", arity=2, flags=LOADING, group="server",
    tips="request_policy:all_shards response_policy:all_succeeded",
    since="4.0.0", complexity="O(1); a server gives memory back in slices", summary="Return free memory to the system.",
)  # fmt: skip
def memory_purge(session: Session, args: list[bytes]) -> object:
    engine = session.engine
    if not engine.host.give_memory_back():
        engine.reclaimer.finish()
        give_memory_back()
    return OK


help_command(memory, since="4.0.0")
