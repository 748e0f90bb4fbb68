from __future__ import annotations

from redpoll.cli.cluster.polling import until


def test_it_looks_until_the_condition_holds() -> None:
    looks = iter([False, False, True])
    assert until(lambda: next(looks), 60)
    assert next(looks, None) is None


def test_it_looks_once_even_without_time() -> None:
    looks = iter([True])
    assert until(lambda: next(looks), -1)


def test_it_gives_up_when_the_time_is_over() -> None:
    looks = iter([False, True])
    assert not until(lambda: next(looks), -1)
