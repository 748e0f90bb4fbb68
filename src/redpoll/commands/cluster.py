"""CLUSTER and related commands without cluster support: all but KEYSLOT, READONLY and READWRITE are refused."""

from __future__ import annotations

from redpoll.catalogue.keyspec import NOT_KEY, one_key
from redpoll.catalogue.spec import (
    ADMIN,
    CONNECTION,
    FAST,
    KEYSPACE,
    LOADING,
    NO_ASYNC_LOADING,
    NOSCRIPT,
    READONLY,
    STALE,
    WRITE,
)
from redpoll.commands.containers import container
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import NO_CLUSTER, CommandError
from redpoll.keyspace.slots import key_slot
from redpoll.protocol.reply import OK

CHANGE = ADMIN | STALE | NO_ASYNC_LOADING
ANYTIME = LOADING | STALE
VARIES = "nondeterministic_output"
RANGES = "(range: start-slot:integer end-slot:integer) ..."


@command(
    "readonly", arity=1, flags=LOADING | STALE | FAST, acl=CONNECTION, group="cluster",
    since="3.0.0", complexity="O(1)", summary="Allow reads from a replica on this connection.",
)  # fmt: skip
def readonly(session: Session, args: list[bytes]) -> object:
    session.readonly = True
    return OK


@command(
    "readwrite", arity=1, flags=LOADING | STALE | FAST, acl=CONNECTION, group="cluster",
    since="3.0.0", complexity="O(1)", summary="Undo READONLY.",
)  # fmt: skip
def readwrite(session: Session, args: list[bytes]) -> object:
    session.readonly = False
    return OK


@command(
    "asking", arity=1, flags=FAST, acl=CONNECTION, group="cluster",
    since="3.0.0", complexity="O(1)", summary="Let the next command access a slot that is being moved to this node.",
)  # fmt: skip
def asking(session: Session, args: list[bytes]) -> object:
    raise CommandError(NO_CLUSTER)


@command(
    "clusterscan", arity=-2, flags=READONLY, acl=KEYSPACE, keys=one_key(NOT_KEY), group="cluster",
    tips="nondeterministic_output request_policy:special response_policy:special",
    arguments="cursor [MATCH match-pattern:pattern] [COUNT count:integer] [TYPE type] [SLOT slot:integer]",
    since="9.1.0", complexity="O(1) for each call, O(keys) for a whole walk",
    summary="Iterate over the keys of the whole cluster, a few with each call.",
)  # fmt: skip
def clusterscan(session: Session, args: list[bytes]) -> object:
    raise CommandError(NO_CLUSTER)


cluster = container(
    "cluster", group="cluster", since="3.0.0",
    summary="Commands about the cluster of this node.",
)  # fmt: skip


@command(
    "cluster|keyslot", arity=3, flags=STALE, group="cluster", arguments="key",
    since="3.0.0", complexity="O(length of the key)", summary="Return the hash slot of a key.",
)  # fmt: skip
def cluster_keyslot(session: Session, args: list[bytes]) -> object:
    return key_slot(args[2])


def refuse(session: Session, args: list[bytes]) -> object:
    """The handler of all commands that need a cluster."""
    raise CommandError(NO_CLUSTER)


def refused(
    word: str, arity: int, flags: int, since: str, summary: str, *, arguments: str = "", tips: str = "",
    complexity: str = "O(1)", acl: int = 0, replaced: str = "", system: bool = False,
) -> None:  # fmt: skip
    """Declare a subcommand that a server without cluster support refuses."""
    command(
        "cluster|" + word, arity=arity, flags=flags, group="cluster", since=since, complexity=complexity,
        summary=summary, arguments=arguments, tips=tips, acl=acl, replaced=replaced, system=system,
    )(refuse)  # fmt: skip


refused("addslots", -3, CHANGE, "3.0.0", "Assign slots to this node.", arguments="slot:integer ...",
        complexity="O(slots)")  # fmt: skip
refused("addslotsrange", -4, CHANGE, "7.0.0", "Assign ranges of slots to this node.", arguments=RANGES,
        complexity="O(slots)")  # fmt: skip
refused("bumpepoch", 2, CHANGE, "3.0.0", "Increase the configuration epoch.", tips=VARIES)
refused(
    "cancelslotmigrations", 2, CHANGE, "9.0.0", "Cancel all slot migrations of this node.", complexity="O(migrations)"
)
refused("count-failure-reports", 3, ADMIN | STALE, "3.0.0", "Count the nodes that report a node as failing.",
        arguments="node-id", tips=VARIES, complexity="O(reports)")  # fmt: skip
refused("countkeysinslot", 3, STALE, "3.0.0", "Count the keys of a slot on this node.", arguments="slot:integer")
refused("delslots", -3, CHANGE, "3.0.0", "Remove slots from this node.", arguments="slot:integer ...",
        complexity="O(slots)")  # fmt: skip
