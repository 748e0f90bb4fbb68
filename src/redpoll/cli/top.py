"""`redpoll top`: the load of a Redis-compatible server, refreshed in the terminal.

Rates are computed from two samples of INFO and the slow log.  Sections that a server does not have are left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from dataclasses import dataclass, field

import redpoll.commands
from redpoll.cli.resp import Connection, Disconnected, ServerComplaint
from redpoll.engine.command import CATALOGUE
from redpoll.observe.facts import human

FAMILIES = redpoll.commands.FAMILIES
"""Importing them fills the catalogue, which knows the family of each command."""

HOME_AND_CLEAR = "\x1b[H\x1b[2J"
SHOWN_COMMANDS = 8
SHOWN_SLOW = 5
SHOWN_HOT = 10


@dataclass
class Look:
    """One sample of a server.  `calls` and `usec` are by command, since the start."""

    at: float
    fields: dict[str, str] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    usec: dict[str, int] = field(default_factory=dict)
    percentiles: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    hot: list[str] = field(default_factory=list)
    slow: list[tuple[int, int, str]] = field(default_factory=list)
    """Slow commands: time in seconds since 1970, microseconds, the command."""

    def number(self, name: str) -> float:
        """A field of INFO as a number, 0 if there is none."""
        try:
            return float(self.fields.get(name, "0"))
        except ValueError:
            return 0.0


def look(connection: Connection, at: float) -> Look:
    """Get a sample of a server.  Raises Disconnected, and ServerComplaint if INFO is refused."""
    found = Look(at)
    read_info(found, connection.ask("INFO"))
    for section in ("commandstats", "latencystats", "hotkeys"):
        try:
            read_info(found, connection.ask("INFO", section))
        except ServerComplaint:
            continue
    try:
        entries = connection.ask("SLOWLOG", "GET", str(SHOWN_SLOW))
    except ServerComplaint:
        entries = None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, list) and len(entry) >= 4 and isinstance(entry[3], list):
            words = b" ".join(word for word in entry[3] if isinstance(word, bytes))
            found.slow.append((int(entry[1]), int(entry[2]), printable(words)))
    return found


def read_info(found: Look, text: object) -> None:
    """Add a reply of INFO."""
    if not isinstance(text, bytes):
        return
    for line in text.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon:
            continue
        if name.startswith("cmdstat_"):
            parts = pairs(value)
            command = name.removeprefix("cmdstat_")
            found.calls[command] = whole(parts.get("calls"))
            found.usec[command] = whole(parts.get("usec"))
        elif name.startswith("latency_percentiles_usec_"):
            found.percentiles[name.removeprefix("latency_percentiles_usec_")] = value
        elif name.startswith("hotkey_") and value.startswith("db="):
            found.hot.append(value)
        elif name[:2] == "db" and name[2:].isdigit():
            found.keys[name] = value
        else:
            found.fields[name] = value


def pairs(text: str) -> dict[str, str]:
    """`a=1,b=2` as a table."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        found[name] = value
    return found


