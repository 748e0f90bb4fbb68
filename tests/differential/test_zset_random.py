"""ZRANDMEMBER: its errors, and that it tells members of the set."""

from __future__ import annotations

import pytest
from tests.differential.pair import Pair
from tests.differential.wire import Reply


def test_zrandmember_errors_and_nothing(pair: Pair) -> None:
    pair.play("""
        ZRANDMEMBER
        ZRANDMEMBER missing
        ZRANDMEMBER missing 1
        ZRANDMEMBER missing 1 WITHSCORES
        ZRANDMEMBER missing 4611686018427387904 WITHSCORES
        ZRANDMEMBER missing -4611686018427387904 WITHSCORES
        ZRANDMEMBER missing -4611686018427387903 WITHSCORES
        ZADD z 1 a
        ZRANDMEMBER z
        ZRANDMEMBER z 0
        ZRANDMEMBER z 5
        ZRANDMEMBER z -3
        ZRANDMEMBER z 5 WITHSCORES
        ZRANDMEMBER z -3 withscores
        ZRANDMEMBER z abc
        ZRANDMEMBER z 1 FOO
        ZRANDMEMBER z abc FOO
        ZRANDMEMBER z 1 WITHSCORES FOO
        ZRANDMEMBER z -9223372036854775808
        ZRANDMEMBER z 9223372036854775807
        ZRANDMEMBER z 9223372036854775807 WITHSCORES
        ZRANDMEMBER z 4611686018427387903 WITHSCORES
        SET s v
        ZRANDMEMBER s
        ZRANDMEMBER s 1
        ZRANDMEMBER s 1 FOO
        ZRANDMEMBER s abc
    """)


@pytest.mark.parametrize("count", [5, 60, 500])
def test_zrandmember_tells_members(pair: Pair, count: int) -> None:
    pair.do("ZADD", "z", *(word for n in range(count) for word in (n, f"m{n}")))
    for wanted in (1, 2, count // 4, count // 2, count - 1, count, count + 5, -1, -count):
        for options in ((), ("WITHSCORES",)):
            for reply in pair.both("ZRANDMEMBER", "z", wanted, *options):
                texts = [item.text for item in reply.items] if not options else flat(reply)
                step = 2 if options else 1
                told = texts[::step]
                assert len(told) == (-wanted if wanted < 0 else min(wanted, count))
                assert all(name in {b"m%d" % n for n in range(count)} for name in told)
                assert wanted < 0 or len(set(told)) == len(told)
                if options:
                    assert all(name == b"m" + score for name, score in zip(told, texts[1::2], strict=True))


def flat(reply: Reply) -> list[bytes]:
    """The texts of an array of pairs, or of one flat array."""
    found: list[bytes] = []
    for item in reply.items:
        found += [part.text or b"" for part in item.items] if item.items else [item.text or b""]
    return found
