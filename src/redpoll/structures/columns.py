"""Columns of a bucket that split, join, grow and shrink: what Table does to them when records move.

Every column except the words is optional: deadlines exist if a record has one, objects if the value of a record is
outside.
"""

from __future__ import annotations

from librt.vecs import append, pop, vec
from mypy_extensions import i64

from redpoll.structures.segment import NEVER, OUTSIDE, Outside, Segment


def appended(column: vec[i64], value: i64) -> vec[i64]:
    """The column with one more value, growing four at a time: doubling would cost 4 bytes a key."""
    count: i64 = len(column)
    if count & 3 != 0:
        return append(column, value)
    grown = vec[i64](capacity=count + 4)
    i: i64 = 0
    while i < count:
        grown = append(grown, column[i])
        i += 1
    return append(grown, value)


def removed(column: vec[i64], i: i64) -> vec[i64]:
    """The column without the value at index `i`."""
    shorter, _ = pop(column, i)
    return shorter


def part_deadlines(source: Segment, j: i64, target: Segment, t: i64, words: vec[i64], bit: i64) -> None:
    column = source.deadlines[j]
    target.keep_deadlines()
    kept = vec[i64]()
    moved = vec[i64]()
    for i in range(len(column)):
        if words[i] & bit != 0:
            moved = appended(moved, column[i])
        else:
            kept = appended(kept, column[i])
    source.deadlines[j] = kept
    target.deadlines[t] = moved
    source.note_earliest(j)
    target.note_earliest(t)


def part_objects(source: Segment, j: i64, target: Segment, t: i64, words: vec[i64], bit: i64) -> None:
    objects = source.objects[j]
    kept: list[Outside] = []
    rank: i64 = 0
    for i in range(len(words)):
        if words[i] & OUTSIDE != 0:
            if words[i] & bit != 0:
                target.objects_of(t).append(objects[rank])
            else:
                kept.append(objects[rank])
            rank += 1
    source.objects[j] = kept


def part_items_earliest(source: Segment, j: i64, target: Segment, t: i64) -> None:
    """Either bucket may hold the value with the earliest deadline, so both record it until they are scanned."""
    if len(source.items_earliest) > 0 and source.items_earliest[j] != NEVER:
        target.note_items_earliest(t, source.items_earliest[j])


def join(target: Segment, t: i64, source: Segment, j: i64) -> None:
    """Add the records of bucket `j` to bucket `t`."""
    here: i64 = len(target.words[t])
    there: i64 = len(source.words[j])
    if there == 0:
        return
    words = vec[i64](capacity=(here + there + 3) & ~3)
    for i in range(here):
        words = append(words, target.words[t][i])
    for i in range(there):
        words = append(words, source.words[j][i])
    target.words[t] = words
    target.blobs[t] = b"%b%b" % (target.blobs[t], source.blobs[j])
    ours = len(target.deadlines) > 0 and len(target.deadlines[t]) > 0
    theirs = len(source.deadlines) > 0 and len(source.deadlines[j]) > 0
    if ours or theirs:
        target.keep_deadlines()
        column = vec[i64](capacity=(here + there + 3) & ~3)
        for i in range(here):
            column = append(column, target.deadlines[t][i] if ours else i64(0))
        for i in range(there):
            column = append(column, source.deadlines[j][i] if theirs else i64(0))
        target.deadlines[t] = column
        target.note_earliest(t)
    if len(source.items_earliest) > 0 and source.items_earliest[j] != NEVER:
        target.note_items_earliest(t, source.items_earliest[j])
    if len(source.objects) > j and len(source.objects[j]) > 0:
        target.objects_of(t).extend(source.objects[j])
