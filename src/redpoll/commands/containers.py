"""Containers (commands that consist of subcommands): how they are declared, and their HELP."""

from __future__ import annotations

from redpoll.catalogue.arguments import parse_arguments, usage
from redpoll.catalogue.spec import LOADING, STALE
from redpoll.engine.command import Command, command
from redpoll.engine.session import Session
from redpoll.protocol.reply import Status

HEAD = b"%b <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"


def container(name: str, *, group: str, since: str, summary: str) -> Command:
    """Declare a container; its subcommands follow, as `name|word`."""

    def never(session: Session, args: list[bytes]) -> object:
        raise AssertionError("a container is resolved before it runs")

    declare = command(
        name, arity=-2, flags=0, group=group, since=since, complexity="depends on the subcommand", summary=summary
    )
    return declare(never)


def help_command(of: Command, *, since: str, acl: int = 0) -> Command:
    """Declare a container's HELP."""
    name = of.name.decode()

    def answer(session: Session, args: list[bytes]) -> object:
        return help_reply(of, args)

    declare = command(
        f"{name}|help", arity=2, flags=LOADING | STALE, acl=acl, group=of.spec.group, since=since,
        complexity="O(1)", summary=f"What {name.upper()} can do.",
    )  # fmt: skip
    return declare(answer)


def help_reply(container: Command, args: list[bytes]) -> list[object]:
    """Each subcommand's form on one line and its summary, indented, on the next; headed by the name that was called."""
    lines: list[bytes] = []
    if container.arity == -1:
        lines += [b"(no subcommand)", container.spec.summary.encode()]
    subcommands = container.subcommands
    assert subcommands is not None
    for word, found in subcommands.items():
        spec = found.spec
        if word != b"help" and not spec.system:
            form = usage(parse_arguments(spec.arguments)).encode()
            lines += [b"%b %b" % (word.upper(), form) if form else word.upper(), spec.summary.encode()]
    return help_lines(args[0].upper(), lines)


def help_lines(container: bytes, lines: list[bytes]) -> list[object]:
    """The reply of HELP subcommands: forms and their descriptions alternately in `lines`."""
    found: list[object] = [Status(HEAD % container)]
    for n in range(0, len(lines), 2):
        found.append(Status(lines[n]))
        found.append(Status(b"    " + lines[n + 1]))
    found.append(Status(b"HELP"))
    found.append(Status(b"    Print this help."))
    return found
