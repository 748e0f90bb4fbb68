"""ioredis, Node's most used client: tests/clients/ioredis.test.mjs run by node's own test runner.

Installed by npm into build/ioredis, once; skipped where there is no node, or npm cannot fetch it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clients import npm


@pytest.mark.timeout(npm.INSTALL_SECONDS + 60)
def test_ioredis(port: int) -> None:
    packages = npm.install("ioredis", ["ioredis@6.0.0"])
    npm.run(Path(__file__).with_name("ioredis.test.mjs"), packages, port, count=11)
