"""HELP of the containers: one form for all."""

from __future__ import annotations

from redpoll.protocol.reply import Status


def help_lines(container: bytes, lines: list[bytes]) -> list[object]:
    """The reply of HELP subcommands: forms and their descriptions by turns in `lines`."""
    found: list[object] = [Status(b"%b <subcommand> [<arg> [value] [opt] ...]. Subcommands are:" % container)]
    for n in range(0, len(lines), 2):
        found.append(Status(lines[n]))
        found.append(Status(b"    " + lines[n + 1]))
    found.append(Status(b"HELP"))
    found.append(Status(b"    Print this help."))
    return found
