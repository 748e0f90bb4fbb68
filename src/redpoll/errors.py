"""Every error text for clients, once, under a name with its meaning.

The words are those of the reference, byte for byte: clients and test suites compare them.
"""

from __future__ import annotations

from typing import Final


class CommandError(Exception):
    """A command fails.

    `text` is the error line without its `-`.  Always create a new one: a shared exception grows.
    """

    def __init__(self, text: bytes) -> None:
        super().__init__(text.decode("utf-8", "replace"))
        self.text: Final = text


class StoreError(Exception):
    """A store in a folder cannot be opened or saved; the message says why."""


class ServerError(Exception):
    """The server cannot start or go on; the message is for the operator."""


GEO_UNIT: Final = b"ERR unsupported unit provided. please use M, KM, FT, MI"
GEO_RADIUS: Final = b"ERR need numeric radius"
GEO_WIDTH: Final = b"ERR need numeric width"
GEO_HEIGHT: Final = b"ERR need numeric height"
GEO_RADIUS_NEGATIVE: Final = b"ERR radius cannot be negative"
GEO_SIZE_NEGATIVE: Final = b"ERR height or width cannot be negative"
GEO_ANY: Final = b"ERR the ANY argument requires COUNT argument"
GEO_VERTICES: Final = b"ERR invalid number of vertices"
GEO_TOO_FEW_VERTICES: Final = b"ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"
GEORADIUS_STORE_WITH: Final = (
    b"ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
)
GEOSEARCHSTORE_WITH: Final = b"ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
NOT_A_HYPERLOGLOG: Final = b"WRONGTYPE Key is not a valid HyperLogLog string value."
DAMAGED_HYPERLOGLOG: Final = b"INVALIDOBJ Corrupted HLL object detected"
HYPERLOGLOG_IS_DENSE: Final = b"ERR HLL encoding is not sparse"
PFDEBUG_NO_KEY: Final = b"ERR The specified key does not exist"
PFDEBUG_SWITCH: Final = b"ERR Argument must be ON or OFF"
PFDEBUG_NO_SIMD: Final = b"ERR this server has no vector instructions to switch on or off"
WRONGTYPE: Final = b"WRONGTYPE Operation against a key holding the wrong kind of value"
SYNTAX: Final = b"ERR syntax error"
BUSYKEY: Final = b"BUSYKEY Target key name already exists."
NEGATIVE_TTL: Final = b"ERR Invalid TTL value, must be >= 0"
NEGATIVE_IDLETIME: Final = b"ERR Invalid IDLETIME value, must be >= 0"
BAD_FREQ: Final = b"ERR Invalid FREQ value, must be >= 0 and <= 255"
BAD_PAYLOAD_FOOTER: Final = b"ERR DUMP payload version or checksum are wrong"
BAD_PAYLOAD: Final = b"ERR Bad data format"
RELOAD_OPTIONS: Final = b"ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."
RELOAD_FAILED: Final = b"ERR Error trying to load the RDB dump, check server logs."
SAVE_IN_PROGRESS: Final = b"ERR Background save already in progress"
REWRITE_IN_PROGRESS: Final = b"ERR Background append only file rewriting already in progress"
REWRITE_FAILED: Final = (
    b"ERR Can't execute an AOF background rewriting. Please check the server logs for more information."
)
NO_SAVE_DURING_REWRITE: Final = (
    b"ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a "
    b"BGSAVE whenever possible."
)
LOADAOF_FAILED: Final = b"ERR Error trying to load the AOF files, check server logs."
NO_SAVE_IN_PROGRESS: Final = b"ERR Background saving is currently not in progress or scheduled"
SAVE_FAILED: Final = b"ERR"
NOT_AN_INTEGER: Final = b"ERR value is not an integer or out of range"
NOT_A_FLOAT: Final = b"ERR value is not a valid float"
NOT_AN_INT32: Final = b"ERR value is out of range, value must between -2147483648 and 2147483647"
NOT_A_MIN_OR_MAX: Final = b"ERR min or max is not a float"
NOT_A_LEX_RANGE: Final = b"ERR min or max not valid string range item"
OVERFLOW: Final = b"ERR increment or decrement would overflow"
DECREMENT_OVERFLOW: Final = b"ERR decrement would overflow"
INCREMENT_NOT_FINITE: Final = b"ERR increment would produce NaN or Infinity"
TOO_LONG: Final = b"ERR string exceeds maximum allowed size (proto-max-bulk-len)"
OFFSET_OUT_OF_RANGE: Final = b"ERR offset is out of range"
INVALID_NUMKEYS: Final = b"ERR invalid numkeys value or out of range"
LCS_LEN_AND_IDX: Final = b"ERR If you want both the length and indexes, please just use IDX."
LCS_NEEDS_STRINGS: Final = b"ERR The specified keys must contain string values"
LCS_TOO_LARGE: Final = b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
NUMKEYS_NOT_POSITIVE: Final = b"ERR numkeys should be greater than 0"
COUNT_NOT_POSITIVE: Final = b"ERR count should be greater than 0"
INDEX_OUT_OF_RANGE: Final = b"ERR index out of range"
RANK_ZERO: Final = (
    b"ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from "
    b"the end of the list"
)
COUNT_NEGATIVE: Final = b"ERR COUNT can't be negative"
MAXLEN_NEGATIVE: Final = b"ERR MAXLEN can't be negative"
TOO_MANY_NUMKEYS: Final = b"ERR Number of keys can't be greater than number of args"
LIMIT_NEGATIVE: Final = b"ERR LIMIT can't be negative"
OUT_OF_RANGE: Final = b"ERR value is out of range"
WEIGHT_NOT_A_FLOAT: Final = b"ERR weight value is not a float"
COUNT_OUT_OF_RANGE: Final = (
    b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
)
BIT_OFFSET: Final = b"ERR bit offset is not an integer or out of range"
BIT_VALUE: Final = b"ERR bit is not an integer or out of range"
BIT_NEITHER: Final = b"ERR The bit argument must be 1 or 0."
BITOP_NOT_OF_ONE: Final = b"ERR BITOP NOT must be called with a single source key."
BITFIELD_TYPE: Final = (
    b"ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
)
BITFIELD_OVERFLOW: Final = b"ERR Invalid OVERFLOW type specified"
BITFIELD_ONLY_GET: Final = b"ERR BITFIELD_RO only supports the GET subcommand"
DB_OUT_OF_RANGE: Final = b"ERR DB index is out of range"
FIRST_DB_INVALID: Final = b"ERR invalid first DB index"
SECOND_DB_INVALID: Final = b"ERR invalid second DB index"
NO_SUCH_KEY: Final = b"ERR no such key"
SAME_OBJECT: Final = b"ERR source and destination objects are the same"
NOAUTH: Final = b"NOAUTH Authentication required."
NOPROTO: Final = b"NOPROTO unsupported protocol version"
PROTO_NOT_AN_INTEGER: Final = b"ERR Protocol version is not an integer or out of range"
HELLO_NOAUTH: Final = (
    b"NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
    b"<pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
)
WRONGPASS: Final = b"WRONGPASS invalid username-password pair or user is disabled."
NO_PASSWORD_SET: Final = (
    b"ERR AUTH <password> called without any password configured for the default user. "
    b"Are you sure your configuration is correct?"
)
EXECABORT: Final = b"EXECABORT Transaction discarded because of previous errors."
EXECABORT_BECAUSE: Final = b"EXECABORT Transaction discarded because of: "
EXEC_WITHOUT_MULTI: Final = b"ERR EXEC without MULTI"
DISCARD_WITHOUT_MULTI: Final = b"ERR DISCARD without MULTI"
INVALID_STREAM_ID: Final = b"ERR Invalid stream ID specified as stream command argument"
INVALID_START_ID: Final = b"ERR invalid start ID for the interval"
INVALID_END_ID: Final = b"ERR invalid end ID for the interval"
STREAM_MAXLEN_NEGATIVE: Final = b"ERR The MAXLEN argument must be >= 0."
TRIM_LIMIT_NEGATIVE: Final = b"ERR The LIMIT argument must be >= 0."
TWO_STRATEGIES: Final = b"ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
LIMIT_WITHOUT_STRATEGY: Final = b"ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
LIMIT_WITHOUT_TILDE: Final = b"ERR syntax error, LIMIT cannot be used without the special ~ option"
NO_STRATEGY: Final = b"ERR syntax error, XTRIM must be called with a trimming strategy"
XADD_ZERO_ID: Final = b"ERR The ID specified in XADD must be greater than 0-0"
XADD_ID_TOO_SMALL: Final = b"ERR The ID specified in XADD is equal or smaller than the target stream top item"
XADD_EXHAUSTED: Final = b"ERR The stream has exhausted the last possible ID, unable to add more items"
XADD_TOO_LARGE: Final = b"ERR Elements are too large to be stored"
XSETID_BELOW_DELETED: Final = b"ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
XSETID_BELOW_GIVEN: Final = b"ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
XSETID_BELOW_TOP: Final = b"ERR The ID specified in XSETID is smaller than the target stream top item"
XSETID_FEW_ADDED: Final = b"ERR The entries_added specified in XSETID is smaller than the target stream length"
XSETID_NEGATIVE_ADDED: Final = b"ERR entries_added must be positive"
ENTRIESREAD_NEGATIVE: Final = b"ERR value for ENTRIESREAD must be positive or -1"
XGROUP_NEEDS_KEY: Final = (
    b"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM "
    b"option to create an empty stream automatically."
)
BUSYGROUP: Final = b"BUSYGROUP Consumer Group name already exists"
GROUP_MISSING: Final = b"ERR Missing GROUP option for XREADGROUP"
GREATER_ID_IN_XREAD: Final = (
    b"ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
)
COUNT_NOT_ABOVE_0: Final = b"ERR COUNT must be > 0"
INVALID_CURSOR: Final = b"ERR invalid cursor"
GT_LT_NX: Final = b"ERR GT, LT, and/or NX options at the same time are not compatible"
XX_NX: Final = b"ERR XX and NX options at the same time are not compatible"
INCR_ONE_PAIR: Final = b"ERR INCR option supports a single increment-element pair"
SCORE_NOT_A_NUMBER: Final = b"ERR resulting score is not a number (NaN)"
EXPIRE_NX_CONFLICT: Final = b"ERR NX and XX, GT or LT options at the same time are not compatible"
EXPIRE_GT_LT_CONFLICT: Final = b"ERR GT and LT options at the same time are not compatible"
LIMIT_WITHOUT_RANGE: Final = b"ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
WITHSCORES_BYLEX: Final = b"ERR syntax error, WITHSCORES not supported in combination with BYLEX"
NUMFIELDS: Final = b"ERR numfields should be greater than 0 and match the provided number of fields"
HASH_VALUE_NOT_AN_INTEGER: Final = b"ERR hash value is not an integer"
HASH_VALUE_NOT_A_FLOAT: Final = b"ERR hash value is not a float"
VALUE_NOT_FINITE: Final = b"ERR value is NaN or Infinity"
TIMEOUT_NOT_A_FLOAT: Final = b"ERR timeout is not a float or out of range"
TIMEOUT_NOT_AN_INTEGER: Final = b"ERR timeout is not an integer or out of range"
TIMEOUT_MISSING: Final = b"ERR Missing timeout value"
TIMEOUT_NEGATIVE: Final = b"ERR timeout is negative"
TIMEOUT_OUT_OF_RANGE: Final = b"ERR timeout is out of range"
INTERNAL: Final = b"ERR internal error"
FREQ_UNDER_LRU: Final = (
    b"ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching "
    b"between policies at runtime LRU and LFU data will take some time to adjust."
)
IDLETIME_UNDER_LFU: Final = (
    b"ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies "
    b"at runtime LRU and LFU data will take some time to adjust."
)
HOTKEYS_BUSY: Final = b"ERR hotkey tracking session already in progress"
HOTKEYS_STOP_FIRST: Final = b"ERR hotkey tracking session in progress, stop tracking first"
HOTKEYS_METRICS_REQUIRED: Final = b"ERR METRICS parameter is required"
HOTKEYS_METRICS_COUNT: Final = b"ERR METRICS count must be > 0 and <= 2"
HOTKEYS_METRICS_NUMBER: Final = b"ERR METRICS count does not match number of metric types provided"
HOTKEYS_METRICS_NONE: Final = b"ERR METRICS no valid metrics passed. Supported: CPU|NET"
HOTKEYS_CPU_TWICE: Final = b"ERR METRICS CPU defined more than once!"
HOTKEYS_NET_TWICE: Final = b"ERR METRICS NET defined more than once!"
HOTKEYS_COUNT: Final = b"ERR COUNT must be between 1 and 64"
HOTKEYS_DURATION: Final = b"ERR DURATION must be between 1 and 1000000"
HOTKEYS_SAMPLE: Final = b"ERR SAMPLE ratio must be positive"
HOTKEYS_SLOTS: Final = b"ERR SLOTS parameter cannot be used in non-cluster mode"
NO_ROOM: Final = b"OOM command not allowed when used memory > 'maxmemory'."
DEBUG_NOT_ALLOWED: Final = (
    b'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a '
    b"local connection, otherwise you need to set this option in the configuration file, and then restart the server."
)
TOO_MANY_CLIENTS: Final = b"ERR max number of clients reached"
PROTECTED_MODE: Final = (
    b"DENIED Running in protected mode because protected mode is enabled and no password is set for the default user. "
    b"In this mode connections are only accepted from the loopback interface. If you want to connect from external "
    b"computers, you may adopt one of the following solutions: 1) Just disable protected mode sending the command "
    b"'CONFIG SET protected-mode no' from the loopback interface by connecting from the same host the server is "
    b"running, however MAKE SURE it's not publicly accessible from internet if you do so. Use CONFIG REWRITE to make "
    b"this change permanent. 2) Alternatively you can just disable the protected mode by editing the configuration "
    b"file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the "
    b"server manually just for testing, restart it with the '--protected-mode no' option. 4) Set up an authentication "
    b"password for the default user. NOTE: You only need to do one of the above things in order for the server to "
    b"start accepting connections from the outside."
)
NO_KEYS_FOR_MONITORS: Final = b"ERR Replica can't interact with the keyspace"
NO_MONITOR: Final = b"ERR MONITOR isn't allowed for DENY BLOCKING client"
NO_SUCH_CLIENT: Final = b"ERR No such client"
NOT_IMPORTING: Final = b"ERR Server is not in import mode"
PAUSE_MODE: Final = b"ERR CLIENT PAUSE mode must be WRITE or ALL"
UNBLOCK_REASON: Final = b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
UNBLOCKED: Final = b"UNBLOCKED client unblocked via CLIENT UNBLOCK"
NO_SILENCE_IN_PROCESS: Final = (
    b"ERR CLIENT REPLY OFF and SKIP need a connection: a call in process has its return value"
)
TOO_MUCH_UNREAD: Final = (
    b"ERR more messages came than may wait unread (client-output-buffer-limit pubsub): all subscriptions have ended"
)
COUNT_BELOW_MINUS_1: Final = b"ERR count should be greater than or equal to -1"
COMMANDLOG_TYPE: Final = b"ERR type should be one of the following: slow, large-request, large-reply"
NOT_POSITIVE: Final = b"ERR value is out of range, must be positive"
NOT_A_LISTPACK: Final = b"ERR Not a listpack encoded object."
NOT_AN_SDS: Final = b"ERR Not an sds encoded string."
NOT_A_HASH_TABLE: Final = b"ERR The value stored at the specified key is not represented using an hash table"
DEBUG_DB_OUT_OF_RANGE: Final = b"ERR Out of range database"
WRONG_PROTOCOL_TYPE: Final = (
    b"ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|"
    b"attrib|push|verbatim|true|false"
)
NO_CONFIG_FILE: Final = b"ERR The server is running without a config file"
RESTART_FAILED: Final = b"ERR failed to restart the server. Check server logs."
INVALID_CLIENT_ID: Final = b"ERR Invalid client id"
NOT_A_QUICKLIST: Final = b"ERR Not a quicklist encoded object."
SORT_NOT_A_NUMBER: Final = b"ERR One or more scores can't be converted into double"
BAD_PACKED_THRESHOLD: Final = b"ERR argument must be a memory value bigger than 1 and smaller than 4gb"
NO_CLIENT_EVICTION: Final = b"ERR maxmemory-clients is disabled."
NO_TLS: Final = b"ERR TLS is not enabled"
ONLY_IN_A_SERVER: Final = b"ERR this ends a server, and this engine runs inside another program"
NOT_IN_RESP2: Final = b"ERR RESP2 is not supported by this command"
MODULE_NOT_ALLOWED: Final = (
    b'ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a '
    b"local connection, otherwise you need to set this option in the configuration file, and then restart the server."
)
MODULE_NOT_LOADED: Final = b"ERR Error loading the extension. Please check the server logs."
NO_SUCH_MODULE: Final = b"ERR Error unloading module: no such module with that name"
FEW_REPLICAS: Final = b"NOREPLICAS Not enough good replicas to write."
READONLY: Final = b"READONLY You can't write against a read only replica."
STALE_REPLICA: Final = b"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
NO_KEYS_FOR_REPLICAS: Final = b"ERR Replica can't interact with the keyspace"
FORCED_UNBLOCK: Final = b"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
NOT_FROM_REPLICAS: Final = b"ERR Command is not valid when client is a replica."
REPLICAOF_DURING_FAILOVER: Final = b"ERR REPLICAOF not allowed while failing over."
PENDING_OUTPUT: Final = b"ERR SYNC and PSYNC are invalid with pending output"
TAKE_OVER_PRIMARY: Final = b"ERR PSYNC FAILOVER can't be sent to a master."
TAKE_OVER_HISTORY: Final = b"ERR PSYNC FAILOVER replid must match my replid."
WAIT_ON_REPLICA: Final = (
    b"ERR WAIT cannot be used with replica instances. Please also note that if a replica is configured to be writable "
    b"(which is not the default) writes to replicas are just local and are not propagated."
)
WAITAOF_ON_REPLICA: Final = (
    b"ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and "
    b"are not propagated."
)
FAILING_OVER: Final = b"ERR FAILOVER already in progress."
FAILOVER_ON_REPLICA: Final = b"ERR FAILOVER is not valid when server is a replica."
FAILOVER_FORCE: Final = b"ERR FAILOVER with force option requires both a timeout and target HOST and IP."
FAILOVER_NO_TARGET: Final = b"ERR FAILOVER target HOST and PORT is not a replica."
FAILOVER_NOT_ONLINE: Final = b"ERR FAILOVER target replica is not online."
NO_REPLICATION: Final = b"ERR %b is not supported by this version of redpoll: it cannot follow another server yet"
FAILOVER_WITHOUT_REPLICAS: Final = b"ERR FAILOVER requires connected replicas."
NO_FAILOVER: Final = b"ERR No failover in progress."
FAILOVER_TIMEOUT: Final = b"ERR FAILOVER timeout must be greater than 0"
INVALID_PRIMARY_PORT: Final = b"ERR Invalid master port"
WAITAOF_LOCAL: Final = b"ERR value is out of range, value must between 0 and 1"
WAITAOF_WITHOUT_AOF: Final = b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
GETKEYS_UNKNOWN: Final = b"ERR Invalid command specified"
GETKEYS_ARITY: Final = b"ERR Invalid number of arguments specified for command"
GETKEYS_SENSELESS: Final = b"ERR Invalid arguments specified for command"
GETKEYS_NONE: Final = b"ERR The command has no key arguments"
KEYS_NEED_NO_KEY: Final = b"ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
NO_MIGRATE_HERE: Final = b"ERR MIGRATE needs a server: this engine runs inside a program. Use DUMP and RESTORE"
IO_CONNECTING: Final = b"IOERR error or timeout connecting to the client"
IO_WRITING: Final = b"IOERR error or timeout writing to target instance"
IO_READING: Final = b"IOERR error or timeout reading to target instance"
NO_SHUTDOWN: Final = b"ERR No shutdown in progress."
SHUTDOWN_FAILED: Final = b"ERR Errors trying to SHUTDOWN. Check logs."
SHUTDOWN_IN_PROCESS: Final = b"ERR SHUTDOWN is for servers: this engine runs inside a program"


