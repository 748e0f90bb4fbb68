"""`redpoll`: the commands of the terminal."""

from __future__ import annotations

import os
import sys

from redpoll.build_info import VERSION, build_kind, interpreter

USAGE = """redpoll {version}: a data-structure server that speaks Redis.

  redpoll server [FILE] [--option value ...]   serve clients; FILE is a redis.conf
  redpoll --version                            version, build and interpreter
  redpoll --help                               this text

  redpoll server                               127.0.0.1:6379, nothing saved to disk
  redpoll server --port 7000 --bind 0.0.0.0    another port, on all addresses
  redpoll server redis.conf --loglevel debug   a file; what follows wins over it
"""
SERVER_USAGE = """redpoll server [FILE] [--option value ...]

Serves clients until SIGTERM, SIGINT or SHUTDOWN.  FILE has the syntax of redis.conf; options are the same
directives with -- in front, and win.  The directives of this version, with their defaults:

"""


def main(words: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["server"]:
        return server(words[1:])
    if words[:1] in (["--version"], ["-v"]):
        print(f"redpoll {VERSION} ({build_kind()}, {interpreter()})")
        return 0
    if not words or words[0] in ("--help", "-h", "help"):
        print(USAGE.format(version=VERSION), end="")
        return 0
    print(f"redpoll: there is no command '{words[0]}'; see redpoll --help", file=sys.stderr)
    return 2


def server(words: list[str]) -> int:
    """`redpoll server`."""
    from redpoll.config.live import DIRECTIVES, ConfigError, load
    from redpoll.env.clock import Clock
    from redpoll.env.log import Log
    from redpoll.errors import ServerError
    from redpoll.server import Server

    if words[:1] in (["--help"], ["-h"]):
        print(SERVER_USAGE, end="")
        for directive in DIRECTIVES.values():
            print(f"  --{directive.name} {directive.default or chr(34) * 2}\n      {directive.help}")
        return 0
    path = text = ""
    if words and not words[0].startswith("-"):
        path = os.path.abspath(words[0])
        words = words[1:]
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                text = file.read()
        except OSError as refused:
            print(f"Fatal error, can't open config file '{path}': {refused.strerror}", file=sys.stderr)
            return 1
    try:
        settings = load(path, text, words)
    except ConfigError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    folder = settings.text("dir")
    if folder:
        try:
            os.chdir(folder)
        except OSError as refused:
            print(f"redpoll: cannot work in dir '{folder}': {refused.strerror}", file=sys.stderr)
            return 1
    settings.values["dir"] = os.getcwd()
    log = Log(Clock(), settings.text("loglevel"), settings.text("logfile"))
    log.notice(f"redpoll {VERSION} is starting: {build_kind()}, {interpreter()}, port {settings.text('port')}")
    try:
        running = Server(settings, log, build_kind())
        running.start()
    except ServerError as refused:
        log.warning(str(refused))
        return 1
    return running.run()
