"""What LATENCY learns of the files: which events, and that nothing is recorded while its monitor is off."""

from __future__ import annotations

import pytest
from tests.unit.persistence.append import Opened
from tests.unit.persistence.test_append_only import BadAppender, BadDisk

from redpoll.env.clock import VirtualClock
from redpoll.env.files import Appender


class SlowDisk(BadDisk):
    """A disk with operations that take `takes_ms` each."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.takes_ms = 0

    def wait(self) -> None:
        self.clock.advance_ms(self.takes_ms)

    def append(self, path: bytes) -> Appender:
        super().append(path)
        return SlowAppender(self, self.contents[self.absolute(path)])

    def rename(self, old: bytes, new: bytes) -> None:
        self.wait()
        super().rename(old, new)

    def remove(self, path: bytes) -> None:
        self.wait()
        super().remove(path)

    def size(self, path: bytes) -> int:
        self.wait()
        return super().size(path)


class SlowAppender(BadAppender):
    def write(self, data: bytes) -> None:
        assert isinstance(self.files, SlowDisk)
        self.files.wait()
        super().write(data)

    def sync(self) -> None:
        assert isinstance(self.files, SlowDisk)
        self.files.wait()
        super().sync()


def opened(threshold_ms: int = 5, **settings: str) -> tuple[Opened, SlowDisk]:
    files = SlowDisk()
    made = Opened(files, **settings)
    clock = made.engine.clock
    assert isinstance(clock, VirtualClock)
    files.clock = clock
    files.takes_ms = 7
    made.engine.saves_itself = False
    made.do("CONFIG", "SET", "latency-monitor-threshold", threshold_ms)
    return made, files


def seen(made: Opened) -> dict[bytes, int]:
    """The latest sample of each event, without those of commands; then none is left."""
    latest = made.do("LATENCY", "LATEST")
    made.do("LATENCY", "RESET")
    assert isinstance(latest, list)
    return {name: ms for name, _at, ms, *_rest in latest if name not in (b"command", b"fast-command")}


def test_a_write_is_recorded_with_what_goes_on_beside_it() -> None:
    made, files = opened(appendfsync="no")
    made.do("SET", "k", "v")
    assert seen(made) == {b"aof-write": 7, b"aof-write-alone": 7}
    made.do("CONFIG", "SET", "rdb-key-save-delay", 1_000_000)
    made.do("BGSAVE")
    made.do("SET", "k", "w")
    assert seen(made) == {b"aof-write": 7, b"aof-write-active-child": 7}
    made.do("CONFIG", "SET", "appendfsync", "everysec")
    files.slow = True
    made.do("SET", "k", "x")
    seen(made)
    # The first of these waits two seconds for the sync.
    made.do("SET", "k", "y")
    made.pass_s(2)
    made.do("SET", "k", "z")
    assert seen(made) == {b"aof-write": 7, b"aof-write-pending-fsync": 7}


def test_a_write_that_fails_is_recorded() -> None:
    made, files = opened(appendfsync="no")
    files.failing = "write"
    made.do("SET", "k", "v")
    assert seen(made) == {b"aof-write": 7, b"aof-write-alone": 7}


def test_under_always_the_sync_is_recorded() -> None:
    made, _files = opened(appendfsync="always")
    made.do("SET", "k", "v")
    assert seen(made) == {b"aof-write": 7, b"aof-write-alone": 7, b"aof-fsync-always": 7}


def test_files_that_get_a_name_or_lose_it() -> None:
    made, files = opened(appendfsync="no")
    made.do("BGREWRITEAOF")
    seen(made)
    made.work()
    # The sizes of the new base and of the present file of commands.
    assert seen(made) == {b"aof-rename": 7, b"aof-fstat": 14}
    made.do("BGSAVE")
    made.do("BGSAVE", "CANCEL")
    assert seen(made)[b"rdb-unlink-temp-file"] == 7
    assert not any(name.startswith(b"/temp") for name in files.contents)


@pytest.mark.parametrize("threshold_ms", [0, 15])
def test_shorter_work_is_not_recorded(threshold_ms: int) -> None:
    made, _files = opened(threshold_ms, appendfsync="always")
    made.do("SET", "k", "v")
    made.do("BGREWRITEAOF")
    made.work()
    assert seen(made) == {}


def test_the_sleep_before_each_write_does_not_count() -> None:
    """As in the reference, where DEBUG AOF-FLUSH-SLEEP causes no event."""
    made, files = opened(appendfsync="no", enable_debug_command="yes")
    files.takes_ms = 0
    made.do("DEBUG", "AOF-FLUSH-SLEEP", 50_000)
    made.do("SET", "k", "v")
    assert seen(made) == {}


def test_the_doctor_has_advice_for_a_slow_disk() -> None:
    made, _files = opened(appendfsync="no")
    made.do("SET", "k", "v")
    report = made.do("LATENCY", "DOCTOR")
    assert b"The disk made commands wait" in getattr(report, "text", b"")
