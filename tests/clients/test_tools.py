"""redis-cli and redis-benchmark, where they are installed."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
from pathlib import Path

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
    said = run(CLI, port, protocol, given=lines).splitlines()
    assert said[:3] == ["OK", "v", "2"]
    # A map is two lines an entry; in RESP3 a blank is between them.
    assert " ".join(said[3:7]).split()[:4] == ["a", "1", "b", "2"]
    refused = next(at for at, line in enumerate(said) if line.startswith("ERR unknown command 'NOSUCH'"))
    assert said[refused - 2 : refused] == ["1", "1.5"]
    assert [line for line in said[refused + 1 :] if line] == ["OK", "QUEUED", "1"]


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


@needs_cli
def test_pipe_takes_the_protocol_and_counts_errors(port: int) -> None:
    requests = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\nb\n\r\n*1\r\n$6\r\nNOSUCH\r\n" * 500
    assert CLI is not None
    done = subprocess.run(
        [CLI, "-p", str(port), "--pipe"], input=requests, capture_output=True, timeout=30, check=False
    )
    assert b"errors: 500, replies: 1000" in done.stdout
    assert run(CLI, port, "--raw", "GET", "k") == "a\r\nb\n\n"


@needs_cli
def test_a_value_from_standard_input(port: int) -> None:
    every = bytes(range(256)) * 1000
    assert run(CLI, port, "-x", "SET", "k", given=every) == "OK\n"
    assert run(CLI, port, "STRLEN", "k") == "256000\n"
    assert run(CLI, port, "-r", "3", "-i", "0.01", "INCR", "n") == "1\n2\n3\n"
    assert run(CLI, port, "--csv", "MGET", "n", "missing") == '"3",NULL\n'
    assert run(CLI, port, "--no-raw", "MGET", "n", "missing") == '1) "3"\n2) (nil)\n'


@needs_cli
def test_bigkeys(port: int) -> None:
    run(CLI, port, "MSET", "small", "1", "largest", "x" * 3000, "medium", "y" * 30)
    said = run(CLI, port, "--bigkeys")
    assert "Sampled 3 keys in the keyspace!" in said
    assert """Biggest string found '"largest"' has 3000 bytes""" in said


@needs_cli
def test_memkeys(port: int) -> None:
    run(CLI, port, "MSET", "small", "1", "largest", "x" * 3000, "medium", "y" * 30)
    run(CLI, port, "HSET", "hash", "field", "value")
    said = run(CLI, port, "--memkeys")
    assert "Sampled 4 keys in the keyspace!" in said
    found = re.findall(r"Biggest +(\w+) found '\"(\w+)\"' has (\d+) bytes", said)
    assert [(kind, key) for kind, key, _ in sorted(found)] == [("hash", "hash"), ("string", "largest")]
    sizes = {key: int(run(CLI, port, "MEMORY", "USAGE", key)) for _, key, _ in found}
    assert {key: int(size) for _, key, size in found} == sizes
    assert sizes["largest"] > 3000
    assert run(CLI, port, "--memkeys-samples", "0") == said


@needs_cli
def test_hotkeys_want_a_policy_that_counts(port: int) -> None:
    run(CLI, port, "SET", "k", "v")
    assert CLI is not None
    done = subprocess.run([CLI, "-p", str(port), "--hotkeys"], capture_output=True, timeout=30, check=False)
    assert done.returncode == 1
    assert b"ERR An LFU maxmemory policy is not selected, access frequency not tracked." in done.stderr
    assert b"Hot key '" not in done.stdout


@needs_cli
def test_latency(port: int) -> None:
    # Redirected, it measures for as long as it is told and ends: least, most, mean, samples.
    least, most, mean, samples = run(CLI, port, "--latency", "--raw", "-i", "0.2").split()
    assert 0 <= int(least) <= float(mean) <= int(most) < 10_000
    assert int(samples) >= 1


@needs_cli
def test_stat(port: int) -> None:
    assert CLI is not None
    run(CLI, port, "MSET", "a", "1", "b", "2", "c", "3")
    # It goes on for ever and keeps its lines back from a pipe, so it gets a terminal, and is ended by us.
    terminal, end = pty.openpty()
    process = subprocess.Popen([CLI, "-p", str(port), "--stat", "-i", "0.05"], stdout=end, stdin=end, stderr=end)
    os.close(end)
    said = b""
    try:
        while said.count(b"\n") < 5:
            assert select.select([terminal], [], [], 10)[0], said
            said += os.read(terminal, 4096)
    finally:
        process.terminate()
        process.wait(10)
        os.close(terminal)
    columns = said.splitlines()[3].split()
    assert columns[0] == b"3", said
    assert b"clients" in said.splitlines()[1], said


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
        "ping,set,get,incr,hset,zadd,mset",
    )
    for name in ("PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "HSET", "ZADD", "MSET (10 keys)"):
        assert f"{name}: " in said or f"{name} " in said, said
    assert "requests per second" in said
    assert int(run(CLI, port, "DBSIZE")) > 500 if CLI else True


@needs_benchmark
def test_benchmark_of_a_command_line(port: int) -> None:
    said = run(BENCHMARK, port, "-q", "-n", "2000", "-r", "1000", "HGET", "h", "__rand_int__")
    assert "requests per second" in said


@needs_cli
def test_the_largest_and_the_hottest_keys(port: int) -> None:
    run(CLI, port, "SET", "large", "v" * 5000)
    run(CLI, port, "SET", "small", "v")
    assert "Biggest string found" in run(CLI, port, "--bigkeys")
    assert '"large"' in run(CLI, port, "--memkeys")
    run(CLI, port, "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    try:
        run(CLI, port, given=b"GET small\n" * 300)
        said = run(CLI, port, "--hotkeys")
        assert re.search(r"hot key found with counter: [0-9]+\s+keyname: \"small\"", said), said
    finally:
        run(CLI, port, "CONFIG", "SET", "maxmemory-policy", "noeviction")


@needs_cli
def test_eval_of_a_file(port: int, tmp_path: Path) -> None:
    """redis-cli sends keys, a comma between blanks, and arguments; a long script goes as it is."""
    file = tmp_path / "add.lua"
    file.write_text("for n = 1, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[n]) end return redis.call('LLEN', KEYS[1])")
    assert run(CLI, port, "--eval", str(file), "list", ",", "a", "b c", "") == "3\n"
    assert run(CLI, port, "LRANGE", "list", "0", "-1") == "a\nb c\n\n"
    file.write_text("return {#KEYS, KEYS[2], {ARGV[1], 3.9, false, {ok = 'fine'}}, 'é'} --" + "x" * 100_000)
    assert run(CLI, port, "--eval", str(file), "k1", "k2", ",", "arg") == "2\nk2\narg\n3\n\nfine\né\n"
    file.write_text("return redis.call('GET', KEYS[1])")
    assert "WRONGTYPE" in run(CLI, port, "--eval", str(file), "list")
    file.write_text("return 1 +")
    assert "Error compiling script" in run(CLI, port, "--eval", str(file))
