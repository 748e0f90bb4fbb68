"""The error texts of the cluster, each once.  `errors.py` has the others."""

from __future__ import annotations

from typing import Final

ONLY_IN_A_CLUSTER: Final = b"ERR Debug option only available for cluster mode enabled setup!"
NO_CLUSTER: Final = b"ERR This instance has cluster support disabled"
FAILOVER_NEEDS_CLUSTER: Final = b"ERR SHUTDOWN FAILOVER is only supported in cluster mode."
INVALID_SLOT: Final = b"ERR Invalid or out of range slot"
INVALID_KEY_SLOT: Final = b"ERR Invalid slot"
INVALID_KEY_COUNT: Final = b"ERR Invalid slot or number of keys"
SETSLOT_ACTION: Final = b"ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP"
SETSLOT_NEEDS_PRIMARY: Final = b"ERR Please use SETSLOT only with masters."
TARGET_IS_MYSELF: Final = b"ERR Target node is myself"
TARGET_NOT_PRIMARY: Final = b"ERR Target node is not a master"
KEYS_IN_EMPTIED_NODE: Final = b"ERR DB must be empty to perform CLUSTER FLUSHSLOTS."
CANNOT_FORGET_MYSELF: Final = b"ERR I tried hard but I can't forget myself..."
CANNOT_FORGET_PRIMARY: Final = b"ERR Can't forget my master!"
CANNOT_REPLICATE_MYSELF: Final = b"ERR Can't replicate myself"
REPLICATE_NEEDS_PRIMARY: Final = b"ERR I can only replicate a master, not a replica."
NOT_EMPTY_FOR_REPLICATE: Final = b"ERR To set a master the node must be empty and without assigned slots."
NOT_EMPTY_FOR_RESET: Final = b"ERR CLUSTER RESET can't be called with master nodes containing keys"
NOT_A_PRIMARY: Final = b"ERR The specified node is not a master"
FAILOVER_NEEDS_REPLICA: Final = b"ERR You should send CLUSTER FAILOVER to a replica"
FAILOVER_WITHOUT_PRIMARY: Final = b"ERR I'm a replica but my master is unknown to me"
FAILOVER_NEEDS_FORCE: Final = b"ERR Master is down or failed, please use CLUSTER FAILOVER FORCE"
KNOWS_OTHER_NODES: Final = b"ERR The user can assign a config epoch only when the node does not know any other node."
ALREADY_BUMPED: Final = b"ERR Node config epoch is already non-zero"
PORT_OUT_OF_RANGE: Final = b"ERR Port number is out of range"
BUS_PORT_OUT_OF_RANGE: Final = b"ERR Cluster bus port number is out of range"
CROSSSLOT: Final = b"CROSSSLOT Keys in request don't hash to the same slot"
TRYAGAIN: Final = b"TRYAGAIN Multiple keys request during rehashing of slot"
CLUSTER_UNBOUND: Final = b"CLUSTERDOWN Hash slot not served"
CLUSTER_DOWN: Final = b"CLUSTERDOWN The cluster is down"
CLUSTER_READ_ONLY: Final = b"CLUSTERDOWN The cluster is down and only accepts read commands"
SLOT_STATS_METRIC: Final = b"ERR Unrecognized sort metric for ORDERBY."
SLOT_STATS_LIMIT: Final = b"ERR Limit has to lie in between 1 and 16384 (maximum number of slots)."
SLOT_STATS_REPEATED: Final = b"ERR Multiple filters of the same type are disallowed."
NO_MIGRATIONS: Final = b"ERR No migrations ongoing"
SLOT_IMPORT_RUNS: Final = b"ERR Slot import in progress."
SLOT_EXPORT_RUNS: Final = b"ERR Slot export in progress."
MIGRATION_NEEDS_PRIMARY: Final = b"ERR Slot migration can only be used on primary nodes."
SLOTS_MANUALLY_IMPORTED: Final = b"ERR Slots are being manually imported"
SLOTS_MANUALLY_MIGRATED: Final = b"ERR Slots are being manually migrated"
SLOTS_NOT_SERVED: Final = b"ERR Slots are not served by this node."
SLOTS_OF_SEVERAL_SHARDS: Final = b"ERR Requested slots span multiple shards"
SLOTS_ALREADY_IMPORTED: Final = b"ERR Slot is already being imported on the target by a different migration"
SLOT_RANGES_OVERLAP: Final = b"ERR Slot ranges in migrations overlap"
NO_SLOT_RANGES: Final = b"ERR No slot ranges specified"
NO_END_SLOT: Final = b"ERR No end slot for final slot range"
TARGET_NODE_IS_MYSELF: Final = b"ERR Target node can not be this node."
UNKNOWN_SOURCE: Final = b"ERR Target node does not know the source node"
SOURCE_IS_TARGET: Final = b"ERR Source node is target node itself"
OWNERSHIP_DISAGREES: Final = b"ERR Target node does not agree about current slot ownership"
LINKS_TO_MYSELF: Final = b"ERR Cannot free cluster link(s) to myself"
CLUSTER_SAVE_FAILED: Final = b"ERR error saving the cluster node config: see the log"
NO_REPLICAOF_IN_CLUSTER: Final = b"ERR REPLICAOF not allowed in cluster mode."
NO_FAILOVER_IN_CLUSTER: Final = b"ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead."
NO_SWAPDB_IN_CLUSTER: Final = b"ERR SWAPDB is not allowed in cluster mode"
BAD_CLUSTER_CURSOR: Final = b"ERR Invalid cursor"
CURSOR_MISMATCH: Final = b"ERR Cursor slot mismatch with SLOT argument"
SLOT_REPEATED: Final = b"ERR SLOT option can only be specified once"


