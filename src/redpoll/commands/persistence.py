"""Saving to disk: SAVE and LASTSAVE."""

from __future__ import annotations

from redpoll.catalogue.spec import (
    ADMIN,
    ADMINISTRATIVE,
    DANGEROUS,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
)
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import SAVE_FAILED, CommandError
from redpoll.persistence.saving import save
from redpoll.protocol.reply import OK


@command(
    "save", arity=1, flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI, group="server",
    since="1.0.0", complexity="O(data)", summary="Save all data to the snapshot file; everybody waits.",
)  # fmt: skip
def save_(session: Session, args: list[bytes]) -> object:
    if not save(session.engine):
        raise CommandError(SAVE_FAILED)
    return OK


@command(
    "lastsave", arity=1, flags=LOADING | STALE | FAST, acl=ADMINISTRATIVE | DANGEROUS, group="server",
    tips="nondeterministic_output",
    since="1.0.0", complexity="O(1)", summary="When the data was last saved, or the start of the server if never.",
)  # fmt: skip
def lastsave(session: Session, args: list[bytes]) -> object:
    return session.engine.durability.saved_s
