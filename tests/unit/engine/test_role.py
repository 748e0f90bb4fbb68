"""What an engine knows about replication without any."""

from __future__ import annotations

from redpoll.engine.role import Follower, Role, StreamPlace


def test_a_plain_role_is_that_of_a_primary_alone() -> None:
    role = Role(b"h" * 40)
    role.saved(True)
    role.file_synced()
    assert not role.is_replica
    assert role.place() is None
    assert role.replicas_count() == 0
    assert role.primary_address() == b""
    assert not role.failing_over()
    assert (role.history, role.offset) == (b"h" * 40, 0)


def test_a_plain_follower_takes_nothing() -> None:
    follower = Follower()
    follower.left()
    assert follower.next_piece() == b""
    assert follower.pending() == 0
    assert not follower.is_attached()
    assert not follower.ends()


def test_a_place() -> None:
    place = StreamPlace(b"a", 5, 3)
    assert (place.history, place.offset, place.db) == (b"a", 5, 3)