refused("delslotsrange", -4, CHANGE, "7.0.0", "Remove ranges of slots from this node.", arguments=RANGES,
        complexity="O(slots)")  # fmt: skip
refused("failover", -2, CHANGE, "3.0.0", "Make this replica take over from its primary.",
        arguments="[options: FORCE | TAKEOVER]")  # fmt: skip
refused("flushslot", -3, WRITE | ADMIN | NO_ASYNC_LOADING, "9.0.0", "Delete all keys of a slot.",
        arguments="slot:integer [flush-type: ASYNC | SYNC]", acl=KEYSPACE, complexity="O(keys)")  # fmt: skip
refused("flushslots", 2, CHANGE, "3.0.0", "Remove all slots from this node.")
refused("forget", 3, CHANGE, "3.0.0", "Remove a node from the list of nodes.", arguments="node-id")
refused("getkeysinslot", 4, STALE, "3.0.0", "Return some keys of a slot.", arguments="slot:integer count:integer",
        tips=VARIES, complexity="O(count)")  # fmt: skip
refused(
    "getslotmigrations", 2, CHANGE, "9.0.0", "List slot migrations, running and finished.", complexity="O(migrations)"
)
refused("help", 2, ANYTIME, "5.0.0", "What CLUSTER can do.")
refused("info", 2, ANYTIME, "3.0.0", "Return the state of the cluster and its statistics.", tips=VARIES)
refused("links", 2, STALE, "7.0.0", "List the connections to other nodes.", tips=VARIES, complexity="O(nodes)")
refused("meet", -4, CHANGE, "3.0.0", "Add a node to the cluster.",
        arguments="ip port:integer [cluster-bus-port:integer@4.0.0]")  # fmt: skip
refused("migrateslots", -4, CHANGE, "9.0.0", "Move slots and their keys to other nodes.", complexity="O(slots)",
        arguments="(migration-group: (slotsrange-token: SLOTSRANGE) (range: start-slot:integer end-slot:integer) ... "
                  "(node-token: NODE) node-id) ...")  # fmt: skip
refused("myid", 2, ANYTIME, "3.0.0", "Return the id of this node.")
refused("myshardid", 2, ANYTIME, "7.2.0", "Return the id of this node's shard.", tips=VARIES)
refused("nodes", 2, ANYTIME, "3.0.0", "List all nodes, one on each line.", tips=VARIES, complexity="O(nodes)")
refused("replicas", 3, ADMIN | STALE, "5.0.0", "List the replicas of a node.", arguments="node-id", tips=VARIES,
        complexity="O(replicas)")  # fmt: skip
refused("replicate", -3, CHANGE, "3.0.0", "Make this node a replica of another, or of none.",
        arguments="(args: node-id | (no-one: (NO) ONE)@9.0.0)")  # fmt: skip
refused("reset", -2, ADMIN | NOSCRIPT | STALE, "3.0.0",
        "Reset this node to the state of a new one.", complexity="O(nodes)",
        arguments="[reset-type: HARD | SOFT]")  # fmt: skip
refused("saveconfig", 2, CHANGE, "3.0.0", "Write the state of the cluster to disk.")
refused("set-config-epoch", 3, CHANGE, "3.0.0", "Set the configuration epoch of a new node.",
        arguments="config-epoch:integer")  # fmt: skip
refused("setslot", -4, CHANGE, "3.0.0", "Assign a slot to a node, or mark it as moving.",
        arguments="slot:integer (subcommand: IMPORTING importing<node-id> | MIGRATING migrating<node-id> | "
                  "NODE node<node-id> | STABLE) [TIMEOUT timeout:integer@8.0.0]")  # fmt: skip
refused(
    "shards", 2, ANYTIME, "7.0.0", "List the shards with their nodes and slots.", tips=VARIES, complexity="O(nodes)"
)
refused("slaves", 3, ADMIN | STALE, "3.0.0", "List the replicas of a node.", arguments="node-id", tips=VARIES,
        complexity="O(replicas)", replaced="5.0.0 CLUSTER REPLICAS")  # fmt: skip
refused("slot-stats", -4, ANYTIME, "8.0.0", "Return usage statistics of slots.", complexity="O(slots)",
        tips="nondeterministic_output request_policy:all_shards",
        arguments="(filter: SLOTSRANGE start-slot:integer end-slot:integer | "
                  "ORDERBY metric [LIMIT limit:integer] [order: ASC | DESC])")  # fmt: skip
refused(
    "slots", 2, ANYTIME, "3.0.0", "List the slots with the nodes that serve them.", tips=VARIES, complexity="O(nodes)"
)
refused("syncslots", -3, CHANGE, "9.0.0", "Used between nodes while slots move.", system=True)
