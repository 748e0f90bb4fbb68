"""`redpoll server`: from the command line to a running server."""

from __future__ import annotations

import os
import sys

from redpoll.build_info import VERSION, build_kind, interpreter
from redpoll.cli.logo import logo
from redpoll.config.arguments import CommandLine
from redpoll.config.directive import EFFECT, NO_EFFECT, NOT_YET, REFUSED
from redpoll.config.file import LINE_WORDS, ConfigError, faults, load, nearest
from redpoll.config.schema import BY_NAME, DIRECTIVES, GROUPS, IGNORED, find
from redpoll.config.settings import Config, Effects
from redpoll.engine.command import spellings
from redpoll.env.clock import Clock
from redpoll.env.files import Files
from redpoll.env.log import Log
from redpoll.env.process import end_at_once, go_to_background, open_standard_streams
from redpoll.env.restart import Start
from redpoll.env.system_log import SYSTEM_LOG, SystemLog
from redpoll.env.title import Title
from redpoll.errors import ServerError, up_to_nul
from redpoll.net.listener import NOWHERE, asks_to_listen
from redpoll.net.supervisor import Supervisor
from redpoll.server import Server, rename_command, rename_commands
from redpoll.version import REFERENCE_VERSION

DEFAULT_PID_FILE = "/var/run/redpoll.pid"

USAGE = """redpoll server [FILE] [-] [--option value ...]

Serves clients until SIGTERM, SIGINT or SHUTDOWN.  FILE has the syntax of redis.conf and valkey.conf, - reads the same
from standard input; options are the same directives with -- in front, and win over both.

  redpoll server                                     all addresses, port 6379
  redpoll server redis.conf --loglevel debug         a file; what follows wins over it
  redpoll server --port 7000 --bind 127.0.0.1 -::1   another port, this machine only
  redpoll server --check redis.conf                  all faults of a file, and no server
  redpoll server --port 0 --unixsocket /run/redpoll.sock --unixsocketperm 700
  echo 'requirepass secret' | redpoll server -       settings from standard input

The directives that act in this version, with their defaults; docs/configuration.md has the others too.
"""


def usage() -> str:
    """The text of `redpoll server --help`."""
    parts = [USAGE]
    for group, title in GROUPS:
        acting = [found for found in DIRECTIVES if found.group == group and found.applies == EFFECT]
        if acting:
            parts.append(f"\n{title}\n\n")
        for directive in acting:
            default = directive.default.text.decode() or '""'
            parts.append(f"  --{directive.name.decode()} {default}\n      {directive.help}\n")
    return "".join(parts)


def help_on(names: list[str]) -> int:
    """Show what each directive in `names` means; return the exit status, 2 if one does not exist."""
    status = 0
    for word in names:
        name = word.removeprefix("--").lower()
        directive = find(name.encode("utf-8", "surrogateescape"))
        if directive is None:
            from difflib import get_close_matches

            close = get_close_matches(name, [known.decode() for known in BY_NAME], 1)
            hint = f"; did you mean '{close[0]}'?" if close else "."
            print(f"redpoll server: there is no directive '{name}'{hint}  See redpoll server --help.", file=sys.stderr)
            status = 2
            continue
        default = directive.default.text.decode() or '""'
        values = ": ".join(part for part in (directive.kind.label, directive.kind.allowed()) if part)
        print(f"--{directive.name.decode()} {default}\n    {directive.help}\n    Values: {values}.")
        for applies, when in (
            (directive.immutable, "Can be set only at start."),
            (directive.applies == NO_EFFECT, "Accepted, but without effect in redpoll."),
            (directive.applies == NOT_YET, "Accepted, but its feature does not exist yet."),
            (directive.applies == REFUSED, "Only the default is accepted: its feature does not exist yet."),
        ):
            if applies:
                print(f"    {when}")
    return status


def serve(words: list[str]) -> int:
    """Run a server as `words` ask for; return the exit status."""
    open_standard_streams()
    arguments = [word.encode("utf-8", "surrogateescape") for word in words]
    if refused := second_file(arguments):
        print(refused, file=sys.stderr)
        return 1
    origin = Start()
    try:
        stdin = sys.stdin.buffer.read() if CommandLine(arguments).reads_stdin else b""
        config = load(arguments, stdin, Files())
        log = opened_log(config)
        return run(config, log, origin)
    except ConfigError as wrong:
        if wrong.in_log:
            log = Log(Clock())
            log.warning(wrong.reason.decode("utf-8", "surrogateescape"))
            if wrong.place is not None:
                log.warning(wrong.place.named().decode("utf-8", "surrogateescape"))
        else:
            sys.stderr.buffer.write(wrong.report(REFERENCE_VERSION))
        return 1


