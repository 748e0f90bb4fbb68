"""The methods for streams of a store."""

from __future__ import annotations

import redpoll


def test_readers_get_a_dict_of_streams() -> None:
    store = redpoll.open()
    assert store.xread({"log": "0"}) == {}
    first = store.xadd("log", {"n": 1}, id="1-0")
    store.xadd("other", {"m": 2}, id="1-1")
    assert first == b"1-0"
    entry = [[b"1-0", [b"n", b"1"]]]
    assert store.xread({"log": "0"}) == {b"log": entry}
    assert store.xread({"log": "0", "other": "0"}, count=1) == {b"log": entry, b"other": [[b"1-1", [b"m", b"2"]]]}
    assert store.xread({"log": "$"}) == {}
    store.xgroup_create("log", "group", "0")
    assert store.xreadgroup("group", "alice", {"log": ">"}) == {b"log": entry}
    assert store.xreadgroup("group", "alice", {"log": ">"}) == {}
    assert store.xreadgroup("group", "alice", {"log": "0"}, count=5) == {b"log": entry}
    assert store.xack("log", "group", "1-0") == 1
