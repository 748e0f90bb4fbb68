"""Failures of commands that come from the primary or from the append-only file.

Such a command has already succeeded elsewhere, so after a failure the data may differ.  `propagation-error-behavior`
says whether the server goes on.
"""

from __future__ import annotations

from typing import Final

from redpoll.engine.engine import Engine

SIGABRT: Final = 6


def propagation_failed(engine: Engine, of_primary: bool, name: bytes, why: bytes) -> bool:
    """Count and log a failed command of the primary, or else of the append-only file.

    Returns whether the server must end; a real server ends before this returns.
    """
    engine.counters.propagation_errors += 1
    ends = "replica is sending an error to its primary"
    if not of_primary:
        ends = "server is sending an error to its AOF-loading-client"
    command = name[:64].decode("ascii", "backslashreplace")
    engine.host.log(
        f"== CRITICAL == This {ends}: '-{why.decode('utf-8', 'replace')}' after processing the command '{command}'"
    )
    config = engine.config
    behavior = config.text(b"propagation-error-behavior")
    if of_primary:
        # The data of a writable replica may differ from its primary's in any case.
        must_end = behavior != b"ignore" and config.flag(b"replica-read-only")
    else:
        must_end = behavior == b"panic"
    if not must_end:
        return False
    engine.host.log("This server panics, as propagation-error-behavior says.")
    engine.host.end_by_fault(SIGABRT, "")
    return True
