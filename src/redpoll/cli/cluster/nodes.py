"""The nodes of a running cluster, each with a connection, and what they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redpoll.cli.cluster.findings import Findings, examine
from redpoll.cli.cluster.polling import until
from redpoll.cli.cluster.view import Line, View, read_view
from redpoll.cli.cluster.words import Address, Refusal
from redpoll.cli.resp import Connection, Disconnected, ServerComplaint

CONNECT_SECONDS = 5.0
REPLY_SECONDS = 60.0
PER_PIPELINE = 512
MIGRATE_GRACE_SECONDS = 10.0
"""How long MIGRATE may take beyond its time-outs."""
KEYS_OF_DATABASE = re.compile(r"^db(\d+):keys=(\d+)", re.MULTILINE)
SHORTEST_PREFIX = 4


@dataclass
class Manner:
    """How MIGRATE sends keys.

    `timeout_ms` limits each step of MIGRATE, `pipeline` is the count of keys in one MIGRATE, and `replace` overwrites
    keys that the target already has.
    """

    timeout_ms: int = 60_000
    pipeline: int = 10
    replace: bool = False


@dataclass
class Access:
    """The name and password for AUTH.  An empty password: connect without AUTH."""

    user: str = ""
    password: str = ""

    def words(self) -> list[str]:
        """The arguments of AUTH."""
        return [word for word in (self.user, self.password) if word] if self.password else []

    def of_migrate(self) -> list[str]:
        """The words of MIGRATE that authenticate the source at the target."""
        if not self.password:
            return []
        return ["AUTH2", self.user, self.password] if self.user else ["AUTH", self.password]


class Server:
    """A connection to a server.  Its complaints become Refusals that name the server."""

    def __init__(self, address: Address, access: Access) -> None:
        """Raises Disconnected and Refusal."""
        self.address = address
        self.link = Connection(address.host, address.port, CONNECT_SECONDS)
        self.link.wait_up_to(REPLY_SECONDS)
        self.database = 0
        if access.password:
            try:
                self.ask("AUTH", *access.words())
            except Refusal:
                self.close()
                raise

    def try_to(self, *words: str | bytes) -> object:
        """Send a command; an error is returned as a ServerComplaint.  Raises Refusal if the server is gone."""
        try:
            return self.link.ask(*words)
        except ServerComplaint as complaint:
            return complaint
        except Disconnected as gone:
            raise Refusal(f"{self.address}: {gone}") from gone

    def ask(self, *words: str | bytes) -> object:
        """Send a command.  Raises Refusal with the server's error."""
        reply = self.try_to(*words)
        if isinstance(reply, ServerComplaint):
            raise Refusal(f"{self.address} answers to {words_shown(words)}: {reply}{advice(str(reply))}")
        return reply

    def text(self, *words: str | bytes) -> str:
        reply = self.ask(*words)
        return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)

    def ask_all(self, commands: Sequence[Sequence[str | bytes]]) -> list[object]:
        """Send many commands in pieces; errors are values.  Raises Refusal if the server is gone."""
        replies = []
        for start in range(0, len(commands), PER_PIPELINE):
            try:
                replies += self.link.ask_all(commands[start : start + PER_PIPELINE])
            except Disconnected as gone:
                raise Refusal(f"{self.address}: {gone}") from gone
        return replies

    def select(self, database: int) -> None:
        if database != self.database:
            self.ask("SELECT", str(database))
            self.database = database

    def migrate(
        self, target: Address, access: Access, keys: list[bytes], timeout_ms: int, copy: bool, replace: bool
    ) -> object:
        """Send keys of the selected database to a node; an error is returned as a ServerComplaint.  Raises Refusal."""
        # Each key has several steps, and the time-out is that of one step.
        self.link.wait_up_to((len(keys) + 1) * timeout_ms / 1000 + MIGRATE_GRACE_SECONDS)
        words = ["MIGRATE", target.host, str(target.port), "", str(self.database), str(timeout_ms)]
        words += ["COPY"] if copy else []
        words += ["REPLACE"] if replace else []
        reply = self.try_to(*words, *access.of_migrate(), "KEYS", *keys)
        self.link.wait_up_to(REPLY_SECONDS)
        return reply

    def databases(self) -> dict[int, int]:
        """The databases that have keys, with their counts."""
        found = KEYS_OF_DATABASE.findall(self.text("INFO", "keyspace").replace("\r", ""))
        return {int(number): int(count) for number, count in found}

    def close(self) -> None:
        self.link.close()


class Node(Server):
    """A node of a cluster, and its latest view."""

    def __init__(self, address: Address, access: Access) -> None:
        super().__init__(address, access)
        try:
            self.view = self.look()
        except Refusal:
            self.close()
            raise

    def look(self) -> View:
        """Ask for the node's view.  Raises Refusal, also for a server that is no node of a cluster."""
        reply = self.try_to("CLUSTER", "NODES")
        if isinstance(reply, ServerComplaint) and "cluster support disabled" in str(reply):
            raise Refusal(
                f"{self.address} is not a node of a cluster: start it with --cluster-enabled yes "
                "(to copy the keys of a stand-alone server into a cluster: redpoll cluster import)"
            )
        if isinstance(reply, ServerComplaint):
            raise Refusal(f"{self.address} answers to CLUSTER NODES: {reply}{advice(str(reply))}")
        self.view = read_view(reply.decode("utf-8", "replace") if isinstance(reply, bytes) else "")
        return self.view

    @property
    def me(self) -> Line:
        return self.view.me

    @property
    def id(self) -> str:
        return self.view.me.id

    def info(self) -> dict[str, str]:
        """CLUSTER INFO."""
        lines = self.text("CLUSTER", "INFO").splitlines()
        return {name: value for name, _, value in (line.partition(":") for line in lines)}

    def key_count(self) -> int:
        return sum(self.databases().values())

    def count_keys(self, slots: list[int], advance: Callable[[int], None] | None = None) -> dict[int, int]:
        """The keys in each of these slots, over all databases; slots without keys are left out."""
        found: dict[int, int] = {}
        databases = self.databases()
        for database in databases:
            self.select(database)
            for start in range(0, len(slots), PER_PIPELINE):
                piece = slots[start : start + PER_PIPELINE]
                commands = [("CLUSTER", "COUNTKEYSINSLOT", str(slot)) for slot in piece]
                for slot, count in zip(piece, self.ask_all(commands), strict=True):
                    if isinstance(count, int) and count:
                        found[slot] = found.get(slot, 0) + count
                if advance is not None:
                    advance(len(piece))
        self.select(0)
        if advance is not None and not databases:
            advance(len(slots))
        return found


