"""redis.conf, standard input and the command line into settings, or into the reference's complaint."""

from __future__ import annotations

import pytest

from redpoll.config.file import ConfigError, faults, load
from redpoll.config.schema import DIRECTIVES
from redpoll.config.settings import Config
from redpoll.env.files import MemoryFiles


def files_with(**texts: str) -> MemoryFiles:
    """A root folder with files; `a_conf` is called a.conf."""
    files = MemoryFiles()
    for name, text in texts.items():
        file = files.append(b"/" + name.replace("_", ".").encode())
        file.write(text.encode())
    return files


def loaded(text: str, *words: str, stdin: str = "", **others: str) -> Config:
    files = files_with(c_conf=text, **others)
    return load([b"c.conf", *[word.encode() for word in words]], stdin.encode(), files)


def complaint(text: str | None, *words: str, stdin: str = "", **others: str) -> str:
    """What is shown after the first line of the frame."""
    files = files_with(**others)
    given = [word.encode() for word in words]
    if text is not None:
        files.append(b"/c.conf").write(text.encode())
        given.insert(0, b"c.conf")
    with pytest.raises(ConfigError) as caught:
        load(given, stdin.encode(), files)
    frame = caught.value.frame(b"9.1.2").decode()
    head = "\n*** FATAL CONFIG FILE ERROR (Version 9.1.2) ***\n"
    assert frame.startswith(head)
    return frame.removeprefix(head)


def at(line: int, text: str, reason: str) -> str:
    return f"Reading the configuration file, at line {line}\n>>> '{text}'\n{reason}\n"


def test_comments_blank_lines_and_case_do_not_matter() -> None:
    config = loaded("# a\r\n\r\n\t TimeOut   5 \r\n  # b\nHZ 20\ntimeout 6")
    assert (config.integer(b"timeout"), config.integer(b"hz")) == (6, 20)


def test_the_path_is_kept_as_seen_from_the_root() -> None:
    assert loaded("").path == b"/c.conf"
    assert load([], b"", MemoryFiles()).path == b""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('# c\n\nport "12\n', at(3, 'port "12', "Unbalanced quotes in configuration line")),
        ("  PORT   x  \r\n", at(1, "PORT   x", "argument couldn't be parsed into an integer")),
        ("port\n", at(1, "port", "wrong number of arguments")),
        ("port 1 2\n", at(1, "port 1 2", "wrong number of arguments")),
        ("port 1 # x\n", at(1, "port 1 # x", "wrong number of arguments")),
        ("\n\tnosuch\n", at(2, "nosuch", "Bad directive or wrong number of arguments")),
        ("nosuch.x\n", at(1, "nosuch.x", "Module config specified without value")),
        ("sentinel monitor\n", at(1, "sentinel monitor", "sentinel directive while not in sentinel mode")),
        ("include\n", at(1, "include", "Bad directive or wrong number of arguments")),
        ("dynamic-hz\n", at(1, "dynamic-hz", "Bad directive or wrong number of arguments")),
        ("rename-command get\n", at(1, "rename-command get", "Bad directive or wrong number of arguments")),
        ("dir /nosuch\n", at(1, "dir /nosuch", "No such file or directory")),
        ("save 1\n", at(1, "save 1", "Invalid save parameters")),
        (
            'client-output-buffer-limit ""\n',
            at(1, 'client-output-buffer-limit ""', "Wrong number of arguments in buffer limit configuration."),
        ),
        (
            "port 1\ntls-port 1\n",
            at(2, "tls-port 1", "tls-port is not supported by this version of redpoll: only '0' is accepted"),
        ),
    ],
)
def test_a_wrong_line_is_shown_with_its_number_and_the_reason(text: str, expected: str) -> None:
    assert complaint(text) == expected


@pytest.mark.parametrize("line", ["user bob on", "loadmodule /x.so", "mymodule.speed 9", "user default off"])
def test_what_does_not_exist_is_refused_by_name(line: str) -> None:
    assert f">>> '{line}'\n{line.split()[0]} is not supported by" in complaint(line)


