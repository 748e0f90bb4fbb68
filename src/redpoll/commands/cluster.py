"""CLUSTER and related commands: their declarations, and the marks that a connection sets for redirections.

Outside a cluster all but KEYSLOT, READONLY and READWRITE are refused.
"""

from __future__ import annotations

from typing import Final

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
from redpoll.commands import cluster_changes, cluster_migrations, cluster_reports, cluster_scan, slot_stats
from redpoll.commands.cluster_node import node_of
from redpoll.commands.containers import container, help_reply
from redpoll.engine.command import Function, command
from redpoll.engine.session import Session
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
    node_of(session)
    # Inside EXEC it holds for all later commands, of which there are fewer than `executing`.
    session.asks_until = session.commands + max(session.executing, 1)
    return OK


@command(
    "clusterscan", arity=-2, flags=READONLY, acl=KEYSPACE, keys=one_key(NOT_KEY), group="cluster",
    tips="nondeterministic_output request_policy:special response_policy:special",
    arguments="cursor [MATCH match-pattern:pattern] [COUNT count:integer] [TYPE type] [SLOT slot:integer]",
    since="9.1.0", complexity="O(1) for each call, O(keys) for a whole walk",
    summary="Iterate over the keys of the whole cluster, a few with each call.",
)  # fmt: skip
def clusterscan(session: Session, args: list[bytes]) -> object:
    return cluster_scan.scan(session, args)


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


def tell_help(session: Session, args: list[bytes]) -> object:
    node_of(session)
    return help_reply(cluster, args)


HANDLERS: Final[dict[str, Function]] = {
    "addslots": cluster_changes.addslots,
    "addslotsrange": cluster_changes.addslotsrange,
    "bumpepoch": cluster_changes.bumpepoch,
    "cancelslotmigrations": cluster_migrations.cancelslotmigrations,
    "count-failure-reports": cluster_reports.count_failure_reports,
    "countkeysinslot": cluster_reports.countkeysinslot,
    "delslots": cluster_changes.delslots,
    "delslotsrange": cluster_changes.delslotsrange,
    "failover": cluster_changes.failover,
    "flushslot": cluster_changes.flushslot,
    "flushslots": cluster_changes.flushslots,
    "forget": cluster_changes.forget,
    "getkeysinslot": cluster_reports.getkeysinslot,
    "getslotmigrations": cluster_migrations.getslotmigrations,
    "help": tell_help,
    "info": cluster_reports.info,
    "links": cluster_reports.links,
    "meet": cluster_changes.meet,
    "migrateslots": cluster_migrations.migrateslots,
    "myid": cluster_reports.myid,
    "myshardid": cluster_reports.myshardid,
    "nodes": cluster_reports.nodes,
    "replicas": cluster_reports.replicas,
    "replicate": cluster_changes.replicate,
    "reset": cluster_changes.reset,
    "saveconfig": cluster_changes.saveconfig,
    "set-config-epoch": cluster_changes.set_config_epoch,
    "setslot": cluster_changes.setslot,
    "shards": cluster_reports.shards,
    "slaves": cluster_reports.replicas,
    "slot-stats": slot_stats.slot_stats,
    "slots": cluster_reports.slots,
    "syncslots": cluster_migrations.syncslots,
}


def subcommand(
    word: str, arity: int, flags: int, since: str, summary: str, *, arguments: str = "", tips: str = "",
    complexity: str = "O(1)", acl: int = 0, replaced: str = "", system: bool = False,
) -> None:  # fmt: skip
    """Declare a subcommand that only a node of a cluster has."""
    command(
        "cluster|" + word, arity=arity, flags=flags, group="cluster", since=since, complexity=complexity,
        summary=summary, arguments=arguments, tips=tips, acl=acl, replaced=replaced, system=system,
    )(HANDLERS[word])  # fmt: skip


subcommand("addslots", -3, CHANGE, "3.0.0", "Assign slots to this node.", arguments="slot:integer ...",
           complexity="O(slots)")  # fmt: skip
subcommand("addslotsrange", -4, CHANGE, "7.0.0", "Assign ranges of slots to this node.", arguments=RANGES,
           complexity="O(slots)")  # fmt: skip
subcommand("bumpepoch", 2, CHANGE, "3.0.0", "Increase the configuration epoch.", tips=VARIES)
subcommand(
    "cancelslotmigrations", 2, CHANGE, "9.0.0", "Cancel all slot migrations of this node.", complexity="O(migrations)"
)
subcommand("count-failure-reports", 3, ADMIN | STALE, "3.0.0", "Count the nodes that report a node as failing.",
           arguments="node-id", tips=VARIES, complexity="O(reports)")  # fmt: skip
subcommand("countkeysinslot", 3, STALE, "3.0.0", "Count the keys of a slot on this node.", arguments="slot:integer")
subcommand("delslots", -3, CHANGE, "3.0.0", "Remove slots from this node.", arguments="slot:integer ...",
           complexity="O(slots)")  # fmt: skip
