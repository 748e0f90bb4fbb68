"""`/metrics`: whole families of metrics, made in small steps."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.engine.machine import Machine

from redpoll.engine.command import CATALOGUE
from redpoll.observe.metric_names import CLIENTS, CLUSTER, CPU, MEMORY, PERSISTENCE, REPLICATION, SERVER, STATS
from redpoll.observe.metrics import COMMANDS_A_STEP, FIELDS, Metrics, by_name, number

ROWS = [row for rows in (SERVER, CLIENTS, MEMORY, PERSISTENCE, STATS, REPLICATION, CPU, CLUSTER) for row in rows]


@pytest.fixture
def machine() -> Machine:
    return Machine()


def scrape(machine: Machine) -> tuple[str, int]:
    """The text, and in how many steps it was made."""
    report = Metrics(machine.engine)
    steps = 1
    while report.step():
        steps += 1
    return report.text().decode(), steps


def test_every_field_exists_in_info(machine: Machine) -> None:
    for fields in FIELDS:
        found = by_name(fields.lines(machine.engine))
        assert [row.field for row in fields.rows if row.field not in found] == []


def test_each_metric_has_one_name_and_a_help_that_is_a_sentence() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert all(row.help.endswith(".") for row in ROWS)


def test_a_family_that_takes_several_steps_has_one_head(machine: Machine) -> None:
    called = sorted(CATALOGUE)[: 3 * COMMANDS_A_STEP]
    for name in called:
        machine.engine.counters.count(CATALOGUE[name].index, 7)
    text, steps = scrape(machine)
    assert text.count("# TYPE redis_commands_total counter\n") == 1
    assert text.count("# TYPE redis_latency_percentiles_usec summary\n") == 1
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    calls = next(family for family in families if family.name == "redis_commands")
    assert {sample.labels["cmd"].encode() for sample in calls.samples} == set(called)
    assert {sample.value for sample in calls.samples} == {1.0}
    assert steps > len(FIELDS) + 5 * 3


def test_a_server_that_has_done_nothing(machine: Machine) -> None:
    text, _ = scrape(machine)
    assert "redis_up 1.0\n" in text
    assert list(text_string_to_metric_families(text))


def test_labels_are_escaped(machine: Machine) -> None:
    machine.engine.counters.errors[b'A"\\'] = 3
    samples = [sample for family in text_string_to_metric_families(scrape(machine)[0]) for sample in family.samples]
    assert [sample.value for sample in samples if sample.labels == {"err": 'A"\\'}] == [3.0]


def test_values() -> None:
    assert (number("ok", 2.0), number("12", 0.5), number("err", 1.0), number("", 1.0)) == (1.0, 6.0, 0.0, 0.0)
