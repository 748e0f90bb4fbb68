"""Celery with redpoll as broker and as result backend."""

from __future__ import annotations

import sys

from celery import Celery, chord, group

url = f"redis://127.0.0.1:{sys.argv[1]}"
app = Celery("celery_program", broker=url + "/0", backend=url + "/1")
app.conf.broker_connection_retry_on_startup = True


@app.task(name="double")
def double(number):
    return number * 2


@app.task(name="total")
def total(numbers):
    return sum(numbers)


@app.task(name="fail")
def fail():
    raise ValueError("no")


@app.task(name="again", bind=True)
def again(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0.01)
    return self.request.retries


if sys.argv[2] == "work":
    app.worker_main(["worker", "--pool=threads", "--concurrency=4", "--loglevel=INFO"])
else:
    results = [double.delay(number) for number in range(100)]
    print("results", [result.get(timeout=60) for result in results] == [number * 2 for number in range(100)])
    print("group", group(double.s(number) for number in range(5))().get(timeout=60))
    print("chord", chord((double.s(number) for number in range(5)), total.s())().get(timeout=60))
    failed = fail.delay()
    print("failed", type(failed.get(timeout=60, propagate=False)).__name__, failed.state)
    print("again", again.delay().get(timeout=60))
    print("later", double.apply_async((4,), countdown=0.2).get(timeout=60))
    app.control.shutdown()