class Cluster:
    """The nodes that can be reached, in the order of their addresses; `with` closes their connections."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.nodes: list[Node] = []
        self.unreachable: list[Line] = []

    @classmethod
    def reach(cls, entry: Address, access: Access) -> Cluster:
        """Connect to the node at `entry` and to all that it knows.  Raises Refusal."""
        made = cls(access)
        try:
            first = Node(entry, access)
        except Disconnected as gone:
            raise Refusal(f"{gone}; is the node running, and is the address right?") from gone
        made.nodes.append(first)
        try:
            for line in first.view.lines.values():
                if line.id != first.id and line.can_be_called:
                    made.connect(line)
        except Refusal:
            made.close()
            raise
        made.nodes.sort(key=by_address)
        return made

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self, line: Line) -> None:
        try:
            node = Node(line.address, self.access)
        except Disconnected:
            self.unreachable.append(line)
            return
        if node.id != line.id:
            node.close()
            self.unreachable.append(line)
            return
        self.nodes.append(node)

    # ---- finding nodes

    @property
    def primaries(self) -> list[Node]:
        return [node for node in self.nodes if node.me.is_primary]

    def by_id(self, id: str) -> Node:
        return next(node for node in self.nodes if node.id == id)

    def find(self, name: str) -> Node:
        """The node of an id, of the beginning of one, or of HOST:PORT.  Raises Refusal."""
        word = name.lower()
        found = [node for node in self.nodes if word in (node.id, str(node.address), str(node.me.address))]
        if not found and len(word) >= SHORTEST_PREFIX:
            found = [node for node in self.nodes if node.id.startswith(word)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Refusal(f"several nodes have an id that begins with '{name}': write more of it")
        if any(word in (line.id, str(line.address)) for line in self.unreachable):
            raise Refusal(f"the node {name} cannot be reached")
        known = "\n".join(f"  {node.address}  {node.id}" for node in self.nodes)
        raise Refusal(f"there is no node '{name}': name one by its id or by HOST:PORT. The nodes are\n{known}")

    def primary(self, name: str) -> Node:
        """As `find`, a primary.  Raises Refusal."""
        node = self.find(name)
        if not node.me.is_primary:
            raise Refusal(f"{node.address} is a replica of {node.me.primary}: name a primary")
        return node

    def replicas_of(self, id: str) -> list[Node]:
        return [node for node in self.nodes if node.me.primary == id]

    def address_of(self, node: Node) -> Address:
        """Where the other nodes reach this one: what they announce, or else what the user has typed."""
        for other in self.nodes:
            line = other.view.lines.get(node.id)
            if line is not None and other is not node and line.address.host:
                return line.address
        return node.me.address if node.me.address.host else node.address

    # ---- the state of the whole

    def look(self) -> None:
        """Ask all nodes for their views again."""
        for node in self.nodes:
            node.look()

    def examine(self) -> Findings:
        return examine([node.view for node in self.nodes], self.unreachable)

    def wait_for(self, what: str, holds: Callable[[], bool], seconds: float = REPLY_SECONDS) -> None:
        """Look again and again until the condition holds.  Raises Refusal when the time is over."""

        def look_again() -> bool:
            self.look()
            return holds()

        if not until(look_again, seconds):
            raise Refusal(f"waited {seconds:.0f} seconds in vain until {what}; redpoll cluster check shows more")

    def wait_until_agreed(self) -> None:
        """Wait until all nodes name the same owners and know each other.  Raises Refusal."""
        ids = {node.id for node in self.nodes}

        def agreed() -> bool:
            views = [node.view for node in self.nodes]
            same = all(view.signature() == views[0].signature() for view in views)
            return same and all(ids <= view.lines.keys() for view in views)

        self.wait_for("all nodes agree about the slots", agreed)

    def close(self) -> None:
        for node in self.nodes:
            node.close()


def by_address(node: Node) -> tuple[str, int]:
    return node.address


def words_shown(words: Sequence[str | bytes]) -> str:
    """A command for an error message, without values or passwords."""
    names = [word if isinstance(word, str) else "..." for word in words]
    if names[0].upper() in ("AUTH", "MIGRATE"):
        return names[0]
    return " ".join(names if len(names) < 6 else [*names[:4], "..."])


def advice(complaint: str) -> str:
    """What a user can do about an error of a server."""
    if complaint.startswith("NOAUTH"):
        return " (give the password with -a PASSWORD, or in the variable REDISCLI_AUTH)"
    if complaint.startswith("WRONGPASS"):
        return " (-a gives the password, --user the name)"
    if complaint.startswith("NOPERM"):
        return " (--user names a user who may run the commands of an administrator)"
    return ""


def slots_of(nodes: Sequence[Node]) -> dict[str, int]:
    """The slots of each node by its id."""
    return {node.id: node.me.slots for node in nodes}
