"""`redpoll cluster` as a test calls it, and nodes for it."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass

import pytest
from tests.differential.cluster_nodes import Member

from redpoll.cli.main import main


@dataclass
class Outcome:
    status: int
    out: str
    err: str


def manage(*words: object, typed: str = "") -> Outcome:
    """Run `redpoll cluster` in this process, with `typed` as its input."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "stdin", io.StringIO(typed))
        try:
            status = main(["cluster", *map(str, words)])
        except SystemExit as end:
            status = int(end.code or 0)
    return Outcome(status, out.getvalue(), err.getvalue())


def managed(*words: object) -> str:
    """As `manage`, when it must succeed: what it shows."""
    done = manage(*words)
    assert (done.status, done.err) == (0, ""), done
    return done.out


def node(of_redpoll: bool, *options: str) -> Member:
    """A server that is ready to join a cluster."""
    return Member(of_redpoll, "--repl-diskless-sync-delay", "0", *options)


def place(member: Member) -> str:
    return f"127.0.0.1:{member.server.port}"


def tag_of(slot: int) -> str:
    """The shortest number whose hash tag is in the slot."""
    from redpoll.keyspace.slots import key_slot

    return next(f"{n}" for n in range(1_000_000) if key_slot(b"%d" % n) == slot)
