"""CLUSTER SLOT-STATS: how much each slot of this shard holds and is used.  commands/cluster.py declares it."""

from __future__ import annotations

from mypy_extensions import i64

from redpoll.cluster.router import ClusterRouter, shard_slots
from redpoll.cluster.slot_sets import SLOT_COUNT, members
from redpoll.cluster.slot_statistics import SlotStatistics
from redpoll.cluster_errors import SLOT_STATS_LIMIT, SLOT_STATS_METRIC, SLOT_STATS_REPEATED, stats_reversed
from redpoll.commands.cluster_node import node_of, slot_number
from redpoll.engine.args import Args
from redpoll.engine.session import Session
from redpoll.errors import SYNTAX, CommandError, wrong_subcommand
from redpoll.protocol.reply import Map

KEY_COUNT = b"key-count"
CPU = b"cpu-usec"
BYTES_IN = b"network-bytes-in"
BYTES_OUT = b"network-bytes-out"


def slot_stats(session: Session, args: list[bytes]) -> object:
    machine = node_of(session)
    router = session.engine.router
    assert isinstance(router, ClusterRouter)
    statistics = router.statistics
    owned = members(shard_slots(machine.view))
    if args[2].upper() == b"SLOTSRANGE" and len(args) == 5:
        first, last = slot_number(args[3]), slot_number(args[4])
        if first > last:
            raise CommandError(stats_reversed(first, last))
        return [row(session, statistics, slot) for slot in owned if first <= slot <= last]
    if args[2].upper() != b"ORDERBY":
        raise CommandError(wrong_subcommand(args[1], b"CLUSTER"))
    metric = args[3].lower()
    if metric != KEY_COUNT and not (statistics.on and metric in (CPU, BYTES_IN, BYTES_OUT)):
        raise CommandError(SLOT_STATS_METRIC)
    options = StatsOptions(Args(args, 4))
    pairs: list[tuple[int, int]] = []
    for slot in owned:
        amount = int(figure(session, statistics, metric, slot))
        pairs.append((amount if options.ascending else -amount, slot))
    pairs.sort()
    return [row(session, statistics, slot) for _, slot in pairs[: options.limit]]


def figure(session: Session, statistics: SlotStatistics, metric: bytes, slot: int) -> i64:
    """One figure of a slot."""
    if metric == CPU:
        return statistics.spent_us[slot]
    if metric == BYTES_IN:
        return statistics.received[slot]
    if metric == BYTES_OUT:
        return statistics.sent[slot]
    count: i64 = 0
    for db in session.engine.databases:
        count += db.count_in_slot(slot)
    return count


def row(session: Session, statistics: SlotStatistics, slot: int) -> list[object]:
    """All figures of a slot."""
    found: list[object] = []
    for metric in (KEY_COUNT, CPU, BYTES_IN, BYTES_OUT) if statistics.on else (KEY_COUNT,):
        found += [metric, int(figure(session, statistics, metric, slot))]
    return [slot, Map(found)]


class StatsOptions:
    """LIMIT and the order of CLUSTER SLOT-STATS ORDERBY."""

    def __init__(self, cursor: Args) -> None:
        self.limit = SLOT_COUNT
        self.ascending = False
        limited = ordered = False
        while cursor.left() > 0:
            word = cursor.word()
            if word == b"LIMIT" and cursor.left() > 0:
                if limited:
                    raise CommandError(SLOT_STATS_REPEATED)
                limited = True
                limit: int = cursor.integer(SLOT_STATS_LIMIT)
                if not 1 <= limit <= SLOT_COUNT:
                    raise CommandError(SLOT_STATS_LIMIT)
                self.limit = limit
            elif word in (b"ASC", b"DESC"):
                if ordered:
                    raise CommandError(SLOT_STATS_REPEATED)
                ordered = True
                self.ascending = word == b"ASC"
            else:
                raise CommandError(SYNTAX)
