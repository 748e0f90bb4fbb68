"""Every declared command beside tests/golden/commands.json, without a server: a wrong line is shown with the right one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.notation import notation

import redpoll.commands
from redpoll.catalogue.arguments import Argument, parse_arguments
from redpoll.engine.command import CATALOGUE, Command

GOLDEN: dict[str, Any] = json.loads((Path(__file__).resolve().parents[2] / "golden" / "commands.json").read_text())
REFERENCE = {
    **GOLDEN,
    **{f"{name}|{sub}": below for name, tree in GOLDEN.items() for sub, below in tree.get("subcommands", {}).items()},
}
assert redpoll.commands.FAMILIES
DECLARED = [found for name, found in sorted(CATALOGUE.items()) if name.decode() in REFERENCE]


def shape(found: Argument) -> tuple[object, ...]:
    """What the reference says of an argument, its display text aside."""
    return (
        found.name,
        found.type,
        found.token,
        found.key_spec,
        found.since,
        found.deprecated_since,
        found.optional,
        found.multiple,
        found.multiple_token,
        tuple(shape(part) for part in found.parts),
    )


@pytest.mark.parametrize("found", DECLARED, ids=lambda found: found.name.decode())
def test_a_declaration_is_the_references(found: Command) -> None:
    spec = found.spec
    wanted = REFERENCE[spec.name.decode()]
    assert (spec.arity, spec.group, spec.since) == (wanted["arity"], wanted["group"], wanted["since"])
    right = notation(wanted.get("arguments", []))
    declared = [shape(each) for each in parse_arguments(spec.arguments)]
    if declared != [shape(each) for each in parse_arguments(right)]:
        pytest.fail(f"the arguments of {spec.name.decode()} should be\n    arguments={right!r},", pytrace=False)
