"""A lock that many processes share, with a fencing token.

The lock is one key.  SET NX PX takes it: only one client can create the key, and a holder that dies loses the lock when
the key expires.  The value is a secret of the holder.  A holder gives back only its own lock: WATCH and MULTI compare
the secret and delete the key as one step.

A lock with a time limit cannot keep a slow holder from going on after its time.  So each holder also gets a number that
grows with each lock, and the protected resource refuses a number lower than one that it has seen.

    python examples/lock.py --url redis://127.0.0.1:6379 --threads 20
"""

from __future__ import annotations

import argparse
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis


class LockLost(Exception):
    """The lock expired before its holder gave it back."""


@dataclass(frozen=True)
class Lease:
    """One holding of the lock: the secret that proves it, and the number for the resource."""

    secret: str
    fence: int


class Lock:
    """The lock called `name`; a holder keeps it for `seconds` unless it extends the time."""

    def __init__(
        self,
        client: redis.Redis,
        name: str,
        seconds: float = 10.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.key = f"lock:{name}"
        self.fence_key = f"lock:{name}:fence"
        self.milliseconds = int(seconds * 1000)
        self.clock = clock
        self.pause = pause

    def try_acquire(self) -> Lease | None:
        """Take the lock if it is free.

        The number is drawn in the same transaction.  Drawn later, a holder that sleeps between the two steps could
        get a higher number than its successor.
        """
        secret = secrets.token_hex(16)
        with self.client.pipeline() as both:
            both.set(self.key, secret, nx=True, px=self.milliseconds)
            both.incr(self.fence_key)
            taken, fence = both.execute()
        return Lease(secret, fence) if taken else None

    def acquire(self, patience: float = 60.0) -> Lease:
        """Wait for the lock.  Raises TimeoutError after `patience` seconds."""
        deadline = self.clock() + patience
        while (lease := self.try_acquire()) is None:
            if self.clock() >= deadline:
                raise TimeoutError(f"{self.key} was not free within {patience} seconds")
            # Random pauses keep those who wait from asking all at the same moment.
            self.pause(random.uniform(0.002, 0.02))
        return lease

    def release(self, lease: Lease) -> None:
        """Give the lock back.  Raises LockLost if it had expired, whoever has it now."""
        self._while_held(lease, lambda transaction: transaction.delete(self.key))

    def extend(self, lease: Lease) -> None:
        """Start the time limit anew.  Raises LockLost if the lock had expired."""
        self._while_held(lease, lambda transaction: transaction.pexpire(self.key, self.milliseconds))

    def _while_held(self, lease: Lease, change: Callable[[Any], object]) -> None:
        """Make a change only if the key still has the holder's secret at that moment."""
        with self.client.pipeline() as transaction:
            transaction.watch(self.key)
            value: Any = transaction.get(self.key)
            if value != lease.secret:
                raise LockLost(self.key)
            transaction.multi()
            change(transaction)
            try:
                done = transaction.execute()
            except redis.WatchError:
                raise LockLost(self.key) from None
            # A key that expires between GET and EXEC is no change that WATCH sees; the reply tells.
            if not done[0]:
                raise LockLost(self.key)

    @contextmanager
    def held(self, patience: float = 60.0) -> Iterator[Lease]:
        """Hold the lock for a `with` block."""
        lease = self.acquire(patience)
        try:
            yield lease
        finally:
            self.release(lease)


class StaleHolder(Exception):
    """A holder wrote after its lock had gone to another one."""


class Account:
    """What the lock protects: a resource that would lose updates, and that checks the numbers.

    A database does the same with `UPDATE ... WHERE fence <= ?`.
    """

    def __init__(self) -> None:
        self.balance = 0
        self.highest = 0
        self._door = threading.Lock()

    def read(self) -> int:
        return self.balance

    def write(self, balance: int, fence: int) -> None:
        """Store a balance.  Raises StaleHolder if a later holder has written already."""
        with self._door:
            if fence < self.highest:
                raise StaleHolder(f"number {fence} came after {self.highest}")
            self.highest = fence
            self.balance = balance


def deposit(lock: Lock, account: Account, amount: int) -> None:
    """Read, add, write: safe only under the lock."""
    with lock.held() as lease:
        account.write(account.read() + amount, lease.fence)


def deposit_from_threads(lock: Lock, account: Account, threads: int, deposits: int) -> None:
    """Let `threads` threads make `deposits` deposits of 1 each."""

    def work() -> None:
        for _ in range(deposits):
            deposit(lock, account, 1)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def main(words: list[str] | None = None) -> None:
    """Run threads against one account, then a holder that comes too late."""
    parser = argparse.ArgumentParser(description="Deposit from many threads under one lock.")
    parser.add_argument("--url", default="redis://127.0.0.1:6379")
    parser.add_argument("--threads", type=int, default=20)
    parser.add_argument("--deposits", type=int, default=5, help="deposits of each thread")
    options = parser.parse_args(words)

    client = redis.Redis.from_url(options.url, decode_responses=True)
    account = Account()
    lock = Lock(client, f"account:{secrets.token_hex(4)}")
    deposit_from_threads(lock, account, options.threads, options.deposits)
    print(f"{options.threads} threads made {options.deposits} deposits each: the balance is {account.balance}")

    slow = lock.acquire()
    client.delete(lock.key)  # as if its time were over
    with lock.held() as quick:
        account.write(account.read() + 1, quick.fence)
    try:
        account.write(0, slow.fence)
    except StaleHolder as refusal:
        print(f"a slow holder was refused: {refusal}")
    client.close()


if __name__ == "__main__":
    main()
