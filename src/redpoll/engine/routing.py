"""Where keys live when this engine is a node of a cluster.  The cluster room subclasses `Router`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import mypyc_attr

if TYPE_CHECKING:
    from redpoll.engine.command import Command
    from redpoll.engine.session import Session


@mypyc_attr(allow_interpreted_subclasses=True)
class Router:
    """See the module's docstring.  An engine outside a cluster has none."""

    def refusal(self, session: Session, command: Command, args: list[bytes]) -> bytes:
        """Why a command with keys must not run here: a redirection or another error.  Empty if it may run."""
        return b""

    def publish(self, channel: bytes, payload: bytes, shard: bool) -> None:
        """Spread a message of PUBLISH or SPUBLISH to other nodes."""
