"""The interface of the program around the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

from redpoll.errors import SHUTDOWN_IN_PROCESS

if TYPE_CHECKING:
    from redpoll.engine.remotes import Remote
    from redpoll.engine.session import Session


@mypyc_attr(allow_interpreted_subclasses=True)
class Host:
    """The interface of the program around the engine.  The server subclasses it."""

    def log(self, message: str) -> None:
        """Log a warning."""

    def note(self, message: str) -> None:
        """Log a notice."""

    def line(self, level: int, message: str) -> None:
        """Log a line of a level: 0 debug, 1 verbose, 2 notice, 3 warning."""

    def serve(self) -> bool:
        """Serve clients while a script runs; return False if the program is ending."""
        return True

    def shut_down(self, session: Session, who: bytes, words: list[bytes]) -> bytes:
        """Shut the program down; `who` is the client that asks for it (a line of CLIENT LIST), `words` of SHUTDOWN.

        Return the error for the client if the program is not ending.  It may still wait (`waits_to_end`).
        """
        return SHUTDOWN_IN_PROCESS

    def waits_to_end(self) -> bool:
        """Whether the program will end when its replicas have all data."""
        return False

    def go_on(self) -> bool:
        """Do not end after all; return False if the program is not waiting to end."""
        return False

    def give_up(self, last_words: str) -> None:
        """End the program at once: data that was promised to be on disk cannot be written."""
        self.log(last_words)
        raise OSError(last_words)

    def facts(self) -> dict[str, str]:
        """Facts about the program for INFO: port, executable, configuration file …"""
        return {}

    def end_by_fault(self, signal: int, last_words: str) -> bool:
        """End the program as a fault would; return False if that is not allowed."""
        return False

    def restart(self, session: Session, who: bytes, delay_ms: i64, orderly: bool) -> bool:
        """Restart the program after a delay, after a shutdown or at once; return False if that is not possible."""
        return False

    def give_memory_back(self) -> bool:
        """Have the allocator return what it keeps free to the system, soon; False if the caller has to do it."""
        return False

    def connect(self, host: bytes, port: bytes, timeout_ms: i64) -> Remote | None:
        """Connect to another server; None if the program has no sockets.  Raises RemoteError."""
        return None

    def serve_while_loading(self) -> bool:
        """Answer other clients for a moment, because a command loads a file; return False if the program is to end."""
        return True

    def listeners(self) -> list[str]:
        """The listening sockets, as INFO shows them: `name=tcp,bind=127.0.0.1,port=6379`."""
        return []
