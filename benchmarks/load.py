"""Load on a server: so many connections, each sending so many commands at a time and waiting for all their replies.

redis-benchmark does it where it is installed (Debian: redis-tools): being C, it disturbs least.  Else our own
generator does, this module run as a process of its own.  It sends batches prepared beforehand and counts the line ends
of the replies, so it keeps up with a server from depth 16 on; at depth 1 it spends as much as the server does.
"""

from __future__ import annotations

import csv
import json
import random
import re
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.processes import pin
from benchmarks.wire import encode

RANDOM_INT = "__rand_int__"
"""In a command: a number below `keys`, 12 digits wide, drawn anew each time."""

SAME_INT = "__same_int__"
"""The number drawn last in this request; `__same_int__+3` is 3 more.  Our own generator alone knows it."""

BATCH = "__batch__"
"""The number of the batch, 12 digits wide, below 64: no two batches on the way at a time have the same.  Our own
generator alone knows it.
"""

BATCHES = 64

_PREPARED_COMMANDS = 200_000
_SILENCE_SECONDS = 30.0
_NUMBER = re.compile(rf"({RANDOM_INT}|{SAME_INT}|{BATCH})(?:\+(\d+))?")


@dataclass(frozen=True)
class Load:
    """What to send: a command, and `then` others that belong to one request with it.

    `lines` is the number of line ends in the replies to a request.
    """

    command: tuple[str, ...]
    lines: int
    requests: int
    depth: int
    connections: int = 50
    keys: int = 100_000
    then: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What the generator saw.  A request's latency is that of the batch it was sent in."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float


def generators() -> list[str]:
    """The generators that can be used here, the best first."""
    return ["redis-benchmark", "python"] if shutil.which("redis-benchmark") else ["python"]


def generator_version(generator: str) -> str:
    if generator == "python":
        return "benchmarks/load.py"
    shown = subprocess.run(["redis-benchmark", "--version"], capture_output=True, text=True, check=True)
    return shown.stdout.strip()


def run(generator: str, port: int, load: Load, cpu: int | None = None) -> Outcome:
    """Put the load on the server at `port`.  Raises RuntimeError if the generator fails.

    redis-benchmark sends one command again and again; where a request has several, our own generator does.
    """
    if generator == "redis-benchmark" and not load.then:
        return _run_redis_benchmark(port, load, cpu)
    return _run_python(port, load, cpu)


def _run_redis_benchmark(port: int, load: Load, cpu: int | None) -> Outcome:
    options = {"-p": port, "-c": load.connections, "-P": load.depth, "-n": load.requests, "-r": load.keys}
    command = ["redis-benchmark", "-h", "127.0.0.1", "--csv", *(str(word) for pair in options.items() for word in pair)]
    output = _output_of([*command, *load.command], cpu)
    row = list(csv.DictReader(output.splitlines()))[-1]
    return Outcome(float(row["rps"]), float(row["p50_latency_ms"]), float(row["p99_latency_ms"]))


def _run_python(port: int, load: Load, cpu: int | None) -> Outcome:
    command = [sys.executable, "-m", "benchmarks.load", str(port), json.dumps(asdict(load))]
    return Outcome(**json.loads(_output_of(command, cpu)))


def _output_of(command: list[str], cpu: int | None) -> str:
    root = Path(__file__).resolve().parent.parent
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root)
    try:
        pin(process.pid, cpu)
        output, errors = process.communicate()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0 or not output.strip():
        raise RuntimeError(f"{command[0]} failed: {errors.strip() or output.strip()}")
    return output


def prepare(load: Load, seed: int = 1) -> list[bytes]:
    """Batches of `depth` encoded commands with random numbers filled in; the same for the same seed."""
    draw = random.Random(seed).randrange
    request = _Request(load)
    batches = []
    for number in range(max(1, min(_PREPARED_COMMANDS, load.requests) // load.depth)):
        pieces: list[bytes] = []
        for _ in range(load.depth):
            request.write(pieces, draw, number % BATCHES)
        batches.append(b"".join(pieces))
    return batches


class _Request:
    """The commands of a request, cut where numbers come in."""

    def __init__(self, load: Load) -> None:
        self.keys = load.keys
        # Numbers are 12 digits wide, whatever the word for them is: their commands are encoded with zeros in their
        # place, and the places kept.
        self.texts = [b""]
        self.numbers: list[tuple[str, int]] = []
        for command in (load.command, *load.then):
            found = [_NUMBER.findall(word) for word in command]
            encoded = encode(*(_NUMBER.sub("\0" * 12, word) for word in command))
            for before, (kind, more) in zip(
                encoded.split(b"\0" * 12), [*(each for word in found for each in word), ("", "")], strict=True
            ):
                self.texts[-1] += before
                if kind:
                    self.numbers.append((kind, int(more or 0)))
                    self.texts.append(b"")

    def write(self, pieces: list[bytes], draw: Callable[[int], int], batch: int) -> None:
        """Append the request with numbers filled in."""
        last = 0
        pieces.append(self.texts[0])
        for (kind, more), text in zip(self.numbers, self.texts[1:], strict=True):
            if kind == RANDOM_INT:
                last = draw(self.keys)
            pieces.append(b"%012d" % (batch if kind == BATCH else last + more))
            pieces.append(text)


class _Sender:
    """One connection of our own generator: the batch under way, and how many line ends of it are still to come."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines_missing = 0
        self.sent_at = 0.0


def generate(port: int, load: Load) -> Outcome:
    """Our own generator.  Raises TimeoutError if the server falls silent."""
    batches = prepare(load)
    senders = {sender.socket.fileno(): sender for sender in (_Sender(port) for _ in range(load.connections))}
    poller = select.poll()
    latencies: list[float] = []
    lines_of_batch = load.lines * load.depth
    batches_left = max(load.requests // load.depth, load.connections)
    requests = batches_left * load.depth
    at = 0
    started = time.perf_counter()
    for sender in senders.values():
        sender.sent_at = time.perf_counter()
        sender.lines_missing = lines_of_batch
        sender.socket.sendall(batches[at % len(batches)])
        at += 1
        poller.register(sender.socket.fileno(), select.POLLIN)
    under_way = len(senders)
    while under_way:
        ready = poller.poll(_SILENCE_SECONDS * 1000)
        if not ready:
            raise TimeoutError("the server fell silent: a reply is shorter than it should be, or missing")
        for descriptor, _ in ready:
            sender = senders[descriptor]
            data = sender.socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed a connection")
            sender.lines_missing -= data.count(b"\n")
            if sender.lines_missing > 0:
                continue
            now = time.perf_counter()
            latencies.append(now - sender.sent_at)
            if at < batches_left:
                sender.sent_at = now
                sender.lines_missing = lines_of_batch
                sender.socket.sendall(batches[at % len(batches)])
                at += 1
            else:
                under_way -= 1
    seconds = time.perf_counter() - started
    for sender in senders.values():
        sender.socket.close()
    latencies.sort()
    return Outcome(
        requests / seconds, latencies[len(latencies) // 2] * 1000, latencies[int(len(latencies) * 0.99)] * 1000
    )


def _main() -> None:
    """`python -m benchmarks.load PORT LOAD-AS-JSON`: run our own generator and print its outcome as JSON."""
    fields = json.loads(sys.argv[2])
    fields["command"] = tuple(fields["command"])
    fields["then"] = tuple(tuple(words) for words in fields["then"])
    print(json.dumps(asdict(generate(int(sys.argv[1]), Load(**fields)))))


if __name__ == "__main__":
    _main()
