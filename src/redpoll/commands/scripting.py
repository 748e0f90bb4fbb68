"""Lua scripts: EVAL, EVALSHA, their read-only forms, and SCRIPT."""

from __future__ import annotations

from redpoll.catalogue.keyspec import ACCESS, RO, RW, UPDATE, counted_keys
from redpoll.catalogue.spec import (
    ALLOW_BUSY,
    MOVABLEKEYS,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    READONLY,
    SCRIPTING,
    SKIP_MONITOR,
    STALE,
)
from redpoll.commands.containers import container, help_command
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import CommandError
from redpoll.protocol.reply import OK
from redpoll.script_errors import (
    NOSCRIPT_FOUND,
    NOT_BUSY,
    SCRIPT_DEBUG_IN_EXEC,
    SCRIPT_DEBUG_OPTION,
    SCRIPT_DEBUG_REFUSED,
    SCRIPT_FLUSH_OPTION,
    no_debug_engine,
)
from redpoll.scripting.scripts import scripts_of

RUNS = NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLEKEYS


@command(
    "eval", arity=-3, flags=RUNS, acl=SCRIPTING, keys=counted_keys(2, RW | ACCESS | UPDATE), group="scripting",
    arguments="script numkeys:integer [key#0] ... [arg] ...",
    since="2.6.0", complexity="that of the script", summary="Run a Lua script.",
)  # fmt: skip
def eval_(session: Session, args: list[bytes]) -> object:
    return scripts_of(session.engine).eval(session, args, False)


@command(
    "eval_ro", arity=-3, flags=RUNS | READONLY, acl=SCRIPTING, keys=counted_keys(2, RO | ACCESS), group="scripting",
    arguments="script numkeys:integer [key#0] ... [arg] ...",
    since="7.0.0", complexity="that of the script", summary="Run a Lua script that may only read.",
)  # fmt: skip
def eval_ro(session: Session, args: list[bytes]) -> object:
    return scripts_of(session.engine).eval(session, args, True)


@command(
    "evalsha", arity=-3, flags=RUNS, acl=SCRIPTING, keys=counted_keys(2, RW | ACCESS | UPDATE), group="scripting",
    arguments="sha1 numkeys:integer [key#0] ... [arg] ...",
    since="2.6.0", complexity="that of the script", summary="Run a cached Lua script, which its SHA-1 names.",
)  # fmt: skip
def evalsha(session: Session, args: list[bytes]) -> object:
    return scripts_of(session.engine).eval_sha(session, args, False)


@command(
    "evalsha_ro", arity=-3, flags=RUNS | READONLY, acl=SCRIPTING, keys=counted_keys(2, RO | ACCESS), group="scripting",
    arguments="sha1 numkeys:integer [key#0] ... [arg] ...",
    since="7.0.0", complexity="that of the script",
    summary="Run a cached Lua script, which its SHA-1 names and which may only read.",
)  # fmt: skip
def evalsha_ro(session: Session, args: list[bytes]) -> object:
    return scripts_of(session.engine).eval_sha(session, args, True)


script = container(
    "script", group="scripting", since="2.6.0", summary="Commands about the cached Lua scripts.",
)  # fmt: skip


@command(
    "script|debug", arity=-3, flags=NOSCRIPT, acl=SCRIPTING, group="scripting",
    arguments="(mode: YES | SYNC | NO) [engine@9.1.0]",
    since="3.2.0", complexity="O(1)", summary="Choose the debugger for the next EVAL; redpoll has none.",
)  # fmt: skip
def script_debug(session: Session, args: list[bytes]) -> object:
    if session.executing > 0:
        raise CommandError(SCRIPT_DEBUG_IN_EXEC)
    mode = args[2].upper()
    if len(args) > 4 or mode not in (b"YES", b"SYNC", b"NO"):
        raise CommandError(SCRIPT_DEBUG_OPTION)
    if len(args) == 4 and args[3].lower() != b"lua":
        raise CommandError(no_debug_engine(args[3]))
    if mode != b"NO":
        raise CommandError(SCRIPT_DEBUG_REFUSED)
    return OK


@command(
    "script|exists", arity=-3, flags=NOSCRIPT | STALE, acl=SCRIPTING, group="scripting", arguments="sha1 ...",
    tips="request_policy:all_shards response_policy:agg_logical_and",
    since="2.6.0", complexity="O(scripts asked for)", summary="Return which scripts are cached.",
)  # fmt: skip
def script_exists(session: Session, args: list[bytes]) -> object:
    cache = scripts_of(session.engine).cache
    return [int(cache.find(sha) is not None) for sha in args[2:]]


@command(
    "script|flush", arity=-2, flags=NOSCRIPT | STALE, acl=SCRIPTING, group="scripting",
    arguments="[flush-type: ASYNC | SYNC]@6.2.0", tips="request_policy:all_nodes response_policy:all_succeeded",
    since="2.6.0", complexity="O(cached scripts)", summary="Remove all scripts from the cache.",
)  # fmt: skip
def script_flush(session: Session, args: list[bytes]) -> object:
    if len(args) > 3 or (len(args) == 3 and args[2].upper() not in (b"SYNC", b"ASYNC")):
        raise CommandError(SCRIPT_FLUSH_OPTION)
    scripts_of(session.engine).flush()
    return OK


@command(
    "script|kill", arity=2, flags=NOSCRIPT | ALLOW_BUSY, acl=SCRIPTING, group="scripting",
    tips="request_policy:all_shards response_policy:one_succeeded",
    since="2.6.0", complexity="O(1)", summary="End the script that runs, if it has written nothing.",
)  # fmt: skip
def script_kill(session: Session, args: list[bytes]) -> object:
    host = session.engine.scripts
    complaint = host.kill(False) if host is not None else NOT_BUSY
    if complaint:
        raise CommandError(complaint)
    return OK


@command(
    "script|load", arity=3, flags=NOSCRIPT | STALE, acl=SCRIPTING, group="scripting", arguments="script",
    tips="request_policy:all_nodes response_policy:all_succeeded",
    since="2.6.0", complexity="O(bytes of the script)", summary="Compile a script and keep it; return its SHA-1.",
)  # fmt: skip
def script_load(session: Session, args: list[bytes]) -> object:
    scripts = scripts_of(session.engine)
    found = scripts.compiled(args[2])
    scripts.cache.keep(found)
    return found.sha


@command(
    "script|show", arity=3, flags=NOSCRIPT | STALE, acl=SCRIPTING, group="scripting", arguments="sha1",
    since="8.0.0", complexity="O(1)", summary="Return the text of a cached script.",
)  # fmt: skip
def script_show(session: Session, args: list[bytes]) -> object:
    found = scripts_of(session.engine).cache.find(args[2])
    if found is None:
        raise CommandError(NOSCRIPT_FOUND)
    return found.text


help_command(script, since="5.0.0", acl=SCRIPTING)
