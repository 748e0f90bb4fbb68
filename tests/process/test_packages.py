"""Packages as `python -m build` makes them: each is installed into a new environment, and serves there.

Interpreted in every run; compiled, which takes minutes, in `make test-full`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from tests.differential.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 1200


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git tracks: building leaves files beside the sources."""
    folder = tmp_path_factory.mktemp("packages") / "redpoll"
    listed = subprocess.run(
        ["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def quiet(*words: str | Path, pure: bool, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "REDPOLL_PURE")}
    if pure:
        environment["REDPOLL_PURE"] = "1"
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def serves(package: Path, folder: Path, pure: bool) -> str:
    """Install a package into a new environment and drive its server; the version line."""
    environment = folder / "environment"
    quiet(sys.executable, "-m", "venv", environment, pure=pure, folder=folder)
    python = environment / "bin" / "python"
    quiet(python, "-m", "pip", "install", "--quiet", package, pure=pure, folder=folder)
    version = quiet(environment / "bin" / "redpoll", "--version", pure=pure, folder=folder)
    port = free_port()
    server = subprocess.Popen(
        [environment / "bin" / "redpoll", "server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.DEVNULL,
    )
    try:
        while True:
            assert server.poll() is None
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        client = redis.Redis(port=port)
        assert client.set("greeting", "hello")
        assert client.get("greeting") == b"hello"
        client.close()
    finally:
        server.terminate()
        assert server.wait(60) == 0
    return version


def built(sources: Path, pure: bool, *options: str) -> None:
    quiet(sys.executable, "-m", "build", "--no-isolation", *options, pure=pure, folder=sources)


@pytest.mark.timeout(PATIENCE)
def test_the_source_distribution_installs_and_serves(sources: Path, tmp_path: Path) -> None:
    built(sources, True, "--sdist")
    (package,) = (sources / "dist").glob("*.tar.gz")
    assert "interpreted" in serves(package, tmp_path, True)


@pytest.mark.timeout(PATIENCE)
def test_the_wheel_installs_and_serves(sources: Path, tmp_path: Path) -> None:
    built(sources, True, "--wheel")
    (package,) = (sources / "dist").glob("*.whl")
    assert "interpreted" in serves(package, tmp_path, True)
    told = told_in_process(tmp_path / "environment" / "bin" / "python")
    assert told.count("redpoll runs interpreted") == 1


def told_in_process(python: Path) -> str:
    """What a program reads on standard error that opens two engines."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "REDPOLL_PURE")}
    program = "import redpoll\nfor _ in range(2):\n    redpoll.open()\n"
    done = subprocess.run([python, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stderr


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
def test_the_compiled_wheel_of_the_source_distribution_installs_and_serves(sources: Path, tmp_path: Path) -> None:
    shutil.rmtree(sources / "dist", ignore_errors=True)
    built(sources, False)
    (package,) = (sources / "dist").glob("*.whl")
    assert "compiled" in serves(package, tmp_path, False)