subcommand("delslotsrange", -4, CHANGE, "7.0.0", "Remove ranges of slots from this node.", arguments=RANGES,
           complexity="O(slots)")  # fmt: skip
subcommand("failover", -2, CHANGE, "3.0.0", "Make this replica take over from its primary.",
           arguments="[options: FORCE | TAKEOVER]")  # fmt: skip
subcommand("flushslot", -3, WRITE | ADMIN | NO_ASYNC_LOADING, "9.0.0", "Delete all keys of a slot.",
           arguments="slot:integer [flush-type: ASYNC | SYNC]", acl=KEYSPACE, complexity="O(keys)")  # fmt: skip
subcommand("flushslots", 2, CHANGE, "3.0.0", "Remove all slots from this node.")
subcommand("forget", 3, CHANGE, "3.0.0", "Remove a node from the list of nodes.", arguments="node-id")
subcommand("getkeysinslot", 4, STALE, "3.0.0", "Return some keys of a slot.", arguments="slot:integer count:integer",
           tips=VARIES, complexity="O(count)")  # fmt: skip
subcommand(
    "getslotmigrations", 2, CHANGE, "9.0.0", "List slot migrations, running and finished.", complexity="O(migrations)"
)
subcommand("help", 2, ANYTIME, "5.0.0", "What CLUSTER can do.")
subcommand("info", 2, ANYTIME, "3.0.0", "Return the state of the cluster and its statistics.", tips=VARIES)
subcommand("links", 2, STALE, "7.0.0", "List the connections to other nodes.", tips=VARIES, complexity="O(nodes)")
subcommand("meet", -4, CHANGE, "3.0.0", "Add a node to the cluster.",
           arguments="ip port:integer [cluster-bus-port:integer@4.0.0]")  # fmt: skip
subcommand("migrateslots", -4, CHANGE, "9.0.0", "Move slots and their keys to other nodes.", complexity="O(slots)",
           arguments="(migration-group: (slotsrange-token: SLOTSRANGE) (range: start-slot:integer end-slot:integer) "
                  "... (node-token: NODE) node-id) ...")  # fmt: skip
subcommand("myid", 2, ANYTIME, "3.0.0", "Return the id of this node.")
subcommand("myshardid", 2, ANYTIME, "7.2.0", "Return the id of this node's shard.", tips=VARIES)
subcommand("nodes", 2, ANYTIME, "3.0.0", "List all nodes, one on each line.", tips=VARIES, complexity="O(nodes)")
subcommand("replicas", 3, ADMIN | STALE, "5.0.0", "List the replicas of a node.", arguments="node-id", tips=VARIES,
           complexity="O(replicas)")  # fmt: skip
subcommand("replicate", -3, CHANGE, "3.0.0", "Make this node a replica of another, or of none.",
           arguments="(args: node-id | (no-one: (NO) ONE)@9.0.0)")  # fmt: skip
subcommand("reset", -2, ADMIN | NOSCRIPT | STALE, "3.0.0",
           "Reset this node to the state of a new one.", complexity="O(nodes)",
           arguments="[reset-type: HARD | SOFT]")  # fmt: skip
subcommand("saveconfig", 2, CHANGE, "3.0.0", "Write the state of the cluster to disk.")
subcommand("set-config-epoch", 3, CHANGE, "3.0.0", "Set the configuration epoch of a new node.",
           arguments="config-epoch:integer")  # fmt: skip
subcommand("setslot", -4, CHANGE, "3.0.0", "Assign a slot to a node, or mark it as moving.",
           arguments="slot:integer (subcommand: IMPORTING importing<node-id> | MIGRATING migrating<node-id> | "
                  "NODE node<node-id> | STABLE) [TIMEOUT timeout:integer@8.0.0]")  # fmt: skip
subcommand(
    "shards", 2, ANYTIME, "7.0.0", "List the shards with their nodes and slots.", tips=VARIES, complexity="O(nodes)"
)
subcommand("slaves", 3, ADMIN | STALE, "3.0.0", "List the replicas of a node.", arguments="node-id", tips=VARIES,
           complexity="O(replicas)", replaced="5.0.0 CLUSTER REPLICAS")  # fmt: skip
subcommand("slot-stats", -4, ANYTIME, "8.0.0", "Return usage statistics of slots.", complexity="O(slots)",
           tips="nondeterministic_output request_policy:all_shards",
           arguments="(filter: SLOTSRANGE start-slot:integer end-slot:integer | "
                  "ORDERBY metric [LIMIT limit:integer] [order: ASC | DESC])")  # fmt: skip
subcommand(
    "slots", 2, ANYTIME, "3.0.0", "List the slots with the nodes that serve them.", tips=VARIES, complexity="O(nodes)"
)
subcommand("syncslots", -3, CHANGE, "9.0.0", "Used between nodes while slots move.", system=True)
