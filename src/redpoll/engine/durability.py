"""The state of saving and loading: the last save, the last load, and kept function libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64, mypyc_attr

from redpoll.engine.role import StreamPlace
from redpoll.engine.unit import Journal

if TYPE_CHECKING:
    from redpoll.engine.blocking import Blocking
    from redpoll.engine.session import Session

LOG_OFF: Final[i64] = 0
LOG_ON: Final[i64] = 1
LOG_BEGINS: Final[i64] = 2
"""States of the append-only file.  It begins after CONFIG SET, while its first base is being written."""


class RunningLoad:
    """A file that is being loaded, or its part that was read so far."""

    def __init__(self, began_us: i64, total: i64) -> None:
        self.began_us: i64 = began_us
        self.total: i64 = total
        """Bytes of the file."""
        self.done: i64 = 0
        """Bytes read."""
        self.used_memory: i64 = 0
        """The memory in use when the file was written, as it says."""

    def left_s(self, now_us: i64) -> i64:
        """The estimated seconds to the end, from whole seconds as in the reference; 1 if it has only begun."""
        elapsed_s = (now_us - self.began_us) // 1000000
        if elapsed_s <= 0:
            return 1
        return elapsed_s * (self.total - self.done) // (self.done + 1)


class RunningSave:
    """A snapshot that is written while commands run.  `persistence/` subclasses it."""

    def __init__(self, began_us: i64, total: i64) -> None:
        self.began_us: i64 = began_us
        self.total: i64 = total
        """Number of keys when it began."""
        self.is_rewrite = False
        """Whether it becomes the base of the append-only file."""
        self.is_migration = False
        """Whether it sends slots to another node."""

    def is_save(self) -> bool:
        """Whether it is a snapshot of BGSAVE or for replicas."""
        return not self.is_rewrite and not self.is_migration

    def keys_done(self) -> i64:
        """Number of written keys."""
        return 0

    def bytes_done(self) -> i64:
        """Number of bytes written to the file."""
        return 0

    def left_s(self, now_us: i64) -> i64:
        """The estimated seconds to the end; -1 if unknown."""
        done = self.keys_done()
        if done == 0:
            return -1
        return i64(float(now_us - self.began_us) / 1e6 * float(self.total - done) / float(done))

    def step(self, budget_us: i64) -> bool:
        """Work for about this long; return whether there is more to do."""
        return False

    def cancel(self, why: str) -> None:
        """Cancel it.  The old file stays."""


class SavePoints:
    """Begins snapshots at save points, in a program without the server's timer.  `persistence/` subclasses it."""

    def look(self) -> None:
        """Begin a snapshot if one is due."""


class SyncWait:
    """A session that waits until its effects are on the disk (WAITAOF)."""

    def __init__(self, session: Session, reply: list[object], also_replicas: bool) -> None:
        self.session: Final = session
        self.waiting: Final = session.waiting
        self.count: i64 = session.journaled
        self.reply: Final = reply
        """Number of local files and of replicas; also the reply when the time is up."""
        self.also_replicas: Final = also_replicas


