"""The versions of Redis and Valkey that redpoll reports.  Its own version is in `build_info.py`."""

from __future__ import annotations

from typing import Final

COMPATIBLE_VERSION: Final = b"7.2.4"
"""The Redis version that clients may rely on."""
REFERENCE_VERSION: Final = b"9.1.2"
"""The Valkey version whose behaviour is the reference."""
