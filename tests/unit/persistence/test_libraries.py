"""The first line of a function library, read as FUNCTION LOAD reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

import redpoll
from redpoll.persistence.libraries import library_name


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (b"#!lua name=a\nreturn", b"a"),
        (b"#!js other=1 NAME=a\nreturn", b"a"),
        (b'#!lua "name=a"\nreturn', b"a"),
        (b"#!lua name='a'\nreturn", b"a"),
        (b"#!lua \tname=a\r\nreturn", b"a"),
        (b"#!lua name=a", b""),
        (b"#!lua 'name=a\nreturn", b""),
        (b"#!name=a\nreturn", b""),
        (b"lua name=a\nreturn", b""),
        (b"#!lua\nname=a", b""),
        (b"#!lua name=\n", b""),
        (b"", b""),
    ],
)
def test_the_name_in_a_source(source: bytes, name: bytes) -> None:
    assert library_name(source) == name


def test_a_quoted_name_survives_a_snapshot(tmp_path: Path) -> None:
    source = "#!lua 'name=quoted'\nredis.register_function('f', function() return 1 end)"
    with redpoll.open(str(tmp_path)) as store:
        assert store.execute("FUNCTION", "LOAD", source) == b"quoted"
    with redpoll.open(str(tmp_path)) as store:
        assert store.execute("FCALL", "f", 0) == 1
