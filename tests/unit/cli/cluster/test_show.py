"""Tables, progress and replies as text."""

from __future__ import annotations

import io
import sys

import pytest

from redpoll.cli.cluster.everywhere import shown
from redpoll.cli.cluster.show import Meter, agreed, table
from redpoll.cli.cluster.words import Refusal
from redpoll.cli.resp import ServerComplaint


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table([["node", "keys"], ["h:1", "12"], ["h:7000", "5"]], right=(1,)) == [
        "node    keys", "h:1       12", "h:7000     5",
    ]  # fmt: skip


def test_progress_has_a_bar_counts_and_an_estimate() -> None:
    meter = Meter("moving", 200)
    meter.advance(50, 1234)
    line = meter.line(meter.started + 2)
    assert line == "moving  [#######.....................]  25 %  50 of 200 slots  1,234 keys  6 s left"
    assert Meter("moving", 0).line(0).startswith("moving  [############################] 100 %  0 of 0 slots")


def test_replies_are_shown_without_what_a_terminal_would_obey() -> None:
    assert shown(b"PONG") == "PONG"
    assert shown(5) == "5"
    assert shown(None) == "(nil)"
    assert shown(ServerComplaint("ERR no")) == "(error) ERR no"
    assert shown(b"a\x1b[2J\xff") == "a\\x1b[2J\\xff"
    assert shown([b"a", [1, None], []]) == "\n1) a\n2) 1) 1\n  2) (nil)\n3) (empty)"
    assert shown(b"a:1\r\nb:2\r\n") == "\na:1\nb:2"


@pytest.mark.parametrize(
    ("typed", "told"), [("no\n", "nothing was changed$"), ("\n", "nothing was changed$"), ("", "nobody to ask")]
)
def test_only_yes_is_an_agreement(monkeypatch: pytest.MonkeyPatch, typed: str, told: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    with pytest.raises(Refusal, match=told):
        agreed("Move?", yes=False)
    agreed("Move?", yes=True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(" Yes\n"))
    agreed("Move?", yes=False)
