"""What is wrong with a cluster, from the views of its nodes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from redpoll.cli.cluster.view import Line, View
from redpoll.cluster.slot_sets import ALL_SLOTS, members


@dataclass
class Open:
    """The marks of one open slot.

    `migrating` maps the nodes that export the slot to their targets, `importing` the nodes that import it to their
    sources.
    """

    migrating: dict[str, str] = field(default_factory=dict)
    importing: dict[str, str] = field(default_factory=dict)


@dataclass
class Findings:
    """The faults of a cluster.

    A `str` is the id of a node, and an `int` is a slot, but `uncovered` and `lost` are sets of slots in the form of
    cluster/slot_sets.py.  `uncovered` has the slots that no reachable primary owns.  `lost` is the part of `uncovered`
    that belongs to unreachable primaries.
    """

    disagreeing: list[str] = field(default_factory=list)
    unreachable: list[Line] = field(default_factory=list)
    failing: list[Line] = field(default_factory=list)
    open: dict[int, Open] = field(default_factory=dict)
    uncovered: int = 0
    lost: int = 0
    repeated: dict[int, list[str]] = field(default_factory=dict)
    astray: dict[int, list[str]] = field(default_factory=dict)

    @property
    def agree(self) -> bool:
        return not self.disagreeing

    @property
    def troubled(self) -> set[int]:
        """The slots that `fix` has to look at."""
        return {*self.open, *members(self.uncovered), *self.repeated, *self.astray}

    @property
    def is_whole(self) -> bool:
        """Whether there is no fault."""
        return not (self.disagreeing or self.unreachable or self.failing or self.troubled)


def examine(views: list[View], unreachable: list[Line]) -> Findings:
    """Compare what the reachable nodes say.  O(nodes^2 + nodes x 16384 / 64)."""
    found = Findings(unreachable=unreachable)
    signatures = Counter(view.signature() for view in views)
    usual = signatures.most_common(1)[0][0]
    found.disagreeing = [view.me.id for view in views if view.signature() != usual]
    covered = twice = 0
    primaries = [view.me for view in views if view.me.is_primary]
    for line in primaries:
        twice |= covered & line.slots
        covered |= line.slots
        for slot, other in line.migrating.items():
            found.open.setdefault(slot, Open()).migrating[line.id] = other
        for slot, other in line.importing.items():
            found.open.setdefault(slot, Open()).importing[line.id] = other
    for line in primaries:
        for slot in members(line.slots & twice):
            found.repeated.setdefault(slot, []).append(line.id)
    found.uncovered = ALL_SLOTS & ~covered
    for line in unreachable:
        if line.is_primary:
            found.lost |= line.slots & found.uncovered
    reached = {view.me.id for view in views}
    failing = {line.id: line for view in views for line in view.lines.values() if "fail" in line.flags}
    found.failing = [line for name, line in sorted(failing.items()) if name in reached]
    return found
