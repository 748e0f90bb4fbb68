"""Function libraries: FUNCTION, FCALL and FCALL_RO."""

from __future__ import annotations

from librt.strings import write_i16_le, write_i64_le
from mypy_extensions import i16, i64

from redpoll.catalogue.keyspec import ACCESS, RO, RW, UPDATE, counted_keys
from redpoll.catalogue.spec import (
    ALLOW_BUSY,
    DENYOOM,
    MOVABLEKEYS,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    READONLY,
    SCRIPTING,
    SKIP_MONITOR,
    STALE,
    WRITE,
)
from redpoll.commands.containers import container, help_command
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import (
    BAD_PAYLOAD_FOOTER,
    CommandError,
)
from redpoll.keyspace.glob import Glob
from redpoll.persistence import codes
from redpoll.persistence.crc64 import crc64
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.formats import is_relaxed, version_written
from redpoll.persistence.payload import FOOTER_BYTES, version_of
from redpoll.persistence.sink import Sink
from redpoll.persistence.source import Source
from redpoll.protocol.reply import OK, Map, SetOf, Status
from redpoll.script_errors import (
    BAD_LIBRARY_PAYLOAD,
    FUNCTION_FLUSH_OPTION,
    FUNCTION_NOT_FOUND,
    LIBRARY_NOT_FOUND,
    NO_LIBRARY_PATTERN,
    NOT_A_FUNCTION,
    NOT_BUSY,
    OLD_FUNCTION_FORMAT,
    RESTORE_POLICY,
    python_library,
    unknown_argument,
    unknown_option,
    unknown_subcommand_or_arity,
)
from redpoll.scripting.functions import Functions
from redpoll.scripting.python_functions import PythonFunctions
from redpoll.scripting.scripts import has_lua, python_functions, scripts_of
from redpoll.scripting.shebang import FLAGS

RUNS = NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLEKEYS
TO_ALL_SHARDS = "request_policy:all_shards response_policy:all_succeeded"


@command(
    "fcall", arity=-3, flags=RUNS, acl=SCRIPTING, keys=counted_keys(2, RW | ACCESS | UPDATE), group="scripting",
    arguments="function numkeys:integer [key#0] ... [arg] ...",
    since="7.0.0", complexity="that of the function", summary="Call a function of a library.",
)  # fmt: skip
def fcall(session: Session, args: list[bytes]) -> object:
    return call_function(session, args, False)


@command(
    "fcall_ro", arity=-3, flags=RUNS | READONLY, acl=SCRIPTING, keys=counted_keys(2, RO | ACCESS), group="scripting",
    arguments="function numkeys:integer [key#0] ... [arg] ...",
    since="7.0.0", complexity="that of the function", summary="Call a function of a library that may only read.",
)  # fmt: skip
def fcall_ro(session: Session, args: list[bytes]) -> object:
    return call_function(session, args, True)


def call_function(session: Session, args: list[bytes], read_only: bool) -> object:
    """Call a function in Python, or else one in Lua."""
    engine = session.engine
    python = python_functions(engine)
    if python is not None:
        found = python.find(args[1])
        if found is not None:
            return python.call(session, found, args, read_only)
        if not has_lua(engine):
            raise CommandError(FUNCTION_NOT_FOUND)
    return libraries(session).call(session, args, read_only)


def libraries(session: Session) -> Functions:
    """The libraries of the session's engine."""
    found = scripts_of(session.engine).functions_
    found.refresh()
    return found


def changed(session: Session) -> None:
    """The libraries have changed: that is one change, and the command is its effect."""
    session.engine.moment.changes += 1


function = container(
    "function", group="scripting", since="7.0.0", summary="Commands about function libraries.",
)  # fmt: skip


@command(
    "function|delete", arity=3, flags=WRITE | NOSCRIPT, acl=SCRIPTING, group="scripting", arguments="library-name",
    tips=TO_ALL_SHARDS, since="7.0.0", complexity="O(functions of the library)", summary="Delete a library.",
)  # fmt: skip
def function_delete(session: Session, args: list[bytes]) -> object:
    found = libraries(session)
    if args[2] not in found.libraries:
        if found.is_python_library(args[2]):
            raise CommandError(python_library(args[2]))
        raise CommandError(LIBRARY_NOT_FOUND)
    found.use({name: library for name, library in found.libraries.items() if name != args[2]})
    changed(session)
    return OK


