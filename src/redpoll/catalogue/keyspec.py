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

    def positions(self, args: list[bytes]) -> list[int] | None:
        """The indexes of the keys in `args`; None if the arguments make no sense."""
        raise NotImplementedError

    def access_in(self, args: list[bytes]) -> i64:
        """What a command with these arguments does to the keys.

        Differs from `access` only if that has VARIABLE_FLAGS.
        """
        return self.access & ~VARIABLE_FLAGS


def spread(first: i64, last: i64, step: i64, args: list[bytes]) -> list[int] | None:
    """Every `step`-th index from `first` to `last`, if there are such arguments."""
    if last < first or last >= len(args):
        return None
    return list(range(first, last + 1, step))


class KeyRange(KeySpec):
    """Keys from index `first` to `last`, every `step`-th; `last` below 0 counts from the end."""

    def __init__(self, access: i64, first: i64, last: i64, step: i64) -> None:
        super().__init__(access)
        self.first: i64 = first
        self.last: i64 = last
        self.step: i64 = step

    def positions(self, args: list[bytes]) -> list[int] | None:
        last = self.last if self.last >= 0 else len(args) + self.last
        return spread(self.first, last, self.step, args)


class CountedKeys(KeySpec):
    """A number of keys at index `at`, and as many keys after it, `step` apart."""

    def __init__(self, access: i64, at: i64, step: i64) -> None:
        super().__init__(access)
        self.at: i64 = at
        self.step: i64 = step

    def positions(self, args: list[bytes]) -> list[int] | None:
        # No command has more keys than arguments, so longer numbers need not be read.
        if self.at >= len(args) or not args[self.at].isdigit() or len(args[self.at]) > 10:
            return None
        count = int(args[self.at])
        return spread(self.at + 1, self.at + 1 + (count - 1) * self.step, self.step, args)


class KeysAfter(KeySpec):
    """Keys after a keyword.

    The keyword is searched from index `start` on, or backwards if `start` counts from the end.

    `last` is the last key's distance from the first; if negative, it counts from the end.  With a `limit` above 1, only
    that fraction of the rest holds keys (XREAD STREAMS: one half; the other half are IDs).  Without the keyword there
    are no keys.
    """

    def __init__(self, access: i64, word: bytes, start: i64, last: i64, limit: i64) -> None:
        super().__init__(access)
        self.word: Final = word
        self.start: i64 = start
        self.last: i64 = last
        self.limit: i64 = limit

    def positions(self, args: list[bytes]) -> list[int] | None:
        count: i64 = len(args)
        first = self.first_behind_word(args)
        if first < 0:
            return []
        if self.last >= 0:
            return spread(first, first + self.last, 1, args)
        if self.limit <= 1:
            return spread(first, count + self.last, 1, args)
        return spread(first, first + (count - first) // self.limit + self.last, 1, args)

    def first_behind_word(self, args: list[bytes]) -> i64:
        """The index after the word, or -1."""
        count: i64 = len(args)
        at = self.start if self.start >= 0 else count + self.start
        step = 1 if self.start >= 0 else -1
        while 0 < at < count:
            if args[at].upper() == self.word:
                return at + 1
            at += step
        return -1


class UnknownKeys(KeySpec):
    """Keys that no rule can find, such as the patterns of SORT.  A subclass may find them."""

    def positions(self, args: list[bytes]) -> list[int] | None:
        return []


class KeyUse:
    """A key among the arguments: its index, and what is done to it."""

    def __init__(self, at: i64, access: i64) -> None:
        self.at: i64 = at
        self.access: i64 = access


def has_keys(specs: list[KeySpec]) -> bool:
    """Whether a command with these key specs can have keys.  A channel, for example, is not a key."""
    return any(spec.access & NOT_KEY == 0 for spec in specs)


def keys_of(specs: list[KeySpec], args: list[bytes]) -> list[KeyUse] | None:
    """The keys in `args`; None if the arguments make no sense.  O(arguments)."""
    found: list[KeyUse] = []
    for spec in specs:
        if spec.access & NOT_KEY != 0:
            continue
        positions = spec.positions(args)
        if positions is None:
            return None
        access = spec.access_in(args)
        for at in positions:
            found.append(KeyUse(at, access))
    return found


def legacy_range(specs: list[KeySpec]) -> tuple[int, int, int]:
    """First key, last key and step, for clients that do not read key specs; zeros if there is no such range.

    Ranges that begin where the one before ended count as one.
    """
    first: i64 = 0
    last: i64 = 0
    step: i64 = 0
    for spec in specs:
        if not isinstance(spec, KeyRange):
            continue
        if first == 0:
            first, last, step = spec.first, spec.last, spec.step
        elif spec.first == last + 1 and spec.step == step:
            last = spec.last
    return first, last, step


def one_key(access: i64, at: i64 = 1) -> list[KeySpec]:
    """A single key."""
    return [KeyRange(access, at, at, 1)]


def key_range(first: i64, last: i64, step: i64, access: i64) -> list[KeySpec]:
    """Several keys; `last` below 0 counts from the end."""
    return [KeyRange(access, first, last, step)]


def counted_keys(at: i64, access: i64, step: i64 = 1) -> list[KeySpec]:
    """Keys after their number."""
    return [CountedKeys(access, at, step)]


def keys_after(word: bytes, start: i64, last: i64, access: i64, limit: i64 = 0) -> list[KeySpec]:
    """Keys after a word."""
    return [KeysAfter(access, word, start, last, limit)]
