"""`redpoll cluster check`, `info` and `fix`."""

from __future__ import annotations

from redpoll.cli.cluster.findings import Findings, Open
from redpoll.cli.cluster.moving import move_keys, move_slot
from redpoll.cli.cluster.nodes import Cluster, Manner, Node
from redpoll.cli.cluster.repairs import Repair, Slot, plan_repair
from redpoll.cli.cluster.show import Meter, agreed, say, table
from redpoll.cli.cluster.words import Refusal, plural, slots_text
from redpoll.cluster.slot_sets import ALL_SLOTS, SLOT_COUNT, members, one

SHOWN_SLOTS = 20
SHORT_ID = 8


# ---- showing


def info(cluster: Cluster) -> None:
    """Show a line for each primary, in the form of the reference, which scripts read; then the sums."""
    total = 0
    for node in cluster.primaries:
        keys = node.key_count()
        total += keys
        say(
            f"{node.address} ({node.id[:SHORT_ID]}...) -> {keys} keys | {node.me.slots.bit_count()} slots | "
            f"{len(cluster.replicas_of(node.id))} replicas."
        )
    say(f"[OK] {total} keys in {len(cluster.primaries)} primaries.")
    say(f"{total / SLOT_COUNT:.2f} keys per slot on average.")


def node_lines(cluster: Cluster, processes: dict[str, int] | None = None) -> list[str]:
    """A table of the nodes: primaries, each with its replicas below it.  `processes` has pids by address."""
    head = ["node", "role", "slots", "count", "keys", "id"]
    rows = [head]
    shown = set()
    for primary in sorted(cluster.primaries, key=lambda node: (first_slot(node), node.address)):
        slots = primary.me.slots
        rows.append(row(primary, "primary", slots_text(slots), str(slots.bit_count())))
        shown.add(primary.id)
        for replica in cluster.replicas_of(primary.id):
            rows.append(row(replica, "replica", f"of {primary.address}", ""))
            shown.add(replica.id)
    rows += [
        row(node, "replica", f"of {name_of(cluster, node.me.primary)}", "")
        for node in cluster.nodes
        if node.id not in shown
    ]
    for line in cluster.unreachable:
        role = "primary" if line.is_primary else "replica"
        rows.append([str(line.address), role, "cannot be reached", str(line.slots.bit_count()), "", line.id])
    if processes is not None:
        for cells in rows:
            cells.insert(1, "process" if cells is head else str(processes.get(cells[0], "")))
    return table(rows, right=(3, 4) if processes is None else (1, 4, 5))


def row(node: Node, role: str, slots: str, count: str) -> list[str]:
    return [str(node.address), role, slots, count, str(node.key_count()), node.id]


def first_slot(node: Node) -> int:
    slots = node.me.slots
    return (slots & -slots).bit_length() or SLOT_COUNT + 1


# ---- checking


def check(cluster: Cluster, search: bool) -> Findings:
    """Show the nodes and every fault.  `search` also looks for keys outside the slots of their nodes."""
    for line in node_lines(cluster):
        say(line)
    found = cluster.examine()
    if search:
        found.astray = keys_astray(cluster)
    for line in fault_lines(cluster, found):
        say(line)
    if found.agree:
        say("[OK] All nodes agree about slots configuration.")
    if not found.uncovered:
        say(f"[OK] All {SLOT_COUNT} slots covered.")
    return found


def keys_astray(cluster: Cluster) -> dict[int, list[str]]:
    """The primaries that hold keys of slots which they neither own nor import, by slot."""
    found: dict[int, list[str]] = {}
    meter = Meter("counting keys", SLOT_COUNT * len(cluster.primaries))
    for node in cluster.primaries:
        foreign = [n for n in members(ALL_SLOTS & ~node.me.slots) if n not in node.me.importing]
        for slot in node.count_keys(foreign, meter.advance):
            found.setdefault(slot, []).append(node.id)
    meter.end()
    return found


