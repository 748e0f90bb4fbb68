"""Elections and failovers by hand.

A replica whose primary is FAIL asks all nodes for their vote, in an epoch that it draws for that.  A voting primary
votes once an epoch.  The replica that gets the majority takes the epoch as its config epoch, and the slots with it.
Source: spec/cluster.md, section 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redpoll.cluster import claims, outgoing, state
from redpoll.cluster.flags import FAIL, NOFAILOVER, PRIMARY_FAILED
from redpoll.cluster.messages import FORCEACK, PING, Message
from redpoll.cluster.node import Node

if TYPE_CHECKING:
    from redpoll.cluster.machine import Machine

MOST_DELAY_MS: Final = 500
NO_OFFSET_MS: Final = 500
"""A replica without data lets others go first."""
LEAST_ELECTION_MS: Final = 2000
NO_VOTES_MS: Final = 2000
"""A node does not vote so soon after its start."""


def delay_unit(machine: Machine) -> int:
    """The unit of the delays before an election, in ms."""
    return max(1, min(machine.settings.timeout // 30, MOST_DELAY_MS))


def consider(machine: Machine) -> None:
    """Begin or continue an election if this replica should hold one.  Called by the timer and by events."""
    view = machine.view
    myself = view.myself
    primary = myself.primary
    manual = machine.manual.until != 0 and machine.manual.may_start
    if not myself.is_replica() or primary is None or primary.slots == 0:
        return None
    if not primary.has_failed() and not manual:
        return None
    if machine.settings.replica_no_failover and not manual:
        return explain(machine, "cluster-replica-no-failover is set")
    if not manual and is_too_old(machine):
        return explain(machine, "the data of this replica is too old")
    election = machine.election
    span = max(2 * machine.settings.timeout, LEAST_ELECTION_MS)
    if election.at == 0 or machine.now - election.at > 2 * span:
        schedule(machine, primary, manual)
    elif not manual and not election.asked:
        adjust(machine, primary)
    if machine.now < election.at:
        return explain(machine, "waiting before the election starts")
    if machine.now - election.at > span:
        return explain(machine, "the election has failed")
    if not election.asked:
        view.current_epoch += 1
        election.epoch = view.current_epoch
        # It votes for itself: once elected, it must not vote for another in this epoch, because the old primary of its
        # slots may have done so already.
        view.last_vote_epoch = election.epoch
        election.asked = True
        machine.unsaved = True
        machine.outside.log(f"Starting a failover election for epoch {election.epoch}")
        outgoing.ask_for_votes(machine, manual or election.at_once)
    return None


def explain(machine: Machine, reason: str) -> None:
    """Log why there is no election, once."""
    if machine.cannot_elect != reason:
        machine.cannot_elect = reason
        machine.outside.log(f"no failover now: {reason}")


def is_too_old(machine: Machine) -> bool:
    """Whether this replica has not heard from its primary for so long that its data must not win."""
    settings = machine.settings
    age = machine.outside.data_age_ms()
    if age > settings.timeout:
        age -= settings.timeout
    factor = settings.replica_validity_factor
    return factor > 0 and age > settings.repl_ping_period_s * 1000 + settings.timeout * factor


def schedule(machine: Machine, primary: Node, manual: bool) -> None:
    """Plan an election, later the more replicas have a better claim."""
    election = machine.election
    election.votes = set()
    election.asked = False
    election.at_once = False
    election.rank = 0
    election.failed_rank = 0
    election.at = machine.now
    if manual:
        return
    unit = delay_unit(machine)
    election.rank = rank(machine, primary)
    election.failed_rank = failed_rank(machine)
    election.at += unit + int(machine.random.below(unit)) + election.rank * 2 * unit + election.failed_rank * unit
    if machine.outside.offset() == 0:
        election.at += NO_OFFSET_MS
    skip_the_wait(machine, primary)
    outgoing.pong_to_siblings(machine)


def adjust(machine: Machine, primary: Node) -> None:
    """Follow changes of the ranks while waiting."""
    election = machine.election
    unit = delay_unit(machine)
    now_rank = rank(machine, primary)
    now_failed = failed_rank(machine)
    election.at += (now_rank - election.rank) * 2 * unit + (now_failed - election.failed_rank) * unit
    if election.at <= 0:
        election.at = 1
    election.rank = now_rank
    election.failed_rank = now_failed
    skip_the_wait(machine, primary)


def skip_the_wait(machine: Machine, primary: Node) -> None:
    """The best replica need not wait if all replicas of the shard see that their primary has failed."""
    election = machine.election
    if election.rank != 0 or election.failed_rank != 0 or machine.outside.offset() == 0:
        return
    myself = machine.view.myself
    for node in machine.view.replicas_of(primary):
        if node is not myself and node.flags & PRIMARY_FAILED == 0:
            return
    election.at_once = True
    if election.at > machine.now:
        election.at = machine.now


def rank(machine: Machine, primary: Node) -> int:
    """How many other replicas have a better claim: a greater offset, or the same one and a smaller name."""
    myself = machine.view.myself
    ours = machine.outside.offset()
    better = 0
    for node in machine.view.replicas_of(primary):
        if node is myself or node.flags & NOFAILOVER:
            continue
        if node.offset > ours or (node.offset == ours and node.name < myself.name):
            better += 1
    return better


def failed_rank(machine: Machine) -> int:
    """How many other failed primaries, whose shard comes before ours, wait for an election too."""
    view = machine.view
    found = 0
    for node in view.nodes.values():
        if node.votes() and node.has_failed() and node.shard < view.myself.shard and view.has_replicas(node):
            found += 1
    return found


def abandon(machine: Machine) -> None:
    """Forget the election that is planned or held."""
    election = machine.election
    election.at = 0
    election.asked = False
    election.votes = set()


# Votes.


def vote(machine: Machine, sender: Node, message: Message) -> None:
    """Answer a request for a vote, or ignore it.  The vote is saved before it is sent."""
    view = machine.view
    primary = sender.primary
    if not view.myself.votes() or machine.now - machine.started < NO_VOTES_MS:
        return
    if message.current_epoch < view.current_epoch or view.last_vote_epoch >= view.current_epoch:
        return
    if not sender.is_replica() or primary is None:
        return
    if not primary.has_failed() and message.signals & FORCEACK == 0:
        return
    for owner in view.numbered:
        if owner is not None and owner.slots & message.slots and owner.config_epoch > message.config_epoch:
            outgoing.send_update(machine, sender, owner)
            return
    view.last_vote_epoch = view.current_epoch
    machine.unsaved = True
    machine.outside.log(f"voting for {sender.shown()} in epoch {view.current_epoch}")
    outgoing.send_vote(machine, sender)


def count_vote(machine: Machine, voter: Node) -> None:
    """A vote has arrived.  The majority makes this node the primary."""
    election = machine.election
    view = machine.view
    if not election.asked or not view.myself.is_replica():
        return
    election.votes.add(voter.name)
    if len(election.votes) < view.quorum():
        return
    machine.outside.log(f"Failover election won: I'm the new master, epoch {election.epoch}")
    if election.epoch > view.myself.config_epoch:
        view.myself.config_epoch = election.epoch
    state.promote(machine)


# Failover by hand.


def start_manual(machine: Machine, force: bool) -> None:
    """CLUSTER FAILOVER on a replica: wait for the primary's offset, or with `force` ask for votes at once."""
    drop(machine)
    manual = machine.manual
    manual.until = machine.now + machine.settings.manual_failover_timeout
    if force:
        manual.may_start = True
        consider(machine)
    elif machine.view.myself.primary is not None:
        outgoing.send_mfstart(machine, machine.view.myself.primary)


