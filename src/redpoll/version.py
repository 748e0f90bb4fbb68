"""Versions, each in one place."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
"""redpoll's own."""
COMPATIBLE_VERSION: Final = b"7.2.4"
"""The Redis version that clients may rely on."""
REFERENCE_VERSION: Final = b"9.1.2"
"""The Valkey version whose behaviour is the reference."""
