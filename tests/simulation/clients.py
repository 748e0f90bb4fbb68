"""Clients of the simulated cluster: they write values of their own, follow redirections, and ask with WAIT how many replicas have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.network import End, Place
from tests.simulation.node import ServedEnd, SimNode

from redpoll.keyspace.slots import key_slot

if TYPE_CHECKING:
    from tests.simulation.rules import Promise
    from tests.simulation.world import World

PATIENCE_MS: Final = 4000
WAIT_MS: Final = 700
TAGS: Final = 4
MOST_REDIRECTIONS: Final = 6


class Write:
    """A write, and how it is found again: SET and INCR leave at least `number`, RPUSH leaves it in the list.

    EXEC is a transaction: RPUSH to a list, and INCR of the number of its elements.
    """

    def __init__(self, kind: bytes, key: bytes, number: int) -> None:
        self.kind: Final = kind
        self.key: Final = key
        self.number = number
        self.slot: Final = int(key_slot(key))

    def commands(self) -> list[list[bytes]]:
        number = b"%d" % self.number
        if self.kind == b"INCR":
            return [[b"INCR", self.key]]
        if self.kind == b"EXEC":
            return [[b"MULTI"], [b"RPUSH", self.key, number], [b"INCR", self.key + b":count"], [b"EXEC"]]
        return [[self.kind, self.key, number]]

    def survives_in(self, node: SimNode) -> bool:
        """Whether a node has it, or what came after it."""
        if self.kind in (b"RPUSH", b"EXEC"):
            return isinstance(node.peek(b"LPOS", self.key, b"%d" % self.number), int)
        value = node.peek(b"GET", self.key)
        return isinstance(value, (bytes, int)) and int(value) >= self.number

    def __repr__(self) -> str:
        return f"{self.kind.decode()} {self.key.decode()} {self.number}"


class ClientEnd(End):
    """A connection of a client."""

    def __init__(self, client: Client, node: SimNode) -> None:
        super().__init__(client)
        self.client = client
        self.node = node
        self.is_connected = False
        self.broken = False
        self.unsent = b""
        self.buffer = b""

    def connected(self) -> None:
        self.is_connected = True
        self.send(self.unsent)

    def ask(self, *commands: list[bytes]) -> None:
        data = b"".join(spelled(command) for command in commands)
        if self.is_connected:
            self.send(data)
        else:
            self.unsent += data

    def received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n" in self.buffer and not self.broken:
            line, _end, rest = self.buffer.partition(b"\r\n")
            self.buffer = rest
            self.client.replied(self, line)

    def lost(self, reason: str) -> None:
        if not self.broken:
            self.broken = True
            self.client.disconnected(self)

    def give_up(self) -> None:
        self.broken = True
        self.shut()


class Client(Place):
    """See the module's docstring.  It does one thing at a time."""

    def __init__(self, world: World, index: int) -> None:
        super().__init__(-index, f"c{index}")
        self.world: Final = world
        self.ends: dict[int, ClientEnd] = {}
        self.guesses: dict[int, int] = {}
        """The node of a slot, as the last reply said."""
        self.generations: dict[tuple[bytes, int], int] = {}
        """How often a key was given up, because it is not known what has become of a write."""
        self.counter = 0
        self.write: Write | None = None
        self.waiting = False
        self.skipped = 0
        """How many of the next replies to pass over (ASKING)."""
        self.lines: list[bytes] = []
        """The lines of the replies so far."""
        self.redirections = 0
        self.turn = 0
        self.promise: Promise | None = None
        self.asked: ClientEnd | None = None
        self.resting = False

    # What it does.

    def begin_soon(self) -> None:
        self.turn += 1
        turn = self.turn
        self.write = None
        self.asked = None
        self.world.at(self.world.now + self.world.chance.choice((5, 20, 50, 200, 400)), lambda: self.begin(turn))

    def begin(self, turn: int) -> None:
        if turn != self.turn:
            return
        if self.resting:
            self.begin_soon()
            return
        world = self.world
        kind = world.chance.choice((b"SET", b"INCR", b"RPUSH", b"EXEC"))
        tag = world.chance.randrange(TAGS)
        self.counter += 1
        generation = self.generations.setdefault((kind, tag), 0)
        key = b"{c%d:%d}%s:%d" % (-self.index, tag, kind, generation)
        self.write = Write(kind, key, self.counter)
        self.waiting = False
        self.redirections = 0
        self.promise = None
        guess = self.guesses.get(self.write.slot, 0) or world.chance.choice(world.nodes).index
        self.ask(guess, False)

    def ask(self, index: int, asking: bool) -> None:
        """Send the write to a node."""
        assert self.write is not None
        end = self.end_to(index)
        self.asked = end
        self.skipped = int(asking)
        self.lines = []
        end.ask(*([[b"ASKING"]] if asking else []), *self.write.commands())
        self.limit()

    def limit(self) -> None:
        """Lose patience after a while."""
        self.turn += 1
        turn = self.turn
        self.world.at(self.world.now + PATIENCE_MS, lambda: self.lose_patience(turn))

    def lose_patience(self, turn: int) -> None:
        if turn == self.turn and self.asked is not None:
            end = self.asked
            self.ends.pop(end.node.index, None)
            end.give_up()
            self.unknown()

    def unknown(self) -> None:
        """It is not known whether the write has happened."""
        write = self.write
        if write is not None:
            self.guesses.pop(write.slot, None)
            if not self.waiting:
                place = (write.kind, int(write.key.partition(b":")[2].partition(b"}")[0]))
                self.generations[place] += 1
        self.begin_soon()

    # Replies.

    def replied(self, end: ClientEnd, line: bytes) -> None:
        if end is not self.asked:
            return
        if self.skipped > 0:
            self.skipped -= 1
            return
        write = self.write
        assert write is not None
        if write.kind == b"EXEC" and not self.waiting:
            self.lines.append(line)
            if len(self.lines) < 4 or (self.lines[3].startswith(b"*") and len(self.lines) < 6):
                return
            failed = [line for line in self.lines if line.startswith(b"-")]
            line = failed[0] if failed else b""
        if self.waiting:
            if self.promise is not None and line.startswith(b":"):
                self.promise.active = True
                self.world.rules.promised += 1
            self.begin_soon()
            return
        if line.startswith(b"-"):
            self.refused(line)
            return
        self.world.written += 1
        if write.kind == b"INCR":
            write.number = int(line[1:])
        self.guesses[write.slot] = end.node.index
        if self.world.chance.random() < 0.3:
            self.begin_soon()
            return
        self.waiting = True
        wanted = self.world.chance.choice((1, 1, 2, 3))
        end.ask([b"WAIT", b"%d" % wanted, b"%d" % WAIT_MS])
        self.limit()

    def refused(self, line: bytes) -> None:
        words = line.split()
        assert self.write is not None
        self.guesses.pop(self.write.slot, None)
        if words[0] in (b"-MOVED", b"-ASK") and self.redirections < MOST_REDIRECTIONS:
            self.redirections += 1
            index = int(words[2].rpartition(b":")[2]) - 7000
            if words[0] == b"-MOVED":
                self.guesses[self.write.slot] = index
            self.ask(index, words[0] == b"-ASK")
            return
        self.world.rules.refused(words[0])
        self.begin_soon()

    def disconnected(self, end: ClientEnd) -> None:
        self.ends.pop(end.node.index, None)
        if end is self.asked:
            self.unknown()

    def end_to(self, index: int) -> ClientEnd:
        found = self.ends.get(index)
        if found is None:
            node = self.world.nodes[index - 1]
            found = ClientEnd(self, node)
            self.ends[index] = found

            def accept() -> End:
                served = ServedEnd(node, b"10.1.0.1")
                served.client = self
                return served

            self.world.net.dial(found, node, node.is_running, accept)
        return found


def spelled(args: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(args) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in args)
