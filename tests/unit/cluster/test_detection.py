"""Failures as a node sees them: reports that grow old, and nodes that come back."""

from __future__ import annotations

from tests.unit.cluster.seats import Seated

from redpoll.cluster import detection
from redpoll.cluster.flags import FAIL, PFAIL

TIMEOUT = 15000


def test_reports_older_than_two_timeouts_do_not_count() -> None:
    node = Seated()
    other = node.neighbour(1)
    now = node.machine.now
    other.reports = {b"b" * 40: now, b"c" * 40: now}
    node.machine.now = now + 2 * TIMEOUT
    assert detection.reports(node.machine, other) == 2
    node.machine.now += 1
    other.reports[b"c" * 40] = node.machine.now
    assert detection.reports(node.machine, other) == 1
    assert list(other.reports) == [b"c" * 40]


def test_a_failed_primary_with_slots_stays_failed_for_two_timeouts() -> None:
    node = Seated()
    other = node.neighbour(1)
    detection.set_failed(node.machine, other)
    node.machine.now += 2 * TIMEOUT
    detection.clear_failure(node.machine, other)
    assert other.has_failed()
    node.machine.now += 1
    detection.clear_failure(node.machine, other)
    assert not other.has_failed()


def test_a_failed_node_without_slots_comes_back_at_once() -> None:
    node = Seated()
    other = node.neighbour()
    detection.set_failed(node.machine, other)
    detection.clear_failure(node.machine, other)
    assert not other.has_failed()


def test_a_majority_makes_a_failure() -> None:
    node = Seated()
    view = node.machine.view
    second = node.neighbour(1)
    node.neighbour(2, name=b"b" * 40)
    node.neighbour(3, name=b"c" * 40)
    detection.suspect(node.machine, second)
    second.reports[b"b" * 40] = node.machine.now
    detection.mark_if_agreed(node.machine, second)
    assert second.flags & (PFAIL | FAIL) == PFAIL, "one of three primaries agrees, and this node has no vote"
    view.assign(1, view.myself)
    detection.mark_if_agreed(node.machine, second)
    assert second.flags & (PFAIL | FAIL) == PFAIL, "two of four"
    second.reports[b"c" * 40] = node.machine.now
    detection.mark_if_agreed(node.machine, second)
    assert second.flags & (PFAIL | FAIL) == FAIL
    assert f"marking node {second.shown()} as failing: 3 voting primaries agree" in node.notes
