"""A worker of arq, and the program that gives it jobs.

arq_program.py PORT_OF_THE_SERVER work       works until it is ended
arq_program.py PORT_OF_THE_SERVER enqueue    enqueues, and prints what came back
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import Any

from arq import Retry, create_pool, run_worker
from arq.connections import RedisSettings
from arq.jobs import Job, JobStatus

SERVER = RedisSettings(port=int(sys.argv[1]))


async def double(context: dict[str, Any], number: int) -> int:
    return number * 2


async def third_time(context: dict[str, Any]) -> int:
    if context["job_try"] < 3:
        raise Retry(defer=0.01)
    return int(context["job_try"])


async def fail(context: dict[str, Any]) -> None:
    raise ValueError("no")


async def long(context: dict[str, Any]) -> None:
    await asyncio.sleep(600)


class WorkerSettings:
    functions = [double, third_time, fail, long]
    redis_settings = SERVER
    poll_delay = 0.02
    allow_abort_jobs = True
    health_check_interval = 1


async def enqueue() -> None:
    pool = await create_pool(SERVER)
    jobs = [await pool.enqueue_job("double", number) for number in range(20)]
    print("results", [await job.result(timeout=30, poll_delay=0.02) for job in jobs if job])

    retried = await pool.enqueue_job("third_time")
    assert retried is not None
    print("tries", await retried.result(timeout=30, poll_delay=0.02))

    failed = await pool.enqueue_job("fail")
    assert failed is not None
    try:
        await failed.result(timeout=30, poll_delay=0.02)
    except ValueError as error:
        print("failed", error)

    first = await pool.enqueue_job("double", 1, _job_id="one", _defer_by=timedelta(hours=1))
    print("unique", first is not None, await pool.enqueue_job("double", 1, _job_id="one"))
    print("deferred", await Job("one", pool).status() is JobStatus.deferred)
    assert first is not None
    info = await first.info()
    print("info", info.function if info else None)

    running = await pool.enqueue_job("long")
    assert running is not None
    while await running.status() is not JobStatus.in_progress:
        await asyncio.sleep(0.01)
    print("aborted", await running.abort(timeout=30, poll_delay=0.02))
    print("finished", sum(result.success for result in await pool.all_job_results()))
    await pool.aclose()


if __name__ == "__main__":
    if sys.argv[2] == "work":
        asyncio.set_event_loop(asyncio.new_event_loop())
        run_worker(WorkerSettings)
    else:
        asyncio.run(enqueue())