def test_a_rewritten_files_default_user_is_accepted() -> None:
    loaded("user default on nopass ~* &* +@all\nuser default on nopass sanitize-payload ~* &* alldbs +@all\n")


def test_what_tunes_a_missing_feature_is_accepted_with_one_line_of_the_log() -> None:
    config = loaded("tls-ciphers x\nnotify-keyspace-events KEA\ntracking-table-max-keys 5\ntls-ciphers y")
    assert config.text(b"notify-keyspace-events") == b"AKE"
    assert config.take_remarks() == [
        "accepted, but without effect in this version of redpoll: tls-ciphers, tracking-table-max-keys"
    ]
    assert config.take_remarks() == []


@pytest.mark.parametrize("line", ["tls-port 6380"])
def test_features_that_data_depends_on_are_refused_until_they_exist(line: str) -> None:
    assert f"{line.split()[0]} is not supported by this version of redpoll" in complaint(line)


def test_a_zero_byte_is_told_instead_of_cutting_the_line() -> None:
    assert complaint("port 7000\nrequirepass a\0b\n").startswith("Reading the configuration file, at line 2\n")


def told(text: str | None, *words: str) -> str:
    files = files_with()
    given = [word.encode() for word in words]
    if text is not None:
        files.append(b"/c.conf").write(text.encode())
        given.insert(0, b"c.conf")
    with pytest.raises(ConfigError) as caught:
        load(given, b"", files)
    return caught.value.report(b"9.1.2").decode()


def test_a_file_is_named_and_the_nearest_directive_too() -> None:
    assert told("# mine\nprot 7000\n").endswith(
        ">>> 'prot 7000'\nBad directive or wrong number of arguments\nIn /c.conf, line 2; did you mean 'port'?\n"
    )
    assert told("port x\n").endswith("argument couldn't be parsed into an integer\nIn /c.conf, line 1\n")


def test_a_mistyped_option_is_no_line_of_a_file() -> None:
    assert told(None, "--prot", "7000") == (
        "redpoll server: there is no directive 'prot'; did you mean --port?  (redpoll server --help lists all)\n"
    )
    assert told("hz 5\n", "--port", "x") == "redpoll server: --port x: argument couldn't be parsed into an integer\n"


def test_all_faults_of_a_file_are_found_at_once() -> None:
    files = files_with(c_conf="prot 1\nport x\nhz 10\ntls-port 1\n", other_conf="")
    found = faults(Config(files), [b"c.conf", b"--timeout", b"-1"], b"")
    shown = [(wrong.place.number, wrong.place.source) for wrong in found if wrong.place is not None]
    assert shown == [(1, b"/c.conf"), (2, b"/c.conf"), (4, b"/c.conf"), (6, b"")]
    assert faults(Config(files), [b"other.conf"], b"") == []


def test_old_words_are_passed_over() -> None:
    loaded("list-max-ziplist-entries 5\nDynamic-HZ whatever\n")


def test_stock_save_points_are_accepted() -> None:
    for text in ("save 3600 1 300 100 60 10000", 'save "900 1"\nsave 300 10\nsave 60 10000'):
        config = loaded(text)
        assert config.text(b"save") in (b"3600 1 300 100 60 10000", b"900 1 300 10 60 10000")
        assert config.take_remarks() == []
    assert loaded('save 60 1\nsave ""').take_remarks() == []


def test_lists_take_words_or_one_quoted_string() -> None:
    assert loaded('bind "127.0.0.1  -::1"').text(b"bind") == b"127.0.0.1 -::1"
    assert loaded("bind 127.0.0.1\nbind ::1 127.0.0.1").text(b"bind") == b"::1 127.0.0.1"
    assert loaded('bind ""').words(b"bind") == []


