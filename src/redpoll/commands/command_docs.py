"""COMMAND DOCS: a command's declaration as clients and completing shells read it."""

from __future__ import annotations

from redpoll.catalogue.arguments import BLOCK, ONE_OF, Argument, parse_arguments
from redpoll.engine.command import Command
from redpoll.protocol.reply import Map, SetOf, Status


def docs_of(found: Command) -> Map:
    """Summary, since, group and complexity; if the command has them, marks, history, arguments and subcommands.

    O(arguments).
    """
    spec = found.spec
    items: list[object] = [
        b"summary", spec.summary.encode(), b"since", spec.since.encode(), b"group", spec.group.encode(),
        b"complexity", spec.complexity.encode(),
    ]  # fmt: skip
    if spec.replaced:
        version, _, successor = spec.replaced.partition(" ")
        items += [
            b"doc_flags", SetOf([Status(b"deprecated")]),
            b"deprecated_since", version.encode(), b"replaced_by", b"`%b`" % successor.encode(),
        ]  # fmt: skip
    elif spec.system:
        items += [b"doc_flags", SetOf([Status(b"syscmd")])]
    arguments = parse_arguments(spec.arguments)
    past = history(arguments)
    if past:
        items += [b"history", SetOf(past)]
    if arguments:
        items += [b"arguments", [described(each) for each in arguments]]
    if found.subcommands is not None:
        below: list[object] = []
        for each in found.subcommands.values():
            below += [each.name, docs_of(each)]
        items += [b"subcommands", Map(below)]
    return Map(items)


def described(argument: Argument) -> Map:
    """One node of the tree."""
    items: list[object] = [b"name", argument.name.encode(), b"type", argument.type.encode()]
    if argument.type != ONE_OF and argument.type != BLOCK:
        items += [b"display_text", (argument.display or argument.name).encode()]
    if argument.key_spec >= 0:
        items += [b"key_spec_index", argument.key_spec]
    if argument.token is not None:
        items += [b"token", argument.token.encode()]
    if argument.since:
        items += [b"since", argument.since.encode()]
    if argument.deprecated_since:
        items += [b"deprecated_since", argument.deprecated_since.encode()]
    flags: list[object] = []
    for is_so, name in (
        (argument.optional, b"optional"),
        (argument.multiple, b"multiple"),
        (argument.multiple_token, b"multiple_token"),
    ):
        if is_so:
            flags.append(Status(name))
    if flags:
        items += [b"flags", SetOf(flags)]
    if argument.parts:
        items += [b"arguments", [described(part) for part in argument.parts]]
    return Map(items)


def history(arguments: list[Argument]) -> list[object]:
    """Versions in order, each with the arguments that it added: `[7.0.0, "New: GET, ANY."]`."""
    came: dict[str, list[str]] = {}
    for argument in arguments:
        collect(argument, came)
    return [
        [version.encode(), f"New: {', '.join(came[version])}.".encode()] for version in sorted(came, key=version_order)
    ]


def collect(argument: Argument, came: dict[str, list[str]]) -> None:
    if argument.since:
        came.setdefault(argument.since, []).extend(words_of(argument))
    for part in argument.parts:
        collect(part, came)


def words_of(argument: Argument) -> list[str]:
    """The name to show for an argument: its token, the tokens of its parts, or its name."""
    if argument.token is not None:
        return [argument.token]
    if not argument.parts:
        return [argument.name]
    return [word for part in argument.parts if not part.since for word in words_of(part)]


def version_order(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
