"""The notation of arguments: what it means, what it refuses, how it is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.notation import notation

from redpoll.catalogue.arguments import Argument, parse_arguments, usage


def one(text: str) -> Argument:
    (found,) = parse_arguments(text)
    return found


def test_a_value_has_a_type_a_display_and_versions() -> None:
    found = one("old-format:integer<ip:port>@2.4.0@!2.8.12")
    assert (found.name, found.type, found.display) == ("old-format", "integer", "ip:port")
    assert (found.since, found.deprecated_since) == ("2.4.0", "2.8.12")
    assert (one("value").type, one("value").key_spec) == ("string", -1)
    assert (one("key#0").type, one("key#0").key_spec) == ("key", 0)
    assert (one("by:pattern#1").type, one("by:pattern#1").key_spec) == ("pattern", 1)


def test_a_token_takes_what_follows() -> None:
    assert (one("EX seconds:integer").name, one("EX seconds:integer").token) == ("seconds", "EX")
    assert [(each.name, each.type) for each in parse_arguments("(ON) value")] == [
        ("on", "pure-token"),
        ("value", "string"),
    ]
    assert [each.type for each in parse_arguments("NX XX")] == ["pure-token", "pure-token"]
    assert (one("(empty-string: '')").name, one("(empty-string: '')").token) == ("empty-string", "")
    assert (one("[change: CH@3.0.2]").name, one("[change: CH@3.0.2]").since) == ("change", "3.0.2")


def test_brackets_make_options_alternatives_and_blocks() -> None:
    found = one("[condition: NX | IFEQ value]@3.0.2")
    assert (found.name, found.type, found.optional, found.since) == ("condition", "oneof", True, "3.0.2")
    assert [part.name for part in found.parts] == ["nx", "value"]
    found = one("[LIMIT offset:integer count:integer]")
    assert (found.name, found.type, found.token, len(found.parts)) == ("limit", "block", "LIMIT", 2)
    assert found.parts[0].token is None
    found = one("GET (get-block: encoding offset:integer)")
    assert (found.name, found.type, found.token) == ("get-block", "block", "GET")
    found = one("(data: score:double member) ...")
    assert (found.name, found.type, found.multiple, found.multiple_token) == ("data", "block", True, False)


def test_only_brackets_repeat_a_token() -> None:
    assert (one("[KEYS key#0 ...]").multiple, one("[KEYS key#0 ...]").multiple_token) == (True, False)
    assert (one("[GET pattern] ...").multiple, one("[GET pattern] ...").multiple_token) == (True, True)


@pytest.mark.parametrize("text", ["[a", "a)", "(a b)", "[a | b", "a ]"])
def test_what_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="arguments"):
        parse_arguments(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key#0 value [condition: NX | XX] [GET@6.2.0]", "key value [NX | XX] [GET]"),
        ("(data: score:double member) ...", "score member [score member ...]"),
        ("key#0 ...", "key [key ...]"),
        ("[command-name] ...", "[command-name ...]"),
        ("[GET get-pattern:pattern#1<pattern>] ...", "[GET pattern [GET pattern ...]]"),
        ("[LIMIT offset:integer count:integer]", "[LIMIT offset count]"),
        ("[AGGREGATE (SUM | MIN)]", "[AGGREGATE (SUM | MIN)]"),
        ("(where: LEFT | RIGHT)", "(LEFT | RIGHT)"),
        ("(key-selector: key#0 | (empty-string: ''))", '(key | "")'),
        ("", ""),
    ],
)
def test_the_line_for_readers(text: str, shown: str) -> None:
    assert usage(parse_arguments(text)) == shown


def test_every_command_of_the_reference_can_be_told() -> None:
    """The notation is wide enough for the trees of commands.json: told and read back, they are what they were."""
    trees = json.loads((Path(__file__).resolve().parents[2] / "golden" / "commands.json").read_text())
    for name, tree in trees.items():
        for each in (tree, *tree.get("subcommands", {}).values()):
            wanted = each.get("arguments", [])
            said = notation(wanted)
            assert [plain(found) for found in parse_arguments(said)] == wanted, (name, said)


def plain(found: Argument) -> dict[str, Any]:
    made: dict[str, Any] = {"name": found.name, "type": found.type}
    flags = [name for name in ("optional", "multiple", "multiple_token") if getattr(found, name)]
    facts = {
        "key_spec_index": found.key_spec if found.key_spec >= 0 else None,
        "token": found.token,
        "since": found.since or None,
        "deprecated_since": found.deprecated_since or None,
        "flags": flags or None,
        "arguments": [plain(part) for part in found.parts] or None,
    }
    return made | {name: fact for name, fact in facts.items() if fact is not None}
