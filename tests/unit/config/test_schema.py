"""The schema against the reference's list of directives, both ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from redpoll.config.directive import EFFECT, NO_EFFECT, NOT_YET, REFUSED, Directive
from redpoll.config.schema import BY_NAME, DIRECTIVES, GROUPS, IGNORED, find
from redpoll.config.values import BadValue, Enum, Int, Octal, Text, Value

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "config.json").read_text())
EXPECTED: dict[str, dict[str, Any]] = GOLDEN["directives"]

OUR_OWN = {
    "functions",
    "hotkey-sampling-ratio",
    "hotkey-top-k",
    "hotkey-window-seconds",
    "lua-memory-limit",
    "metrics-bind",
    "metrics-names",
    "metrics-port",
    "rdb-format",
    "snapshot-cpu-percent",
}
"""Directives that the reference does not have; all of them hidden, so that no pattern finds them."""

OTHER_DEFAULT = {"dir": ""}
"""The working directory is known only at run time."""

WITH_AN_EFFECT_HERE = {"lazyfree-lazy-expire", "lazyfree-lazy-server-del"}
"""They choose the words of the append-only file."""

WITHOUT_EFFECT_SO_FAR = {
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "lazyfree-lazy-user-del",
    "lazyfree-lazy-user-flush",
}
"""Directives that act in the reference, are harmless, and do nothing in redpoll, or nothing yet."""


def test_every_directive_of_the_reference_is_declared_and_no_other() -> None:
    assert {directive.name.decode() for directive in DIRECTIVES} - OUR_OWN == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_directive_is_declared_as_the_reference_has_it(name: str) -> None:
    expected = EXPECTED[name]
    directive = BY_NAME[name.encode()]
    assert described(directive) == {
        "type": expected["type"],
        "aliases": expected.get("aliases", []),
        "default": OTHER_DEFAULT.get(name, expected["default"]),
        "range": expected.get("range"),
        "words": expected.get("words"),
        "immutable": expected["immutable"],
        "protected": expected.get("protected", False),
        "hidden": expected.get("hidden", False),
        "sensitive": expected.get("sensitive", False),
        "refused_while_loading": expected.get("refused_while_loading", False),
        "empty_means_unset": expected.get("empty_means_unset", False),
        "acts": bool(expected.get("effect")),
        "group": expected["group"],
    }
    if name in WITH_AN_EFFECT_HERE:
        assert directive.applies == EFFECT
    elif expected["applies"] == "no effect" or name in WITHOUT_EFFECT_SO_FAR:
        assert directive.applies == NO_EFFECT
    else:
        assert directive.applies in (EFFECT, NOT_YET, REFUSED)


def described(directive: Directive) -> dict[str, Any]:
    kind = directive.kind
    limits: list[Any] | None = None
    if isinstance(kind, Octal):
        limits = [f"{kind.low:o}", f"{kind.high:o}"]
    elif isinstance(kind, Int):
        limits = [kind.low, kind.high]
    return {
        "type": kind.label,
        "aliases": [alias.decode() for alias in directive.aliases],
        "default": directive.default.text.decode(),
        "range": limits,
        "words": [word.decode() for word in kind.words] if isinstance(kind, Enum) else None,
        "immutable": directive.immutable,
        "protected": directive.protected,
        "hidden": directive.hidden,
        "sensitive": directive.sensitive,
        "refused_while_loading": directive.refused_while_loading,
        "empty_means_unset": isinstance(kind, Text) and kind.unset,
        "acts": bool(directive.effect),
        "group": directive.group,
    }


def test_ignored_words_are_those_of_the_reference() -> None:
    assert sorted(GOLDEN["accepted_and_ignored_in_files_with_one_value"]) == sorted(word.decode() for word in IGNORED)


def test_every_directive_has_a_line_of_help_and_a_group_with_a_title() -> None:
    titled = {group for group, _ in GROUPS}
    for directive in DIRECTIVES:
        assert directive.help.endswith("."), directive.name
        assert len(directive.help) < 120, directive.name
        assert directive.group in titled, directive.name


def test_our_own_directives_are_hidden() -> None:
    for name in OUR_OWN:
        assert BY_NAME[name.encode()].hidden


def test_a_directive_is_found_by_any_spelling() -> None:
    assert find(b"SlowLog-Max-Len") is BY_NAME[b"commandlog-slow-execution-max-len"]
    assert find(b"no-such") is None


def test_every_default_is_accepted_and_shown_as_itself() -> None:
    for directive in DIRECTIVES:
        if directive.name in (b"dir", b"replicaof"):
            continue  # neither can be set to nothing
        words = directive.kind.words_of_string(directive.default.text)
        assert directive.parse(words, directive.default).text == directive.default.text, directive.name


def test_what_is_not_supported_names_the_directive_and_what_is_accepted() -> None:
    directive = BY_NAME[b"tls-port"]
    with pytest.raises(BadValue) as caught:
        directive.parse([b"1"], Value(b""))
    assert caught.value.reason == b"tls-port is not supported by this version of redpoll: only '0' is accepted"
