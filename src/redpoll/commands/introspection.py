"""COMMAND: describes the commands to clients and proxies."""

from __future__ import annotations

from redpoll.catalogue.keyspec import (
    ACCESS_NAMES,
    CountedKeys,
    KeyRange,
    KeysAfter,
    KeySpec,
    KeyUse,
    has_keys,
    keys_of,
    legacy_range,
)
from redpoll.catalogue.spec import CATEGORY_NAMES, CONNECTION, FLAG_NAMES, LOADING, NO_MANDATORY_KEYS, STALE
from redpoll.commands.command_docs import docs_of
from redpoll.commands.containers import help_command
from redpoll.engine.command import Command, command
from redpoll.engine.engine import Engine
from redpoll.engine.session import Session
from redpoll.errors import (
    GETKEYS_ARITY,
    GETKEYS_NONE,
    GETKEYS_SENSELESS,
    GETKEYS_UNKNOWN,
    SYNTAX,
    CommandError,
)
from redpoll.keyspace.glob import Glob
from redpoll.protocol.reply import Map, SetOf, Status

ANYWHERE = "nondeterministic_output_order"


@command(
    "command", arity=-1, flags=LOADING | STALE, acl=CONNECTION, group="server", tips=ANYWHERE,
    since="2.8.13", complexity="O(commands)", summary="Describe all commands: arity, flags, keys.",
)  # fmt: skip
def command_(session: Session, args: list[bytes]) -> object:
    return [described(found) for found in commands_of(session.engine)]


def commands_of(engine: Engine) -> list[Command]:
    """All commands of this engine without subcommands, each once."""
    found: dict[int, Command] = {}
    for each in engine.commands.values():
        found[each.index] = each
    return list(found.values())


def command_of(engine: Engine, name: bytes) -> Command | None:
    """The command, or the subcommand of a container, named in any case as `get` or `client|list`."""
    head, bar, word = name.lower().partition(b"|")
    found = engine.commands.get(head)
    if found is None or not bar:
        return found
    return found.subcommands.get(word) if found.subcommands is not None else None


@command(
    "command|count", arity=2, flags=LOADING | STALE, acl=CONNECTION, group="server",
    since="2.8.13", complexity="O(1)", summary="Return the number of commands.",
)  # fmt: skip
def command_count(session: Session, args: list[bytes]) -> object:
    return len(commands_of(session.engine))


@command(
    "command|list", arity=-2, flags=LOADING | STALE, acl=CONNECTION, group="server", tips=ANYWHERE,
    arguments="[FILTERBY (MODULE module-name | ACLCAT category | PATTERN pattern:pattern)]",
    since="7.0.0", complexity="O(commands)", summary="Return the names of all commands, or of some.",
)  # fmt: skip
def command_list(session: Session, args: list[bytes]) -> object:
    wanted = NameFilter(args)
    names: list[object] = []
    for found in commands_of(session.engine):
        if wanted.fits(found):
            names.append(found.name)
        if found.subcommands is not None:
            names.extend([each.name for each in found.subcommands.values() if wanted.fits(each)])
    return names


class NameFilter:
    """FILTERBY of COMMAND LIST."""

    def __init__(self, args: list[bytes]) -> None:
        self.categories = -1
        self.pattern: Glob | None = None
        if len(args) == 2:
            return
        if len(args) != 5 or args[2].upper() != b"FILTERBY":
            raise CommandError(SYNTAX)
        kind = args[3].upper()
        if kind == b"ACLCAT":
            self.categories = category_named(b"@" + args[4].lower())
        elif kind == b"PATTERN":
            self.pattern = Glob(args[4].lower())
        elif kind == b"MODULE":
            # There are no modules, so no module has commands.
            self.categories = 0
        else:
            raise CommandError(SYNTAX)

    def fits(self, found: Command) -> bool:
        if self.pattern is not None:
            return self.pattern.matches(found.name)
        return found.spec.categories & self.categories != 0


def category_named(name: bytes) -> int:
    """The bit of an ACL category, 0 if there is none of that name."""
    for bit, known in CATEGORY_NAMES:
        if known == name:
            return bit
    return 0


@command(
    "command|info", arity=-2, flags=LOADING | STALE, acl=CONNECTION, group="server", tips=ANYWHERE,
    arguments="[command-name] ...",
    since="2.8.13", complexity="O(names)", summary="Describe some or all commands: arity, flags, keys.",
)  # fmt: skip
def command_info(session: Session, args: list[bytes]) -> object:
    if len(args) == 2:
        return [described(found) for found in commands_of(session.engine)]
    replies: list[object] = []
    for name in args[2:]:
        found = command_of(session.engine, name)
        replies.append(described(found) if found is not None else None)
    return replies


