"""DEBUG: tools for those who test servers, behind `enable-debug-command`.  Source: spec/debug.md.

Each subcommand is a row of SUBCOMMANDS: how many arguments it takes and its function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from redpoll.catalogue.spec import ADMIN, LOADING, NOSCRIPT, STALE
from redpoll.commands import debug_cluster
from redpoll.commands.containers import help_lines
from redpoll.commands.debug_cluster import is_on
from redpoll.config.rewrite import rewrite
from redpoll.config.values import memory_bytes
from redpoll.engine.args import integer
from redpoll.engine.command import command
from redpoll.engine.engine import Engine
from redpoll.engine.gates import GATE_LOADING
from redpoll.engine.reply_buffers import NEVER, PEAK_RESET_US
from redpoll.engine.session import Session
from redpoll.errors import (
    BAD_PACKED_THRESHOLD,
    DEBUG_DB_OUT_OF_RANGE,
    INVALID_CLIENT_ID,
    LOADAOF_FAILED,
    NO_CLIENT_EVICTION,
    NO_SUCH_CLIENT,
    NO_SUCH_KEY,
    NO_TLS,
    NOT_A_HASH_TABLE,
    NOT_A_LISTPACK,
    NOT_A_QUICKLIST,
    NOT_AN_SDS,
    NOT_IN_RESP2,
    NOT_POSITIVE,
    ONLY_IN_A_SERVER,
    RELOAD_FAILED,
    RELOAD_OPTIONS,
    RESTART_FAILED,
    SAVE_FAILED,
    WRONG_PROTOCOL_TYPE,
    CommandError,
    fill_failed,
    wrong_subcommand,
)
from redpoll.keyspace.database import Database
from redpoll.keyspace.events import UNNAMED
from redpoll.observe.client_line import client_line_for_log
from redpoll.observe.client_sizes import size_lines
from redpoll.observe.digest import data_digest, key_digest
from redpoll.observe.object_report import database_lines, hash_table_of, object_line, sds_line, table_lines
from redpoll.persistence.damage import DamagedError
from redpoll.persistence.loading import reload
from redpoll.persistence.saving import save, snapshot_path
from redpoll.persistence.snapshot_reader import Progress
from redpoll.protocol.numbers import is_int, parse_double, parse_unsigned, to_int
from redpoll.protocol.reply import (
    NO_REPLY,
    OK,
    Attribute,
    BigNumber,
    Boolean,
    Double,
    Map,
    Push,
    RawError,
    Sequence,
    SetOf,
    Status,
    Verbatim,
)
from redpoll.replication.replication import replication_of
from redpoll.structures.table_resize import RESIZING
from redpoll.types.kinds import ENCODING_NAME, LIST_QUICKLIST, LISTPACKS, STRING_INT, STRING_RAW
from redpoll.types.list_nodes import PLAIN_FROM

RELOAD_WORDS: Final = frozenset((b"MERGE", b"NOFLUSH", b"NOSAVE"))
SIGABRT: Final = 6
SIGSEGV: Final = 11

MOST_PACKED_THRESHOLD: Final = 2**32 - 2**20
"""The largest that the reference takes for QUICKLIST-PACKED-THRESHOLD, though it says 4gb."""

MOST_RESET_MS: Final = 1 << 40

STRUCT_SIZES: Final = b"bits:64 robj:16 dictentry:24 sdshdr5:1 sdshdr8:3 sdshdr16:5 sdshdr32:9 sdshdr64:17 "
"""The reference's structures; redpoll has none that would compare."""

LEAKED: Final[list[bytes]] = []
"""The strings of DEBUG LEAK, which are never freed."""

Subcommand = Callable[[Session, list[bytes]], object]


class Row:
    """A subcommand takes `least` to `most` arguments after its word."""

    def __init__(self, run: Subcommand, least: int, most: int) -> None:
        self.run: Final = run
        self.least: Final = least
        self.most: Final = most


