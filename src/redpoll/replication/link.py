"""The link of a replica to its primary: handshake, synchronisation, and the stream.

The link has no socket: bytes and ticks come in, bytes go out through a `Wire`.  Source: spec/replication.md, sections
3 to 5 and 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from redpoll.engine.role import StreamPlace
from redpoll.engine.session import Peer, Session
from redpoll.persistence.append_encode import write_command
from redpoll.protocol.numbers import is_int, to_int
from redpoll.replication.apply import Applier
from redpoll.replication.loading import Loader
from redpoll.replication.network import Errand, Receiver, Wire
from redpoll.replication.payload import MOST_WAITING, Payload, PayloadReader
from redpoll.version import REFERENCE_VERSION

if TYPE_CHECKING:
    from redpoll.replication.replication import Replication

NONE: Final[i64] = 0
CONNECT: Final[i64] = 1
CONNECTING: Final[i64] = 2
HANDSHAKE: Final[i64] = 3
SYNC: Final[i64] = 4
CONNECTED: Final[i64] = 5

STATE_NAMES: Final = (b"none", b"connect", b"connecting", b"handshake", b"sync", b"connected")

SECOND_US: Final[i64] = 1000000

MOST_LINE: Final[i64] = 4096
"""A longer line in the handshake is an error."""

MAY_GO_ON: Final = (b"-NOAUTH", b"-NOPERM", b"-ERR operation not permitted")
"""Errors in reply to PING after which the handshake goes on."""


class LinkPeer(Peer):
    """The primary's end, for the session whose commands come from it.  Replies go nowhere."""

    def __init__(self, link: PrimaryLink, wire: Wire) -> None:
        self.link: Final = link
        self.wire: Final = wire

    def address(self) -> bytes:
        return self.wire.address()

    def local_address(self) -> bytes:
        return self.wire.local_address()

    def descriptor(self) -> int:
        return self.wire.descriptor()

    def close(self) -> None:
        self.link.drop("the connection was killed")

    def close_after_reply(self) -> None:
        self.close()