@command(
    "command|docs", arity=-2, flags=LOADING | STALE, acl=CONNECTION, group="server", tips=ANYWHERE,
    arguments="[command-name] ...",
    since="7.0.0", complexity="O(names)", summary="Return the documentation of some or all commands.",
)  # fmt: skip
def command_docs(session: Session, args: list[bytes]) -> object:
    wanted: list[Command] = []
    if len(args) == 2:
        wanted = commands_of(session.engine)
    for name in args[2:]:
        found = command_of(session.engine, name)
        if found is not None:
            wanted.append(found)
    items: list[object] = []
    for each in wanted:
        items.append(each.name)
        items.append(docs_of(each))
    return Map(items)


@command(
    "command|getkeys", arity=-3, flags=LOADING | STALE, acl=CONNECTION, group="server",
    arguments="command [arg] ...",
    since="2.8.13", complexity="O(arguments)", summary="Return the keys in a whole command.",
)  # fmt: skip
def command_getkeys(session: Session, args: list[bytes]) -> object:
    called = args[2:]
    return [called[key.at] for key in keys_in(session.engine, called)]


@command(
    "command|getkeysandflags", arity=-3, flags=LOADING | STALE, acl=CONNECTION, group="server",
    arguments="command [arg] ...",
    since="7.0.0", complexity="O(arguments)",
    summary="Return the keys in a whole command, and what it does to each.",
)  # fmt: skip
def command_getkeysandflags(session: Session, args: list[bytes]) -> object:
    called = args[2:]
    return [[called[key.at], access_flags(key.access)] for key in keys_in(session.engine, called)]


def keys_in(engine: Engine, called: list[bytes]) -> list[KeyUse]:
    """The keys of a whole command.  Raises CommandError if it is not valid."""
    found = engine.commands.get(called[0].lower())
    if found is not None and found.subcommands is not None and len(called) > 1:
        found = found.subcommands.get(called[1].lower())
    if found is None:
        raise CommandError(GETKEYS_UNKNOWN)
    if not has_keys(found.spec.keys):
        raise CommandError(GETKEYS_NONE)
    arity = found.arity
    if len(called) != arity and (arity >= 0 or len(called) < -arity):
        raise CommandError(GETKEYS_ARITY)
    keys = keys_of(found.spec.keys, called)
    if keys is None or len(keys) == 0:
        if found.flag(NO_MANDATORY_KEYS):
            return []
        raise CommandError(GETKEYS_SENSELESS)
    return keys


help_command(command_, since="5.0.0", acl=CONNECTION)


def described(found: Command) -> list[object]:
    """A command in the form of COMMAND INFO."""
    spec = found.spec
    first, last, step = legacy_range(spec.keys)
    subcommands: list[object] = []
    if found.subcommands is not None:
        subcommands = [described(sub) for sub in found.subcommands.values()]
    return [
        spec.name, spec.arity, SetOf([Status(name) for bit, name in FLAG_NAMES if spec.flags & bit]),
        first, last, step, SetOf([Status(name) for bit, name in CATEGORY_NAMES if spec.categories & bit]),
        SetOf([tip.encode() for tip in spec.tips.split()]),
        SetOf([described_keys(keys) for keys in spec.keys]), subcommands,
    ]  # fmt: skip


def access_flags(access: int) -> SetOf:
    return SetOf([Status(name) for bit, name in ACCESS_NAMES if access & bit])


def described_keys(keys: KeySpec) -> Map:
    """A key spec in the form of COMMAND INFO."""
    begin = Map([b"type", b"unknown", b"spec", Map([])])
    find = Map([b"type", b"unknown", b"spec", Map([])])
    if isinstance(keys, KeyRange):
        begin = Map([b"type", b"index", b"spec", Map([b"index", keys.first])])
        find = found_range(keys.last - keys.first if keys.last >= 0 else keys.last, keys.step, 0)
    elif isinstance(keys, CountedKeys):
        begin = Map([b"type", b"index", b"spec", Map([b"index", keys.at])])
        counted = Map([b"keynumidx", 0, b"firstkey", 1, b"keystep", keys.step])
        find = Map([b"type", b"keynum", b"spec", counted])
    elif isinstance(keys, KeysAfter):
        begin = Map([b"type", b"keyword", b"spec", Map([b"keyword", keys.word, b"startfrom", keys.start])])
        find = found_range(keys.last, 1, keys.limit)
    return Map([b"flags", access_flags(keys.access), b"begin_search", begin, b"find_keys", find])


def found_range(last: int, step: int, limit: int) -> Map:
    return Map([b"type", b"range", b"spec", Map([b"lastkey", last, b"keystep", step, b"limit", limit])])
