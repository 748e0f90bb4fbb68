"""redis-cli and redis-benchmark, where they are installed."""

from __future__ import annotations

import shutil
import subprocess

import pytest

CLI = shutil.which("redis-cli") or shutil.which("valkey-cli")
BENCHMARK = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")

needs_cli = pytest.mark.skipif(CLI is None, reason="no redis-cli here")
needs_benchmark = pytest.mark.skipif(BENCHMARK is None, reason="no redis-benchmark here")


def run(program: str | None, port: int, *arguments: str, given: bytes = b"") -> str:
    assert program is not None
    done = subprocess.run(
        [program, "-p", str(port), *arguments], input=given, capture_output=True, timeout=30, check=True
    )
    return done.stdout.decode()


@needs_cli
@pytest.mark.parametrize("protocol", ["-2", "-3"])
def test_a_session(port: int, protocol: str) -> None:
    lines = b"SET k v\nGET k\nHSET h a 1 b 2\nHGETALL h\nZADD z 1.5 m\nZSCORE z m\nNOSUCH\nMULTI\nINCR n\nEXEC\nGET missing\n"
    said = run(CLI, port, protocol, given=lines)
    assert said.splitlines()[:3] == ["OK", "v", "2"]
    assert "ERR unknown command 'NOSUCH'" in said
    assert "QUEUED\n1\n" in said


@needs_cli
def test_one_command(port: int) -> None:
    assert run(CLI, port, "PING") == "PONG\n"
    assert run(CLI, port, "-n", "5", "SET", "k", "v") == "OK\n"
    assert run(CLI, port, "-n", "5", "DBSIZE") == "1\n"
    assert run(CLI, port, "DBSIZE") == "0\n"


@needs_cli
def test_pipe(port: int) -> None:
    said = run(CLI, port, "--pipe", given=b"".join(b"SET key:%d %d\r\n" % (number, number) for number in range(5000)))
    assert "errors: 0, replies: 5000" in said
    assert run(CLI, port, "DBSIZE") == "5000\n"


@needs_cli
def test_scan(port: int) -> None:
    run(CLI, port, "--pipe", given=b"".join(b"SET key:%d v\r\n" % number for number in range(300)))
    assert len(set(run(CLI, port, "--scan").split())) == 300
    assert len(set(run(CLI, port, "--scan", "--pattern", "key:1?").split())) == 10


@needs_benchmark
@pytest.mark.parametrize("pipeline", ["1", "16"])
def test_benchmark(port: int, pipeline: str) -> None:
    said = run(
        BENCHMARK,
        port,
        "-q",
        "-n",
        "2000",
        "-c",
        "20",
        "-P",
        pipeline,
        "-r",
        "1000",
        "-t",
        "ping,set,get,incr,hset,zadd",
    )
    for name in ("PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "HSET", "ZADD"):
        assert f"{name}: " in said or f"{name} " in said, said
    assert "requests per second" in said
    assert int(run(CLI, port, "DBSIZE")) > 500 if CLI else True


@needs_benchmark
def test_benchmark_of_a_command_line(port: int) -> None:
    said = run(BENCHMARK, port, "-q", "-n", "2000", "-r", "1000", "HGET", "h", "__rand_int__")
    assert "requests per second" in said
