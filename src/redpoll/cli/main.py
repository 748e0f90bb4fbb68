"""The command `redpoll`."""

from __future__ import annotations

import sys

from redpoll.build_info import VERSION, build_kind, interpreter

USAGE = """redpoll {version}: a data-structure server that speaks Redis.

  redpoll server [FILE] [--option value ...]   serve clients; FILE is a redis.conf or valkey.conf
  redpoll server --help                        its options, with their defaults
  redpoll server --help DIRECTIVE ...          one option: its values, default and meaning
  redpoll server --check FILE                  all faults of a configuration file
  redpoll top                                  what a server does, in the terminal; any Redis-compatible one
  redpoll top --help                           its options
  redpoll cluster start --dir DIR              a cluster of processes on this machine, one dataset on several cores
  redpoll cluster --help                       make, check, mend and reshape clusters
  redpoll check-aof [--fix] FILE               whether an append-only file (or its manifest) is whole; --fix cuts it
  redpoll check-rdb FILE                       whether a snapshot file is whole, and if not, what is wrong where
  redpoll rdb stats FILE                       what a snapshot file holds: keys and bytes by type and prefix
  redpoll rdb export FILE --format FORMAT      a snapshot file as text: json, commands or csv
  redpoll --version                            version, build and interpreter
  redpoll --help                               this text

  redpoll server                               port 6379 on all addresses; loads dump.rdb
  redpoll server --port 7000 --bind 127.0.0.1  another port, this machine only
  redpoll server redis.conf --loglevel debug   a file; what follows wins over it

Then, from another terminal:  redis-cli -p 6379 SET greeting hello

Inside a Python program there is no server to start:

  >>> import redpoll
  >>> store = redpoll.open()
  >>> store.set("greeting", "hello")
  >>> store.get("greeting")
  b'hello'
"""


def main(words: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["server"]:
        return server(words[1:])
    if words[:1] == ["top"]:
        from redpoll.cli.top import main as top

        return top(words[1:])
    if words[:1] == ["cluster"]:
        from redpoll.cli.cluster.main import main as cluster

        return cluster(words[1:])
    if words[:2] == ["rdb", "export"]:
        from redpoll.cli.rdb import export

        return export(words[2:])
    if words[:1] == ["check-aof"]:
        from redpoll.cli.aof import check as check_aof

        return check_aof(words[1:])
    if words[:1] == ["check-rdb"] or words[:2] == ["rdb", "stats"]:
        # Imported only when needed.
        from redpoll.cli.rdb import check, stats

        return check(words[1:]) if words[0] == "check-rdb" else stats(words[2:])
    if words[:1] in (["--version"], ["-v"]):
        print(f"redpoll {VERSION} ({build_kind()}, {interpreter()})")
        return 0
    if not words or words[0] in ("--help", "-h", "help"):
        print(USAGE.format(version=VERSION), end="")
        return 0
    print(f"redpoll: {advice(words)}", file=sys.stderr)
    return 2


COMMANDS = ["server", "top", "cluster", "check-aof", "check-rdb", "rdb stats", "rdb export", "--version", "--help"]


def advice(words: list[str]) -> str:
    """The error message for words that are not a command."""
    word = words[0]
    if word.startswith("-") or word.endswith(".conf"):
        return f"did you mean `redpoll server {' '.join(words)}`?  See redpoll --help."
    if word == "rdb":
        return "after 'rdb' comes 'stats' or 'export', then a FILE.  See redpoll --help."
    from difflib import get_close_matches

    close = get_close_matches(word, COMMANDS, 1)
    hint = f"; did you mean 'redpoll {close[0]}'?" if close else "."
    return f"there is no command '{word}'{hint}  See redpoll --help."


def server(words: list[str]) -> int:
    """`redpoll server`."""
    # Imported only when needed, so that the other commands answer at once.
    from redpoll.cli.server import check, help_on, serve, usage

    if words[:1] in (["--help"], ["-h"]):
        if len(words) > 1:
            return help_on(words[1:])
        print(usage(), end="")
        return 0
    if words[:1] in (["--version"], ["-v"]):
        print(f"redpoll {VERSION} ({build_kind()}, {interpreter()})")
        return 0
    if "--check" in words:
        return check([word for word in words if word != "--check"])
    return serve(words)
