"""The snapshot in a synchronisation, as it arrives: cut out of the bytes of the connection, and kept for loading.

It has a length (`$<n>`), or ends with a marker (`$EOF:<40 characters>`).  Source: spec/replication.md, section 5.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.env.files import Appender, Reader
from redpoll.replication.network import Network, Wire

MARKER_BYTES: Final[i64] = 40

UNKNOWN_SIZE: Final[i64] = 1 << 60
"""The size that a reader claims while the end is not known."""

SYNC_EVERY: Final[i64] = 8 << 20
"""The file is synced after this many bytes, so that the last sync is short."""

MOST_WAITING: Final[i64] = 8 << 20
"""While so many bytes wait to be loaded, no more are received."""


class Payload:
    """One snapshot on its way.  `feed` keeps its bytes; the data is complete when `done`."""

    def __init__(self, header: bytes) -> None:
        """`header` is the line without its `$`.  Raises ValueError if it is neither form."""
        self.size: i64 = -1
        """Bytes of the snapshot; -1 if a marker ends it."""
        self.marker = b""
        if header.startswith(b"EOF:"):
            self.marker = header[4:]
            if len(self.marker) != MARKER_BYTES:
                raise ValueError("the marker does not have 40 characters")
        else:
            if not header.isdigit() or len(header) > 18:
                raise ValueError("the length is not a number")
            self.size = int(header)
        self.received: i64 = 0
        """Bytes of the snapshot so far, without the marker."""
        self.tail = b""
        """The last bytes, which may belong to the marker."""
        self.done = self.size == 0
        self.file: Appender | None = None
        """Where the bytes go; if there is none, they wait in `pieces`."""
        self.pieces: list[bytes] = []
        self.pieces_bytes: i64 = 0
        self.unsynced: i64 = 0

    def feed(self, data: bytes) -> bytes:
        """Keep what belongs to the snapshot; return what follows it.  Raises OSError."""
        if self.done:
            return data
        if self.size >= 0:
            left = self.size - self.received
            if len(data) <= left:
                self._keep(data)
                self.done = self.received == self.size
                return b""
            self._keep(data[:left])
            self.done = True
            return data[left:]
        data = self.tail + data if self.tail else data
        if data.endswith(self.marker):
            self.tail = b""
            self.done = True
            self._keep(data[: len(data) - MARKER_BYTES])
            return b""
        cut: i64 = len(data) - MARKER_BYTES
        if cut > 0:
            self.tail = data[cut:]
            self._keep(data[:cut])
        else:
            self.tail = data
        return b""

    def _keep(self, data: bytes) -> None:
        size: i64 = len(data)
        if size == 0:
            return
        self.received += size
        file = self.file
        if file is None:
            self.pieces.append(data)
            self.pieces_bytes += size
            return
        file.write(data)
        self.unsynced += size
        if self.unsynced >= SYNC_EVERY:
            self.unsynced = 0
            file.sync()


class PayloadReader(Reader):
    """Reads a payload while it arrives.  Whenever there is nothing to read, others are served."""

    def __init__(self, payload: Payload, wire: Wire, network: Network) -> None:
        super().__init__(-1, payload.size if payload.size >= 0 else UNKNOWN_SIZE)
        self.payload: Final = payload
        self.wire: Final = wire
        self.network: Final = network
        self.broken = False
        """Whether the connection is gone."""
        self.rest = b""
        self.at: i64 = 0
        self.paused = False

    def pause(self, paused: bool) -> None:
        if paused != self.paused:
            self.paused = paused
            self.wire.pause(paused)

    def read(self, most: int) -> bytes:
        payload = self.payload
        while self.at >= len(self.rest):
            if len(payload.pieces) > 0:
                pieces = payload.pieces
                payload.pieces = []
                payload.pieces_bytes = 0
                self.rest = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                self.at = 0
                self.pause(False)
            elif payload.done or self.broken or not self.network.pump(True):
                return b""
        at = self.at
        piece = self.rest[at : at + most]
        self.at = at + i64(len(piece))
        return piece

    def close(self) -> None:
        """The payload belongs to the link."""
