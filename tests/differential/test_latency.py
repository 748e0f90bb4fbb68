"""LATENCY: errors, shapes, and which commands a histogram tells of."""

from __future__ import annotations

from tests.differential.pair import Pair
from tests.differential.wire import Reply


def histograms(reply: Reply) -> dict[bytes | None, tuple[int, int]]:
    """Of each command the calls, and the greatest cumulative count of its buckets."""
    found = {}
    for at in range(0, len(reply.items), 2):
        calls, buckets = reply.items[at + 1].items[1], reply.items[at + 1].items[3]
        found[reply.items[at].text] = (calls.integer, buckets.items[-1].integer)
    return found


def test_errors_and_empty_answers(pair: Pair) -> None:
    pair.do("LATENCY", "RESET")
    pair.play("""
        LATENCY
        LATENCY NOSUCH
        LATENCY LATEST
        LATENCY LATEST x
        LATENCY HISTORY
        LATENCY HISTORY command
        LATENCY HISTORY nosuch
        LATENCY HISTORY command x
        LATENCY GRAPH
        LATENCY GRAPH command
        LATENCY GRAPH "no such event"
        LATENCY RESET
        LATENCY RESET command nosuch
        LATENCY DOCTOR x
        LATENCY HELP x
        LATENCY HISTOGRAM nosuch
        LATENCY HISTOGRAM nosuch|sub config|nosuch
    """)


def test_the_doctor_speaks_in_words_of_its_own(pair: Pair) -> None:
    pair.differs("doctor-words", "LATENCY", "DOCTOR")
    pair.shape("LATENCY", "DOCTOR")


def test_a_histogram_counts_the_calls(pair: Pair) -> None:
    pair.do("CONFIG", "RESETSTAT")
    for _ in range(7):
        pair.do("GET", "a")
    pair.do("SET", "a", "1")
    pair.shape("CLIENT", "ID")
    pair.do("CLIENT", "GETNAME")
    pair.do("DEBUG", "SLEEP", "0.003")
    for words in ((), ("get",), ("GET", "set", "client", "nosuch"), ("client|id",), ("debug",), ("exec",)):
        theirs, ours = pair.both("LATENCY", "HISTOGRAM", *words)
        assert ours.kind == theirs.kind
        assert histograms(ours) == histograms(theirs)


def test_buckets_have_the_bounds_of_the_reference(pair: Pair) -> None:
    pair.do("CONFIG", "RESETSTAT")
    pair.do("DEBUG", "SLEEP", "0.012")
    for reply in pair.both("LATENCY", "HISTOGRAM", "debug"):
        bound, calls = (item.integer for item in reply.items[1].items[3].items)
        # A busy machine sleeps for longer.
        assert bound in (16908, 33816, 67633, 135266)
        assert calls == 1


def test_spikes_are_kept_by_event(pair: Pair) -> None:
    pair.do("LATENCY", "RESET")
    with pair.config("latency-monitor-threshold", 60):
        pair.differs("doctor-words", "LATENCY", "DOCTOR")
        pair.do("DEBUG", "SLEEP", "0.003")
        pair.do("LATENCY", "LATEST")
        pair.do("DEBUG", "SLEEP", "0.061")
        pair.do("DEBUG", "SLEEP", "0.065")
        for reply in pair.both("LATENCY", "LATEST"):
            assert len(reply.items) == 1
            event, at_s, latest, greatest, total, count = reply.items[0].items
            assert (event.text, count.integer) == (b"command", 2)
            assert at_s.integer > 1_600_000_000
            assert 65 <= latest.integer <= greatest.integer < 1000
            assert 126 <= total.integer < 2000
        for reply in pair.both("LATENCY", "HISTORY", "command"):
            assert 1 <= len(reply.items) <= 2
            assert all(len(item.items) == 2 for item in reply.items)
        theirs, ours = pair.both("LATENCY", "GRAPH", "command")
        assert ours.kind == theirs.kind
        assert (ours.text or b"").startswith(b"command - high ")
        theirs, ours = pair.both("LATENCY", "DOCTOR")
        for reply in (theirs, ours):
            assert b"\n\n1. command: " in (reply.text or b"")
        pair.do("LATENCY", "RESET", "nosuch", "command")
        pair.do("LATENCY", "HISTORY", "command")


def test_deleting_a_giant_past_its_deadline_is_a_spike(pair: Pair) -> None:
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    pair.do("SETRANGE", "giant", (64 << 20) - 1, "x")
    pair.do("BITOP", "NOT", "giant", "giant")
    pair.do("SET", "small", "v", "PX", "1")
    pair.do("PEXPIRE", "giant", "1")
    pair.do("LATENCY", "RESET")
    pair.wait_ms(1)
    with pair.config("latency-monitor-threshold", 1):
        pair.do("GET", "giant")
        pair.do("GET", "small")
        for reply in pair.both("LATENCY", "LATEST"):
            counts = {item.items[0].text: item.items[5].integer for item in reply.items}
            assert counts[b"expire-del"] == 1
    pair.do("LATENCY", "RESET", "expire-del")
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", "1")


def test_a_wait_is_no_spike(pair: Pair) -> None:
    pair.do("LATENCY", "RESET")
    waiting, other = pair.second(), pair.second()
    with pair.config("latency-monitor-threshold", 40):
        waiting.send("BZPOPMIN", "z", "0")
        waiting.silent(0.06)
        other.do("ZADD", "z", "1", "a")
        waiting.read()
        waiting.send("BZPOPMIN", "z", "0.06")
        waiting.read()
        pair.do("LATENCY", "LATEST")


def test_tracking_may_be_off(pair: Pair) -> None:
    pair.do("CONFIG", "RESETSTAT")
    with pair.config("latency-tracking", "no"):
        pair.do("GET", "a")
        pair.do("INFO", "latencystats")
        pair.do("LATENCY", "HISTOGRAM", "get")
    with pair.config("latency-tracking-info-percentiles", "0 25.5 100"):
        pair.do("GET", "a")
        for reply in pair.both("INFO", "latencystats"):
            line = next(line for line in (reply.text or b"").split(b"\r\n") if b"usec_get:" in line)
            assert [part.split(b"=")[0] for part in line.partition(b":")[2].split(b",")] == [b"p0", b"p25.5", b"p100"]
    with pair.config("latency-tracking-info-percentiles", ""):
        for reply in pair.both("INFO", "latencystats"):
            assert b"latency_percentiles_usec_get:\r\n" in (reply.text or b"")