@mypyc_attr(allow_interpreted_subclasses=True)
class AppendLog(Journal):
    """The append-only file.  `persistence/` subclasses it; INFO reads its state.  Sizes are in bytes, times in s."""

    def __init__(self) -> None:
        self.state: i64 = LOG_OFF
        self.size: i64 = 0
        """All files together ..."""
        self.base_size: i64 = 0
        """... and that after the last rewrite."""
        self.delayed: i64 = 0
        """How many writes did not wait any longer for a running sync."""
        self.trouble = ""
        """Why the last write or sync failed; empty if it worked."""
        self.scheduled = False
        """Whether a rewrite begins when the running save has ended."""
        self.rewrites: i64 = 0
        self.rewrite_worked = True
        self.failures: i64 = 0
        """Failed rewrites in a row."""
        self.rewrite_took_s: i64 = -1
        self.waits: list[SyncWait] = []
        self.synced_count: i64 = 0
        """`Unit.count` of the last effect that is on the disk."""
        self.delay_us: i64 = 0
        """How long to sleep before each write (DEBUG AOF-FLUSH-SLEEP)."""

    def wake(self, blocking: Blocking) -> None:
        """Answer the sessions that wait for no more than `synced_count`."""
        blocking.engine.role.file_synced()
        if len(self.waits) == 0:
            return
        kept: list[SyncWait] = []
        for wait in self.waits:
            session = wait.session
            if wait.waiting is None or session.waiting is not wait.waiting:
                # It has timed out, or its connection is closed.
                continue
            if wait.count > self.synced_count:
                kept.append(wait)
                continue
            wait.reply[0] = 1
            if not wait.also_replicas:
                blocking.unblock(session, wait.reply)
        self.waits = kept

    def has_synced(self, session: Session) -> bool:
        """Whether the effects of a session are on the disk."""
        return session.journaled <= self.synced_count

    def await_sync(self, session: Session, reply: list[object], also_replicas: bool) -> None:
        """Answer a session that has just blocked when its effects are on the disk."""
        self.waits.append(SyncWait(session, reply, also_replicas))

    def wake_all(self, blocking: Blocking, reply: object) -> None:
        """Answer all waiting sessions: there will be no more syncs."""
        waits = self.waits
        self.waits = []
        for wait in waits:
            if wait.waiting is not None and wait.session.waiting is wait.waiting:
                blocking.unblock(wait.session, reply)

    def commit(self) -> None:
        """Write the effects in memory, and sync the file if the policy is `always`."""

    def rewrite(self) -> bool:
        """Begin a rewrite; return whether it has begun.  If not, the log has the reason."""
        return False

    def schedule(self) -> None:
        """Begin a rewrite when nothing stands in its way."""
        self.scheduled = True

    def reload(self) -> bool:
        """Replace all data by that of the files; return whether that worked.  If not, the data is gone."""
        return False

    def pending_bytes(self) -> i64:
        """Bytes of effects in memory."""
        return 0

    def pending_syncs(self) -> i64:
        """How many syncs run."""
        return 0

    def tick(self) -> None:
        """Work that is due: ended syncs, postponed and failed writes, rewrites."""


class Durability:
    """State of one engine.  `persistence/` writes it; INFO and LASTSAVE read it."""

    def __init__(self, started_s: i64) -> None:
        self.saved_s: i64 = started_s
        """Time of the last save in seconds since 1970; time of the start if there was none."""
        self.changes_saved: i64 = 0
        """`Moment.changes` at the beginning of the last save."""
        self.saves: i64 = 0
        """How many of SAVE, BGSAVE and the save points there were, failed ones among them."""
        self.append_only: AppendLog | None = None
        self.running: RunningSave | None = None
        """The running snapshot of BGSAVE or a save point."""
        self.points: SavePoints | None = None
        """Looked at by calls in process, if the program's store saves by itself."""
        self.scheduled = False
        """Whether a snapshot begins after the current transaction, which contains BGSAVE."""
        self.last_save_worked = True
        """Whether the last snapshot worked; if not, save points try again after some seconds."""
        self.tried_s: i64 = 0
        """When the last snapshot began ..."""
        self.took_s: i64 = -1
        """... and how many seconds it took; -1 if there was none."""
        self.loading = False
        """Whether a file is being loaded.  Most commands are refused during that time, unless `async_loading`."""
        self.async_loading = False
        """Whether the old data is served during the load."""
        self.load: RunningLoad | None = None
        """The running load."""
        self.keys_loaded: i64 = 0
        """Counters of the last load."""
        self.keys_expired: i64 = 0
        self.libraries: Final[list[bytes]] = []
        """The sources of function libraries that a file held.  They are written back with the data."""
        self.libraries_loaded = False
        """Whether they came from a file and are not compiled yet."""
        self.place = StreamPlace(b"", -1, 0)
        """Where the data of the last loaded file stood in a replication stream; an offset of -1 if in none."""
        self.checking_sums = True
        """Whether checksums of files and payloads are checked (DEBUG SET-SKIP-CHECKSUM-VALIDATION)."""

    def replace_libraries(self, sources: list[bytes]) -> None:
        """Take the function libraries of a file.  The scripts compile them when they are used next."""
        self.libraries.clear()
        self.libraries.extend(sources)
        self.libraries_loaded = True