@command(
    "debug", arity=-2, flags=ADMIN | NOSCRIPT | LOADING | STALE, group="server",
    since="1.0.0", complexity="depends on the subcommand", summary="Tools for testing servers.", system=True,
)  # fmt: skip
def debug(session: Session, args: list[bytes]) -> object:
    row = SUBCOMMANDS.get(args[1].upper())
    given = len(args) - 2
    if row is None or not row.least <= given <= row.most:
        raise CommandError(wrong_subcommand(args[1], b"DEBUG"))
    return row.run(session, args)


def go_to(db: Database, key: bytes) -> None:
    """Go to a key, expired or not, without touching it."""
    if not db.find(key):
        raise CommandError(NO_SUCH_KEY)


def sleep(session: Session, args: list[bytes]) -> object:
    seconds = parse_double(args[2])
    if seconds > 0:
        session.engine.clock.sleep(seconds)
    return OK


def set_active_expire(session: Session, args: list[bytes]) -> object:
    session.engine.expiry.is_on = is_on(args[2])
    return OK


def set_disable_deny_scripts(session: Session, args: list[bytes]) -> object:
    session.engine.script_statistics.deny_disabled = is_on(args[2])
    return OK


def reload_(session: Session, args: list[bytes]) -> object:
    words = [word.upper() for word in args[2:]]
    if not RELOAD_WORDS.issuperset(words):
        raise CommandError(RELOAD_OPTIONS)
    engine = session.engine
    running = engine.durability.running
    if running is not None:
        running.cancel("DEBUG RELOAD")
    if b"NOSAVE" not in words and not save(engine):
        raise CommandError(SAVE_FAILED)
    progress = Serving(engine) if engine.frozen == 0 else Telling(engine)
    engine.durability.loading = True
    engine.gates |= GATE_LOADING
    complaint = reload(engine, snapshot_path(engine), progress, b"NOFLUSH" not in words, b"MERGE" in words)
    engine.gates &= ~GATE_LOADING
    engine.durability.loading = False
    if complaint:
        engine.host.log(f"DEBUG RELOAD: {complaint}")
        raise CommandError(RELOAD_FAILED)
    engine.host.log("DB reloaded by DEBUG RELOAD")
    return OK


def loadaof(session: Session, args: list[bytes]) -> object:
    engine = session.engine
    log = engine.durability.append_only
    if log is None or not log.reload():
        raise CommandError(LOADAOF_FAILED)
    engine.host.note("Append Only File loaded by DEBUG LOADAOF")
    return OK


def aof_flush_sleep(session: Session, args: list[bytes]) -> object:
    log = session.engine.durability.append_only
    if log is not None:
        log.delay_us = 0
        if is_int(args[2]):
            log.delay_us = max(0, to_int(args[2]))
    return OK


class Telling(Progress):
    """Lets the log have what a load tells."""

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine

    def told(self, line: str) -> None:
        self.engine.host.note(line)


class Serving(Telling):
    """Also lets other clients have answers meanwhile: usually that the server is loading."""

    def moved(self, done: i64, total: i64) -> None:
        if not self.engine.host.serve_while_loading():
            raise DamagedError("loading was ended by a signal", done)
        self.engine.start_unit()


def set_skip_checksum_validation(session: Session, args: list[bytes]) -> object:
    session.engine.durability.checking_sums = not is_on(args[2])
    return OK


def pause_cron(session: Session, args: list[bytes]) -> object:
    session.engine.cron_paused = is_on(args[2])
    return OK


def object_(session: Session, args: list[bytes]) -> object:
    go_to(session.db, args[2])
    return Status(object_line(session.db, args[2], len(args) == 4 and args[3].lower() == b"fast"))


def digest(session: Session, args: list[bytes]) -> object:
    return Status(data_digest(session.engine).hex().encode())


def digest_value(session: Session, args: list[bytes]) -> object:
    found: list[object] = []
    for key in args[2:]:
        found.append(Status(key_digest(session.db, key).hex().encode()))
    return found


def error(session: Session, args: list[bytes]) -> object:
    return RawError(args[2])


def log(session: Session, args: list[bytes]) -> object:
    session.engine.host.log("DEBUG LOG: " + args[2].decode("utf-8", "surrogateescape"))
    return OK


