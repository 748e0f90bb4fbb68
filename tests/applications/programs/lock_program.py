"""redis-py's Lock from 20 threads: nobody enters twice, and a lock that ran out is not released."""

from __future__ import annotations

import sys
import threading

import redis
from redis.exceptions import LockError

client = redis.Redis(port=int(sys.argv[1]))
inside = 0
most = 0


def work() -> None:
    global inside, most
    for _ in range(10):
        with client.lock("turn", timeout=30, sleep=0.001):
            inside += 1
            most = max(most, inside)
            value = int(client.get("count") or 0)
            client.set("count", value + 1)
            inside -= 1


threads = [threading.Thread(target=work) for _ in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("count", int(client.get("count")), "inside", most)

lock = client.lock("other", timeout=30)
print("acquired", lock.acquire(blocking=False), client.lock("other").acquire(blocking=False))
print("extended", lock.extend(50), lock.reacquire(), client.ttl("other") in (29, 30))
client.delete("other")
try:
    lock.release()
    print("released")
except LockError:
    print("not owned")
