"""A Django site with django-redis as its cache and the home of its sessions.

django_program.py PORT_OF_THE_SERVER api               goes through the API of the cache
django_program.py PORT_OF_THE_SERVER lua               the part of it that runs scripts in Lua
django_program.py PORT_OF_THE_SERVER PORT_OF_THE_SITE  serves the site
"""

from __future__ import annotations

import sys
import threading
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    SECRET_KEY="for a test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.sessions"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    CACHES={
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{sys.argv[1]}/1",
            "KEY_PREFIX": "site",
            "OPTIONS": {"COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor"},
        }
    },
)
django.setup()

from django.core.cache import cache  # noqa: E402
from django.views.decorators.cache import cache_page  # noqa: E402

runs = [0]


@cache_page(60)
def page(request: HttpRequest) -> HttpResponse:
    runs[0] += 1
    return HttpResponse(f"run {runs[0]}")


def visits(request: HttpRequest) -> HttpResponse:
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(f"visit {request.session['visits']}")


def leave(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return HttpResponse("gone")


urlpatterns = [path("page", page), path("visits", visits), path("leave", leave)]


def api() -> None:
    """All but what calls Lua."""
    cache.set("a", {"price": 3}, timeout=50)
    assert cache.get("a") == {"price": 3} and 40 < cache.ttl("a") <= 50
    cache.set("long", "x" * 10_000)
    assert cache.get("long") == "x" * 10_000
    assert cache.set("a", 1, nx=True) is not True and cache.add("b", 1) and not cache.add("b", 2)
    assert cache.get_or_set("c", lambda: 5) == 5 and cache.get("c") == 5
    print("set and get")

    assert cache.expire("a", timeout=20) and 0 < cache.ttl("a") <= 20 and 0 < cache.pttl("a") <= 20_000
    assert cache.persist("a") and cache.ttl("a") is None
    assert cache.touch("a", 30) and 0 < cache.ttl("a") <= 30
    assert cache.ttl("nothing") == 0
    print("times to live")

    cache.set_many({"x": 1, "y": [2]}, timeout=60)
    assert cache.get_many(["x", "y", "nothing"]) == {"x": 1, "y": [2]}
    assert cache.delete_many(["x"]) == 1 and not cache.has_key("x") and "y" in cache
    print("many")

    cache.set_many({f"user:{number}": number for number in range(50)})
    assert len(cache.keys("user:*")) == 50 == len(set(cache.iter_keys("user:*")))
    assert cache.delete_pattern("user:*") == 50 and cache.keys("user:*") == []
    print("patterns")

    cache.set("old", 1, version=1)
    cache.incr_version("old")
    assert cache.get("old", version=2) == 1 and cache.get("old") is None
    print("versions")

    assert cache.sadd("set", "a", "b") == 2 and cache.smembers("set") == {"a", "b"} and cache.scard("set") == 2
    assert cache.hset("hash", "field", 1) == 1 and cache.hexists("hash", "field") and cache.hlen("hash") == 1
    assert cache.zadd("zset", {"a": 1.0, "b": 2.0}) == 2 and cache.zrange("zset", 0, -1) == ["a", "b"]
    print("collections")

    cache.clear()
    assert cache.keys("*") == []
    print("clear")


def lua() -> None:
    """incr, decr, and locks."""
    cache.set("count", 5)
    assert cache.incr("count") == 6 and cache.incr("count", 10) == 16 and cache.decr("count", 6) == 10
    assert cache.get("count") == 10 and cache.ttl("count") > 0
    assert cache.incr("new", 3, ignore_key_check=True) == 3
    # A value that is no number in the server is packed: then the value is changed here.
    cache.set("large", 2**63 - 1)
    assert cache.incr("large") == 2**63 and cache.get("large") == 2**63
    cache.set("versioned", 1, version=2)
    assert cache.incr("versioned", version=2) == 2 and cache.get("versioned") is None
    cache.set("word", "tea")
    try:
        cache.incr("absent")
    except ValueError as error:
        assert "absent" in str(error)
        print("incr")

    def add(times: int) -> None:
        for _ in range(times):
            cache.incr("shared")

    cache.set("shared", 0)
    threads = [threading.Thread(target=add, args=(25,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get("shared") == 200
    print("incr from 8 threads")

    lock = cache.lock("door", timeout=5)
    assert lock.acquire() and lock.owned() and not cache.lock("door", blocking=False).acquire()
    assert lock.extend(10) and lock.reacquire()
    lock.release()
    assert not lock.locked()
    print("lock")

    inside = []

    def enter() -> None:
        for _ in range(5):
            with cache.lock("room", timeout=20, sleep=0.005):
                inside.append(1)
                assert len(inside) == 1
                inside.pop()
                cache.incr("entered")

    cache.set("entered", 0)
    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get("entered") == 40
    print("lock from 8 threads")

    client = cache.client.get_client(write=True)
    script = client.register_script("return redis.call('SET', KEYS[1], ARGV[1], 'NX') and 1 or 0")
    assert [script(keys=["own"], args=["x"]) for _ in range(2)] == [1, 0]
    with client.pipeline() as pipe:
        script(keys=["own"], args=["y"], client=pipe)
        pipe.get("own")
        assert pipe.execute() == [0, b"x"]
    print("a script of its own")


if sys.argv[2] == "api":
    api()
elif sys.argv[2] == "lua":
    lua()
else:
    make_server("127.0.0.1", int(sys.argv[2]), get_wsgi_application()).serve_forever()
