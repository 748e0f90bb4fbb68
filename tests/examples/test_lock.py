"""The lock: one holder at a time, and none that writes after its time."""

from __future__ import annotations

import pytest
import redis
from examples.lock import Account, Lock, LockLost, StaleHolder, deposit_from_threads, main
from tests.process.running import until


def test_twenty_threads_lose_no_deposit(client: redis.Redis) -> None:
    account = Account()
    deposit_from_threads(Lock(client, "account"), account, threads=20, deposits=5)
    assert account.balance == 100
    assert not client.exists("lock:account")


def test_the_lock_has_one_holder(client: redis.Redis) -> None:
    lock = Lock(client, "door")
    first = lock.try_acquire()
    assert first is not None
    assert lock.try_acquire() is None
    lock.release(first)
    second = lock.try_acquire()
    assert second is not None and second.fence > first.fence


def test_waiting_ends_with_the_patience(client: redis.Redis) -> None:
    now = [0.0]
    lock = Lock(client, "door", clock=lambda: now[0], pause=lambda seconds: now.__setitem__(0, now[0] + seconds))
    lock.acquire()
    with pytest.raises(TimeoutError):
        lock.acquire(patience=0.1)
    assert now[0] >= 0.1


def test_a_lock_that_expired_is_not_taken_from_its_next_holder(client: redis.Redis) -> None:
    lock = Lock(client, "door", seconds=0.02)
    slow = lock.acquire()
    until(lambda: not client.exists("lock:door"), "the lock to expire")
    quick = Lock(client, "door").acquire()
    for act in (lock.release, lock.extend):
        with pytest.raises(LockLost):
            act(slow)
    assert client.get("lock:door") == quick.secret

    account = Account()
    account.write(7, quick.fence)
    with pytest.raises(StaleHolder):
        account.write(0, slow.fence)
    assert account.balance == 7


def test_a_holder_can_extend_its_time(client: redis.Redis) -> None:
    lock = Lock(client, "door", seconds=30)
    lease = lock.acquire()
    client.pexpire("lock:door", 5000)
    lock.extend(lease)
    assert client.pttl("lock:door") > 20_000


def test_the_demonstration(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--url", url, "--threads", "4", "--deposits", "3"])
    told = capsys.readouterr().out
    assert "the balance is 12" in told
    assert "a slow holder was refused" in told
