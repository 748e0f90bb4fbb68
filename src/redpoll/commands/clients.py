"""CLIENT: the connected clients and their names."""

from __future__ import annotations

from redpoll.catalogue.spec import ADMIN, ALLOW_BUSY, CONNECTION, LOADING, NOSCRIPT, STALE
from redpoll.commands.client_filter import Filter
from redpoll.commands.containers import container, help_command
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import CommandError, special_characters, unrecognized_option, up_to_nul
from redpoll.observe.client_line import client_line
from redpoll.protocol.reply import OK, Verbatim

ANYTIME = NOSCRIPT | LOADING | STALE
SET_ON_ALL = "request_policy:all_nodes response_policy:all_succeeded"


def check_name(name: bytes, what: bytes) -> None:
    """Raise CommandError unless the name is printable and without blanks."""
    for c in up_to_nul(name):
        if c < 33 or c > 126:
            raise CommandError(special_characters(what))


client = container(
    "client", group="connection", since="2.4.0",
    summary="Commands about client connections.",
)  # fmt: skip


@command(
    "client|id", arity=2, flags=ANYTIME | ALLOW_BUSY, acl=CONNECTION, group="connection",
    since="5.0.0", complexity="O(1)", summary="Return the id of this connection.",
)  # fmt: skip
def client_id(session: Session, args: list[bytes]) -> object:
    return session.id


@command(
    "client|getname", arity=2, flags=ANYTIME | ALLOW_BUSY, acl=CONNECTION, group="connection",
    since="2.6.9", complexity="O(1)", summary="Return the name of this connection.",
)  # fmt: skip
def client_getname(session: Session, args: list[bytes]) -> object:
    return session.name if session.name else None


@command(
    "client|setname", arity=3, flags=ANYTIME | ALLOW_BUSY, acl=CONNECTION, group="connection", tips=SET_ON_ALL,
    arguments="connection-name",
    since="2.6.9", complexity="O(1)", summary="Set the name of this connection.",
)  # fmt: skip
def client_setname(session: Session, args: list[bytes]) -> object:
    check_name(args[2], b"Client names")
    session.name = args[2]
    return OK


@command(
    "client|setinfo", arity=4, flags=ANYTIME | ALLOW_BUSY, acl=CONNECTION, group="connection", tips=SET_ON_ALL,
    arguments="(attr: LIB-NAME libname | LIB-VER libver)",
    since="7.2.0", complexity="O(1)", summary="Set the name or version of this connection's client library.",
)  # fmt: skip
def client_setinfo(session: Session, args: list[bytes]) -> object:
    word = args[2].upper()
    if word == b"LIB-NAME":
        check_name(args[3], args[2])
        session.lib_name = args[3]
    elif word == b"LIB-VER":
        check_name(args[3], args[2])
        session.lib_version = args[3]
    else:
        raise CommandError(unrecognized_option(args[2]))
    return OK


@command(
    "client|list", arity=-2, flags=ANYTIME | ADMIN, acl=CONNECTION, group="connection",
    tips="nondeterministic_output",
    arguments="[TYPE (client-type: NORMAL | MASTER | REPLICA | PUBSUB)@5.0.0] [ID client-id:integer@6.2.0 ...] "
              "[USER username@8.1.0] [ADDR addr<ip:port>@8.1.0] [LADDR laddr<ip:port>@8.1.0] [SKIPME (YES | "
              "NO)@8.1.0] [MAXAGE maxage:integer@8.1.0] [NAME name@9.0.0] [IDLE idle:integer@9.0.0] "
              "[FLAGS flags@9.0.0] [LIB-NAME lib-name@9.0.0] [LIB-VER lib-ver@9.0.0] [DB db:integer@9.0.0] "
              "[CAPA capa@9.0.0] [IP ip@9.0.0] [NOT-TYPE (not-client-type: NORMAL | MASTER | REPLICA | "
              "PUBSUB)@9.0.0] [NOT-ID not-client-id:integer@9.0.0 ...] [NOT-USER not-username@9.0.0] "
              "[NOT-ADDR not-addr<ip:port>@9.0.0] [NOT-LADDR not-laddr<ip:port>@9.0.0] [NOT-NAME not-name@9.0.0] "
              "[NOT-FLAGS not-flags@9.0.0] [NOT-LIB-NAME not-lib-name@9.0.0] [NOT-LIB-VER not-lib-ver@9.0.0] "
              "[NOT-DB not-db:integer@9.0.0] [NOT-CAPA not-capa@9.0.0] [NOT-IP not-ip@9.0.0]",
    since="2.4.0", complexity="O(connections)", summary="List all connections, one on each line.",
)  # fmt: skip
def client_list(session: Session, args: list[bytes]) -> object:
    wanted = wanted_sessions(session, args)
    return Verbatim(b"".join([client_line(other, args if other is session else None) + b"\n" for other in wanted]))


def wanted_sessions(session: Session, args: list[bytes]) -> list[Session]:
    """The sessions that the filters let through, by id."""
    wanted = Filter(session, args[2:])
    return [other for other in sorted(session.engine.sessions.values(), key=by_id) if wanted.fits(other)]


def by_id(session: Session) -> int:
    return session.id


@command(
    "client|info", arity=2, flags=ANYTIME, acl=CONNECTION, group="connection", tips="nondeterministic_output",
    since="6.2.0", complexity="O(1)", summary="Show this connection in the form of CLIENT LIST.",
)  # fmt: skip
def client_info(session: Session, args: list[bytes]) -> object:
    return Verbatim(client_line(session, args) + b"\n")


help_command(client, since="5.0.0", acl=CONNECTION)
