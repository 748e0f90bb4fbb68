"""`redpoll cluster call` and `set-timeout`: one command in many nodes."""

from __future__ import annotations

from redpoll.cli.cluster.nodes import Cluster
from redpoll.cli.cluster.show import say, warn
from redpoll.cli.cluster.words import plural
from redpoll.cli.resp import ServerComplaint

SHORTEST_TIMEOUT_MS = 100


def call(cluster: Cluster, words: list[str], primaries: bool, replicas: bool) -> int:
    """Run a command in all nodes, all primaries or all replicas, and show the replies; the count of errors."""
    failures = 0
    for node in cluster.nodes:
        if (node.me.is_replica and primaries) or (node.me.is_primary and replicas):
            continue
        reply = node.try_to(*words)
        failures += isinstance(reply, ServerComplaint)
        say(f"{node.address}: {shown(reply)}")
    for line in cluster.unreachable:
        failures += 1
        say(f"{line.address}: cannot be reached")
    return failures


def shown(reply: object, depth: int = 0) -> str:
    """A reply as text: an array as numbered lines, a string with its control characters escaped."""
    if isinstance(reply, ServerComplaint):
        return f"(error) {reply}"
    if isinstance(reply, list):
        if not reply:
            return "(empty)"
        lines = [f"{'  ' * depth}{n}) {shown(item, depth + 1).lstrip()}" for n, item in enumerate(reply, 1)]
        return "\n".join(lines) if depth else "\n" + "\n".join(lines)
    if isinstance(reply, bytes):
        text = reply.decode("utf-8", "backslashreplace").replace("\r\n", "\n").rstrip("\n")
        safe = "".join(letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text)
        return f"\n{safe}" if "\n" in safe else safe
    return "(nil)" if reply is None else str(reply)


def set_timeout(cluster: Cluster, milliseconds: int) -> int:
    """Set cluster-node-timeout in all nodes and in their files; the count of nodes that refuse it."""
    failures = len(cluster.unreachable)
    for node in cluster.nodes:
        reply = node.try_to("CONFIG", "SET", "cluster-node-timeout", str(milliseconds))
        if isinstance(reply, ServerComplaint):
            failures += 1
            say(f"[ERR] {node.address} refuses it: {reply}")
            continue
        reply = node.try_to("CONFIG", "REWRITE")
        if isinstance(reply, ServerComplaint):
            warn(f"{node.address} will lose the new value when it restarts: its file was not written: {reply}")
    for line in cluster.unreachable:
        say(f"[ERR] {line.address} cannot be reached")
    done = len(cluster.nodes) + len(cluster.unreachable) - failures
    say(f"New node timeout: {milliseconds} ms in {plural(done, 'node')}.")
    return failures
