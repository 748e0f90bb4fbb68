"""Tables of keys alone: looking parts of other bytes up, walking, handing out whole buckets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from redpoll.structures.hashing import hash_of
from redpoll.structures.members import (
    MemberWalk,
    add_pieces,
    found_score,
    holds_part,
    insert_member,
    insert_scored,
    recorded_score,
    set_score,
)
from redpoll.structures.table import Table
from redpoll.structures.table_check import check
from redpoll.structures.table_copy import copied
from redpoll.structures.table_walk import Records, read_bucket

SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 100, 199, 200, 201, 254, 255, 300]
members = st.one_of(
    st.binary(max_size=3),
    st.builds(lambda size, fill: bytes([fill]) * size, st.sampled_from(SIZES), st.integers(97, 99)),
    st.builds(lambda n: b"member:%d" % n, st.integers(0, 60)),
)


def filled(content: set[bytes], most_buckets: int = 1 << 26) -> Table:
    table = Table(most_buckets=most_buckets)
    for member in content:
        assert not table.find(member)
        insert_member(table, member)
    check(table)
    return table


@given(st.sets(members, max_size=80), st.sets(members, max_size=20), st.sampled_from([1, 1 << 26]))
def test_parts_are_found(content: set[bytes], others: set[bytes], most_buckets: int) -> None:
    table = filled(content, most_buckets)
    for member in content | others:
        blob = b"before" + member + b"behind"
        assert holds_part(table, hash_of(member), blob, 6, len(member)) == (member in content)


def test_what_differs_in_one_byte_alone_is_told_apart() -> None:
    for size in range(1, 40):
        member = bytes(range(size))
        table = filled({member})
        h = hash_of(member)
        assert holds_part(table, h, member, 0, size)
        for at in range(size):
            other = member[:at] + b"\xff" + member[at + 1 :]
            # The same hash is claimed for other bytes.
            assert not holds_part(table, h, other, 0, size)


@given(st.sets(members, max_size=80), st.sampled_from([1, 1 << 26]))
def test_a_walk_meets_each_once_with_its_hash(content: set[bytes], most_buckets: int) -> None:
    table = filled(content, most_buckets)
    walk = MemberWalk(table)
    met = []
    while walk.step():
        member = walk.blob[walk.start : walk.stop]
        assert walk.hash == hash_of(member)
        met.append(member)
        # Looking up another one does not disturb it.
        table.find(b"z" * 250)
    assert sorted(met) == sorted(content)


@given(st.sets(members, max_size=80), st.sampled_from([1, 1 << 26]))
def test_pieces_hold_each_once_and_stay_when_the_table_changes(content: set[bytes], most_buckets: int) -> None:
    table = filled(content, most_buckets)
    packed: list[bytes] = []
    whole: list[bytes] = []
    add_pieces(table, packed, whole)
    twin = copied(table)
    for member in content:
        assert table.find(member)
        table.remove()
    check(table)
    check(twin)
    found = list(whole)
    for piece in packed:
        assert piece
        at = 0
        while at < len(piece):
            found.append(piece[at + 1 : at + 1 + piece[at]])
            at += 1 + piece[at]
    assert sorted(found) == sorted(content)
    assert all(twin.find(member) for member in content)


scores = st.floats(allow_nan=False) | st.integers(-100, 100_000).map(float) | st.just(-0.0)


@given(st.lists(st.tuples(members, scores, st.booleans()), max_size=120), st.sampled_from([1, 1 << 26]))
def test_members_keep_their_scores_while_others_come_change_and_go(
    changes: list[tuple[bytes, float, bool]], most_buckets: int
) -> None:
    table = Table(most_buckets=most_buckets)
    model: dict[bytes, float] = {}
    for member, score, removing in changes:
        there = table.find(member)
        assert there == (member in model)
        if there and removing:
            table.remove()
            del model[member]
            continue
        if there:
            set_score(table, score)
        else:
            insert_scored(table, member, score, 0)
        model[member] = score
    check(table)
    twin = copied(table)
    for member, score in model.items():
        assert table.find(member)
        set_score(table, -1.0)
        assert twin.find(member)
        assert repr(found_score(twin)) == repr(score)
    check(table)
    check(twin)
    walked = Records()
    for b in range(twin.buckets):
        read_bucket(twin, b, walked, True)
    told = {key: repr(recorded_score(walked, n)) for n, key in enumerate(walked.keys)}
    assert told == {member: repr(score) for member, score in model.items()}