def up_to_nul(word: bytes) -> bytes:
    """A word up to its first zero byte, as the reference shows it."""
    return word.partition(b"\0")[0]


def wrong_arity(name: bytes) -> bytes:
    """`name` in lower case, a subcommand as `config|get`."""
    return b"ERR wrong number of arguments for '%b' command" % name


def invalid_expire(name: bytes) -> bytes:
    return b"ERR invalid expire time in '%b' command" % name


def unsupported_option(word: bytes) -> bytes:
    return b"ERR Unsupported option %b" % up_to_nul(word)


def only_in(option: bytes, command: bytes) -> bytes:
    """An option of a related command that this command does not have."""
    return b"ERR %b option can only be used in %b" % (option, command)


def no_such_group(group: bytes, key: bytes) -> bytes:
    return b"NOGROUP No such consumer group '%b' for key name '%b'" % (up_to_nul(group), up_to_nul(key))


def no_key_or_group(key: bytes, group: bytes) -> bytes:
    return b"NOGROUP No such key '%b' or consumer group '%b'" % (up_to_nul(key), up_to_nul(group))


def no_group_to_read(key: bytes, group: bytes) -> bytes:
    return no_key_or_group(key, group) + b" in XREADGROUP with GROUP option"


def only_in_xreadgroup(option: bytes) -> bytes:
    return b"ERR The %b option is only supported by XREADGROUP. You called XREAD instead." % option


