"""Function libraries in snapshots: their sources stay unchanged.

A source begins with `#!ENGINE name=NAME`.
"""

from __future__ import annotations


def library_name(source: bytes) -> bytes:
    """The name of the library in a source; empty if the first line has another form."""
    line = source.split(b"\n", 1)[0]
    if line[:2] != b"#!":
        return b""
    for word in line[2:].split()[1:]:
        name, equals, value = word.partition(b"=")
        if equals and name.lower() == b"name":
            return value
    return b""