@command(
    "function|dump", arity=2, flags=NOSCRIPT, acl=SCRIPTING, group="scripting",
    since="7.0.0", complexity="O(bytes of the libraries)", summary="Return all libraries as a payload.",
)  # fmt: skip
def function_dump(session: Session, args: list[bytes]) -> object:
    found = libraries(session)
    config = session.engine.config
    sink = Sink(config.flag(b"rdbcompression"))
    for library in found.libraries.values():
        sink.byte(codes.FUNCTION)
        sink.text(library.source)
    out = sink.out
    write_i16_le(out, i16(version_written(config)))
    body = out.getvalue()
    write_i64_le(out, crc64(0, body, 0, len(body)))
    return out.getvalue()


@command(
    "function|flush", arity=-2, flags=WRITE | NOSCRIPT, acl=SCRIPTING, group="scripting",
    arguments="[flush-type: ASYNC | SYNC]", tips=TO_ALL_SHARDS,
    since="7.0.0", complexity="O(functions)", summary="Delete all libraries.",
)  # fmt: skip
def function_flush(session: Session, args: list[bytes]) -> object:
    if len(args) > 3:
        raise CommandError(unknown_subcommand_or_arity(args[1], args[0]))
    if len(args) == 3 and args[2].upper() not in (b"SYNC", b"ASYNC"):
        raise CommandError(FUNCTION_FLUSH_OPTION)
    scripts = scripts_of(session.engine)
    libraries(session).use({})
    scripts.runtime.renew_functions(session.engine.options.lua_enable_insecure_api)
    changed(session)
    return OK


@command(
    "function|kill", arity=2, flags=NOSCRIPT | ALLOW_BUSY, acl=SCRIPTING, group="scripting",
    tips="request_policy:all_shards response_policy:one_succeeded",
    since="7.0.0", complexity="O(1)", summary="End the function that runs, if it has written nothing.",
)  # fmt: skip
def function_kill(session: Session, args: list[bytes]) -> object:
    host = session.engine.scripts
    complaint = host.kill(True) if host is not None else NOT_BUSY
    if complaint:
        raise CommandError(complaint)
    return OK


@command(
    "function|list", arity=-2, flags=NOSCRIPT, acl=SCRIPTING, group="scripting",
    arguments="[LIBRARYNAME library-name-pattern] [WITHCODE]", tips="nondeterministic_output_order",
    since="7.0.0", complexity="O(functions)", summary="List the libraries and their functions.",
)  # fmt: skip
def function_list(session: Session, args: list[bytes]) -> object:
    pattern: bytes | None = None
    with_code = False
    at = 2
    while at < len(args):
        word = args[at].upper()
        at += 1
        if word == b"WITHCODE" and not with_code:
            with_code = True
        elif word == b"LIBRARYNAME" and pattern is None:
            if at >= len(args):
                raise CommandError(NO_LIBRARY_PATTERN)
            pattern = args[at]
            at += 1
        else:
            raise CommandError(unknown_argument(args[at - 1]))
    glob = Glob(pattern.lower()) if pattern is not None else None
    found: list[object] = []
    if has_lua(session.engine):
        for library in libraries(session).libraries.values():
            if glob is None or glob.matches(library.name.lower()):
                functions = [described(one.name, one.description, one.flags) for one in library.functions.values()]
                fields = listed(library.name, b"LUA", functions)
                if with_code:
                    fields += [b"library_code", library.source]
                found.append(Map(fields))
    python = python_functions(session.engine)
    if python is not None:
        for name, members in python.by_library.items():
            if glob is None or glob.matches(name.lower()):
                functions = [described(each.name, each.description, each.flags) for each in members]
                fields = listed(name, b"PYTHON", functions)
                if with_code:
                    # The code belongs to the machine, and no client gets it.
                    fields += [b"library_code", None]
                found.append(Map(fields))
    return found


def listed(library: bytes, language: bytes, functions: list[object]) -> list[object]:
    """A library as FUNCTION LIST shows it."""
    return [b"library_name", library, b"engine", language, b"functions", functions]


