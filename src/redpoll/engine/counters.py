"""What an engine counts of its commands: calls, time, refusals, failures, errors by code."""

from __future__ import annotations

from librt.vecs import append, vec
from mypy_extensions import i64


class Counters:
    """Columns indexed by `Command.index`; times in microseconds."""

    def __init__(self, commands: int) -> None:
        self.calls: vec[i64] = vec[i64]()
        self.usec: vec[float] = vec[float]()
        self.rejected: vec[i64] = vec[i64]()
        self.failed: vec[i64] = vec[i64]()
        for _ in range(commands):
            self.calls = append(self.calls, 0)
            self.usec = append(self.usec, 0.0)
            self.rejected = append(self.rejected, 0)
            self.failed = append(self.failed, 0)
        self.errors: dict[bytes, int] = {}
        self.error_replies: i64 = 0
        self.processed: i64 = 0
        self.internal_errors: i64 = 0

    def error(self, text: bytes) -> None:
        """Count an error reply under its code: the first word, if a blank ends it within 32 bytes with the `-`."""
        self.error_replies += 1
        at = text.find(b" ", 0, 31)
        code = text[:at] if at >= 0 else b"ERR"
        for strange in (b"#", b":", b"\r", b"\n"):
            code = code.replace(strange, b"_")
        if code not in self.errors and len(self.errors) >= 128:
            code = b"ERRORSTATS_OVERFLOW"
        self.errors[code] = self.errors.get(code, 0) + 1

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        for i in range(len(self.calls)):
            self.calls[i] = 0
            self.usec[i] = 0.0
            self.rejected[i] = 0
            self.failed[i] = 0
        self.errors.clear()
        self.error_replies = 0
        self.processed = 0
