"""What is checked before a script or a function with flags of its own runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64

from redpoll.engine.gates import GATE_FEW_REPLICAS, GATE_OOM, GATE_READONLY, GATE_STALE, GATE_WRITE_DISK
from redpoll.errors import FEW_REPLICAS, CommandError
from redpoll.protocol.numbers import NO_INT, is_int, to_int
from redpoll.script_errors import (
    BAD_FUNCTION_KEYS,
    NEGATIVE_SCRIPT_KEYS,
    SCRIPT_IN_CLUSTER,
    SCRIPT_ON_REPLICA,
    SCRIPT_ON_STALE,
    SCRIPT_OVER_LIMIT,
    SCRIPT_WITH_WRITES,
    TOO_MANY_SCRIPT_KEYS,
    script_cannot_save,
)
from redpoll.scripting.shebang import ALLOW_OOM, ALLOW_STALE, NO_CLUSTER, NO_WRITES

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine


def refuse_by_flags(engine: Engine, flags: i64) -> None:
    """Refuse a script by its flags.  The gates did the same before, if they knew the script.  Raises CommandError."""
    if flags & NO_CLUSTER != 0 and engine.router is not None:
        raise CommandError(SCRIPT_IN_CLUSTER)
    gates = engine.gates
    if gates & GATE_STALE != 0 and flags & ALLOW_STALE == 0:
        raise CommandError(SCRIPT_ON_STALE)
    if flags & NO_WRITES != 0:
        return
    if gates & GATE_READONLY != 0:
        raise CommandError(SCRIPT_ON_REPLICA)
    if gates & GATE_OOM != 0 and flags & ALLOW_OOM == 0 and not engine.eviction.make_room():
        raise CommandError(SCRIPT_OVER_LIMIT)
    if gates & GATE_WRITE_DISK != 0:
        raise CommandError(script_cannot_save(engine.options.extended_redis_compatibility))
    if gates & GATE_FEW_REPLICAS != 0:
        raise CommandError(FEW_REPLICAS)


def keys_of_call(engine: Engine, args: list[bytes], flags: i64, read_only: bool) -> i64:
    """The number of keys of FCALL, after all checks of the call of a function with `flags`.  Raises CommandError."""
    count = to_int(args[2])
    if count == NO_INT and not is_int(args[2]):
        raise CommandError(BAD_FUNCTION_KEYS)
    if count > len(args) - 3:
        raise CommandError(TOO_MANY_SCRIPT_KEYS)
    if count < 0:
        raise CommandError(NEGATIVE_SCRIPT_KEYS)
    if read_only and flags & NO_WRITES == 0:
        raise CommandError(SCRIPT_WITH_WRITES)
    refuse_by_flags(engine, flags)
    return count
