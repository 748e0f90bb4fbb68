"""The gates: one bit for each precondition that can hold a command up.

`command.gates & (engine.gates | session.gates)` is the only test on the way of a command; behind it `gate.py` checks
them in the reference's order.  A bit costs nothing while it is off.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

GATE_NOAUTH: Final[i64] = 1 << 0
"""The session has not authenticated."""
GATE_DEBUG: Final[i64] = 1 << 1
"""DEBUG and loading modules are not allowed to everybody: always on, for commands that are rare."""
GATE_MULTI: Final[i64] = 1 << 2
"""The session collects a transaction."""
GATE_RULES: Final[i64] = 1 << 3
"""The session's user may not do everything (ACL)."""
GATE_CLUSTER: Final[i64] = 1 << 4
"""Keys may belong to another node."""
GATE_OOM: Final[i64] = 1 << 5
"""Memory is over `maxmemory`: each command makes room first, and may be refused."""
GATE_WRITE_DISK: Final[i64] = 1 << 6
"""Saving failed, or too few replicas are in touch."""
GATE_READONLY: Final[i64] = 1 << 7
"""This is a replica that takes no writes."""
GATE_SUBSCRIBED: Final[i64] = 1 << 8
"""A RESP2 session in subscribed mode."""
GATE_STALE: Final[i64] = 1 << 9
"""A replica without its primary."""
GATE_LOADING: Final[i64] = 1 << 10
"""The data set is being loaded."""
GATE_BUSY: Final[i64] = 1 << 11
"""A script runs for too long."""
GATE_PAUSE_WRITE: Final[i64] = 1 << 12
"""Clients are paused: writes wait."""
GATE_PAUSE_ALL: Final[i64] = 1 << 13
"""Clients are paused: everything waits."""
GATE_MONITOR: Final[i64] = 1 << 15
"""The session is a MONITOR's: keys are not for it."""
GATE_SHOWN: Final[i64] = 1 << 16
"""Somebody monitors: commands that run are shown."""
GATE_NO_TOUCH: Final[i64] = 1 << 17
"""The session leaves the access clock alone (CLIENT NO-TOUCH)."""

GATES_IN_EXEC: Final[i64] = GATE_RULES | GATE_SHOWN | GATE_NO_TOUCH
"""What is asked anew of each command that EXEC runs; the rest was asked when it was queued, or of EXEC itself."""
GATE_PAUSED: Final[i64] = GATE_PAUSE_WRITE | GATE_PAUSE_ALL
