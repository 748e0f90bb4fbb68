"""Long strings on their way into a snapshot, slice by slice."""

from __future__ import annotations

from typing import Final

from librt.strings import write_i16_le
from mypy_extensions import i64, mypyc_attr

from redpoll.persistence.lzf import Compressor
from redpoll.persistence.side import Overflow
from redpoll.persistence.sink import Sink
from redpoll.persistence.snapshot_writer import SLICES
from redpoll.protocol.output import CRLF, DOLLAR, write_header
from redpoll.structures.keeper import TextKeeper
from redpoll.types.string import LongString


@mypyc_attr(acyclic=True)
class LongText:
    """Writes a long string in slices, the same bytes as `Sink.text` unless it is too long to be compressed."""

    def __init__(self, data: bytes, compressing: bool) -> None:
        self.data: bytes = data
        self.at: i64 = -1
        """The next byte to write; -1 before the head."""
        self.compressor: Compressor | None = None
        if compressing and len(data) <= SLICES.raw_bytes:
            # One of its own: others compress between two slices.
            compressor = Compressor()
            compressor.begin(data)
            self.compressor = compressor

    def step(self, sink: Sink) -> bool:
        """Write a slice; return whether there is more to write."""
        compressor = self.compressor
        if compressor is not None:
            if not compressor.advance(SLICES.text_bytes):
                self.compressor = None
                packed = compressor.result()
                if packed is not None:
                    sink.compressed_head(len(packed), len(self.data))
                    self.data = packed
                    self.at = 0
            return True
        if self.at < 0:
            self.at = 0
            sink.number(len(self.data))
        stop = self.at + SLICES.text_bytes
        sink.raw(self.data[self.at : stop])
        self.at = stop
        return stop < len(self.data)


@mypyc_attr(acyclic=True)
class LongArgument(LongText):
    """Writes a long string in slices as an argument of a command."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data, False)

    def step(self, sink: Sink) -> bool:
        if self.at < 0:
            self.at = 0
            write_header(sink.out, DOLLAR, len(self.data))
        stop = self.at + SLICES.text_bytes
        sink.raw(self.data[self.at : stop])
        self.at = stop
        if stop < len(self.data):
            return True
        write_i16_le(sink.out, CRLF)
        return False


class PageKeeper(TextKeeper):
    """Keeps the pages of a string in a buffer that change before they are written."""

    def __init__(self, overflow: Overflow, text: LongString, buffer: bytearray) -> None:
        self.overflow: Final = overflow
        self.text: LongString = text
        self.buffer: bytearray = buffer
        self.size: i64 = len(buffer)
        """When the snapshot began."""
        self.page_bytes: i64 = SLICES.text_bytes
        self.next: i64 = 0
        """The next page to write."""
        self.pages: dict[int, bytes] = {}
        self.places: dict[int, int] = {}
        """Pages in the file of the sides, with their place in it."""
        text.keeper = self

    def overwrites(self, start: i64, stop: i64) -> None:
        page = start // self.page_bytes
        if page < self.next:
            page = self.next
        if stop > self.size:
            stop = self.size
        while page * self.page_bytes < stop:
            number = int(page)
            if number not in self.pages and number not in self.places:
                self._keep(number, self._live(page))
            page += 1

    def _live(self, page: i64) -> bytes:
        start = page * self.page_bytes
        stop = start + self.page_bytes
        if stop > self.size:
            stop = self.size
        with memoryview(self.buffer) as whole:
            return bytes(whole[start:stop])

    def _keep(self, number: int, data: bytes) -> None:
        place = self.overflow.keep_page(data)
        if place >= 0:
            self.places[number] = int(place)
        else:
            self.pages[number] = data

    def taken(self) -> bytes:
        """The next page as it was; none at the end.  Raises OSError."""
        page = self.next
        if page * self.page_bytes >= self.size:
            return b""
        self.next = page + 1
        number = int(page)
        data = self.pages.pop(number, None)
        if data is None:
            data = self._live(page)
            place = self.places.pop(number, -1)
            if place >= 0:
                data = self.overflow.read(place, len(data))
        else:
            self.overflow.held -= len(data)
        return data
