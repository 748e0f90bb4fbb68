"""CONFIG GET and SET of every directive, as `Config` answers and as a live valkey does.

Values that are valid, invalid and on the border of each type are set in both, and what both then show is compared.
Where redpoll refuses a value only because its feature does not exist yet, the value is compared all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.differential.servers import Valkey
from tests.differential.wire import Reply, Wire, encode

from redpoll.config.directive import Directive
from redpoll.config.schema import BY_NAME, DIRECTIVES
from redpoll.config.settings import Config, NameGlob
from redpoll.config.values import BadValue, Enum, Int, Value
from redpoll.env.files import MemoryFiles
from redpoll.keyspace.glob import Glob

OUR_HOT_KEYS = {b"hotkey-sampling-ratio", b"hotkey-top-k", b"hotkey-window-seconds"}
OUR_METRICS = {b"metrics-bind", b"metrics-names", b"metrics-port"}
OUR_SNAPSHOTS = {b"rdb-format", b"snapshot-cpu-percent"}
OUR_SCRIPTS = {b"functions", b"lua-memory-limit"}
NOT_IN_THE_REFERENCE = OUR_HOT_KEYS | OUR_METRICS | OUR_SNAPSHOTS | OUR_SCRIPTS

SET_AT_START = {b"port", b"bind", b"dir", b"save", b"loglevel", b"enable-debug-command", b"maxclients"}
"""What the live server was started with, or found out; its value is not compared."""

EFFECTS_TOO_STRONG = {
    b"bind": "needs addresses that this machine may not have",
    b"port": "moves the live server",
    b"tls-port": "ends a server without TLS",
    b"rdma-port": "crashes a server without RDMA",
    b"rdma-bind": "crashes a server without RDMA; an empty value is refused, which ours accepts",
    b"io-threads": "starts threads",
    b"appendonly": "starts a rewrite",
    b"oom-score-adj": "is not allowed to every user",
    b"oom-score-adj-values": "is not allowed to every user while oom-score-adj is on",
    b"maxclients": "depends on the limit of open files",
    b"locale-collate": "depends on the locales installed; test_sort.py sets it",
    b"tls-cluster": "crashes a server without TLS",
    b"tls-replication": "crashes a server without TLS",
    b"watchdog-period": "arms a signal",
    b"repl-backlog-size": "brings a small one up to 16384",
}
"""Directives that are not set on the live server."""

WRAPS_AROUND = {
    (b"slot-migration-max-failover-repl-bytes", "18446744073709551615"),
    (b"maxmemory-clients", "18446744073709551615"),
}
"""What the reference takes for another number; ours refuses it."""

NUMBERS = ["", "0", "1", "-1", "-0", "+1", "01", " 1", "1 ", "1.5", "1k", "x", str(2**63 - 1), str(2**63)]
SIZES = [*NUMBERS, "kb", "1B", "2Kb", "3M", "4mb", "5g", "6GB", "7t", "1 k", "1kib", "00012k", "18446744073709551615"]
PERCENTS = [*SIZES, "0%", "5%", "100%", "101%", "-1%", "%", "05%", "+5%", "5%%", "5k%"]

SPECIAL = {
    b"save": [
        "", "900 1", "900", "900  1", " 900 1", "0 1", "1 0", "1 -1", "+1 01", "\t1 1", "1a 1", "1 1 2 2", '"1" 1',
    ],
    b"client-output-buffer-limit": [
        "NORMAL 1 2 3", "replica 1mb 2k 3", "slave 1 2", "normal  1 2 3", "", "normal 1 2 +7", "normal 1 2 07",
        "normal 1 2 -7", "normal 1 2 ", "pubsub  kb 2", "normal kb 1b 3 normal 5 6 7", "master 1 2 3", "normal x 2 3",
        "normal 1 2 3 foo 1 2 3", "normal 1 2 99999999999999999999",
    ],
    b"notify-keyspace-events": ["A", "KEAnm", "nmKE", "xg", "", "KK", "Eg$lshzxetd", "n", "q", "a", "Ag d", " "],
    b"latency-tracking-info-percentiles": [
        "99.999999", "0.1", "1e-7", "nan", "inf", "100", "100.1", "-1", "5 ", "5  6", "1 2 2", ".5", "5.", "1e2", "+5",
        "", "099.5", "99.9000001", "x", "1_0", "50 99 99.9",
    ],
    b"shutdown-on-sigint": [
        "", "save", "SAVE  NOW", "save nosave", "default force", "force now save", " save", "default",
    ],
    b"shutdown-on-sigterm": ["nosave", "nosave,now", "default default", "default"],
    b"cluster-announce-hostname": ["a" * 256, "a" * 255, "a_b", "a.b-", "é", ""],
    b"cluster-announce-human-nodename": ["a b", "a/b`é_:.-", "@", ""],
    b"cluster-announce-ip": ["a b", "a/b`é_:.-", "@", ""],
    b"cluster-announce-client-ipv4": ["1.2.3", "1.2.3.4", "1.2.3.256", "01.2.3.4", "::1", "1.2.3.4 ", ""],
    b"cluster-announce-client-ipv6": [
        "::1", "::", "1:2", "1::2::3", "::1.2.3.4", "12345::", "1.2.3.4",
        "1:2:3:4:5:6:7::", "",
    ],
    b"proc-title-template": [
        "", "{title}", "{title} x", "{port}", "{tls-port}", "{unixsocket}", "{title}{", "}", "{", "{x}",
        "{config-file}", " ", "a}b", "{{title}}", "{{nosuch", "{{{port}}}", "{{{", "{{", "a{port", "{Port}", "{ port}",
        "{server-mode}", "{server-mode}x", " {port}  a ", "\t", "{po{port}", "{}", "{title} {listen-addr} {server-mode}",
    ],
}  # fmt: skip


class Globs(NameGlob):
    def matches(self, pattern: bytes, name: bytes) -> bool:
        return Glob(pattern.lower()).matches(name)


@pytest.fixture(scope="module")
def live() -> Iterator[Wire]:
    server = Valkey("valkey")
    try:
        server.start()
        wire = Wire(server.port)
        yield wire
        wire.close()
    finally:
        server.close()


def ask(live: Wire, *words: str | bytes) -> Reply:
    """The reply to one command."""
    live.send(encode(words))
    return live.read()


def shown_by(live: Wire, name: bytes | str) -> bytes:
    """What the live server's CONFIG GET shows."""
    text = ask(live, "CONFIG", "GET", name).items[1].text
    assert text is not None
    return text


