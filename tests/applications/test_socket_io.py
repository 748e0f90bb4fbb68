"""socket.io's Redis adapter: programs/socket_io.test.mjs run by node's own test runner.

Installed by npm into build/socket_io, once; skipped where there is no node, or npm cannot fetch it.
"""

from __future__ import annotations

import pytest
from tests.applications.conftest import PROGRAMS
from tests.clients import npm

PACKAGES = [
    "socket.io@4.8.4",
    "socket.io-client@4.8.4",
    "@socket.io/redis-adapter@8.3.0",
    "redis@5.12.1",
]


@pytest.mark.slow
@pytest.mark.timeout(npm.INSTALL_SECONDS + 60)
def test_socket_io_joins_two_sites(port: int) -> None:
    packages = npm.install("socket_io", PACKAGES)
    npm.run(PROGRAMS / "socket_io.test.mjs", packages, port, count=4)
