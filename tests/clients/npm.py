"""Packages of npm, and test files that node runs with them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALL_SECONDS = 60
NODE = shutil.which("node")
NPM = shutil.which("npm")


def install(name: str, packages: list[str]) -> Path:
    """The folder build/`name` with the packages in it, installed once.  Skips the test where that cannot be."""
    folder = ROOT / "build" / name
    if NODE is None or NPM is None:
        pytest.skip("no node and npm here")
    version = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version[1:].split(".")[0]) < 18:
        pytest.skip("node is older than its test runner")
    installed = folder / "installed"
    if installed.exists() and installed.read_text() == " ".join(packages):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [NPM, "install", "--prefix", str(folder), "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(
            [*command, *packages], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not fetch {name} in {INSTALL_SECONDS} s")
    if done.returncode != 0:
        pytest.skip(f"npm did not fetch {name}: {done.stderr.strip()[-200:]}")
    installed.write_text(" ".join(packages))
    return folder


def run(file: Path, packages: Path, port: int, count: int) -> None:
    """Run a file with node's test runner, against the server on `port`; `count` tests must pass."""
    assert NODE is not None
    done = subprocess.run(
        [NODE, "--test", str(file)],
        env={**os.environ, "REDPOLL_PORT": str(port), "PACKAGES_FOLDER": str(packages)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert f"pass {count}\n" in done.stdout, done.stdout[-2000:]
