"""The hash of HyperLogLogs, against recorded ones."""

from __future__ import annotations

import json
from pathlib import Path

from redpoll.structures.murmur import murmur64

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "hyperloglog.json"


def test_hashes_are_the_recorded_ones() -> None:
    for case in json.loads(GOLDEN.read_text(encoding="utf-8"))["hash"]:
        found = int(murmur64(bytes.fromhex(case["element"])))
        assert f"{found & 0xFFFFFFFFFFFFFFFF:016x}" == case["hash"]