def populate(session: Session, args: list[bytes]) -> object:
    count = integer(args[2], NOT_POSITIVE)
    size = integer(args[4], NOT_POSITIVE) if len(args) > 4 else 0
    if count < 0 or size < 0:
        raise CommandError(NOT_POSITIVE)
    prefix = args[3] if len(args) > 3 else b"key"
    db = session.db
    for n in range(count):
        key = b"%b:%d" % (prefix, n)
        if not db.find(key):
            value = b"value:%d" % n
            if size > 0:
                value = value[:size].ljust(size, b"\0")
            db.set_string(key, value)
            # Watchers are notified, although this does not count as a change to save.
            session.changed(key, None, UNNAMED, 0)
    return OK


def change_replication_id(session: Session, args: list[bytes]) -> object:
    engine = session.engine
    engine.host.log("Changing replication IDs after receiving DEBUG change-repl-id")
    replication_of(engine).begin_history()
    return OK


def replicate(session: Session, args: list[bytes]) -> object:
    """Send a command to replicas, without running it."""
    stream = replication_of(session.engine).primary.stream
    if stream is not None and not session.engine.role.is_replica:
        stream.add(args[2:])
    return OK


def listpack(session: Session, args: list[bytes]) -> object:
    go_to(session.db, args[2])
    if session.db.table.kind() not in LISTPACKS:
        raise CommandError(NOT_A_LISTPACK)
    return Status(b"Listpack structure printed on stdout")


def sdslen(session: Session, args: list[bytes]) -> object:
    go_to(session.db, args[2])
    kind = session.db.table.kind()
    if kind > STRING_RAW or kind == STRING_INT:
        raise CommandError(NOT_AN_SDS)
    return Status(sds_line(session.db, args[2]))


def htstats(session: Session, args: list[bytes]) -> object:
    number = integer(args[2])
    if number < 0 or number >= len(session.engine.databases):
        raise CommandError(DEBUG_DB_OUT_OF_RANGE)
    return Verbatim(database_lines(session.engine.databases[number], wants_all(args)))


def wants_all(args: list[bytes]) -> bool:
    return len(args) > 3 and args[3].lower() == b"full"


def htstats_key(session: Session, args: list[bytes]) -> object:
    go_to(session.db, args[2])
    if ENCODING_NAME[session.db.table.kind()] not in (b"hashtable", b"skiplist"):
        raise CommandError(NOT_A_HASH_TABLE)
    return Verbatim(table_lines(hash_table_of(session.db.container()), wants_all(args)).encode())


def quicklist(session: Session, args: list[bytes]) -> object:
    go_to(session.db, args[2])
    if session.db.table.kind() != LIST_QUICKLIST:
        raise CommandError(NOT_A_QUICKLIST)
    return Status(b"Quicklist structure printed on stdout")


def quicklist_packed_threshold(session: Session, args: list[bytes]) -> object:
    size = memory_bytes(args[2])
    if not 0 <= size <= MOST_PACKED_THRESHOLD:
        raise CommandError(BAD_PACKED_THRESHOLD)
    PLAIN_FROM.bytes = size
    return OK


def dict_resizing(session: Session, args: list[bytes]) -> object:
    RESIZING.held = not is_on(args[2])
    return OK


def reply_buffer(session: Session, args: list[bytes]) -> object:
    """Over what time the largest size of a client's buffer is found, and whether buffers shrink to it."""
    kept = session.engine.reply_buffers
    word = args[2].upper()
    if word == b"RESIZING":
        kept.resizing = is_on(args[3])
    elif word != b"PEAK-RESET-TIME":
        raise CommandError(wrong_subcommand(args[1], b"DEBUG"))
    elif args[3].upper() == b"NEVER":
        kept.peak_reset_us = NEVER
    elif args[3].upper() == b"RESET":
        kept.peak_reset_us = PEAK_RESET_US
    else:
        # A negative time has passed at once; more ms than anybody waits are for ever.
        ms = integer(args[3])
        kept.peak_reset_us = max(0, ms) * 1000 if ms < MOST_RESET_MS else NEVER
    return OK


