"""The leaderboard against a sorted list."""

from __future__ import annotations

import random

import pytest
import redis
from examples.leaderboard import Leaderboard, Row, main, players, total

PLAYERS = 5000


def expected(scores: dict[str, float]) -> list[Row]:
    """The whole board, by the plain way: equal scores by name, from behind."""
    order = sorted(scores.items(), key=lambda item: (item[1], item[0].encode()), reverse=True)
    values = sorted(scores.values(), reverse=True)
    first = {score: values.index(score) + 1 for score in set(values)}
    return [Row(first[score], player, score) for player, score in order]


def test_the_board_is_that_of_a_sorted_list(client: redis.Redis) -> None:
    board = Leaderboard(client, "test")
    scores = dict(players(PLAYERS))
    assert board.load(scores.items()) == PLAYERS == board.size()
    draw = random.Random(3)
    for _ in range(200):
        player = f"player:{draw.randrange(PLAYERS)}"
        points = float(draw.randrange(1000))
        scores[player] += points
        assert board.gain(player, points) == scores[player]

    rows = expected(scores)
    assert board.top() == rows[:100]
    assert board.top(PLAYERS + 5) == rows
    for index in [0, 1, 4, 2500, PLAYERS - 1, *(draw.randrange(PLAYERS) for _ in range(30))]:
        assert board.place(rows[index].player) == rows[index]
        assert board.around(rows[index].player, 3) == rows[max(0, index - 3) : index + 4]
    assert board.share_above(rows[0].player) == 0.0


def test_a_best_score_stays(client: redis.Redis) -> None:
    board = Leaderboard(client, "test")
    assert board.best("ann", 10)
    assert not board.best("ann", 9)
    assert board.best("ann", 11)
    assert board.top() == [Row(1, "ann", 11.0)]


def test_who_is_not_on_the_board_has_no_row(client: redis.Redis) -> None:
    board = Leaderboard(client, "test")
    board.load([("ann", 1.0), ("bob", 2.0)])
    board.remove("bob")
    assert board.place("bob") is None
    assert board.around("bob") == []
    assert board.share_above("bob") is None
    assert Leaderboard(client, "empty").top() == []


def test_days_make_a_week(client: redis.Redis) -> None:
    days = [Leaderboard(client, f"day {number}") for number in range(3)]
    for day, points in zip(days, (1.0, 2.0, 3.0), strict=True):
        day.load([("ann", points), (f"guest of {points}", 5.0)])
    week = total(client, "week", days, 60)
    assert week.top(1) == [Row(1, "ann", 6.0)]
    assert week.size() == 4
    assert 0 < client.ttl(week.key) <= 60


def test_the_demonstration(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--url", url, "--players", str(PLAYERS)])
    told = capsys.readouterr().out
    assert f"loaded {PLAYERS:,} players" in told
    assert "         1  player:2500 " in told.split("after a very good game:")[1]