def take_over(machine: Machine) -> None:
    """CLUSTER FAILOVER TAKEOVER: no votes."""
    claims.bump_epoch(machine)
    state.promote(machine)


def pause_for(machine: Machine, sender: Node) -> None:
    """A replica of ours asks us to stop writes, so that it can catch up and take over."""
    myself = machine.view.myself
    if not myself.is_primary() or sender.primary is not myself:
        return
    reset_manual(machine)
    manual = machine.manual
    manual.until = machine.now + machine.settings.manual_failover_timeout
    manual.replica = sender
    machine.outside.pause_writes(2 * machine.settings.manual_failover_timeout)
    machine.outside.log(f"Manual failover requested by replica {sender.shown()}")
    if sender.link is not None and sender.link.is_up:
        outgoing.send_heartbeat(machine, sender.link, PING)


def tick_manual(machine: Machine) -> None:
    """End a failover by hand that takes too long; begin its election when the data has arrived."""
    manual = machine.manual
    if manual.until == 0:
        return
    if machine.now > manual.until:
        machine.outside.log("Manual failover timed out")
        reset_manual(machine)
    elif not manual.may_start and manual.offset >= 0 and machine.view.myself.is_replica():
        if machine.outside.offset() == manual.offset:
            manual.may_start = True


def reset_manual(machine: Machine) -> None:
    manual = machine.manual
    if manual.replica is not None:
        machine.outside.resume_writes()
    manual.until = 0
    manual.replica = None
    manual.offset = -1
    manual.may_start = False


def drop(machine: Machine) -> None:
    """Forget the election and the failover by hand, after a change of role."""
    abandon(machine)
    reset_manual(machine)


def sees_failed_primary(machine: Machine) -> bool:
    """Whether this is a replica whose primary is FAIL, as its headers say."""
    myself = machine.view.myself
    return myself.is_replica() and myself.primary is not None and myself.primary.flags & FAIL != 0
