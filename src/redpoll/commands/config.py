"""CONFIG: reading and changing settings while the server runs."""

from __future__ import annotations

from redpoll.catalogue.spec import ADMIN, LOADING, NOSCRIPT, STALE
from redpoll.commands.help import help_lines
from redpoll.engine.command import command
from redpoll.engine.engine import Settings
from redpoll.engine.session import Session
from redpoll.errors import SYNTAX, CommandError
from redpoll.protocol.reply import OK, Map

ADMINISTRATORS = ADMIN | NOSCRIPT | LOADING | STALE
ON_ALL_NODES = "request_policy:all_nodes response_policy:all_succeeded"


def settings(session: Session) -> Settings:
    """The settings of the program around the engine."""
    found = session.engine.settings
    if found is None:
        raise CommandError(b"ERR CONFIG is for servers: this engine runs inside a program")
    return found


@command(
    "config", arity=-2, flags=0, group="server", since="2.0.0", complexity="depends on the subcommand",
    summary="The server's settings.",
)  # fmt: skip
def config(session: Session, args: list[bytes]) -> object:
    """CONFIG subcommand"""
    raise AssertionError("a container is resolved before it runs")


@command(
    "config|get", arity=-3, flags=ADMINISTRATORS, group="server",
    since="2.0.0", complexity="O(settings)", summary="Settings by name or pattern.",
)  # fmt: skip
def config_get(session: Session, args: list[bytes]) -> object:
    """CONFIG GET parameter [parameter ...]"""
    items: list[object] = []
    items.extend(settings(session).get(args[2:]))
    return Map(items)


@command(
    "config|set", arity=-4, flags=ADMINISTRATORS, group="server", tips=ON_ALL_NODES,
    since="2.0.0", complexity="O(settings given)", summary="Change settings, all or none.",
)  # fmt: skip
def config_set(session: Session, args: list[bytes]) -> object:
    """CONFIG SET parameter value [parameter value ...]"""
    if len(args) % 2 != 0:
        raise CommandError(SYNTAX)
    complaint = settings(session).set(args[2:])
    if complaint is not None:
        raise CommandError(complaint)
    return OK


@command(
    "config|resetstat", arity=2, flags=ADMINISTRATORS, group="server", tips=ON_ALL_NODES,
    since="2.0.0", complexity="O(commands)", summary="Set the counters of INFO to zero.",
)  # fmt: skip
def config_resetstat(session: Session, args: list[bytes]) -> object:
    """CONFIG RESETSTAT"""
    session.engine.reset_statistics()
    return OK


@command(
    "config|help", arity=2, flags=LOADING | STALE, group="server",
    since="5.0.0", complexity="O(1)", summary="What CONFIG can do.",
)  # fmt: skip
def config_help(session: Session, args: list[bytes]) -> object:
    """CONFIG HELP"""
    return help_lines(b"CONFIG", [
        b"GET <pattern>", b"Settings whose names match, with their values.",
        b"SET <directive> <value>", b"Change a setting.",
        b"RESETSTAT", b"Set the counters of INFO to zero.",
    ])  # fmt: skip
