"""HyperLogLog against recorded values: bytes, counts and merges."""

from __future__ import annotations

import json
from pathlib import Path
from zlib import crc32

from redpoll.structures.registers import empty_registers
from redpoll.types.hyperloglog import INVALID, HyperLogLog, cached_count, count_of, head_of, raise_to
from redpoll.types.string import String

GOLDEN = json.loads((Path(__file__).resolve().parents[2] / "golden" / "hyperloglog.json").read_text(encoding="utf-8"))


def made(elements: list[bytes], limit: int = 3000) -> String:
    value = String()
    found = HyperLogLog(value, INVALID, limit)
    for element in elements:
        found.add(element)
    found.finish()
    return value


def elements_of(case: dict[str, object]) -> list[bytes]:
    if "elements" in case:
        listed = case["elements"]
        assert isinstance(listed, list)
        return [bytes.fromhex(each) for each in listed]
    first, last = str(case["elements_from"]).split("..")
    return [b"m%d" % n for n in range(int(first[1:]), int(last[1:]) + 1)]


def test_values_are_the_recorded_ones() -> None:
    for case in GOLDEN["values"]:
        text = made(elements_of(case), case.get("hll-sparse-max-bytes", 3000)).text()
        if "value_before_count" in case:
            assert text.hex() == case["value_before_count"]
        else:
            assert len(text) == case["bytes"]
            assert f"{crc32(text):08x}" == case["crc32"]
        assert count_of(text) == case["count"]


def test_counts_are_the_recorded_ones() -> None:
    for case in GOLDEN["counts"]:
        first, last = case["elements"].split("..")
        if int(last[1:]) < 20000:
            value = made([b"n%d" % n for n in range(int(first[1:]), int(last[1:]) + 1)])
            assert count_of(value.text()) == case["count"]


def test_merges_are_the_recorded_ones() -> None:
    for case in GOLDEN["merge"]:
        registers = empty_registers()
        for name in "ab":
            raise_to(registers, made([bytes.fromhex(each) for each in case[name]]).text())
        value = made([bytes.fromhex(each) for each in case["dest_before"] or []])
        raise_to(registers, value.text())
        found = HyperLogLog(value, head_of(value), 3000)
        found.raise_all(registers)
        found.finish()
        assert value.text().hex() == case["value"]
        assert count_of(value.text()) == case["count"]


def test_a_count_is_kept_until_a_register_rises() -> None:
    value = made([b"a"])
    assert head_of(value)
    assert cached_count(head_of(value)) == -1
    value.write_at(8, (1).to_bytes(8, "little"))
    assert cached_count(head_of(value)) == 1
    found = HyperLogLog(value, head_of(value), 3000)
    assert not found.add(b"a")
    assert found.add(b"b")
    found.finish()
    assert cached_count(head_of(value)) == -1


def test_what_is_no_hyperloglog_is_told() -> None:
    for text in (b"", b"HYLL", b"HYLX" + bytes(20), b"HYLL\x02" + bytes(20), b"HYLL\x00" + bytes(20)):
        value = String()
        value.set_text(text, 2)
        assert not head_of(value)