def check(words: list[str]) -> int:
    """Report every fault of a configuration, and start nothing; return the exit status."""
    arguments = [word.encode("utf-8", "surrogateescape") for word in words]
    if not arguments:
        print(
            "redpoll server --check [FILE] [--option value ...]: name the file or the options to check", file=sys.stderr
        )
        return 2
    if refused := second_file(arguments):
        print(refused, file=sys.stderr)
        return 2
    stdin = sys.stdin.buffer.read() if CommandLine(arguments).reads_stdin else b""
    config = Config(Files())
    found = faults(config, arguments, stdin)
    commands = spellings()
    for rename in config.renames:
        try:
            rename_command(commands, rename)
        except ConfigError as wrong:
            found.append(wrong)
    if not asks_to_listen(config):
        found.append(ConfigError(NOWHERE.encode()))
    for fault in found:
        sys.stderr.buffer.write(one_line(fault))
    if found:
        print(f"{len(found)} fault{'s' if len(found) > 1 else ''}", file=sys.stderr)
        return 1
    print("no fault found")
    return 0


def second_file(arguments: list[bytes]) -> str:
    """What to tell a user who named a second FILE, or a FILE after `-`; empty if there is none."""
    word = CommandLine(arguments).stray
    if not word or find(word.lower()) is not None or word.lower() in LINE_WORDS or word.lower() in IGNORED:
        return ""
    shown = word.decode("utf-8", "surrogateescape")
    return f"redpoll server: unexpected '{shown}': there can be one FILE, as the first word. Use --include {shown}"


def one_line(wrong: ConfigError) -> bytes:
    """A fault as `FILE:LINE: 'text': reason`."""
    place = wrong.place
    if place is None:
        return wrong.reason + b"\n"
    where = b"%b:%d" % (place.source, place.number) if place.source else b"command line"
    hint = nearest(wrong)
    return b"%b: '%b': %b%b\n" % (where, place.text, wrong.reason, b"; did you mean '%b'?" % hint if hint else b"")


def opened_log(config: Config, system_log: str = SYSTEM_LOG) -> Log:
    """Open the log that the settings ask for.  `system_log` is the path of the system log's socket."""
    clock = Clock()
    log = Log(clock, config.string(b"loglevel"), config.string(b"logfile"))
    log.form = config.string(b"log-format")
    log.timestamp = config.string(b"log-timestamp-format")
    if config.flag(b"syslog-enabled"):
        log.system = SystemLog(config.string(b"syslog-ident"), config.string(b"syslog-facility"), clock, system_log)
    return log


def run(config: Config, log: Log, origin: Start) -> int:
    """Start and serve; return the exit status.  Raises ConfigError for a fault that only shows at the start."""
    build = f"{VERSION} ({build_kind()}, {interpreter()})"
    try:
        # Checked before the fork: after it, nobody would read the error.
        rename_commands(spellings(), config)
        supervisor = Supervisor(config.string(b"supervised"), log)
        background = config.flag(b"daemonize") and supervisor.kind == "no"
        if background:
            go_to_background()
        log.notice("oO0OoO0OoO0Oo redpoll is starting oO0OoO0OoO0Oo")
        log.notice(f"redpoll {build}, just started")
        if config.path or config.from_stdin:
            log.notice("Configuration loaded")
        else:
            log.notice("No configuration file: defaults and the command line are in force")
        if config.flag(b"always-show-logo"):
            for line in logo(build, os.getpid(), config.integer(b"port")):
                log.notice(line)
        supervisor.announce()
        server = Server(config, log, build, supervisor, origin)
        if config.flag(b"set-proc-title"):
            # Registered after the server has registered its listeners, so that the title never shows a port that could
            # not be used.
            ProcessTitle().connect(config)
        tell_of_ignored_data(config, log)
        server.start(config.string(b"pidfile") or (DEFAULT_PID_FILE if background else ""))
    except ServerError as refused:
        log.warning(str(refused))
        return 1
    status = server.run()
    if server.restart_ms >= 0:
        origin.again(server.restart_ms)
        status = 1
    end_at_once(status)
    return status


class ProcessTitle(Effects):
    """Shows `proc-title-template` as the process title, and updates it when a setting that it contains changes."""

    NAME = b"redpoll"

    def __init__(self) -> None:
        self.title = Title()

    def connect(self, config: Config) -> None:
        """Show the title, now and after each change."""
        for name in (b"proc-title-template", b"port", b"bind"):
            config.listen(name, self)
        self.apply(b"proc-title-template", config)

    def apply(self, name: bytes, config: Config) -> bytes:
        self.title.show(self.NAME, config.title(config.text(b"proc-title-template"), self.NAME))
        return b""


def tell_of_ignored_data(config: Config, log: Log) -> None:
    """Log a warning if `dir` has data that is not loaded.

    With `appendonly no` that is an append-only file; with `appendonly yes` a snapshot without an append-only file.
    """
    names = (b"appenddirname", b"appendfilename")
    paths = [config.files.absolute(up_to_nul(config.text(name))) for name in names]
    found = [path for path in paths if config.files.exists(path)]
    if not config.flag(b"appendonly"):
        for path in found:
            log.warning(
                f"{path.decode('utf-8', 'surrogateescape')} exists, but it is not loaded, because appendonly is no"
            )
        return
    snapshot = config.files.absolute(up_to_nul(config.text(b"dbfilename")))
    if not found and config.files.exists(snapshot):
        shown = snapshot.decode("utf-8", "surrogateescape")
        log.warning(
            f"{shown} exists, but it is not loaded, because appendonly is yes and there is no append-only file. "
            "To keep its data, start with appendonly no, then CONFIG SET appendonly yes"
        )
