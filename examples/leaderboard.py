"""A leaderboard of a million players in one sorted set.

Score, rank, the players around one, and the top hundred take O(log n) each, so they are as quick with a million players
as with a thousand.  Players with equal scores share a place: it is 1 plus the number of players with more points.

    python examples/leaderboard.py --url redis://127.0.0.1:6379 --players 1000000
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import redis

BATCH = 1000
"""Players for each ZADD: large enough that the way to the server does not count, small enough to hold nobody up."""


@dataclass(frozen=True)
class Row:
    """A line of the board."""

    place: int
    player: str
    score: float


class Leaderboard:
    """The board called `name`."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        self.client = client
        self.key = f"board:{name}"

    # ---- scores

    def load(self, scores: Iterable[tuple[str, float]]) -> int:
        """Set many scores; returns how many players are new."""
        added = 0
        rows = iter(scores)
        while batch := dict(islice(rows, BATCH)):
            new: Any = self.client.zadd(self.key, {**batch})
            added += int(new)
        return added

    def gain(self, player: str, points: float) -> float:
        """Add points, and return the new score."""
        score: Any = self.client.zincrby(self.key, points, player)
        return float(score)

    def best(self, player: str, score: float) -> bool:
        """Set a score if it is the player's best; whether it was."""
        changed: Any = self.client.zadd(self.key, {player: score}, gt=True, ch=True)
        return bool(changed)

    def remove(self, player: str) -> None:
        self.client.zrem(self.key, player)

    # ---- the board

    def size(self) -> int:
        return int(self.client.zcard(self.key))

    def place(self, player: str) -> Row | None:
        """The player's row, or None for a player who is not on the board."""
        score: Any = self.client.zscore(self.key, player)
        if score is None:
            return None
        above: Any = self.client.zcount(self.key, f"({score!r}", "+inf")
        return Row(int(above) + 1, player, float(score))

    def top(self, count: int = 100) -> list[Row]:
        """The first `count` rows; O(log n + count)."""
        return self._rows(0, count - 1)

    def around(self, player: str, each_side: int = 5) -> list[Row]:
        """The player's row between those just above and just below; empty for a player who is not on the board.

        Between the two requests others may score, which shifts the rows by as many places.
        """
        rank: Any = self.client.zrevrank(self.key, player)
        if rank is None:
            return []
        return self._rows(max(0, rank - each_side), rank + each_side)

    def share_above(self, player: str) -> float | None:
        """The part of all players who have more points, from 0 to 1."""
        row = self.place(player)
        return None if row is None else (row.place - 1) / self.size()

    def _rows(self, first: int, last: int) -> list[Row]:
        found: Any = self.client.zrange(self.key, first, last, desc=True, withscores=True)
        if not found:
            return []
        above: Any = self.client.zcount(self.key, f"({found[0][1]!r}", "+inf")
        rows: list[Row] = []
        place = int(above) + 1
        for position, (player, score) in enumerate(found):
            if position and score != found[position - 1][1]:
                place = first + position + 1
            rows.append(Row(place, player, float(score)))
        return rows


def total(client: redis.Redis, name: str, boards: list[Leaderboard], seconds: int) -> Leaderboard:
    """A board with the sums of several, say of a week's days; it goes by itself after `seconds`."""
    made = Leaderboard(client, name)
    with client.pipeline() as both:
        both.zunionstore(made.key, [board.key for board in boards])
        both.expire(made.key, seconds)
        both.execute()
    return made


def players(count: int, seed: int = 1) -> Iterator[tuple[str, float]]:
    """Names and scores; many players have few points."""
    draw = random.Random(seed)
    for number in range(count):
        yield f"player:{number}", float(int(draw.expovariate(1 / 5000)))


def shown(rows: list[Row]) -> str:
    return "\n".join(f"{row.place:>10}  {row.player:<20}{row.score:>10.0f}" for row in rows)


def main(words: list[str] | None = None) -> None:
    """Fill a board, show its top and the rows around a player, and time the questions."""
    parser = argparse.ArgumentParser(description="A leaderboard.")
    parser.add_argument("--url", default="redis://127.0.0.1:6379")
    parser.add_argument("--players", type=int, default=1_000_000)
    options = parser.parse_args(words)

    client = redis.Redis.from_url(options.url, decode_responses=True)
    board = Leaderboard(client, "demo")
    client.unlink(board.key)
    began = time.perf_counter()
    board.load(players(options.players))
    print(f"loaded {board.size():,} players in {time.perf_counter() - began:.1f} s")

    print("the top three:", shown(board.top(3)), sep="\n")
    someone = f"player:{options.players // 2}"
    print(f"around {someone}:", shown(board.around(someone, 2)), sep="\n")
    board.gain(someone, 1_000_000)
    print("after a very good game:", shown(board.top(2)), sep="\n")

    asked = 200
    draw = random.Random(2)
    began = time.perf_counter()
    for _ in range(asked):
        board.place(f"player:{draw.randrange(options.players)}")
    each = (time.perf_counter() - began) / asked
    print(f"a player's place takes {each * 1000:.2f} ms, with two requests")
    client.unlink(board.key)
    client.close()


if __name__ == "__main__":
    main()
