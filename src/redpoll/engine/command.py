"""A command is a spec and a handler; `@command` declares both in one place, and CATALOGUE holds them all.

All engines of a process share the catalogue.  It has no counters: calls, times and errors are kept by each engine,
indexed by `Command.index`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.catalogue.keyspec import KeyRange, KeySpec
from redpoll.catalogue.spec import (
    ADMIN,
    ALLOW_BUSY,
    LOADING,
    NO_AUTH,
    READONLY,
    SKIP_MONITOR,
    STALE,
    WRITE,
    Spec,
)
from redpoll.engine.gates import (
    GATE_BUSY,
    GATE_CLUSTER,
    GATE_DEBUG,
    GATE_FEW_REPLICAS,
    GATE_LOADING,
    GATE_MONITOR,
    GATE_MULTI,
    GATE_NO_TOUCH,
    GATE_NOAUTH,
    GATE_OOM,
    GATE_PAUSE_ALL,
    GATE_PAUSE_WRITE,
    GATE_READONLY,
    GATE_REDIRECT,
    GATE_RULES,
    GATE_SHOWN,
    GATE_STALE,
    GATE_SUBSCRIBED,
    GATE_WRITE_DISK,
)
from redpoll.engine.session import Session

Function = Callable[[Session, list[bytes]], object]


@mypyc_attr(acyclic=True)
class Handler:
    """What runs a command.  The handler of a command that clients send often is a subclass.

    Compiled code calls a method of its own classes in 10 instructions.  It calls a function that `@command` decorates
    as a Python object, in 140.
    """

    def run(self, session: Session, args: list[bytes]) -> object:
        """Run the command; return the reply value.  Raises CommandError."""
        raise NotImplementedError


@mypyc_attr(acyclic=True)
class Plain(Handler):
    """A function as a handler: that of most commands."""

    def __init__(self, function: Function) -> None:
        self.function: Final = function

    def run(self, session: Session, args: list[bytes]) -> object:
        return self.function(session, args)


class Command:
    """A command: its spec and its handler."""

    def __init__(self, spec: Spec, handler: Function | Handler, index: i64) -> None:
        self.spec: Final = spec
        self.handler: Final[Handler] = handler if isinstance(handler, Handler) else Plain(handler)
        self.index: i64 = index
        self.arity: i64 = spec.arity
        self.gates: i64 = gates_of(spec)
        self.key_at: i64 = only_key_at(spec)
        """The index of the key in the arguments, if there is always exactly one; else 0."""
        self.subcommands: dict[bytes, Command] | None = None
        self.container: Command | None = None

    @property
    def name(self) -> bytes:
        return self.spec.name

    def flag(self, flag: i64) -> bool:
        return self.spec.flags & flag != 0


MAY_REPLICATE: Final = (b"publish", b"spublish", b"pfcount", b"eval", b"evalsha", b"fcall")
"""Commands without the write flag that may still be replicated."""


RUNS_SCRIPTS: Final = (b"eval", b"evalsha", b"fcall", b"eval_ro", b"evalsha_ro", b"fcall_ro")
"""Commands that run a script."""

FOR_SUBSCRIBERS: Final = (
    b"subscribe", b"unsubscribe", b"psubscribe", b"punsubscribe", b"ssubscribe", b"sunsubscribe",
    b"ping", b"quit", b"reset",
)  # fmt: skip
"""What a RESP2 client may send in subscribed mode."""


def only_key_at(spec: Spec) -> i64:
    """The index of a command's only key; 0 if it may have several or none."""
    if len(spec.keys) == 1:
        only = spec.keys[0]
        if isinstance(only, KeyRange) and only.first == only.last:
            return only.first
    return 0


def gates_of(spec: Spec) -> i64:
    """The gates that may stop a command.  `engine/gate.py` has the checks."""
    flags = spec.flags
    gates = GATE_MULTI | GATE_RULES | GATE_PAUSE_ALL | GATE_OOM
    if spec.keys or spec.name == b"exec":
        gates |= GATE_CLUSTER
    if spec.name not in FOR_SUBSCRIBERS:
        gates |= GATE_SUBSCRIBED
    if flags & NO_AUTH == 0:
        gates |= GATE_NOAUTH
    if flags & WRITE != 0:
        gates |= GATE_WRITE_DISK | GATE_FEW_REPLICAS | GATE_READONLY | GATE_PAUSE_WRITE
    if flags & (WRITE | READONLY) != 0:
        gates |= GATE_REDIRECT
    if spec.name == b"exec":
        # For the commands of the transaction, whose gates it has.
        gates |= GATE_FEW_REPLICAS | GATE_READONLY | GATE_REDIRECT | GATE_STALE
    if spec.name == b"ping":
        gates |= GATE_WRITE_DISK
    if spec.name in MAY_REPLICATE or spec.name == b"exec":
        gates |= GATE_PAUSE_WRITE
    if flags & (WRITE | READONLY) != 0 or spec.name in MAY_REPLICATE:
        gates |= GATE_MONITOR
    if flags & (ADMIN | SKIP_MONITOR) == 0:
        gates |= GATE_SHOWN
    if spec.name != b"touch" and spec.name != b"exec":
        gates |= GATE_NO_TOUCH
    if flags & LOADING == 0:
        gates |= GATE_LOADING
    if flags & ALLOW_BUSY == 0 or spec.name == b"shutdown":
        gates |= GATE_BUSY
    if spec.name in RUNS_SCRIPTS:
        # The flags of the script decide (engine/gate.py).
        gates |= GATE_WRITE_DISK | GATE_FEW_REPLICAS | GATE_READONLY | GATE_STALE
    if flags & STALE == 0:
        gates |= GATE_STALE
    if spec.name in (b"debug", b"module|load", b"module|loadex", b"module|unload"):
        gates |= GATE_DEBUG
    return gates


CATALOGUE: Final[dict[bytes, Command]] = {}
"""Every command by its full name in lower case, subcommands as `client|list`."""


def command(
    name: str,
    *,
    arity: int,
    flags: int,
    since: str,
    complexity: str,
    summary: str,
    group: str,
    acl: int = 0,
    keys: list[KeySpec] | None = None,
    tips: str = "",
    arguments: str = "",
    replaced: str = "",
    system: bool = False,
) -> Callable[[Function | Handler], Command]:
    """Declare the function below as the handler of `name`; the name then stands for the Command.

    Often sent commands have a Handler instead: `command(...)(Get())` below the class `Get`.
    `Spec` explains the parameters, catalogue/arguments.py the notation of `arguments`.
    """

    def declare(handler: Function | Handler) -> Command:
        full = name.encode()
        if full in CATALOGUE:
            raise ValueError(f"command declared twice: {name}")
        spec = Spec(
            full, arity, flags, acl, keys if keys is not None else [], since, complexity, summary, group, tips,
            arguments, replaced, system,
        )  # fmt: skip
        made = Command(spec, handler, len(CATALOGUE))
        CATALOGUE[full] = made
        head, bar, word = full.partition(b"|")
        if bar:
            container = CATALOGUE[head]
            if container.subcommands is None:
                container.subcommands = {}
            container.subcommands[word] = made
            made.container = container
        return made

    return declare


def spellings() -> dict[bytes, Command]:
    """Commands by name, in lower and upper case.  Mixed case takes a slower path."""
    found: dict[bytes, Command] = {}
    for name, command in CATALOGUE.items():
        if b"|" not in name:
            found[name] = command
            found[name.upper()] = command
    return found
