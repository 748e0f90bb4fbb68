"""Loading append-only files: those of the real servers, torn and damaged ones, commands that fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.persistence.append import FOLDER, Opened, Told, put, spelled
from tests.unit.persistence.contents import GOLDEN, check_contents, opened

from redpoll.engine.engine import Engine
from redpoll.env.clock import VirtualClock
from redpoll.env.files import MemoryFiles
from redpoll.persistence.append_control import open_append_only
from redpoll.persistence.append_loading import LoadError
from redpoll.persistence.snapshot_reader import Progress

NAME = FOLDER + b"appendonly.aof"
FIXTURES = sorted((GOLDEN / "aof").iterdir())


def with_commands(*files: bytes, manifest: bytes | None = None) -> MemoryFiles:
    """A folder with these files of commands."""
    made = MemoryFiles()
    lines = b""
    for number, data in enumerate(files, start=1):
        put(made, NAME + b".%d.incr.aof" % number, data)
        lines += b"file appendonly.aof.%d.incr.aof seq %d type i\n" % (number, number)
    put(made, NAME + b".manifest", lines if manifest is None else manifest)
    return made


def refusal(files: MemoryFiles, **settings: str) -> str:
    with pytest.raises(LoadError) as raised:
        Opened(files, **settings)
    assert not files.locks
    return raised.value.reason


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_files_of_the_real_servers(fixture: Path) -> None:
    files = MemoryFiles()
    for path in fixture.rglob("*"):
        if path.is_file() and path.name != "expected.json":
            put(files, b"/" + str(path.relative_to(fixture)).encode(), path.read_bytes())
    expected = json.loads((fixture / "expected.json").read_text())
    if expected.get("result") == "refused":
        refusal(files)
    else:
        # The files are of 2026; a delivery in the future would be put back to now.
        made = Opened(files, 100_000_000_000)
        check_contents(made.engine, fixture / "expected.json", times=False)
        made.close()
        again = Opened(files, 100_000_000_000)
        check_contents(again.engine, fixture / "expected.json", times=False)
    for name, size in expected.get("file_sizes_after_start", {}).get("valkey-9.1.2", {}).items():
        if not name.endswith("manifest"):
            assert len(files.read(b"/" + name.encode())) == size, name


def opened_again(made: Opened) -> Opened:
    """The same files in a new engine."""
    made.close()
    files = made.engine.config.files
    assert isinstance(files, MemoryFiles)
    return Opened(files)


COMMANDS = spelled(("SELECT", "0"), ("SET", "a", "1"), ("RPUSH", "l", "x", "y"), ("SELECT", "3"), ("INCR", "n"))


def test_every_torn_tail_is_cut_after_the_last_complete_command() -> None:
    for cut in range(len(COMMANDS) + 1):
        files = with_commands(COMMANDS[:cut])
        made = Opened(files)
        kept = files.read(NAME + b".1.incr.aof")
        assert COMMANDS.startswith(kept) and len(kept) <= cut
        if len(kept) < cut:
            assert f"!!! Truncating the AOF appendonly.aof.1.incr.aof at offset {len(kept)} !!!" in made.told.lines
            assert (
                "AOF appendonly.aof.1.incr.aof loaded anyway because aof-load-truncated is enabled" in made.told.lines
            )
            assert "Unexpected end of file" in refusal(with_commands(COMMANDS[:cut]), aof_load_truncated="no")
        made.do("SET", "more", "v")
        again = opened_again(made)
        assert again.do("GET", "more") == b"v"
        assert again.digest() == made.digest()


def test_a_torn_transaction_is_cut_before_multi() -> None:
    before = spelled(("SELECT", "0"), ("SET", "a", "1"))
    inside = spelled(("MULTI",), ("SET", "a", "2"), ("SET", "b", "2"))
    for cut in range(1, len(inside) + 1):
        files = with_commands(before + inside[:cut])
        made = Opened(files)
        assert files.read(NAME + b".1.incr.aof") == before
        assert made.do("MGET", "a", "b") is not None
        assert made.do("EXISTS", "b") == 0
        revert = "Revert incomplete MULTI/EXEC transaction in AOF file appendonly.aof.1.incr.aof"
        assert (revert in made.told.lines) == (cut >= len(spelled(("MULTI",))))


def test_a_torn_file_must_be_the_last() -> None:
    files = with_commands(COMMANDS[:-3], b"")
    assert refusal(files).endswith("the truncated file appendonly.aof.1.incr.aof is not the last file")


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (b"SET a 1\r\n", "Bad file format reading the append only file appendonly.aof.1.incr.aof: make a backup"),
        (
            spelled(("NOSUCH", "a")),
            "Error reading the append only file appendonly.aof.1.incr.aof, error: unknown command 'NOSUCH', with args "
            "beginning with: 'a' ",
        ),
        (spelled(("SET", "a")), ", error: wrong number of arguments for 'set' command"),
        (spelled(("XGROUP", "NOSUCH")), ", error: unknown subcommand 'NOSUCH'"),
        (b"REDIS0011", "Bad file format"),
    ],
)
def test_damage_is_told(tail: bytes, reason: str) -> None:
    told = refusal(with_commands(COMMANDS + tail))
    assert reason in told
    if told.startswith("Bad"):
        assert f"(at offset {len(COMMANDS)})" in told


def test_commands_that_fail_are_ignored() -> None:
    made = Opened(with_commands(COMMANDS + spelled(("LPUSH", "n", "x"), ("SELECT", "99"), ("EXEC",), ("INCR", "n"))))
    made.do("SELECT", "3")
    assert made.do("GET", "n") == b"2"
    assert made.engine.counters.propagation_errors == 2


def test_a_command_that_fails_ends_the_load_if_that_is_set() -> None:
    """`propagation-error-behavior panic`; here, the host refuses to end the process."""
    files = with_commands(COMMANDS + spelled(("LPUSH", "n", "x")))
    assert "WRONGTYPE" in refusal(files, propagation_error_behavior="panic")
    Opened(files, propagation_error_behavior="panic-on-replicas")


def test_a_missing_file_is_told() -> None:
    files = with_commands(COMMANDS, manifest=b"file appendonly.aof.9.incr.aof seq 9 type i\n")
    assert refusal(files) == (
        "Unable to obtain the AOF file appendonly.aof.9.incr.aof length. stat: No such file or directory"
    )


def test_a_damaged_manifest_is_told() -> None:
    files = with_commands(COMMANDS, manifest=b"file x\n")
    assert refusal(files) == "Invalid AOF manifest file format"


def test_a_damaged_snapshot_is_refused_whatever_the_setting() -> None:
    first = Opened()
    first.do("SET", "k", "v" * 100)
    first.do("BGREWRITEAOF")
    first.work()
    first.close()
    files = first.engine.config.files
    assert isinstance(files, MemoryFiles)
    name = NAME + b".2.base.rdb"
    data = files.read(name)
    for cut in (5, 8, 9, 20, len(data) - 1):
        files.truncate(name, 0)
        put(files, name, data[:cut])
        assert refusal(files)


def test_an_old_single_file_moves_into_the_folder() -> None:
    files = MemoryFiles()
    put(files, b"/appendonly.aof", COMMANDS)
    made = Opened(files)
    assert made.do("GET", "a") == b"1"
    assert "Successfully migrated an old-style AOF file (appendonly.aof) into the AOF directory (appendonlydir)." in (
        made.told.lines
    )
    assert not files.exists(b"/appendonly.aof")
    assert files.read(NAME + b".manifest") == (
        b"file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    )


def test_an_interrupted_upgrade_goes_on() -> None:
    files = MemoryFiles()
    put(files, b"/appendonly.aof", COMMANDS)
    put(files, NAME + b".manifest", b"file appendonly.aof seq 1 type b\n")
    assert Opened(files).do("GET", "a") == b"1"


def test_an_old_file_beside_a_manifest_is_ignored() -> None:
    files = with_commands(COMMANDS)
    put(files, b"/appendonly.aof", spelled(("SET", "a", "old")))
    assert Opened(files).do("GET", "a") == b"1"
    assert files.exists(b"/appendonly.aof")


def test_keys_do_not_expire_while_they_are_loaded() -> None:
    """INCR of a key that has expired since must find it, or the key would come back without its deadline."""
    clock = VirtualClock()
    at_ms = clock.now_us() // 1000
    commands = spelled(
        ("SET", "gone", "5", "PXAT", at_ms - 1000), ("INCR", "gone"), ("SET", "kept", "v", "PXAT", at_ms - 500),
        ("PERSIST", "kept"), ("HSET", "h", "f", "v"), ("HPEXPIREAT", "h", at_ms - 300, "FIELDS", "1", "f"),
        ("HPERSIST", "h", "FIELDS", "1", "f"), ("SET", "late", "v"), ("PEXPIREAT", "late", at_ms - 200),
        ("PEXPIREAT", "late", at_ms + 100_000), ("RPUSH", "l", "a"), ("PEXPIREAT", "l", at_ms - 100), ("RPUSH", "l", "b"),
    )  # fmt: skip
    made = Opened(with_commands(commands))
    assert made.engine.databases[0].table.size == 5
    assert made.do("GET", "gone") is None
    assert made.do("GET", "kept") == b"v"
    assert made.do("HGET", "h", "f") == b"v"
    assert made.do("PTTL", "late") == 100_000
    assert made.do("EXISTS", "l") == 0
    # What expires now is told to the file.
    assert opened_again(made).engine.databases[0].table.size == 3


def test_times_of_consumers_survive() -> None:
    made = Opened()
    made.do("XADD", "s", "1-1", "f", "v")
    made.do("XGROUP", "CREATE", "s", "g", "0")
    made.do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    made.pass_s(5)
    again = opened_again(made)
    group = again.engine.databases[0].stream(b"s").group(b"g")  # type: ignore[union-attr]
    assert group is not None and group.pending.to_first()
    assert group.pending.delivered_ms() == VirtualClock().now_us() // 1000


def test_libraries_are_kept() -> None:
    source = "#!lua name=lib\nserver.register_function('f', function() return 1 end)"
    made = Opened(with_commands(spelled(("FUNCTION", "LOAD", source), ("FUNCTION", "LOAD", "REPLACE", source))))
    assert made.engine.durability.libraries == [source.encode()]


def test_listeners_learn_nothing_of_a_load() -> None:
    """No keyspace event is sent, and notifications work afterwards."""
    made = Opened(with_commands(COMMANDS), notify_keyspace_events="KEA")
    assert made.engine.moment.interest != 0
    assert made.engine.moment.deleting_expired
    assert not made.engine.moment.repeating


class Stopping(Progress):
    """Serves clients during the load: time moves on, and interest may change."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.moves = 0

    def moved(self, done: int, total: int) -> None:
        self.moves += 1
        self.engine.start_unit()