def meaningless_id(id: bytes) -> bytes:
    """`$` or `+` in XREADGROUP."""
    return (
        b"ERR The %b ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
        b"specifying a proper ID, or use the > ID to get new messages. The %b ID would just return an empty result set."
        % (id, id)
    )


def unbalanced_streams(name: bytes, id: bytes) -> bytes:
    return b"ERR Unbalanced '%b' list of streams: for each stream key an ID or '%b' must be specified." % (name, id)


def invalid_claim_argument(what: bytes, name: bytes) -> bytes:
    return b"ERR Invalid %b argument for %b" % (what, name)


def unknown_claim_option(word: bytes) -> bytes:
    return b"ERR Unrecognized XCLAIM option '%b'" % up_to_nul(word)


def unknown_subcommand(word: bytes, container: bytes) -> bytes:
    return b"ERR unknown subcommand '%b'. Try %b HELP." % (up_to_nul(word)[:128], container.upper())


def deny_blocking(name: bytes) -> bytes:
    """The command needs a connection that can be sent something later."""
    return b"ERR %b isn't allowed for a DENY BLOCKING client" % name


def only_for_subscribers(name: bytes) -> bytes:
    """A RESP2 client in subscribed mode sent something else."""
    return (
        b"ERR Can't execute '%b': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
        b"context" % name
    )


