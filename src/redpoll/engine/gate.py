"""The checks before a command, one for each gate, in the reference's order (spec/server.md, section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.catalogue.spec import DENYOOM, NO_MULTI, STALE, WRITE
from redpoll.engine.command import RUNS_SCRIPTS, Command
from redpoll.engine.gates import (
    GATE_BUSY,
    GATE_CLUSTER,
    GATE_DEBUG,
    GATE_FEW_REPLICAS,
    GATE_LOADING,
    GATE_MONITOR,
    GATE_MULTI,
    GATE_NOAUTH,
    GATE_OOM,
    GATE_PAUSE_WRITE,
    GATE_PAUSED,
    GATE_READONLY,
    GATE_REDIRECT,
    GATE_STALE,
    GATE_SUBSCRIBED,
    GATE_WRITE_DISK,
)
from redpoll.engine.routing import misplaced
from redpoll.engine.session import Session, Transaction
from redpoll.errors import (
    DEBUG_NOT_ALLOWED,
    FEW_REPLICAS,
    MODULE_NOT_ALLOWED,
    NO_KEYS_FOR_MONITORS,
    NO_KEYS_FOR_REPLICAS,
    NO_ROOM,
    NOAUTH,
    READONLY,
    STALE_REPLICA,
    cannot_append,
    cannot_save,
    loading,
    not_in_transaction,
    only_for_subscribers,
    redirect,
)
from redpoll.protocol.reply import QUEUED, Marker

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine

RUN_IN_MULTI: Final = frozenset((b"exec", b"discard", b"multi", b"watch", b"quit", b"reset"))

OF_QUEUED: Final[i64] = GATE_FEW_REPLICAS | GATE_READONLY | GATE_REDIRECT | GATE_STALE
"""The gates that EXEC has for its commands."""

OF_SCRIPTS: Final[i64] = GATE_WRITE_DISK | GATE_FEW_REPLICAS | GATE_READONLY | GATE_STALE
"""The gates that depend on the script that a command runs."""

MAY_RUN: Final = Marker("may run")


def check(engine: Engine, session: Session, command: Command, args: list[bytes], gates: i64) -> object:
    """Check the closed gates.

    Returns MAY_RUN, or the reply of the first one that stops the command: an error, QUEUED or BLOCKED.
    """
    if gates & GATE_NOAUTH:
        return engine.refuse(session, command, NOAUTH)
    if gates & GATE_DEBUG:
        if command.name == b"debug":
            if not engine.allows_debug(session):
                return engine.refuse(session, command, DEBUG_NOT_ALLOWED)
        elif not engine.allows_modules(session):
            return engine.refuse(session, command, MODULE_NOT_ALLOWED)
    flags = command.spec.flags
    if command.name in RUNS_SCRIPTS:
        flags, gates = script_checks(engine, command, args, gates)
    transaction = session.transaction
    if command.name == b"exec" and gates & OF_QUEUED != 0:
        # EXEC meets these gates if one of its commands does.
        gates &= ~OF_QUEUED | (transaction.gates if transaction is not None else i64(0))
        if gates == 0:
            return MAY_RUN
    if transaction is not None and command.flag(NO_MULTI):
        return engine.refuse(session, command, not_in_transaction(command.name))
    if gates & GATE_CLUSTER:
        moved = misplaced(engine, session, command, args)
        if moved is not None:
            return moved
    if gates & GATE_REDIRECT and not (session.readonly and not writes(transaction, command)):
        if engine.role.failing_over() and session.may_block:
            return engine.pause.postpone(session, command, args)
        return engine.refuse(session, command, redirect(engine.role.primary_address()))
    if gates & GATE_OOM and not engine.eviction.make_room() and asks_for_memory(transaction, command, flags):
        return engine.refuse(session, command, NO_ROOM)
    if gates & GATE_WRITE_DISK:
        return engine.refuse(session, command, disk_error(engine))
    if gates & GATE_FEW_REPLICAS:
        return engine.refuse(session, command, FEW_REPLICAS)
    if gates & GATE_READONLY:
        return engine.refuse(session, command, READONLY)
    if gates & GATE_SUBSCRIBED:
        return engine.refuse(session, command, only_for_subscribers(command.name))
    if gates & GATE_STALE:
        return engine.refuse(session, command, STALE_REPLICA)
    if gates & GATE_LOADING:
        return engine.refuse(session, command, loading(engine.options.extended_redis_compatibility))
    if gates & GATE_MONITOR and session.is_replica():
        return engine.refuse(session, command, NO_KEYS_FOR_REPLICAS)
    if gates & GATE_BUSY and not is_emergency(command, args):
        return engine.refuse(session, command, engine.busy_text())
    if gates & GATE_MONITOR:
        return engine.refuse(session, command, NO_KEYS_FOR_MONITORS)
    if gates & GATE_PAUSED and engine.pause.holds(session, command):
        return engine.pause.postpone(session, command, args)
    if transaction is not None and gates & GATE_MULTI and command.name not in RUN_IN_MULTI:
        if not transaction.spoiled and not session.watch_broken:
            # A transaction that has failed already need not queue more commands.
            transaction.queued.append(args)
            if engine.options.maxmemory_clients != 0:
                for word in args:
                    transaction.size += len(word)
            if engine.outliers.weighing:
                transaction.weighed = True
            if command.name in RUNS_SCRIPTS:
                # What the script may do is checked when EXEC runs it.
                transaction.gates |= command.gates & ~OF_SCRIPTS
            else:
                transaction.gates |= command.gates
            if flags & DENYOOM != 0:
                transaction.asks_for_memory = True
        session.last_command = command.name
        return QUEUED
    return MAY_RUN


def writes(transaction: Transaction | None, command: Command) -> bool:
    """Whether a command writes; EXEC does if one of those queued does."""
    if command.name == b"exec":
        return transaction is not None and transaction.gates & GATE_READONLY != 0
    return command.flag(WRITE)


def disk_error(engine: Engine) -> bytes:
    """Why writes are refused: the last snapshot failed, or else the append-only file cannot be written."""
    log = engine.durability.append_only
    if log is not None and log.trouble and (engine.durability.last_save_worked or not engine.config.words(b"save")):
        return cannot_append(log.trouble.encode())
    return cannot_save(engine.options.extended_redis_compatibility)


def script_checks(engine: Engine, command: Command, args: list[bytes], gates: i64) -> tuple[i64, i64]:
    """The flags of EVAL and its relatives as the script that they name gives them, and the gates that apply.

    A script without flags of its own is checked call by call while it runs.
    """
    scripts = engine.scripts
    flags: i64 = scripts.flags_for(command, args) if scripts is not None else i64(-1)
    if flags < 0:
        # A script that is not known, or names no flags, waits like a write, but is not refused beforehand.
        return command.spec.flags, gates & ~OF_SCRIPTS
    if flags & WRITE == 0:
        gates &= ~(GATE_WRITE_DISK | GATE_FEW_REPLICAS | GATE_READONLY | GATE_PAUSE_WRITE)
    if flags & STALE != 0:
        gates &= ~GATE_STALE
    return flags, gates


def is_emergency(command: Command, args: list[bytes]) -> bool:
    """Whether it is SHUTDOWN NOSAVE, which runs even while a script does."""
    return command.name == b"shutdown" and len(args) == 2 and args[1].upper() == b"NOSAVE"


def write_complaint(engine: Engine, gates: i64) -> bytes:
    """Why a script may not write now: the text for the first of the closed gates; empty if it may."""
    if gates & GATE_READONLY != 0:
        return READONLY
    if gates & GATE_WRITE_DISK != 0:
        return disk_error(engine)
    if gates & GATE_FEW_REPLICAS != 0:
        return FEW_REPLICAS
    return b""


def asks_for_memory(transaction: Transaction | None, command: Command, flags: i64) -> bool:
    """Whether a command may take more memory; EXEC may if one of those queued may."""
    if command.name == b"exec":
        return transaction is not None and transaction.asks_for_memory
    return flags & DENYOOM != 0