def test_buffer_limits_change_class_by_class() -> None:
    config = loaded("client-output-buffer-limit normal 1 2 3\nclient-output-buffer-limit replica 1mb 2k 3")
    assert config.text(b"client-output-buffer-limit") == b"normal 1 2 3 slave 1048576 2000 3 pubsub 33554432 8388608 60"


def test_renames_are_kept_with_their_lines() -> None:
    config = loaded('\nrename-command GET x\nrename-command FLUSHALL ""\n')
    assert [(name.old, name.new, name.where.number) for name in config.renames] == [
        (b"get", b"x", 2),
        (b"flushall", b"", 3),
    ]


def test_included_files_are_read_in_place_and_count_their_own_lines() -> None:
    config = loaded("timeout 1\ninclude a.conf\nhz 30", a_conf="timeout 2\nhz 20")
    assert (config.integer(b"timeout"), config.integer(b"hz")) == (2, 30)
    assert complaint("\n\ninclude a.conf", a_conf="\nhz x") == at(
        2, "hz x", "argument couldn't be parsed into an integer"
    )


def test_patterns_include_what_fits_in_order_or_nothing() -> None:
    config = loaded('include "a?.conf"\ninclude z*.conf', a1_conf="hz 8", a2_conf="hz 9")
    assert config.integer(b"hz") == 9


def test_a_file_that_cannot_be_opened_is_told_in_the_log() -> None:
    for words, path in (([b"nosuch"], "/nosuch"), ([b"c.conf"], "b.conf")):
        with pytest.raises(ConfigError) as caught:
            load(words, b"", files_with(c_conf="include b.conf"))
        assert caught.value.in_log
        assert (
            caught.value.reason.decode() == f"Fatal error, can't open config file '{path}': No such file or directory"
        )


def test_a_file_that_includes_itself_ends() -> None:
    assert "does a file include itself?" in complaint("include c.conf")


def test_dir_counts_for_the_paths_behind_it() -> None:
    files = files_with(c_conf="dir /sub\ninclude a.conf")
    files.append(b"/sub/a.conf").write(b"hz 44")
    config = load([b"c.conf"], b"", files)
    assert (config.text(b"dir"), config.integer(b"hz")) == (b"/sub", 44)


def test_later_sources_win() -> None:
    config = loaded("timeout 1\nhz 11", "-", stdin="timeout 2\nhz 12")
    assert (config.integer(b"timeout"), config.integer(b"hz")) == (2, 12)
    config = load([b"-", b"--timeout", b"3"], b"timeout 2\nhz 12", MemoryFiles())
    assert (config.integer(b"timeout"), config.integer(b"hz")) == (3, 12)


@pytest.mark.parametrize(
    ("words", "line", "shown", "reason"),
    [
        (["--port", "x"], 2, 'port "x"', "argument couldn't be parsed into an integer"),
        (["--timeout", "5", "--port", "x"], 3, 'port "x"', "argument couldn't be parsed into an integer"),
        (["--port"], 2, "port", "wrong number of arguments"),
        (["--port 1x"], 2, "port 1x", "argument couldn't be parsed into an integer"),
        (["--port", "--timeout", "5"], 2, 'port "--timeout" "5"', "wrong number of arguments"),
        (["--PORT", "x", "y"], 2, 'PORT "x" "y"', "wrong number of arguments"),
        (["--", "x"], 2, '"x"', "Bad directive or wrong number of arguments"),
        (["-x", "5"], 2, '"-x" "5"', "Bad directive or wrong number of arguments"),
        (["--save", "900", "--timeout", "1"], 2, 'save "900"', "Invalid save parameters"),
        (["--port", 'x\x01"\\'], 2, r'port "x\x01\"\\"', "argument couldn't be parsed into an integer"),
    ],
)
def test_a_wrong_option_is_shown_as_a_line(words: list[str], line: int, shown: str, reason: str) -> None:
    assert complaint(None, *words) == at(line, shown, reason)


def test_options_are_numbered_behind_the_file() -> None:
    assert complaint("timeout 1\n\n", "--port", "x").startswith("Reading the configuration file, at line 4\n")
    assert complaint("timeout 1", "--port", "x").startswith("Reading the configuration file, at line 2\n")


