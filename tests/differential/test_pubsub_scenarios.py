"""Scenarios of several clients, recorded from the reference (tests/golden/pubsub.json), played against ours.

A step is a command, or several in one write, of one client; `got` has what each client then receives.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.differential.servers import ROOT, Server
from tests.differential.wire import ConnectionClosedError, Reply, Wire, encode

SCENARIOS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "golden" / "pubsub.json").read_text())
WAITING = ("EVAL", "EVAL_RO", "ACL")
"""Commands that are not there yet: their scenarios wait."""
END = "the end of a scenario"


def commands(step: dict[str, Any]) -> list[list[Any]]:
    if "do" in step:
        return [step["do"]]
    return list(step.get("pipe", []))


def is_playable(scenario: dict[str, Any]) -> bool:
    return not any(words[0] in WAITING for step in scenario["steps"] for words in commands(step))


def frame_of(reply: Reply) -> Any:
    """A frame as the scenarios write it."""
    kind = reply.kind
    text = None if reply.text is None else reply.text.decode("latin-1")
    items = [frame_of(item) for item in reply.items]
    if kind == ":":
        return reply.integer
    if kind in "+-":
        return {"s" if kind == "+" else "e": text}
    if kind == "*":
        return {"nil": "array"} if text is None else items
    if kind == "%":
        return {"map": [[items[n], items[n + 1]] for n in range(0, len(items), 2)]}
    if kind in ">~":
        return {"push" if kind == ">" else "set": items}
    return {"v": text} if kind == "=" else text


def atoms(frames: Any) -> Counter[Any]:
    """The leaves of frames, how often each."""
    if isinstance(frames, dict):
        return Counter([str(sorted(frames))]) + atoms(list(frames.values()))
    if isinstance(frames, list):
        total: Counter[Any] = Counter()
        for frame in frames:
            total += atoms(frame)
        return total
    return Counter([frames])


class Cast:
    """The clients of a scenario."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.wires: dict[str, Wire] = {}
        self.ids: dict[str, int] = {}
        self.gone: set[str] = set()

    def open(self, name: str, resp: int) -> None:
        wire = Wire(self.port)
        self.wires[name] = wire
        wire.send(encode(("HELLO", resp)))
        flat = [item.text for item in wire.read().items]
        self.ids[name] = int(flat[flat.index(b"id") + 1] or b"")

    def send(self, name: str, lines: list[list[Any]]) -> None:
        data = b""
        for line in lines:
            words = [self.ids[word["id"]] if isinstance(word, dict) else word for word in line]
            data += encode(tuple(word.encode("latin-1") if isinstance(word, str) else word for word in words))
        self.wires[name].send(data)

    def receive(self, name: str, count: int) -> list[Any]:
        found: list[Any] = []
        while len(found) < count:
            try:
                found.append(frame_of(self.wires[name].next_frame()))
            except (ConnectionClosedError, ConnectionResetError):
                self.gone.add(name)
                found.append({"closed": True})
                break
        return found

    def rest(self, name: str) -> list[Any]:
        """What came of which no step tells."""
        self.send(name, [["PING", END]])
        found: list[Any] = []
        while True:
            frame = frame_of(self.wires[name].next_frame())
            if frame in (END, ["pong", END]):
                return found
            found.append(frame)

    def close(self) -> None:
        for wire in self.wires.values():
            wire.close()


@pytest.fixture
def cast(servers: tuple[Server, Server]) -> Iterator[Cast]:
    made = Cast(servers[1].port)
    admin = Wire(made.port)
    admin.send(encode(("FLUSHALL",)))
    admin.read()
    yield made
    made.close()
    admin.send(encode(("CONFIG", "SET", "notify-keyspace-events", "")))
    admin.read()
    admin.close()


def test_every_scenario_is_played_that_needs_no_script_and_no_acl() -> None:
    waiting = [scenario["name"] for scenario in SCENARIOS if not is_playable(scenario)]
    assert waiting == ["own-message-script", "script-commands", "output-limit", "acl-channels"]


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if is_playable(s)], ids=lambda s: s["name"])
def test_scenario(cast: Cast, scenario: dict[str, Any]) -> None:
    for name, value in scenario.get("config", {}).items():
        cast.open("admin", 2)
        cast.send("admin", [["CONFIG", "SET", name, value]])
        assert cast.receive("admin", 1) == [{"s": "OK"}]
    for name, resp in scenario["clients"].items():
        cast.open(name, resp)
    for number, step in enumerate(scenario["steps"]):
        name = step.get("c", "")
        if "open" in step:
            cast.open(step["open"], step["resp"])
        elif "close" in step:
            cast.wires.pop(step["close"]).close()
            wait_until_gone(cast, cast.ids[step["close"]])
        elif name:
            cast.send(name, commands(step))
        for who, expected in step.get("got", {}).items():
            found = cast.receive(who, len(expected))
            where = f"{scenario['name']}, step {number}, {who}: {step}"
            if who in step.get("unordered", []):
                assert atoms(found) == atoms(expected), where
            elif who not in step.get("varies", []):
                assert found == expected, where
    silent = "reply-off" in scenario["name"]
    for who in cast.wires:
        if who not in cast.gone and not silent:
            assert cast.rest(who) == [], f"{scenario['name']}: {who} got more than it should"


def wait_until_gone(cast: Cast, number: int) -> None:
    """Return when the server has seen that a client hung up."""
    if "watcher" not in cast.wires:
        cast.open("watcher", 2)
    found: list[Any] = [None]
    while found != [""]:
        cast.send("watcher", [["CLIENT", "LIST", "ID", str(number)]])
        found = cast.receive("watcher", 1)
