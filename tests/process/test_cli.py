"""The command line: help for what was mistyped, and `--check`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from redpoll.cli.main import main


def run(*words: str, given: str = "", folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.path.abspath(os.environ.get("PYTHONPATH", "src"))}
    return subprocess.run(
        [sys.executable, "-m", "redpoll", *words],
        input=given,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--port", "7000"], "did you mean `redpoll server --port 7000`?"),
        (["redis.conf"], "did you mean `redpoll server redis.conf`?"),
        (["--cluster", "check", "h:1"], "did you mean `redpoll cluster check h:1`?"),
        (["clutser"], "there is no command 'clutser'; did you mean 'redpoll cluster'?"),
        (["sever"], "there is no command 'sever'; did you mean 'redpoll server'?"),
        (["version"], "there is no command 'version'; did you mean 'redpoll --version'?"),
        (["rdb"], "after 'rdb' comes 'stats' or 'export', then a FILE"),
        (["flush"], "there is no command 'flush'.  See redpoll --help."),
    ],
)
def test_a_word_that_is_no_command_gets_a_hint(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert hint in capsys.readouterr().err


def test_a_mistyped_option_gets_the_nearest_name() -> None:
    done = run("server", "--prot", "7000")
    assert done.returncode == 1
    assert done.stderr == (
        "redpoll server: there is no directive 'prot'; did you mean --port?  (redpoll server --help lists all)\n"
    )


def test_check_reports_all_faults_of_a_file_and_starts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "my.conf"
    path.write_text("prot 7000\nport x\ntls-port 7001\nlogfile never-made.log\n")
    done = run("server", "--check", str(path), folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        f"{path}:1: 'prot 7000': Bad directive or wrong number of arguments; did you mean 'port'?\n"
        f"{path}:2: 'port x': argument couldn't be parsed into an integer\n"
        f"{path}:3: 'tls-port 7001': tls-port is not supported by this version of redpoll: only '0' is accepted\n"
        "3 faults\n"
    )
    assert [found.name for found in tmp_path.iterdir()] == ["my.conf"]
    path.write_text("port 7000\n")
    assert run("server", "--check", str(path)).stdout == "no fault found\n"
    assert run("server", "--check").returncode == 2


def test_check_finds_what_only_the_whole_program_knows(tmp_path: Path) -> None:
    path = tmp_path / "my.conf"
    path.write_text("rename-command NOSUCH x\nrename-command GET y\nbind\nlogfile nosuch/x.log\ninclude nosuch.conf\n")
    done = run("server", str(path), "--check", folder=tmp_path)
    assert done.stderr == (
        f"{path}:5: 'include nosuch.conf': Fatal error, can't open config file 'nosuch.conf': No such file or directory\n"
        f"Can't open the log file: there is no folder {tmp_path}/nosuch\n"
        f"{path}:1: 'rename-command NOSUCH x': No such command in rename-command\n"
        "Configured to not listen anywhere, exiting. Set port and bind, or unixsocket.\n"
        "4 faults\n"
    )
    assert done.returncode == 1


def test_a_missing_file_is_told_with_the_line_that_includes_it(tmp_path: Path) -> None:
    (tmp_path / "my.conf").write_text("port 0\ninclude nosuch.conf\n")
    done = run("server", "my.conf", folder=tmp_path)
    assert done.returncode == 1
    assert f"In {tmp_path}/my.conf, line 2\n" in done.stdout


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--rename-command", "GET"], "--rename-command GET: Bad directive or wrong number of arguments"),
        (["-p", "7000"], "there is no directive '-p'  (redpoll server --help lists all)"),
    ],
)
def test_what_is_wrong_with_an_option_is_told_in_one_line(words: list[str], answer: str) -> None:
    assert run("server", *words).stderr == f"redpoll server: {answer}\n"


@pytest.mark.parametrize("words", [["a.conf", "b.conf"], ["-", "b.conf"], ["a.conf", "b.conf", "--port", "7000"]])
def test_a_second_file_is_refused_by_name(words: list[str]) -> None:
    expected = "redpoll server: unexpected 'b.conf': there can be one FILE, as the first word. Use --include b.conf\n"
    done = run("server", *words)
    assert (done.returncode, done.stderr) == (1, expected)
    done = run("server", "--check", *words)
    assert (done.returncode, done.stderr) == (2, expected)


def test_a_directive_without_dashes_may_follow_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("")
    assert run("server", "--check", "a.conf", "port", "7000", folder=tmp_path).returncode == 0


def test_help_explains_the_directives_that_are_named() -> None:
    done = run("server", "--help", "maxclients", "--Port")
    assert done.returncode == 0
    assert done.stdout.startswith("--maxclients 10000\n")
    assert "\n--port 6379\n" in done.stdout
    done = run("server", "--help", "bnd")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == "redpoll server: there is no directive 'bnd'; did you mean 'bind'?  See redpoll server --help.\n"
    )


def test_check_reads_standard_input_too() -> None:
    done = run("server", "--check", "-", given="hz x\n")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "-:1: 'hz x': argument couldn't be parsed into an integer",
    )
