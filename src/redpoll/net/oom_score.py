"""`oom-score-adj`: which processes the kernel ends first when memory runs out."""

from __future__ import annotations

from typing import Final

from redpoll.config.settings import Config, Effects
from redpoll.env.log import Log
from redpoll.env.process import oom_score, set_oom_score
from redpoll.errors import ServerError


class OomScore(Effects):
    """Applies `oom-score-adj` and `oom-score-adj-values`, which depend on the role."""

    def __init__(self, log: Log) -> None:
        self.log: Final = log
        self.base: Final = oom_score()
        self.active = False

    def connect(self, config: Config) -> None:
        """Apply the current values, and listen to changes.  Raises ServerError."""
        for name in (b"oom-score-adj", b"oom-score-adj-values", b"replicaof"):
            config.listen(name, self)
        reason = self.apply(b"oom-score-adj", config)
        if reason:
            raise ServerError(reason.decode())

    def apply(self, name: bytes, config: Config) -> bytes:
        kind = config.text(b"oom-score-adj")
        score = self.base
        if kind != b"no":
            # The first of three is for a primary, the second for a replica.
            value = int(config.words(b"oom-score-adj-values")[1 if config.words(b"replicaof") else 0])
            score = max(-1000, min(1000, value if kind == b"absolute" else self.base + value))
        elif not self.active:
            return b""
        self.active = kind != b"no"
        refused = set_oom_score(score)
        if refused:
            self.log.warning(f"Unable to write oom_score_adj: {refused}")
            return b"Failed to set current oom_score_adj. Check server logs."
        return b""
