"""The error texts of Lua scripts and function libraries, each once.  `errors.py` has the others."""

from __future__ import annotations

from typing import Final

# Scripts.

NOSCRIPT_FOUND: Final = b"NOSCRIPT No matching script."
TOO_MANY_SCRIPT_KEYS: Final = b"ERR Number of keys can't be greater than number of args"
NEGATIVE_SCRIPT_KEYS: Final = b"ERR Number of keys can't be negative"
SCRIPT_ARGUMENT_KIND: Final = b"ERR Command arguments must be strings or integers"
SCRIPT_NO_ARGUMENT: Final = b"ERR Please specify at least one argument for this call"
SCRIPT_UNKNOWN_COMMAND: Final = b"ERR Unknown command called from script"
SCRIPT_WRONG_ARITY: Final = b"ERR Wrong number of args calling command from script"
SCRIPT_COMMAND_CLOSED: Final = b"ERR This Valkey command is not allowed from script"
SCRIPT_NO_WRITES: Final = b"ERR Write commands are not allowed from read-only scripts."
SCRIPT_NOT_LOCAL: Final = b"ERR Attempted to access a non local key in a cluster node"
SCRIPT_CROSSES_SLOTS: Final = b"ERR Script attempted to access keys that do not hash to the same slot"
SCRIPT_IN_CLUSTER: Final = b"ERR Can not run script on cluster, 'no-cluster' flag is set."
SCRIPT_STALE: Final = b"ERR Can not execute the command on a stale replica"
SCRIPT_OUT_OF_MEMORY: Final = b"ERR Error running script, not enough memory"
SCRIPT_WITH_WRITES: Final = b"ERR Can not execute a script with write flag using *_ro command."
SCRIPT_FLUSH_OPTION: Final = b"ERR SCRIPT FLUSH only support SYNC|ASYNC option"
SCRIPT_DEBUG_OPTION: Final = b"ERR Use SCRIPT DEBUG YES/SYNC/NO"
SCRIPT_DEBUG_IN_EXEC: Final = b"ERR SCRIPT DEBUG must be called outside a pipeline"
SCRIPT_DEBUG_REFUSED: Final = b"ERR this server has no script debugger"
NOT_BUSY: Final = b"NOTBUSY No scripts in execution right now."
BAD_SHEBANG: Final = b"ERR Invalid script shebang"
BAD_SHEBANG_ENGINE: Final = b"ERR Invalid engine in script shebang"


def no_scripting_engine(name: bytes) -> bytes:
    return b"ERR Could not find scripting engine '%b'" % name


def unknown_shebang_option(word: bytes) -> bytes:
    return b"ERR Unknown lua shebang option: %b" % word


def unknown_script_flag(word: bytes) -> bytes:
    return b"ERR Unexpected flag in script shebang: %b" % word


def cannot_compile(message: bytes) -> bytes:
    return b"ERR Error compiling script (new function): %b" % message


def no_debug_engine(name: bytes) -> bytes:
    return b"ERR No scripting engine found with name '%b' to enable debug" % name


def busy(functions: bool, as_redis: bool) -> bytes:
    return b"BUSY %b is busy running a script. You can only call %b KILL or SHUTDOWN NOSAVE." % (
        b"Redis" if as_redis else b"Valkey",
        b"FUNCTION" if functions else b"SCRIPT",
    )


UNKILLABLE: Final = (
    b"UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script "
    b"termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
)


def killed_script(functions: bool) -> bytes:
    return b"ERR Script killed by user with %b KILL." % (b"FUNCTION" if functions else b"SCRIPT")


SCRIPT_ON_REPLICA: Final = b"READONLY Can not run script with write flag on readonly replica"
SCRIPT_OVER_LIMIT: Final = b"OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"
SCRIPT_ON_STALE: Final = (
    b"MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set "
    b"on the script."
)


def script_cannot_save(as_redis: bool) -> bytes:
    return (
        b"MISCONF %b is configured to save RDB snapshots, but it's currently unable to persist to disk. Writable "
        b"scripts are blocked. Use 'no-writes' flag for read only scripts." % (b"Redis" if as_redis else b"Valkey")
    )


# Functions.

NO_LIBRARY_METADATA: Final = b"ERR Missing library metadata"
BAD_LIBRARY_METADATA: Final = b"ERR Invalid library metadata"
LIBRARY_NAME_TWICE: Final = b"ERR Invalid metadata value, name argument was given multiple times"
NO_LIBRARY_NAME: Final = b"ERR Library name was not given"
BAD_LIBRARY_NAME: Final = (
    b"ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
)
BAD_FUNCTION_NAME: Final = (
    b"ERR Function names can only contain letters, numbers, or underscores(_) and must be at least one character long"
)
FUNCTION_IN_LIBRARY: Final = b"ERR Function already exists in the library"
NO_FUNCTIONS: Final = b"ERR No functions registered"
FUNCTION_NOT_FOUND: Final = b"ERR Function not found"
LIBRARY_NOT_FOUND: Final = b"ERR Library not found"
BAD_FUNCTION_KEYS: Final = b"ERR Bad number of keys provided"
FUNCTION_FLUSH_OPTION: Final = b"ERR FUNCTION FLUSH only supports SYNC|ASYNC option"
FUNCTION_LOAD_TIMEOUT: Final = b"ERR FUNCTION LOAD timeout"
NO_LIBRARY_PATTERN: Final = b"ERR library name argument was not given"
RESTORE_POLICY: Final = b"ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."
NOT_A_FUNCTION: Final = b"ERR given type is not a function"
OLD_FUNCTION_FORMAT: Final = b"ERR Pre-GA function format not supported"
BAD_LIBRARY_PAYLOAD: Final = b"ERR Failed loading library payload"


def bad_library_metadata(word: bytes) -> bytes:
    return b"ERR Invalid metadata value given: %b" % word


def no_library_engine(name: bytes) -> bytes:
    return b"ERR Engine '%b' not found" % name


def library_exists(name: bytes) -> bytes:
    return b"ERR Library '%b' already exists" % name


def library_exists_in_payload(name: bytes) -> bytes:
    return b"ERR Library %b already exists" % name


def function_exists(name: bytes) -> bytes:
    return b"ERR Function %b already exists" % name


def cannot_compile_function(message: bytes) -> bytes:
    return b"ERR Error compiling function: %b" % message


def cannot_register(message: bytes) -> bytes:
    return b"ERR Error registering functions: %b" % message


def unknown_argument(word: bytes) -> bytes:
    return b"ERR Unknown argument %b" % word


def unknown_option(word: bytes) -> bytes:
    return b"ERR Unknown option given: %b" % word


def unknown_subcommand_or_arity(word: bytes, container: bytes) -> bytes:
    return b"ERR unknown subcommand or wrong number of arguments for '%b'. Try %b HELP." % (word, container.upper())


SCRIPT_IN_SCRIPT: Final = b"ERR a script cannot run another one"
"""Only DEBUG SET-DISABLE-DENY-SCRIPTS lets a script come so far; the reference ends then."""

# Functions in Python.

FUNCTION_IN_FUNCTION: Final = b"ERR a function in Python cannot call another one"


def python_library(name: bytes) -> bytes:
    return b"ERR Library '%b' is in Python: only who starts the server can remove it" % name


def function_failed(name: bytes, what: bytes) -> bytes:
    return b"ERR Error running function %b: %b" % (name, what)
