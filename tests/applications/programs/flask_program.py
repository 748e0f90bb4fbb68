"""A Flask site with Flask-Caching: a cached view, a memoized function, a cached fragment.

flask_program.py PORT_OF_THE_SERVER PORT_OF_THE_SITE
"""

from __future__ import annotations

import sys

from flask import Flask, jsonify, render_template_string, request
from flask_caching import Cache

site = Flask(__name__)
site.config.update(
    CACHE_TYPE="RedisCache",
    CACHE_REDIS_HOST="127.0.0.1",
    CACHE_REDIS_PORT=int(sys.argv[1]),
    CACHE_KEY_PREFIX="site:",
    CACHE_DEFAULT_TIMEOUT=300,
)
cache = Cache(site)
runs = {"view": 0, "price": 0, "fragment": 0}


@site.get("/view")
@cache.cached(timeout=60, query_string=True)
def view() -> str:
    runs["view"] += 1
    return f"view {request.args.get('page', '1')}, run {runs['view']}"


@cache.memoize(60)
def price(product: str) -> str:
    runs["price"] += 1
    return f"{product}, run {runs['price']}"


@site.get("/price/<product>")
def show_price(product: str) -> str:
    return price(product)


@site.post("/price/<product>")
def forget_price(product: str) -> str:
    cache.delete_memoized(price, product)
    return "forgotten"


@site.get("/fragment")
def fragment() -> str:
    def count() -> str:
        runs["fragment"] += 1
        return f"run {runs['fragment']}"

    return render_template_string("{% cache 60, 'fragment' %}{{ count() }}{% endcache %}", count=count)


@site.post("/many")
def many() -> object:
    cache.set_many({"a": 1, "b": [2]})
    found = cache.get_many("a", "b", "none")
    cache.delete_many("a")
    return jsonify(found=found, left=[cache.has("a"), cache.has("b")])


@site.post("/clear")
def clear() -> str:
    cache.clear()
    return "cleared"


site.run("127.0.0.1", int(sys.argv[2]))
