"""The Lua runtime of one engine: lupa, with everything closed that a script must not reach.

lupa is imported by the first script.  Python gives Lua only the callbacks that `sandbox.py` wraps; Lua never sees one
of its objects, and lupa's access to attributes is refused.

Memory: lupa's allocator refuses what would exceed the limit, and Lua raises "not enough memory".  That must not happen
while Python code pushes a value, because nothing catches it there.  So `Runtime.has_room` is asked before.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from mypy_extensions import i64

from redpoll.scripting.libraries import CHUNK_NAME, install
from redpoll.scripting.library_random import ScriptRandom
from redpoll.scripting.sandbox import GLOBALS
from redpoll.scripting.sandbox_calls import CALLS

RESERVE: Final[i64] = 1 << 20
"""Above the limit there is twice this for the small values that Python pushes without asking."""
PIECE: Final[i64] = 4000
"""How many values one call passes: Lua's stack for C has 8000 slots."""


def refuse_attribute(thing: object, name: object, setting: bool) -> object:
    """lupa's attribute filter."""
    raise AttributeError("closed")


class Runtime:
    """See the module's docstring.  The attributes are the functions that `sandbox.py` returns."""

    def __init__(self, callbacks: list[Any], random: ScriptRandom, limit_bytes: int) -> None:
        lupa: Any = importlib.import_module("lupa.lua51")
        self.lua_type: Final[Any] = lupa.lua_type
        self.lua_error: Final[Any] = lupa.LuaError
        self.runtime: Final[Any] = lupa.LuaRuntime(
            encoding=None,
            source_encoding="latin-1",
            attribute_filter=refuse_attribute,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            max_memory=limit_bytes + 2 * int(RESERVE),
        )
        self.limit: i64 = limit_bytes
        self.is_lifted = False
        runtime = self.runtime
        install(runtime, random)
        as_function: Any = runtime.execute(b"return python.as_function")
        made: Any = runtime.execute(GLOBALS + CALLS, as_function, *callbacks, name=CHUNK_NAME)
        (
            self.run,
            self.run_function,
            self.feed,
            self.run_fed,
            self.more,
            self.compile,
            self.forget,
            self.forget_all,
            self.renew_eval,
            self.renew_functions,
            self.load_library,
            self.keep_function,
            self.fields,
            self.items,
            self.array,
            self.long_array,
            self.status_table,
            self.error_table,
            self.add_tokens,
            self.tree,
            self.begin,
            self.watch,
            self.garbage,
            self.release,
            self.lock,
        ) = made

    def close(self) -> None:
        """Remove everything from the real globals of Lua: scripts have environments of their own."""
        self.lock()
        self.runtime.execute(
            b"local next, setmetatable = next, setmetatable "
            b"for name in next, _G do if name ~= '_G' then _G[name] = nil end end _G._G = nil"
        )

    def kind_of(self, value: object) -> str:
        """The type of a value of Lua: `table`, `function` ..."""
        kind: Any = self.lua_type(value)
        if kind is None and callable(value):
            # A function of `redis`, which lupa shows as the Python function behind it.
            return "function"
        return kind if isinstance(kind, str) else ""

    def set_limit(self, limit_bytes: int) -> None:
        """Change the limit of memory."""
        self.limit = limit_bytes
        self.runtime.set_max_memory(limit_bytes + 2 * int(RESERVE))

    def has_room(self, size: i64) -> bool:
        """Whether values of `size` bytes may be pushed; collects garbage if that is not sure."""
        used: i64 = self.runtime.get_memory_used()
        if used + size <= self.limit:
            return True
        self.runtime.gccollect()
        used = self.runtime.get_memory_used()
        return used + size <= self.limit

    def live_bytes(self) -> i64:
        """The memory in use after the garbage is collected.  O(memory)."""
        self.runtime.gccollect()
        used: i64 = int(self.garbage() * 1024)
        return used

    def has_room_again(self, size: i64) -> bool:
        """`has_room` while no script runs.  If there is none, it drops what earlier scripts have left behind."""
        if self.has_room(size):
            return True
        try:
            self.release()
        except self.lua_error:
            return False
        return self.has_room(size)

    def lift_limit(self) -> None:
        """Let small values be pushed although memory is used up: the script will end."""
        self.is_lifted = True
        self.runtime.set_max_memory(self.runtime.get_memory_used() + 16 * int(RESERVE))

    def restore_limit(self) -> None:
        """The script has ended: its memory is garbage, and the limit is what it was."""
        self.is_lifted = False
        self.release()
        self.runtime.gccollect()
        self.set_limit(self.limit)
