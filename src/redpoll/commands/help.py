"""HELP of containers: made from what their subcommands declare."""

from __future__ import annotations

from redpoll.catalogue.arguments import parse_arguments, usage
from redpoll.engine.command import Command
from redpoll.protocol.reply import Status

HEAD = b"%b <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"


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
    """The reply of HELP subcommands: forms and their descriptions by turns in `lines`."""
    found: list[object] = [Status(HEAD % container)]
    for n in range(0, len(lines), 2):
        found.append(Status(lines[n]))
        found.append(Status(b"    " + lines[n + 1]))
    found.append(Status(b"HELP"))
    found.append(Status(b"    Print this help."))
    return found
