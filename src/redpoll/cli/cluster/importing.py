"""`redpoll cluster import`: the keys of a stand-alone server move into a cluster, or are copied.

The source sends its keys with MIGRATE, each batch to the node that owns their slots.  Without `--replace`, a key that
the cluster already has stays in the source, and the report names it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from redpoll.cli.cluster.nodes import Access, Cluster, Manner, Node, Server
from redpoll.cli.cluster.reshaping import check_order
from redpoll.cli.cluster.show import Meter, say, warn
from redpoll.cli.cluster.words import Address, Refusal, plural
from redpoll.cli.resp import Disconnected, ServerComplaint
from redpoll.cluster.slot_sets import SLOT_COUNT, members
from redpoll.keyspace.slots import key_slot

SCAN_COUNT = 1000
SHOWN_FAILURES = 10


@dataclass
class Result:
    """What became of the keys of the source.  `failed` has keys with their errors."""

    sent: int = 0
    existing: list[bytes] = field(default_factory=list)
    failed: list[tuple[bytes, str]] = field(default_factory=list)


class Import:
    """Sends keys from a server to a cluster; `copy` leaves them in the source."""

    def __init__(self, cluster: Cluster, source: Server, manner: Manner, copy: bool) -> None:
        self.cluster = cluster
        self.source = source
        self.manner = manner
        self.copy = copy
        self.result = Result()
        self.owners: list[Node | None] = [None] * SLOT_COUNT
        for node in cluster.primaries:
            for slot in members(node.me.slots):
                self.owners[slot] = node

    def run(self, expected: int) -> Result:
        """Send all keys of database 0.  Raises Refusal."""
        meter = Meter("importing", expected, "keys")
        cursor = "0"
        try:
            while True:
                reply = self.source.ask("SCAN", cursor, "COUNT", str(SCAN_COUNT))
                if not isinstance(reply, list) or len(reply) != 2 or not isinstance(reply[1], list):
                    raise Refusal(f"{self.source.address} does not answer to SCAN as a server does")
                keys = [key for key in reply[1] if isinstance(key, bytes)]
                self.send_batches(keys, meter)
                cursor = bytes(reply[0]).decode()
                if cursor == "0":
                    return self.result
        finally:
            meter.end()

    def send_batches(self, keys: list[bytes], meter: Meter) -> None:
        by_owner: dict[str, list[bytes]] = {}
        for key in dict.fromkeys(keys):
            node = self.owners[key_slot(key)]
            assert node is not None
            by_owner.setdefault(node.id, []).append(key)
        for name, group in by_owner.items():
            node = self.cluster.by_id(name)
            wanted = group if self.manner.replace else self.absent(node, group)
            for start in range(0, len(wanted), self.manner.pipeline):
                self.send(node, wanted[start : start + self.manner.pipeline])
            meter.advance(len(group))

    def absent(self, node: Node, keys: list[bytes]) -> list[bytes]:
        """The keys that the node does not have.  The others are added to `result.existing`."""
        found = []
        for key, there in zip(keys, node.ask_all([("EXISTS", key) for key in keys]), strict=True):
            if there == 0:
                found.append(key)
            else:
                self.result.existing.append(key)
        return found

    def send(self, node: Node, keys: list[bytes]) -> None:
        """Send a batch; if that fails, send its keys one by one.  Raises Refusal."""
        reply = self.migrate(node, keys)
        if not isinstance(reply, ServerComplaint):
            self.result.sent += len(keys)
            return
        for key in keys:
            reply = self.migrate(node, [key])
            # BUSYKEY: the failed batch has sent this key, as the node did not have it before.
            if not isinstance(reply, ServerComplaint) or "BUSYKEY" in str(reply):
                self.result.sent += 1
            else:
                self.result.failed.append((key, str(reply)))

    def migrate(self, node: Node, keys: list[bytes]) -> object:
        target, manner = self.cluster.address_of(node), self.manner
        return self.source.migrate(
            target, self.cluster.access, keys, manner.timeout_ms, copy=self.copy, replace=manner.replace
        )


def import_keys(cluster: Cluster, place: Address, entry: Access, manner: Manner, copy: bool) -> bool:
    """Import the keys of the server at `place`; return whether all have arrived.  Raises Refusal."""
    check_order(cluster)
    try:
        source = Server(place, entry)
    except Disconnected as gone:
        raise Refusal(f"{gone}; --from names the server with the keys") from gone
    try:
        if "cluster_enabled:1" in source.text("INFO", "cluster"):
            raise Refusal(f"{place} is a node of a cluster itself: import copies from a stand-alone server")
        databases = source.databases()
        if left := [str(number) for number in databases if number]:
            warn(f"only database 0 is imported; {place} also has keys in: {', '.join(left)}")
        expected = databases.get(0, 0)
        if not expected:
            say(f"{place} has no keys in database 0: nothing to import")
            return True
        return report(Import(cluster, source, manner, copy).run(expected), copy, place)
    finally:
        source.close()


def report(result: Result, copy: bool, place: Address) -> bool:
    """Show what became of the keys; return whether all have arrived."""
    for key, reason in result.failed[:SHOWN_FAILURES]:
        say(f"[ERR] {name(key)}: {reason}")
    if result.existing:
        names = ", ".join(name(key) for key in result.existing[:SHOWN_FAILURES])
        more = ", ..." if len(result.existing) > SHOWN_FAILURES else ""
        say(f"[ERR] {plural(len(result.existing), 'key')} left in {place}, as the cluster has keys of these names: "
            f"{names}{more}. --replace overwrites them.")  # fmt: skip
    if result.failed:
        say(f"[ERR] {plural(len(result.failed), 'key')} could not be sent.")
    done = not result.failed and not result.existing
    say(f"{'[OK] ' if done else ''}{plural(result.sent, 'key')} {'copied' if copy else 'moved'} into the cluster.")
    return done


def name(key: bytes) -> str:
    return repr(key.decode("utf-8", "backslashreplace"))
