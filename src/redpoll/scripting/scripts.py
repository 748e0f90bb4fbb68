"""The scripts of one engine: the runtime, the cache, and how EVAL and its relatives run."""

from __future__ import annotations

from typing import Any, Final

from mypy_extensions import i64

from redpoll.catalogue.spec import WRITE
from redpoll.engine.args import integer
from redpoll.engine.command import Command
from redpoll.engine.engine import Engine
from redpoll.engine.gate import write_complaint
from redpoll.engine.gates import GATE_SHOWN, GATE_STALE
from redpoll.engine.scripts import ScriptHost
from redpoll.engine.session import Session
from redpoll.env.openssl import sha1
from redpoll.errors import STALE_REPLICA, CommandError
from redpoll.protocol.reply import Boolean, CountedError, Error, RawError
from redpoll.script_errors import (
    NEGATIVE_SCRIPT_KEYS,
    NOSCRIPT_FOUND,
    SCRIPT_IN_SCRIPT,
    SCRIPT_OUT_OF_MEMORY,
    SCRIPT_WITH_WRITES,
    TOO_MANY_SCRIPT_KEYS,
    cannot_compile,
)
from redpoll.scripting.admission import refuse_by_flags
from redpoll.scripting.api import Api
from redpoll.scripting.busy import Watch
from redpoll.scripting.cache import Cache, Script
from redpoll.scripting.calls import Calls
from redpoll.scripting.convert import Results, integer_of, line_of
from redpoll.scripting.functions import Functions
from redpoll.scripting.library_random import ScriptRandom
from redpoll.scripting.python_functions import PythonFunctions
from redpoll.scripting.runtime import PIECE, Runtime
from redpoll.scripting.shebang import NO_WRITES, PLAIN, command_flags, parse_shebang, text_flags

FLAT: Final = 1
FAILED: Final = 2
TREE: Final = 3
"""The codes of results."""

HOOK_EVERY: Final = 100000
"""After so many instructions of Lua the hook looks at the time."""


