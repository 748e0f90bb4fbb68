"""Function libraries: `#!lua name=mylib`, and code that calls redis.register_function.

`durability.libraries` holds the sources, which files save and load.  When a file was loaded, the libraries are compiled
again before the next use.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mypy_extensions import i64

from redpoll.config.quoting import split_line
from redpoll.errors import CommandError
from redpoll.script_errors import (
    BAD_FUNCTION_NAME,
    BAD_LIBRARY_METADATA,
    BAD_LIBRARY_NAME,
    FUNCTION_IN_LIBRARY,
    FUNCTION_NOT_FOUND,
    LIBRARY_NAME_TWICE,
    NO_FUNCTIONS,
    NO_LIBRARY_METADATA,
    NO_LIBRARY_NAME,
    bad_library_metadata,
    cannot_compile_function,
    cannot_register,
    function_exists,
    library_exists,
    library_exists_in_payload,
    no_library_engine,
)
from redpoll.scripting.admission import keys_of_call
from redpoll.scripting.calls import ScriptError
from redpoll.scripting.convert import argument_text, line_of
from redpoll.scripting.definition import definition_of, module_name
from redpoll.scripting.shebang import FLAGS, NO_WRITES

if TYPE_CHECKING:
    from redpoll.engine.session import Session
    from redpoll.scripting.scripts import Scripts

NAME: Final = re.compile(rb"[A-Za-z0-9_]+")

COMPILES: Final = 1
RUNS: Final = 2
"""The phases in which loading may fail."""

ONLY_WHILE_LOADING: Final = b"ERR server.register_function can only be called on FUNCTION LOAD command"
WRONG_COUNT: Final = b"ERR wrong number of arguments to server.register_function"
NEEDS_TABLE: Final = (
    b"ERR calling server.register_function with a single argument is only applicable to Lua table (representing named "
    b"arguments)."
)
NAME_KIND: Final = b"ERR first argument to server.register_function must be a string"
CALLBACK_KIND: Final = b"ERR second argument to server.register_function must be a function"
KEY_KIND: Final = b"ERR named argument key given to server.register_function is not a string"
UNKNOWN_ARGUMENT: Final = b"ERR unknown argument given to server.register_function"
NAMED_CALLBACK_KIND: Final = b"ERR callback argument given to server.register_function must be a function"
FLAGS_KIND: Final = b"ERR flags argument to server.register_function must be a table representing function flags"
UNKNOWN_FLAG: Final = b"ERR unknown flag given"
NO_NAME: Final = b"ERR server.register_function must get a function name argument"
NO_CALLBACK: Final = b"ERR server.register_function must get a callback argument"


class Function:
    """A function of a library.  `number` is its place in the runtime."""

    def __init__(self, library: bytes, name: bytes, description: bytes | None, flags: i64, number: int) -> None:
        self.library: Final = library
        self.name: Final = name
        self.description: Final = description
        self.flags: i64 = flags
        self.number: Final = number


class Library:
    """A library: its source, and its functions by name in lower case."""

    def __init__(self, name: bytes, source: bytes) -> None:
        self.name: Final = name
        self.source: Final = source
        self.functions: Final[dict[bytes, Function]] = {}
        self.lua_bytes: i64 = 0
        """The memory by which Lua grew when the library was loaded."""


class Functions:
    """The libraries of one engine."""

    def __init__(self, scripts: Scripts) -> None:
        self.scripts = scripts
        self.libraries: dict[bytes, Library] = {}
        self.by_name: dict[bytes, Function] = {}
        self.loading: Library | None = None
        self.last_number = 0
        self.bare_error: bytes = b""
        """An error of register_function that is the reply as it is."""
        self.texts_bytes: i64 = 0
        self.clashing = False
        """Whether the library that was compiled last has the name of a library or function in Python."""

    # Names that functions in Python have.

    def is_python_library(self, name: bytes) -> bool:
        python = self.scripts.python
        return python is not None and name in python.by_library

    def is_python_function(self, name: bytes) -> bool:
        """`name` is in lower case."""
        python = self.scripts.python
        return python is not None and name in python.by_name

    def refuse_names_of(self, function: Any) -> None:
        """Raise ValueError if a Lua function or library has a name of a Python function that is to be registered."""
        self.refresh()
        definition = definition_of(function)
        if definition is None:
            return
        if definition.name.lower() in self.by_name:
            raise ValueError(f"function {definition.name.decode()} already exists, in Lua")
        library = module_name(function)
        if library.encode() in self.libraries:
            raise ValueError(f"library {library} already exists, in Lua")

    # The sources that files hold.

    def refresh(self) -> None:
        """Compile the libraries of a file that was loaded."""
        durability = self.scripts.engine.durability
        if not durability.libraries_loaded:
            return
        durability.libraries_loaded = False
        libraries: dict[bytes, Library] = {}
        self.drop(self.libraries)
        for source in list(durability.libraries):
            try:
                made = self.compiled(source, libraries)
                libraries[made.name] = made
            except CommandError as refused:
                text = refused.text.decode("utf-8", "surrogateescape")
                self.scripts.engine.host.log(f"a function library of the file cannot be loaded: {text}")
                if self.clashing:
                    # It stays in the files, and works again once the function in Python is gone.
                    unusable = Library(checked_name(source), source)
                    libraries[unusable.name] = unusable
        self.libraries = {}
        self.use(libraries)

    def use(self, libraries: dict[bytes, Library]) -> None:
        """Replace all libraries."""
        for name, old in self.libraries.items():
            if libraries.get(name) is not old:
                self.drop({name: old})
        self.libraries = libraries
        self.by_name = {}
        self.texts_bytes = 0
        sources = self.scripts.engine.durability.libraries
        sources.clear()
        for library in libraries.values():
            self.by_name.update(library.functions)
            self.texts_bytes += len(library.source)
            sources.append(library.source)

    def drop(self, libraries: dict[bytes, Library]) -> None:
        """Forget the functions of libraries."""
        for library in libraries.values():
            for function in library.functions.values():
                self.scripts.runtime.forget(function.number)

    # Loading.

    def load(self, source: bytes, replacing: bool) -> bytes:
        """FUNCTION LOAD: the name of the library.  Raises CommandError, and then nothing has changed."""
        self.refresh()
        name = checked_name(source)
        if name in self.libraries and not replacing:
            raise CommandError(library_exists(name))
        others = {key: library for key, library in self.libraries.items() if key != name}
        made = self.compiled(source, others)
        others[name] = made
        self.use(others)
        return name

    def restore(self, sources: list[bytes], policy: bytes) -> None:
        """FUNCTION RESTORE: all libraries or none.  Raises CommandError."""
        self.refresh()
        kept = {} if policy == b"FLUSH" else dict(self.libraries)
        fresh: dict[bytes, Library] = {}
        names = [checked_name(source) for source in sources]
        for name in names:
            if self.is_python_library(name):
                raise CommandError(library_exists_in_payload(name))
            if name in kept:
                if policy != b"REPLACE":
                    raise CommandError(library_exists_in_payload(name))
                del kept[name]
        try:
            for source in sources:
                made = self.compiled(source, kept | fresh)
                if made.name in fresh:
                    self.drop({made.name: made})
                    raise CommandError(library_exists_in_payload(made.name))
                fresh[made.name] = made
        except CommandError:
            self.drop(fresh)
            raise
        self.use(kept | fresh)

    def compiled(self, source: bytes, others: dict[bytes, Library]) -> Library:
        """The library of a source; its functions must not be in `others`.  Raises CommandError."""
        made = Library(checked_name(source), source)
        scripts = self.scripts
        self.clashing = self.is_python_library(made.name)
        if self.clashing:
            raise CommandError(library_exists(made.name))
        scripts.require_room(len(source) * 8)
        self.loading = made
        self.bare_error = b""
        scripts.watch.begin_loading()
        scripts.runtime.begin()
        before = scripts.runtime.live_bytes()
        try:
            # The first line becomes a comment.
            result: Any = scripts.runtime.load_library(b"--" + source[2:])
        finally:
            self.loading = None
            scripts.watch.end()
        made.lua_bytes = max(scripts.runtime.live_bytes() - before, i64(0))
        complaint = b""
        if result is not None:
            phase, message = result
            if phase == COMPILES:
                complaint = cannot_compile_function(message)
            elif self.bare_error:
                complaint = self.bare_error
            else:
                complaint = cannot_register(message)
        elif len(made.functions) == 0:
            complaint = NO_FUNCTIONS
        else:
            for name, function in made.functions.items():
                if self.is_python_function(name):
                    self.clashing = True
                    complaint = function_exists(function.name)
                for other in others.values():
                    if name in other.functions:
                        complaint = function_exists(function.name)
        if complaint:
            self.drop({made.name: made})
            raise CommandError(line_of(complaint))
        return made

    def register(self, *words: object) -> object:
        """redis.register_function.  Raises ScriptError."""
        library = self.loading
        if library is None:
            raise ScriptError(ONLY_WHILE_LOADING, 0)
        runtime = self.scripts.runtime
        self.scripts.calls.require_room(0)
        if len(words) == 0 or len(words) > 2:
            raise ScriptError(WRONG_COUNT, 0)
        name: bytes | None = None
        description: bytes | None = None
        callback: object = None
        flags: i64 = 0
        if len(words) == 2:
            name = text_of(words[0])
            if name is None:
                raise ScriptError(NAME_KIND, 0)
            callback = words[1]
            if runtime.kind_of(callback) != "function":
                raise ScriptError(CALLBACK_KIND, 0)
        else:
            if runtime.kind_of(words[0]) != "table":
                raise ScriptError(NEEDS_TABLE, 0)
            fields: Any = runtime.fields(words[0])
            if fields is None:
                fields = ()
            for at in range(0, len(fields), 2):
                key, value = fields[at], fields[at + 1]
                if text_of(key) is None:
                    raise ScriptError(KEY_KIND, 0)
                word = key.lower() if isinstance(key, bytes) else b""
                if word == b"function_name" or word == b"description":
                    text = text_of(value)
                    if text is None:
                        raise ScriptError(
                            b"ERR %b argument given to server.register_function must be a string" % word, 0
                        )
                    if word == b"description":
                        description = text
                    else:
                        name = text
                elif word == b"callback":
                    if runtime.kind_of(value) != "function":
                        raise ScriptError(NAMED_CALLBACK_KIND, 0)
                    callback = value
                elif word == b"flags":
                    flags = self.flags_of(value)
                else:
                    raise ScriptError(UNKNOWN_ARGUMENT, 0)
            if name is None:
                raise ScriptError(NO_NAME, 0)
            if callback is None:
                raise ScriptError(NO_CALLBACK, 0)
        if NAME.fullmatch(name) is None:
            self.bare_error = BAD_FUNCTION_NAME
            raise ScriptError(BAD_FUNCTION_NAME, 0)
        if name.lower() in library.functions:
            self.bare_error = FUNCTION_IN_LIBRARY
            raise ScriptError(FUNCTION_IN_LIBRARY, 0)
        self.last_number -= 1
        runtime.keep_function(self.last_number, callback)
        library.functions[name.lower()] = Function(library.name, name, description, flags, self.last_number)
        return None

    def flags_of(self, table: object) -> i64:
        """The flags in a table of register_function."""
        runtime = self.scripts.runtime
        if runtime.kind_of(table) != "table":
            raise ScriptError(FLAGS_KIND, 0)
        items: Any = runtime.items(table)
        if not isinstance(items, tuple):
            return 0
        flags: i64 = 0
        for item in items[1:]:
            flag = FLAGS.get(item.lower()) if isinstance(item, bytes) else None
            if flag is None:
                raise ScriptError(UNKNOWN_FLAG, 0)
            flags |= flag
        return flags

    # Running.

    def find(self, name: bytes) -> Function | None:
        """A function, by its name in any case."""
        self.refresh()
        return self.by_name.get(name.lower())

    def call(self, session: Session, args: list[bytes], read_only: bool) -> object:
        """FCALL and FCALL_RO."""
        function = self.find(args[1])
        if function is None:
            raise CommandError(FUNCTION_NOT_FOUND)
        flags = function.flags
        count = keys_of_call(self.scripts.engine, args, flags, read_only)
        return self.scripts.enter(
            session, function.name, function.number, args, count, read_only or flags & NO_WRITES != 0, flags, True
        )


def text_of(word: object) -> bytes | None:
    """A string or number of Lua as bytes."""
    return word if isinstance(word, bytes) else argument_text(word)


def checked_name(source: bytes) -> bytes:
    """The name in the first line of a library in Lua.  Raises CommandError if the line has a mistake."""
    if source[:2] != b"#!":
        raise CommandError(NO_LIBRARY_METADATA)
    line, end, _ = source.partition(b"\n")
    words = split_line(line) if end else None
    if words is None:
        raise CommandError(BAD_LIBRARY_METADATA)
    name: bytes | None = None
    for word in words[1:]:
        if word[:5].lower() == b"name=":
            if name is not None:
                raise CommandError(LIBRARY_NAME_TWICE)
            name = word[5:]
        else:
            raise CommandError(bad_library_metadata(word))
    if name is None:
        raise CommandError(NO_LIBRARY_NAME)
    if NAME.fullmatch(name) is None:
        raise CommandError(BAD_LIBRARY_NAME)
    engine = words[0][2:]
    if engine.lower() != b"lua":
        raise CommandError(no_library_engine(engine))
    return name
