"""Bundles the compiled modules into a few C files, and chooses the optimisation of each.

mypyc writes one C file for each module.  The C compiler inlines only what it has read, so the modules that a command
runs through are included into one file.  Optimising takes long, so modules that run seldom are optimised less.  The
files are compiled side by side.  docs/adr/0001-librt-and-the-build.md has the figures.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import zlib
from pathlib import Path

C_FILES = {
    "seldom": (
        "-O1",
        "starts the process, reports, or serves operators: no command of a program's daily work runs through it",
        "catalogue/arguments catalogue/spec catalogue/variable_keys cluster/* commands/client* commands/cluster* "
        "commands/command* commands/config commands/containers commands/database* commands/debug* commands/functions "
        "commands/introspection commands/latency commands/lolwut commands/memory commands/migrate commands/modules "
        "commands/monitor commands/object commands/persistence commands/replica* commands/replication "
        "commands/server commands/shutdown commands/times commands/waits config/* env/crash env/files env/log "
        "env/process env/restart env/system_log env/title net/bus net/http* net/listener net/oom_score net/outgoing "
        "net/remote net/signals net/supervisor net/timers observe/* persistence/append_control "
        "persistence/append_folder persistence/damage persistence/export persistence/manifest persistence/survey "
        "replication/departure replication/failover replication/link replication/loading replication/network "
        "replication/payload replication/replication scripting/cache scripting/functions scripting/librar* "
        "scripting/sandbox* scripting/shebang script_errors server version",
    ),
    "core": (
        "-O2",
        "every command runs through it; mypyc's runtime is in it too",
        "catalogue/* engine/* env/* errors keyspace/* net/* protocol/* scratch structures/* types/*",
    ),
    "commands": ("-O2", "the handlers, the calls in process, and rooms that are not named above", "*"),
}
"""The C files of the optimised build: how each is compiled, why, and its modules, as patterns below the package.  The
first file with a pattern that fits takes the module."""

RUNTIME_COPIES = ("bytes", "bytes_extra", "byteswriter_extra", "exc", "int", "list", "tuple")
"""Files of mypyc's runtime (`..._ops.c`) of which each optimised C file has a copy, so that the compiler can inline
their functions: 1 % of the instructions of SET and INCR.  They hold functions only: a variable would be there twice."""

_FUNCTION = re.compile(r"^(?!static|typedef|extern)[A-Za-z_][\w *]*?\b(\w+)\(", re.MULTILINE)
"""The name of a function that starts a line, and that other files see."""

TEST_FILES = 8
"""C files of the tests' build: an edit in one module compiles one of them, a new literal nearly all."""


def level(path: str, otherwise: str) -> str:
    """The optimisation that a C file is compiled with; `otherwise` for a file that is not in C_FILES."""
    name = Path(path).stem
    return C_FILES[name][0] if name in C_FILES else otherwise


def bundle_for_tests(sources: list[str]) -> list[str]:
    """The paths of TEST_FILES C files that include `sources` between them.

    The headers are longer than most modules, so they are read only once for each file.
    """
    members: dict[str, list[str]] = {f"bundle_{number}": [] for number in range(TEST_FILES)}
    for source in sorted(sources):
        members[f"bundle_{zlib.crc32(Path(source).name.encode()) % TEST_FILES}"].append(source)
    folder = Path(sources[0]).parent
    return [write_bundle(folder / f"{name}.c", inside) for name, inside in members.items() if inside]


def bundle_by_room(sources: list[str]) -> list[str]:
    """The paths of the C files of C_FILES that include `sources`, those that take longest first."""
    members: dict[str, list[str]] = {name: [] for name in C_FILES}
    for source in sorted(sources):
        members[bundle_of(source)].append(source)
    folder = Path(sources[0]).parent
    copies = {name: "" if name == "core" else runtime_copies(folder, name) for name in members}
    paths = [write_bundle(folder / f"{name}.c", inside, copies[name]) for name, inside in members.items() if inside]
    return sorted(paths, key=lambda path: -cost(members[Path(path).stem], level(path, "-O2")))


def cost(sources: list[str], optimisation: str) -> int:
    """The rough cost of compiling: the second level of optimisation is twice the work of the first."""
    return sum(Path(source).stat().st_size for source in sources) * (2 if optimisation == "-O2" else 1)


def bundle_of(source: str) -> str:
    """The name in C_FILES of the file that takes a C file of mypyc's.  Its runtime belongs into the core."""
    _, is_module, inside = Path(source).stem.partition("__native_")
    _, _, inside = inside.partition("___")
    if not is_module or not inside:
        return "core"
    path = inside.replace("___", "/")
    return next(
        name
        for name, (_, _, patterns) in C_FILES.items()
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns.split())
    )


def runtime_copies(folder: Path, prefix: str) -> str:
    """C that includes the RUNTIME_COPIES of `folder`, with their functions under names that begin with `prefix`."""
    files = [folder / f"{name}_ops.c" for name in RUNTIME_COPIES]
    names = {name for file in files for name in _FUNCTION.findall(file.read_text())}
    renamed = [f"#define {name} {prefix}_{name}" for name in sorted(names)]
    return "\n".join([*renamed, *(f'#include "{file.resolve()}"' for file in files), ""])


def write_bundle(path: Path, members: list[str], before: str = "") -> str:
    """The path of a C file with `before` and all of `members`.

    It has a sum of them, and so is a new one when they change.
    """
    digest = hashlib.sha256(b"".join(Path(member).read_bytes() for member in members)).hexdigest()
    included = "\n".join(f'#include "{Path(member).resolve()}"' for member in members)
    return write_changed(path, f"// {digest}\n{before}{included}\n")


def write_changed(path: Path, text: str) -> str:
    """Write `text` to a file and return its path.  An unchanged file keeps its time."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return str(path)
