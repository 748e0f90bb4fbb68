"""Faults asked for by DEBUG: the process dies as a fault would have it, and the log tells."""

from __future__ import annotations

import signal

import pytest
from tests.differential.servers import Redpoll
from tests.differential.wire import Wire, encode


@pytest.mark.parametrize(
    ("word", "number", "last_words"),
    [
        ("SEGFAULT", signal.SIGSEGV, "Segmentation fault"),
        ("PANIC", signal.SIGABRT, "Guru Meditation: DEBUG PANIC called at Unix time "),
        ("ASSERT", signal.SIGABRT, "=== ASSERTION FAILED CLIENT CONTEXT ==="),
    ],
)
def test_the_process_dies_of_the_signal(word: str, number: int, last_words: str) -> None:
    server = Redpoll("redpoll")
    server.start()
    try:
        wire = Wire(server.port)
        wire.send(encode(("DEBUG", word)))
        assert wire.read_until_closed() == b""
        assert server.process is not None
        assert server.process.wait(10) == -number
        assert last_words in server.log.read_text()
        wire.close()
    finally:
        server.close()
