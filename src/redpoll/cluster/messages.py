"""The messages of the cluster bus: bytes to `Message` and back.

    message  = full header (2256 bytes), body
             | light header (16 bytes), body            PUBLISH, PUBLISHSHARD and MODULE only
    body     = entries, extensions                      PING, PONG, MEET
             | name                                     FAIL
             | u32 length, u32 length, channel, text    PUBLISH, PUBLISHSHARD
             | u64 epoch, name, bitmap                  UPDATE
             | u64 id, u32 length, u8 type, payload     MODULE
             | nothing                                  AUTH_REQUEST, AUTH_ACK, MFSTART

Numbers are big-endian, names have 40 bytes and are all zero for none.  `decode` raises BadMessage for everything that
`encode` cannot have made; `encode` gives the bytes that `decode` read.  Source: spec/cluster.md, section 5.
"""

from __future__ import annotations

import struct
from typing import Final

from redpoll.cluster.slot_sets import BITMAP_BYTES, from_bitmap, to_bitmap

PING: Final = 0
PONG: Final = 1
MEET: Final = 2
FAIL: Final = 3
PUBLISH: Final = 4
AUTH_REQUEST: Final = 5
AUTH_ACK: Final = 6
UPDATE: Final = 7
MFSTART: Final = 8
MODULE: Final = 9
PUBLISHSHARD: Final = 10
TYPES: Final = 11

TYPE_NAMES: Final = (
    b"ping", b"pong", b"meet", b"fail", b"publish", b"auth-req", b"auth-ack", b"update", b"mfstart", b"module",
    b"publishshard",
)  # fmt: skip
"""The types as CLUSTER INFO names them."""

LIGHT_BIT: Final = 0x8000
PAUSED: Final = 1
FORCEACK: Final = 2
EXT_DATA: Final = 4
"""The bits of `Message.signals`: the primary is paused, vote even if the primary is up, the sender reads extensions."""

HOSTNAME: Final = 0
HUMAN_NAME: Final = 1
FORGOTTEN: Final = 2
SHARD_ID: Final = 3
CLIENT_IPV4: Final = 4
CLIENT_IPV6: Final = 5
CLIENT_PORT: Final = 6
CLIENT_TLS_PORT: Final = 7
ZONE: Final = 8
"""The kinds of extensions."""

NAME_BYTES: Final = 40
NO_NAME: Final = b"\0" * NAME_BYTES
SIGNATURE: Final = b"RCmb"
HEADER_BYTES: Final = 2256
LIGHT_BYTES: Final = 16
ENTRY_BYTES: Final = 104
EXTENSION_BYTES: Final = 8
VERSION: Final = 1

_HEADER: Final = struct.Struct(">4sIHHHHQQQ40s2048s40s46sH30sHHHB3s")
_LIGHT: Final = struct.Struct(">4sIHHHH")
_ENTRY: Final = struct.Struct(">40sII46sHHHHH")
_EXTENSION: Final = struct.Struct(">IHH")
_LENGTHS: Final = struct.Struct(">II")
_UPDATE: Final = struct.Struct(">Q40s2048s")
_MODULE: Final = struct.Struct(">8sIB")


class BadMessage(Exception):
    """A message that is dropped; the connection stays."""


class BadStream(Exception):
    """Bytes after which no message can be found: the connection is closed."""


class Entry:
    """What a heartbeat says about another node.  Times are seconds since 1970, 0 for none."""

    def __init__(
        self, name: bytes, ping_sent: int, pong_received: int, ip: bytes, port: int, bus_port: int, flags: int,
        other_port: int,
    ) -> None:  # fmt: skip
        self.name: Final = name
        self.ping_sent: Final = ping_sent
        self.pong_received: Final = pong_received
        self.ip: Final = ip
        self.port: Final = port
        self.bus_port: Final = bus_port
        self.flags: Final = flags
        self.other_port: Final = other_port


class Extension:
    """One ping extension; `data` is padded to a multiple of 8 bytes."""

    def __init__(self, kind: int, data: bytes) -> None:
        self.kind: Final = kind
        self.data: Final = data

    def text(self) -> bytes:
        """The text up to the first NUL."""
        return up_to_nul(self.data)

    def number(self, width: int) -> int:
        """The number in the first `width` bytes; 0 if there are fewer."""
        return int.from_bytes(self.data[:width], "big") if len(self.data) >= width else 0


