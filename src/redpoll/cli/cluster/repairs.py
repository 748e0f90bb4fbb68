"""How to mend troubled slots: open, owned by nobody, owned twice, or with keys in a node that does not own them.

One plan serves all of them.  It names one owner, the node from which a half-done move is finished, and what has to
happen in every other node: give up the slot, close it, and hand its keys over.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from redpoll.cli.cluster.findings import Open


@dataclass
class Slot:
    """What is known of a troubled slot.  Nodes are ids; `keys` has the count of keys in each reachable primary."""

    number: int
    claims: list[str]
    marks: Open
    keys: dict[str, int]


@dataclass
class Repair:
    """The plan for one slot.  `why` is a sentence for the user.

    `finish_from` is the node from which a half-done move continues; empty: there is none.
    """

    slot: int
    owner: str
    why: str
    finish_from: str = ""
    claim: bool = False
    drop: list[str] = field(default_factory=list)
    close: list[str] = field(default_factory=list)
    gather: list[str] = field(default_factory=list)


def plan_repair(slot: Slot, epochs: dict[str, int], loads: dict[str, int]) -> Repair:
    """Plan the repair of a slot.

    `epochs` has the config epoch of each reachable primary, `loads` the count of its slots.
    """
    source = half_done(slot)
    if source:
        owner = slot.marks.migrating[source]
        others = [name for name in holders(slot) if name not in (source, owner)]
        why = "a move of it has stopped half-way: the move is finished"
        return Repair(slot.number, owner, why, finish_from=source, gather=others)
    owner, why = choose_owner(slot, epochs, loads)
    marked = sorted({*slot.marks.migrating, *slot.marks.importing})
    return Repair(
        slot.number,
        owner,
        why,
        claim=owner not in slot.claims or len(slot.claims) > 1,
        drop=[name for name in slot.claims if name != owner],
        close=marked,
        gather=[name for name in holders(slot) if name != owner],
    )


def holders(slot: Slot) -> list[str]:
    return [name for name, count in sorted(slot.keys.items()) if count]


def half_done(slot: Slot) -> str:
    """The source of a move that can be finished; empty if there is none.

    The source is the only owner of the slot and exports it to a target.  The target is the only node that imports it,
    and imports it from this source.
    """
    if len(slot.claims) != 1 or list(slot.marks.migrating) != slot.claims or len(slot.marks.importing) != 1:
        return ""
    source = slot.claims[0]
    target = slot.marks.migrating[source]
    return source if target != source and slot.marks.importing.get(target) == source else ""


def choose_owner(slot: Slot, epochs: dict[str, int], loads: dict[str, int]) -> tuple[str, str]:
    """The id of the node that shall own the slot, and a sentence for the user."""
    if len(slot.claims) == 1:
        return slot.claims[0], "it is open without a move that could be finished: it stays where it is"

    def rank(name: str) -> tuple[int, int, str]:
        return (-slot.keys.get(name, 0), -epochs[name], name)

    if slot.claims:
        return min(slot.claims, key=rank), "several nodes own it: it goes to the one with most of its keys"
    if holding := holders(slot):
        return min(holding, key=rank), "no node owns it: it goes to the one with most of its keys"
    if marked := [*slot.marks.migrating, *slot.marks.importing]:
        return marked[0], "no node owns it: it goes to the node that has marked it"
    least = min(epochs, key=lambda name: (loads[name], name))
    return least, "no node owns it, and none has its keys: it goes to the primary with the fewest slots"
