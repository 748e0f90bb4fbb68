"""Builds redpoll: the modules that run per command are compiled by mypyc, the others stay Python.

Two ways in:

- `pip install .` or `pip wheel .`: an optimised build, with the sources beside the machine code.
- `python setup.py build_tree --variant compiled|test` (the Makefile's way): a complete copy of the package in
  `build/VARIANT`, compiled modules as machine code only, so that a missing one is noticed.  `src/` never holds any.

mypyc writes a C file for each module.  `scripts/bundles.py` combines them into a few, which are compiled side by side:
for `compiled` by room and optimised, for `test` not optimised.  Only changed files are compiled again.
Without a compiler, or with REDPOLL_PURE=1, nothing is compiled and the same files run interpreted.
docs/adr/0001-librt-and-the-build.md explains why, and has the costs.
"""

from __future__ import annotations

import fcntl
import fnmatch
import os
import re
import shlex
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from setuptools import Command, Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "scripts"))

from bundles import bundle_by_room, bundle_for_tests, level, write_changed  # noqa: E402
from docstrings import docstrings_of, with_docstrings  # noqa: E402
from toolchain import notice, why_pure  # noqa: E402

PACKAGE = Path("src/redpoll")

NOT_COMPILED = {
    "__main__.py": "`python -m redpoll` runs a source file",
    "__init__.py": "names and imports only: runs once, and help() wants its docstrings",
    "*/__init__.py": "as above",
    "asyncio.py": "a few lines run fifty times a second, and help() wants its docstrings",
    "build_info.py": "looks at the other modules from outside",
    "net/poller_kqueue.py": "elsewhere the select module has no kqueue to compile against",
    "cli/*": "runs once in a process; not a line of it per command",
    "config/[adfrv]*": "runs when a file is read or CONFIG is asked, never per command",
    "config/s[cp]*": "as above: the declarations of all directives and their kinds of values",
}
"""What stays interpreted (patterns below src/redpoll), each with its reason.  Everything else is compiled."""

VARIANTS = {"compiled": ["-O2"], "test": ["-O0", "-UNDEBUG"]}
"""What each variant asks of the C compiler: the product is fast; the tests' build is soon ready, and checks more."""

FLAGS = [
    "-g0",  # debug information doubles the compile time; symbol names stay, which is what perf needs
    "-w",  # warnings about generated code tell nobody anything
    "-fvisibility=hidden",  # calls within a module need no detour through the linker's tables, and may be inlined
    "-fwrapv",  # signed overflow wraps, as CPython itself is compiled
]
UNWANTED = re.compile(r"-g\d?|-O.*|-W(?!l,).*")
"""Flags the interpreter was built with which would slow our build down or contradict FLAGS."""


def compiled_sources() -> list[str]:
    """The paths of the modules that are compiled, from the project's folder, in a fixed order."""
    sources = []
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).as_posix()
        if not any(fnmatch.fnmatchcase(inside, pattern) for pattern in NOT_COMPILED):
            sources.append(path.as_posix())
    return sources


def translate(variant: str) -> list[Extension]:
    """Make mypyc write the C of the compiled modules; return the library to build from it.

    Unchanged C keeps its time, and is not compiled again.
    """
    from mypyc.build import mypycify

    optimisation, *further = VARIANTS[variant]
    extensions = mypycify(
        compiled_sources(),
        group_name="redpoll",
        target_dir=f"build/c/{variant}",
        opt_level=optimisation[2:],
        multi_file=True,
    )
    documented = public_docstrings()
    for extension in extensions:
        extension.sources = [with_public_docstrings(path, documented) for path in extension.sources]
    if os.name == "posix":
        asked = shlex.split(os.environ.get("CFLAGS", ""))
        arguments = [optimisation, *further, *FLAGS, *asked]
        note = write_changed(Path(f"build/c/{variant}/arguments.txt"), shlex.join(arguments))
        for extension in extensions:
            if len(extension.sources) > 1:
                extension.sources = (bundle_by_room if variant == "compiled" else bundle_for_tests)(extension.sources)
            extension.extra_compile_args = arguments
            # mypyc names only the headers that it has written.
            headers = [str(path) for folder in extension.include_dirs for path in Path(folder).glob("*.h")]
            extension.depends = [*extension.depends, *headers, __file__, note]
    return list(extensions)


PUBLIC = "client/*.py"
"""Modules whose classes users call: their docstrings are kept (patterns below src/redpoll)."""


