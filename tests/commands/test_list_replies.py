"""Elements as replies that are not built: the same bytes as those of a list, whatever happens to the elements."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from redpoll.commands.list_replies import Backward, elements
from redpoll.protocol.encode import encode
from redpoll.protocol.output import Output
from redpoll.protocol.reply import View
from redpoll.types.kinds import EncodingLimits
from redpoll.types.list import List

SHAPES: dict[str, list[bytes]] = {
    "none": [],
    "one": [b"a"],
    "packed": [b"", b"a", b"x" * 127, b"y" * 128, b"z" * 300, b""],
    "one width": [b"%08d" % n for n in range(5000)],
    "many widths": [b"x" * (n * 31 % 200) for n in range(3000)],
    "large ones": [b"small", b"L" * 20_000, b"M" * 3000, b"", b"N" * 100_000],
}


def list_of(items: list[bytes], front: bool) -> List:
    value = List()
    for item in reversed(items) if front else items:
        value.push([item], 0, front, EncodingLimits())
    return value


def wire(reply: object, resp: int) -> bytes:
    out = Output()
    encode(out, reply, resp)
    return b"".join(out.take())


def backward(value: List, start: int, stop: int) -> View:
    return Backward(stop - start, value.stretches(start, stop))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("front", [False, True])
@pytest.mark.parametrize("make", [elements, backward])
def test_any_part_is_encoded_as_a_list_of_it(shape: str, front: bool, make: Callable[[List, int, int], View]) -> None:
    items = SHAPES[shape]
    value = list_of(items, front)
    size = len(items)
    for start, stop in ((0, size), (0, min(3, size)), (size // 3, size - size // 4), (max(0, size - 2), size)):
        expected: list[object] = list(items[start:stop])
        if make is backward:
            expected.reverse()
        view = make(value, start, stop)
        for resp in (2, 3):
            # It can be walked more than once: a reply kept is encoded for each who wants it.
            assert wire(view, resp) == wire(expected, resp)
        assert view.to_list() == expected


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "none"])
def test_it_stays_as_it_was_when_the_list_changes(shape: str) -> None:
    items = SHAPES[shape]
    value = list_of(items, False)
    views = [elements(value, 0, len(items)), backward(value, 0, len(items))]
    for n in range(0, len(items), 7):
        value.set(n, b"changed")
    value.push([b"more"], 0, True, EncodingLimits())
    value.keep(1, value.count() // 2)
    assert views[0].to_list() == items
    assert views[1].to_list() == items[::-1]
