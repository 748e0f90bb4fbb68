"""Failures of commands that come from the primary or from the append-only file.

Such a command has already succeeded elsewhere, so after a failure the data may differ.  `propagation-error-behavior`
says whether the server goes on.
"""

from __future__ import annotations

from typing import Final

from redpoll.engine.engine import Engine

SIGABRT: Final = 6

FROM_PRIMARY: Final = ("replica", "primary")
FROM_FILE: Final = ("server", "AOF-loading-client")
"""The names of the two ends in the log: the end that runs the command, and the end that has sent it."""


def propagation_failed(engine: Engine, ends: tuple[str, str], name: bytes, why: bytes) -> bool:
    """Count and log a failed command.  Returns whether the server must end; a real server ends before it returns."""
    engine.counters.propagation_errors += 1
    command = name[:64].decode("ascii", "backslashreplace")
    engine.host.log(
        f"== CRITICAL == This {ends[0]} is sending an error to its {ends[1]}: '-{why.decode('utf-8', 'replace')}' "
        f"after processing the command '{command}'"
    )
    config = engine.config
    behavior = config.text(b"propagation-error-behavior")
    if ends is FROM_PRIMARY:
        # The data of a writable replica may differ from its primary's in any case.
        must_end = behavior != b"ignore" and config.flag(b"replica-read-only")
    else:
        must_end = behavior == b"panic"
    if not must_end:
        return False
    engine.host.log("This server panics, as propagation-error-behavior says.")
    engine.host.end_by_fault(SIGABRT, "")
    return True
