"""ioredis, Node's most used client: tests/clients/ioredis.test.mjs run by node's own test runner.

Installed by npm into build/ioredis, once; skipped where there is no node, or npm cannot fetch it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "ioredis"
VERSION = "6.0.0"
INSTALL_SECONDS = 60
NODE = shutil.which("node")
NPM = shutil.which("npm")


def install() -> str | None:
    """See that ioredis lies in FOLDER; why it does not."""
    if NODE is None or NPM is None:
        return "no node and npm here"
    if (
        int(subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout[1:].split(".")[0])
        < 18
    ):
        return "node is older than its test runner"
    if (FOLDER / VERSION).exists():
        return None
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    command = [NPM, "install", "--prefix", str(FOLDER), "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(
            [*command, f"ioredis@{VERSION}"], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"npm did not fetch ioredis in {INSTALL_SECONDS} s"
    if done.returncode != 0:
        return f"npm did not fetch ioredis: {done.stderr.strip()[-200:]}"
    (FOLDER / VERSION).touch()
    return None


@pytest.mark.timeout(INSTALL_SECONDS + 60)
def test_ioredis(port: int) -> None:
    reason = install()
    if reason is not None:
        pytest.skip(reason)
    assert NODE is not None
    done = subprocess.run(
        [NODE, "--test", str(Path(__file__).with_name("ioredis.test.mjs"))],
        env={**os.environ, "REDPOLL_PORT": str(port), "IOREDIS_FOLDER": str(FOLDER)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "pass 11" in done.stdout, done.stdout[-2000:]
