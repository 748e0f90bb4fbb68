"""What commands on sorted sets tell: the events and their order, the changes counted, what goes into the journal.

The events and changes are the reference's (spec/events.md, sections 8 and 10; spec/aof.md, section 7).
"""

from __future__ import annotations

import pytest
from tests.commands.effects import Case, assert_effects, assert_events, each, interpreted

from redpoll.engine.session import Session

CASES = [
    ("", "ZADD z 1 a 2 b", "0 new z, 0 zadd z", 2, None),
    ("ZADD z 1 a", "ZADD z 1 a", "", 0, []),
    ("ZADD z 1 a", "ZADD z 2 a 3 b", "0 zadd z", 2, None),
    ("ZADD z 1 a", "ZADD z NX 2 a", "", 0, []),
    ("ZADD z 1 a", "ZADD z INCR 1 a", "0 zincr z", 1, None),
    ("ZADD z 1 a", "ZADD z INCR 0 a", "", 0, []),
    ("", "ZINCRBY z 0 a", "0 new z, 0 zincr z", 1, None),
    ("ZADD z 1 a", "ZINCRBY z 2 a", "0 zincr z", 1, None),
    ("ZADD z 1 a", "ZINCRBY z 0 a", "", 0, []),
    ("ZADD z 1 a 2 b", "ZREM z a zz", "0 zrem z", 1, None),
    ("ZADD z 1 a", "ZREM z a", "0 zrem z, 0 del z", 1, None),
    ("ZADD z 1 a 2 b 3 c", "ZREMRANGEBYRANK z 0 1", "0 zremrangebyrank z", 2, None),
    ("ZADD z 1 a 2 b", "ZREMRANGEBYSCORE z 0 9", "0 zremrangebyscore z, 0 del z", 2, None),
    ("ZADD z 1 a 1 b 1 c", "ZREMRANGEBYLEX z [b +", "0 zremrangebylex z", 2, None),
    ("ZADD z 1 a", "ZREMRANGEBYRANK z 5 9", "", 0, []),
    ("", "ZREMRANGEBYRANK z 0 -1", "", 0, []),
    ("ZADD z 1 a 2 b", "ZPOPMIN z", "0 zpopmin z", 1, None),
    ("ZADD z 1 a 2 b", "ZPOPMAX z 9", "0 zpopmax z, 0 del z", 2, None),
    ("ZADD z 1 a 2 b 3 c", "ZPOPMAX z 2", "0 zpopmax z", 2, None),
    ("ZADD z 1 a", "ZPOPMIN z 0", "", 0, []),
    ("", "ZPOPMIN z", "", 0, []),
    ("ZADD z 1 a 2 b 3 c", "ZMPOP 2 y z MAX COUNT 2", "0 zpopmax z", 2, ["ZPOPMAX z 2"]),
    ("ZADD z 1 a 2 b", "ZMPOP 1 z MIN COUNT 9", "0 zpopmin z, 0 del z", 2, ["ZPOPMIN z 2"]),
    ("ZADD z 1 a 2 b", "ZMPOP 1 z MIN", "0 zpopmin z", 1, ["ZPOPMIN z 1"]),
    ("ZADD z 1 a 2 b", "BZPOPMIN y z 0", "0 zpopmin z", 1, ["ZPOPMIN z"]),
    ("ZADD z 1 a", "BZPOPMAX z 0", "0 zpopmax z, 0 del z", 1, ["ZPOPMAX z"]),
    ("ZADD z 1 a 2 b", "BZMPOP 0 2 y z MIN COUNT 5", "0 zpopmin z, 0 del z", 2, ["ZPOPMIN z 2"]),
    ("ZADD z 1 a", "ZUNIONSTORE d 2 z y", "0 keymiss y, 0 new d, 0 zunionstore d", 1, None),
    ("ZADD z 1 a; SET d v", "ZINTERSTORE d 1 z", "0 zinterstore d", 1, None),
    ("ZADD z 1 a; SET d v", "ZDIFFSTORE d 2 z z", "0 del d", 1, None),
    ("ZADD z 1 a", "ZDIFFSTORE d 2 z z", "", 0, []),
    ("ZADD z 1 a 2 b", "ZRANGESTORE d z 0 0", "0 new d, 0 zrangestore d", 1, None),
    ("ZADD z 1 a 2 b", "ZRANGESTORE z z 0 0", "0 zrangestore z", 1, None),
    ("ZADD z 1 a; SET d v", "ZRANGESTORE d z 5 9", "0 del d", 1, None),
    ("SET d v", "ZRANGESTORE d z 0 1", "0 keymiss z, 0 del d", 1, None),
    ("", "ZRANGESTORE d z 0 1", "0 keymiss z", 0, []),
    ("", "ZRANGE z 0 -1", "0 keymiss z", 0, []),
    ("", "ZSCORE z a", "0 keymiss z", 0, []),
    ("", "ZMSCORE z a", "0 keymiss z", 0, []),
    ("", "ZCARD z", "0 keymiss z", 0, []),
    ("", "ZCOUNT z 0 1", "0 keymiss z", 0, []),
    ("", "ZREVRANK z a", "0 keymiss z", 0, []),
    ("", "ZRANDMEMBER z", "0 keymiss z", 0, []),
    ("ZADD z 1 a", "ZINTER 2 z y", "0 keymiss y", 0, []),
    ("ZADD z 1 a", "ZINTERCARD 2 y z", "0 keymiss y", 0, []),
    ("ZADD z 1 a; PEXPIRE z 1", "ZADD z 2 b", "0 expired z, 0 new z, 0 zadd z", 1, ["UNLINK z", "ZADD z 2 b"]),
]


@each(CASES)
def test_changes_and_effects(session: Session, case: Case) -> None:
    assert_effects(session, case)


@interpreted
@each(CASES)
def test_events_in_order(session: Session, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    assert_events(session, monkeypatch, case)