class Message:
    """One message of any type.  Fields that its type does not have are empty."""

    def __init__(self, kind: int) -> None:
        self.kind: int = kind
        self.light = False
        self.port = 0
        self.current_epoch = 0
        self.config_epoch = 0
        self.offset = 0
        self.sender = b""
        self.slots = 0
        self.primary = b""
        """Empty: the sender is a primary."""
        self.ip = b""
        self.other_port = 0
        self.bus_port = 0
        self.flags = 0
        self.state = 0
        """0: the sender sees the cluster as ok, 1: as failed."""
        self.signals = 0
        self.entries: list[Entry] = []
        self.extensions: list[Extension] = []
        self.about = b""
        """The node that a FAIL or UPDATE is about."""
        self.about_epoch = 0
        self.about_slots = 0
        self.channel = b""
        self.text = b""
        """The message of a PUBLISH, the payload of a MODULE."""
        self.module_id = b""
        self.module_type = 0


def up_to_nul(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def name_of(field: bytes) -> bytes:
    """A name from its field: empty if there is none."""
    return b"" if field == NO_NAME else field


def text_extension(kind: int, text: bytes) -> Extension:
    """An extension with a text that ends with a NUL."""
    return Extension(kind, padded(text + b"\0"))


def port_extension(kind: int, port: int) -> Extension:
    return Extension(kind, padded(port.to_bytes(2, "big")))


def forgotten_extension(name: bytes, seconds: int) -> Extension:
    """A node that the sender has forgotten, and for how long it will not meet it again."""
    return Extension(FORGOTTEN, name + seconds.to_bytes(8, "big"))


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 8)


# Writing.


def encode(message: Message) -> bytes:
    """The bytes of a message.  Its numbers must fit their fields."""
    body = encoded_body(message)
    if message.light:
        return _LIGHT.pack(SIGNATURE, LIGHT_BYTES + len(body), VERSION, 0, message.kind | LIGHT_BIT, 0) + body
    return (
        _HEADER.pack(
            SIGNATURE,
            HEADER_BYTES + len(body),
            VERSION,
            message.port,
            message.kind,
            len(message.entries),
            message.current_epoch,
            message.config_epoch,
            message.offset,
            message.sender or NO_NAME,
            to_bitmap(message.slots),
            message.primary or NO_NAME,
            message.ip,
            len(message.extensions),
            b"",
            message.other_port,
            message.bus_port,
            message.flags,
            message.state,
            bytes([message.signals, 0, 0]),
        )
        + body
    )


def encoded_body(message: Message) -> bytes:
    """The bytes behind the header."""
    kind = message.kind
    if kind <= MEET:
        pieces = [
            _ENTRY.pack(
                entry.name, entry.ping_sent, entry.pong_received, entry.ip, entry.port, entry.bus_port, entry.flags,
                entry.other_port, 0,
            )
            for entry in message.entries
        ]  # fmt: skip
        for extension in message.extensions:
            pieces.append(_EXTENSION.pack(EXTENSION_BYTES + len(extension.data), extension.kind, 0))
            pieces.append(extension.data)
        return b"".join(pieces)
    if kind == FAIL:
        return message.about
    if kind == PUBLISH or kind == PUBLISHSHARD:
        return _LENGTHS.pack(len(message.channel), len(message.text)) + message.channel + message.text
    if kind == UPDATE:
        return _UPDATE.pack(message.about_epoch, message.about, to_bitmap(message.about_slots))
    if kind == MODULE:
        return _MODULE.pack(message.module_id, len(message.text), message.module_type) + message.text
    return b""


# Reading.


