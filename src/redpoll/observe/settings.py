"""CONFIG's view of the live settings: bytes in and out, and copied to where they work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from redpoll.config.live import LiveSettings
from redpoll.engine.engine import Settings


class ConfigCommands(Settings):
    """Reads and changes `settings`, and calls `apply` after a change."""

    def __init__(self, settings: LiveSettings, apply: Callable[[], None]) -> None:
        self.settings: Final = settings
        self.apply: Final = apply

    def get(self, patterns: list[bytes]) -> list[bytes]:
        found: list[bytes] = []
        for name, value in self.settings.get([word.decode("utf-8", "surrogateescape") for word in patterns]):
            found.append(name.encode("utf-8", "surrogateescape"))
            found.append(value.encode("utf-8", "surrogateescape"))
        return found

    def set(self, pairs: list[bytes]) -> bytes | None:
        words = [word.decode("utf-8", "surrogateescape") for word in pairs]
        complaint = self.settings.set([(words[n], words[n + 1]) for n in range(0, len(words), 2)])
        if complaint is not None:
            return complaint.encode("utf-8", "surrogateescape")
        self.apply()
        return None
