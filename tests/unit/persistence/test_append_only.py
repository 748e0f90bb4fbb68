"""Writing the append-only file: its bytes, its syncs, and disks that refuse."""

from __future__ import annotations

import errno
import os

import pytest
from tests.unit.persistence.append import FOLDER, Opened, spelled

from redpoll.engine.durability import LOG_ON
from redpoll.env.files import Appender, MemoryAppender, MemoryFile, MemoryFiles, Syncing
from redpoll.protocol.reply import Error, Verbatim

INCR = FOLDER + b"appendonly.aof.1.incr.aof"


class BadDisk(MemoryFiles):
    """Refuses operations by name, writes only a part, or lets syncs last until `end_syncs`."""

    def __init__(self) -> None:
        super().__init__()
        self.failing = ""
        self.partly = 0
        self.slow = False
        self.running: list[Syncing] = []
        self.syncs = 0

    def refuse(self, name: str) -> None:
        if name == self.failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def append(self, path: bytes) -> Appender:
        self.refuse("open")
        super().append(path)
        return BadAppender(self, self.contents[self.absolute(path)])

    def rename(self, old: bytes, new: bytes) -> None:
        self.refuse("rename")
        super().rename(old, new)

    def sync_folder(self, path: bytes) -> None:
        self.refuse("sync_folder")
        super().sync_folder(path)

    def syncing(self, appender: Appender) -> Syncing:
        begun = Syncing(appender)
        if self.slow:
            self.running.append(begun)
        else:
            begun.run()
        return begun

    def end_syncs(self) -> None:
        for each in self.running:
            each.run()
        self.running = []


class BadAppender(MemoryAppender):
    def __init__(self, files: BadDisk, file: MemoryFile) -> None:
        super().__init__(file)
        self.files = files

    def write(self, data: bytes) -> None:
        if self.files.failing == "write":
            super().write(data[: self.files.partly])
        self.files.refuse("write")
        super().write(data)

    def sync(self) -> None:
        self.files.refuse("sync")
        self.files.syncs += 1
        super().sync()

    def truncate(self, size: int) -> None:
        self.files.refuse("truncate")
        super().truncate(size)


def written(made: Opened) -> bytes:
    return made.engine.config.files.read(INCR)


def info(made: Opened) -> bytes:
    reply = made.do("INFO", "persistence")
    assert isinstance(reply, Verbatim)
    return reply.text


def test_effects_are_written_with_their_database() -> None:
    made = Opened()
    assert written(made) == b""
    made.do("SET", "a", "1")
    made.do("GET", "a")
    made.do("SELECT", "5")
    made.do("INCR", "n")
    made.do("INCR", "n")
    assert written(made) == spelled(("SELECT", "0"), ("SET", "a", "1"), ("SELECT", "5"), ("INCR", "n"), ("INCR", "n"))


def test_a_transaction_selects_inside() -> None:
    made = Opened()
    for words in (("MULTI",), ("SET", "a", "1"), ("SELECT", "2"), ("SET", "b", "1"), ("EXEC",), ("SET", "c", "1")):
        made.do(*words)
    assert written(made) == spelled(
        ("MULTI",), ("SELECT", "0"), ("SET", "a", "1"), ("SELECT", "2"), ("SET", "b", "1"), ("EXEC",), ("SET", "c", "1")
    )


def test_times_are_annotated() -> None:
    made = Opened(aof_timestamp_enabled="yes")
    made.do("SET", "a", "1")
    made.do("SET", "a", "2")
    made.pass_s(2)
    made.do("SET", "a", "3")
    now_s = made.engine.moment.now_us // 1000000
    assert written(made) == b"#TS:%d\r\n" % (now_s - 2) + spelled(
        ("SELECT", "0"), ("SET", "a", "1"), ("SET", "a", "2")
    ) + b"#TS:%d\r\n" % now_s + spelled(("SET", "a", "3"))


def test_each_second_is_synced() -> None:
    files = BadDisk()
    made = Opened(files)
    made.do("SET", "a", "1")
    first = files.syncs
    for _ in range(5):
        made.do("SET", "a", "2")
    assert files.syncs == first
    made.pass_s(0.5)
    assert files.syncs == first
    made.pass_s(0.6)
    # Also without a further command.
    assert files.syncs == first + 1
    made.pass_s(1.1)
    assert files.syncs == first + 1
    assert files.find(INCR).synced == len(written(made))


def test_always_is_synced_before_the_reply() -> None:
    files = BadDisk()
    made = Opened(files, appendfsync="always")
    before = files.syncs
    for n in range(5):
        made.do("SET", "a", n)
        assert files.find(INCR).synced == len(written(made))
    assert files.syncs == before + 5
    made.do("GET", "a")
    assert files.syncs == before + 5


def test_no_is_never_synced() -> None:
    files = BadDisk()
    made = Opened(files, appendfsync="no")
    made.do("SET", "a", "1")
    made.pass_s(10)
    assert files.find(INCR).synced == 0


def test_a_write_waits_two_seconds_for_a_running_sync() -> None:
    files = BadDisk()
    made = Opened(files)
    files.slow = True
    made.do("SET", "a", "1")
    assert len(files.running) == 1
    assert made.log.pending_syncs() == 1
    size = len(written(made))
    made.do("SET", "a", "2")
    assert len(written(made)) == size and made.log.pending_bytes() > 0
    made.pass_s(1.9)
    made.do("SET", "a", "3")
    assert len(written(made)) == size and made.log.delayed == 0
    made.pass_s(0.2)
    assert written(made).endswith(spelled(("SET", "a", "2"), ("SET", "a", "3")))
    assert made.log.delayed == 1
    assert any("Asynchronous AOF fsync is taking too long" in line for line in made.lines())
    made.do("SET", "a", "4")
    files.end_syncs()
    made.do("SET", "a", "5")
    assert written(made).endswith(spelled(("SET", "a", "4"), ("SET", "a", "5")))
    assert made.log.delayed == 1


