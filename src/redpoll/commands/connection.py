"""The connection: HELLO, AUTH, SELECT, QUIT and the like."""

from __future__ import annotations

from redpoll.catalogue.spec import ALLOW_BUSY, CONNECTION, FAST, LOADING, NO_AUTH, NOSCRIPT, STALE
from redpoll.commands.clients import check_name
from redpoll.commands.database_numbers import database_at
from redpoll.commands.modules import loaded
from redpoll.engine.args import integer
from redpoll.engine.command import Handler, command
from redpoll.engine.gates import GATE_NOAUTH, GATE_SUBSCRIBED
from redpoll.engine.session import LOUD, SILENT, Session
from redpoll.env.openssl import is_same_secret
from redpoll.errors import (
    HELLO_NOAUTH,
    NO_PASSWORD_SET,
    NOPROTO,
    PROTO_NOT_AN_INTEGER,
    SYNTAX,
    WRONGPASS,
    CommandError,
    hello_option,
    wrong_arity,
)
from redpoll.protocol.reply import OK, PONG, Map, Status
from redpoll.version import COMPATIBLE_VERSION, REFERENCE_VERSION

BEFORE_ALL = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY


class Ping(Handler):
    def run(self, session: Session, args: list[bytes]) -> object:
        if len(args) > 2:
            raise CommandError(wrong_arity(b"ping"))
        if session.gates & GATE_SUBSCRIBED != 0:
            # RESP2 has no pushes: between messages, a client knows this answer by its form.
            return [b"pong", args[1] if len(args) == 2 else b""]
        return args[1] if len(args) == 2 else PONG


command(
    "ping", arity=-1, flags=FAST, acl=CONNECTION, group="connection",
    tips="request_policy:all_shards response_policy:all_succeeded",
    arguments="[message]",
    since="1.0.0", complexity="O(1)", summary="Test the connection: return PONG or the message.",
)(Ping())  # fmt: skip


@command(
    "echo", arity=2, flags=LOADING | STALE | FAST, acl=CONNECTION, group="connection",
    arguments="message",
    since="1.0.0", complexity="O(1)", summary="Return the message.",
)  # fmt: skip
def echo(session: Session, args: list[bytes]) -> object:
    return args[1]


@command(
    "select", arity=2, flags=LOADING | STALE | FAST | ALLOW_BUSY, acl=CONNECTION, group="connection",
    arguments="index:integer",
    since="1.0.0", complexity="O(1)", summary="Select the database for the following commands.",
)  # fmt: skip
def select(session: Session, args: list[bytes]) -> object:
    session.db = database_at(session, args[1])
    return OK


@command(
    "quit", arity=-1, flags=BEFORE_ALL, acl=CONNECTION, group="connection",
    since="1.0.0", complexity="O(1)", summary="Close the connection.",
)  # fmt: skip
def quit_(session: Session, args: list[bytes]) -> object:
    session.peer.close_after_reply()
    return OK


def authenticate(session: Session, user: bytes, password: bytes) -> None:
    """Authenticate the session.  Raises CommandError(WRONGPASS)."""
    engine = session.engine
    if user != b"default" or (engine.password and not is_same_secret(password, engine.password)):
        engine.traffic.refused_passwords += 1
        raise CommandError(WRONGPASS)
    session.user = user
    session.authenticated = True
    session.gates &= ~GATE_NOAUTH


@command(
    "auth", arity=-2, flags=BEFORE_ALL, acl=CONNECTION, group="connection",
    arguments="[username@6.0.0] password",
    since="1.0.0", complexity="O(1)", summary="Authenticate the connection.",
)  # fmt: skip
def auth(session: Session, args: list[bytes]) -> object:
    if len(args) > 3:
        raise CommandError(SYNTAX)
    if len(args) == 2 and not session.engine.password:
        raise CommandError(NO_PASSWORD_SET)
    authenticate(session, args[1] if len(args) == 3 else b"default", args[-1])
    return OK


@command(
    "hello", arity=-1, flags=BEFORE_ALL, acl=CONNECTION, group="connection",
    arguments="[arguments: protover:integer [AUTH username password] [SETNAME clientname]]",
    since="6.0.0", complexity="O(1)",
    summary="Choose the protocol version and optionally authenticate; return facts about the server.",
)  # fmt: skip
def hello(session: Session, args: list[bytes]) -> object:
    resp = session.resp
    if len(args) > 1:
        version = integer(args[1], PROTO_NOT_AN_INTEGER)
        if version != 2 and version != 3:
            raise CommandError(NOPROTO)
        resp = version
    user: list[bytes] = []
    name: bytes | None = None
    at = 2
    while at < len(args):
        word = args[at].upper()
        if word == b"AUTH" and at + 2 < len(args):
            user = args[at + 1 : at + 3]
            at += 3
        elif word == b"SETNAME" and at + 1 < len(args):
            name = args[at + 1]
            check_name(name, b"Client names")
            at += 2
        else:
            raise CommandError(hello_option(args[at]))
    if user:
        authenticate(session, user[0], user[1])
    elif not session.authenticated:
        raise CommandError(HELLO_NOAUTH)
    if name is not None:
        session.name = name
    session.speak(resp)
    options = session.engine.options
    as_redis = options.extended_redis_compatibility
    items: list[object] = [
        b"server", b"redis" if as_redis else b"valkey",
        b"version", COMPATIBLE_VERSION if as_redis else REFERENCE_VERSION,
        b"proto", resp, b"id", session.id, b"mode", b"standalone", b"role", b"master", b"modules", loaded(),
    ]  # fmt: skip
    if options.availability_zone:
        items += [b"availability_zone", options.availability_zone]
    return Map(items)


@command(
    "reset", arity=1, flags=BEFORE_ALL, acl=CONNECTION, group="connection",
    since="6.2.0", complexity="O(1)", summary="Reset the state of the connection.",
)  # fmt: skip
def reset(session: Session, args: list[bytes]) -> object:
    engine = session.engine
    engine.end_transaction(session)
    engine.monitors.remove(session)
    engine.pubsub.leave(session)
    session.gates = engine.session_gates
    session.readonly = False
    session.no_evict = False
    # A reply that CLIENT REPLY SKIP suppresses is still suppressed.
    if session.quiet == SILENT:
        session.quiet = LOUD
    session.authenticated = engine.session_gates == 0
    session.user = b"default"
    session.name = b""
    session.resp = 2
    session.db = engine.databases[0]
    return Status(b"RESET")
