"""The first line of a function library, `#!ENGINE name=NAME`.

Snapshots hold libraries as their sources.  They are kept unchanged; `scripting/functions.py` compiles them when the
first command needs one, and checks the line strictly.
"""

from __future__ import annotations

from redpoll.config.quoting import split_line


def library_name(source: bytes) -> bytes:
    """The name of the library in a source; empty if the first line has another form."""
    line, end, _ = source.partition(b"\n")
    words = split_line(line) if end and source[:2] == b"#!" else None
    if words is None:
        return b""
    for word in words[1:]:
        if word[:5].lower() == b"name=":
            return word[5:]
    return b""