def fault_lines(cluster: Cluster, found: Findings) -> list[str]:
    """A sentence for each fault."""
    lines = []
    for name in found.disagreeing:
        lines.append(f"[ERR] {cluster.by_id(name).address} disagrees with most nodes about who owns which slots.")
    for line in found.unreachable:
        lines.append(f"[ERR] {line.address} cannot be reached ({'primary' if line.is_primary else 'replica'}).")
    for line in found.failing:
        lines.append(f"[ERR] {line.address} can be reached from here, but other nodes see it as failed.")
    if found.uncovered:
        lines.append(
            f"[ERR] Not all {SLOT_COUNT} slots are covered by nodes: {plural(found.uncovered.bit_count(), 'slot')} "
            f"without an owner: {slots_text(found.uncovered)}."
        )
    if found.lost:
        lines.append(f"      Their owners cannot be reached: {slots_text(found.lost)}.")
    lines += shortened(
        [f"[ERR] Slot {slot} is open: {marks_text(cluster, marks)}." for slot, marks in found.open.items()]
    )
    lines += shortened([
        f"[ERR] Slot {slot} is owned by several nodes: {addresses(cluster, names)}."
        for slot, names in found.repeated.items()
    ])  # fmt: skip
    lines += shortened([
        f"[ERR] Slot {slot} has keys in a node that does not own it: {addresses(cluster, names)}."
        for slot, names in found.astray.items()
    ])  # fmt: skip
    return lines


def shortened(lines: list[str]) -> list[str]:
    more = len(lines) - SHOWN_SLOTS
    return [*lines[:SHOWN_SLOTS], f"      and {more:,} more such slots"] if more > 0 else lines


def addresses(cluster: Cluster, names: list[str]) -> str:
    return ", ".join(name_of(cluster, name) for name in names)


def name_of(cluster: Cluster, id: str) -> str:
    lines = [*[node.me for node in cluster.nodes], *cluster.unreachable]
    return next((str(line.address) for line in lines if line.id == id), id)


def marks_text(cluster: Cluster, marks: Open) -> str:
    out = [f"{name_of(cluster, node)} moves it to {name_of(cluster, other)}" for node, other in marks.migrating.items()]
    into = [
        f"{name_of(cluster, node)} takes it from {name_of(cluster, other)}" for node, other in marks.importing.items()
    ]
    return ", ".join(out + into)


# ---- mending


def fix(cluster: Cluster, search: bool, without_unreachable: bool, manner: Manner, yes: bool) -> Findings:
    """Mend open slots, slots without an owner, and slots with several; return what is left.  Raises Refusal."""
    found = check(cluster, search)
    gone = [line for line in found.unreachable if line.is_primary and line.slots]
    if gone and not without_unreachable:
        raise Refusal(
            f"the primary {gone[0].address} cannot be reached, so nothing was changed: its keys would be lost to "
            "the cluster. Start it again, or wait until a replica takes over, or say --fix-with-unreachable-masters to "
            "give its slots to other nodes"
        )
    troubled = sorted(found.troubled)
    if not troubled:
        return found
    repairs = plan_repairs(cluster, found, troubled)
    reasons: dict[str, int] = {}
    for repair in repairs:
        reasons[repair.why] = reasons.get(repair.why, 0) | one(repair.slot)
    for why, slots in reasons.items():
        say(f"{plural(slots.bit_count(), 'slot')} ({slots_text(slots)}): {why}.")
    agreed(f"Mend {plural(len(repairs), 'slot')}?", yes)
    decide_owners(cluster, repairs)
    meter = Meter("mending", len(repairs))
    try:
        for repair in repairs:
            meter.advance(1, bring_together(cluster, repair, manner))
    finally:
        meter.end()
    close_everywhere(cluster, repairs)
    cluster.wait_until_agreed()
    after = cluster.examine()
    after.unreachable = []
    say(f"[OK] {plural(len(repairs), 'slot')} mended, {plural(meter.keys, 'key')} moved.")
    for line in fault_lines(cluster, after):
        say(line)
    return after


