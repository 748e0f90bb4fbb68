"""Replaces secrets among the arguments of a command, for logs, MONITOR and reports."""

from __future__ import annotations

from typing import Final

from redpoll.config.schema import find

HIDDEN: Final = b"(redacted)"


def redacted(name: bytes, args: list[bytes]) -> list[bytes]:
    """The arguments with secrets replaced; the same list object if there are none.  Source: spec/server.md §7.

    `name` is the original name of the command (`auth`, `config|set`), because `args` may have a name that
    `rename-command` gave it.
    """
    count = len(args)
    hidden: list[int] = []
    if name == b"auth":
        hidden.extend(range(1, count))
    elif name == b"hello":
        for at in range(1, count):
            if args[at].lower() == b"auth":
                hidden.extend(range(at + 1, min(at + 3, count)))
                break
    elif name == b"config|set":
        for at in range(2, count - 1, 2):
            directive = find(args[at])
            if directive is not None and directive.sensitive:
                hidden.append(at + 1)
    elif name in (b"acl|setuser", b"acl|getuser", b"acl|deluser"):
        hidden.extend(range(2, count))
    elif name == b"migrate":
        hidden.extend(migrate_secrets(args))
    if len(hidden) == 0:
        return args
    shown = list(args)
    for at in hidden:
        shown[at] = HIDDEN
    return shown


def migrate_secrets(args: list[bytes]) -> list[int]:
    """The indexes of MIGRATE's passwords and user names."""
    found: list[int] = []
    for at in range(6, len(args)):
        word = args[at].lower()
        if word == b"auth":
            found.extend(range(at + 1, min(at + 2, len(args))))
        elif word == b"auth2":
            found.extend(range(at + 1, min(at + 3, len(args))))
        elif word == b"keys":
            break
    return found
