"""LASTSAVE on a server that saves nothing yet."""

from __future__ import annotations

from redpoll.catalogue.spec import ADMINISTRATIVE, DANGEROUS, FAST, LOADING, STALE
from redpoll.engine.command import command
from redpoll.engine.session import Session


@command(
    "lastsave", arity=1, flags=LOADING | STALE | FAST, acl=ADMINISTRATIVE | DANGEROUS, group="server",
    tips="nondeterministic_output",
    since="1.0.0", complexity="O(1)",
    summary="Return when the data was last saved, as Unix time; the start of the server if never.",
)  # fmt: skip
def lastsave(session: Session, args: list[bytes]) -> object:
    return session.engine.started_us // 1000000
