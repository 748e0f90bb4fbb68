"""The interface of the program around the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

from redpoll.errors import CANNOT_CONNECT, SHUTDOWN_IN_PROCESS, CommandError

if TYPE_CHECKING:
    from redpoll.engine.session import Session


@mypyc_attr(allow_interpreted_subclasses=True)
class Host:
    """The interface of the program around the engine.  The server subclasses it."""

    def log(self, message: str) -> None:
        """Log a warning."""

    def note(self, message: str) -> None:
        """Log a notice."""

    def shut_down(self, session: Session, who: bytes, words: list[bytes]) -> bytes:
        """Shut the program down; `who` is the client that asks for it (a line of CLIENT LIST), `words` of SHUTDOWN.

        Return the error for the client if the program is not ending now.
        """
        return SHUTDOWN_IN_PROCESS

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

    def converse(self, host: bytes, port: bytes, requests: bytes, replies: int, timeout_ms: int) -> list[bytes]:
        """Send requests to another server and wait for so many replies of one line each.  Raises CommandError."""
        raise CommandError(CANNOT_CONNECT)

    def listeners(self) -> list[str]:
        """The listening sockets, as INFO shows them: `name=tcp,bind=127.0.0.1,port=6379`."""
        return []