def client_enforce_reply_list(session: Session, args: list[bytes]) -> object:
    engine = session.engine
    engine.reply_buffers.in_pieces = is_on(args[2])
    engine.outliers.sees_all_replies = engine.reply_buffers.in_pieces
    engine.outliers.update_thresholds()
    return OK


def structsize(session: Session, args: list[bytes]) -> object:
    return STRUCT_SIZES


def leak(session: Session, args: list[bytes]) -> object:
    LEAKED.append(b"%b" % args[2])
    return OK


def protect_client(session: Session, args: list[bytes]) -> object:
    """Stop reading from a client."""
    id = parse_unsigned(args[2])
    if id is None:
        raise CommandError(INVALID_CLIENT_ID)
    other = session.engine.sessions.get(id)
    if other is None:
        raise CommandError(NO_SUCH_CLIENT)
    other.peer.freeze()
    return OK


def client_eviction(session: Session, args: list[bytes]) -> object:
    if session.engine.options.maxmemory_clients == 0:
        raise CommandError(NO_CLIENT_EVICTION)
    return Verbatim(size_lines(session.engine))


def force_tls_write_error(session: Session, args: list[bytes]) -> object:
    raise CommandError(NO_TLS)


def config_rewrite_force_all(session: Session, args: list[bytes]) -> object:
    config = session.engine.config
    complaint = rewrite(config, everything=True) if config.path else b"Bad address"
    if complaint:
        raise CommandError(fill_failed(complaint))
    return OK


def restart(session: Session, args: list[bytes]) -> object:
    return start_anew(session, args, True)


def crash_and_recover(session: Session, args: list[bytes]) -> object:
    return start_anew(session, args, False)


def start_anew(session: Session, args: list[bytes], orderly: bool) -> object:
    delay_ms = integer(args[2]) if len(args) > 2 else 0
    who = client_line_for_log(session).encode("utf-8", "surrogateescape")
    if not session.engine.host.restart(session, who, delay_ms, orderly):
        raise CommandError(RESTART_FAILED)
    return NO_REPLY


def stringmatch_test(session: Session, args: list[bytes]) -> object:
    return Status(b"Apparently the server did not crash: test passed")


def protocol(session: Session, args: list[bytes]) -> object:
    """One reply of each type, for the tests of clients."""
    word = args[2].lower()
    if word == b"push":
        if session.resp < 3:
            raise CommandError(NOT_IN_RESP2)
        return Sequence([b"Some real reply following the push reply", Push([b"server-cpu-usage", 42])])
    samples: dict[bytes, object] = {
        b"string": b"Hello World",
        b"integer": 12345,
        b"double": Double(3.141),
        b"bignum": BigNumber(b"1234567999999999999999999999999999999"),
        b"null": None,
        b"array": [0, 1, 2],
        b"set": SetOf([0, 1, 2]),
        b"map": Map([0, Boolean(False), 1, Boolean(True), 2, Boolean(False)]),
        b"attrib": Attribute([b"key-popularity", [b"key:123", 90]], b"Some real reply following the attribute"),
        b"verbatim": Verbatim(b"This is a verbatim\nstring"),
        b"true": Boolean(True),
        b"false": Boolean(False),
    }
    if word not in samples:
        raise CommandError(WRONG_PROTOCOL_TYPE)
    return samples[word]


def segfault(session: Session, args: list[bytes]) -> object:
    return die(session, SIGSEGV, "")


def panic(session: Session, args: list[bytes]) -> object:
    now_s = session.engine.moment.now_us // 1000000
    return die(session, SIGABRT, f"Guru Meditation: DEBUG PANIC called at Unix time {now_s} #commands/debug.py")


def assert_(session: Session, args: list[bytes]) -> object:
    return die(session, SIGABRT, "=== ASSERTION FAILED CLIENT CONTEXT === asked for by DEBUG ASSERT")


def out_of_memory(session: Session, args: list[bytes]) -> object:
    raise MemoryError("asked for by DEBUG OOM")


def die(session: Session, signal: int, last_words: str) -> object:
    if not session.engine.host.end_by_fault(signal, last_words):
        raise CommandError(ONLY_IN_A_SERVER)
    return OK


