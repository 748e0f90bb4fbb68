"""The first line of a function library, `#!ENGINE name=NAME`.

Snapshots hold libraries as their sources.  They are kept unchanged; `scripting/functions.py` compiles them when the
first command needs one.
"""

from __future__ import annotations

from redpoll.config.quoting import split_line


def first_line(source: bytes) -> list[bytes] | None:
    """The words of the first line, `#!ENGINE` first; None if a quote is open or the source has one line only."""
    line, end, _ = source.partition(b"\n")
    return split_line(line) if end else None


def library_name(source: bytes) -> bytes:
    """The name of the library in a source; empty if the first line has another form."""
    words = first_line(source) if source[:2] == b"#!" else None
    for word in words[1:] if words is not None else []:
        if word[:5].lower() == b"name=":
            return word[5:]
    return b""
