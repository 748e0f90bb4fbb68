"""The waits of `key-load-delay` and `rdb-key-save-delay`."""

from __future__ import annotations

from tests.unit.persistence.contents import load_bytes, opened

from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.persistence import background
from redpoll.persistence.delays import seconds_of
from redpoll.persistence.saving import save


def test_a_delay_for_each_key_or_for_some_of_them() -> None:
    random = Random(1)
    assert seconds_of(250, 4, random) == 0.001
    assert seconds_of(0, 4, random) == 0
    found = seconds_of(-10, 10000, random)
    assert 0.0008 < found < 0.0012


def test_a_save_and_a_load_take_as_long() -> None:
    engine = opened()
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    for n in range(100):
        engine.databases[0].set_string(b"%d" % n, b"v")
    assert engine.config.set([b"rdb-key-save-delay", b"1000"]) == b""
    before = clock.now_us()
    assert save(engine)
    assert clock.now_us() - before == 100_000
    assert background.start(engine)
    before = clock.now_us()
    while (running := engine.durability.running) is not None:
        running.step(1000)
        clock.advance_ms(1)
    assert clock.now_us() - before >= 100_000
    other = opened()
    assert other.config.set([b"key-load-delay", b"2000"]) == b""
    before = other.clock.now_us()
    assert load_bytes(other, engine.config.files.read(b"dump.rdb")) == ""
    assert other.clock.now_us() - before == 200_000
    assert other.durability.load is None
    assert other.durability.keys_loaded == 100
