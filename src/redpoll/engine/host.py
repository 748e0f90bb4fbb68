"""What the engine asks of the program around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

from redpoll.errors import SHUTDOWN_IN_PROCESS

if TYPE_CHECKING:
    from redpoll.engine.session import Session


@mypyc_attr(allow_interpreted_subclasses=True)
class Host:
    """What the engine asks of the program around it; the server subclasses it."""

    def log(self, message: str) -> None:
        """Write a warning for the operator."""

    def note(self, message: str) -> None:
        """Write what an operator wants to read in a normal life."""

    def shut_down(self, session: Session, who: bytes, words: list[bytes]) -> bytes:
        """End the program in good order, as `who` asks for (a line of CLIENT LIST) with the `words` of SHUTDOWN.

        The error for the client if it is not ending now.
        """
        return SHUTDOWN_IN_PROCESS

    def facts(self) -> dict[str, str]:
        """What INFO says of the program: port, executable, configuration file …"""
        return {}

    def end_by_fault(self, signal: int, last_words: str) -> bool:
        """End the program as a fault would; False where nobody may."""
        return False

    def restart(self, session: Session, who: bytes, delay_ms: i64, orderly: bool) -> bool:
        """Start the program anew after so long, after an orderly end or at once; False if it cannot be."""
        return False

    def listeners(self) -> list[str]:
        """The sockets that clients may come to, as INFO tells them: `name=tcp,bind=127.0.0.1,port=6379`."""
        return []
