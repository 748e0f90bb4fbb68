"""The detection of failures.

PFAIL is what one node sees; FAIL is what the majority of voting primaries has seen within two timeouts.
Source: spec/cluster.md, section 8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redpoll.cluster import outgoing
from redpoll.cluster.flags import FAIL, PFAIL
from redpoll.cluster.node import Node

if TYPE_CHECKING:
    from redpoll.cluster.machine import Machine


def reports(machine: Machine, node: Node) -> int:
    """How many reports about a node are not too old; older ones are dropped."""
    oldest = machine.now - 2 * machine.settings.timeout
    for name in [name for name, at in node.reports.items() if at < oldest]:
        del node.reports[name]
    return len(node.reports)


def mark_if_agreed(machine: Machine, node: Node) -> None:
    """PFAIL becomes FAIL if the majority agrees."""
    if node.flags & PFAIL == 0 or node.flags & FAIL:
        return
    agree = reports(machine, node)
    if machine.view.myself.votes():
        agree += 1
    if agree < machine.view.quorum():
        return
    machine.outside.log(f"marking node {node.shown()} as failing: {agree} voting primaries agree")
    set_failed(machine, node)
    outgoing.broadcast_fail(machine, node)


def set_failed(machine: Machine, node: Node) -> None:
    node.flags = node.flags & ~PFAIL | FAIL
    node.fail_time = machine.now
    machine.changed()


def suspect(machine: Machine, node: Node) -> None:
    """Mark a node that this one cannot reach as PFAIL."""
    node.flags |= PFAIL
    machine.changed()
    if machine.view.myself.votes():
        mark_if_agreed(machine, node)


def clear_failure(machine: Machine, node: Node) -> None:
    """A FAIL node has answered.  One with slots stays FAIL long enough for a replica to take over."""
    if not node.votes() or machine.now - node.fail_time > 2 * machine.settings.timeout:
        node.flags &= ~FAIL
        machine.changed()
