"""Functions in Python: who starts the process registers them, and clients call them with FCALL.

They are no data: no file, no replica and no FUNCTION DUMP has them, and no client can load or delete one.  A library is
named after the module of its functions.  lupa is not imported for them.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from typing import Any, Final

from mypy_extensions import i64

from redpoll.engine.command import Command
from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_SHOWN
from redpoll.engine.scripts import ScriptHost
from redpoll.engine.session import Session
from redpoll.errors import CommandError
from redpoll.protocol.reply import CountedError, Error
from redpoll.script_errors import FUNCTION_IN_FUNCTION, function_exists, function_failed
from redpoll.scripting.admission import keys_of_call
from redpoll.scripting.calls import Calls
from redpoll.scripting.convert import line_of
from redpoll.scripting.definition import NAME, Definition, definition_of, module_name
from redpoll.scripting.python_api import FunctionApi, to_reply
from redpoll.scripting.shebang import NO_WRITES, command_flags


class PythonFunction:
    """A registered function."""

    def __init__(self, definition: Definition, function: Any) -> None:
        self.name: Final = definition.name
        self.description: Final = definition.description
        self.flags: i64 = definition.flags
        self.function: Final = function


class PythonFunctions(ScriptHost):
    """The functions of one engine, by name in lower case, and the names of each library's functions.

    It is the engine's host until the first script; then the host of Lua has it.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self.calls: Final = Calls(engine)
        self.api: Final = FunctionApi(self.calls)
        self.by_name: Final[dict[bytes, PythonFunction]] = {}
        self.by_library: Final[dict[bytes, list[PythonFunction]]] = {}
        self.runs = False

    def find(self, name: bytes) -> PythonFunction | None:
        """A function, by its name in any case."""
        return self.by_name.get(name.lower())

    def add(self, function: Any) -> None:
        """Register a function that the decorator marked.  Raises ValueError if the name is taken."""
        definition = definition_of(function)
        if definition is None:
            raise TypeError("only a function that @redpoll.function decorates can be registered")
        library = module_name(function)
        if NAME.fullmatch(library) is None:
            raise ValueError(f"a library is named after its module, in letters, digits and _: {library!r} is not")
        key = definition.name.lower()
        known = self.by_name.get(key)
        if known is not None and known.function is function:
            return
        if known is not None:
            raise ValueError(words_of(function_exists(definition.name)))
        made = PythonFunction(definition, function)
        self.by_name[key] = made
        self.by_library.setdefault(library.encode(), []).append(made)

    def load(self, path: str) -> int:
        """Run a file with Python code, and register its functions; return their number.  Raises what the file raises.

        Raises ValueError if the file registers nothing.
        """
        name = os.path.splitext(os.path.basename(path))[0]
        if NAME.fullmatch(name) is None:
            raise ValueError("the name of a file with functions has letters, digits and underscores only, and .py")
        spec: Any = importlib.util.spec_from_file_location(name, path)
        if spec is None:
            raise ValueError("the name of a file with functions ends in .py")
        if name in sys.modules:
            raise ValueError(f"there is a module {name} already: choose another name for the file")
        module: Any = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
            found = [value for value in vars(module).values() if definition_of(value) is not None]
            if not found:
                raise ValueError("no function is decorated with @redpoll.function")
            for function in found:
                self.add(function)
        except BaseException:
            del sys.modules[name]
            raise
        return len(found)

    def call(self, session: Session, function: PythonFunction, args: list[bytes], read_only: bool) -> object:
        """FCALL and FCALL_RO, as part of the present unit."""
        engine = self.engine
        flags = function.flags
        count = keys_of_call(engine, args, flags, read_only)
        if self.runs:
            raise CommandError(FUNCTION_IN_FUNCTION)
        if engine.gates & GATE_SHOWN != 0:
            command = engine.meant(args)
            if command is not None:
                engine.monitors.show(session, command, args)
        calls = self.calls
        api = self.api
        calls.begin(session, read_only or flags & NO_WRITES != 0, flags)
        self.runs = True
        api.begin()
        engine.frozen += 1
        keys_end: i64 = 3 + count
        try:
            return to_reply(function.function(api, args[3:keys_end], args[keys_end:]), 0)
        except CommandError as refused:
            text = line_of(refused.text)
            return CountedError(text) if api.was_counted(refused.text) else Error(text)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.log_failure(function)
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return Error(line_of(function_failed(function.name, what.encode("utf-8", "replace"))))
        finally:
            engine.frozen -= 1
            api.end()
            self.runs = False
            calls.end()

    def log_failure(self, function: PythonFunction) -> None:
        """Log where the exception that is handled came from."""
        self.engine.host.log(f"function {function.name.decode()} failed: {traceback.format_exc()}")

    # For other rooms.

    def functions(self) -> i64:
        return len(self.by_name)

    def libraries(self) -> i64:
        return len(self.by_library)

    def flags_for(self, command: Command, args: list[bytes]) -> i64:
        if command.name in (b"fcall", b"fcall_ro"):
            function = self.find(args[1])
            if function is not None:
                return command_flags(function.flags)
        return -1


def words_of(text: bytes) -> str:
    """An error without its code, for an exception."""
    return text.decode().partition(" ")[2]
