"""CLIENT: killing, pausing and unblocking other clients, and options of the connection itself."""

from __future__ import annotations

from redpoll.catalogue.spec import ADMIN, ALLOW_BUSY, CONNECTION, NO_MULTI
from redpoll.commands.client_filter import Filter
from redpoll.commands.clients import ANYTIME
from redpoll.engine.args import integer
from redpoll.engine.blocking import timeout_reply
from redpoll.engine.command import command
from redpoll.engine.gates import GATE_NO_TOUCH, GATE_REDIRECT
from redpoll.engine.session import LOUD, SILENT, SKIP_NEXT, Session
from redpoll.errors import (
    NO_SILENCE_IN_PROCESS,
    NO_SUCH_CLIENT,
    NOT_IMPORTING,
    PAUSE_MODE,
    SYNTAX,
    TIMEOUT_NEGATIVE,
    TIMEOUT_NOT_AN_INTEGER,
    TIMEOUT_OUT_OF_RANGE,
    UNBLOCK_REASON,
    UNBLOCKED,
    CommandError,
)
from redpoll.protocol.numbers import INT64_MAX
from redpoll.protocol.reply import NO_REPLY, OK, Error, Map, SetOf


def switch(word: bytes) -> bool:
    """ON or OFF in any case, or a syntax error."""
    said = word.upper()
    if said != b"ON" and said != b"OFF":
        raise CommandError(SYNTAX)
    return said == b"ON"


@command(
    "client|kill", arity=-3, flags=ANYTIME | ADMIN, acl=CONNECTION, group="connection",
    arguments="(filter: old-format<ip:port>@!2.8.12 | (new-format: [ID client-id:integer@2.8.12 ...] | "
              "[TYPE (client-type: NORMAL | MASTER@3.2.0 | PRIMARY@8.0.0 | SLAVE | REPLICA@5.0.0 | "
              "PUBSUB)@2.8.12] | [USER username] | [ADDR addr<ip:port>] | [LADDR laddr<ip:port>@6.2.0] | "
              "[SKIPME (YES | NO)] | [MAXAGE maxage:integer@8.0.0] | [NAME name@9.0.0] | "
              "[IDLE idle:integer@9.0.0] | [FLAGS flags@9.0.0] | [LIB-NAME lib-name@9.0.0] | "
              "[LIB-VER lib-ver@9.0.0] | [DB db:integer@9.0.0] | [CAPA capa@9.0.0] | [IP ip@9.0.0] | "
              "[NOT-TYPE (not-client-type: NORMAL | MASTER | PRIMARY | SLAVE | REPLICA | PUBSUB)@9.0.0] | "
              "[NOT-ID not-client-id:integer@9.0.0 ...] | [NOT-USER not-username@9.0.0] | "
              "[NOT-ADDR not-addr<ip:port>@9.0.0] | [NOT-LADDR not-laddr<ip:port>@9.0.0] | "
              "[NOT-NAME not-name@9.0.0] | [NOT-FLAGS not-flags@9.0.0] | [NOT-LIB-NAME not-lib-name@9.0.0] | "
              "[NOT-LIB-VER not-lib-ver@9.0.0] | [NOT-DB not-db:integer@9.0.0] | [NOT-CAPA not-capa@9.0.0] | "
              "[NOT-IP not-ip@9.0.0]) ...)",
    since="2.4.0", complexity="O(connections)", summary="Close connections.",
)  # fmt: skip
def client_kill(session: Session, args: list[bytes]) -> object:
    if len(args) == 3:
        victims = [other for other in connected(session) if other.peer.address() == args[2]]
        if len(victims) == 0:
            raise CommandError(NO_SUCH_CLIENT)
        kill(session, victims[0])
        return OK
    wanted = Filter(session, args[2:], True)
    victims = [other for other in connected(session) if wanted.fits(other)]
    for other in victims:
        kill(session, other)
    return len(victims)


def connected(session: Session) -> list[Session]:
    """The sessions with a connection, the caller's included.  A session of the in-process client has none."""
    return [other for other in session.engine.sessions.values() if other.peer.descriptor() >= 0]


def kill(session: Session, other: Session) -> None:
    """Close a connection.  If it is the caller's, its reply is sent first."""
    if other is session:
        session.peer.close_after_reply()
    else:
        other.peer.close()


@command(
    "client|pause", arity=-3, flags=ANYTIME | ADMIN, acl=CONNECTION, group="connection",
    arguments="timeout:integer [mode: WRITE | ALL]@6.2.0",
    since="3.0.0", complexity="O(1)", summary="Suspend commands for some time.",
)  # fmt: skip
def client_pause(session: Session, args: list[bytes]) -> object:
    writes_only = False
    # With too many words, the reference reads none of them.  CLIENT UNBLOCK does the same.
    if len(args) == 4:
        word = args[3].upper()
        if word != b"WRITE" and word != b"ALL":
            raise CommandError(PAUSE_MODE)
        writes_only = word == b"WRITE"
    engine = session.engine
    milliseconds: int = integer(args[2], TIMEOUT_NOT_AN_INTEGER)
    if milliseconds < 0:
        raise CommandError(TIMEOUT_NEGATIVE)
    until_ms = milliseconds + int(engine.moment.now_ms)
    if until_ms > INT64_MAX:
        raise CommandError(TIMEOUT_OUT_OF_RANGE)
    engine.pause.begin(until_ms, writes_only)
    return OK


