"""`redpoll.function`: marks a Python function as one that clients may call with FCALL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from mypy_extensions import i64, mypyc_attr

from redpoll.scripting.shebang import FLAGS

F = TypeVar("F", bound=Callable[..., object])

NAME: Final = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
MARK: Final = "__redpoll_function__"


@mypyc_attr(acyclic=True)
class Definition:
    """What the decorator says of a function.  `flags` are the bits of `shebang.py`."""

    def __init__(self, name: bytes, description: bytes | None, flags: i64) -> None:
        self.name: Final = name
        self.description: Final = description
        self.flags: i64 = flags


class Decorator:
    """Marks a function and returns it unchanged."""

    def __init__(self, name: str, description: str, flags: i64) -> None:
        self.name = name
        self.description = description
        self.flags: i64 = flags

    def __call__(self, function: F) -> F:
        marked: Any = function
        name = self.name or marked.__name__
        if NAME.fullmatch(name) is None:
            raise ValueError(f"a function's name has letters, digits and underscores only, not {name!r}")
        description = self.description.encode() if self.description else None
        setattr(marked, MARK, Definition(name.encode(), description, self.flags))
        return function


def function(*, name: str = "", description: str = "", flags: Iterable[str] = ()) -> Decorator:
    """Let clients call the decorated function with FCALL, once the server or a store has registered it.

    The function takes `(api, keys, args)`: a `redpoll.FunctionApi` and two lists of `bytes`.  `name` is the name for
    FCALL, by default that of the function.  `flags` are those of Lua functions: "no-writes", "allow-oom",
    "allow-stale", "no-cluster" and "allow-cross-slot-keys".  Raises ValueError for another flag or a bad name.

    >>> @redpoll.function(flags=["no-writes"])
    ... def length(api, keys, args):
    ...     return api.call("STRLEN", keys[0])
    """
    if isinstance(flags, str):
        raise TypeError(f"flags are a list of names, not one str: flags=[{flags!r}]")
    bits: i64 = 0
    for flag in flags:
        bit = FLAGS.get(flag.encode())
        if bit is None:
            raise ValueError(f"there is no flag {flag!r}: {', '.join(known.decode() for known in FLAGS)}")
        bits |= bit
    return Decorator(name, description, bits)


def definition_of(value: object) -> Definition | None:
    """What the decorator said of a value; None if it is not decorated."""
    found: object = getattr(value, MARK, None)
    return found if isinstance(found, Definition) else None


def module_name(function: Any) -> str:
    """The name of a function's library: the last part of the name of its module."""
    module: str = function.__module__ or "__main__"
    return module.rpartition(".")[2]
