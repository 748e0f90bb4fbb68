"""Sorts columns: scores of sorted sets with their members, and words."""

from __future__ import annotations

from typing import Final

from librt.vecs import append, extend, vec
from mypy_extensions import i64

from redpoll.structures.ranked import is_before


def is_sorted(scores: vec[float], members: list[bytes]) -> bool:
    """Whether the entries are in order of (score, member) already.  O(n)."""
    k: i64 = 1
    count: i64 = len(scores)
    while k < count:
        if scores[k - 1] >= scores[k]:
            if scores[k - 1] > scores[k] or is_before(members[k], members[k - 1]):
                return False
        k += 1
    return True


def ranks_of(scores: vec[float], members: list[bytes]) -> vec[i64]:
    """For each rank in order of (score, member), the index of the entry that has it.  O(n log n).

    A merge sort from the bottom up: it goes over memory from the beginning to the end, and scores move along with their
    indexes, so that members are compared only if scores are equal.
    """
    count: i64 = len(scores)
    held = vec[float](capacity=count)
    spare = vec[float](capacity=count)
    order = vec[i64](capacity=count)
    next_order = vec[i64](capacity=count)
    k: i64 = 0
    while k < count:
        held = append(held, scores[k])
        spare = append(spare, 0.0)
        order = append(order, k)
        next_order = append(next_order, 0)
        k += 1
    width: i64 = 1
    while width < count:
        start: i64 = 0
        while start < count:
            middle = start + width if start + width < count else count
            stop = middle + width if middle + width < count else count
            _merge(held, order, start, middle, stop, spare, next_order, members)
            start = stop
        held, spare = spare, held
        order, next_order = next_order, order
        width <<= 1
    return order


def _merge(
    held: vec[float],
    order: vec[i64],
    start: i64,
    middle: i64,
    stop: i64,
    into: vec[float],
    into_order: vec[i64],
    members: list[bytes],
) -> None:
    """Write the two runs from `start` to `middle` and on to `stop`, each in order, as one run."""
    left = start
    right = middle
    to = start
    while to < stop:
        from_left = right == stop
        if not from_left and left < middle:
            a = held[left]
            b = held[right]
            from_left = a < b or (a == b and is_before(members[order[left]], members[order[right]]))
        if from_left:
            into[to] = held[left]
            into_order[to] = order[left]
            left += 1
        else:
            into[to] = held[right]
            into_order[to] = order[right]
            right += 1
        to += 1


RUN: Final[i64] = 8


def sorted_words(words: vec[i64]) -> vec[i64]:
    """Words in ascending order; those given are overwritten.  O(n log n): short runs first, then merged."""
    count: i64 = len(words)
    start: i64 = 0
    while start < count:
        stop = start + RUN if start + RUN < count else count
        k = start + 1
        while k < stop:
            word = words[k]
            at = k
            while at > start and words[at - 1] > word:
                words[at] = words[at - 1]
                at -= 1
            words[at] = word
            k += 1
        start = stop
    spare = extend(vec[i64](capacity=count), words)
    width = RUN
    while width < count:
        start = 0
        while start < count:
            middle = start + width if start + width < count else count
            stop = middle + width if middle + width < count else count
            _merge_words(words, start, middle, stop, spare)
            start = stop
        words, spare = spare, words
        width <<= 1
    return words


def _merge_words(words: vec[i64], start: i64, middle: i64, stop: i64, into: vec[i64]) -> None:
    """Write the two runs from `start` to `middle` and on to `stop`, each in order, as one run."""
    left = start
    right = middle
    to = start
    while left < middle and right < stop:
        a = words[left]
        b = words[right]
        if a <= b:
            into[to] = a
            left += 1
        else:
            into[to] = b
            right += 1
        to += 1
    while left < middle:
        into[to] = words[left]
        left += 1
        to += 1
    while right < stop:
        into[to] = words[right]
        right += 1
        to += 1
