"""RQ: a worker with its scheduler, a job that fails, one that is tried again, and one for later."""

from __future__ import annotations

import logging
import sys
from datetime import timedelta

import redis
from rq import Queue, Retry, SimpleWorker

# RQ logs to the standard output, which is for our lines.
logging.disable(logging.CRITICAL)


def double(number: int) -> int:
    return number * 2


def fail() -> None:
    raise ValueError("no")


def flaky(port: int) -> str:
    tries = redis.Redis(port=port).incr("tries")
    if tries < 3:
        raise ValueError("not yet")
    return f"try {tries}"


if __name__ == "__main__":
    import rq_program  # the worker imports functions by this name

    port = int(sys.argv[1])
    client = redis.Redis(port=port)
    queue = Queue(connection=client)
    jobs = [queue.enqueue(rq_program.double, number) for number in range(20)]
    failed = queue.enqueue(rq_program.fail)
    again = queue.enqueue(rq_program.flaky, port, retry=Retry(max=3))
    dependent = queue.enqueue(rq_program.double, 21, depends_on=jobs[0])
    later = queue.enqueue_in(timedelta(seconds=1), rq_program.double, 50)
    print("scheduled", len(queue.scheduled_job_registry))
    worker = SimpleWorker([queue], connection=client)
    worker.work(burst=True, with_scheduler=True)
    while len(queue.scheduled_job_registry) or len(queue):
        worker = SimpleWorker([queue], connection=client)
        worker.work(burst=True, with_scheduler=True)
    print("results", [job.return_value() for job in jobs] == [number * 2 for number in range(20)])
    print("failed", failed.get_status().value, failed.id in queue.failed_job_registry)
    print("again", again.return_value(), "dependent", dependent.return_value(), "later", later.return_value())