def test_options_hold_values_in_several_ways() -> None:
    words = [
        b"--save",
        b"--syslog-ident",
        b'a "b',
        b"--client-output-buffer-limit",
        b"normal 1 2 3",
        b"--hz 17",
        b"--save",
    ]
    config = load(words, b"", MemoryFiles())
    assert config.text(b"syslog-ident") == b'a "b'
    assert config.text(b"client-output-buffer-limit").startswith(b"normal 1 2 3 ")
    assert config.integer(b"hz") == 17
    assert load([b"--logfile", b"--x"], b"", MemoryFiles()).text(b"logfile") == b"--x"


def test_a_log_file_that_cannot_be_opened_is_fatal() -> None:
    class NoAppend(MemoryFiles):
        def append(self, path: bytes):  # type: ignore[no-untyped-def]
            raise PermissionError(13, "Permission denied")

    with pytest.raises(ConfigError) as caught:
        load([b"--logfile", b"l"], b"", NoAppend())
    assert caught.value.frame(b"9.1.2").endswith(b"***\nCan't open the log file: Permission denied\n")


STOCK = """
bind 127.0.0.1 -::1
protected-mode yes
port 6379
tcp-backlog 511
timeout 0
tcp-keepalive 300
daemonize no
supervised no
pidfile /var/run/redis_6379.pid
loglevel notice
logfile ""
databases 16
always-show-logo yes
set-proc-title yes
proc-title-template "{title} {listen-addr} {server-mode}"
locale-collate ""
save 900 1
save 300 10
save 60 10000
stop-writes-on-bgsave-error yes
rdbcompression yes
rdbchecksum yes
dbfilename dump.rdb
rdb-del-sync-files no
dir ./
slave-serve-stale-data yes
replica-read-only yes
repl-diskless-sync no
repl-diskless-sync-delay 5
repl-diskless-load disabled
repl-disable-tcp-nodelay no
replica-priority 100
acllog-max-len 128
lazyfree-lazy-eviction no
lazyfree-lazy-expire no
lazyfree-lazy-server-del no
replica-lazy-flush no
lazyfree-lazy-user-del no
lazyfree-lazy-user-flush no
oom-score-adj no
oom-score-adj-values 0 200 800
disable-thp yes
appendonly no
appendfilename "appendonly.aof"
appenddirname "appendonlydir"
appendfsync everysec
no-appendfsync-on-rewrite no
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb
aof-load-truncated yes
aof-use-rdb-preamble yes
aof-timestamp-enabled no
lua-time-limit 5000
slowlog-log-slower-than 10000
slowlog-max-len 128
latency-monitor-threshold 0
notify-keyspace-events ""
hash-max-ziplist-entries 512
hash-max-listpack-value 64
list-max-ziplist-size -2
list-compress-depth 0
set-max-intset-entries 512
zset-max-ziplist-entries 128
zset-max-ziplist-value 64
hll-sparse-max-bytes 3000
stream-node-max-bytes 4096
stream-node-max-entries 100
activerehashing yes
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 32mb 8mb 60
hz 10
dynamic-hz yes
aof-rewrite-incremental-fsync yes
rdb-save-incremental-fsync yes
jemalloc-bg-thread yes
"""
"""The settings that distributed configuration files of several versions carry."""


def test_a_distributed_file_starts() -> None:
    config = loaded(STOCK)
    assert config.take_remarks() == [
        "lazyfree-lazy-user-del is accepted, but has no effect in redpoll",
        "lazyfree-lazy-user-flush is accepted, but has no effect in redpoll",
    ]


def test_every_directive_may_be_written_with_its_default() -> None:
    lines = []
    for directive in DIRECTIVES:
        if directive.name not in (b"dir", b"replicaof"):
            lines.append(directive.name.decode() + ' "' + directive.default.text.decode() + '"')
    assert loaded("\n".join(lines)).take_remarks() == []
