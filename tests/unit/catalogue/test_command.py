"""COMMAND in an engine whose commands were renamed."""

from __future__ import annotations

import pytest

import redpoll


def test_renamed_commands_are_found_under_their_new_names() -> None:
    store = redpoll.open()
    commands = store.engine.commands
    for new, old in ((b"fetch", b"get"), (b"klient", b"client")):
        commands[new] = commands[new.upper()] = commands.pop(old)
        del commands[old.upper()]
    del commands[b"set"], commands[b"SET"]

    info = store.execute("COMMAND", "INFO", "get", "fetch", "set", "klient|id", "client|id")
    assert isinstance(info, list)
    assert [each and each[0] for each in info] == [None, b"get", None, b"client|id", None]
    assert store.execute("COMMAND", "GETKEYS", "fetch", "a") == [b"a"]
    with pytest.raises(redpoll.CommandError, match="Invalid command specified"):
        store.execute("COMMAND", "GETKEYS", "get", "a")
    names = store.execute("COMMAND", "LIST")
    assert isinstance(names, list)
    assert b"get" in names and b"set" not in names and b"client|id" in names
    count = store.execute("COMMAND", "COUNT")
    assert count == len([name for name in names if b"|" not in name])
    lines = store.execute("KLIENT", "HELP")
    assert isinstance(lines, list)
    assert lines[0].startswith(b"KLIENT <subcommand>")
