"""Rewrites, switching on and off, and what a crash at any moment leaves."""

from __future__ import annotations

import errno
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.differential.pair import difference_rows
from tests.differential.test_random import Drawer
from tests.unit.persistence.append import FOLDER, Opened, TornFiles, put, run, session_of, spelled
from tests.unit.persistence.contents import opened
from tests.unit.persistence.test_append_only import BadDisk
from tests.unit.persistence.test_background import NAMES, fill

from redpoll.engine.durability import LOG_BEGINS, LOG_OFF, LOG_ON
from redpoll.env.files import Appender, Files, MemoryAppender, MemoryFile, MemoryFiles
from redpoll.observe.digest import data_digest
from redpoll.persistence.append_control import AppendFile, AppendSettings
from redpoll.persistence.append_loading import LoadError
from redpoll.protocol.reply import Error, Status

NAME = FOLDER + b"appendonly.aof"


def said(reply: object) -> bytes:
    """The text of a status."""
    assert isinstance(reply, Status), reply
    return reply.text


FIRST = b"file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"


def manifest(files: Files) -> bytes:
    return files.read(NAME + b".manifest")


def names(files: Files) -> set[bytes]:
    """All files of the folder, without the manifest."""
    assert isinstance(files, MemoryFiles)
    return {name[len(FOLDER) :] for name in files.contents if name.startswith(FOLDER)} - {b"appendonly.aof.manifest"}


def reopened(made: Opened, **settings: str) -> Opened:
    made.close()
    return Opened(made.engine.config.files, **settings)


def test_a_fresh_start() -> None:
    for preamble, first in (("yes", b"appendonly.aof.1.base.rdb"), ("no", b"appendonly.aof.1.base.aof")):
        made = Opened(aof_use_rdb_preamble=preamble)
        files = made.engine.config.files
        assert manifest(files) == FIRST.replace(b"appendonly.aof.1.base.rdb", first)
        assert names(files) == {first, b"appendonly.aof.1.incr.aof"}
        assert (files.read(FOLDER + first)[:6] == b"VALKEY") == (preamble == "yes")
        assert made.log.size == 0
    made = Opened(aof_use_rdb_preamble="no", aof_timestamp_enabled="yes")
    assert made.engine.config.files.read(NAME + b".1.base.aof").startswith(b"#TS:")


def test_commands_that_no_manifest_lists_stay_out() -> None:
    """The row `append-only-leftovers`: such a file is left by a crash after the first rewrite."""
    assert "append-only-leftovers" in difference_rows()
    files = MemoryFiles()
    put(files, FOLDER + b"appendonly.aof.1.incr.aof", spelled(("SET", "stale", "1")))
    made = Opened(files)
    made.do("SET", "k", "v")
    again = reopened(made)
    assert (again.do("GET", "k"), again.do("EXISTS", "stale")) == (b"v", 0)
    assert b"appendonly.aof.2.incr.aof seq 2" in manifest(files)


def test_other_names() -> None:
    made = Opened(appenddirname="log files", appendfilename="my file")
    made.do("SET", "a", "1")
    files = made.engine.config.files
    assert files.read(b"/log files/my file.manifest").startswith(b'file "my file.1.base.rdb" seq 1 type b\n')
    again = reopened(made, appenddirname="log files", appendfilename="my file")
    assert again.do("GET", "a") == b"1"


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_a_rewrite_keeps_what_runs_meanwhile(preamble: str) -> None:
    made = Opened(aof_use_rdb_preamble=preamble)
    made.engine.saves_itself = False
    fill(made.engine, made.session)
    made.engine.commit()
    size = made.log.size
    assert said(made.do("BGREWRITEAOF")) == b"Background append only file rewriting started"
    assert isinstance(made.do("BGREWRITEAOF"), Error)
    assert made.engine.durability.running is not None
    dice = random.Random(3)
    n = 0
    while made.engine.durability.running is not None:
        made.do("SELECT", dice.randrange(3))
        made.do("SET", f"filler:{dice.randrange(150)}", n)
        made.do("DEL", f"filler:{dice.randrange(150)}")
        made.do("RPUSH", f"new:{n}", n)
        made.engine.durability.running.step(1)
        n += 1
    files = made.engine.config.files
    base = b"appendonly.aof.2.base." + (b"rdb" if preamble == "yes" else b"aof")
    assert manifest(files) == FIRST.replace(b"appendonly.aof.1.base.rdb seq 1", base + b" seq 2").replace(
        b".1.incr.aof seq 1", b".2.incr.aof seq 2"
    )
    assert names(files) == {base, b"appendonly.aof.2.incr.aof"}
    assert made.log.size != size and made.log.base_size == made.log.size
    before = made.digest()
    assert reopened(made).digest() == before


