"""redpoll under real Sentinels: discovery, failover to a replica of either kind, and the return of the old primary."""

from __future__ import annotations

import os
import subprocess

import pytest
from tests.differential.links import Client, until
from tests.differential.servers import Server, Valkey
from tests.differential.test_replication import MAKERS, follow, mine, running, same
from tests.differential.wire import ConnectionClosedError

FULL = os.environ.get("REDPOLL_PROFILE") == "full"

CONFIGURATION = """
sentinel monitor shop 127.0.0.1 {port} 1
sentinel down-after-milliseconds shop 1000
sentinel failover-timeout shop 10000
"""


class Sentinel(Valkey):
    """A sentinel that watches one primary."""

    def __init__(self, primary: Server) -> None:
        super().__init__("sentinel")
        self.primary = primary

    def command(self) -> list[str]:
        path = self.log.parent / "sentinel.conf"
        path.write_text(CONFIGURATION.format(port=self.primary.port))
        return [super().command()[0], str(path), "--port", str(self.port), "--bind", "127.0.0.1", "--sentinel"]

    def _became_ready(self, process: subprocess.Popen[bytes]) -> bool:
        until(lambda: "+monitor master" in self.log.read_text(errors="replace"), "the sentinel watches")
        return True


def told(server: Server, field: str) -> str:
    """A field of INFO; empty if the connection is closed."""
    client = Client(server)
    try:
        return client.info(field)
    except (ConnectionClosedError, ConnectionError):
        return ""
    finally:
        client.close()


@pytest.mark.parametrize("kind", ["redpoll", "valkey"])
def test_failover_and_return(kind: str) -> None:
    if not FULL:
        pytest.skip("takes half a minute: in the full profile")
    primary, replica = mine(), MAKERS[kind]()
    with running(primary, replica) as (one, other):
        one("SET", "k", "v")
        follow(other, primary)
        same(one, other)
        sentinel = Sentinel(primary)
        sentinel.start()
        watch = Client(sentinel)
        try:
            until(lambda: "slaves=1" in watch.info("master0"), "the replica is discovered")
            assert primary.process is not None
            primary.process.kill()
            primary.process.wait()
            # The sentinel closes the connections of clients, so each question has its own.
            until(lambda: told(replica, "role") == "master", "the failover")
            until(
                lambda: watch("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "shop").items[1].text == b"%d" % replica.port,
                "clients learn the new address",
            )
            other.close()
            other = Client(replica)
            assert other("GET", "k").text == b"v"
            other("SET", "k", "w")
            # The old primary comes back on its port, and is made a replica.
            back = mine("--port", str(primary.port))
            back.start()
            back.port = primary.port
            until(lambda: told(back, "role") == "slave", "the old primary follows")
            until(lambda: told(back, "master_link_status") == "up", "the link is up")
            returned = Client(back)
            same(other, returned)
            returned.close()
            other.close()
            back.close()
        finally:
            watch.close()
            sentinel.close()