def help(session: Session, args: list[bytes]) -> object:
    return help_lines(b"DEBUG", [
        b"ASSERT", b"End by a failed assertion.",
        b"CHANGE-REPL-ID", b"Take another replication id.",
        b"CLIENT-ENFORCE-REPLY-LIST <0|1>", b"Whether each reply becomes a piece of its own on its way to its client.",
        b"CLIENT-EVICTION", b"How many clients there are of which size, if maxmemory-clients is set.",
        b"AOF-FLUSH-SLEEP <microseconds>", b"How long to sleep before each write to the append-only file.",
        b"CLOSE-CLUSTER-LINK-ON-PACKET-DROP <0|1>", b"Whether a message that is dropped closes its link.",
        b"CLUSTERLINK KILL <to|from|all> <node-id>", b"Close the links to or from another node of the cluster.",
        b"CONFIG-REWRITE-FORCE-ALL", b"Rewrite the configuration file with all directives, defaults too.",
        b"CRASH-AND-RECOVER [<milliseconds>]", b"Start anew under the same pid, without an end in good order.",
        b"DICT-RESIZING <0|1>", b"Whether tables grow and shrink before it is extreme.",
        b"DIGEST", b"A number for the content of all databases.",
        b"DIGEST-VALUE <key> [<key> ...]", b"A number for the content of each key.",
        b"DISABLE-CLUSTER-RANDOM-PING <0|1>", b"Whether the node pings no random node each second.",
        b"DISABLE-CLUSTER-RECONNECTION <0|1>", b"Whether links that are gone stay so.",
        b"DROP-CLUSTER-PACKET-FILTER <type>", b"Drop messages of this type; -1: none, -2: all.",
        b"ERROR <string>", b"Answer this error.",
        b"FORCE-TLS-WRITE-ERROR <0|1>", b"Answer that there is no TLS.",
        b"HTSTATS <dbid> [full]", b"Figures of a database's table.",
        b"HTSTATS-KEY <key> [full]", b"Figures of the table of a large hash or sorted set.",
        b"LEAK <string>", b"Never give back the memory of a copy.",
        b"LISTPACK <key>", b"Whether a value is a listpack.",
        b"LOADAOF", b"Empty all databases, and load the append-only file.",
        b"LOG <message>", b"Write into the server's log.",
        b"OBJECT <key> [fast]", b"How a value is kept.",
        b"OOM", b"Let this command find no memory.",
        b"PANIC", b"End as after a mistake of ours.",
        b"PAUSE-CRON <0|1>", b"Stop all work that happens by itself.",
        b"POPULATE <count> [<prefix> [<size>]]", b"Create strings.",
        b"PROTECT-CLIENT <client-id>", b"Read nothing more from a client.",
        b"PROTOCOL <type>", b"Answer with a reply of this type.",
        b"QUICKLIST <key> [<0|1>]", b"Whether a value is a quicklist.",
        b"QUICKLIST-PACKED-THRESHOLD <size>", b"From how many bytes on an element counts as a node of its own.",
        b"RELOAD [MERGE] [NOFLUSH] [NOSAVE]", b"Save all data to the snapshot file, and load it again.",
        b"REPLICATE <arg> [<arg> ...]", b"Send these words as a command to replicas, without running it.",
        b"REPLYBUFFER PEAK-RESET-TIME <NEVER|RESET|milliseconds>", b"How long the largest size of a buffer counts.",
        b"REPLYBUFFER RESIZING <0|1>", b"Whether the buffers of replies shrink.",
        b"RESTART [<milliseconds>]", b"End in good order and start anew under the same pid.",
        b"SDSLEN <key>", b"The bytes of a key and its string.",
        b"SEGFAULT", b"End as after a bad access to memory.",
        b"SET-ACTIVE-EXPIRE <0|1>", b"Whether keys past their deadline are deleted by themselves.",
        b"SET-SKIP-CHECKSUM-VALIDATION <0|1>", b"Whether checksums of files and payloads are passed over.",
        b"SLEEP <seconds>", b"Let the whole server wait.",
        b"SLOTMIGRATION <PREVENT-PAUSE|PREVENT-FAILOVER> <0|1>", b"Hold migrations of slots before this step.",
        b"STRUCTSIZE", b"The sizes of the reference's structures.",
        b"STRINGMATCH-TEST", b"Answer that patterns do no harm.",
    ])  # fmt: skip