def unknown_node(name: bytes) -> bytes:
    return b"ERR Unknown node %s" % name


def unknown_target(name: bytes) -> bytes:
    return b"ERR I don't know about node %s" % name


def not_owner(slot: int) -> bytes:
    return b"ERR I'm not the owner of hash slot %d" % slot


def already_owner(slot: int) -> bytes:
    return b"ERR I'm already the owner of hash slot %d" % slot


def keys_left_in_slot(slot: int) -> bytes:
    return b"ERR Can't assign hashslot %d to a different node while I still hold keys for this hash slot." % slot


def slot_busy(slot: int) -> bytes:
    return b"ERR Slot %d is already busy" % slot


def slot_unassigned(slot: int) -> bytes:
    return b"ERR Slot %d is already unassigned" % slot


def slot_repeated(slot: int) -> bytes:
    return b"ERR Slot %d specified multiple times" % slot


def slots_reversed(first: int, last: int) -> bytes:
    return b"ERR start slot number %d is greater than end slot number %d" % (first, last)


def invalid_epoch(epoch: int) -> bytes:
    return b"ERR Invalid config epoch specified: %d" % epoch


def invalid_base_port(word: bytes) -> bytes:
    return b"ERR Invalid base port specified: %s" % word


def invalid_bus_port(word: bytes) -> bytes:
    return b"ERR Invalid bus port specified: %s" % word


def invalid_node_address(ip: bytes, port: bytes) -> bytes:
    return b"ERR Invalid node address specified: %s:%s" % (ip, port)


def moved(kind: bytes, slot: int, endpoint: bytes, port: int) -> bytes:
    """A redirection: `kind` is MOVED or ASK."""
    return b"%s %d %s:%d" % (kind, slot, endpoint, port)


def range_reversed(first: int, last: int) -> bytes:
    return b"ERR Start slot number %d is greater than end slot number %d." % (first, last)


def ranges_overlap(first: int, last: int, before: tuple[int, int]) -> bytes:
    return b"ERR Slot range %d-%d overlaps with previous range %d-%d." % (first, last, before[0], before[1])


def invalid_node_name(name: bytes) -> bytes:
    return b"ERR Invalid node name: %s" % name


def unknown_node_name(name: bytes) -> bytes:
    return b"ERR Unknown node name: %s" % name


def slot_without_node(slot: int) -> bytes:
    return b"ERR Slot %d has no node served." % slot


def already_migrating(slot: int) -> bytes:
    return b"ERR I am already migrating slot %d." % slot


def only_for_migrations(word: bytes) -> bytes:
    return b"ERR CLUSTER SYNCSLOTS %s should only be used by slot migration clients" % word


def unknown_direction(word: bytes) -> bytes:
    return b"ERR Unknown direction %s" % word


def stats_reversed(first: int, last: int) -> bytes:
    return b"ERR Start slot number %d is greater than end slot number %d" % (first, last)
