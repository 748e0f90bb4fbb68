"""SHA-1, and comparison of secrets.

Python's modules for both load OpenSSL: 4 MB of memory and 2 ms.  Most servers need neither, so the functions import
them at the first call.
"""

from __future__ import annotations


def sha1(data: bytes) -> bytes:
    """The SHA-1 digest of `data`, 20 bytes."""
    import hashlib

    return hashlib.sha1(data, usedforsecurity=False).digest()


def is_same_secret(one: bytes, other: bytes) -> bool:
    """Whether two secrets are equal.  The time does not reveal how much of a guess is right."""
    import hmac

    return hmac.compare_digest(one, other)
