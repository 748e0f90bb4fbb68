"""The server as a whole: INFO and TIME."""

from __future__ import annotations

from redpoll.catalogue.spec import (
    DANGEROUS,
    FAST,
    LOADING,
    STALE,
)
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.observe.info import info_text
from redpoll.protocol.reply import Verbatim


@command(
    "info", arity=-1, flags=LOADING | STALE, acl=DANGEROUS, group="server",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
    arguments="[section] ...",
    since="1.0.0", complexity="O(1)", summary="Return facts and statistics about the server, by section.",
)  # fmt: skip
def info(session: Session, args: list[bytes]) -> object:
    return Verbatim(info_text(session.engine, [word.lower() for word in args[1:]]))


@command(
    "time", arity=1, flags=LOADING | STALE | FAST, group="server", tips="nondeterministic_output",
    since="2.6.0", complexity="O(1)", summary="Return the server's time: Unix time in seconds, and microseconds.",
)  # fmt: skip
def time(session: Session, args: list[bytes]) -> object:
    now_us = session.engine.moment.now_us
    return [b"%d" % (now_us // 1000000), b"%d" % (now_us % 1000000)]
