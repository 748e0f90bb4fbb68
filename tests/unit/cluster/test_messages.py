"""Bus messages: those of real servers are read and written to the same bytes, and damaged ones are refused cleanly."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.cluster import messages
from redpoll.cluster.messages import (
    BadMessage,
    BadStream,
    Entry,
    Extension,
    FrameReader,
    Message,
    decode,
    encode,
    forgotten_extension,
    port_extension,
    text_extension,
)
from redpoll.cluster.slot_sets import range_words

RECORDED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parents[2] / "golden" / "cluster" / "bus_messages.json").read_text()
)


def recorded(name: str) -> bytes:
    return zlib.decompress(base64.b64decode(RECORDED[name]["packed"]))


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_messages_are_written_to_the_same_bytes(name: str) -> None:
    data = recorded(name)
    assert encode(decode(data)) == data


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_messages_are_read(name: str) -> None:
    wanted = RECORDED[name]["decoded"]
    message = decode(recorded(name))
    assert wanted["light"] == message.light
    assert wanted["type"] & 0x7FFF == message.kind
    if not message.light:
        assert wanted["port"] == message.port
        assert wanted["pport"] == message.other_port
        assert wanted["cport"] == message.bus_port
        assert wanted["currentEpoch"] == message.current_epoch
        assert wanted["configEpoch"] == message.config_epoch
        assert wanted["offset"] == message.offset
        assert wanted["sender"] == message.sender.decode()
        assert wanted["myslots"] == [word.decode() for word in range_words(message.slots)]
        assert wanted["replicaof"] == message.primary.decode()
        assert wanted["myip"] == message.ip.decode()
        assert wanted["flags"] == message.flags
        assert wanted["state"] == ("fail" if message.state else "ok")
        assert wanted["mflags"] == [message.signals, 0, 0]
    entries = [
        [e.name.decode(), e.ping_sent, e.pong_received, e.ip.decode(), e.port, e.bus_port, e.flags, e.other_port]
        for e in message.entries
    ]
    fields = ("nodename", "ping_sent", "pong_received", "ip", "port", "cport", "flags", "pport")
    assert [[entry[field] for field in fields] for entry in wanted.get("gossip", [])] == entries
    assert [(e["type"], e["length"]) for e in wanted.get("ext", [])] == [
        (e.kind, 8 + len(e.data)) for e in message.extensions
    ]
    for shown, extension in zip(wanted.get("ext", []), message.extensions, strict=True):
        assert shown["value"] == value_of(extension)
    if "channel" in wanted:
        assert wanted["channel"] == message.channel.decode()
        assert wanted["message"] == message.text.decode()
    if "about" in wanted:
        assert wanted["about"] == message.about.decode()
    if "update_slots" in wanted:
        assert wanted["update_slots"] == [word.decode() for word in range_words(message.about_slots)]
        assert wanted["update_configEpoch"] == message.about_epoch
        assert wanted["update_nodename"] == message.about.decode()


def value_of(extension: Extension) -> object:
    if extension.kind in (messages.CLIENT_PORT, messages.CLIENT_TLS_PORT):
        return extension.number(2)
    if extension.kind in (messages.FORGOTTEN, messages.SHARD_ID):
        return extension.data[:40].decode()
    return extension.text().decode()


names = st.binary(min_size=40, max_size=40).filter(lambda name: name != messages.NO_NAME)
u16 = st.integers(0, 2**16 - 1)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
slot_sets = st.one_of(st.just(0), st.integers(0, 2**16384 - 1))
ips = st.sampled_from([b"", b"127.0.0.1", b"2001:db8::1", b"x" * 46])
entries = st.builds(Entry, names, u32, u32, ips, u16, u16, u16, u16)
texts = st.binary(max_size=20).filter(lambda text: b"\0" not in text)
extensions = st.one_of(
    st.builds(text_extension, st.integers(0, 1), texts),
    st.builds(port_extension, st.just(messages.CLIENT_PORT), u16),
    st.builds(forgotten_extension, names, u64),
    st.builds(Extension, u16, st.binary(max_size=9).map(messages.padded)),
)


@st.composite
def any_messages(draw: st.DrawFn) -> Message:
    message = Message(draw(st.integers(0, messages.TYPES - 1)))
    kind = message.kind
    if kind in (messages.PUBLISH, messages.PUBLISHSHARD, messages.MODULE):
        message.light = draw(st.booleans())
        message.text = draw(st.binary(max_size=30))
        if kind == messages.MODULE:
            message.module_id = draw(st.binary(min_size=8, max_size=8))
            message.module_type = draw(st.integers(0, 255))
        else:
            message.channel = draw(st.binary(max_size=30))
    if not message.light:
        message.port, message.other_port, message.bus_port, message.flags = (draw(u16) for _ in range(4))
        message.current_epoch, message.config_epoch, message.offset = (draw(u64) for _ in range(3))
        message.sender = draw(names)
        message.primary = draw(st.one_of(st.just(b""), names))
        message.slots = draw(slot_sets)
        message.ip = draw(ips)
        message.state = draw(st.integers(0, 255))
        message.signals = draw(st.integers(0, 255))
    if kind <= messages.MEET:
        message.entries = draw(st.lists(entries, max_size=4))
        message.extensions = draw(st.lists(extensions, max_size=4))
    elif kind == messages.FAIL:
        message.about = draw(names)
    elif kind == messages.UPDATE:
        message.about = draw(names)
        message.about_epoch = draw(u64)
        message.about_slots = draw(slot_sets)
    return message


def fields_of(message: Message) -> list[object]:
    """Everything that a message says."""
    return [
        message.kind, message.light, message.port, message.current_epoch, message.config_epoch, message.offset,
        message.sender, message.slots, message.primary, message.ip, message.other_port, message.bus_port,
        message.flags, message.state, message.signals, message.about, message.about_epoch, message.about_slots,
        message.channel, message.text, message.module_id, message.module_type,
        [(e.name, e.ping_sent, e.pong_received, e.ip, e.port, e.bus_port, e.flags, e.other_port)
         for e in message.entries],
        [(e.kind, e.data) for e in message.extensions],
    ]  # fmt: skip


@given(any_messages())
def test_what_is_written_is_read(message: Message) -> None:
    data = encode(message)
    read = decode(data)
    assert fields_of(message) == fields_of(read)
    assert encode(read) == data


@given(any_messages(), st.data())
def test_damaged_messages_are_refused_or_read(message: Message, data: st.DataObject) -> None:
    raw = bytearray(encode(message))
    places = st.one_of(st.sampled_from([4, 5, 6, 7, 12, 13, 14, 15, 2214, 2215]), st.integers(0, len(raw) - 1))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(places)
        if at < len(raw):
            raw[at] = data.draw(st.integers(0, 255))
    kept = data.draw(st.one_of(st.just(len(raw)), st.integers(0, len(raw))))
    try:
        decode(bytes(raw[:kept]))
    except BadMessage:
        pass


@given(st.binary(max_size=100))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    try:
        decode(data)
    except BadMessage:
        pass
    try:
        FrameReader().feed(data)
    except BadStream:
        pass


def sealed(data: bytearray) -> bytes:
    """The bytes with their own length in the header."""
    data[4:8] = len(data).to_bytes(4, "big")
    return bytes(data)


def test_wrong_lengths_and_counts_are_refused() -> None:
    ping = recorded("valkey-9.1.2/ping-gossip3")
    wrong = {"more entries": (14, b"\xff\xff"), "fewer": (14, b"\0\2"), "more extensions": (2214, b"\xff\xff"),
             "none": (2214, b"\0\0"), "other version": (8, b"\0\2"), "unknown type": (12, b"\0\x0b"),
             "light heartbeat": (12, b"\x80\0"), "extension not of 8": (2256 + 312, b"\0\0\0\x2f"),
             "short extension": (2256 + 312, b"\0\0\0\0"), "long": (2256 + 312, b"\xff\xff\xff\xf8")}  # fmt: skip
    for what, (at, field) in wrong.items():
        damaged = bytearray(ping)
        damaged[at : at + len(field)] = field
        with pytest.raises(BadMessage):
            decode(bytes(damaged))
            pytest.fail(what)
    with pytest.raises(BadMessage):
        decode(sealed(bytearray(ping + b"\0")))
    with pytest.raises(BadMessage):
        decode(sealed(bytearray(ping[:-1])))


@given(st.lists(any_messages(), min_size=1, max_size=4), st.lists(st.integers(1, 3000), max_size=20))
def test_a_stream_is_cut_into_messages_wherever_it_is_split(sent: list[Message], cuts: list[int]) -> None:
    whole = [encode(message) for message in sent]
    stream = b"".join(whole)
    reader = FrameReader()
    found: list[bytes] = []
    for size in [*cuts, len(stream)]:
        found += reader.feed(stream[:size])
        stream = stream[size:]
    assert whole == found


def test_a_stream_without_messages_is_broken() -> None:
    ping = recorded("valkey-9.1.2/ping-gossip3")
    with pytest.raises(BadStream):
        FrameReader().feed(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(BadStream):
        FrameReader().feed(ping[:4] + (2255).to_bytes(4, "big") + ping[8:])
    light = recorded("valkey-9.1.2/publish")
    with pytest.raises(BadStream):
        FrameReader().feed(light[:4] + (15).to_bytes(4, "big") + light[8:])
