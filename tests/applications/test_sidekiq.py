"""Sidekiq, as Debian packages it (ruby-sidekiq): programs/sidekiq_program.rb, run by sidekiq and by ruby.

Skipped where it is not installed: apt-get install ruby-sidekiq.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import redis
from tests.applications.conftest import PROGRAMS

RUBY = shutil.which("ruby")
SIDEKIQ = shutil.which("sidekiq")
PROGRAM = PROGRAMS / "sidekiq_program.rb"


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.skipif(RUBY is None or SIDEKIQ is None, reason="no ruby-sidekiq here: apt-get install ruby-sidekiq")
def test_sidekiq(port: int, tmp_path: Path) -> None:
    redis.Redis(port=port).flushall()
    assert RUBY is not None and SIDEKIQ is not None
    environment = {**os.environ, "REDIS_URL": f"redis://127.0.0.1:{port}/3"}
    log = tmp_path / "sidekiq.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [SIDEKIQ, "-r", str(PROGRAM), "-c", "5", "-q", "default", "-q", "low"],
            env=environment,
            stdout=output,
            stderr=output,
            cwd=tmp_path,
        )
    try:
        done = subprocess.run(
            [RUBY, str(PROGRAM)], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr + log.read_text(errors="replace")
        assert done.stdout.splitlines() == [
            "doubled true",
            "scheduled 1",
            "later true",
            "tries 3",
            "failed 3",
            'low ["w0", "w1", "w2"]',
            'processes 1 queues ["default", "low"]',
        ]
        # It was asked, through the server, to stop.
        assert worker.wait(40) == 0, log.read_text(errors="replace")
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()
