"""The reference's nodes of a list, with the elements in them: slow, and told as one would say it."""

from __future__ import annotations

import re
from functools import cache

UNLIMITED = 1 << 60
INTEGER = re.compile(rb"0|-?[1-9][0-9]{0,18}")


@cache
def entry_size(item: bytes) -> int:
    """Bytes of an element in a listpack."""
    if INTEGER.fullmatch(item) and -(2**63) <= int(item) < 2**63:
        number = int(item)
        widths = ((0, 127, 1), (-4096, 4095, 2), (-(2**15), 2**15 - 1, 3), (-(2**23), 2**23 - 1, 4))
        size = next((width for low, high, width in widths if low <= number <= high), 0)
        size = size or (5 if -(2**31) <= number < 2**31 else 9)
    else:
        size = len(item) + (1 if len(item) < 64 else 2 if len(item) < 4096 else 5)
    behind = next(n for n, most in enumerate((127, 16383, 2097151, 268435455, UNLIMITED), 1) if size <= most)
    return size + behind


class Node:
    def __init__(self, elements: list[bytes], plain: bool = False) -> None:
        self.elements = elements
        self.plain = plain

    def size(self) -> int:
        return len(self.elements[0]) if self.plain else 7 + sum(map(entry_size, self.elements))


class Quicklist:
    """A list with the setting `list-max-listpack-size`; `packed` tells whether it is a listpack."""

    def __init__(self, limit: int) -> None:
        self.setting = limit
        self.packed = True
        self.nodes: list[Node] = []

    def most_bytes(self) -> int:
        return (4096, 8192, 16384, 32768, 65536)[min(-self.setting, 5) - 1] if self.setting < 0 else 8192

    def most_count(self) -> int:
        return UNLIMITED if self.setting < 0 else max(1, self.setting)

    def elements(self) -> list[bytes]:
        return [item for node in self.nodes for item in node.elements]

    def layout(self) -> list[tuple[int, int]]:
        """Count and size of each node; plain ones have negative sizes."""
        return [(len(node.elements), -node.size() if node.plain else node.size()) for node in self.nodes]

    def is_large(self, item: bytes) -> bool:
        return not self.packed and len(item) > self.most_bytes()

    def has_room(self, at: int, item: bytes) -> bool:
        if not 0 <= at < len(self.nodes) or self.nodes[at].plain or self.is_large(item):
            return False
        node = self.nodes[at]
        if self.packed:
            return True
        return node.size() + len(item) + 8 <= self.most_bytes() and len(node.elements) < self.most_count()

    def grow(self, items: list[bytes]) -> None:
        """Before `items` come."""
        if self.packed:
            size = sum(node.size() for node in self.nodes) or 7
            many = len(self.elements()) + len(items) > self.most_count()
            if many or size + sum(map(len, items)) > self.most_bytes():
                self.packed = False

    def shrink(self) -> None:
        """After some have gone."""
        if not self.packed and len(self.nodes) == 1 and not self.nodes[0].plain:
            node = self.nodes[0]
            if self.setting < 0:
                self.packed = node.size() <= self.most_bytes() // 2
            else:
                self.packed = len(node.elements) <= self.most_count() // 2

    def push(self, items: list[bytes], front: bool) -> None:
        self.grow(items)
        for item in items:
            at = 0 if front else len(self.nodes) - 1
            if self.has_room(at, item):
                node = self.nodes[at]
                node.elements.insert(0 if front else len(node.elements), item)
            else:
                self.nodes.insert(0 if front else len(self.nodes), Node([item], self.is_large(item)))

    def locate(self, index: int) -> tuple[int, int]:
        for at, node in enumerate(self.nodes):
            if index < len(node.elements):
                return at, index
            index -= len(node.elements)
        raise IndexError(index)

    def insert(self, index: int, after: bool, item: bytes) -> None:
        at, inside = self.locate(index)
        node = self.nodes[at]
        first = not after and inside == 0
        last = after and inside == len(node.elements) - 1
        if self.has_room(at, item):
            node.elements.insert(inside + after, item)
        elif last and self.has_room(at + 1, item):
            self.nodes[at + 1].elements.insert(0, item)
        elif first and self.has_room(at - 1, item):
            self.nodes[at - 1].elements.append(item)
        elif first or last or node.plain:
            self.nodes.insert(at + after, Node([item], self.is_large(item)))
        else:
            parts = [Node(node.elements[: inside + after]), Node(node.elements[inside + after :])]
            if self.is_large(item):
                parts.insert(1, Node([item], True))
            elif after:
                parts[1].elements.insert(0, item)
            else:
                parts[0].elements.append(item)
            self.nodes[at : at + 1] = parts
            if len(parts) == 2:
                self.join_around(parts[0] if after else parts[1])

    def join_around(self, middle: Node) -> None:
        at = self.nodes.index(middle)
        at -= self.join(at - 2)
        self.join(at + 1)
        at -= self.join(at - 1)
        self.join(at)

    def join(self, at: int) -> int:
        if not 0 <= at < len(self.nodes) - 1:
            return 0
        both = [self.nodes[at], self.nodes[at + 1]]
        joined = Node(both[0].elements + both[1].elements)
        if both[0].plain or both[1].plain or len(joined.elements) > self.most_count():
            return 0
        if joined.size() > self.most_bytes():
            return 0
        self.nodes[at : at + 2] = [joined]
        return 1

    def set(self, index: int, item: bytes) -> None:
        self.grow([item])
        at, inside = self.locate(index)
        node = self.nodes[at]
        large = self.is_large(item)
        if large and len(node.elements) == 1:
            self.nodes[at] = Node([item], True)
        elif large:
            middle = Node([item], True)
            parts = [Node(node.elements[:inside]), middle, Node(node.elements[inside + 1 :])]
            self.nodes[at : at + 1] = [part for part in parts if part.elements]
            if inside > 0:
                self.join_around(middle)
        elif node.plain:
            self.insert(index, True, item)
            self.nodes.remove(node)
        else:
            node.elements[inside] = item
        self.shrink()

    def keep(self, start: int, stop: int) -> None:
        self.remove_all([*range(start), *range(stop, len(self.elements()))])
        self.shrink()

    def remove(self, gone: list[int]) -> None:
        self.remove_all(gone)
        self.shrink()

    def remove_all(self, gone: list[int]) -> None:
        for index in sorted(gone, reverse=True):
            at, inside = self.locate(index)
            del self.nodes[at].elements[inside]
        self.nodes = [node for node in self.nodes if node.elements]