def values_of(directive: Directive) -> list[str]:
    """Values worth trying: of the type, around its limits, and outside."""
    kind = directive.kind
    if directive.name in SPECIAL:
        return SPECIAL[directive.name]
    if isinstance(kind, Enum):
        return [
            *(word.decode() for word in kind.words),
            kind.words[0].decode().upper(),
            "",
            "nonsense",
            directive_default(directive),
        ]
    if kind.label == "bool":
        return ["YES", "no", "", "1", "true", "yes ", directive_default(directive)]
    if isinstance(kind, Int):
        numbers = {"memory": SIZES, "percent-or-memory": PERCENTS}.get(kind.label, NUMBERS)
        border = [str(number) for limit in (kind.low, kind.high) for number in (limit - 1, limit, limit + 1)]
        return [*numbers, *border, directive_default(directive)]
    return ["some text", 'a "quote" \\ \n', "ünï", directive_default(directive)]


def directive_default(directive: Directive) -> str:
    return directive.default.text.decode()


def ours(config: Config, name: bytes, value: bytes) -> tuple[str, str]:
    """What `Config` answers to one CONFIG SET, and what it shows then."""
    directive = BY_NAME[name]
    before = config.values[directive.name]
    error = config.set([name, value])
    if b"is not supported by this version of redpoll" not in error:
        return error.decode() or "OK", config.text(directive.name).decode()
    try:
        read = directive.kind.parse(directive.kind.words_of_string(value), before)
    except BadValue as wrong:
        return wrong.reason.decode(), before.text.decode()
    config.values[directive.name] = Value(read.text, read.number)
    return "OK", read.text.decode()