class FrameReader:
    """Cuts the bytes of a connection into messages."""

    def __init__(self) -> None:
        self.rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete with `data`.  Raises BadStream."""
        self.rest += data
        found: list[bytes] = []
        at = 0
        rest = self.rest
        while len(rest) - at >= LIGHT_BYTES:
            if rest[at : at + 4] != SIGNATURE:
                raise BadStream("wrong signature")
            length = int.from_bytes(rest[at + 4 : at + 8], "big")
            light = rest[at + 12] & 0x80 != 0
            if length < (LIGHT_BYTES if light else HEADER_BYTES):
                raise BadStream("a length below that of the header")
            if len(rest) - at < length:
                break
            found.append(bytes(rest[at : at + length]))
            at += length
        del rest[:at]
        return found


def decode(data: bytes) -> Message:
    """Read one whole message.  Raises BadMessage, and nothing else, whatever the bytes are."""
    if len(data) < LIGHT_BYTES or data[:4] != SIGNATURE:
        raise BadMessage("no header")
    length = int.from_bytes(data[4:8], "big")
    if length != len(data):
        raise BadMessage(f"its length is {len(data)} instead of {length}")
    if int.from_bytes(data[8:10], "big") != VERSION:
        raise BadMessage("unknown version")
    kind = int.from_bytes(data[12:14], "big")
    light = kind & LIGHT_BIT != 0
    kind &= ~LIGHT_BIT
    if kind >= TYPES:
        raise BadMessage(f"unknown type {kind}")
    message = Message(kind)
    if light:
        if kind != PUBLISH and kind != PUBLISHSHARD and kind != MODULE:
            raise BadMessage(f"a light header on type {kind}")
        message.light = True
        read_body(message, data, LIGHT_BYTES, 0, 0)
        return message
    if length < HEADER_BYTES:
        raise BadMessage("its header is cut")
    count, extensions = read_header(message, data)
    read_body(message, data, HEADER_BYTES, count, extensions)
    return message


def read_header(message: Message, data: bytes) -> tuple[int, int]:
    """Read a full header; return the counts of entries and extensions."""
    field = _HEADER.unpack_from(data, 0)
    message.port = field[3]
    count: int = field[5]
    message.current_epoch = field[6]
    message.config_epoch = field[7]
    message.offset = field[8]
    message.sender = name_of(field[9])
    message.slots = from_bitmap(field[10])
    message.primary = name_of(field[11])
    message.ip = up_to_nul(field[12])
    extensions: int = field[13]
    message.other_port = field[15]
    message.bus_port = field[16]
    message.flags = field[17]
    message.state = field[18]
    signals: bytes = field[19]
    message.signals = signals[0]
    return count, extensions


def read_body(message: Message, data: bytes, at: int, count: int, extensions: int) -> None:
    """Read what is behind the header, up to the end of `data`."""
    kind = message.kind
    left = len(data) - at
    if kind <= MEET:
        read_heartbeat(message, data, at, count, extensions)
    elif kind == FAIL:
        expect(left == NAME_BYTES)
        message.about = data[at:]
    elif kind == PUBLISH or kind == PUBLISHSHARD:
        expect(left >= 8)
        channel = int.from_bytes(data[at : at + 4], "big")
        expect(left == 8 + channel + int.from_bytes(data[at + 4 : at + 8], "big"))
        message.channel = data[at + 8 : at + 8 + channel]
        message.text = data[at + 8 + channel :]
    elif kind == UPDATE:
        expect(left == 8 + NAME_BYTES + BITMAP_BYTES)
        message.about_epoch = int.from_bytes(data[at : at + 8], "big")
        message.about = data[at + 8 : at + 48]
        message.about_slots = from_bitmap(data[at + 48 :])
    elif kind == MODULE:
        expect(left >= 13 and left == 13 + int.from_bytes(data[at + 8 : at + 12], "big"))
        message.module_id = data[at : at + 8]
        message.module_type = data[at + 12]
        message.text = data[at + 13 :]
    else:
        expect(left == 0)


def read_heartbeat(message: Message, data: bytes, at: int, count: int, extensions: int) -> None:
    """Read gossip entries and extensions."""
    expect(len(data) - at >= count * ENTRY_BYTES)
    for _ in range(count):
        field = _ENTRY.unpack_from(data, at)
        message.entries.append(
            Entry(field[0], field[1], field[2], up_to_nul(field[3]), field[4], field[5], field[6], field[7])
        )
        at += ENTRY_BYTES
    for _ in range(extensions):
        expect(len(data) - at >= EXTENSION_BYTES)
        length = int.from_bytes(data[at : at + 4], "big")
        expect(length >= EXTENSION_BYTES and length % 8 == 0 and length <= len(data) - at)
        kind = int.from_bytes(data[at + 4 : at + 6], "big")
        message.extensions.append(Extension(kind, data[at + EXTENSION_BYTES : at + length]))
        at += length
    expect(at == len(data))


def expect(fits: bool) -> None:
    if not fits:
        raise BadMessage("its body does not fit its length")
