"""nodes.conf: what is written is read, and files that cannot be used are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.cluster.flags import FAIL, MASTER, NOADDR, NOFAILOVER, PFAIL, REPLICA
from redpoll.cluster.node import Node
from redpoll.cluster.nodes_conf import BadConfig, conf_text, read_conf
from redpoll.cluster.slot_sets import one, range_words, span
from redpoll.cluster.view import View

A, B, C = b"a" * 40, b"b" * 40, b"c" * 40
SHARD = b"5" * 40

EXAMPLE = b"""%s 127.0.0.1:7002@17002,,tls-port=0,shard-id=%s slave %s 0 1426238316232 0 connected
%s 127.0.0.1:7005@17005,node.example,tls-port=0,nodename=alpha,shard-id=%s,client-ipv4=10.0.0.1,client-tcp-port=9 \
myself,master - 0 0 7 connected 5461-10922 10930 [93-<-%s] [5461->-%s]
vars currentEpoch 7 lastVoteEpoch 6
""" % (A, SHARD, B, B, SHARD, A, A)


def test_an_example() -> None:
    view = read_conf(EXAMPLE, 5, False)
    myself = view.myself
    assert myself.name == B and myself.port == 7005 and myself.bus_port == 17005 and myself.config_epoch == 7
    assert myself.hostname == b"node.example" and myself.human_name == b"alpha"
    assert myself.client_ipv4 == b"10.0.0.1" and myself.client_port == 9
    assert view.nodes[A].primary is myself and view.nodes[A].pong_received == 5
    assert range_words(myself.slots) == [b"5461-10922", b"10930"]
    assert view.migrating == {5461: view.nodes[A]} and view.importing == {93: view.nodes[A]}
    assert (view.current_epoch, view.last_vote_epoch) == (7, 6)
    view.check()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n\n",
        b"vars currentEpoch 7 lastVoteEpoch 6\n",
        b"vars currentEpoch\n",
        EXAMPLE.replace(b"myself,", b""),
        EXAMPLE.replace(b"myself", b"mine"),
        EXAMPLE.replace(b"shard-id", b"shard"),
        EXAMPLE.replace(b" connected", b""),
        EXAMPLE.replace(b"10930", b"16384"),
        EXAMPLE.replace(b"5461-10922", b"10922-5461"),
        EXAMPLE.replace(b"->-", b"<->"),
        EXAMPLE.replace(b"7005@", b"x@"),
        EXAMPLE.replace(b"aaaa", b"AAAA"),
        EXAMPLE.replace(b"127.0.0.1:7002@17002", b"127"),
        EXAMPLE.replace(b" 7 connected", b" -7 connected"),
        EXAMPLE.replace(b"slave", b"myself,slave"),
        EXAMPLE.replace(b"slave", b'"slave'),
    ],
)
def test_files_that_cannot_be_used(text: bytes) -> None:
    with pytest.raises(BadConfig):
        read_conf(text, 0, False)


def test_older_files_name_no_bus_port_and_no_fields() -> None:
    view = read_conf(b"%s 10.0.0.1:7002 myself,master - 0 0 0 connected\n" % A, 0, False)
    assert view.myself.bus_port == 17002 and view.myself.shard == b""
    view = read_conf(b"%s ::1:7002@9 myself,master - 0 0 3 connected\n\nvars other 3\n" % A, 0, False)
    assert (view.myself.ip, view.myself.bus_port, view.current_epoch) == (b"::1", 9, 3)


def test_a_replica_is_in_the_shard_of_its_primary() -> None:
    lines = b"%s 10.0.0.1:1@2,,shard-id=%s myself,slave %s 0 0 0 connected\n" % (A, C, B)
    lines += b"%s 10.0.0.2:1@2,,shard-id=%s master - 0 0 1 connected\n" % (B, SHARD)
    assert read_conf(lines, 0, False).myself.shard == SHARD


@st.composite
def views(draw: st.DrawFn) -> View:
    texts = st.sampled_from([b"", b"one.example"])
    ports = st.sampled_from([0, 1, 65535])
    made: list[Node] = []
    for name in (A, B, C):
        node = Node(name, MASTER | draw(st.sampled_from([0, FAIL, PFAIL, NOADDR, NOFAILOVER])), 1)
        node.shard = draw(st.sampled_from([name, SHARD]))
        node.ip = draw(st.sampled_from([b"", b"127.0.0.1", b"::1"]))
        node.port, node.tls_port, node.bus_port = draw(ports), draw(ports), draw(ports)
        node.client_port, node.client_tls_port = draw(ports), draw(ports)
        node.hostname, node.human_name, node.zone = draw(texts), draw(texts), draw(texts)
        node.client_ipv4 = draw(st.sampled_from([b"", b"10.0.0.1"]))
        node.client_ipv6 = draw(st.sampled_from([b"", b"::2"]))
        node.config_epoch = draw(st.integers(0, 2**63))
        made.append(node)
    view = View(made[0])
    view.add(made[1])
    view.add(made[2])
    if draw(st.booleans()):
        view.set_replica(made[2], made[1])
        made[2].config_epoch = 0
    assert made[2].flags & (MASTER | REPLICA)
    view.assign(span(0, draw(st.integers(0, 9000))), made[0])
    view.assign(one(draw(st.integers(0, 16383))) | span(100, 200), made[1])
    view.migrating.update(dict.fromkeys(draw(st.sets(st.integers(0, 50), max_size=3)), made[1]))
    view.importing.update(dict.fromkeys(draw(st.sets(st.integers(51, 99), max_size=3)), made[2]))
    view.current_epoch = view.greatest_epoch()
    view.last_vote_epoch = draw(st.integers(0, view.current_epoch))
    return view


@given(views(), st.booleans())
def test_what_is_written_is_read(view: View, tls: bool) -> None:
    text = conf_text(view, tls, 0)
    again = read_conf(text, 0, tls)
    again.check()
    assert conf_text(again, tls, 0) == text


@given(views(), st.data())
def test_damaged_files_are_refused_or_read(view: View, data: st.DataObject) -> None:
    text = bytearray(conf_text(view, False, 0))
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from(b'0a :@,-=[]"\n\0>'))
    try:
        read_conf(bytes(text), 0, False).check()
    except BadConfig:
        pass