@command(
    "client|unpause", arity=2, flags=ANYTIME | ADMIN, acl=CONNECTION, group="connection",
    since="6.2.0", complexity="O(commands held up)", summary="End CLIENT PAUSE.",
)  # fmt: skip
def client_unpause(session: Session, args: list[bytes]) -> object:
    session.engine.pause.end()
    return OK


@command(
    "client|unblock", arity=-3, flags=ANYTIME | ADMIN, acl=CONNECTION, group="connection",
    arguments="client-id:integer [unblock-type: TIMEOUT | ERROR]",
    since="5.0.0", complexity="O(keys that the client waits for)", summary="Wake a blocked client.",
)  # fmt: skip
def client_unblock(session: Session, args: list[bytes]) -> object:
    with_error = False
    if len(args) == 4:
        word = args[3].upper()
        if word != b"TIMEOUT" and word != b"ERROR":
            raise CommandError(UNBLOCK_REASON)
        with_error = word == b"ERROR"
    engine = session.engine
    other = engine.sessions.get(int(integer(args[2])))
    if other is None or other.is_postponed():
        return 0
    waiting = other.waiting
    if waiting is None:
        return 0
    engine.blocking.unblock(other, Error(UNBLOCKED) if with_error else timeout_reply(waiting.timeout_reply))
    return 1


@command(
    "client|reply", arity=3, flags=ANYTIME | NO_MULTI | ALLOW_BUSY, acl=CONNECTION, group="connection",
    arguments="(action: ON | OFF | SKIP)",
    since="3.2.0", complexity="O(1)", summary="Choose whether this connection gets replies.",
)  # fmt: skip
def client_reply(session: Session, args: list[bytes]) -> object:
    word = args[2].upper()
    if word == b"ON":
        session.quiet = LOUD
        return OK
    if word != b"OFF" and word != b"SKIP":
        raise CommandError(SYNTAX)
    if not session.may_block:
        raise CommandError(NO_SILENCE_IN_PROCESS)
    if word == b"OFF":
        session.quiet = SILENT
    elif session.quiet != SILENT:
        session.quiet = SKIP_NEXT
    session.peer.hush()
    return NO_REPLY


@command(
    "client|no-evict", arity=3, flags=ANYTIME | ADMIN | ALLOW_BUSY, acl=CONNECTION, group="connection",
    arguments="(enabled: ON | OFF)",
    since="7.0.0", complexity="O(1)",
    summary="Choose whether this client is protected when clients use too much memory.",
)  # fmt: skip
def client_no_evict(session: Session, args: list[bytes]) -> object:
    session.no_evict = switch(args[2])
    return OK


@command(
    "client|no-touch", arity=3, flags=ANYTIME | ALLOW_BUSY, acl=CONNECTION, group="connection",
    arguments="(enabled: ON | OFF)",
    since="7.2.0", complexity="O(1)", summary="Choose whether this client's commands update the access time of keys.",
)  # fmt: skip
def client_no_touch(session: Session, args: list[bytes]) -> object:
    if switch(args[2]):
        session.gates |= GATE_NO_TOUCH
    else:
        session.gates &= ~GATE_NO_TOUCH
    return OK


@command(
    "client|capa", arity=-3, flags=ANYTIME | ALLOW_BUSY, acl=CONNECTION, group="connection",
    arguments="capability ...",
    since="8.0.0", complexity="O(1)", summary="Declare what this client supports.",
)  # fmt: skip
def client_capa(session: Session, args: list[bytes]) -> object:
    for word in args[2:]:
        if word.lower() == b"redirect":
            session.capa_redirect = True
            if session.engine.role.is_replica:
                session.gates |= GATE_REDIRECT
    return OK


@command(
    "client|import-source", arity=3, flags=ANYTIME, acl=CONNECTION, group="connection",
    arguments="(enabled: ON | OFF)",
    since="8.1.0", complexity="O(1)", summary="Declare whether this client imports data.",
)  # fmt: skip
def client_import_source(session: Session, args: list[bytes]) -> object:
    # There is no import mode yet, so no client is a source.
    if args[2].upper() != b"OFF":
        raise CommandError(NOT_IMPORTING)
    return OK


@command(
    "client|getredir", arity=2, flags=ANYTIME | ALLOW_BUSY, acl=CONNECTION, group="connection",
    since="6.0.0", complexity="O(1)",
    summary="Return the id of the client that receives this client's invalidation messages.",
)  # fmt: skip
def client_getredir(session: Session, args: list[bytes]) -> object:
    return -1


@command(
    "client|trackinginfo", arity=2, flags=ANYTIME, acl=CONNECTION, group="connection",
    since="6.2.0", complexity="O(1)", summary="Show how this connection tracks keys.",
)  # fmt: skip
def client_trackinginfo(session: Session, args: list[bytes]) -> object:
    return Map([b"flags", SetOf([b"off"]), b"redirect", -1, b"prefixes", []])
