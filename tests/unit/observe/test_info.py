"""INFO in process, on virtual time: figures that follow from what was done."""

from __future__ import annotations

from tests.unit.engine.machine import Machine

from redpoll.engine.sampler import SAMPLE_MS
from redpoll.observe.facts import human


def test_sizes_are_readable() -> None:
    assert [human(n) for n in (0, 320, 1023, 1024, 33792, 1591738, 25276063744, 1 << 50)] == [
        "0B", "320B", "1023B", "1.00K", "33.00K", "1.52M", "23.54G", "1024.00T",
    ]  # fmt: skip


def test_what_commands_did_is_counted() -> None:
    machine = Machine()
    machine.do("SET", "a", "1")
    machine.do("GET", "a")
    machine.do("GET", "b")
    machine.do("SET", "a")
    machine.do("INCR", "a", "x")
    machine.do("ZADD", "a", "1", "m")
    machine.do("nonsense")
    stats = machine.lines("stats", "errorstats", "commandstats")
    assert stats["total_commands_processed"] == "4"
    assert stats["total_error_replies"] == "4"
    assert (stats["keyspace_hits"], stats["keyspace_misses"]) == ("1", "1")
    assert (stats["errorstat_ERR"], stats["errorstat_WRONGTYPE"]) == ("count=3", "count=1")
    assert stats["cmdstat_set"].endswith("rejected_calls=1,failed_calls=0")
    assert stats["cmdstat_zadd"].endswith("calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1")
    assert stats["cmdstat_incr"].startswith("calls=0,")


def test_resetstat_takes_the_counters_back_to_zero() -> None:
    machine = Machine()
    machine.do("GET", "a")
    machine.do("nonsense")
    machine.engine.traffic.received += 5
    machine.do("CONFIG", "RESETSTAT")
    stats = machine.lines("stats", "errorstats", "commandstats")
    assert stats["total_commands_processed"] == "1"
    for name in ("total_error_replies", "keyspace_misses", "total_net_input_bytes", "expired_keys"):
        assert stats[name] == "0"
    assert [name for name in stats if name.startswith(("cmdstat", "errorstat"))] == ["cmdstat_config|resetstat"]


def test_a_rate_is_the_mean_of_sixteen_samples() -> None:
    machine = Machine()
    sampler = machine.engine.sampler
    for _ in range(16):
        machine.engine.traffic.commands += 20
        machine.clock.advance_ms(SAMPLE_MS)
        sampler.sample(machine.clock.now_us())
    assert machine.lines("stats")["instantaneous_ops_per_sec"] == "200"
    for _ in range(16):
        machine.clock.advance_ms(SAMPLE_MS)
        sampler.sample(machine.clock.now_us())
    assert machine.lines("stats")["instantaneous_ops_per_sec"] == "0"


def test_the_peak_stays_when_the_data_goes() -> None:
    machine = Machine()
    machine.do("DEBUG", "POPULATE", 1000)
    full = int(machine.lines("memory")["used_memory"])
    machine.do("FLUSHALL")
    found = machine.lines("memory")
    assert int(found["used_memory"]) < full == int(found["used_memory_peak"])
    assert int(found["used_memory_dataset"]) + int(found["used_memory_overhead"]) == int(found["used_memory"])


def test_mean_ttl_is_that_of_the_keys() -> None:
    machine = Machine()
    machine.do("SET", "a", "1", "PX", "1000")
    machine.do("SET", "b", "1", "PX", "3000")
    machine.do("SET", "c", "1")
    assert machine.lines("keyspace")["db0"] == "keys=3,expires=2,avg_ttl=2000,keys_with_volatile_items=0"


def test_percentiles_are_those_asked_for() -> None:
    machine = Machine()
    for ms in (1, 2, 3, 4):
        machine.do("DEBUG", "SLEEP", f"0.0000{ms}")
    outliers = machine.engine.outliers
    outliers.percentiles = [50.0, 99.9, 100.0]
    assert machine.lines("latencystats")["latency_percentiles_usec_debug"] == "p50=20.000,p99.9=40.000,p100=40.000"
    outliers.percentiles = []
    assert machine.lines("latencystats")["latency_percentiles_usec_debug"] == ""
    machine.engine.counters.track(False)
    machine.do("DEBUG", "SLEEP", "0.00005")
    machine.do("DEBUG", "SLEEP", "5")
    assert machine.lines("latencystats") == {}
    assert machine.lines("commandstats")["cmdstat_debug"].startswith("calls=6,usec=5000150,")
    machine.engine.counters.track(True)
    outliers.percentiles = [100.0]
    assert machine.lines("latencystats")["latency_percentiles_usec_debug"] == "p100=40.000"


def test_memory_of_a_key_is_found_without_touching_it() -> None:
    machine = Machine()
    machine.do("SET", "small", "1")
    machine.do("SET", "large", "x" * 100000)
    machine.do("SET", "timed", "1", "PX", "1")
    machine.clock.advance_ms(5)
    hits = machine.engine.moment.hits
    small = machine.do("MEMORY", "USAGE", "small")
    assert isinstance(small, int)
    assert 10 <= small <= 500
    large = machine.do("MEMORY", "USAGE", "large", "SAMPLES", "0")
    assert isinstance(large, int)
    assert 100000 < large < 101000
    assert machine.do("MEMORY", "USAGE", "timed") is not None
    assert machine.do("MEMORY", "USAGE", "nothing") is None
    assert machine.engine.moment.hits == hits
