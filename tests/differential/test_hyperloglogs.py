"""HyperLogLog beside the reference: the very bytes of the value after every step."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.differential.pair import Pair
from tests.differential.transcripts import recorded, words

SESSIONS = recorded("geo_hll_transcripts.json")


def test_the_recorded_session(pair: Pair) -> None:
    pair.needs("LPUSH")
    for step in SESSIONS["hyperloglog"]:
        pair.do(*words(step))


def test_complaints(pair: Pair) -> None:
    pair.play("""
        PFADD
        PFCOUNT
        PFMERGE
        PFADD k a
        PFDEBUG
        PFDEBUG nosuch none
        PFDEBUG nosuch k
        PFSELFTEST x
        ZADD z 1 a
        PFADD z a
        PFCOUNT z
        PFCOUNT k z
        PFMERGE k z
        PFMERGE z k
        PFDEBUG ENCODING z
        SET short HYLL
        PFCOUNT short
        PFADD short a
        OBJECT ENCODING k
        TYPE k
    """)


def test_switching_vector_instructions_is_refused(pair: Pair) -> None:
    pair.differs("pfdebug-simd", "PFDEBUG", "SIMD", "ON")


numbers = st.integers(0, 400)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("PFADD"), st.sampled_from("ab"), st.lists(numbers, max_size=60)),
        st.tuples(st.just("PFCOUNT"), st.sampled_from("abc"), st.just([])),
        st.tuples(st.just("PFMERGE"), st.sampled_from("abc"), st.lists(st.sampled_from("abcd"), max_size=3)),
        st.tuples(
            st.just("PFCOUNT"), st.sampled_from("abc"), st.lists(st.sampled_from("abcd"), min_size=1, max_size=3)
        ),
        st.tuples(st.just("PFDEBUG"), st.just("TODENSE"), st.sampled_from([["a"], ["b"]])),
    ),
    min_size=3,
    max_size=25,
)


@pytest.mark.parametrize("limit", [3000, 60, 0])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(lines=steps)
def test_random_sequences(pair: Pair, limit: int, lines: list[tuple[str, str, list[object]]]) -> None:
    pair.fresh()
    with pair.config("hll-sparse-max-bytes", limit):
        for name, key, rest in lines:
            pair.do(name, key, *rest)
            for stored in "abc":
                pair.do("GET", stored)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=st.binary(max_size=24), tail=st.sampled_from([b"\x7f\xff", b"\x40\x00", b"\x80\x7f\xfe", b"\x3f"]))
def test_damaged_values(pair: Pair, value: bytes, tail: bytes) -> None:
    pair.fresh()
    for head in (b"HYLL\x01", b"HYLL\x00", b"HYLL\x01" + bytes(10) + b"\x80"):
        pair.do("SET", "k", head + value + tail)
        pair.do("PFCOUNT", "k", "none")
        pair.do("PFCOUNT", "k")
        pair.do("PFDEBUG", "TODENSE", "k")
        pair.do("SET", "k", head + value + tail)
        pair.do("PFMERGE", "d", "k")
        pair.do("PFADD", "k", "element")
        pair.do("GET", "k")


def test_what_is_counted_before_the_damage_stays(pair: Pair) -> None:
    """The runs end before the last registers."""
    for elements in (["a"], ["a", "b", "c"], [f"e{n}" for n in range(40)], [f"e{n}" for n in range(2000)]):
        pair.do("SET", "k", b"HYLL\x01" + bytes(11) + b"\x7b\xff")
        pair.do("PFADD", "k", *elements)
        pair.do("GET", "k")
        pair.do("PFADD", "k", *elements)
        pair.do("GET", "k")
        pair.do("OBJECT", "ENCODING", "k")


def test_a_run_that_is_cut_off_is_damage(pair: Pair) -> None:
    """The last run lacks its second byte; with a zero in its place, the runs would cover all registers."""
    pair.do("SET", "k", b"HYLL\x01" + bytes(10) + b"\x80" + b"\x3f\x3f\x3f\x3e\x7f")
    ours = pair.differs("hyperloglog-cut-off", "PFCOUNT", "k")
    assert ours.is_error and (ours.text or b"").startswith(b"INVALIDOBJ")


def test_the_self_test_passes(pair: Pair) -> None:
    # Seconds of the reference's time.
    for wire in (pair.theirs, pair.ours):
        wire.socket.settimeout(60)
    pair.do("PFSELFTEST")
