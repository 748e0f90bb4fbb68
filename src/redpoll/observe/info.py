"""INFO: the state of an engine, as text in sections.  Source: spec/server.md, "INFO".

Each section is a function from the engine to its lines; this file knows their names and their order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from redpoll.engine.engine import Engine
from redpoll.observe.hot_keys_report import hot_key_lines
from redpoll.observe.info_commands import command_lines, error_lines, latency_lines
from redpoll.observe.info_data import keyspace_lines, memory_lines, persistence_lines
from redpoll.observe.info_replication import replication_lines
from redpoll.observe.info_server import client_lines, cpu_lines, debug_lines, server_lines, tls_lines
from redpoll.observe.info_stats import stats_lines

Lines = Callable[[Engine], list[str]]


class Section:
    """One section: its name, its title, its lines, and whether it is shown by default."""

    def __init__(self, word: bytes, title: str, lines: Lines, usual: bool, in_all: bool = True) -> None:
        self.word: Final = word
        self.title: Final = title
        self.lines: Final = lines
        self.usual: Final = usual
        self.in_all: Final = in_all


def no_lines(engine: Engine) -> list[str]:
    """The lines of a section about a feature that does not exist."""
    return []


def cluster_lines(engine: Engine) -> list[str]:
    return [f"cluster_enabled:{int(engine.router is not None)}"]


def script_engine_lines(engine: Engine) -> list[str]:
    """The engine of Lua; before the first script it needs no memory."""
    host = engine.scripts
    used = int(host.eval_bytes()) if host is not None else 0
    return [
        "engines_count:1",
        f"engines_total_used_memory:{used}",
        "engines_total_memory_overhead:0",
        f"engine_0:name=LUA,module=lua,abi_version=4,used_memory={used},memory_overhead=0",
    ]


def module_lines(engine: Engine) -> list[str]:
    """The modules as the reference shows them: its engine of Lua is one."""
    options = "handle-repl-async-load|handle-atomic-slot-migration"
    return [f"module:name=lua,ver=1,api=1,filters=0,usedby=[],using=[],options=[{options}]"]


SECTIONS: Final = [
    Section(b"server", "Server", server_lines, True),
    Section(b"tls", "TLS", tls_lines, False),
    Section(b"clients", "Clients", client_lines, True),
    Section(b"memory", "Memory", memory_lines, True),
    Section(b"persistence", "Persistence", persistence_lines, True),
    Section(b"stats", "Stats", stats_lines, True),
    Section(b"replication", "Replication", replication_lines, True),
    Section(b"cpu", "CPU", cpu_lines, True),
    Section(b"modules", "Modules", module_lines, True),
    Section(b"commandstats", "Commandstats", command_lines, False),
    Section(b"errorstats", "Errorstats", error_lines, True),
    Section(b"latencystats", "Latencystats", latency_lines, False),
    Section(b"cluster", "Cluster", cluster_lines, True),
    Section(b"cluster_info", "Cluster Info", no_lines, False),
    Section(b"scriptingengines", "Scripting Engines", script_engine_lines, False),
    Section(b"keyspace", "Keyspace", keyspace_lines, True),
    Section(b"debug", "Debug", debug_lines, False, False),
    Section(b"hotkeys", "Hotkeys", hot_key_lines, False, False),
]
"""All sections in the order in which they are shown."""


def info_text(engine: Engine, words: list[bytes]) -> bytes:
    """The requested sections, in the fixed order.  Unknown names are ignored."""
    usual = len(words) == 0 or b"default" in words
    everything = b"all" in words or b"everything" in words
    texts: list[str] = []
    for section in SECTIONS:
        named = section.word in words or (section.word == b"modules" and b"module_list" in words)
        if named or (usual and section.usual) or (everything and section.in_all):
            lines = [f"# {section.title}", *section.lines(engine)]
            texts.append("".join([f"{line}\r\n" for line in lines]))
    return "\r\n".join(texts).encode("utf-8", "surrogateescape")