def theirs(live: Wire, name: bytes, value: bytes) -> tuple[str, str]:
    reply = ask(live, "CONFIG", "SET", name, value).text
    assert reply is not None
    return reply.decode(), shown_by(live, name).decode()


SETTABLE = [
    directive
    for directive in DIRECTIVES
    if directive.name not in EFFECTS_TOO_STRONG and directive.name not in NOT_IN_THE_REFERENCE
]


@pytest.mark.parametrize("directive", SETTABLE, ids=lambda directive: directive.name.decode())
def test_set_takes_and_refuses_the_same_values(live: Wire, directive: Directive) -> None:
    config = Config(MemoryFiles())
    now = shown_by(live, directive.name)
    if now:
        config.values[directive.name] = directive.kind.parse(directive.kind.words_of_string(now), directive.default)
    for text in values_of(directive):
        if (directive.name, text) in WRAPS_AROUND:
            continue
        value = text.encode()
        assert (text, ours(config, directive.name, value)) == (text, theirs(live, directive.name, value))
    ask(live, "CONFIG", "SET", directive.name, now)


@pytest.mark.parametrize(
    "words",
    [
        ["databases", "3", "nosuch", "1"],
        ["NoSuch", "1", "databases", "3"],
        ["timeout", "x", "databases", "3"],
        ["timeout", "x", "hz", "y"],
        ["timeout", "1", "TIMEOUT", "2", "nosuch", "1"],
        ["slowlog-max-len", "5", "commandlog-slow-execution-max-len", "6"],
        ["timeout", "7", "slowlog-max-len", "x"],
        ["dbfilename", "x", "timeout", "1"],
        ["dir", "", "timeout", "1"],
        ["timeout", "9", "hz", "11"],
    ],
)
def test_several_settings_are_changed_or_refused_alike(live: Wire, words: list[str]) -> None:
    config = Config(MemoryFiles())
    names = ("timeout", "hz", "slowlog-max-len")
    for name in names:
        assert config.set([name.encode(), shown_by(live, name)]) == b""
    expected = ask(live, "CONFIG", "SET", *words).text
    assert (config.set([word.encode() for word in words]) or b"OK") == expected
    for name in names:
        assert shown_by(live, name) == config.get([name.encode()], Globs())[0][1]


@pytest.mark.parametrize(
    "patterns",
    [
        ["*"], ["TimeOut", "timeout", "port*", "TIMEO*"], ["[s-u]*"], ["*MAX-LEN"], ["key-load-delay", "key-load-*"],
        ["Key-Load-Delay"], ["nosuch"], ["?z"], ["slowlog-*", "commandlog-*"], ["hz", "HZ", "Hz"], ["hz\\"],
        ["[h]Z", "hz"], ["HZ", "h?"], [""], ["*", "*"], ["[^a-t]*"], ["repl*", "*slave*"],
    ],
)  # fmt: skip
def test_get_finds_the_same_names_in_the_same_order(live: Wire, patterns: list[str]) -> None:
    config = Config(MemoryFiles())
    found = [item.text for item in ask(live, "CONFIG", "GET", *patterns).items[::2]]
    assert [name for name, _ in config.get([pattern.encode() for pattern in patterns], Globs())] == found


def test_a_fresh_server_shows_the_same_values() -> None:
    server = Valkey("valkey")
    try:
        server.start()
        wire = Wire(server.port)
        items = [item.text or b"" for item in ask(wire, "CONFIG", "GET", "*").items]
        wire.close()
    finally:
        server.close()
    config = Config(MemoryFiles())
    shown = dict(config.get([b"*"], Globs()))
    for name, value in zip(items[::2], items[1::2], strict=True):
        if name not in SET_AT_START:
            assert (name, shown[name]) == (name, value)
