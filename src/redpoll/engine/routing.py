"""Where keys live when this engine is a node of a cluster.  The cluster room subclasses `Router`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from redpoll.keyspace.slots import SLOTS
from redpoll.protocol.reply import Error

if TYPE_CHECKING:
    from redpoll.engine.command import Command
    from redpoll.engine.engine import Engine
    from redpoll.engine.session import Session


NOTHING_SERVED: Final = bytes(int(SLOTS))


class SlotArrival:
    """An import of slots that was running when a snapshot was made."""

    def __init__(self, name: bytes, ranges: list[tuple[int, int]]) -> None:
        self.name = name
        self.ranges = ranges


@mypyc_attr(allow_interpreted_subclasses=True)
class Router:
    """See the module's docstring.  An engine outside a cluster has none."""

    def refusal(self, session: Session, command: Command, args: list[bytes]) -> bytes:
        """Why a command with keys must not run here: a redirection or another error.  Empty if it may run."""
        return b""

    def slot(self, command: Command, args: list[bytes]) -> i64:
        """The slot of a command's keys; -1 if it has none."""
        return -1

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT: the statistics of slots go to zero."""

    def arrivals(self) -> list[SlotArrival]:
        """The imports of slots that are running, for a snapshot."""
        found: list[SlotArrival] = []
        return found

    def load_begins(self) -> None:
        """The data is gone, and a snapshot of the primary is about to be loaded in its place."""

    def loaded(self, arrivals: list[SlotArrival]) -> None:
        """A snapshot was loaded.  When it was made, these imports were running, and no others."""

    def flushed(self) -> None:
        """All keys of a database are about to be deleted by a client."""

    def publish(self, channel: bytes, payload: bytes, shard: bool) -> None:
        """Spread a message of PUBLISH or SPUBLISH to other nodes."""


def arrivals_of(engine: Engine) -> list[SlotArrival] | None:
    """The imports of slots that are running; None outside a cluster."""
    router = engine.router
    return router.arrivals() if router is not None else None


def misplaced(engine: Engine, session: Session, command: Command, args: list[bytes]) -> Error | None:
    """The reply if another node has the keys of a command; None if it may run here."""
    router = engine.router
    if router is None:
        return None
    text = router.refusal(session, command, args)
    if not text:
        return None
    if command.name == b"exec":
        # Its reply is the redirection itself, and the transaction is over.
        session.last_command = command.name
        engine.counters.rejected[command.index] += 1
        engine.end_transaction(session)
        refused = Error(text)
        engine.counters.error(text)
        return refused
    return engine.refuse(session, command, text)
