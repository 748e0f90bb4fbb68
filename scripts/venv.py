"""Manages `.venv` for the Makefile: creates it, installs into it, points it at a tree of redpoll.

    python3 scripts/venv.py create .venv           with the interpreter that .venv is to have
    .venv/bin/python scripts/venv.py install build dev
    .venv/bin/python scripts/venv.py link build/compiled

Requirements are read from pyproject.toml: `run` names the runtime dependencies, `build` those of the
build, anything else an extra.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

IDENTITY = "import sys; print(sys.base_prefix, sys.version)"

LAUNCHER = """#!{python}
import sys

from redpoll.cli.main import main

sys.exit(main())
"""


def create(folder: str) -> None:
    """Create a virtual environment of the running interpreter, unless it exists already."""
    python = Path(folder, "bin", "python")
    wanted = f"{sys.base_prefix} {sys.version}"
    if python.exists():
        found = subprocess.run([python, "-c", "import pip;" + IDENTITY], capture_output=True, text=True, check=False)
        if found.returncode == 0 and found.stdout.strip() == wanted:
            return
    print(f"making {folder} with {sys.executable} ({sys.version.split()[0]})", flush=True)
    if subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=False).returncode != 0:
        sys.exit(f"{sys.executable} could not make {folder} (Debian: apt install python3-venv); or set PYTHON=...")


def install(groups: list[str]) -> None:
    """Install the named groups of requirements into the running environment."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        declared = tomllib.load(file)
    known = {
        "run": declared["project"]["dependencies"],
        "build": declared["build-system"]["requires"],
        **declared["project"]["optional-dependencies"],
    }
    wanted = [requirement for group in groups for requirement in known[group]]
    print(f"installing {', '.join(wanted)}", flush=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", *wanted]
    sys.exit(subprocess.run(pip, check=False).returncode)


def link(tree: str) -> None:
    """Make `import redpoll` and `.venv/bin/redpoll` use the package in `tree`."""
    packages = Path(sysconfig.get_path("purelib"))
    if (packages / "redpoll").exists():
        sys.exit(f"{packages / 'redpoll'} would hide {tree}: run `{sys.executable} -m pip uninstall redpoll`")
    write(packages / "redpoll.pth", f"{(ROOT / tree).resolve()}\n")
    launcher = Path(sys.prefix, "bin", "redpoll")
    write(launcher, LAUNCHER.format(python=sys.executable))
    launcher.chmod(0o755)


def write(path: Path, text: str) -> None:
    """Write a file, unless it has this content already."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


if __name__ == "__main__":
    os.chdir(ROOT)
    match sys.argv[1:]:
        case ["create", folder]:
            create(folder)
        case ["install", *groups]:
            install(groups)
        case ["link", tree]:
            link(tree)
        case _:
            sys.exit(__doc__)
