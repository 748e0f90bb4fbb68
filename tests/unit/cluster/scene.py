"""One machine with links to two other nodes, and an outside that keeps what is sent."""

from __future__ import annotations

from redpoll.cluster.machine import Machine, new_view
from redpoll.cluster.messages import FORCEACK, Message, decode, encode
from redpoll.cluster.node import Link
from redpoll.cluster.outside import Outside, Settings
from redpoll.cluster.processing import process
from redpoll.cluster.slot_sets import span
from redpoll.env.random import Random


class Lone(Outside):
    """Keeps what a machine sends; its disk may be full."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.published: list[tuple[bytes, bytes, bool]] = []
        self.closed = 0
        self.saves = 0
        self.full = False

    def connect(self, link: Link, ip: bytes, port: int) -> None:
        pass

    def send(self, link: Link, data: bytes) -> None:
        self.sent.append(decode(data))

    def close(self, link: Link) -> None:
        self.closed += 1

    def save(self) -> bool:
        self.saves += 1
        return not self.full

    def publish(self, channel: bytes, text: bytes, shard: bool) -> None:
        self.published.append((channel, text, shard))


class Scene:
    """A voting primary, another one, and a replica of that one, both with links."""

    def __init__(self) -> None:
        self.outside = Lone()
        random = Random(1)
        self.machine = Machine(new_view(random, 1), Settings(), random, self.outside, 10_000, 1_700_000_000_000)
        self.machine.set_time(100_000, 1_700_000_100_000)
        view = self.machine.view
        self.primary = self.machine.new_node(1, b"p" * 40)
        self.replica = self.machine.new_node(2, b"r" * 40)
        view.set_replica(self.replica, self.primary)
        view.assign(span(0, 8191), view.myself)
        view.assign(span(8192, 16383), self.primary)
        self.primary.config_epoch = 2
        view.current_epoch = 5
        for node in (self.primary, self.replica):
            node.link = self.machine.new_link(False)
            node.link.node = node
            node.link.is_up = True
            node.inbound = self.machine.accepted(b"10.0.0.9", b"10.0.0.1")
            node.inbound.node = node
        self.machine.finish()
        self.outside.sent.clear()

    def request(self, epoch: int, config_epoch: int = 2, force: bool = False) -> Message:
        message = Message(5)
        message.sender = self.replica.name
        message.primary = self.primary.name
        message.current_epoch = epoch
        message.config_epoch = config_epoch
        message.slots = self.primary.slots
        message.signals = FORCEACK if force else 0
        return message

    def send(self, message: Message, link: Link | None = None) -> list[int]:
        """The types of the messages that answer one."""
        link = link or self.replica.inbound
        assert link is not None
        self.outside.sent.clear()
        process(self.machine, link, message, len(encode(message)))
        self.machine.finish()
        return [sent.kind for sent in self.outside.sent]
