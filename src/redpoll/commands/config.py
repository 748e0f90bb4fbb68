"""CONFIG: reading and changing settings while the server runs."""

from __future__ import annotations

from redpoll.catalogue.spec import ADMIN, LOADING, NOSCRIPT, STALE
from redpoll.commands.containers import container, help_command
from redpoll.config.rewrite import rewrite
from redpoll.config.settings import NameGlob
from redpoll.engine.command import command
from redpoll.engine.outliers import NO_SIZE
from redpoll.engine.session import Session
from redpoll.errors import NO_CONFIG_FILE, SYNTAX, CommandError, loading, rewrite_failed
from redpoll.keyspace.glob import Glob
from redpoll.protocol.reply import OK, Map

ADMINISTRATORS = ADMIN | NOSCRIPT | LOADING | STALE
ON_ALL_NODES = "request_policy:all_nodes response_policy:all_succeeded"


class AnyCase(NameGlob):
    """Patterns of CONFIG GET: globs that ignore case."""

    def matches(self, pattern: bytes, name: bytes) -> bool:
        return Glob(pattern.lower()).matches(name)


config = container(
    "config", group="server", since="2.0.0",
    summary="Commands about the server's settings.",
)  # fmt: skip


@command(
    "config|get", arity=-3, flags=ADMINISTRATORS, group="server",
    arguments="parameter ...",
    since="2.0.0", complexity="O(settings)", summary="Return settings by name or pattern.",
)  # fmt: skip
def config_get(session: Session, args: list[bytes]) -> object:
    items: list[object] = []
    for name, value in session.engine.config.get(args[2:], AnyCase()):
        items.append(name)
        items.append(value)
    return Map(items)


@command(
    "config|set", arity=-4, flags=ADMINISTRATORS, group="server", tips=ON_ALL_NODES,
    arguments="(data: parameter value) ...",
    since="2.0.0", complexity="O(settings given)", summary="Change several settings. If one fails, none is changed.",
)  # fmt: skip
def config_set(session: Session, args: list[bytes]) -> object:
    if len(args) % 2 != 0:
        raise CommandError(SYNTAX)
    engine = session.engine
    if engine.durability.loading and engine.config.refused_while_loading(args[2:]):
        raise CommandError(loading(engine.options.extended_redis_compatibility))
    outliers = engine.outliers
    before = outliers.weigh_from
    complaint = engine.config.set(args[2:], session.peer.is_local())
    if outliers.weigh_from != before:
        # The new threshold applies to this request, and to those that arrived with it.
        outliers.weigh_requests(outliers.weigh_from != NO_SIZE)
    remarks = engine.config.take_remarks()
    if complaint:
        raise CommandError(complaint)
    for remark in remarks:
        engine.host.note(remark)
    return OK


@command(
    "config|rewrite", arity=2, flags=ADMINISTRATORS, group="server", tips=ON_ALL_NODES,
    since="2.8.0", complexity="O(settings)", summary="Write the current settings into the configuration file.",
)  # fmt: skip
def config_rewrite(session: Session, args: list[bytes]) -> object:
    engine = session.engine
    if not engine.config.path:
        raise CommandError(NO_CONFIG_FILE)
    complaint = rewrite(engine.config)
    if complaint:
        engine.host.log("CONFIG REWRITE failed: " + complaint.decode("utf-8", "surrogateescape"))
        raise CommandError(rewrite_failed(complaint))
    engine.host.note("CONFIG REWRITE executed with success.")
    return OK


@command(
    "config|resetstat", arity=2, flags=ADMINISTRATORS, group="server", tips=ON_ALL_NODES,
    since="2.0.0", complexity="O(commands)", summary="Set the counters of INFO to zero.",
)  # fmt: skip
def config_resetstat(session: Session, args: list[bytes]) -> object:
    session.engine.reset_statistics()
    return OK


help_command(config, since="5.0.0")
