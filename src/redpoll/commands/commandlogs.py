"""SLOWLOG and COMMANDLOG: commands that were slow, or large to read or to answer."""

from __future__ import annotations

from redpoll.catalogue.spec import ADMIN, LOADING, STALE
from redpoll.commands.containers import container, help_command
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.command_log import CommandLog
from redpoll.engine.session import Session
from redpoll.errors import COMMANDLOG_TYPE, COUNT_BELOW_MINUS_1, CommandError, wrong_subcommand
from redpoll.protocol.reply import OK

ADMINISTRATORS = ADMIN | LOADING | STALE
ALL_NODES = "request_policy:all_nodes nondeterministic_output"
SUM = "request_policy:all_nodes response_policy:agg_sum nondeterministic_output"
ALL_SUCCEED = "request_policy:all_nodes response_policy:all_succeeded"


def log_of(session: Session, word: bytes) -> CommandLog:
    """The log of a type (`slow`, `large-request`, `large-reply`)."""
    outliers = session.engine.outliers
    type = word.lower()
    if type == b"slow":
        return outliers.slow
    if type == b"large-request":
        return outliers.large_requests
    if type == b"large-reply":
        return outliers.large_replies
    raise CommandError(COMMANDLOG_TYPE)


def count_of(word: bytes) -> int:
    """How many entries are requested; -1 means all."""
    count = integer(word, COUNT_BELOW_MINUS_1)
    if count < -1:
        raise CommandError(COUNT_BELOW_MINUS_1)
    return count


def entries(log: CommandLog, count: int) -> list[object]:
    """The newest entries as both commands show them."""
    found: list[object] = []
    for entry in log.newest(count):
        words: list[object] = []
        words.extend(entry.args)
        found.append([int(entry.id), int(entry.at_s), int(entry.amount), words, entry.address, entry.name])
    return found


slowlog = container(
    "slowlog", group="server", since="2.2.12",
    summary="Commands about the log of slow commands.",
)  # fmt: skip


@command(
    "slowlog|get", arity=-2, flags=ADMINISTRATORS, group="server", tips=ALL_NODES,
    arguments="[count:integer]",
    since="2.2.12", complexity="O(entries shown)", summary="Return the newest slow commands.",
)  # fmt: skip
def slowlog_get(session: Session, args: list[bytes]) -> object:
    if len(args) > 3:
        raise CommandError(wrong_subcommand(args[1], b"SLOWLOG"))
    return entries(session.engine.outliers.slow, count_of(args[2]) if len(args) == 3 else 10)


@command(
    "slowlog|len", arity=2, flags=ADMINISTRATORS, group="server", tips=SUM,
    since="2.2.12", complexity="O(1)", summary="Return the number of logged slow commands.",
)  # fmt: skip
def slowlog_len(session: Session, args: list[bytes]) -> object:
    return len(session.engine.outliers.slow.entries)


@command(
    "slowlog|reset", arity=2, flags=ADMINISTRATORS, group="server", tips=ALL_SUCCEED,
    since="2.2.12", complexity="O(entries)", summary="Delete the log of slow commands.",
)  # fmt: skip
def slowlog_reset(session: Session, args: list[bytes]) -> object:
    session.engine.outliers.slow.reset()
    return OK


help_command(slowlog, since="6.2.0")


commandlog = container(
    "commandlog", group="server", since="8.1.0",
    summary="Commands about the logs of slow and large commands.",
)  # fmt: skip


@command(
    "commandlog|get", arity=4, flags=ADMINISTRATORS, group="server", tips=ALL_NODES,
    arguments="count:integer (type: SLOW | LARGE-REQUEST | LARGE-REPLY)",
    since="8.1.0", complexity="O(entries shown)", summary="Return the newest entries of a log.",
)  # fmt: skip
def commandlog_get(session: Session, args: list[bytes]) -> object:
    count = count_of(args[2])
    return entries(log_of(session, args[3]), count)


@command(
    "commandlog|len", arity=3, flags=ADMINISTRATORS, group="server", tips=SUM,
    arguments="(type: SLOW | LARGE-REQUEST | LARGE-REPLY)",
    since="8.1.0", complexity="O(1)", summary="Return the number of entries of a log.",
)  # fmt: skip
def commandlog_len(session: Session, args: list[bytes]) -> object:
    return len(log_of(session, args[2]).entries)


@command(
    "commandlog|reset", arity=3, flags=ADMINISTRATORS, group="server", tips=ALL_SUCCEED,
    arguments="(type: SLOW | LARGE-REQUEST | LARGE-REPLY)",
    since="8.1.0", complexity="O(entries)", summary="Delete the entries of a log.",
)  # fmt: skip
def commandlog_reset(session: Session, args: list[bytes]) -> object:
    log_of(session, args[2]).reset()
    return OK


help_command(commandlog, since="8.1.0")
