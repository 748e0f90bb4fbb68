"""SHA-1, and comparison of secrets."""

from __future__ import annotations

import subprocess
import sys

from redpoll.env.openssl import is_same_secret, sha1


def test_sha1_is_the_digest() -> None:
    assert sha1(b"abc").hex() == "a9993e364706816aba3e25717850c26c9cd0d89d"


def test_secrets_are_the_same_only_if_every_byte_is() -> None:
    assert is_same_secret(b"secret", b"secret")
    assert not is_same_secret(b"secret", b"secreT")
    assert not is_same_secret(b"secret", b"secret ")
    assert not is_same_secret(b"", b"secret")


def test_a_server_starts_without_openssl_and_fractions() -> None:
    program = (
        "import sys, redpoll.cli.main, redpoll.cli.server, redpoll.server; "
        "print({'_hashlib', 'hashlib', 'hmac', 'fractions', 'decimal', 'difflib'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout == "set()\n"
