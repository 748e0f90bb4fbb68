"""BullMQ: programs/bullmq.test.mjs run by node's own test runner.

Installed by npm into build/bullmq, once; skipped where there is no node, or npm cannot fetch it.
"""

from __future__ import annotations

import pytest
from tests.applications.conftest import PROGRAMS
from tests.clients import npm

PACKAGES = ["bullmq@5.81.5"]


@pytest.mark.slow
@pytest.mark.timeout(npm.INSTALL_SECONDS + 60)
def test_bullmq(port: int) -> None:
    packages = npm.install("bullmq", PACKAGES)
    npm.run(PROGRAMS / "bullmq.test.mjs", packages, port, count=8)