def wrong_subcommand(word: bytes, container: bytes) -> bytes:
    """For containers that parse their subcommands themselves.  `word` is as the client sent it."""
    return b"ERR unknown subcommand or wrong number of arguments for '%b'. Try %b HELP." % (
        up_to_nul(word)[:128], container,
    )  # fmt: skip


def rewrite_failed(reason: bytes) -> bytes:
    """The configuration file could not be written."""
    return b"ERR Rewriting config file: " + reason


def fill_failed(reason: bytes) -> bytes:
    """The same, of DEBUG's way to write it."""
    return b"ERR CONFIG-REWRITE-FORCE-ALL failed: " + reason


def out_of_memory(name: bytes) -> bytes:
    """A command ran out of memory."""
    return b"OOM out of memory while running '%b'" % name


def no_input_keys(name: bytes) -> bytes:
    return b"ERR at least 1 input key is needed for '%b' command" % name


def unknown_type_name(word: bytes) -> bytes:
    return b"ERR unknown type name '%b'" % up_to_nul(word)


def unknown_client_type(word: bytes) -> bytes:
    return b"ERR Unknown client type '%b'" % up_to_nul(word)


def no_such_user(name: bytes) -> bytes:
    return b"ERR No such user '%b'" % up_to_nul(name)


def filter_not_an_integer(name: bytes) -> bytes:
    return b"ERR %b is not an integer or out of range" % name


