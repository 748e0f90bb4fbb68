"""`redpoll server`: from the command line to a running server."""

from __future__ import annotations

import os
import sys

from redpoll.build_info import VERSION, build_kind, interpreter
from redpoll.cli.logo import logo
from redpoll.config.arguments import CommandLine
from redpoll.config.directive import EFFECT
from redpoll.config.file import ConfigError, faults, load, nearest
from redpoll.config.schema import DIRECTIVES, GROUPS
from redpoll.config.settings import Config, Effects
from redpoll.engine.engine import spellings
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
    """What `redpoll server --help` shows."""
    parts = [USAGE]
    for group, title in GROUPS:
        acting = [found for found in DIRECTIVES if found.group == group and found.applies == EFFECT]
        if acting:
            parts.append(f"\n{title}\n\n")
        for directive in acting:
            default = directive.default.text.decode() or '""'
            parts.append(f"  --{directive.name.decode()} {default}\n      {directive.help}\n")
    return "".join(parts)


def serve(words: list[str]) -> int:
    """Run a server as `words` ask for; the exit status."""
    open_standard_streams()
    arguments = [word.encode("utf-8", "surrogateescape") for word in words]
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
            sys.stderr.buffer.write(wrong.told(REFERENCE_VERSION))
        return 1


def check(words: list[str]) -> int:
    """Say everything that is wrong with a configuration, and start nothing; the exit status."""
    arguments = [word.encode("utf-8", "surrogateescape") for word in words]
    if not arguments:
        print(
            "redpoll server --check [FILE] [--option value ...]: name the file or the options to check", file=sys.stderr
        )
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


def one_line(wrong: ConfigError) -> bytes:
    """A fault as `FILE:LINE: 'text': reason`."""
    place = wrong.place
    if place is None:
        return wrong.reason + b"\n"
    where = b"%b:%d" % (place.source, place.number) if place.source else b"command line"
    hint = nearest(wrong)
    return b"%b: '%b': %b%b\n" % (where, place.text, wrong.reason, b"; did you mean '%b'?" % hint if hint else b"")


def opened_log(config: Config, system_log: str = SYSTEM_LOG) -> Log:
    """The log that the settings ask for; the system's daemon, if it is to have the lines too, listens at the path."""
    clock = Clock()
    log = Log(clock, config.string(b"loglevel"), config.string(b"logfile"))
    log.form = config.string(b"log-format")
    log.timestamp = config.string(b"log-timestamp-format")
    if config.flag(b"syslog-enabled"):
        log.system = SystemLog(config.string(b"syslog-ident"), config.string(b"syslog-facility"), clock, system_log)
    return log


def run(config: Config, log: Log, origin: Start) -> int:
    """Start and serve; the exit status.  Raises ConfigError for what only the whole program can tell is wrong."""
    build = f"{VERSION} ({build_kind()}, {interpreter()})"
    try:
        refuse_to_lose_data(config)
        # Found out here already: behind the fork nobody would read it.
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
            # Behind the server's own listening, so that a port it could not take is never shown.
            ProcessTitle().connect(config)
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
    """Shows what `proc-title-template` says, and follows what it tells of."""

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


def refuse_to_lose_data(config: Config) -> None:
    """Raises ServerError if an earlier server left an append-only file, which this one cannot load, in its folder."""
    if config.flag(b"ignore-existing-data"):
        return
    for name in (b"appenddirname", b"appendfilename"):
        path = config.files.absolute(up_to_nul(config.text(name)))
        if config.files.exists(path):
            raise ServerError(
                f"{path.decode('utf-8', 'surrogateescape')} holds data that this version of redpoll cannot load, and "
                "it would start empty. Use another --dir, or move the data away; --ignore-existing-data yes starts "
                "nevertheless and leaves it untouched."
            )
