"""COMMAND: what the server can do, as clients and proxies ask for it."""

from __future__ import annotations

from redpoll.catalogue.keyspec import ACCESS_NAMES, CountedKeys, KeyRange, KeySpec
from redpoll.catalogue.spec import CATEGORY_NAMES, CONNECTION, FLAG_NAMES, LOADING, STALE, Spec
from redpoll.commands.help import help_lines
from redpoll.engine.command import CATALOGUE, Command, command
from redpoll.engine.session import Session
from redpoll.protocol.reply import Map, SetOf, Status


@command(
    "command", arity=-1, flags=LOADING | STALE, acl=CONNECTION, group="server",
    tips="nondeterministic_output_order",
    since="2.8.13", complexity="O(commands)", summary="All commands, with their flags and keys.",
)  # fmt: skip
def command_(session: Session, args: list[bytes]) -> object:
    """COMMAND"""
    return [described(found) for found in top_level()]


def top_level() -> list[Command]:
    return [found for found in CATALOGUE.values() if found.container is None]


@command(
    "command|count", arity=2, flags=LOADING | STALE, acl=CONNECTION, group="server",
    since="2.8.13", complexity="O(1)", summary="How many commands there are.",
)  # fmt: skip
def command_count(session: Session, args: list[bytes]) -> object:
    """COMMAND COUNT"""
    return len(top_level())


@command(
    "command|info", arity=-2, flags=LOADING | STALE, acl=CONNECTION, group="server",
    tips="nondeterministic_output_order",
    since="2.8.13", complexity="O(names)", summary="Some commands, with their flags and keys.",
)  # fmt: skip
def command_info(session: Session, args: list[bytes]) -> object:
    """COMMAND INFO [command-name ...]"""
    if len(args) == 2:
        return [described(found) for found in top_level()]
    replies: list[object] = []
    for name in args[2:]:
        found = CATALOGUE.get(name.lower())
        replies.append(described(found) if found is not None else None)
    return replies


@command(
    "command|help", arity=2, flags=LOADING | STALE, acl=CONNECTION, group="server",
    since="5.0.0", complexity="O(1)", summary="What COMMAND can tell.",
)  # fmt: skip
def command_help(session: Session, args: list[bytes]) -> object:
    """COMMAND HELP"""
    return help_lines(b"COMMAND", [
        b"(no subcommand)", b"All commands, with their flags and keys.",
        b"COUNT", b"How many commands there are.",
        b"INFO [<command-name> ...]", b"Some commands, or all.",
    ])  # fmt: skip


def described(found: Command) -> list[object]:
    """A command as COMMAND INFO tells it."""
    spec = found.spec
    first, last, step = legacy_keys(spec)
    subcommands: list[object] = []
    if found.subcommands is not None:
        subcommands = [described(sub) for sub in found.subcommands.values()]
    return [
        spec.name, spec.arity, SetOf([Status(name) for bit, name in FLAG_NAMES if spec.flags & bit]),
        first, last, step, SetOf([Status(name) for bit, name in CATEGORY_NAMES if spec.categories & bit]),
        SetOf([tip.encode() for tip in spec.tips.split()]),
        SetOf([described_keys(keys) for keys in spec.keys]), subcommands,
    ]  # fmt: skip


def legacy_keys(spec: Spec) -> tuple[int, int, int]:
    """First key, last key and step, as they were told before key specs."""
    if len(spec.keys) > 0:
        keys = spec.keys[0]
        if isinstance(keys, KeyRange):
            # BITOP's sources go on where its destination ends: one range.
            behind = spec.keys[1] if len(spec.keys) > 1 else None
            if isinstance(behind, KeyRange) and behind.first == keys.last + 1:
                return keys.first, behind.last, keys.step
            return keys.first, keys.last, keys.step
    return 0, 0, 0


def described_keys(keys: KeySpec) -> Map:
    """A key spec as COMMAND INFO tells it."""
    flags = SetOf([Status(name) for bit, name in ACCESS_NAMES if keys.access & bit])
    begin: list[object] = []
    find: list[object] = []
    if isinstance(keys, KeyRange):
        begin = [b"index", keys.first]
        last = keys.last - keys.first if keys.last >= 0 else keys.last
        find = [b"range", Map([b"lastkey", last, b"keystep", keys.step, b"limit", 0])]
    elif isinstance(keys, CountedKeys):
        begin = [b"index", keys.at]
        find = [b"keynum", Map([b"keynumidx", 0, b"firstkey", 1, b"keystep", keys.step])]
    return Map([
        b"flags", flags,
        b"begin_search", Map([b"type", begin[0], b"spec", Map([b"index", begin[1]])]),
        b"find_keys", Map([b"type", find[0], b"spec", find[1]]),
    ])  # fmt: skip
