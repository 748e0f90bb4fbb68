"""A whole snapshot, read from a source into the databases of an engine.  Source: spec/rdb.md, sections 1, 2 and 10."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.engine.engine import Engine
from redpoll.engine.role import StreamPlace
from redpoll.engine.routing import SlotArrival
from redpoll.keyspace.database import Database
from redpoll.keyspace.slots import SLOTS
from redpoll.persistence import codes
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.delays import KEY_LOAD_DELAY, seconds_of
from redpoll.persistence.formats import is_relaxed
from redpoll.persistence.libraries import library_name
from redpoll.persistence.source import Source
from redpoll.persistence.value_reader import ValueReader
from redpoll.protocol.numbers import is_int, to_int
from redpoll.types.value import Value

NOT_GIVEN: Final[i64] = -1

ORIGINS: Final = {b"redis-ver": "Redis", b"valkey-ver": "Valkey", b"redpoll-ver": "redpoll"}


@mypyc_attr(allow_interpreted_subclasses=True)
class Progress:
    """Receives the progress of a load.  Subclasses show it, or serve clients during the load."""

    def moved(self, done: i64, total: i64) -> None:
        """Called after `done` of `total` bytes were read."""

    def told(self, line: str) -> None:
        """Called with a line for the log."""


class SnapshotReader:
    """Reads one snapshot, and counts its keys.

    Expired keys are left out.  With `merging`, a key of the snapshot replaces an existing key.
    """

    def __init__(
        self,
        engine: Engine,
        source: Source,
        progress: Progress,
        merging: bool = False,
        databases: list[Database] | None = None,
    ) -> None:
        self.engine: Final = engine
        self.databases: Final = engine.databases if databases is None else databases
        """Where the keys go."""
        self.place: Final = StreamPlace(b"", -1, 0)
        """Where the data stands in a replication stream; an offset of -1 if the snapshot does not tell."""
        self.source: Final = source
        self.progress: Final = progress
        self.merging = merging
        self.values: Final = ValueReader(engine.moment.limits)
        self.version: i64 = 0
        self.libraries: dict[bytes, bytes] = {}
        """Sources of function libraries by name."""
        self.arrivals: list[SlotArrival] = []
        """The imports of slots that were running."""
        self.keys: i64 = 0
        self.expired: i64 = 0
        self.empty: i64 = 0
        self.all_past: i64 = 0
        self.step: i64 = engine.config.integer(b"loading-process-events-interval-bytes")
        self.delay: i64 = engine.config.integer(KEY_LOAD_DELAY)
        """The wait for each key, see `seconds_of`.  It can change while a file is loaded."""
        self.origin_told = False
        # Of the next key.
        self.deadline: i64 = 0
        self.timed = False
        self.idle: i64 = NOT_GIVEN
        self.counter: i64 = NOT_GIVEN

    def read(self) -> None:
        """Read all of it; raises DamagedError.  The sums of memory wait for `Database.end_loading`."""
        source = self.source
        self._read_magic()
        moment = self.engine.moment
        # A primary needs no expired keys: there are no replicas that wait for their deletion.
        self.values.past_ms = moment.now_ms if moment.deleting_expired else i64(0)
        db = self.databases[0]
        following = self.step
        while True:
            code = source.byte()
            if code == codes.EXPIRE_MS:
                self.deadline = source.word()
                self.timed = True
            elif code == codes.SELECT:
                db = self._database()
            elif code == codes.END:
                break
            elif code == codes.AUX:
                self._read_note()
            elif code >= codes.SLOT_IMPORT:
                self._read_rare(code)
            else:
                self._read_key(db, code)
                if self.delay != 0:
                    self.engine.clock.sleep(seconds_of(self.delay, 1, self.engine.random))
                if source.offset() >= following:
                    following = source.offset() + self.step
                    self.report()
                    self.progress.moved(source.offset(), source.size)
                    self.delay = self.engine.config.integer(KEY_LOAD_DELAY)
        self._check_sum()

    def report(self) -> None:
        """Tell INFO how far it is."""
        durability = self.engine.durability
        durability.keys_loaded = self.keys
        durability.keys_expired = self.expired
        load = durability.load
        if load is not None:
            load.done = self.source.offset()

    def _read_magic(self) -> None:
        source = self.source
        magic = source.take(9)
        foreign = magic[:5] == b"REDIS"
        if not foreign and magic[:6] != b"VALKEY":
            raise DamagedError(f"Wrong signature trying to load DB from file: {shown(magic)}", 0)
        digits = magic[5:] if foreign else magic[6:]
        version = int(digits) if digits.isdigit() else 0
        relaxed = is_relaxed(self.engine.config)
        if foreign:
            readable = 1 <= version <= (codes.LAST_FOREIGN if relaxed else codes.REDIS_11)
        else:
            readable = version == codes.VALKEY_80 or (relaxed and version > codes.VALKEY_80)
        if not readable:
            raise DamagedError(f"Can't handle RDB format version {version}", 0)
        self.version = version
        self.values.version = version

    def _database(self) -> Database:
        number = self.source.number()
        databases = self.databases
        if number < 0 or number >= len(databases):
            raise self.source.damaged(
                f"FATAL: Data file was created with a server configured to handle more than {len(databases)} databases"
            )
        return databases[number]

    def _read_note(self) -> None:
        name = self.source.text()
        value = self.source.text()
        origin = ORIGINS.get(name)
        if origin is not None:
            if self.origin_told:
                # Our own files also name the server of their format.
                return
            self.origin_told = True
            self.progress.told(f"Loading RDB produced by {origin} version {shown(value)}")
        elif name == b"repl-stream-db" and is_int(value):
            self.place.db = min(max(to_int(value), -1), len(self.databases) - 1)
        elif name == b"repl-id":
            self.place.history = value
        elif name == b"repl-offset" and is_int(value):
            self.place.offset = to_int(value)
        elif name == b"ctime" and is_int(value):
            age = max(0, self.engine.moment.now_us // 1000000 - to_int(value))
            self.progress.told(f"RDB age {age} seconds")
        elif name == b"used-mem" and is_int(value):
            load = self.engine.durability.load
            if load is not None:
                load.used_memory = to_int(value)
            self.progress.told(f"RDB memory usage when created {to_int(value) / (1024 * 1024):.2f} Mb")
        elif name == b"slot-info" and value.count(b",") < 2:
            raise self.source.damaged("the numbers of a slot are not as they must be")
        elif name[:1] == b"%":
            self.progress.told(f"RDB '{shown(name)}': {shown(value)}")

    def _read_rare(self, code: i64) -> None:
        source = self.source
        if code == codes.RESIZE:
            source.number()
            source.number()
        elif code == codes.IDLE:
            self.idle = source.number()
        elif code == codes.FREQ:
            self.counter = source.byte()
        elif code == codes.EXPIRE_S:
            self.deadline = source.seconds() * 1000
            self.timed = True
        elif code == codes.FUNCTION:
            self._read_library()
        elif code == codes.SLOT_INFO:
            source.number()
            source.number()
            source.number()
        elif code == codes.OLD_FUNCTION:
            raise source.damaged("Pre-release function format not supported.")
        elif code == codes.MODULE_AUX:
            raise source.damaged("data of a module: redpoll has none")
        else:
            self._read_arrival()

    def _read_arrival(self) -> None:
        """An import of slots that was running."""
        source = self.source
        if not self.engine.config.flag(b"cluster-enabled"):
            raise source.damaged("slots that are being imported, which only a node of a cluster can go on with")
        name = source.text()
        ranges: list[tuple[int, int]] = []
        for _ in range(int(source.number())):
            first, last = int(source.number()), int(source.number())
            if not 0 <= first <= last < SLOTS:
                raise source.damaged("no valid range of slots")
            ranges.append((first, last))
        self.arrivals.append(SlotArrival(name, ranges))

    def _read_library(self) -> None:
        text = self.source.text()
        name = library_name(text)
        if not name:
            raise self.source.damaged("a function library does not begin with #!ENGINE name=NAME")
        if name in self.libraries:
            raise self.source.damaged(f"Library '{shown(name)}' already exists")
        self.libraries[name] = text

    def _read_key(self, db: Database, type: i64) -> None:
        source = self.source
        self.starts()
        key = source.text()
        if 22 <= type <= 25 and codes.SUMMED_FROM <= self.version <= codes.REDIS_11:
            raise source.damaged(f"Unknown RDB encoding type {type}")
        value = self.values.read(source, type)
        text = self.values.text
        moment = self.engine.moment
        timed = self.timed
        deadline = self.deadline
        clock = moment.restored_clock(self.idle, self.counter)
        self.idle = NOT_GIVEN
        self.counter = NOT_GIVEN
        self.timed = False
        self.deadline = 0
        if value is None and text is None:
            if self.values.all_past:
                self.all_past += 1
                return
            self.empty += 1
            if self.empty < 10:
                self.progress.told(f"rdbLoadObject skipping empty key: {shown(key)}")
            return
        if timed:
            if deadline < moment.now_ms and moment.deleting_expired:
                self.expired += 1
                return
            if deadline == 0:
                deadline = 1
        if not self.keep(db, key, value, b"" if text is None else text, deadline, clock):
            raise source.damaged(f"RDB has duplicated key '{shown(key)}' in DB {db.index}")
        self.keys += 1

    def starts(self) -> None:
        """A key begins."""

    def keep(self, db: Database, key: bytes, value: Value | None, text: bytes, deadline: i64, clock: i64) -> bool:
        """Add a key, which replaces an existing key if `merging` is on; return False if the key exists."""
        if self.merging:
            db.discard(key)
        return db.load(key, value, text, deadline, clock)

    def _check_sum(self) -> None:
        if self.version < codes.SUMMED_FROM:
            return
        source = self.source
        checking = source.summing
        sum = source.checksum() if checking else i64(0)
        source.summing = False
        stored = source.word()
        if not checking:
            return
        if stored == 0:
            self.progress.told("RDB file was saved with checksum disabled: no check performed.")
        elif stored != sum:
            raise source.damaged(
                f"Wrong RDB checksum expected: ({unsigned(sum):x}) but got ({unsigned(stored):x}). Aborting now."
            )

    def summary(self) -> str:
        """A line for the log with the counts."""
        skipped = f"empty keys skipped: {self.empty}, " if self.empty > 0 else ""
        return (
            f"Done loading RDB, keys loaded: {self.keys}, keys expired: {self.expired}, {skipped}"
            f"all fields expired hashes: {self.all_past}."
        )


def unsigned(word: i64) -> int:
    return int(word) & 0xFFFFFFFFFFFFFFFF


def shown(text: bytes) -> str:
    """Bytes of a file for the log; bytes that are not printable ASCII become \\x.."""
    return text.decode("ascii", "backslashreplace").encode("unicode_escape").decode("ascii")
