"""Where a command's keys are, and what it does to them.

Cluster routing, ACL, client-side caching and COMMAND GETKEYS all read these.  Source: spec/commands.json, `key_specs`.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

RO: Final[i64] = 1 << 0
RW: Final[i64] = 1 << 1
OW: Final[i64] = 1 << 2
RM: Final[i64] = 1 << 3
ACCESS: Final[i64] = 1 << 4
UPDATE: Final[i64] = 1 << 5
INSERT: Final[i64] = 1 << 6
DELETE: Final[i64] = 1 << 7
NOT_KEY: Final[i64] = 1 << 8
INCOMPLETE: Final[i64] = 1 << 9
VARIABLE_FLAGS: Final[i64] = 1 << 10

ACCESS_NAMES: Final = (
    (RO, b"RO"), (RW, b"RW"), (OW, b"OW"), (RM, b"RM"), (ACCESS, b"access"), (UPDATE, b"update"),
    (INSERT, b"insert"), (DELETE, b"delete"), (NOT_KEY, b"not_key"), (INCOMPLETE, b"incomplete"),
    (VARIABLE_FLAGS, b"variable_flags"),
)  # fmt: skip


class KeySpec:
    """One group of keys of a command."""

    def __init__(self, access: i64) -> None:
        self.access: i64 = access

    def positions(self, args: list[bytes]) -> list[int]:
        """The indexes of the keys in `args`; none if the arguments make no sense."""
        raise NotImplementedError


class KeyRange(KeySpec):
    """Keys from index `first` to `last`, every `step`-th; `last` below 0 counts from the end."""

    def __init__(self, access: i64, first: i64, last: i64, step: i64) -> None:
        super().__init__(access)
        self.first: i64 = first
        self.last: i64 = last
        self.step: i64 = step

    def positions(self, args: list[bytes]) -> list[int]:
        last = self.last if self.last >= 0 else len(args) + self.last
        if last >= len(args):
            return []
        return list(range(self.first, last + 1, self.step))


class CountedKeys(KeySpec):
    """A number of keys at index `at`, and as many keys behind it, each the first of `step` arguments."""

    def __init__(self, access: i64, at: i64, step: i64 = 1) -> None:
        super().__init__(access)
        self.at: i64 = at
        self.step: i64 = step

    def positions(self, args: list[bytes]) -> list[int]:
        if self.at >= len(args) or not args[self.at].isdigit():
            return []
        stop = self.at + 1 + int(args[self.at]) * self.step
        return list(range(self.at + 1, stop, self.step)) if stop <= len(args) else []


def one_key(access: i64, at: i64 = 1) -> list[KeySpec]:
    """A single key."""
    return [KeyRange(access, at, at, 1)]


def key_range(first: i64, last: i64, step: i64, access: i64) -> list[KeySpec]:
    """Several keys; `last` below 0 counts from the end."""
    return [KeyRange(access, first, last, step)]


def counted_keys(at: i64, access: i64, step: i64 = 1) -> list[KeySpec]:
    """Keys behind their number, each the first of `step` arguments."""
    return [CountedKeys(access, at, step)]
