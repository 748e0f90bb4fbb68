"""The exit status of `redpoll cluster` when a subcommand is refused, interrupted, or loses its reader."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from redpoll.cli.cluster.main import COMMANDS, main
from redpoll.cli.cluster.words import Refusal


def raising(error: BaseException) -> Callable[[list[str]], int]:
    def command(_words: list[str]) -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (Refusal("no node"), 1, "redpoll cluster fix: no node\n"),
        (
            KeyboardInterrupt(),
            130,
            "\nredpoll cluster fix: interrupted. If slots were moving, one may be open: redpoll cluster check shows it, "
            "and redpoll cluster fix closes it\n",
        ),
    ],
)
def test_the_end_of_a_subcommand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, status: int, told: str
) -> None:
    monkeypatch.setitem(COMMANDS, "fix", raising(error))
    assert main(["fix", "h:1"]) == status
    assert capsys.readouterr() == ("", told)


def test_a_word_that_is_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rebalnce"]) == 2
    assert "did you mean 'rebalance'?" in capsys.readouterr().err
