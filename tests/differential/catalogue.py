"""What a server says of its own commands, and what tests/golden/commands.json says of the reference's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.differential.servers import ROOT
from tests.differential.wire import Reply, Wire, encode

GOLDEN = ROOT / "tests" / "golden" / "commands.json"

Tree = dict[str, Any]


@cache
def golden() -> dict[str, Tree]:
    """commands.json by lower-case name, subcommands as `client|list`."""
    found: dict[str, Tree] = {}
    for name, tree in json.loads(GOLDEN.read_text()).items():
        found[name] = tree
        for sub, subtree in tree.get("subcommands", {}).items():
            found[f"{name}|{sub}"] = subtree
    return found


@dataclass(frozen=True)
class Entry:
    """One element of COMMAND's reply.  `facts` are its fields but for the subcommands."""

    name: str
    facts: tuple[Reply, ...]
    subcommands: tuple[Entry, ...]

    @property
    def arity(self) -> int:
        return self.facts[1].integer

    def words(self, at: int) -> list[str]:
        """The words of an array or set among the facts."""
        return [(item.text or b"").decode() for item in self.facts[at].items]


FLAGS, ACL, TIPS, KEY_SPECS, SUBCOMMANDS = 2, 6, 7, 8, 9


def entry_of(reply: Reply) -> Entry:
    name = (reply.items[0].text or b"").decode()
    subcommands = reply.items[SUBCOMMANDS].items if len(reply.items) > SUBCOMMANDS else ()
    return Entry(name, reply.items[:SUBCOMMANDS], tuple(entry_of(item) for item in subcommands))


def entries(wire: Wire) -> list[Entry]:
    """All commands and subcommands that the server has, by name."""
    wire.send(encode(("COMMAND",)))
    found = []
    for item in wire.read().items:
        entry = entry_of(item)
        found.append(entry)
        found.extend(entry.subcommands)
    return sorted(found, key=lambda entry: entry.name)