def test_nothing_is_synced_during_a_rewrite_if_so_set() -> None:
    for setting, synced in (("yes", False), ("no", True)):
        files = BadDisk()
        made = Opened(files, no_appendfsync_on_rewrite=setting)
        made.do("SET", "a", "1")
        made.pass_s(2)
        made.engine.saves_itself = False
        made.do("BGSAVE")
        made.engine.durability.scheduled = False
        made.do("SET", "a", "2")
        made.pass_s(2)
        made.log.tick()
        assert (files.find(INCR).synced == len(written(made))) == synced
        made.work()
        made.log.tick()
        assert files.find(INCR).synced == len(written(made))


@pytest.mark.parametrize("partly", [0, 7])
def test_a_write_that_fails_is_tried_again(partly: int) -> None:
    files = BadDisk()
    made = Opened(files)
    made.do("SET", "a", "1")
    size = len(written(made))
    files.failing = "write"
    files.partly = partly
    made.do("SET", "a", "2")
    assert len(written(made)) == size
    assert made.lines()[-1] == "Error writing to the AOF file: No space left on device"
    refused = made.do("SET", "b", "1")
    assert isinstance(refused, Error)
    assert refused.text == b"MISCONF Errors writing to the AOF file: No space left on device"
    assert made.do("GET", "a") == b"2"
    assert b"aof_last_write_status:err" in info(made)
    made.pass_s(1.5)
    assert made.lines().count("Error writing to the AOF file: No space left on device") == 1
    files.failing = ""
    made.pass_s(1.5)
    assert made.lines()[-1] == "AOF write error looks solved. The server can write again."
    assert written(made).endswith(spelled(("SET", "a", "2")))
    assert not isinstance(made.do("SET", "b", "1"), Error)
    assert b"aof_last_write_status:ok" in info(made)


def test_a_part_that_cannot_be_cut_off_is_told() -> None:
    files = BadDisk()
    made = Opened(files)
    made.do("SET", "a", "1")

    class Stubborn(BadAppender):
        def truncate(self, size: int) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    made.log.file = Stubborn(files, files.find(INCR))
    files.failing = "write"
    files.partly = 5
    made.do("SET", "a", "2")
    assert any(line.startswith("Could not remove short write from the append-only file.") for line in made.lines())


def test_a_sync_that_fails_refuses_writes_until_one_works() -> None:
    files = BadDisk()
    made = Opened(files)
    files.failing = "sync"
    made.do("SET", "a", "1")
    made.pass_s(1.1)
    assert made.lines()[-1] == "Fail to fsync the AOF file: No space left on device"
    assert isinstance(made.do("SET", "a", "2"), Error)
    files.failing = ""
    made.pass_s(1.1)
    made.pass_s(1.1)
    assert not isinstance(made.do("SET", "a", "2"), Error)
    assert files.find(INCR).synced > 0


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ("write", "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting..."),
        ("sync", "Can't persist AOF for fsync error when the AOF fsync policy is 'always': No space left on device."),
    ],
)
def test_under_always_a_disk_that_refuses_ends_the_program(failing: str, words: str) -> None:
    files = BadDisk()
    made = Opened(files, appendfsync="always")
    made.do("SET", "a", "1")
    files.failing = failing
    with pytest.raises(OSError, match="AOF"):
        made.do("SET", "a", "2")
    assert made.lines()[-1].startswith(words)


def test_waitaof() -> None:
    files = BadDisk()
    made = Opened(files)
    assert made.do("WAITAOF", 1, 0, 0) == [1, 0]
    files.slow = True
    made.do("SET", "a", "1")
    assert made.do("WAITAOF", 1, 0, 100) == [0, 0]
    assert made.do("WAITAOF", 0, 0, 0) == [0, 0]
    files.end_syncs()
    made.log.tick()
    assert made.do("WAITAOF", 1, 0, 0) == [1, 0]
    assert made.do("WAITAOF", 1, 1, 10) == [1, 0]


def test_the_buffer_shrinks_after_a_large_write() -> None:
    made = Opened()
    made.do("SET", "a", "v" * 3_000_000)
    made.do("SET", "b", "v")
    assert made.log.pending_bytes() == 0
    assert made.log.state == LOG_ON


def test_expired_and_evicted_keys_are_written() -> None:
    made = Opened()
    made.do("SET", "a", "1", "PX", 10)
    made.do("HSET", "h", "f", "v")
    made.do("HPEXPIRE", "h", 10, "FIELDS", 1, "f")
    made.pass_s(1)
    made.log.commit()
    assert written(made).endswith(spelled(("MULTI",), ("HDEL", "h", "f"), ("UNLINK", "h"), ("EXEC",)))
    assert spelled(("UNLINK", "a")) in written(made)
    made.do("SET", "big", "x" * 1000)
    made.do("CONFIG", "SET", "maxmemory-policy", "allkeys-random", "maxmemory", "1")
    made.do("SET", "b", "1")
    assert spelled(("UNLINK", "big")) in written(made)
