"""What replication needs from the program around it: connections that it opens, and time for others while it loads.

`net/` implements this with sockets; a simulation implements it in memory.
"""

from __future__ import annotations

from mypy_extensions import mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Receiver:
    """The owner of an outgoing connection."""

    def connected(self) -> None:
        """The connection is open."""

    def received(self, data: bytes) -> None:
        """Bytes have come."""

    def lost(self, reason: str) -> None:
        """The connection has failed or was closed by the other end.  Nothing more will come."""

    def drained(self) -> None:
        """Bytes that had to wait are sent, or `Wire.ask_writable` has asked for this call."""

    def counts_as_primary(self) -> bool:
        """Whether the traffic counts as traffic of the link to the primary."""
        return True

    def purpose(self) -> str:
        """Whom the connection reaches, for the log."""
        return "PRIMARY"


@mypyc_attr(allow_interpreted_subclasses=True)
class Wire:
    """An outgoing connection."""

    def send(self, data: bytes) -> None:
        """Send bytes, some of them later if the other end is slow."""

    def backlog(self) -> int:
        """Bytes that the connection has not taken yet."""
        return 0

    def ask_writable(self) -> None:
        """Call `Receiver.drained` when the connection takes bytes, after others have had their turn."""

    def pause(self, paused: bool) -> None:
        """Stop receiving, or go on."""

    def close(self) -> None:
        """Close the connection.  The receiver gets no call."""

    def address(self) -> bytes:
        """`ip:port` of the other end."""
        return b"?:0"

    def local_address(self) -> bytes:
        return b"?:0"

    def descriptor(self) -> int:
        return -1


@mypyc_attr(allow_interpreted_subclasses=True)
class Errand:
    """Work that waits until the present command is over."""

    def run_errand(self) -> None:
        """Do the work."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Network:
    """Opens connections.  This base class cannot: an engine inside a program has no network."""

    def can_dial(self) -> bool:
        return False

    def dial(self, host: bytes, port: int, receiver: Receiver) -> Wire | None:
        """Begin to connect; None if that is impossible.  The receiver gets no call before this returns."""
        return None

    def soon(self, errand: Errand) -> None:
        """Run an errand after the present command."""
        errand.run_errand()

    def pump(self, wait: bool) -> bool:
        """Serve others for a moment; with `wait` until something happens.  False if the program is ending."""
        return True

    def own_port(self) -> int:
        """The port on which this server listens."""
        return 0
