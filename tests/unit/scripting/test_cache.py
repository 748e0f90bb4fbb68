"""The cache of scripts: 500 of EVAL, the least recently used leaves; SCRIPT LOAD keeps."""

from __future__ import annotations

from redpoll.scripting.cache import MOST, Cache, Script


def script(number: int) -> Script:
    return Script(b"%040x" % number, b"return %d" % number, number, 0)


def test_the_least_recently_used_leaves() -> None:
    cache = Cache()
    scripts = [script(number) for number in range(MOST + 2)]
    for made in scripts[:MOST]:
        assert cache.add(made) is None
    cache.used(scripts[0])
    assert cache.add(scripts[MOST]) is scripts[1]
    assert cache.find(scripts[1].sha) is None
    assert cache.find(scripts[0].sha) is scripts[0]
    assert cache.texts_bytes == sum(len(made.text) for made in cache.scripts.values())
    cache.keep(scripts[2])
    cache.keep(scripts[2])
    assert cache.add(scripts[MOST + 1]) is None
    cache.used(scripts[2])
    assert cache.find(scripts[2].sha) is scripts[2]


def test_the_case_of_a_sha_does_not_matter() -> None:
    cache = Cache()
    made = script(0xABC)
    cache.add(made)
    assert cache.find(made.sha.upper()) is made
    cache.clear()
    assert cache.find(made.sha) is None
    assert cache.texts_bytes == 0


def test_a_script_can_come_back_after_a_flush() -> None:
    cache = Cache()
    made = script(1)
    cache.add(made)
    cache.clear()
    assert cache.last is None
    cache.add(made)
    assert cache.find(made.sha) is made
