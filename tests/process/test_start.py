"""Starting: what is accepted, what is refused and how, what the log says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.differential.servers import ROOT, redpoll_environment
from tests.process.conftest import Start
from tests.unit.config.test_file import STOCK

from redpoll.build_info import VERSION

LOCAL = ("--bind", "127.0.0.1", "--port", "{port}")


def test_a_server_says_what_others_wait_for_in_this_order(start: Start) -> None:
    server = start(*LOCAL).ready()
    waited_for = [
        f"redpoll {VERSION}",
        f"PID: {server.process.pid}\n",
        "Server initialized\n",
        "Ready to accept connections tcp\n",
    ]
    places = [server.log().find(text) for text in waited_for]
    assert -1 not in places, server.log()
    assert sorted(places) == places
    assert server.errors() == ""


def test_the_lines_that_the_operations_page_promises_are_logged(start: Start) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    block = page.partition("Tools can wait for these lines")[2].partition("\n\n")[2].partition("\n\n")[0]
    server = start(*LOCAL, "--unixsocket", "here.sock").ready()
    server.says("Ready to accept connections unix")
    lines = [line.strip() for line in block.splitlines()]
    assert len(lines) == 6
    patterns = [re.sub(r"\d+", "[0-9]+", re.sub(r"\\\(.*?\\\)", ".*", re.escape(line))) for line in lines]
    assert re.search(".*\n(?:.*\n)*?.*".join(patterns), server.log()), server.log()


def test_the_system_log_may_be_asked_for_where_there_is_none(start: Start) -> None:
    server = start(*LOCAL, "--syslog-enabled", "yes", "--syslog-facility", "local3", "--syslog-ident", "test").ready()
    assert server.client().ping()


def test_a_distributed_file_starts(start: Start, tmp_path: Path) -> None:
    text = re.sub(r"(?m)^(port|pidfile|bind) .*$", "", STOCK)
    (tmp_path / "redis.conf").write_text(text)
    server = start("redis.conf", *LOCAL, folder=tmp_path).ready()
    assert "Configuration loaded" in server.log()
    assert server.client().config_get("save")["save"]
    assert server.client().config_get("hz") == {"hz": "10"}


def test_a_logo_is_drawn_if_it_is_asked_for(start: Start) -> None:
    for words, drawn in (((), False), (("--always-show-logo", "yes"), True)):
        server = start(*LOCAL, *words).ready()
        assert (f"pid {server.process.pid}, port {server.port}" in server.log()) == drawn
        assert server.log().index("just started") < server.log().index("Running mode")


def test_a_file_comes_from_standard_input_and_options_win(start: Start) -> None:
    server = start("-", *LOCAL, "--hz", "30", given=b"hz 20\nrequirepass secret\n").ready()
    client = server.client(password="secret")
    assert client.config_get("hz") == {"hz": "30"}
    assert client.config_get("requirepass") == {"requirepass": "secret"}


def test_a_wrong_line_is_shown_with_its_number_on_standard_error(start: Start, tmp_path: Path) -> None:
    (tmp_path / "my.conf").write_text("# mine\n\nport x\n")
    server = start("my.conf", folder=tmp_path)
    assert server.status() == 1
    assert server.errors() == (
        "\n*** FATAL CONFIG FILE ERROR (Version 9.1.2) ***\nReading the configuration file, at line 3\n"
        ">>> 'port x'\nargument couldn't be parsed into an integer\n"
        f"In {tmp_path}/my.conf, line 3\n"
    )
    assert server.log() == ""


def test_what_is_not_supported_yet_refuses_the_start_by_name(start: Start) -> None:
    server = start("--appendonly", "yes")
    assert server.status() == 1
    assert "appendonly is not supported by this version of redpoll: only 'no' is accepted\n" in server.errors()


def test_a_missing_file_is_told_in_the_log(start: Start) -> None:
    server = start("no-such.conf")
    assert server.status() == 1
    assert re.search(
        r"# Fatal error, can't open config file '/.*no-such.conf': No such file or directory", server.log()
    )


def test_a_port_in_use_refuses_the_start(start: Start) -> None:
    first = start(*LOCAL, "--pidfile", "run.pid").ready()
    pid_file = first.folder / "run.pid"
    second = start("--bind", "127.0.0.1", "--port", str(first.port), "--pidfile", str(pid_file))
    assert second.status() == 1
    assert int(pid_file.read_text()) == first.process.pid
    assert (
        f"Could not create server TCP listening socket 127.0.0.1:{first.port}: Address already in use" in second.log()
    )
    assert f"Failed listening on port {first.port} (tcp), aborting.\n" in second.log()


def test_a_server_that_would_listen_nowhere_does_not_start(start: Start) -> None:
    for words in (("--port", "0"), ("--bind", "")):
        server = start(*words)
        assert server.status() == 1
        assert "Configured to not listen anywhere" in server.log()


@pytest.mark.parametrize("name", ["appendonlydir", "appendonly.aof"])
def test_data_of_an_earlier_server_refuses_the_start(start: Start, tmp_path: Path, name: str) -> None:
    if name.endswith("dir"):
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(b"REDIS0011")
    refused = start(*LOCAL, folder=tmp_path)
    assert refused.status() == 1
    assert f"{tmp_path}/{name} holds data that this version of redpoll cannot load" in refused.log()
    assert "--ignore-existing-data yes" in refused.log()

    accepted = start(*LOCAL, "--ignore-existing-data", "yes", folder=tmp_path).ready()
    assert accepted.client().dbsize() == 0
    assert (tmp_path / name).exists()


def test_renamed_commands_have_their_new_name_only(start: Start) -> None:
    server = start(*LOCAL, "--rename-command", "FLUSHALL", "sweep", "--rename-command", "config", "").ready()
    client = server.client()
    client.execute_command("SET", "k", "v")
    assert client.execute_command("SWEEP") in (True, b"OK")
    assert client.dbsize() == 0
    for gone in ("FLUSHALL", "flushall", "CONFIG", "Config"):
        with pytest.raises(Exception, match="unknown command"):
            client.execute_command(gone, "GET", "x")


def test_renaming_needs_a_command_and_a_free_name(start: Start) -> None:
    for words, reason in ((("nosuch", "x"), "No such command in rename-command"),
                          (("get", "SET"), "Target command name already exists")):  # fmt: skip
        server = start("--rename-command", *words)
        assert server.status() == 1
        assert server.errors().endswith(f": {reason}\n")


def test_a_low_limit_of_open_files_lowers_maxclients(start: Start) -> None:
    low = ["/bin/sh", "-c", 'ulimit -n 200 && ulimit -Hn 200 && exec "$@"', "sh"]
    unprivileged = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"] if os.geteuid() == 0 else []
    server = start(*LOCAL, prefix=[*unprivileged, *low]).ready()
    assert "You requested maxclients of 10000 requiring at least 10032 max file descriptors." in server.log()
    assert "Current maximum open files is 200. maxclients has been reduced to 168" in server.log()
    client = server.client()
    assert client.config_get("maxclients") == {"maxclients": "168"}
    with pytest.raises(Exception, match="not able to handle the specified number of clients, try with 168"):
        client.config_set("maxclients", 10000)
    assert client.config_get("maxclients") == {"maxclients": "168"}


def test_the_limit_of_open_files_is_raised_for_the_clients(start: Start) -> None:
    soft = ["/bin/sh", "-c", 'ulimit -Sn 200 && exec "$@"', "sh"]
    server = start(*LOCAL, "--maxclients", "300", prefix=soft).ready()
    assert "Increased maximum number of open files to 332 (it was originally set to 200)." in server.log()
    assert server.client().config_get("maxclients") == {"maxclients": "300"}


def test_settings_that_have_no_effect_are_named(start: Start) -> None:
    server = start(*LOCAL, "--io-threads", "4").ready()
    assert "io-threads is accepted, but has no effect in redpoll" in server.log()
    server.client().config_set("activerehashing", "no")
    server.says("activerehashing is accepted, but has no effect in redpoll")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--help"], "redpoll server [FILE]"),
        (["server", "--help"], "--maxclients 10000"),
        (["--version"], f"redpoll {VERSION} ("),
        (["server", "--version"], f"redpoll {VERSION} ("),
    ],
)
def test_the_program_tells_how_it_is_used(words: list[str], expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "redpoll", *words], env=redpoll_environment(), capture_output=True, timeout=20
    )
    assert done.returncode == 0
    assert expected in done.stdout.decode()
