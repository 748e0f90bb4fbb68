"""Sessions: they end when they should, and never come back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from examples.sessions import Sessions, main
from tests.examples.conftest import HandClock
from tests.process.running import until


def test_a_session_has_what_was_put(client: redis.Redis) -> None:
    sessions = Sessions(client)
    begun = sessions.begin("ann", {"device": "phone"})
    assert sessions.put(begun.id, cart="3 books")
    found = sessions.open(begun.id)
    assert found is not None
    assert (found.user, found.data) == ("ann", {"device": "phone", "cart": "3 books"})
    assert sessions.open("no such session") is None


def test_each_use_begins_the_idle_time_anew(client: redis.Redis) -> None:
    sessions = Sessions(client, idle=100)
    begun = sessions.begin("ann")
    client.pexpire(f"session:{begun.id}", 5_000)
    client.hpexpire("user:ann:sessions", 5_000, begun.id)
    assert sessions.open(begun.id)
    assert client.pttl(f"session:{begun.id}") > 90_000
    assert client.hpttl("user:ann:sessions", begun.id)[0] > 90_000


def test_a_session_ends_with_its_greatest_age_though_it_is_used(client: redis.Redis, clock: HandClock) -> None:
    sessions = Sessions(client, idle=100, greatest_age=250, clock=clock)
    begun = sessions.begin("ann")
    clock.now += 200
    assert sessions.open(begun.id)
    assert client.pttl(f"session:{begun.id}") <= 50_000
    clock.now += 60
    assert sessions.open(begun.id) is None
    assert client.dbsize() == 0


def test_an_idle_session_ends_by_itself_and_leaves_the_list_of_its_user(client: redis.Redis) -> None:
    short = Sessions(client, idle=0.03).begin("ann")
    sessions = Sessions(client)
    other = sessions.begin("ann")
    until(lambda: not client.exists(f"session:{short.id}"), "the session to end")
    assert sessions.open(short.id) is None
    until(lambda: sessions.of_user("ann") == [other.id], "the list to forget it")


def test_an_ended_session_does_not_come_back(client: redis.Redis) -> None:
    sessions = Sessions(client)
    begun = sessions.begin("ann")
    sessions.end(begun.id)
    assert not sessions.put(begun.id, cart="3 books")
    assert not sessions.put_for(begun.id, 60, code="1")
    assert client.dbsize() == 0


def test_a_field_can_go_before_its_session(client: redis.Redis) -> None:
    sessions = Sessions(client)
    begun = sessions.begin("ann", {"device": "phone"})
    assert sessions.put_for(begun.id, 60, code="271828")
    assert 0 < client.httl(f"session:{begun.id}", "code")[0] <= 60
    client.hpexpire(f"session:{begun.id}", 20, "code")
    until(lambda: client.hget(f"session:{begun.id}", "code") is None, "the code to go")
    found = sessions.open(begun.id)
    assert found is not None and found.data == {"device": "phone"}


def test_of_many_requests_one_takes_the_code(client: redis.Redis) -> None:
    sessions = Sessions(client)
    begun = sessions.begin("ann")
    sessions.put_for(begun.id, 60, code="271828")
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: sessions.take(begun.id, "code"), range(16)))
    assert sorted(taken, key=str) == ["271828", *[None] * 15]


def test_requests_of_one_session_at_once_lose_nothing(client: redis.Redis) -> None:
    sessions = Sessions(client)
    begun = sessions.begin("ann")
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda number: sessions.put(begun.id, **{f"field {number}": "x"}), range(24)))
    found = sessions.open(begun.id)
    assert found is not None and len(found.data) == 24


def test_logging_out_everywhere(client: redis.Redis) -> None:
    sessions = Sessions(client)
    ids = {sessions.begin("ann").id for _ in range(3)}
    bob = sessions.begin("bob")
    assert set(sessions.of_user("ann")) == ids
    assert sessions.end_all("ann") == 3
    assert not any(sessions.open(each) for each in ids)
    assert sessions.open(bob.id)


def test_the_demonstration(url: str, client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--url", url])
    told = capsys.readouterr().out
    assert "the code is taken once: ['271828', None]" in told
    assert "ann's sessions: 2 - ended: 2" in told