def filter_not_positive(name: bytes) -> bytes:
    return b"ERR %b should be greater than 0" % name


def filter_db_out_of_range(name: bytes, databases: int) -> bytes:
    return b"ERR %b number should be between 0 and %d" % (name, databases - 1)


def unknown_letters(what: bytes, where: bytes, letters: bytes) -> bytes:
    return b"ERR Unknown %b found in the %b filter: %b" % (what, where, letters)


def special_characters(what: bytes) -> bytes:
    return b"ERR %b cannot contain spaces, newlines or special characters." % up_to_nul(what)


def unrecognized_option(word: bytes) -> bytes:
    return b"ERR Unrecognized option '%b'" % up_to_nul(word)


def hello_option(word: bytes) -> bytes:
    return b"ERR Syntax error in HELLO option '%b'" % up_to_nul(word)


def no_latency_samples(event: bytes) -> bytes:
    return b"ERR No samples available for event '%b'" % up_to_nul(event)


def not_in_transaction(name: bytes) -> bytes:
    return b"ERR Command '%b' not allowed inside a transaction" % name


def unknown_command(args: list[bytes]) -> bytes:
    """Name and arguments are cut as in the reference, so that the line stays short."""
    listed = b""
    for argument in args[1:]:
        if len(listed) >= 128:
            break
        listed += b"'%b' " % up_to_nul(argument)[: 128 - len(listed)]
    text = b"ERR unknown command '%b', with args beginning with: %b" % (up_to_nul(args[0])[:128], listed)
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


