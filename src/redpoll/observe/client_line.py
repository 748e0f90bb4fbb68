"""A client in the form of CLIENT LIST: `field=value`, separated by blanks.  Log lines use it too."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.engine.session import CHANNELS, PATTERNS, SHARDS, Session
from redpoll.errors import up_to_nul

HIDDEN: Final = b"*redacted*"


def client_line(other: Session, running: list[bytes] | None = None) -> bytes:
    """The line for a session, without its end.  `running` is the current command, if the session itself asks."""
    return filled(other, running, other.name, known_user(other))


def client_line_for_log(other: Session) -> str:
    """The same, without personal data unless `hide-user-data-from-log` is off."""
    if other.engine.options.hide_user_data_from_log:
        line = filled(other, None, HIDDEN, HIDDEN)
    else:
        line = client_line(other)
    return line.decode("utf-8", "surrogateescape")


def client_for_log(other: Session) -> str:
    """The identity of a session for the log, without its state.  Personal data as in `client_line_for_log`."""
    hidden = other.engine.options.hide_user_data_from_log
    line = b"id=%d addr=%b laddr=%b fd=%d name=%b user=%b lib-name=%b lib-ver=%b" % (
        other.id, other.peer.address(), other.peer.local_address(), other.peer.descriptor(),
        HIDDEN if hidden else up_to_nul(other.name), HIDDEN if hidden else known_user(other),
        up_to_nul(other.lib_name), up_to_nul(other.lib_version),
    )  # fmt: skip
    return line.decode("utf-8", "surrogateescape")


def known_user(other: Session) -> bytes:
    return other.user if other.authenticated else b"default"


def filled(other: Session, running: list[bytes] | None, name: bytes, user: bytes) -> bytes:
    now_us = other.engine.moment.now_us
    transaction = other.transaction
    queued: i64 = -1
    queued_bytes: i64 = 0
    if other.had_transaction:
        queued = other.executing
        # The commands of a transaction that has failed are dropped at once.
        if transaction is not None and not other.watch_broken:
            queued = len(transaction.queued)
            for args in transaction.queued:
                queued_bytes += bytes_of(args)
    command_name = other.last_command
    arguments: i64 = 0
    if running is not None:
        if other.executing == 0:
            arguments = bytes_of(running)
            command_name = b"client|" + running[1].lower()
        else:
            arguments = len(b"EXEC")
            command_name = b"exec"
    elif other.waiting is not None:
        arguments = bytes_of(other.waiting.args)
    buffers = other.peer.buffers()
    total = buffers.request + max(buffers.room, buffers.reply) + buffers.backlog + arguments + queued_bytes
    return (
        b"id=%d addr=%b laddr=%b fd=%d name=%b age=%d idle=%d flags=%b capa=%b db=%d sub=%d psub=%d ssub=%d "
        b"multi=%d watch=%d qbuf=%d qbuf-free=0 argv-mem=%d multi-mem=%d rbs=%d rbp=%d obl=%d oll=%d omem=%d "
        b"tot-mem=%d events=%b cmd=%b user=%b redir=-1 resp=%d lib-name=%b lib-ver=%b tot-net-in=%d tot-net-out=%d "
        b"tot-cmds=%d"
    ) % (
        # The name is only checked up to a zero byte; the rest could break the line.
        other.id, other.peer.address(), other.peer.local_address(), other.peer.descriptor(), up_to_nul(name),
        (now_us - other.created_us) // 1000000, (now_us - other.active_us) // 1000000, other.flags(),
        b"r" if other.capa_redirect else b"", other.db.index,
        other.subscriptions_of(CHANNELS), other.subscriptions_of(PATTERNS), other.subscriptions_of(SHARDS),
        queued, 0 if other.watch_broken else len(other.watched),
        buffers.request, arguments, queued_bytes, buffers.room, buffers.peak, buffers.reply, buffers.pieces,
        buffers.backlog, total, b"rw" if buffers.writing else b"r", command_name, user, other.resp,
        up_to_nul(other.lib_name), up_to_nul(other.lib_version),
        buffers.received, buffers.sent, other.commands,
    )  # fmt: skip


def bytes_of(args: list[bytes]) -> i64:
    total: i64 = 0
    for word in args:
        total += len(word)
    return total