class Scripts(ScriptHost):
    """See the module's docstring."""

    def __init__(self, engine: Engine, python: PythonFunctions | None) -> None:
        self.engine: Final = engine
        self.python: PythonFunctions | None = python
        self.calls: Final = Calls(engine)
        self.watch: Final = Watch(engine, self.calls)
        self.functions_: Final = Functions(self)
        self.api: Final = Api(self.calls, self.watch, self.functions_.register)
        self.cache: Final = Cache()
        self.last_number = 0
        self.runtime: Final = Runtime(self.api.callbacks(), ScriptRandom(), engine.options.lua_memory_limit)
        self.calls.runtime = self.runtime
        self.runtime.renew_eval(engine.options.lua_enable_insecure_api)
        self.runtime.renew_functions(engine.options.lua_enable_insecure_api)
        self.runtime.close()
        self.runtime.watch(HOOK_EVERY)
        self.is_new = True
        """Whether no EVAL has run yet.  The first one makes this object, which the gates ask for a script's flags."""

    # Scripts.

    def compiled(self, text: bytes) -> Script:
        """The script of a text, which is compiled and cached if it is new.  Raises CommandError."""
        sha = sha1(text).hex().encode()
        found = self.cache.scripts.get(sha)
        if found is not None:
            return found
        flags = parse_shebang(text)
        self.last_number += 1
        number = self.last_number
        source = text if flags & PLAIN != 0 else b"--" + text[2:]
        self.require_room(len(source) * 8)
        message: Any = self.runtime.compile(number, source)
        if message is not None:
            raise CommandError(line_of(cannot_compile(message)))
        script = Script(sha, text, number, flags)
        gone = self.cache.add(script)
        if gone is not None:
            self.runtime.forget(gone.number)
            self.engine.script_statistics.evicted += 1
        return script

    def flush(self) -> None:
        """Forget all scripts, and make the environment of EVAL anew."""
        self.cache.clear()
        self.runtime.forget_all()
        self.runtime.renew_eval(self.engine.options.lua_enable_insecure_api)
        self.runtime.runtime.gccollect()

    def require_room(self, size: i64) -> None:
        """Make room in Lua's memory, or raise CommandError."""
        runtime = self.runtime
        if not (runtime.has_room(size) if self.watch.running else runtime.has_room_again(size)):
            raise CommandError(SCRIPT_OUT_OF_MEMORY)

    # Running.

    def eval(self, session: Session, args: list[bytes], read_only: bool) -> object:
        """EVAL and EVAL_RO."""
        if self.is_new:
            self.is_new = False
            flags = text_flags(args[1])
            if flags >= 0 and flags & WRITE != 0:
                complaint = write_complaint(self.engine, self.engine.gates)
                if complaint:
                    raise CommandError(complaint)
        count = self.number_of_keys(args)
        return self.run(session, self.compiled(args[1]), args, count, read_only)

    def eval_sha(self, session: Session, args: list[bytes], read_only: bool) -> object:
        """EVALSHA and EVALSHA_RO."""
        if len(args[1]) != 40:
            raise CommandError(NOSCRIPT_FOUND)
        count = self.number_of_keys(args)
        found = self.cache.find(args[1])
        if found is None:
            raise CommandError(NOSCRIPT_FOUND)
        return self.run(session, found, args, count, read_only)

    def number_of_keys(self, args: list[bytes]) -> i64:
        """The number of keys that a call declares.  Raises CommandError."""
        count = integer(args[2])
        if count > len(args) - 3:
            raise CommandError(TOO_MANY_SCRIPT_KEYS)
        if count < 0:
            raise CommandError(NEGATIVE_SCRIPT_KEYS)
        return count

    def run(self, session: Session, script: Script, args: list[bytes], count: i64, read_only: bool) -> object:
        """Run a script; return its reply."""
        self.cache.used(script)
        flags = script.flags
        if flags & PLAIN == 0:
            if read_only and flags & NO_WRITES == 0:
                raise CommandError(SCRIPT_WITH_WRITES)
            refuse_by_flags(self.engine, flags)
        elif self.engine.gates & GATE_STALE != 0:
            raise CommandError(STALE_REPLICA)
        return self.enter(
            session, script.sha, script.number, args, count, read_only or flags & NO_WRITES != 0, flags, False
        )

    def enter(
        self,
        session: Session,
        name: bytes,
        number: int,
        args: list[bytes],
        count: i64,
        read_only: bool,
        flags: i64,
        function: bool,
    ) -> object:
        """Run compiled Lua as part of the present unit."""
        if self.watch.running:
            raise CommandError(SCRIPT_IN_SCRIPT)
        engine = self.engine
        if engine.gates & GATE_SHOWN != 0:
            command = engine.meant(args)
            if command is not None:
                engine.monitors.show(session, command, args)
        size: i64 = 0
        for word in args:
            size += len(word) + 64
        runtime = self.runtime
        self.require_room(size)
        calls = self.calls
        calls.begin(session, read_only, flags)
        self.watch.begin(name, args, function)
        runtime.begin()
        engine.frozen += 1
        try:
            result: Any
            if len(args) > PIECE:
                result = self._feed_and_run(number, args, count, function)
            elif function:
                result = runtime.run_function(number, count, *args[3:])
            else:
                result = runtime.run(number, count, *args[3:])
        except runtime.lua_error:
            # Only memory can fail outside the protected call.
            runtime.runtime.gccollect()
            return Error(SCRIPT_OUT_OF_MEMORY)
        finally:
            engine.frozen -= 1
            calls.end()
            self.watch.end()
            if runtime.is_lifted:
                runtime.restore_limit()
        if isinstance(result, bytes):
            return result
        if result is None:
            return None
        if isinstance(result, tuple):
            return self._unpacked(args, result)
        if isinstance(result, bool):
            return self._boolean(result)
        return integer_of(result)

    def _feed_and_run(self, number: int, args: list[bytes], count: i64, function: bool) -> object:
        """Run with more arguments than one call passes."""
        at: i64 = 3
        while at < len(args):
            self.runtime.feed(*args[at : at + PIECE])
            at += PIECE
        return self.runtime.run_fed(number, count, function)

    def _boolean(self, value: bool) -> object:
        if self.calls.resp < 3:
            return 1 if value else None
        return Boolean(value)

    def _unpacked(self, args: list[bytes], result: tuple[Any, ...]) -> object:
        """The reply for a result that is an error or a table."""
        code: int = result[0]
        if code == FLAT:
            items: list[object] = []
            for item in result[1:]:
                items.append(item if isinstance(item, bytes) else integer_of(item))
            return items
        if code == FAILED:
            text: bytes = line_of(result[1])
            return CountedError(text) if result[2] else Error(text)
        total: int = result[1]
        tokens = list(result[2:])
        while len(tokens) < total:
            more: Any = self.runtime.more()
            tokens.extend(more)
        results = Results(tokens[:total], self._boolean(True), self._boolean(False))
        reply = results.read()
        return self._counted(args, reply, results)

    def _counted(self, args: list[bytes], reply: object, results: Results) -> object:
        """Count the errors in a table that a script returns.  `Engine.run` counts one that is the whole reply."""
        if isinstance(reply, RawError):
            return Error(reply.text) if results.failures == 0 else CountedError(reply.text)
        failures = results.failures
        if len(results.errors) > 0:
            failures += 1
        if failures > 0:
            counters = self.engine.counters
            command = self.engine.meant(args)
            if command is not None:
                counters.failed[command.index] += failures
            for text in results.errors:
                counters.error(text)
        return reply

    # For other rooms.

    def functions(self) -> i64:
        return len(self.functions_.by_name) + (self.python.functions() if self.python is not None else i64(0))

    def libraries(self) -> i64:
        return len(self.functions_.libraries) + (self.python.libraries() if self.python is not None else i64(0))

    def libraries_bytes(self) -> i64:
        return self.functions_.texts_bytes

    def cached_scripts(self) -> i64:
        return len(self.cache.scripts)

    def texts_bytes(self) -> i64:
        return self.cache.texts_bytes

    def eval_bytes(self) -> i64:
        used: i64 = int(self.runtime.garbage() * 1024)
        return max(used - self.functions_bytes(), i64(0))

    def functions_bytes(self) -> i64:
        """The memory that the libraries took when they were loaded.  Scripts and functions share one Lua."""
        total: i64 = 0
        for library in self.functions_.libraries.values():
            total += library.lua_bytes
        return total

    def flags_for(self, command: Command, args: list[bytes]) -> i64:
        """The command flags of the script that EVAL, EVALSHA or FCALL name; -1 if it has none of its own."""
        if command.name in (b"fcall", b"fcall_ro"):
            python = self.python
            if python is not None:
                own = python.flags_for(command, args)
                if own >= 0:
                    return own
            function = self.functions_.find(args[1])
            return command_flags(function.flags) if function is not None else i64(-1)
        if command.name in (b"evalsha", b"evalsha_ro"):
            found = self.cache.find(args[1])
            flags = found.flags if found is not None else PLAIN
            return command_flags(flags) if flags & PLAIN == 0 else i64(-1)
        return text_flags(args[1])

    def settings_changed(self, name: bytes) -> None:
        if name == b"lua-memory-limit":
            self.runtime.set_limit(self.engine.options.lua_memory_limit)
        else:
            self.flush()
            self.runtime.renew_functions(self.engine.options.lua_enable_insecure_api)

    def kill(self, functions: bool) -> bytes:
        return self.watch.kill(functions)

    def runs_function(self) -> bool:
        return self.watch.is_function


