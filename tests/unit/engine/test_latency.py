"""Spikes of latency on virtual time: what LATENCY keeps and tells."""

from __future__ import annotations

from tests.unit.engine.machine import Machine

from redpoll.engine.latency import SAMPLES, Series
from redpoll.observe.latency_report import ago, graph


def monitored(threshold_ms: int) -> Machine:
    machine = Machine()
    machine.engine.outliers.latency.threshold_ms = threshold_ms
    machine.engine.outliers.update_thresholds()
    return machine


def test_a_spike_is_kept_with_its_second() -> None:
    machine = monitored(5)
    machine.do("DEBUG", "SLEEP", "0.004")
    machine.do("DEBUG", "SLEEP", "0.007")
    machine.clock.advance_ms(5000)
    machine.do("DEBUG", "SLEEP", "0.005")
    now_s = machine.clock.now_us() // 1000000
    assert machine.do("LATENCY", "LATEST") == [[b"command", now_s, 5, 7, 12, 2]]
    assert machine.do("LATENCY", "HISTORY", "command") == [[now_s - 5, 7], [now_s, 5]]
    assert machine.do("LATENCY", "HISTORY", "fork") == []


def test_the_monitor_sees_what_the_slow_log_does_not() -> None:
    machine = monitored(1)
    machine.engine.outliers.slow.threshold = -1
    machine.engine.outliers.update_thresholds()
    machine.do("DEBUG", "SLEEP", "0.001")
    assert isinstance(machine.do("LATENCY", "LATEST"), list)
    assert len(machine.engine.outliers.latency.series) == 1


def test_within_a_second_the_greatest_counts() -> None:
    series = Series()
    for at_s, ms in ((1, 5), (1, 9), (1, 3), (2, 4)):
        series.add(at_s, ms)
    assert series.samples() == [(1, 9), (2, 4)]
    assert (series.greatest_ms, series.sum_ms, series.count) == (9, 21, 4)


def test_the_ring_forgets_the_oldest() -> None:
    series = Series()
    for n in range(SAMPLES * 2 + 7):
        series.add(n, n % 13)
        assert [at_s for at_s, _ in series.samples()] == list(range(max(0, n - SAMPLES + 1), n + 1))


def test_reset_counts_the_series_that_it_drops() -> None:
    machine = monitored(1)
    machine.do("DEBUG", "SLEEP", "0.01")
    assert machine.do("LATENCY", "RESET", "fork", "command") == 1
    assert machine.do("LATENCY", "RESET") == 0
    assert machine.do("LATENCY", "LATEST") == []


def test_the_graph_shows_a_column_for_each_sample() -> None:
    series = Series()
    for at_s, ms in ((100, 1), (155, 12), (4000, 6)):
        series.add(at_s, ms)
    assert graph(b"command", series, 4000).decode().splitlines() == [
        "command - high 12 ms, low 1 ms (all time high 12 ms)",
        "-" * 80,
        " # ",
        " | ",
        " |#",
        "_||",
        "   ",
        "110",
        "hhs",
    ]


def test_spans_are_shown_in_their_largest_unit() -> None:
    assert [ago(s) for s in (0, 59, 60, 3599, 3600, 86399, 86400)] == ["0s", "59s", "1m", "59m", "1h", "23h", "1d"]


def test_the_doctor_gives_figures_and_advice() -> None:
    machine = monitored(1)
    machine.do("DEBUG", "SLEEP", "0.01")
    machine.clock.advance_ms(2000)
    machine.do("DEBUG", "SLEEP", "0.03")
    text = machine.do("LATENCY", "DOCTOR").text.decode()  # type: ignore[attr-defined]
    assert "1. command: 2 latency spikes (average 20ms, mean deviation 10ms, period 1.00 sec). " in text
    assert "Worst all time event 30ms." in text
    assert "commandlog-execution-slower-than" in text


def test_a_transaction_is_a_spike_beside_its_commands() -> None:
    machine = Machine()
    machine.engine.outliers.latency.threshold_ms = 20
    machine.do("MULTI")
    machine.do("DEBUG", "SLEEP", "0.03")
    machine.do("EXEC")
    series = machine.engine.outliers.latency.series[b"command"]
    assert (series.count, series.sum_ms) == (2, 60)