def test_progress_is_told_and_the_clock_may_move() -> None:
    at_ms = VirtualClock().now_us() // 1000
    many = (
        spelled(("SET", "k", "5", "PXAT", at_ms - 1))
        + spelled(("SET", "x", "v" * 1000)) * 9000
        + spelled(("INCR", "k"))
    )
    engine = opened(with_commands(many), appendonly="yes")
    stopping = Stopping(engine)
    open_append_only(engine, stopping)
    assert stopping.moves > 2
    db = engine.databases[0]
    assert db.find(b"k") and db.text() == b"6"


def test_two_engines_cannot_have_one_folder() -> None:
    files = MemoryFiles()
    first = Opened(files)
    with pytest.raises(
        LoadError, match="The append-only directory /appendonlydir is in use by another program: proces"
    ):
        Opened(files)
    first.close()
    Opened(files).close()


def test_loading_again() -> None:
    made = Opened()
    made.do("SET", "k", "v")
    made.do("SELECT", "2")
    made.do("RPUSH", "l", "a", "b")
    before = made.digest()
    assert made.log.reload()
    assert made.digest() == before
    made.do("RPUSH", "l", "c")
    made.do("SET", "other", "v")
    assert opened_again(made).digest() == made.digest()


def test_told_lines() -> None:
    told = Told()
    engine = opened(with_commands(COMMANDS), appendonly="yes")
    open_append_only(engine, told)
    assert any(line.startswith("DB loaded from incr file appendonly.aof.1.incr.aof: ") for line in told.lines)
    assert any(line.startswith("DB loaded from append only file: ") for line in told.lines)