def test_a_rewrite_waits_for_a_transaction_and_a_save() -> None:
    made = Opened()
    made.engine.saves_itself = False
    scheduled = b"Background append only file rewriting scheduled"
    for words in (("MULTI",), ("SET", "a", "1"), ("BGREWRITEAOF",), ("SET", "a", "2")):
        made.do(*words)
    replies = made.do("EXEC")
    assert isinstance(replies, list) and [said(reply) for reply in replies] == [b"OK", scheduled, b"OK"]
    assert made.log.scheduled
    made.log.tick()
    made.work()
    assert made.log.rewrites == 1 and not made.log.scheduled
    made.do("BGSAVE")
    assert said(made.do("BGREWRITEAOF")) == scheduled
    made.log.tick()
    assert made.log.rewrites == 1
    made.work()
    made.log.tick()
    refused = made.do("BGSAVE")
    assert isinstance(refused, Error) and refused.text.startswith(b"ERR Another child process is active (AOF?)")
    assert said(made.do("BGSAVE", "SCHEDULE")) == b"Background saving scheduled"
    assert said(made.do("BGSAVE", "CANCEL")) == b"Scheduled background saving cancelled"
    assert isinstance(made.do("BGSAVE", "CANCEL"), Error)
    assert said(made.do("SAVE")) == b"OK"
    made.work()
    assert made.log.rewrites == 2


def test_flushall_does_not_end_a_rewrite() -> None:
    made = Opened(save="")
    made.engine.saves_itself = False
    fill(made.engine, made.session)
    made.do("BGREWRITEAOF")
    made.do("FLUSHALL")
    made.do("SET", "a", "1")
    made.work()
    again = reopened(made)
    assert again.do("GET", "a") == b"1"
    assert sum(db.table.size for db in again.engine.databases) == 1


