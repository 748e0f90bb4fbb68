"""limits: fixed, moving and sliding windows, which are Lua scripts; Flask-Limiter on top."""

from __future__ import annotations

import sys

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

url = f"redis://127.0.0.1:{sys.argv[1]}"
storage = storage_from_string(url)
rate = parse("3/hour")
for strategy in (FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter):
    limiter = strategy(storage)
    name = strategy.__name__
    print(name, [limiter.hit(rate, name) for _ in range(5)], limiter.test(rate, name), end=" ")
    print(limiter.get_window_stats(rate, name).remaining, end=" ")
    limiter.clear(rate, name)
    print(limiter.hit(rate, name))

for strategy in ("fixed-window", "moving-window"):
    app = Flask(strategy)
    limiter = Limiter(get_remote_address, app=app, storage_uri=url, strategy=strategy, key_prefix=strategy)

    @app.route("/")
    @limiter.limit("2/hour")
    def page() -> str:
        return "page"

    browser = app.test_client()
    print(strategy, [browser.get("/").status_code for _ in range(4)])
