"""Well-known applications, each started for real, with redpoll as their Redis."""

from __future__ import annotations

import json
import signal

import pytest
import redis
from tests.applications.conftest import Applications
from tests.process.running import until

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def client(port: int) -> redis.Redis:
    made = redis.Redis(port=port)
    made.flushall()
    return made


def test_cachelib(applications: Applications) -> None:
    done = applications.run("cachelib_program.py")
    assert done == ["set and get", "add", "many", "inc and dec", "clear"]


def test_flask_caching(applications: Applications) -> None:
    visit = applications.site("flask_program.py")
    assert [visit("/view"), visit("/view"), visit("/view?page=2"), visit("/view")] == [
        "view 1, run 1",
        "view 1, run 1",
        "view 2, run 2",
        "view 1, run 1",
    ]
    assert [visit("/price/tea"), visit("/price/milk"), visit("/price/tea")] == [
        "tea, run 1",
        "milk, run 2",
        "tea, run 1",
    ]
    visit("/price/tea", post=True)
    assert [visit("/price/tea"), visit("/price/milk")] == ["tea, run 3", "milk, run 2"]
    assert [visit("/fragment"), visit("/fragment")] == ["run 1", "run 1"]
    assert json.loads(visit("/many", post=True)) == {"found": [1, [2], None], "left": [False, True]}
    visit("/clear", post=True)
    assert visit("/view") == "view 1, run 3"


def test_django_redis_the_api_of_the_cache(applications: Applications) -> None:
    done = applications.run("django_program.py", "api")
    assert done == ["set and get", "times to live", "many", "patterns", "versions", "collections", "clear"]


def test_django_redis_what_runs_scripts(applications: Applications) -> None:
    done = applications.run("django_program.py", "lua")
    assert done == ["incr", "incr from 8 threads", "lock", "lock from 8 threads", "a script of its own"]


def test_channels_redis(applications: Applications) -> None:
    assert applications.run("channels_program.py") == [
        "message é",
        "waited waited",
        "full ['0', '1', '2', '3', '4']",
        "group True",
        "discarded again True",
        "capacity ['again', '0', '1', '2', '3']",
        "expired True",
        "at once True",
        "pubsub to both to both",
        "direct to one",
        "left to the first True",
    ]


def test_django_redis_a_site_with_cached_pages_and_sessions(applications: Applications, client: redis.Redis) -> None:
    visit = applications.site("django_program.py")
    assert [visit("/page"), visit("/page")] == ["run 1", "run 1"]
    assert [visit("/visits"), visit("/visits"), visit("/visits")] == ["visit 1", "visit 2", "visit 3"]
    visit("/leave")
    assert visit("/visits") == "visit 1"
    assert client.info("keyspace")["db1"]["keys"] == client.info("keyspace")["db1"]["expires"] > 0


def test_arq(applications: Applications, client: redis.Redis) -> None:
    worker = applications.start("arq_program.py", "work")
    assert applications.run("arq_program.py", "enqueue") == [
        f"results {[number * 2 for number in range(20)]}",
        "tries 3",
        "failed no",
        "unique True None",
        "deferred True",
        "info double",
        "aborted True",
        "finished 21",
    ]
    # The worker writes down how it is, once a second.
    until(lambda: b"j_complete=21 j_failed=2" in (client.get("arq:queue:health-check") or b""), "the worker's figures")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) is not None


def test_locks_of_redis_py(applications: Applications) -> None:
    assert applications.run("lock_program.py") == [
        "count 200 inside 1",
        "acquired True False",
        "extended True True True",
        "not owned",
    ]


def test_limits_and_flask_limiter(applications: Applications) -> None:
    hits = "[True, True, True, False, False] False 0 True"
    assert applications.run("limits_program.py") == [
        f"FixedWindowRateLimiter {hits}",
        f"MovingWindowRateLimiter {hits}",
        f"SlidingWindowCounterRateLimiter {hits}",
        "fixed-window [200, 200, 429, 429]",
        "moving-window [200, 200, 429, 429]",
    ]


def test_rq(applications: Applications) -> None:
    assert applications.run("rq_program.py") == [
        "scheduled 1",
        "results True",
        "failed failed True",
        "again try 3 dependent 42 later 100",
    ]


def test_celery(applications: Applications) -> None:
    worker = applications.start("celery_program.py", "work")
    assert applications.run("celery_program.py", "send") == [
        "results True",
        "group [0, 2, 4, 6, 8]",
        "chord 20",
        "failed ValueError FAILURE",
        "again 2",
        "later 8",
    ]
    assert worker.wait(60) == 0, applications.log("celery_program.py")
