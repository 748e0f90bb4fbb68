"""Whether the views of the nodes of a simulated cluster are one and healthy."""

from __future__ import annotations

from redpoll.cluster.flags import FAILING, HANDSHAKE
from redpoll.cluster.machine import Machine
from redpoll.cluster.slot_sets import ALL_SLOTS
from redpoll.cluster.view import View


def disagreements(machines: list[tuple[str, Machine]], moved: int) -> list[str]:
    """What is wrong with the views of named nodes.  Nobody needs to claim the slots of `moved`.

    When the moves of two slots cross a change of epochs, it may happen that nobody claims a slot: the protocol leaves
    it so, as each node remembers it, until the operator mends it.
    """
    found: list[str] = []
    pictures: dict[object, str] = {}
    claimed = 0
    for _, machine in machines:
        claimed |= machine.view.myself.slots
    if ALL_SLOTS & ~claimed & ~moved:
        found.append("slots that nobody claims")
    for name, machine in machines:
        view = machine.view
        if not machine.state_ok:
            found.append(f"{name} is not ok")
        if view.assigned != ALL_SLOTS:
            found.append(f"{name} misses slots")
        for other in view.nodes.values():
            if other.flags & (FAILING | HANDSHAKE):
                found.append(f"{name} sees {other.name.decode()[:6]} with flags {other.flags}")
        pictures[picture(view, claimed)] = name
    if len(pictures) > 1:
        found.append(f"{len(pictures)} different views: {list(pictures.values())}")
    return found


def picture(view: View, claimed: int) -> object:
    """The owners of the `claimed` slots, and the primary of each replica, as one node sees them."""
    return tuple(
        sorted(
            (
                name,
                node.is_primary(),
                node.slots & claimed,
                node.primary.name if node.primary else b"",
                view.shown_epoch(node),
            )
            for name, node in view.nodes.items()
        )
    )
