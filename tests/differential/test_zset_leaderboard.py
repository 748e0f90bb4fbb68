"""A leaderboard of a million players, as a game would ask it, beside the reference."""

from __future__ import annotations

import random

import pytest
from tests.differential.pair import Pair

PLAYERS = 1_000_000
BATCH = 1000


@pytest.mark.slow
def test_a_leaderboard_of_a_million_players(pair: Pair) -> None:
    dice = random.Random(11)
    for first in range(0, PLAYERS, BATCH):
        words: list[str | int] = ["ZADD", "board"]
        for player in range(first, first + BATCH):
            words += [dice.randrange(100_000), f"player:{player}"]
        pair.do(*words)
    pair.do("ZCARD", "board")
    for _ in range(300):
        player = f"player:{dice.randrange(PLAYERS)}"
        pair.do("ZINCRBY", "board", dice.randrange(1, 500), player)
        pair.do("ZREVRANK", "board", player, "WITHSCORE")
        pair.do("ZADD", "board", "GT", "CH", dice.randrange(100_000), player)
        rank = pair.do("ZREVRANK", "board", player).integer
        # The neighbours, the top, and who has about as many points.
        pair.do("ZRANGE", "board", max(0, rank - 5), rank + 5, "REV", "WITHSCORES")
        pair.do("ZREVRANGE", "board", 0, 99, "WITHSCORES")
        low = dice.randrange(100_000)
        pair.do("ZRANGEBYSCORE", "board", low, low + 3, "WITHSCORES", "LIMIT", 0, 50)
        pair.do("ZCOUNT", "board", f"({low}", "+inf")
    pair.do("ZREMRANGEBYRANK", "board", 1000, 1999)
    pair.do("ZPOPMAX", "board", 100)
    pair.do("ZREMRANGEBYSCORE", "board", "-inf", "(1000")
    pair.do("ZRANGESTORE", "top", "board", 0, 9999, "REV")
    pair.do("ZINTERSTORE", "both", 2, "top", "board", "WEIGHTS", 1, 0)
    pair.do("ZREMRANGEBYRANK", "board", 0, -1001)
    pair.do("DEBUG", "DIGEST")