def test_automatic_rewrites() -> None:
    made = Opened(auto_aof_rewrite_min_size="1000", auto_aof_rewrite_percentage="50")
    made.engine.saves_itself = False
    for n in range(10):
        made.do("SET", "a", n)
    made.log.tick()
    assert made.log.rewrites == 0
    made.do("SET", "a", "x" * 900)
    made.log.tick()
    assert made.log.rewrites == 1
    assert any(line.startswith("Starting automatic rewriting of AOF on ") for line in made.lines())
    made.work()
    base = made.log.base_size
    while made.log.size * 100 // base - 100 < 50:
        assert made.log.rewrites == 1
        made.do("SET", "a", "x" * 100)
        made.log.tick()
    made.log.tick()
    made.work()
    made.do("CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
    made.do("SET", "a", "x" * 100_000)
    before = made.log.rewrites
    made.log.tick()
    assert made.log.rewrites == before


@pytest.mark.parametrize("failing", ["open", "write", "sync", "rename", "sync_folder"])
def test_a_rewrite_that_fails_leaves_the_old_files_in_use(failing: str) -> None:
    files = BadDisk()
    made = Opened(files)
    made.engine.saves_itself = False
    made.do("SET", "a", "1")
    made.do("RPUSH", "l", *range(100))
    made.log.flush()
    files.failing = failing
    made.do("BGREWRITEAOF")
    made.work()
    assert not made.log.rewrite_worked and made.log.failures == 1
    assert not any(b"temp" in name for name in files.contents if b"manifest" not in name)
    files.failing = ""
    made.pass_s(2)
    made.do("SET", "b", "2")
    assert names(files) >= {b"appendonly.aof.1.base.rdb", b"appendonly.aof.1.incr.aof"}
    made.do("BGREWRITEAOF")
    made.work()
    assert made.log.rewrite_worked and made.log.failures == 0
    before = made.digest()
    assert reopened(made).digest() == before


def test_failed_rewrites_are_tried_more_and_more_rarely() -> None:
    files = BadDisk()
    made = Opened(files, auto_aof_rewrite_min_size="100")
    made.engine.saves_itself = False
    made.do("SET", "a", "x" * 1000)
    files.failing = "rename"
    for failures in range(1, 4):
        made.log.tick()
        made.work()
        assert made.log.failures == failures
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        before = made.log.failures
        made.pass_s(minutes * 60 - 5)
        made.log.tick()
        assert made.log.failures == before
        made.pass_s(6)
        made.log.tick()
        made.work()
        assert made.log.failures == before + 1


def test_switching_on_writes_all_data_first() -> None:
    engine = opened()
    log = AppendFile(engine)
    engine.durability.append_only = log
    AppendSettings(log)
    session = session_of(engine)
    engine.saves_itself = False
    run(engine, session, "SET", "a", "1")
    assert said(run(engine, session, "CONFIG", "SET", "appendonly", "yes")) == b"OK"
    files = engine.config.files
    assert log.state == LOG_BEGINS and names(files) == {b"temp-appendonly.aof.incr"}
    run(engine, session, "SET", "b", "2")
    running = engine.durability.running
    assert running is not None
    while engine.durability.running is not None:
        running.step(1000)
    assert log.state == LOG_ON
    assert names(files) == {b"appendonly.aof.1.base.rdb", b"appendonly.aof.1.incr.aof"}
    assert manifest(files) == FIRST
    run(engine, session, "SET", "c", "3")
    assert said(run(engine, session, "CONFIG", "SET", "appendonly", "no")) == b"OK"
    assert log.state == LOG_OFF
    run(engine, session, "SET", "d", "4")
    assert files.read(NAME + b".1.incr.aof") == spelled(("SELECT", 0), ("SET", "b", "2"), ("SET", "c", "3"))
    run(engine, session, "CONFIG", "SET", "appendonly", "yes")
    while engine.durability.running is not None:
        engine.durability.running.step(1000)
    assert manifest(files) == FIRST.replace(b"1.base.rdb seq 1", b"2.base.rdb seq 2").replace(
        b"1.incr.aof seq 1", b"2.incr.aof seq 2"
    )
    assert data_digest(Opened(_copy(files)).engine) == data_digest(engine)


def _copy(files: Files) -> MemoryFiles:
    """The same files without the lock."""
    assert isinstance(files, MemoryFiles)
    made = MemoryFiles()
    for name, file in files.contents.items():
        put(made, name, file.data)
    return made


def test_switching_on_fails_by_a_locked_folder_and_is_tried_again_after_a_failed_rewrite() -> None:
    files = BadDisk()
    engine = opened(files)
    log = AppendFile(engine)
    engine.durability.append_only = log
    AppendSettings(log)
    session = session_of(engine)
    engine.saves_itself = False
    lock = files.lock(NAME + b".lock", "somebody")
    refused = run(engine, session, "CONFIG", "SET", "appendonly", "yes")
    assert isinstance(refused, Error) and refused.text.endswith(b"Unable to turn on AOF. Check server logs.")
    lock.release()
    run(engine, session, "CONFIG", "SET", "appendonly", "yes")
    files.failing = "rename"
    run(engine, session, "SET", "a", "1")
    while engine.durability.running is not None:
        engine.durability.running.step(1000)
    assert log.state == LOG_BEGINS and not log.rewrite_worked
    files.failing = ""
    engine.clock.advance_ms(1500)  # type: ignore[attr-defined]
    engine.start_unit()
    log.tick()
    assert engine.durability.running is not None
    run(engine, session, "SET", "b", "1")
    while engine.durability.running is not None:
        engine.durability.running.step(1000)
    assert log.state == LOG_ON
    assert data_digest(Opened(_copy(files)).engine) == data_digest(engine)


def test_a_rewrite_with_the_file_off_makes_a_base_only() -> None:
    made = Opened()
    made.do("SET", "a", "1")
    made.do("CONFIG", "SET", "appendonly", "no")
    made.engine.saves_itself = False
    made.do("SET", "b", "1")
    made.do("BGREWRITEAOF")
    made.work()
    files = made.engine.config.files
    assert manifest(files) == b"file appendonly.aof.2.base.rdb seq 2 type b\n"
    assert Opened(_copy(files)).do("GET", "b") == b"1"


def test_replaced_files_may_be_kept() -> None:
    made = Opened(aof_disable_auto_gc="yes")
    made.engine.saves_itself = False
    made.do("SET", "a", "1")
    made.do("BGREWRITEAOF")
    made.work()
    files = made.engine.config.files
    assert b"type h" in manifest(files) and len(names(files)) == 4
    made.do("CONFIG", "SET", "aof-disable-auto-gc", "no")
    assert b"type h" not in manifest(files) and len(names(files)) == 2


# Crashes.


class Crash(BaseException):
    """The machine stops."""


class CrashFiles(TornFiles):
    """Crashes at the operation number `left`."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 1 << 60
        self.done = 0

    def count(self) -> None:
        self.done += 1
        self.left -= 1
        if self.left < 0:
            raise Crash

    def append(self, path: bytes) -> Appender:
        self.count()
        super().append(path)
        return CrashAppender(self, self.contents[self.absolute(path)])

    def rename(self, old: bytes, new: bytes) -> None:
        self.count()
        super().rename(old, new)

    def remove(self, path: bytes) -> None:
        self.count()
        super().remove(path)

    def truncate(self, path: bytes, size: int) -> None:
        self.count()
        super().truncate(path, size)

    def sync_folder(self, path: bytes) -> None:
        self.count()
        super().sync_folder(path)


class CrashAppender(MemoryAppender):
    def __init__(self, files: CrashFiles, file: MemoryFile) -> None:
        super().__init__(file)
        self.files = files

    def write(self, data: bytes) -> None:
        half = len(data) // 2
        super().write(data[:half])
        self.files.count()
        super().write(data[half:])

    def sync(self) -> None:
        self.files.count()
        super().sync()
        self.files.count()


SCRIPT: list[tuple[object, ...]] = [
    ("SET", "a", "1"), ("RPUSH", "l", "x", "y"), ("MULTI",), ("INCR", "a"), ("SELECT", "2"), ("INCR", "a"), ("EXEC",),
    ("BGREWRITEAOF",), ("INCR", "a"), ("wait",), ("INCR", "a"), ("RPOP", "l"), ("BGREWRITEAOF",), ("wait",), ("reopen",),
    ("INCR", "a"), ("CONFIG", "SET", "aof-use-rdb-preamble", "no"), ("BGREWRITEAOF",), ("INCR", "a"), ("wait",),
    ("SET", "b", "x" * 100), ("reopen",), ("INCR", "a"),
]  # fmt: skip


class Life:
    """Runs the script until a crash, and remembers what was acknowledged."""

    def __init__(self, files: CrashFiles, policy: str) -> None:
        self.files = files
        self.policy = policy
        self.sure = bytes(20)
        """The state after the last command with a reply."""
        self.possible: set[bytes] = {bytes(20)}
        """All states that there were."""
        self.made: Opened | None = None

    def opened(self) -> Opened:
        made = Opened(self.files, appendfsync=self.policy)
        made.engine.saves_itself = False
        return made

    def live(self) -> None:
        made = self.made = self.opened()
        for words in SCRIPT:
            if words == ("wait",):
                made.work()
            elif words == ("reopen",):
                made.close()
                made = self.made = self.opened()
            else:
                run(made.engine, made.session, *words)
                after = made.digest()
                self.possible.add(after)
                made.engine.commit()
                self.sure = after


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_a_crash_at_every_operation_leaves_what_was_acknowledged(policy: str) -> None:
    """With `always` nothing acknowledged is lost; otherwise the state is one that there was."""
    whole = CrashFiles()
    Life(whole, policy).live()
    total = whole.done
    assert total > 100
    # 10,000 crashes of both policies together under the full profile.
    for seed in range(40 if settings().max_examples >= 800 else 1):
        dice = random.Random(seed)
        for number in range(total):
            files = CrashFiles()
            files.left = number
            life = Life(files, policy)
            with pytest.raises(Crash):
                life.live()
            made = life.made
            if made is not None:
                life.possible.add(made.digest())
            files.crash_randomly(dice)
            files.left = 1 << 60
            again = Opened(files, appendfsync=policy)
            found = again.digest()
            assert found in life.possible, (seed, number)
            if policy == "always":
                assert found == life.sure or (made is not None and found == made.digest()), (seed, number)
            again.do("SET", "after", "crash")
            before = again.digest()
            assert reopened(again).digest() == before


class FaultyFiles(CrashFiles):
    """Refuses the operation number `failing` once."""

    def __init__(self, failing: int) -> None:
        super().__init__()
        self.failing = failing

    def count(self) -> None:
        self.done += 1
        if self.done == self.failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def opened_at_last(files: CrashFiles, policy: str) -> Opened:
    """Open, once more if the first attempt meets the fault."""
    try:
        made = Opened(files, appendfsync=policy)
    except LoadError:
        made = Opened(files, appendfsync=policy)
    made.engine.saves_itself = False
    return made


def live_with_a_fault(files: FaultyFiles, policy: str) -> Opened:
    """Run the script.  A program that gives up, as under `always`, starts again and has what was acknowledged."""
    made = opened_at_last(files, policy)
    for words in SCRIPT:
        sure = made.digest()
        try:
            if words == ("wait",):
                made.work()
            elif words == ("reopen",):
                assert made.log.flush() or made.log.flush()
                made.log.close()
                made = opened_at_last(files, policy)
                assert made.digest() == sure
            else:
                made.do(*words)
        except OSError:
            assert policy == "always"
            files.locks = {}
            after = made.digest()
            made = opened_at_last(files, policy)
            assert made.digest() in (sure, after)
    return made


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_a_fault_at_every_operation_loses_nothing(policy: str) -> None:
    """One write, sync, rename or removal fails.  After the next flush and a crash, all data is there."""
    whole = FaultyFiles(0)
    live_with_a_fault(whole, policy)
    for number in range(1, whole.done + 1):
        dice = random.Random(number)
        files = FaultyFiles(number)
        made = live_with_a_fault(files, policy)
        made.pass_s(2)
        assert made.log.flush() or made.log.flush()
        before = made.digest()
        files.crash_randomly(dice)
        again = opened_at_last(files, policy)
        assert again.digest() == before, number
        again.do("SET", "after", "crash")
        assert reopened(again).digest() == again.digest(), number


# Any commands.


steps = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 1 << 20), st.integers(0, 19)), max_size=60)


@pytest.mark.parametrize("preamble", ["yes", "no"])
@settings(parent=settings.default, max_examples=settings().max_examples // 2 + 1)
@given(steps)
def test_any_commands_are_loaded_to_the_same_data(preamble: str, sketch: list[tuple[str, int, int]]) -> None:
    """Random commands of all families, rewrites between them, expiry: the loaded data is the same."""
    made = Opened(aof_use_rdb_preamble=preamble)
    made.engine.saves_itself = False
    fill(made.engine, made.session)
    for at, (name, seed, way) in enumerate(sketch):
        if way == 0:
            made.pass_s(seed % 5000 / 1000)
        elif way == 1:
            made.do("DISCARD")
            made.do("BGREWRITEAOF")
        elif way < 6 and made.engine.durability.running is not None:
            made.engine.durability.running.step(50)
        made.do(*Drawer(seed, at).command(name)[1])
        if name == "select" or seed % 4 == 0:
            made.do("SELECT", seed % 3)
    made.do("DISCARD")
    made.work()
    made.engine.tick()
    made.engine.commit()
    before = made.engine.moment.now_ms
    made.close()
    again = Opened(made.engine.config.files, int(before - opened().moment.now_ms))
    assert not any("ignored" in line for line in again.told.lines), again.told.lines
    assert again.digest() == made.digest()
