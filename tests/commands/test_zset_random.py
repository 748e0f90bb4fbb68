"""ZRANDMEMBER: each member is told as often as any other, alone, with repetition, and among several."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.commands.effects import prepare

from redpoll.engine.session import Session
from redpoll.protocol.reply import View


@pytest.mark.parametrize("size", [12, 300])
@pytest.mark.parametrize("share", [1, -1, 0.1, 0.5])
def test_every_member_is_as_likely_as_any_other(session: Session, size: int, share: float) -> None:
    prepare(session, "ZADD z " + " ".join(f"{n} m{n}" for n in range(size)))
    count = {1: 1, -1: -size}.get(share, max(1, round(size * share)))
    seen: Counter[bytes] = Counter()
    drawn = 0
    while drawn < 100 * size:
        reply = session.engine.execute(session, [b"ZRANDMEMBER", b"z", b"%d" % count])
        assert isinstance(reply, View)
        members = [member for member in reply.to_list() if isinstance(member, bytes)]
        assert len(members) == abs(count)
        assert count < 0 or len(set(members)) == count
        seen.update(members)
        drawn += len(members)
    expected = drawn / size
    chi_square = sum((seen[b"m%d" % n] - expected) ** 2 / expected for n in range(size))
    # The mean is `size - 1`, less without repetition; six standard deviations are never met by chance.
    assert chi_square < size - 1 + 6 * (2 * (size - 1)) ** 0.5
