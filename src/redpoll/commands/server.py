"""The server as a whole: INFO, TIME, DEBUG."""

from __future__ import annotations

from redpoll.catalogue.spec import (
    ADMIN,
    DANGEROUS,
    FAST,
    LOADING,
    NOSCRIPT,
    STALE,
)
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import CommandError
from redpoll.observe.info import info_text
from redpoll.protocol.numbers import parse_double
from redpoll.protocol.reply import OK, Verbatim


@command(
    "info", arity=-1, flags=LOADING | STALE, acl=DANGEROUS, group="server",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
    arguments="[section] ...",
    since="1.0.0", complexity="O(1)", summary="Facts and counters of the server, by section.",
)  # fmt: skip
def info(session: Session, args: list[bytes]) -> object:
    """INFO [section ...]"""
    return Verbatim(info_text(session.engine, [word.lower() for word in args[1:]]))


@command(
    "time", arity=1, flags=LOADING | STALE | FAST, group="server", tips="nondeterministic_output",
    since="2.6.0", complexity="O(1)", summary="The server's clock: seconds since 1970, and microseconds.",
)  # fmt: skip
def time(session: Session, args: list[bytes]) -> object:
    """TIME"""
    now_us = session.engine.moment.now_us
    return [b"%d" % (now_us // 1000000), b"%d" % (now_us % 1000000)]


@command(
    "debug", arity=-2, flags=ADMIN | NOSCRIPT | LOADING | STALE, group="server",
    since="1.0.0", complexity="depends on the subcommand", summary="Tools for those who test servers.", system=True,
)  # fmt: skip
def debug(session: Session, args: list[bytes]) -> object:
    """DEBUG SLEEP seconds | SET-ACTIVE-EXPIRE 0|1"""
    word = args[1].upper()
    if word == b"SLEEP" and len(args) == 3:
        seconds = parse_double(args[2])
        if seconds > 0:
            session.engine.clock.sleep(seconds)
        return OK
    if word == b"SET-ACTIVE-EXPIRE" and len(args) == 3:
        session.engine.active_expire = args[2].strip() not in (b"0", b"")
        return OK
    raise CommandError(b"ERR unknown subcommand or wrong number of arguments for '%b'. Try DEBUG HELP." % args[1][:128])