SUBCOMMANDS: Final = {
    b"AOF-FLUSH-SLEEP": Row(aof_flush_sleep, 1, 1),
    b"ASSERT": Row(assert_, 0, 0),
    b"CHANGE-REPL-ID": Row(change_replication_id, 0, 0),
    b"CLIENT-ENFORCE-REPLY-LIST": Row(client_enforce_reply_list, 1, 1),
    b"CLIENT-EVICTION": Row(client_eviction, 0, 0),
    b"CLOSE-CLUSTER-LINK-ON-PACKET-DROP": Row(debug_cluster.close_on_drop, 1, 1),
    b"CLUSTERLINK": Row(debug_cluster.clusterlink, 3, 3),
    b"CONFIG-REWRITE-FORCE-ALL": Row(config_rewrite_force_all, 0, 0),
    b"CRASH-AND-RECOVER": Row(crash_and_recover, 0, 1 << 30),
    b"DICT-RESIZING": Row(dict_resizing, 1, 1),
    b"DIGEST": Row(digest, 0, 0),
    b"DIGEST-VALUE": Row(digest_value, 0, 1 << 30),
    b"DISABLE-CLUSTER-RANDOM-PING": Row(debug_cluster.no_random_ping, 1, 1),
    b"DISABLE-CLUSTER-RECONNECTION": Row(debug_cluster.no_reconnection, 1, 1),
    b"DROP-CLUSTER-PACKET-FILTER": Row(debug_cluster.drop_packet_filter, 1, 1),
    b"ERROR": Row(error, 1, 1),
    b"FORCE-TLS-WRITE-ERROR": Row(force_tls_write_error, 1, 1),
    b"HELP": Row(help, 0, 0),
    b"HTSTATS": Row(htstats, 1, 1 << 30),
    b"HTSTATS-KEY": Row(htstats_key, 1, 1 << 30),
    b"LEAK": Row(leak, 1, 1),
    b"LISTPACK": Row(listpack, 1, 1),
    b"LOADAOF": Row(loadaof, 0, 1 << 30),
    b"LOG": Row(log, 1, 1),
    b"OBJECT": Row(object_, 1, 2),
    b"OOM": Row(out_of_memory, 0, 0),
    b"PANIC": Row(panic, 0, 0),
    b"PAUSE-CRON": Row(pause_cron, 1, 1),
    b"POPULATE": Row(populate, 1, 3),
    b"PROTECT-CLIENT": Row(protect_client, 1, 1),
    b"PROTOCOL": Row(protocol, 1, 1),
    b"QUICKLIST": Row(quicklist, 1, 2),
    b"QUICKLIST-PACKED-THRESHOLD": Row(quicklist_packed_threshold, 1, 1),
    b"RELOAD": Row(reload_, 0, 1 << 30),
    b"REPLICATE": Row(replicate, 1, 1 << 30),
    b"REPLYBUFFER": Row(reply_buffer, 2, 2),
    b"RESTART": Row(restart, 0, 1 << 30),
    b"SDSLEN": Row(sdslen, 1, 1),
    b"SEGFAULT": Row(segfault, 0, 0),
    b"SET-ACTIVE-EXPIRE": Row(set_active_expire, 1, 1),
    b"SET-DISABLE-DENY-SCRIPTS": Row(set_disable_deny_scripts, 1, 1),
    b"SET-SKIP-CHECKSUM-VALIDATION": Row(set_skip_checksum_validation, 1, 1),
    b"SLEEP": Row(sleep, 1, 1),
    b"SLOTMIGRATION": Row(debug_cluster.slotmigration, 2, 1 << 30),
    b"STRUCTSIZE": Row(structsize, 0, 0),
    b"STRINGMATCH-TEST": Row(stringmatch_test, 0, 0),
}
