"""What MIGRATE sends, and what it tells of the keys that have moved."""

from __future__ import annotations

from redpoll.engine.engine import Engine
from redpoll.engine.host import Host
from redpoll.engine.remotes import Remote, RemoteError
from redpoll.engine.session import Peer, Session
from redpoll.engine.unit import Journal
from redpoll.env.clock import VirtualClock
from redpoll.env.random import Random
from redpoll.errors import IO_READING, IO_WRITING, NO_MIGRATE_HERE
from redpoll.protocol.reply import OK, Error, Status


class Effects(Journal):
    def __init__(self) -> None:
        self.effects: list[bytes] = []

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        self.effects += [b" ".join(effect) for effect in effects]


class Scripted(Remote):
    """Answers lines in turn; an empty line breaks the connection."""

    def __init__(self, lines: list[bytes]) -> None:
        super().__init__()
        self.lines = lines
        self.sent: list[bytes] = []
        self.closed = False

    def send(self, data: bytes) -> None:
        if self.lines[:1] == [b"unwritable"]:
            raise RemoteError(IO_WRITING, False)
        self.sent.append(data)

    def line(self) -> bytes:
        line = self.lines.pop(0)
        if line in (b"", b"late"):
            raise RemoteError(IO_READING, line == b"late")
        return line

    def close(self) -> None:
        self.closed = True


class Targets(Host):
    """Connects to the given targets, one after the other."""

    def __init__(self, *targets: Scripted) -> None:
        self.targets = list(targets)
        self.connected: list[bytes] = []

    def connect(self, host: bytes, port: bytes, timeout_ms: int) -> Remote | None:
        self.connected.append(host + b":" + port)
        return self.targets.pop(0)


def opened(host: Host) -> tuple[Session, Effects]:
    engine = Engine(VirtualClock(), Random(1), 4, host)
    journal = Effects()
    engine.unit.attach(journal)
    session = engine.open_session(Peer())
    do(session, "MSET a 1 b 2 c 3")
    journal.effects.clear()
    return session, journal


def do(session: Session, line: str) -> object:
    session.engine.start_unit()
    return session.engine.execute(session, [b"" if word == "''" else word.encode() for word in line.split()])


def commands(sent: bytes) -> list[list[bytes]]:
    """What was sent, without payloads."""
    found: list[list[bytes]] = []
    words = sent.split(b"\r\n")
    at = 0
    while at < len(words) - 1:
        count = int(words[at][1:])
        command = words[at + 2 : at + 1 + 2 * count : 2]
        found.append([word if n != 3 else b"..." for n, word in enumerate(command)])
        at += 1 + 2 * count
    return found


def test_what_is_sent() -> None:
    target = Scripted([b"+OK"] * 20)
    host = Targets(target)
    session, journal = opened(host)
    assert do(session, "MIGRATE h 1 a 2 100 AUTH2 ada pw REPLACE") is OK
    assert do(session, "MIGRATE h 1 '' 2 100 COPY KEYS b nosuch c") is OK
    assert do(session, "PEXPIRE b 5000") == 1
    assert do(session, "MIGRATE h 1 b 3 100 AUTH pw") is OK
    assert host.connected == [b"h:1"]
    assert [commands(sent) for sent in target.sent] == [
        [[b"AUTH", b"ada", b"pw"], [b"SELECT", b"2"], [b"RESTORE", b"a", b"0", b"...", b"REPLACE"]],
        [[b"RESTORE", b"b", b"0", b"..."], [b"RESTORE", b"c", b"0", b"..."]],
        [[b"AUTH", b"pw"], [b"SELECT", b"3"], [b"RESTORE", b"b", b"5000", b"..."]],
    ]
    assert [effect for effect in journal.effects if b"EXPIRE" not in effect] == [b"DEL a", b"DEL b"]
    assert do(session, "EXISTS a b c") == 1


def test_only_keys_that_were_taken_are_deleted() -> None:
    target = Scripted([b"+OK", b"+OK", b"-BUSYKEY x", b"-OOM y", b"+OK", b"+OK"])
    session, journal = opened(Targets(target))
    reply = do(session, "MIGRATE h 1 '' 0 100 KEYS a b c")
    assert isinstance(reply, Error)
    assert reply.text == b"ERR Target instance replied with error: BUSYKEY x"
    assert journal.effects == [b"DEL a"]
    # After an error the database is selected again.
    assert do(session, "MIGRATE h 1 b 0 100") is OK
    assert commands(target.sent[1])[0] == [b"SELECT", b"0"]


def test_a_refused_database_moves_nothing() -> None:
    session, journal = opened(Targets(Scripted([b"-ERR DB index is out of range", b"+OK"])))
    reply = do(session, "MIGRATE h 1 a 99 100")
    assert isinstance(reply, Error)
    assert reply.text == b"ERR Target instance replied with error: ERR DB index is out of range"
    assert journal.effects == []


def test_a_broken_connection_is_replaced_once() -> None:
    broken = Scripted([b"unwritable"])
    session, journal = opened(Targets(broken, Scripted([b"+OK", b"+OK"])))
    assert do(session, "MIGRATE h 1 a 0 100") is OK
    assert broken.closed
    assert journal.effects == [b"DEL a"]
    session, journal = opened(Targets(Scripted([b""]), Scripted([b"+OK", b""]), Scripted([])))
    reply = do(session, "MIGRATE h 1 a 0 100")
    assert isinstance(reply, Error)
    assert reply.text == IO_READING
    assert journal.effects == []


def test_after_a_reply_or_a_time_out_it_is_not() -> None:
    for lines, left in (([b"+OK", b"+OK", b""], 2), ([b"+OK", b"late"], 3)):
        host = Targets(Scripted(lines), Scripted([b"+OK"] * 9))
        session, journal = opened(host)
        reply = do(session, "MIGRATE h 1 '' 0 100 KEYS a b c")
        assert isinstance(reply, Error)
        assert reply.text == IO_READING
        assert do(session, "DBSIZE") == left
        assert journal.effects == ([b"DEL a"] if left == 2 else [])
        assert len(host.targets) == 1


def test_a_key_that_has_expired_stays_here() -> None:
    session, _ = opened(Targets())
    do(session, "PEXPIREAT a 1")
    reply = do(session, "MIGRATE h 1 a 0 100")
    assert isinstance(reply, Status)
    assert reply.text == b"NOKEY"


def test_a_program_has_no_sockets() -> None:
    session, _ = opened(Host())
    reply = do(session, "MIGRATE h 1 a 0 100")
    assert isinstance(reply, Error)
    assert reply.text == NO_MIGRATE_HERE