def described(name: bytes, description: bytes | None, flags: i64) -> object:
    """A function as FUNCTION LIST shows it."""
    names: list[object] = [Status(flag) for flag, bit in FLAGS.items() if flags & bit != 0]
    return Map([b"name", name, b"description", description, b"flags", SetOf(names)])


@command(
    "function|load", arity=-3, flags=WRITE | DENYOOM | NOSCRIPT, acl=SCRIPTING, group="scripting",
    arguments="[REPLACE] function-code", tips=TO_ALL_SHARDS,
    since="7.0.0", complexity="O(bytes of the code)", summary="Load a library; return its name.",
)  # fmt: skip
def function_load(session: Session, args: list[bytes]) -> object:
    replacing = False
    for word in args[2:-1]:
        if word.upper() != b"REPLACE":
            raise CommandError(unknown_option(word))
        replacing = True
    name = libraries(session).load(args[len(args) - 1], replacing)
    changed(session)
    return name


@command(
    "function|restore", arity=-3, flags=WRITE | DENYOOM | NOSCRIPT, acl=SCRIPTING, group="scripting",
    arguments="serialized-value [policy: FLUSH | APPEND | REPLACE]", tips=TO_ALL_SHARDS,
    since="7.0.0", complexity="O(bytes of the payload)", summary="Load the libraries of a payload of FUNCTION DUMP.",
)  # fmt: skip
def function_restore(session: Session, args: list[bytes]) -> object:
    if len(args) > 4:
        raise CommandError(unknown_subcommand_or_arity(args[1], args[0]))
    policy = args[3].upper() if len(args) == 4 else b"APPEND"
    if policy not in (b"FLUSH", b"APPEND", b"REPLACE"):
        raise CommandError(RESTORE_POLICY)
    engine = session.engine
    payload = args[2]
    if version_of(payload, is_relaxed(engine.config), engine.durability.checking_sums) == 0:
        raise CommandError(BAD_PAYLOAD_FOOTER)
    libraries(session).restore(sources_of(payload[: -int(FOOTER_BYTES)]), policy)
    changed(session)
    return OK


def sources_of(body: bytes) -> list[bytes]:
    """The sources in a payload.  Raises CommandError."""
    source = Source(body, len(body))
    found: list[bytes] = []
    try:
        while source.left() > 0:
            code = source.byte()
            if code == codes.OLD_FUNCTION:
                raise CommandError(OLD_FUNCTION_FORMAT)
            if code != codes.FUNCTION:
                raise CommandError(NOT_A_FUNCTION)
            found.append(source.text())
    except DamagedError:
        raise CommandError(BAD_LIBRARY_PAYLOAD) from None
    return found


@command(
    "function|stats", arity=2, flags=NOSCRIPT | ALLOW_BUSY, acl=SCRIPTING, group="scripting",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
    since="7.0.0", complexity="O(1)", summary="Return the function that runs, and how many there are.",
)  # fmt: skip
def function_stats(session: Session, args: list[bytes]) -> object:
    python = python_functions(session.engine)
    if python is not None and not has_lua(session.engine):
        # Lua is not loaded just to be counted.
        none = Map([b"libraries_count", 0, b"functions_count", 0])
        return Map([b"running_script", None, b"engines", Map([b"LUA", none, b"PYTHON", counted(python)])])
    scripts = scripts_of(session.engine)
    watch = scripts.watch
    running: object = None
    if watch.running:
        if not watch.is_function:
            raise CommandError(session.engine.busy_text())
        words: list[object] = list(watch.args)
        running = Map([b"name", watch.name, b"command", words, b"duration_ms", int(watch.duration_ms())])
    found = scripts.functions_
    counts = Map([b"libraries_count", len(found.libraries), b"functions_count", len(found.by_name)])
    engines: list[object] = [b"LUA", counts]
    if python is not None:
        engines += [b"PYTHON", counted(python)]
    return Map([b"running_script", running, b"engines", Map(engines)])


def counted(python: PythonFunctions) -> object:
    """The functions in Python as FUNCTION STATS counts them."""
    return Map([b"libraries_count", len(python.by_library), b"functions_count", len(python.by_name)])


help_command(function, since="7.0.0", acl=SCRIPTING)
