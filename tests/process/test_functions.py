"""`redpoll server --functions`: files with functions in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis
from tests.process.conftest import Start

LOCAL = ("--bind", "127.0.0.1", "--port", "{port}")
CODE = """
import redpoll


@redpoll.function(flags=["no-writes"])
def {name}(api, keys, args):
    return api.call("GET", keys[0])


@redpoll.function(name="{name}_add")
def add(api: redpoll.FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    api.call("INCRBY", keys[0], args[0])
    api.call("APPEND", b"log", b"+")
    if args[0] == b"13":
        raise ValueError("unlucky")
    return api.call("GET", keys[0])
"""


def test_functions_of_several_files_are_called_listed_and_journalled_as_effects(start: Start, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / f"lib_{name}.py").write_text(CODE.replace("{name}", name))
    words = (*LOCAL, "--functions", "lib_first.py", str(tmp_path / "lib_second.py"), "--appendonly", "yes")
    # The path is that of the folder in which the server is started, whatever `dir` is.
    (tmp_path / "data").mkdir()
    server = start(*words, "--dir", "data", folder=tmp_path).ready()
    with server.client() as client:
        assert client.fcall("first_add", 1, "n", 5) == b"5"
        assert client.fcall_ro("SECOND", 1, "n") == b"5"
        with pytest.raises(redis.ResponseError, match="Error running function second_add: ValueError: unlucky"):
            client.fcall("second_add", 1, "n", 13)
        listed: Any = client.function_list()
        assert [(each[1], each[3]) for each in listed] == [(b"lib_first", b"PYTHON"), (b"lib_second", b"PYTHON")]
        assert client.config_get("functions")["functions"].startswith("lib_first.py ")
        assert "functions" not in client.config_get("*")
        with pytest.raises(redis.ResponseError, match="immutable"):
            client.config_set("functions", "/tmp/evil.py")
        with pytest.raises(redis.ResponseError, match="Engine 'python' not found"):
            client.function_load("#!python name=evil\n")
        with client.monitor() as monitor:
            client.fcall("first", 1, "n")
            seen = [monitor.next_command()]
            while seen[-1]["command"] != "GET n":
                seen.append(monitor.next_command())
        assert seen[-2]["command"] == "FCALL first 1 n"
    assert "in add" in server.log()
    [journal] = (tmp_path / "data" / "appendonlydir").glob("*.incr.aof")
    written = journal.read_bytes()
    assert written.count(b"MULTI") == written.count(b"EXEC") == 2
    assert b"FCALL" not in written
    assert b"+18" not in written
    server.process.terminate()
    server.process.wait()
    without = start(*LOCAL, "--appendonly", "yes", "--dir", "data", folder=tmp_path).ready()
    with without.client() as client:
        assert client.get("n") == b"18"
        with pytest.raises(redis.ResponseError, match="Function not found"):
            client.fcall("first", 1, "n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import redpoll\n1 / 0\n", "ZeroDivisionError: division by zero"),
        ("x = 1\n", "no function is decorated with @redpoll.function"),
        (None, "FileNotFoundError"),
    ],
)
def test_a_file_that_cannot_be_loaded_ends_the_start(
    start: Start, tmp_path: Path, text: str | None, reason: str
) -> None:
    if text is not None:
        (tmp_path / "wrong_one.py").write_text(text)
    server = start(*LOCAL, "--functions", "wrong_one.py", folder=tmp_path)
    assert server.process.wait(20) == 1
    assert "wrong_one.py cannot be loaded: " in server.log()
    assert reason in server.log()