def plan_repairs(cluster: Cluster, found: Findings, troubled: list[int]) -> list[Repair]:
    """A plan for each troubled slot.  Raises Refusal."""
    counts = {node.id: node.count_keys(troubled) for node in cluster.primaries}
    epochs = {node.id: node.me.epoch for node in cluster.primaries}
    loads = {node.id: node.me.slots.bit_count() for node in cluster.primaries}
    repairs = []
    for number in troubled:
        claims = [node.id for node in cluster.primaries if node.me.slots >> number & 1]
        keys = {name: count.get(number, 0) for name, count in counts.items()}
        repair = plan_repair(Slot(number, claims, found.open.get(number, Open()), keys), epochs, loads)
        if repair.claim:
            loads[repair.owner] += 1
        repairs.append(repair)
    return repairs


def decide_owners(cluster: Cluster, repairs: list[Repair]) -> None:
    """Close what is open, and give each slot its one owner.  Raises Refusal.

    This comes before any key moves: nodes refuse keys while the cluster has slots without an owner.
    """
    for repair in repairs:
        for name in repair.close:
            cluster.by_id(name).ask("CLUSTER", "SETSLOT", str(repair.slot), "STABLE")
        for name in repair.drop:
            # The node gives the slot up before the owner takes a new epoch: a node that loses a slot to a claim
            # deletes the keys.  DELSLOTS fails if the node has lost the slot to gossip already.
            cluster.by_id(name).try_to("CLUSTER", "DELSLOTS", str(repair.slot))
    claims: dict[str, int] = {}
    for repair in repairs:
        if repair.claim:
            claims[repair.owner] = claims.get(repair.owner, 0) | one(repair.slot)
    for name, slots in claims.items():
        owner = cluster.by_id(name)
        view = owner.look()
        missing = slots & ~view.me.slots
        foreign = 0
        for line in view.lines.values():
            # ADDSLOTS fails for slots that the owner still assigns to another node.
            foreign |= line.slots & missing
        for command, found in (("DELSLOTS", foreign), ("ADDSLOTS", missing)):
            if found:
                owner.ask("CLUSTER", command, *map(str, members(found)))
        # A new epoch makes the claim win over older ones.
        owner.ask("CLUSTER", "BUMPEPOCH")


def bring_together(cluster: Cluster, repair: Repair, manner: Manner) -> int:
    """Finish a move, and move keys from where they do not belong; their count.  Raises Refusal."""
    owner = cluster.by_id(repair.owner)
    moved = 0
    if repair.finish_from:
        moved = move_slot(cluster, repair.slot, cluster.by_id(repair.finish_from), owner, manner)
    return moved + gather(cluster, repair, owner, manner)


def gather(cluster: Cluster, repair: Repair, owner: Node, manner: Manner) -> int:
    """Move the keys that other nodes hold to the owner; their count.  Raises Refusal."""
    moved = 0
    for name in repair.gather:
        node = cluster.by_id(name)
        # The mark lets MIGRATE run in a node that does not own the slot.
        node.ask("CLUSTER", "SETSLOT", str(repair.slot), "IMPORTING", owner.id)
        moved += move_keys(cluster, repair.slot, node, owner, manner)
        node.ask("CLUSTER", "SETSLOT", str(repair.slot), "STABLE")
    return moved


def close_everywhere(cluster: Cluster, repairs: list[Repair]) -> None:
    """Remove marks that gossip has left behind."""
    cluster.look()
    mended = {repair.slot for repair in repairs}
    for node in cluster.primaries:
        for slot in mended & {*node.me.migrating, *node.me.importing}:
            node.ask("CLUSTER", "SETSLOT", str(slot), "STABLE")
