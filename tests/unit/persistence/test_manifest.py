"""The manifest: its form, and what is wrong with others.  Source: spec/aof.md, section 2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redpoll.persistence.manifest import BASE, HISTORY, INCREMENTAL, Entry, Manifest, ManifestError, parsed

LINES = (
    b"file a.2.base.rdb seq 2 type b\nfile a.1.base.rdb seq 1 type h\n"
    b"file a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n"
)


def test_a_manifest_is_read_and_written_alike() -> None:
    manifest = parsed(LINES)
    assert manifest.base is not None and manifest.base.number == 2
    assert [entry.name for entry in manifest.parts()] == [b"a.2.base.rdb", b"a.1.incr.aof", b"a.2.incr.aof"]
    assert manifest.text() == LINES
    assert (manifest.next_base(), manifest.next_incremental()) == (3, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"# a comment\nfile a.1.incr.aof seq 1 type i\n",
        b"  FILE a.1.incr.aof  Seq 1\ttype incremental \r\n",
        b"type i seq 1 file a.1.incr.aof more things\n",
        b'file "a.1.incr.aof" seq 1 type i\n',
    ],
)
def test_lenient_spellings(data: bytes) -> None:
    assert parsed(data).text() == b"file a.1.incr.aof seq 1 type i\n"


def test_comments_only_have_no_files() -> None:
    assert parsed(b"# nothing\n").is_empty()


@pytest.mark.parametrize(
    ("data", "reason", "line"),
    [
        (b"", "Found an empty AOF manifest", 0),
        (b"#" + b"x" * 1024 + b"\n", "The AOF manifest file contains too long line", 1),
        (LINES[:-1], "The AOF manifest file contains too long line", 4),
        (b"\n", "Invalid AOF manifest file format", 1),
        (b"#\n#\nfile a seq 1\n", "Invalid AOF manifest file format", 3),
        (b"file a seq 1 type\n", "Invalid AOF manifest file format", 1),
        (b"file a seq 0 type i\n", "Invalid AOF manifest file format", 1),
        (b"file a seq x type i\n", "Invalid AOF manifest file format", 1),
        (b'file "a seq 1 type i\n', "Invalid AOF manifest file format", 1),
        (b"fil a seq 1 type i\n", "Invalid AOF manifest file format", 1),
        (b"file a/b seq 1 type i\n", "File can't be a path, just a filename", 1),
        (LINES + LINES, "Found duplicate base file information", 5),
        (b"file a seq 2 type i\nfile b seq 2 type i\n", "Found a non-monotonic sequence number", 2),
        (b"file a seq 1 type x\n", "Unknown AOF file type", 1),
    ],
)
def test_what_is_wrong_is_told_with_its_line(data: bytes, reason: str, line: int) -> None:
    with pytest.raises(ManifestError) as raised:
        parsed(data)
    assert (raised.value.reason, raised.value.line) == (reason, line)
    told = raised.value.told()
    assert told[0] == "*** FATAL AOF MANIFEST FILE ERROR ***" and told[-1] == reason
    if line:
        assert told[1] == f"Reading the manifest file, at line {line}"
        assert told[2].startswith(">>> '")


def test_a_new_base_makes_all_others_history() -> None:
    manifest = parsed(LINES)
    last = manifest.incrementals[-1]
    manifest.replace_base(Entry(b"a.3.base.rdb", 3, BASE), last)
    assert manifest.text() == (
        b"file a.3.base.rdb seq 3 type b\nfile a.1.incr.aof seq 1 type h\nfile a.2.base.rdb seq 2 type h\n"
        b"file a.1.base.rdb seq 1 type h\nfile a.2.incr.aof seq 2 type i\n"
    )
    assert all(entry.kind == HISTORY for entry in manifest.history)


@given(st.lists(st.binary(min_size=1, max_size=30).filter(lambda name: b"/" not in name and b"\0" not in name)))
def test_any_name_survives(names: list[bytes]) -> None:
    manifest = Manifest()
    for number, name in enumerate(names, start=1):
        manifest.add(Entry(name, number, INCREMENTAL))
    if names:
        assert [entry.name for entry in parsed(manifest.text()).incrementals] == names
