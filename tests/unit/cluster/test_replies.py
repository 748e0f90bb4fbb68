"""The replies of a lone node that were captured from Valkey 9.1.2, in `tests/golden/cluster/lone_node.txt`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tests.unit.cluster.seats import Seated

CAPTURED = (Path(__file__).resolve().parents[2] / "golden" / "cluster" / "lone_node.txt").read_text().splitlines()
IDS = re.compile("[0-9a-f]{40}")


def expected(text: str) -> object:
    """A captured reply; `Err(...)` is an error."""
    if text.startswith("Err("):
        return "-" + str(ast.literal_eval(text[3:]))
    return ast.literal_eval(text)


def masked(reply: object) -> object:
    """A reply without the ids, which are random."""
    if isinstance(reply, list):
        return [masked(item) for item in reply]
    if isinstance(reply, bytes):
        return IDS.sub("ID", reply.decode())
    return reply


def test_a_lone_node_answers_as_captured() -> None:
    node = Seated()
    wrong = []
    for line in CAPTURED:
        command, _arrow, reply = line.partition(" -> ")
        said, meant = masked(node.play(command)), masked(expected(reply))
        if said != meant:
            wrong.append(f"{command}\n  captured: {meant}\n  redpoll:  {said}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "line",
    ["CLUSTER NODES", "CLUSTER HELP", "CLUSTER SYNCSLOTS x", "CLUSTER SETSLOT 1 STABLE", "CLUSTERSCAN 0", "ASKING"],
)
def test_a_server_outside_a_cluster_refuses(line: str) -> None:
    node = Seated()
    node.engine.router = None
    assert node.play(line) == "-ERR This instance has cluster support disabled"
