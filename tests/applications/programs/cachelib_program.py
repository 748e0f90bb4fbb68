"""cachelib's RedisCache.  Prints the name of each step that did as its documentation says."""

from __future__ import annotations

import sys

from cachelib import RedisCache

cache = RedisCache(host="127.0.0.1", port=int(sys.argv[1]), key_prefix="lib:", default_timeout=300)
redis = cache._read_client

assert cache.set("a", {"price": 3}) and cache.get("a") == {"price": 3}
assert 290 <= redis.ttl("lib:a") <= 300
assert cache.set("short", 1, timeout=5) and 0 < redis.ttl("lib:short") <= 5
assert cache.set("ever", 1, timeout=0) and redis.ttl("lib:ever") == -1
print("set and get")

assert cache.add("b", 1) and not cache.add("b", 2) and cache.get("b") == 1
print("add")

assert cache.set_many({"x": [1], "y": "two", "z": None})
assert cache.get_many("x", "y", "nothing") == [[1], "two", None]
assert cache.get_dict("x", "y") == {"x": [1], "y": "two"}
assert sorted(cache.delete_many("x", "y")) == ["x", "y"]
assert not cache.has("x") and cache.has("b")
print("many")

assert cache.inc("counter", 5) == 5 and cache.dec("counter", 2) == 3
print("inc and dec")

assert cache.delete("a") and not cache.delete("a")
redis.set("other", "stays")
assert cache.clear() and not cache.has("b") and redis.keys("*") == [b"other"]
print("clear")