def unknown_pfdebug(word: bytes) -> bytes:
    return b"ERR Unknown PFDEBUG subcommand '%b'" % word


def place_out_of_range(longitude: float, latitude: float) -> bytes:
    return b"ERR invalid longitude,latitude pair %f,%f" % (longitude, latitude)


def no_such_member(member: bytes) -> bytes:
    return b"ERR member %b does not exist" % member


def geo_from_missing(name: bytes) -> bytes:
    return b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %b" % name


def geo_by_missing(name: bytes) -> bytes:
    return b"ERR exactly one of BYRADIUS, BYBOX and BYPOLYGON can be specified for %b" % name


def unwritable(reason: bytes) -> bytes:
    """Why a value has no form in the chosen version of the file format; the reference always writes its own."""
    return b"ERR rdb-format: %b" % reason


def redirect(address: bytes) -> bytes:
    return b"REDIRECT " + address


def unknown_replconf(option: bytes) -> bytes:
    return b"ERR Unrecognized REPLCONF option: " + option


def long_replica_address(size: int) -> bytes:
    return b"ERR REPLCONF ip-address provided by replica instance is too long: %d bytes" % size


def loading(as_redis: bool) -> bytes:
    return b"LOADING %b is loading the dataset in memory" % (b"Redis" if as_redis else b"Valkey")


def cannot_append(reason: bytes) -> bytes:
    return b"MISCONF Errors writing to the AOF file: %b" % reason


def cannot_save(as_redis: bool) -> bytes:
    return (
        b"MISCONF %b is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that "
        b"may modify the data set are disabled, because this instance is configured to report errors during writes if "
        b"RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the %b logs for details about the "
        b"RDB error." % ((b"Redis", b"Redis") if as_redis else (b"Valkey", b"Valkey"))
    )


def target_error(text: bytes) -> bytes:
    """The reply of MIGRATE to an error of the other server, without its minus."""
    return b"ERR Target instance replied with error: " + text
