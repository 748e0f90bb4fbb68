"""Pub/Sub beside the reference: what recorded scenarios (test_pubsub_scenarios.py) do not have."""

from __future__ import annotations

import pytest
from tests.differential.pair import Pair, exact, unordered
from tests.differential.wire import Reply, Word, encode


def frames(pair: Pair, count: int) -> list[bytes]:
    """The next frames of both, compared."""
    found = []
    for _ in range(count):
        theirs, ours = pair.theirs.next_frame(), pair.ours.next_frame()
        assert theirs.raw == ours.raw, f"{theirs} here {ours}"
        found.append(theirs.raw)
    return found


def say(pair: Pair, *words: Word) -> None:
    pair.theirs.send(encode(words))
    pair.ours.send(encode(words))


def subscribed(pair: Pair, *words: Word) -> Pair:
    """A second client that has subscribed."""
    other = pair.second()
    say(other, *words)
    frames(other, len(words) - 1)
    return other


def ended(pair: Pair) -> None:
    """Nothing more came than what was read."""
    say(pair, "PING", "end")
    frames(pair, 1)


def test_arity_unknown_subcommands_and_words(pair: Pair) -> None:
    pair.play("""
        SUBSCRIBE
        PSUBSCRIBE
        SSUBSCRIBE
        PUBLISH
        PUBLISH a
        PUBLISH a b c
        SPUBLISH a
        SPUBLISH a b c
        PUBSUB
        PUBSUB NOSUCH
        PUBSUB CHANNELS a b
        PUBSUB channels a b c
        PUBSUB SHARDCHANNELS a b
        PUBSUB NUMPAT x
        PUBSUB NUMSUB
        PUBSUB SHARDNUMSUB
        PUBSUB NUMSUB a a b
        PUBSUB SHARDNUMSUB a
        PUBSUB CHANNELS
        PUBSUB CHANNELS x*
        PUBSUB NUMPAT
        PUBSUB HELP x
        COMMAND GETKEYS SPUBLISH a b
        COMMAND GETKEYS SSUBSCRIBE a b
        COMMAND GETKEYS SUBSCRIBE a b
        COMMAND GETKEYS PUBLISH a b
        COMMAND GETKEYSANDFLAGS SPUBLISH a b
    """)


def test_help_has_the_same_shape(pair: Pair) -> None:
    theirs, ours = pair.both("PUBSUB", "HELP")
    assert (theirs.kind, theirs.items[0].raw, theirs.items[-1].raw) == (
        ours.kind,
        ours.items[0].raw,
        ours.items[-1].raw,
    )


@pytest.mark.parametrize("protocol", [2, 3])
def test_messages_cross_protocols(pair: Pair, protocol: int) -> None:
    other = pair.second(protocol)
    for words in (("SUBSCRIBE", "ch", ""), ("PSUBSCRIBE", "c*", "*"), ("SSUBSCRIBE", "ch")):
        say(other, *words)
        frames(other, len(words) - 1)
    for payload in ("", "x", b"\r\n\x00\xff", "y" * 40000):
        pair.do("PUBLISH", "ch", payload)
        found = [other.theirs.next_frame().raw for _ in range(3)], [other.ours.next_frame().raw for _ in range(3)]
        assert found[0][0] == found[1][0]
        assert sorted(found[0]) == sorted(found[1])
        pair.do("SPUBLISH", "ch", payload)
        frames(other, 1)
    pair.do("PUBLISH", "", "empty name")
    frames(other, 1)
    ended(other)


def clients_of(reply: Reply) -> list[dict[str, str]]:
    lines = (reply.text or b"").decode().splitlines()
    return [dict(word.split("=", 1) for word in line.split(" ")) for line in lines if line]


def test_client_list_info_and_filters_know_subscribers(pair: Pair) -> None:
    other = subscribed(pair, "SUBSCRIBE", "a", "b")
    say(other, "PSUBSCRIBE", "p")
    frames(other, 1)
    say(other, "SSUBSCRIBE", "s", "t", "u")
    frames(other, 3)
    shown = []
    for reply in pair.both("CLIENT", "LIST", "TYPE", "pubsub"):
        shown.append(
            [[one[name] for name in ("sub", "psub", "ssub", "flags", "cmd", "resp")] for one in clients_of(reply)]
        )
    assert shown[0] == shown[1]
    assert shown[0][0][:3] == ["2", "1", "3"]
    for filters in (("TYPE", "normal"), ("FLAGS", "P"), ("NOT-FLAGS", "P"), ("NOT-TYPE", "pubsub")):
        theirs, ours = pair.both("CLIENT", "LIST", *filters)
        assert len(clients_of(theirs)) == len(clients_of(ours))
    for section, names in (
        ("stats", ("pubsub_channels", "pubsub_patterns", "pubsubshard_channels")),
        ("clients", ("pubsub_clients", "connected_clients")),
    ):
        figures = []
        for reply in pair.both("INFO", section):
            lines = dict(line.split(":", 1) for line in (reply.text or b"").decode().splitlines() if ":" in line)
            figures.append({name: lines[name] for name in names})
        assert figures[0] == figures[1]
    pair.do("CLIENT", "KILL", "TYPE", "pubsub")
    other.closed()
    pair.do("PUBSUB", "CHANNELS")
    pair.do("PUBSUB", "NUMPAT")
    pair.do("PUBLISH", "a", "x")


