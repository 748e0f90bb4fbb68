"""PUBLISH to 1, 10, 100 and 1,000 subscribers: messages a second, processor time a delivery, what others wait.

One publisher sends `--depth` commands at a time; the subscribers read in a process of their own, and a turn ends when
the last of them has the last message.  Meanwhile a third client sends PING after PING; the longest wait is shown.
On a busy machine, compare the processor time: it does not depend on how quickly the subscribers read.
"""

from __future__ import annotations

import argparse
import multiprocessing
import select
import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection as Pipe

from benchmarks import contestants, report
from benchmarks.contestants import Server
from benchmarks.processes import cpu_seconds
from benchmarks.wire import encode

SUBSCRIBERS = "1,10,100,1000"
DELIVERIES = 400_000
"""So many messages reach somebody in a turn, but no more than MOST are published."""
MOST = 40_000


@dataclass(frozen=True)
class Figures:
    """Of one contestant and one number of subscribers: messages a second, server CPU µs a delivery, ms of a PING."""

    rate: float
    cpu: float
    longest: float

    def ratios_to(self, other: Figures) -> list[float]:
        """Above 1: this one is the better."""
        return [self.rate / other.rate, other.cpu / self.cpu]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this bench."""
    parser.add_argument("--subscribers", default=SUBSCRIBERS, metavar="NS", help=f"how many ({SUBSCRIBERS})")
    parser.add_argument("--depth", type=int, default=1, metavar="N", help="commands sent at a time (1)")
    parser.add_argument("--bytes", type=int, default=64, metavar="N", help="of a message (64)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns each gets; the median counts (5)")
    parser.add_argument("--quick", action="store_true", help="a quarter of the messages, 3 rounds: a first look")


def main(options: argparse.Namespace) -> None:
    """Measure, print, and save if asked to."""
    rounds = 3 if options.quick else options.rounds
    counts = [int(word) for word in options.subscribers.split(",")]
    chosen, missing = contestants.choose(options.contestant, options.only)
    found: dict[int, dict[str, Figures]] = {}
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(contestant)) for contestant in chosen]
        notes = [report.describe(server) for server in servers] + missing
        notes.append(f"messages of {options.bytes} bytes, {options.depth} at a time, {rounds} rounds")
        report.print_heading("pubsub", notes)
        for count in counts:
            messages = min(MOST, max(DELIVERIES // count, 40)) // (4 if options.quick else 1)
            samples: dict[str, list[Figures]] = {server.name: [] for server in servers}
            for number in range(rounds):
                turn = number % len(servers)
                for server in servers[turn:] + servers[:turn]:
                    samples[server.name].append(measure(server, count, messages, options.depth, options.bytes))
            found[count] = {name: medians(taken) for name, taken in samples.items()}
    lines = []
    for count, figures in found.items():
        subject = figures[servers[0].name]
        for name, each in figures.items():
            lines.append([
                f"{count}", name, f"{each.rate:,.0f}", f"{each.cpu:.2f}", f"{each.longest:.1f}",
                *(f"{ratio:.2f}" for ratio in subject.ratios_to(each)),
            ])  # fmt: skip
    heads = [
        "subscribers",
        "server",
        "messages/s",
        "CPU µs a delivery",
        "longest PING ms",
        "ours/its rate",
        "its/our CPU",
    ]
    report.print_table(heads, lines)
    report.save(
        options.json,
        {
            "bench": "pubsub",
            "notes": notes,
            "subscribers": {
                str(count): {name: asdict(each) for name, each in figures.items()} for count, figures in found.items()
            },
        },
    )


def medians(samples: list[Figures]) -> Figures:
    """The median of rates and times, the longest of all waits."""
    return Figures(
        report.median([each.rate for each in samples]),
        report.median([each.cpu for each in samples]),
        max(each.longest for each in samples),
    )


def measure(server: Server, subscribers: int, messages: int, depth: int, size: int) -> Figures:
    """One turn: publish so many messages to so many subscribers."""
    messages -= messages % depth
    payload = "x" * size
    wire = len(b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$%d\r\n%b\r\n" % (size, payload.encode()))
    ours, theirs = multiprocessing.Pipe()
    reader = multiprocessing.Process(
        target=read_all, args=(server.port, subscribers, wire * messages, theirs), daemon=True
    )
    reader.start()
    assert ours.recv() == "ready"
    pinger = Pinger(server.port)
    batch = encode("PUBLISH", "news", payload) * depth
    answer = len(b":%d\r\n" % subscribers) * depth
    with socket.create_connection(("127.0.0.1", server.port), 60) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pinger.start()
        cpu = cpu_seconds(server.pid)
        began = time.perf_counter()
        for _ in range(messages // depth):
            link.sendall(batch)
            left = answer
            while left > 0:
                left -= len(link.recv(65536))
        assert ours.recv() == "all"
        took = time.perf_counter() - began
        cpu = cpu_seconds(server.pid) - cpu
    longest = pinger.stop()
    reader.join()
    return Figures(messages / took, cpu / messages / subscribers * 1e6, longest * 1e3)


def read_all(port: int, subscribers: int, expected: int, told: Pipe) -> None:
    """Subscribe so often, say that it is done, read so many bytes on each connection, and say so."""
    waiting = select.epoll()
    links = {}
    for _ in range(subscribers):
        link = socket.create_connection(("127.0.0.1", port), 60)
        link.sendall(encode("SUBSCRIBE", "news"))
        confirmation = b""
        while not confirmation.endswith(b":1\r\n"):
            confirmation += link.recv(100)
        links[link.fileno()] = link
        waiting.register(link.fileno(), select.EPOLLIN)
    left = dict.fromkeys(links, expected)
    told.send("ready")
    remaining = subscribers
    scratch = bytearray(1 << 18)
    while remaining > 0:
        for fd, _ in waiting.poll():
            left[fd] -= links[fd].recv_into(scratch)
            if left[fd] == 0:
                remaining -= 1
    told.send("all")
    for link in links.values():
        link.close()


class Pinger(threading.Thread):
    """Sends PING every millisecond or so, and remembers the longest wait for its answer."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.link = socket.create_connection(("127.0.0.1", port), 60)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ended = False
        self.longest = 0.0

    def run(self) -> None:
        while not self.ended:
            began = time.perf_counter()
            self.link.sendall(b"PING\r\n")
            self.link.recv(100)
            self.longest = max(self.longest, time.perf_counter() - began)
            time.sleep(0.001)

    def stop(self) -> float:
        self.ended = True
        self.join()
        self.link.close()
        return self.longest