def public_docstrings() -> dict[str, dict[str, str]]:
    """The docstrings of the public classes, by class and method."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(PACKAGE.glob(PUBLIC)):
        found |= docstrings_of(path)
    return found


def with_public_docstrings(path: str, documented: dict[str, dict[str, str]]) -> str:
    """A C file as mypyc wrote it, or one beside it with docstrings if it defines public classes."""
    source = Path(path)
    code = source.read_text()
    made = with_docstrings(code, documented)
    if made == code:
        return path
    return write_changed(source.with_name(f"documented_{source.name}"), made)


class BuildExt(build_ext):
    """Compiles changed files on all processors, with our flags instead of the interpreter's."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count() or 1

    def build_extensions(self) -> None:
        compiler: Any = self.compiler
        if compiler.compiler_type == "unix":
            compiler.compiler_so = [flag for flag in compiler.compiler_so if not UNWANTED.fullmatch(flag)]
            compiler.compile = self.compile_changed
        super().build_extensions()

    def compile_changed(self, sources: list[str], depends: list[str], **options: Any) -> list[str]:
        """Object files of all sources; setuptools has nothing that leaves one as it is, or makes two at a time."""
        compiler: Any = self.compiler
        compile_all = type(compiler).compile
        shared = max(Path(path).stat().st_mtime for path in depends)

        def compile_one(source: str) -> list[str]:
            objects: list[str] = compiler.object_filenames([source], output_dir=options["output_dir"])
            made = Path(objects[0])
            if made.exists() and made.stat().st_mtime > max(shared, Path(source).stat().st_mtime):
                return objects
            flags = [level(source, flag) if flag.startswith("-O") else flag for flag in options["extra_postargs"]]
            compiled: list[str] = compile_all(compiler, [source], **{**options, "extra_postargs": flags})
            return compiled

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return [made for objects in pool.map(compile_one, sources) for made in objects]


class BuildPy(build_py):
    """Copies the sources; into a tree below `build/` only those that are not compiled."""

    left_out: frozenset[str] = frozenset()

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        found: list[tuple[str, str, str]] = super().find_package_modules(package, package_dir)
        return [module for module in found if Path(module[2]).as_posix() not in self.left_out]


class BuildTree(Command):
    """Builds a complete package below `build/`: compiles changed files, removes files that are no longer part of it."""

    description = "build the package into build/VARIANT"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = [("variant=", None, "compiled or test")]
    variant: str

    def initialize_options(self) -> None:
        self.variant = "compiled"

    def finalize_options(self) -> None:
        if self.variant not in VARIANTS:
            raise SystemExit(f"setup.py: no such variant: {self.variant} (there are {', '.join(VARIANTS)})")

    def run(self) -> None:
        if reason := why_pure():
            raise SystemExit(f"setup.py: cannot compile: {reason}")
        os.makedirs("build", exist_ok=True)
        with open("build/lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.build()

    def build(self) -> None:
        """Translate, compile, copy, prune; print progress and times."""
        tree = Path("build", self.variant)
        began = time.monotonic()
        print(f"  1/3 mypyc translates {len(compiled_sources())} modules to C", flush=True)
        self.distribution.get_command_obj("egg_info").egg_base = "build"  # metadata that nobody reads: not into src/
        self.distribution.ext_modules = translate(self.variant)
        translated = time.monotonic()
        print(f"  2/3 the C compiler turns them into machine code ({translated - began:.0f} s so far)", flush=True)
        extensions: Any = self.reinitialize_command("build_ext")
        extensions.build_lib = str(tree)
        extensions.build_temp = str(Path("build/objects", f"{self.variant}-{sys.implementation.cache_tag}"))
        sources: Any = self.reinitialize_command("build_py")
        sources.build_lib = str(tree)
        sources.left_out = frozenset(compiled_sources())
        self.run_command("build_ext")
        compiled = time.monotonic()
        print(f"  3/3 the modules that stay Python are copied ({compiled - began:.0f} s so far)", flush=True)
        self.run_command("build_py")
        wanted = {
            Path(path).resolve() for path in (*extensions.get_outputs(), *sources.get_outputs(include_bytecode=False))
        }
        for path in tree.rglob("*"):
            if path.is_file() and path.suffix != ".pyc" and path.resolve() not in wanted:
                path.unlink()
        print(f"  built {tree} in {time.monotonic() - began:.0f} s", flush=True)


def extensions_to_install() -> list[Extension]:
    """The extensions for pip to compile; none, with a notice, if this machine cannot compile.

    None for `pip install -e .` either: machine code beside the sources would hide every edit.
    """
    if "editable_wheel" in sys.argv:
        print(f"\n{notice('an editable install runs the sources')}\n", file=sys.stderr)
        return []
    if not {"bdist_wheel", "build", "build_ext", "install"} & set(sys.argv):
        return []
    if reason := why_pure():
        print(f"\n{notice(reason)}\n", file=sys.stderr)
        return []
    return translate("compiled")


if __name__ == "__main__":
    os.chdir(ROOT)
    setup(
        ext_modules=extensions_to_install(),
        cmdclass={"build_ext": BuildExt, "build_py": BuildPy, "build_tree": BuildTree},
    )