def scripts_of(engine: Engine) -> Scripts:
    """The scripts of an engine; made, with the Lua runtime, by the first command that needs them."""
    found = engine.scripts
    if isinstance(found, Scripts):
        return found
    made = Scripts(engine, found if isinstance(found, PythonFunctions) else None)
    engine.scripts = made
    return made


def python_functions(engine: Engine) -> PythonFunctions | None:
    """The functions in Python of an engine; None if nothing has been registered."""
    found = engine.scripts
    if isinstance(found, Scripts):
        return found.python
    return found if isinstance(found, PythonFunctions) else None


def has_lua(engine: Engine) -> bool:
    """Whether the engine has Lua's runtime, or libraries that need it."""
    return isinstance(engine.scripts, Scripts) or len(engine.durability.libraries) > 0


def registry(engine: Engine) -> PythonFunctions:
    """Where functions in Python are registered."""
    found = python_functions(engine)
    if found is None:
        found = PythonFunctions(engine)
        host = engine.scripts
        if isinstance(host, Scripts):
            host.python = found
        else:
            engine.scripts = found
    return found


def register_function(engine: Engine, function: Any) -> None:
    """Register a function in Python.  Raises TypeError, or ValueError if its name or its library's is taken."""
    host = engine.scripts
    if isinstance(host, Scripts):
        host.functions_.refuse_names_of(function)
    registry(engine).add(function)
