"""MODULE on a server without modules: redpoll's engine is Python, so it cannot load modules of Redis or Valkey."""

from __future__ import annotations

from redpoll.catalogue.spec import ADMIN, NO_ASYNC_LOADING, NOSCRIPT
from redpoll.commands.containers import container, help_command
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import MODULE_NOT_LOADED, NO_SUCH_MODULE, CommandError
from redpoll.protocol.reply import Map

CHANGE = ADMIN | NOSCRIPT | NO_ASYNC_LOADING


def loaded() -> list[object]:
    """The modules as HELLO and MODULE LIST show them: the reference's engine of Lua is one, so we show ours."""
    return [Map([b"name", b"lua", b"ver", 1, b"path", b"lua", b"args", []])]


def not_loaded(session: Session, path: bytes) -> CommandError:
    """Refuse to load a module, and log the reason."""
    name = path.decode("utf-8", "surrogateescape")
    session.engine.host.log(f"Module {name} failed to load: redpoll, being Python, has no place for it")
    return CommandError(MODULE_NOT_LOADED)


module = container(
    "module", group="server", since="4.0.0",
    summary="Commands about modules, which redpoll does not have.",
)  # fmt: skip


@command(
    "module|list", arity=2, flags=ADMIN | NOSCRIPT, group="server", tips="nondeterministic_output_order",
    since="4.0.0", complexity="O(modules)", summary="List the loaded modules: the engine of Lua.",
)  # fmt: skip
def module_list(session: Session, args: list[bytes]) -> object:
    return loaded()


@command(
    "module|load", arity=-3, flags=CHANGE, group="server", arguments="path [arg] ...",
    since="4.0.0", complexity="O(1)", summary="Load a module; refused, as redpoll has none.",
)  # fmt: skip
def module_load(session: Session, args: list[bytes]) -> object:
    raise not_loaded(session, args[2])


@command(
    "module|loadex", arity=-3, flags=CHANGE, group="server",
    arguments="path [CONFIG (configs: name value)] ... [ARGS args ...]",
    since="7.0.0", complexity="O(1)", summary="Load a module with settings; refused, as redpoll has none.",
)  # fmt: skip
def module_loadex(session: Session, args: list[bytes]) -> object:
    raise not_loaded(session, args[2])


@command(
    "module|unload", arity=3, flags=CHANGE, group="server", arguments="name",
    since="4.0.0", complexity="O(1)", summary="Unload a module; there is none.",
)  # fmt: skip
def module_unload(session: Session, args: list[bytes]) -> object:
    name = args[2].decode("utf-8", "surrogateescape")
    session.engine.host.log(f"Error unloading module {name}: no such module with that name")
    raise CommandError(NO_SUCH_MODULE)


help_command(module, since="5.0.0")
