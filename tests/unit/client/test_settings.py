"""CONFIG of an engine inside a program."""

from __future__ import annotations

import pytest

import redpoll


def test_settings_of_the_data_are_shown_and_changed() -> None:
    store = redpoll.open(databases=4)
    assert store.execute("CONFIG", "GET", "databases", "hash-max-listpack-entries") == {
        b"databases": b"4",
        b"hash-max-listpack-entries": b"512",
    }
    assert store.execute("CONFIG", "SET", "hash-max-listpack-entries", "1", "proto-max-bulk-len", "1mb") == b"OK"
    store.execute("HSET", "h", "a", 1, "b", 2)
    assert store.execute("OBJECT", "ENCODING", "h") == b"hashtable"


@pytest.mark.parametrize(
    "words",
    [
        ("port", "7000"),
        ("maxclients", "10"),
        ("loglevel", "debug"),
        ("bind", "127.0.0.1"),
        ("timeout", "5"),
        ("crash-log-enabled", "no"),
        ("oom-score-adj", "yes"),
        ("shutdown-on-sigterm", "now"),
    ],
)
def test_what_only_a_server_can_do_is_refused(words: tuple[str, str]) -> None:
    store = redpoll.open()
    before = store.execute("CONFIG", "GET", words[0])
    with pytest.raises(redpoll.CommandError, match="it is for servers: this engine runs inside a program"):
        store.execute("CONFIG", "SET", *words)
    assert store.execute("CONFIG", "GET", words[0]) == before


def test_the_working_folder_of_the_program_is_left_alone() -> None:
    with pytest.raises(redpoll.CommandError, match="can't set protected config"):
        redpoll.open().execute("CONFIG", "SET", "dir", "/")


@pytest.mark.parametrize("words", ["CONFIG REWRITE", "SHUTDOWN", "SHUTDOWN NOSAVE NOW"])
def test_there_is_no_file_to_write_and_no_server_to_end(words: str) -> None:
    with pytest.raises(redpoll.CommandError, match=r"without a config file|runs inside a program"):
        redpoll.open().execute(*words.split())