def test_subscribers_in_both_modes_may_leave_by_quit_and_reset(pair: Pair) -> None:
    for word in ("QUIT", "RESET"):
        other = subscribed(pair, "SUBSCRIBE", "a")
        say(other, word)
        frames(other, 1)
        if word == "QUIT":
            other.closed()
        else:
            # RESET goes back to RESP2.
            other.do("GET", "k")
        pair.do("PUBLISH", "a", "x")


@pytest.mark.parametrize(
    "line", ["RESET x", "QUIT x", "PING a b", "SUBSCRIBE", "HELLO 9", "NOSUCH", "GET", "EXEC x", "CLIENT NOSUCH"]
)
def test_what_is_wrong_comes_before_the_mode(pair: Pair, line: str) -> None:
    other = subscribed(pair, "SUBSCRIBE", "a")
    say(other, *line.split())
    frames(other, 1)


def test_unsubscribing_inside_a_transaction_and_what_follows(pair: Pair) -> None:
    other = pair.second()
    for line in (
        "MULTI",
        "SUBSCRIBE a",
        "PSUBSCRIBE b*",
        "UNSUBSCRIBE",
        "PUNSUBSCRIBE",
        "SUNSUBSCRIBE",
        "SSUBSCRIBE x",
        "GET k",
    ):
        say(other, *line.split())
        frames(other, 1)
    say(other, "EXEC")
    # The array holds one frame for each command here.
    frames(other, 1)
    ended(other)
    say(other, "GET", "k")
    frames(other, 1)


def test_a_transaction_that_subscribes_twice_at_once(pair: Pair) -> None:
    other = pair.second()
    for line in ("MULTI", "SUBSCRIBE a b", "PING", "PUBLISH a x", "EXEC"):
        say(other, *line.split())
    frames(other, 5)
    # One frame too many is in it, so the rest stands behind; then the message.
    frames(other, 2)
    ended(other)


def test_own_messages_come_after_the_reply_and_in_order(pair: Pair) -> None:
    other = pair.second(3)
    say(other, "SUBSCRIBE", "a", "b")
    frames(other, 2)
    data = b"".join(
        encode(words)
        for words in (("PUBLISH", "a", "1"), ("PING",), ("PUBLISH", "b", "2"), ("PUBLISH", "a", "3"), ("GET", "k"))
    )
    other.theirs.send(data)
    other.ours.send(data)
    frames(other, 8)
    ended(other)


def test_replies_that_are_not_wanted_and_messages_that_are(pair: Pair) -> None:
    other = pair.second()
    say(other, "CLIENT", "REPLY", "OFF")
    say(other, "SUBSCRIBE", "a", "b")
    frames(other, 2)
    pair.do("PUBLISH", "a", "x")
    frames(other, 1)
    say(other, "UNSUBSCRIBE", "a", "b", "c")
    frames(other, 3)
    say(other, "UNSUBSCRIBE")
    frames(other, 1)
    say(other, "CLIENT", "REPLY", "ON")
    frames(other, 1)
    say(other, "CLIENT", "REPLY", "SKIP")
    say(other, "SUBSCRIBE", "a")
    frames(other, 1)
    ended(other)


def test_a_monitor_sees_pubsub(pair: Pair) -> None:
    watching = pair.second(2)
    watching.do("MONITOR")
    other = subscribed(pair, "SUBSCRIBE", "a")
    pair.do("PUBLISH", "a", "x")
    pair.do("PUBSUB", "NUMSUB", "a")
    frames(other, 1)
    shown = []
    for wire in (watching.theirs, watching.ours):
        lines = [wire.read().text or b"" for _ in range(4 if pair.protocol == 3 else 3)]
        shown.append([line.partition(b"] ")[2] for line in lines])
    assert shown[0] == shown[1]


def test_a_paused_server_holds_publishers(pair: Pair) -> None:
    other = subscribed(pair, "SUBSCRIBE", "a")
    third = pair.second()
    pair.do("CLIENT", "PAUSE", "100000", "WRITE")
    third.send("PUBLISH", "a", "x")
    third.silent()
    pair.do("CLIENT", "UNPAUSE")
    third.read(exact)
    frames(other, 1)


def test_monitors_may_publish_as_far_as_the_reference_lets_them(pair: Pair) -> None:
    watching = pair.second(3)
    watching.do("MONITOR")
    watching.send("PUBLISH", "a", "x")
    watching.read(exact)


def test_names_in_no_order(pair: Pair) -> None:
    other = subscribed(pair, "SUBSCRIBE", "news.a", "news.b", "other", b"\xff\x00")
    say(other, "SSUBSCRIBE", "news.s", "t")
    frames(other, 2)
    for words in (
        ("CHANNELS",),
        ("CHANNELS", "news.*"),
        ("CHANNELS", "[no]*"),
        ("SHARDCHANNELS",),
        ("SHARDCHANNELS", "news*"),
    ):
        pair.compare(unordered, "PUBSUB", *words)
    pair.do("PUBSUB", "NUMSUB", "news.a", "none", "other", "news.s")
    pair.do("PUBSUB", "SHARDNUMSUB", "news.a", "news.s")


@pytest.mark.parametrize("size", [100, 40000])
def test_a_subscriber_over_its_limit_is_closed_and_was_counted(pair: Pair, size: int) -> None:
    with pair.config("client-output-buffer-limit", "pubsub 4096 0 0"):
        other = subscribed(pair, "SUBSCRIBE", "a")
        pair.do("PUBLISH", "a", "x" * size)
        if size == 100:
            frames(other, 1)
        else:
            other.closed()
        pair.do("PUBLISH", "a", "x")