def whole(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() else 0


def printable(data: bytes) -> str:
    """Bytes as text that cannot move the cursor or change the colours of a terminal."""
    return repr(data)[2:-1]


def safe(text: str) -> str:
    """Text of the server without control characters."""
    return "".join(character if character.isprintable() else "?" for character in text)


def family(command: str) -> str:
    """The family of a command; `other` if redpoll does not know it."""
    known = CATALOGUE.get(command.encode("utf-8", "replace").lower())
    return known.spec.group if known is not None else "other"


# ---- the picture


def picture(now: Look, before: Look, width: int) -> list[str]:
    """The lines for a terminal that is `width` characters wide."""
    seconds = max(now.at - before.at, 1e-6)

    def rate(name: str) -> float:
        return max(now.number(name) - before.number(name), 0.0) / seconds

    lines = [
        *summary(now, rate("keyspace_hits"), rate("keyspace_misses"), rate("total_commands_processed")),
        f"network    {human(int(rate('total_net_input_bytes')))}/s in   "
        f"{human(int(rate('total_net_output_bytes')))}/s out   "
        f"expired {rate('expired_keys'):.0f}/s   evicted {rate('evicted_keys'):.0f}/s   "
        f"errors {rate('total_error_replies'):.0f}/s",
        "",
        *busy_commands(now, before, seconds),
    ]
    for title, rows in (
        ("databases", [f"  {name:<6} {value.replace(',', '  ')}" for name, value in sorted(now.keys.items())]),
        ("hot keys", [f"  {value.replace(',', '  ', 2)}" for value in now.hot[:SHOWN_HOT]]),
        ("slow log", [slow_line(entry) for entry in now.slow]),
    ):
        if rows:
            lines += ["", title, *rows]
    return [safe(line)[:width] for line in lines]


def summary(now: Look, hits: float, misses: float, commands: float) -> list[str]:
    name = now.fields.get("server_name", "redis")
    version = (
        now.fields.get("redpoll_version") or now.fields.get(f"{name}_version") or now.fields.get("redis_version", "")
    )
    if "redpoll_version" in now.fields:
        name = "redpoll"
    limit = now.number("maxmemory")
    share = f"   limit {human(int(limit))} ({100.0 * now.number('used_memory') / limit:.0f} %)" if limit else ""
    ratio = f"{100.0 * hits / (hits + misses):.1f} %" if hits + misses > 0 else "-"
    up = int(now.number("uptime_in_seconds"))
    return [
        f"{name} {version}   port {now.fields.get('tcp_port', '?')}   {now.fields.get('role', '?')}   "
        f"up {up // 86400} d {up // 3600 % 24:02}:{up // 60 % 60:02}:{up % 60:02}",
        f"commands   {commands:.0f}/s   hit ratio {ratio}",
        f"memory     {human(int(now.number('used_memory')))}   resident {human(int(now.number('used_memory_rss')))}"
        f"   peak {human(int(now.number('used_memory_peak')))}{share}",
        f"clients    {now.number('connected_clients'):.0f}   blocked {now.number('blocked_clients'):.0f}   "
        f"subscribed {now.number('pubsub_clients'):.0f}",
    ]


def busy_commands(now: Look, before: Look, seconds: float) -> list[str]:
    """Rates by family, and the commands that took most time since the last sample."""
    families: dict[str, int] = {}
    busy: list[tuple[int, int, str]] = []
    for command, calls in now.calls.items():
        grown = calls - before.calls.get(command, 0)
        if grown <= 0:
            continue
        name = family(command)
        families[name] = families.get(name, 0) + grown
        busy.append((now.usec[command] - before.usec.get(command, 0), grown, command))
    shown = sorted(families.items(), key=lambda item: -item[1])
    lines = ["families   " + ("   ".join(f"{name} {calls / seconds:.0f}/s" for name, calls in shown) or "-")]
    busy.sort(reverse=True)
    if busy:
        lines += [
            "",
            f"{'command':<18} {'calls/s':>10} {'mean µs':>10} {'time %':>7}   percentiles since the start, µs",
        ]
    for usec, calls, command in busy[:SHOWN_COMMANDS]:
        percentiles = now.percentiles.get(command, "").replace(",", "  ").replace(".000", "")
        lines.append(
            f"{command:<18} {calls / seconds:>10.0f} {usec / calls:>10.1f} {usec / seconds / 1e4:>7.1f}   {percentiles}"
        )
    return lines


def slow_line(entry: tuple[int, int, str]) -> str:
    at, usec, command = entry
    return f"  {time.strftime('%H:%M:%S', time.localtime(at))} {usec / 1000:>9.1f} ms  {command}"


# ---- the program

DESCRIPTION = """Show what a Redis-compatible server does: rates of commands and families, latency, memory, hit ratio,
clients, hot keys and the slow log.  Ctrl-C ends it."""


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("redpoll top", description=DESCRIPTION, add_help=False, allow_abbrev=False)
    parser.add_argument("--help", action="help", help="show this text")
    parser.add_argument("-h", "--host", default="127.0.0.1", help="host of the server (127.0.0.1)")
    parser.add_argument("-p", "--port", type=int, default=6379, help="its port (6379)")
    parser.add_argument("--user", default="", help="name to authenticate with")
    parser.add_argument(
        "-a", "--pass", dest="password", default="", help="password; better in the variable REDISCLI_AUTH"
    )
    parser.add_argument("-i", "--interval", type=float, default=1.0, help="seconds between two looks (1)")
    parser.add_argument("--once", action="store_true", help="show one picture, of one interval, and end")
    options = parser.parse_args(words)
    if not 0.05 <= options.interval <= 3600:
        parser.error("--interval must be from 0.05 to 3600 seconds")
    return options


def main(words: list[str]) -> int:
    """Run `redpoll top`; return the exit status."""
    options = arguments(words)
    try:
        connection = Connection(options.host, options.port)
        try:
            authenticate(connection, options.user, options.password or os.environ.get("REDISCLI_AUTH", ""))
            watch(connection, options.interval, options.once)
        finally:
            connection.close()
    except (Disconnected, ServerComplaint) as failure:
        print(f"redpoll top: {safe(str(failure))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    except BrokenPipeError:
        # The reader of the output has closed it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def authenticate(connection: Connection, user: str, password: str) -> None:
    if password:
        connection.ask("AUTH", *([user] if user else []), password)


def watch(connection: Connection, interval: float, once: bool) -> None:
    """Show a picture after each interval.  Raises Disconnected and ServerComplaint."""
    before = look(connection, time.monotonic())
    terminal = sys.stdout.isatty()
    while True:
        time.sleep(interval)
        now = look(connection, time.monotonic())
        size = shutil.get_terminal_size((120, 50))
        lines = picture(now, before, size.columns if terminal else 200)
        if terminal and not once:
            lines = [HOME_AND_CLEAR + lines[0], *lines[1 : size.lines - 1]]
        print("\n".join(lines), flush=True)
        if once:
            return
        if not terminal:
            print()
        before = now
