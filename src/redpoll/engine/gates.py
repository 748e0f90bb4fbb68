"""The gates: one bit for each condition that can stop a command.

`command.gates & (engine.gates | session.gates)` is the only test for each command.  If it is not 0, `gate.py` makes the
checks in the reference's order.  A bit costs nothing while it is off.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

GATE_NOAUTH: Final[i64] = 1 << 0
"""The session has not authenticated."""
GATE_DEBUG: Final[i64] = 1 << 1
"""DEBUG and loading modules are restricted.  This gate is always on, but only for these rare commands."""
GATE_MULTI: Final[i64] = 1 << 2
"""The session collects a transaction."""
GATE_RULES: Final[i64] = 1 << 3
"""The session's user has restricted permissions (ACL)."""
GATE_CLUSTER: Final[i64] = 1 << 4
"""Keys may belong to another node."""
GATE_OOM: Final[i64] = 1 << 5
"""Memory is over `maxmemory`: each command makes room first, and may be refused."""
GATE_WRITE_DISK: Final[i64] = 1 << 6
"""Saving failed."""
GATE_READONLY: Final[i64] = 1 << 7
"""This is a replica that refuses writes."""
GATE_SUBSCRIBED: Final[i64] = 1 << 8
"""A RESP2 session in subscribed mode."""
GATE_STALE: Final[i64] = 1 << 9
"""A replica without its primary."""
GATE_LOADING: Final[i64] = 1 << 10
"""The data set is being loaded."""
GATE_BUSY: Final[i64] = 1 << 11
"""A script has been running for too long."""
GATE_PAUSE_WRITE: Final[i64] = 1 << 12
"""Clients are paused: writes wait."""
GATE_PAUSE_ALL: Final[i64] = 1 << 13
"""Clients are paused: everything waits."""
GATE_MONITOR: Final[i64] = 1 << 15
"""The session monitors, so it must not use keys."""
GATE_SHOWN: Final[i64] = 1 << 16
"""A client monitors: every command is shown to it."""
GATE_NO_TOUCH: Final[i64] = 1 << 17
"""The session does not update the access clock (CLIENT NO-TOUCH)."""
GATE_FEW_REPLICAS: Final[i64] = 1 << 20
"""Too few replicas are connected for writes."""
GATE_REDIRECT: Final[i64] = 1 << 21
"""The session is to be sent to the primary (CLIENT CAPA redirect on a replica)."""

GATES_IN_EXEC: Final[i64] = GATE_RULES | GATE_SHOWN | GATE_NO_TOUCH
"""The gates that are checked again for each command that EXEC runs.

The others were checked when it was queued, or for EXEC itself.
"""
GATE_PAUSED: Final[i64] = GATE_PAUSE_WRITE | GATE_PAUSE_ALL
