"""How buffers of replies are treated until DEBUG says otherwise."""

from __future__ import annotations

from redpoll.engine.reply_buffers import NEVER, ReplyBuffers


def test_a_peak_counts_for_five_seconds_and_buffers_shrink() -> None:
    kept = ReplyBuffers()
    assert kept.peak_reset_us == 5_000_000
    assert kept.resizing
    assert not kept.in_pieces
    assert NEVER < 0
