"""A replica, as its primary sees it: what it has announced, how far its synchronisation is, and what it is sent next.

Source: spec/replication.md, sections 3 to 5 and 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from redpoll.engine.role import Follower
from redpoll.engine.session import Session
from redpoll.env.files import Reader
from redpoll.replication.stream import Position, Stream

if TYPE_CHECKING:
    from redpoll.replication.primary import Primary

ANNOUNCING: Final[i64] = 0
"""An ordinary client that has sent REPLCONF."""
WAITS: Final[i64] = 1
"""It waits for the start of a snapshot."""
WAITS_FOR_FILE: Final[i64] = 2
"""It waits until its snapshot is complete in a file."""
LOADS: Final[i64] = 3
"""The primary sends it a snapshot."""
ONLINE: Final[i64] = 4
"""The primary sends it the stream."""

STATE_NAMES: Final = ("", "wait_bgsave", "wait_bgsave", "send_bulk", "online")

FILE_PIECE: Final = 1 << 18

NEW_FORMAT_FROM: Final = (9, 0, 0)
"""Replicas of this version and newer read the format of version 80."""


class Replica(Follower):
    """See the module's docstring."""

    def __init__(self, primary: Primary, session: Session) -> None:
        self.primary: Final = primary
        self.session: Final = session
        self.state: i64 = ANNOUNCING
        # What it has announced.
        self.port = 0
        self.ip = b""
        self.reads_marker = False
        """Whether it finds the end of a snapshot by a marker (capa eof)."""
        self.psync2 = False
        self.version: tuple[int, ...] = ()
        self.snapshot_only = False
        """Whether its connection is closed after the snapshot."""
        self.functions_only = False
        self.plain_sync = False
        """Whether it has sent SYNC.  Such a replica acknowledges nothing."""
        # Its progress.
        self.position: Final = Position()
        self.stream: Stream | None = None
        self.acknowledged: i64 = 0
        self.fsynced: i64 = 0
        self.heard_us: i64 = session.engine.moment.now_us
        """When the last acknowledgement came."""
        self.asked_us: i64 = session.engine.moment.now_us
        """Since when it waits for a snapshot."""
        self.awaits_ack = False
        """Whether the stream starts with its next acknowledgement, because the whole snapshot is on its way."""
        self.pieces: list[bytes] = []
        self.pieces_at: i64 = 0
        self.pieces_bytes: i64 = 0
        """The pieces of the snapshot from `pieces_at` on are not sent yet: `pieces_bytes` in all."""
        self.file: Reader | None = None
        self.file_left: i64 = 0
        """Bytes of the file that are not read yet."""
        self.finished = False
        """Whether the snapshot's end is in `pieces`, or sent."""

    # For the connection.

    def is_attached(self) -> bool:
        return self.state != ANNOUNCING

    def next_piece(self) -> bytes:
        if self.state == ONLINE:
            stream = self.stream
            return stream.take(self.position) if stream is not None else b""
        if self.pieces_at < len(self.pieces):
            piece = self.pieces[self.pieces_at]
            self.pieces[self.pieces_at] = b""
            self.pieces_at += 1
            if self.pieces_at == len(self.pieces):
                self.pieces = []
                self.pieces_at = 0
            self.pieces_bytes -= len(piece)
            return piece
        if self.file is not None:
            return self._next_of_file()
        if self.finished and self.state == LOADS:
            if not self.awaits_ack and not self.snapshot_only:
                self.go_online()
                return self.next_piece()
        return b""

    def _next_of_file(self) -> bytes:
        file = self.file
        assert file is not None
        piece = b""
        if self.file_left > 0:
            try:
                piece = file.read(FILE_PIECE)
            except OSError as failed:
                self.session.engine.host.log(f"Can't read the snapshot for a replica: {failed.strerror}")
            self.file_left -= len(piece)
            if len(piece) > 0:
                return piece
        file.close()
        self.file = None
        if self.file_left > 0:
            # The replica would take the stream for the rest of the snapshot.
            self.session.peer.close()
            return b""
        self.finished = True
        return self.next_piece()

    def pending(self) -> i64:
        stream = self.stream
        if stream is None or not self.position.follows:
            return 0
        return stream.end - self.position.offset

    def ends(self) -> bool:
        return self.snapshot_only and self.finished and self.pieces_at >= len(self.pieces)

    def left(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None
        if self.state != ANNOUNCING:
            self.primary.remove(self)

    # For the primary.

    def follow(self, stream: Stream, offset: i64) -> None:
        """Keep the stream from `offset` on for it."""
        self.stream = stream
        stream.follow(self.position, offset)

    def add_piece(self, piece: bytes) -> None:
        """Send it a piece of the snapshot."""
        self.pieces.append(piece)
        self.pieces_bytes += len(piece)

    def send_file(self, reader: Reader) -> None:
        """Send it a snapshot from a file."""
        self.state = LOADS
        self.add_piece(b"$%d\r\n" % reader.size)
        self.file = reader
        self.file_left = reader.size
        self.session.peer.wake()

    def go_online(self) -> None:
        """Send it the stream."""
        self.state = ONLINE
        self.awaits_ack = False
        self.heard_us = self.session.engine.moment.now_us
        self.primary.came_online(self)

    def heard(self, offset: i64, fsynced: i64, now_us: i64) -> None:
        """It has acknowledged `offset` bytes of the stream."""
        self.heard_us = now_us
        if offset > self.acknowledged:
            self.acknowledged = offset
        if fsynced > self.fsynced:
            self.fsynced = fsynced
        if self.state == LOADS and self.awaits_ack and self.finished and self.pieces_at >= len(self.pieces):
            self.go_online()
            self.session.peer.wake()

    def address(self) -> tuple[bytes, int]:
        """The address that it announces, else the one it comes from; and its port."""
        ip = self.ip or self.session.peer.address().rpartition(b":")[0].strip(b"[]")
        return ip, self.port

    def lag_s(self, now_us: i64) -> i64:
        """Seconds since its last acknowledgement."""
        return (now_us - self.heard_us) // 1000000
