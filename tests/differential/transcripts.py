"""Recorded sessions (tests/golden/*transcripts.json), sent again to both servers: a change of either shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.differential.wire import Word

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def recorded(file: str) -> dict[str, list[dict[str, Any]]]:
    """The steps of each session by its name."""
    return {each["name"]: each["steps"] for each in json.loads((GOLDEN / file).read_text(encoding="utf-8"))}


def words(step: dict[str, Any]) -> list[Word]:
    """The words of a step's command; `{"x": hex}` are bytes."""
    return [bytes.fromhex(word["x"]) if isinstance(word, dict) else word for word in step["c"]]