class PrimaryLink(Receiver):
    """See the module's docstring."""

    def __init__(self, replication: Replication) -> None:
        self.replication: Final = replication
        self.loader: Final = Loader(replication)
        self.state: i64 = NONE
        self.wire: Wire | None = None
        self.tried_us: i64 = 0
        """When it last began to connect."""
        self.heard_us: i64 = 0
        """When the last byte came."""
        self.acknowledged_us: i64 = 0
        self.failover = False
        """Whether the next PSYNC asks the other end to take over."""
        self.has_history = False
        """Whether our history and offset may be continued."""
        self.line = b""
        """The beginning of a line of the handshake."""
        self.awaited: list[bytes] = []
        """The commands whose replies have not come yet."""
        self.place: StreamPlace | None = None
        """Where the stream goes on after the snapshot."""
        self.payload: Payload | None = None
        self.reader: PayloadReader | None = None
        self.draft = b""
        """The file that the snapshot is written to."""
        self.early: list[bytes] = []
        """Bytes of the stream that came before the snapshot was loaded."""
        self.loading = False
        self.session: Session | None = None
        self.applier: Applier | None = None
        self.silent = False
        """Whether the primary expects no acknowledgements (SYNC)."""

    # What others ask.

    def is_up(self) -> bool:
        return self.state == CONNECTED

    def is_synchronising(self) -> bool:
        """Whether a snapshot is on its way, or being loaded."""
        return self.state == SYNC

    def state_name(self) -> bytes:
        return STATE_NAMES[self.state]

    def selected(self) -> i64:
        """The database that the stream has selected."""
        session = self.session
        if session is None:
            return self.replication.selected
        return session.db.index

    def read_offset(self) -> i64:
        applier = self.applier
        return applier.read if applier is not None else self.replication.offset

    def applied_offset(self) -> i64:
        applier = self.applier
        return applier.applied if applier is not None else self.replication.offset

    # Beginning and end.

    def start(self, failover: bool = False) -> None:
        """Connect to the primary at once, and again whenever that fails."""
        self.failover = failover
        self.state = CONNECT
        self.tried_us = 0
        self._dial()

    def leave(self) -> None:
        """Follow nobody."""
        self._disconnect()
        self.state = NONE
        self.failover = False

    def drop(self, reason: str) -> None:
        """Give up this connection, and connect again."""
        if self.state == NONE:
            return
        replication = self.replication
        was_up = self.state == CONNECTED
        if was_up:
            replication.engine.host.note(f"Connection with primary lost: {reason}")
            replication.record_link_down()
        else:
            replication.engine.host.note(f"Synchronization with the primary failed: {reason}")
        self._disconnect()
        self.state = CONNECT
        replication.apply_role()
        if self.failover:
            replication.failover.failed(reason)
            return
        if was_up:
            self._dial()

    def _disconnect(self) -> None:
        replication = self.replication
        wire = self.wire
        if wire is not None:
            self.wire = None
            wire.close()
        session = self.session
        if session is not None:
            replication.selected = session.db.index
            self.session = None
            replication.engine.close_session(session)
        self.applier = None
        self.line = b""
        self.awaited = []
        self.early = []
        self.place = None
        reader = self.reader
        if reader is not None:
            reader.broken = True
            self.reader = None
        payload = self.payload
        self.payload = None
        if payload is not None:
            self._close_draft(payload)

    def _close_draft(self, payload: Payload) -> None:
        file = payload.file
        if file is None:
            return
        payload.file = None
        files = self.replication.engine.config.files
        try:
            file.close()
            if files.exists(self.draft):
                files.remove(self.draft)
        except OSError:
            # It is of no use any more, and another one gets another name.
            pass

    def _dial(self) -> None:
        replication = self.replication
        self.tried_us = replication.engine.clock.now_us()
        self.heard_us = self.tried_us
        self.state = CONNECTING
        replication.engine.host.note(
            f"Connecting to PRIMARY {replication.host.decode('ascii', 'backslashreplace')}:{replication.port}"
        )
        wire = replication.network.dial(replication.host, replication.port, self)
        if wire is None:
            self.state = CONNECT
            if self.failover:
                replication.failover.failed("cannot connect")
        self.wire = wire

    # Events of the connection.

    def connected(self) -> None:
        self.heard_us = self.replication.engine.clock.now_us()
        self.state = HANDSHAKE
        self.silent = False
        self._ask([b"PING"])

    def lost(self, reason: str) -> None:
        if self.loading and self.payload is not None and self.payload.done:
            # The snapshot is complete, and is being loaded.  The next connection goes on from it.
            self.wire = None
            return
        self.wire = None
        self.drop(reason)

    def received(self, data: bytes) -> None:
        self.heard_us = self.replication.engine.clock.now_us()
        applier = self.applier
        if applier is not None:
            self._apply(applier, data)
            return
        while len(data) > 0 and self.wire is not None:
            payload = self.payload
            if payload is not None:
                if payload.done:
                    self.early.append(data)
                    return
                data = self._take_payload(payload, data)
                continue
            if self.applier is not None:
                self._apply(self.applier, data)
                return
            at = data.find(b"\n")
            if at < 0:
                self.line += data
                if len(self.line) > MOST_LINE:
                    self.drop("a line of the handshake is too long")
                return
            line = (self.line + data[:at]).rstrip(b"\r")
            self.line = b""
            data = data[at + 1 :]
            if len(line) > 0:
                self._take_line(line)

    # Handshake.

    def _ask(self, args: list[bytes]) -> None:
        """Send a command whose reply is awaited."""
        wire = self.wire
        if wire is not None:
            self.awaited.append(args[0])
            wire.send(spelled(args))

    def _take_line(self, line: bytes) -> None:
        if self.state == SYNC:
            self._take_header(line)
            return
        if len(self.awaited) == 0:
            self.drop("a reply that was not asked for")
            return
        asked = self.awaited.pop(0)
        failed = line.startswith(b"-")
        if asked == b"PING":
            if failed and not line.startswith(MAY_GO_ON):
                self.drop(f"error in reply to PING: {told(line)}")
            else:
                self._introduce()
        elif asked == b"AUTH":
            if failed:
                self.drop(f"the primary refuses the password: {told(line)}")
        elif asked == b"REPLCONF":
            if failed:
                self.replication.engine.host.note(
                    f"(Non critical) the primary does not understand REPLCONF: {told(line)}"
                )
            if len(self.awaited) == 0:
                self._synchronise()
        else:
            self._take_answer(line)

    def _introduce(self) -> None:
        """Send everything that needs no answer before the next."""
        replication = self.replication
        config = replication.engine.config
        password = config.text(b"primaryauth")
        user = config.text(b"primaryuser")
        if password:
            self._ask([b"AUTH", user, password] if user else [b"AUTH", password])
        announced = config.integer(b"replica-announce-port")
        port = announced if announced > 0 else replication.network.own_port()
        self._ask([b"REPLCONF", b"listening-port", b"%d" % port])
        ip = config.text(b"replica-announce-ip")
        if ip:
            self._ask([b"REPLCONF", b"ip-address", ip])
        self._ask([b"REPLCONF", b"capa", b"eof", b"capa", b"psync2"])
        self._ask([b"REPLCONF", b"version", REFERENCE_VERSION])

    def _synchronise(self) -> None:
        replication = self.replication
        if self.has_history:
            history = replication.history
            offset = replication.offset + 1
            replication.engine.host.note(f"Trying a partial resynchronization (request {history.decode()}:{offset}).")
            args = [b"PSYNC", history, b"%d" % offset]
            if self.failover:
                args.append(b"FAILOVER")
            self._ask(args)
        else:
            replication.engine.host.note("Partial resynchronization not possible (no cached primary)")
            self._ask([b"PSYNC", b"?", b"-1"])

    def _take_answer(self, line: bytes) -> None:
        """Handle the reply to PSYNC."""
        replication = self.replication
        words = line.split()
        answer = words[0] if len(words) > 0 else b""
        if self.failover:
            if answer == b"+CONTINUE":
                self.failover = False
                replication.failover.succeeded()
            else:
                self.drop(told(line))
                return
        if answer == b"+CONTINUE":
            self._continue(words[1] if len(words) > 1 else b"")
        elif answer == b"+FULLRESYNC" and len(words) == 3 and len(words[1]) == 40 and is_int(words[2]):
            self.place = StreamPlace(words[1], to_int(words[2]), 0)
            replication.engine.host.note(f"Full resync from primary: {told(line)[12:]}")
            self.state = SYNC
            replication.apply_role()
        elif line.startswith((b"-NOMASTERLINK", b"-LOADING")):
            self.drop(f"the primary cannot synchronise now: {told(line)}")
        elif line.startswith(b"-"):
            replication.engine.host.note(f"The primary does not support PSYNC: {told(line)}")
            self.state = SYNC
            wire = self.wire
            if wire is not None:
                wire.send(spelled([b"SYNC"]))
        else:
            self.drop(f"unexpected reply to PSYNC: {told(line)}")

    def _continue(self, history: bytes) -> None:
        """Go on with the stream where we are."""
        replication = self.replication
        replication.engine.host.note("Successful partial resynchronization with primary.")
        if len(history) == 40 and history != replication.history:
            replication.continue_history(history)
            replication.primary.disconnect_all()
        if replication.primary.stream is None:
            replication.primary.open_stream(replication.offset)
        self._go_live(replication.selected)

    # Full synchronisation.

    def _take_header(self, line: bytes) -> None:
        """Handle the line before a snapshot."""
        if line.startswith(b"-"):
            self.drop(f"the primary aborted the synchronisation: {told(line)}")
            return
        try:
            if not line.startswith(b"$"):
                raise ValueError("it does not begin with $")
            payload = Payload(line[1:])
        except ValueError as wrong:
            self.drop(f"bad header of a snapshot, {wrong}: {told(line)}")
            return
        self.payload = payload
        replication = self.replication
        size = "an unknown number of" if payload.size < 0 else str(payload.size)
        replication.engine.host.note(f"PRIMARY <-> REPLICA sync: receiving {size} bytes from primary")
        wire = self.wire
        assert wire is not None
        if self.loader.reads_socket():
            self.reader = PayloadReader(payload, wire, replication.network)
            replication.network.soon(StartLoading(self))
        else:
            self._open_draft(payload)

    def _open_draft(self, payload: Payload) -> None:
        files = self.replication.engine.config.files
        self.draft = files.absolute(self.loader.draft_name())
        try:
            if files.exists(self.draft):
                files.remove(self.draft)
            payload.file = files.append(self.draft)
        except OSError as refused:
            self.drop(f"cannot open a file for the snapshot: {refused.strerror}")
            return
        if payload.done:
            self.replication.network.soon(StartLoading(self))

    def _take_payload(self, payload: Payload, data: bytes) -> bytes:
        """Keep bytes of the snapshot; return those after it."""
        try:
            rest = payload.feed(data)
        except OSError as refused:
            self.drop(f"cannot write the snapshot: {refused.strerror}")
            return b""
        reader = self.reader
        if reader is not None:
            reader.pause(payload.pieces_bytes > MOST_WAITING)
        elif payload.done:
            self.replication.network.soon(StartLoading(self))
        return rest

    def load(self) -> None:
        """Load the snapshot, which is complete in a file or still arrives."""
        payload = self.payload
        if payload is None or self.loading:
            return
        replication = self.replication
        self.loading = True
        replication.primary.disconnect_all()
        if self.reader is not None:
            complaint = self.loader.load_arriving(self.reader, self.place)
            # The marker comes after the end that the snapshot itself has.
            while not complaint and not payload.done and self.payload is payload and replication.network.pump(True):
                pass
        else:
            complaint = self.loader.load_file(payload, self.draft)
        self.loading = False
        if self.payload is not payload:
            # The connection was lost, or another server is followed now.
            return
        self.payload = None
        self.reader = None
        if complaint:
            self.has_history = False
            self.drop(f"the snapshot cannot be loaded: {complaint}")
            return
        self._loaded()

    def _loaded(self) -> None:
        """The data is that of the primary: go on with the stream."""
        replication = self.replication
        place = self.place
        known = self.loader.place
        if place is not None:
            replication.history = place.history
            offset = place.offset
        else:
            # After SYNC there is no history that could be continued.
            replication.history = replication.engine.random.hex_digits(40)
            offset = 0
            self.silent = True
        replication.forget_second()
        replication.primary.open_stream(offset)
        self.has_history = place is not None
        replication.selected = known.db if known.db >= 0 else i64(0)
        replication.engine.host.note("PRIMARY <-> REPLICA sync: Finished with success")
        if self.wire is None:
            self.drop("the connection was lost during the load")
            return
        early = self.early
        self.early = []
        self._go_live(replication.selected)
        for data in early:
            self.received(data)

    # The stream.

    def _go_live(self, db: i64) -> None:
        replication = self.replication
        engine = replication.engine
        wire = self.wire
        assert wire is not None
        session = engine.open_session(LinkPeer(self, wire))
        session.is_primary = True
        session.authenticated = True
        session.gates = 0
        session.may_block = False
        session.db = engine.databases[int(db)]
        self.session = session
        self.applier = Applier(replication, session, replication.offset)
        self.state = CONNECTED
        replication.down_since_us = 0
        replication.apply_role()
        self.acknowledge()

    def _apply(self, applier: Applier, data: bytes) -> None:
        session = self.session
        if session is not None:
            applier.feed(data)
        if applier.broken and self.applier is applier:
            # What comes after an unreadable byte cannot be understood, so the data is asked for anew.
            self.has_history = False
            self.drop(f"the stream cannot be read: {applier.broken}")

    def acknowledge(self) -> None:
        """Tell the primary how much of the stream is applied."""
        wire = self.wire
        applier = self.applier
        if wire is None or applier is None or self.silent:
            return
        self.acknowledged_us = self.replication.engine.clock.now_us()
        args = [b"REPLCONF", b"ACK", b"%d" % applier.applied]
        fsynced = self.replication.fsynced_offset()
        if fsynced >= 0:
            args.extend([b"FACK", b"%d" % fsynced])
        wire.send(spelled(args))

    # Time.

    def tick(self, now_us: i64) -> None:
        """Connect again, acknowledge, and give up a connection that is silent for too long."""
        if self.state == NONE:
            return
        if self.state == CONNECT:
            if not (self.tried_us <= now_us < self.tried_us + SECOND_US):
                self._dial()
            return
        timeout_us: i64 = self.replication.engine.config.integer(b"repl-timeout") * SECOND_US
        if not self.loading and now_us - self.heard_us > timeout_us:
            self.drop("timeout")
            return
        if self.acknowledged_us <= now_us < self.acknowledged_us + SECOND_US:
            return
        if self.state == CONNECTED:
            self.acknowledge()
        elif self.loading and self.wire is not None:
            # The primary sees that we are alive.
            self.acknowledged_us = now_us
            self.wire.send(b"\n")


class StartLoading(Errand):
    """Loads a snapshot outside of the handler that received it."""

    def __init__(self, link: PrimaryLink) -> None:
        self.link: Final = link

    def run_errand(self) -> None:
        self.link.load()


def spelled(args: list[bytes]) -> bytes:
    """A command as an array of bulk strings."""
    out = BytesWriter()
    write_command(out, args)
    return out.getvalue()


def told(line: bytes) -> str:
    """A line of the other end for the log."""
    return line[:200].decode("ascii", "backslashreplace")
