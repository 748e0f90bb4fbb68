"""The server as a whole: INFO, TIME, SHUTDOWN, DEBUG."""

from __future__ import annotations

from redpoll.catalogue.spec import (
    ADMIN,
    ALLOW_BUSY,
    DANGEROUS,
    FAST,
    LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
)
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import NO_SHUTDOWN, SYNTAX, CommandError
from redpoll.observe.info import info_text
from redpoll.protocol.numbers import parse_double
from redpoll.protocol.reply import NO_REPLY, OK, Verbatim


@command(
    "info", arity=-1, flags=LOADING | STALE, acl=DANGEROUS, group="server",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
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
    "shutdown", arity=-1, flags=ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY, group="server",
    since="1.0.0", complexity="O(1): nothing is saved yet", summary="End the server.",
)  # fmt: skip
def shutdown(session: Session, args: list[bytes]) -> object:
    """SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [SAFE] [FAILOVER] | ABORT"""
    words = [word.upper() for word in args[1:]]
    known = {b"NOSAVE", b"SAVE", b"NOW", b"FORCE", b"SAFE", b"FAILOVER", b"ABORT"}
    if not known.issuperset(words) or (b"SAVE" in words and b"NOSAVE" in words):
        raise CommandError(SYNTAX)
    if b"ABORT" in words:
        if len(words) > 1:
            raise CommandError(SYNTAX)
        raise CommandError(NO_SHUTDOWN)
    if b"FAILOVER" in words:
        raise CommandError(b"ERR SHUTDOWN FAILOVER is only supported in cluster mode.")
    if b"SAVE" in words:
        raise CommandError(b"ERR SHUTDOWN SAVE is not supported by this version of redpoll: it saves nothing yet")
    session.engine.host.shut_down(session)
    return NO_REPLY


@command(
    "debug", arity=-2, flags=ADMIN | NOSCRIPT | LOADING | STALE, group="server",
    since="1.0.0", complexity="depends on the subcommand", summary="Tools for those who test servers.",
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
