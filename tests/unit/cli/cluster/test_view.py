"""CLUSTER NODES as the manager reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.cli.cluster.view import read_view
from redpoll.cli.cluster.words import Address, Refusal, address, plural, slots_text
from redpoll.cluster.slot_sets import ALL_SLOTS, one, ranges, span

A, B, C = "a" * 40, "b" * 40, "c" * 40

TEXT = f"""{A} 127.0.0.1:7000@17000,host.example myself,master - 0 0 3 connected 0-99 200 [5->-{B}] [300-<-{B}]
{B} 10.0.0.2:7001@27001 master,fail? - 0 1700 2 disconnected 101-199
{C} ::1:7002@17002,,shard-id=x slave {A} 0 1700 3 connected
"""


def test_a_view_has_every_node() -> None:
    view = read_view(TEXT)
    assert view.me.id == A
    assert view.me.address == Address("127.0.0.1", 7000)
    assert (view.me.epoch, view.me.is_primary, view.me.flags) == (3, True, {"myself", "master"})
    assert view.me.slots == span(0, 99) | one(200)
    assert (view.me.migrating, view.me.importing) == ({5: B}, {300: B})
    other = view.lines[B]
    assert (other.bus_port, other.connected, other.flags) == (27001, False, {"master", "fail?"})
    replica = view.lines[C]
    assert (replica.primary, replica.is_replica, replica.address) == (A, True, Address("::1", 7002))


def test_a_node_without_an_address_yet() -> None:
    view = read_view(f"{A} :7000@17000 myself,master - 0 0 0 connected\n")
    assert view.me.address == Address("", 7000)
    assert not read_view(f"{A} :0@0 myself,master,noaddr - 0 0 0 connected\n").me.can_be_called


@pytest.mark.parametrize("text", ["", "nonsense\n", f"{A} 127.0.0.1:7000@17000 master - 0 0 3 connected 0-9\n"])
def test_what_is_no_view_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="CLUSTER NODES"):
        read_view(text)


@given(st.integers(0, ALL_SLOTS))
def test_slots_are_read_as_they_are_shown(slots: int) -> None:
    words = " ".join(f"{low}-{high}" if high > low else f"{low}" for low, high in ranges(slots))
    assert read_view(f"{A} h:1@2 myself,master - 0 0 1 connected {words}\n").me.slots == slots


def test_signatures_are_equal_where_the_owners_are() -> None:
    mine, theirs = read_view(TEXT), read_view(TEXT.replace("myself,", "").replace("master,fail?", "myself,master"))
    assert mine.signature() == theirs.signature()
    assert mine.signature() != read_view(TEXT.replace("101-199", "101-198")).signature()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:7000", Address("127.0.0.1", 7000)),
        ("cache:7000@17000", Address("cache", 7000)),
        ("[::1]:7000", Address("::1", 7000)),
        ("::1:7000", Address("::1", 7000)),
    ],
)
def test_addresses(text: str, found: Address) -> None:
    assert address(text) == found


@pytest.mark.parametrize("text", ["", "host", "host:", ":7000", "host:x", "host:0", "host:65536", "host:-1"])
def test_what_is_no_address_is_told_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write HOST:PORT, as in 127\.0\.0\.1:7000"):
        address(text)


def test_words() -> None:
    assert slots_text(span(0, 9) | one(12)) == "0-9,12"
    assert slots_text(0) == "-"
    assert [plural(1, "slot"), plural(0, "key"), plural(1200, "key"), plural(2, "process")] == [
        "1 slot", "0 keys", "1,200 keys", "2 processes",
    ]  # fmt: skip
