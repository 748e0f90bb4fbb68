"""The append-only file beside the reference: its bytes, its replies, and each loads what the other has written."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.differential.pair import Pair, difference_rows
from tests.differential.servers import Server, Valkey, both, ours
from tests.differential.test_persistence import FAR_MS, digest, do, filled

FOLDER = "appendonlydir"


@pytest.fixture(scope="module")
def logging_servers() -> Iterator[tuple[Server, Server]]:
    with both("--appendonly", "yes") as started:
        yield started


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def logged(request: pytest.FixtureRequest, logging_servers: tuple[Server, Server]) -> Iterator[Pair]:
    made = Pair(*logging_servers, request.param)
    try:
        made.fresh()
        yield made
    finally:
        made.close()
        deaths = [death for server in logging_servers if (death := server.death())]
        assert not deaths, "\n".join(deaths)


@pytest.fixture
def started() -> Iterator[list[Server]]:
    """Servers to be ended with the test."""
    servers: list[Server] = []
    yield servers
    for server in servers:
        server.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def info(server: Server, name: str) -> str:
    text = (do(server, "INFO", "persistence").text or b"").decode()
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line).get(name, "")


def is_quiet(server: Server) -> bool:
    return (info(server, "aof_rewrite_in_progress"), info(server, "aof_rewrite_scheduled")) == ("0", "0")


def folder_of(server: Server) -> Path:
    return Path(server.folder.name) / FOLDER


def rewrite(pair: Pair) -> None:
    """Begin a new file of commands on both."""
    for server in pair.servers:
        until(partial(is_quiet, server))
    pair.do("BGREWRITEAOF")
    for server in pair.servers:
        until(partial(is_quiet, server))


def last_file(server: Server) -> bytes:
    """The current file of commands."""
    lines = (folder_of(server) / "appendonly.aof.manifest").read_text().splitlines()
    return (folder_of(server) / lines[-1].split()[1]).read_bytes()


def masked(data: bytes) -> list[bytes]:
    """The words of a file; times near to now are masked."""
    return re.sub(rb"1[78]\d{11}", b"T", data).split(b"\r\n")


def same_files(pair: Pair) -> None:
    # A write waits while a sync runs.
    for server in pair.servers:
        until(lambda server=server: info(server, "aof_buffer_length") == "0")  # type: ignore[misc]
    theirs, mine = (masked(last_file(server)) for server in pair.servers)
    assert mine == theirs


FAMILIES = {
    "strings": f"""
        SET k v\nSET k v EX 100\nSET k v PX 100000 NX\nSET k w XX\nSET k 5 GET\nSET k 6 KEEPTTL\nSET k 7 EX 100 GET
        SETNX k 1\nSETNX new 1\nSETEX k 100 v\nPSETEX k 100000 v\nGETSET k w\nMSET a 1 b 2\nMSETNX a 1 c 2\nMSETNX d 1 e 2
        APPEND k x\nAPPEND k ""\nSETRANGE k 3 abc\nINCR a\nDECRBY a 3\nINCRBYFLOAT a 1.5\nGETEX k EX 100\nGETEX k PERSIST
        GETEX k\nGETDEL a\nSETBIT bits 10 1\nSETBIT bits 10 1\nBITFIELD bits SET u8 0 3 GET u8 0\nBITFIELD bits GET u8 0
        BITOP AND dest bits k\nPFADD hll a b c\nPFADD hll a\nPFCOUNT hll\nPFMERGE hll2 hll\nSET gone v PXAT 1\nSET k v PXAT 1
        SET t v PXAT {FAR_MS}\nMSETEX 2 m1 a m2 b EX 100\nSET same v IFEQ x\nSET e 1\nSET e 2 IFEQ 1\nDELIFEQ e 2
    """,
    "keys": """
        MSET a 1 b 2 c 3\nDEL a nothing\nDEL nothing\nUNLINK b\nEXPIRE c 100\nEXPIRE c 50 GT\nPEXPIRE c 100000 NX\nPERSIST c
        PERSIST c\nEXPIREAT c 1\nSET c 1\nRENAME c d\nRENAMENX d e\nCOPY e f\nCOPY e f REPLACE\nMOVE e 1\nSELECT 1\nSET x 1
        SWAPDB 0 1\nSELECT 0\nSORT nothing STORE dest\nRPUSH l 3 1 2\nSORT l STORE dest\nFLUSHDB\nSET k v\nFLUSHALL ASYNC
        SET k v EX 100\nTOUCH k\nOBJECT ENCODING k\nEXPIRE k -1
    """,
    "lists": """
        RPUSH l a b c d e f\nLPUSH l z\nLPUSHX nothing a\nRPUSHX l g\nLPOP l\nRPOP l 2\nLINSERT l BEFORE b x\nLSET l 0 y
        LREM l 1 c\nLREM l 1 nothing\nLTRIM l 0 -2\nLTRIM l 0 -1\nLMOVE l m LEFT RIGHT\nRPOPLPUSH l m\nRPOPLPUSH m m
        LMPOP 1 l LEFT COUNT 2\nBLPOP m 0\nBRPOP m 0\nRPUSH m a b c\nBLMOVE m l LEFT RIGHT 0\nBRPOPLPUSH m l 0\nBLMPOP 0 1 m LEFT
    """,
    "sets": """
        SADD s a b c\nSADD s a\nSREM s a\nSREM s nothing\nSMOVE s t b\nSADD s x\nSPOP t\nSADD u 1\nSPOP u 5\nSINTERSTORE d s s
        SUNIONSTORE d s t\nSDIFFSTORE d s s\nSDIFFSTORE nothing s s
    """,
    "hashes": f"""
        HSET h f v g w\nHSET h f v\nHMSET h a 1\nHSETNX h f x\nHSETNX h n x\nHDEL h n\nHDEL h nothing\nHINCRBY h a 2
        HINCRBYFLOAT h a 1.5\nHEXPIRE h 100 FIELDS 1 f\nHPEXPIREAT h {FAR_MS} FIELDS 2 f nothing\nHPERSIST h FIELDS 1 f
        HPERSIST h FIELDS 1 f\nHSETEX h EX 100 FIELDS 1 f v\nHSETEX h FXX EX 100 FIELDS 1 nothing v\nHGETEX h EX 100 FIELDS 1 f
        HGETEX h PERSIST FIELDS 2 f g\nHGETDEL h FIELDS 1 f\nHEXPIRE h 0 FIELDS 1 g\nHGETEX h PXAT 1 FIELDS 1 a
    """,
    "sorted sets": """
        ZADD z 1 a 2 b 3 c 4 d 5 e 6 f\nZADD z 1 a\nZADD z INCR 5 a\nZADD z GT 1 a\nZINCRBY z 1.5 b\nZINCRBY z 0 b\nZREM z a
        ZREM z nothing\nZPOPMIN z\nZPOPMAX z 2\nZMPOP 1 z MIN COUNT 1\nBZPOPMIN z 0\nZADD z 1 a 2 b 3 c\nBZMPOP 0 1 z MAX
        ZRANGESTORE d z 0 -1\nZRANGESTORE d nothing 0 -1\nZUNIONSTORE d 2 z z\nZREMRANGEBYSCORE z 5 6\nZREMRANGEBYRANK z 0 0
        GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania\nGEOADD g NX 13 38 Palermo
        GEOSEARCHSTORE dest g FROMLONLAT 15 37 BYRADIUS 200 km\nGEORADIUS g 15 37 200 km STORE dest2
    """,
    "streams": """
        XADD s 1-1 f v\nXADD s 1-* f v\nXADD s 2-1 f v g w\nXADD s MAXLEN ~ 1000 3-1 f v\nXADD s MAXLEN 3 4-1 f v\nXTRIM s MAXLEN 10
        XTRIM s MAXLEN 2\nXTRIM s MINID 4\nXDEL s 4-1\nXDEL s 9-9\nXSETID s 10-1\nXADD s 11-1 f v\nXADD s 12-1 f v
        XGROUP CREATE s g 0\nXGROUP CREATE t g $ MKSTREAM\nXGROUP CREATECONSUMER s g idle\nXGROUP CREATECONSUMER s g idle
        XREADGROUP GROUP g c COUNT 1 STREAMS s >\nXREADGROUP GROUP g c STREAMS s 0\nXREADGROUP GROUP g c NOACK STREAMS s >
        XREADGROUP GROUP g c2 STREAMS s >\nXCLAIM s g c2 0 11-1\nXAUTOCLAIM s g c 0 0\nXACK s g 11-1\nXACK s g 11-1
        XGROUP SETID s g 0\nXGROUP DELCONSUMER s g idle\nXGROUP DELCONSUMER s g idle\nXGROUP DESTROY s g\nXGROUP DESTROY s g
        XADD n NOMKSTREAM 1-1 f v
    """,
    "transactions": """
        MULTI\nSET a 1\nEXEC\nMULTI\nSET a 1\nINCR a\nEXEC\nMULTI\nGET a\nEXEC\nMULTI\nSELECT 3\nSET b 1\nSELECT 0\nSET c 1\nEXEC
        MULTI\nSET a 1\nLPUSH a x\nEXEC\nMULTI\nINCR nothing\nGET nothing\nEXEC\nSET d 1\nMULTI\nSELECT 2\nSET x 1\nEXEC\nSET y 1
        SELECT 0\nPUBLISH ch m\nCONFIG SET hz 10
    """,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_bytes(logged: Pair, family: str) -> None:
    rewrite(logged)
    logged.play(FAMILIES[family])
    same_files(logged)


def test_the_same_bytes_of_expiry_and_waiting_clients(logged: Pair) -> None:
    rewrite(logged)
    waiter = logged.second()
    waiter.send("BLPOP", "l", "0")
    waiter.silent()
    logged.do("RPUSH", "l", "a", "b")
    waiter.read()
    for server in logged.servers:
        do(server, "DEBUG", "SET-ACTIVE-EXPIRE", "0")
    logged.play("SET a 1 PX 1\nSET b 1 PX 1\nSET c 1\nSET d 1 PX 1")
    logged.wait_ms(5)
    logged.play("GET a\nAPPEND b x\nMULTI\nSET c 2\nGET d\nEXEC\nSET e 1")
    for server in logged.servers:
        do(server, "DEBUG", "SET-ACTIVE-EXPIRE", "1")
    same_files(logged)


@pytest.mark.parametrize("setting", ["lazyfree-lazy-expire", "lazyfree-lazy-server-del", "lazyfree-lazy-user-del"])
def test_the_same_bytes_without_lazy_freeing(logged: Pair, setting: str) -> None:
    """DEL instead of UNLINK."""
    rewrite(logged)
    logged.do("SET", "z", "1")
    payload = logged.do("DUMP", "z").text or b""
    with logged.config(setting, "no"):
        for server in logged.servers:
            do(server, "DEBUG", "SET-ACTIVE-EXPIRE", "0")
        logged.play("SET a 1 PX 1\nSET b 1\nSET c 1\nHSET h f v\nHPEXPIRE h 1 FIELDS 1 f\nHLEN h")
        logged.wait_ms(5)
        logged.play("GET a\nEXPIRE b -1\nSET c v PXAT 1\nSET d 1\nGETEX d PXAT 1\nSADD s a\nSPOP s 5\nSET x 1\nDEL x")
        logged.do("RESTORE", "z", "1", payload, "REPLACE", "ABSTTL")
        for server in logged.servers:
            do(server, "DEBUG", "SET-ACTIVE-EXPIRE", "1")
            until(lambda server=server: b"HDEL" in last_file(server))  # type: ignore[misc]
        same_files(logged)


def test_replies(logged: Pair) -> None:
    rewrite(logged)
    logged.play("""
        BGREWRITEAOF x\nbgrewriteaof x
        SET a 1\nWAITAOF 1 0 0\nWAITAOF 1 0 1000\nWAITAOF 0 0 0\nWAITAOF 1 1 50\nWAITAOF 0 1 50\nWAITAOF 2 0 0\nWAITAOF 1 0 -1
        MULTI\nSET a 2\nWAITAOF 0 5 0\nEXEC
        PUBLISH c m\nWAITAOF 1 0 3000
        DEBUG AOF-FLUSH-SLEEP x\nDEBUG AOF-FLUSH-SLEEP 1\nSET a 3\nDEBUG AOF-FLUSH-SLEEP 0\nDEBUG AOF-FLUSH-SLEEP
        DEBUG LOADAOF\nDEBUG LOADAOF x\nGET a
        CONFIG SET appendfsync no\nCONFIG SET appendfsync always\nSET a 4\nWAITAOF 1 0 0\nCONFIG SET appendfsync everysec
        CONFIG SET appendfsync sometimes\nCONFIG SET appendfilename x\nCONFIG SET appenddirname x
        CONFIG SET auto-aof-rewrite-percentage 50\nCONFIG SET auto-aof-rewrite-min-size 1mb\nCONFIG SET appendonly maybe
        CONFIG SET auto-aof-rewrite-percentage 100\nCONFIG SET auto-aof-rewrite-min-size 64mb
    """)
    fresh = logged.second()
    fresh.do("WAITAOF", "1", "0", "0")


def test_scheduling(logged: Pair) -> None:
    rewrite(logged)
    logged.play("MULTI\nBGREWRITEAOF\nSET a 1\nEXEC")
    for server in logged.servers:
        until(partial(is_quiet, server))
    logged.do("DEBUG", "DIGEST")


def test_switching_off_and_on(logged: Pair) -> None:
    filled(logged)
    logged.play("CONFIG SET appendonly no\nWAITAOF 1 0 0\nSET a 1\nCONFIG SET appendonly no")
    logged.play("CONFIG SET appendonly yes\nSET b 1\nCONFIG SET appendonly yes")
    for server in logged.servers:
        until(partial(is_quiet, server))
        assert info(server, "aof_last_bgrewrite_status") == "ok"
    logged.do("SET", "c", "1")
    before = logged.do("DEBUG", "DIGEST").raw
    logged.do("DEBUG", "LOADAOF")
    assert logged.do("DEBUG", "DIGEST").raw == before
    names = [sorted(path.suffix for path in folder_of(server).iterdir()) for server in logged.servers]
    # The lock is our own.
    assert [name for name in names[1] if name != ".lock"] == names[0]


def test_info_has_the_same_fields(logged: Pair) -> None:
    rewrite(logged)
    texts = [(do(server, "INFO", "persistence").text or b"").decode() for server in logged.servers]
    fields = [[line.split(":")[0] for line in text.splitlines() if line.startswith("aof_")] for text in texts]
    assert fields[1] == fields[0]
    for name in ("aof_enabled", "aof_rewrite_in_progress", "aof_last_bgrewrite_status", "aof_last_write_status"):
        assert info(logged.servers[1], name) == info(logged.servers[0], name)


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_each_loads_what_the_other_has_written(logged: Pair, started: list[Server], preamble: str) -> None:
    with logged.config("aof-use-rdb-preamble", preamble):
        filled(logged)
        logged.play("XREADGROUP GROUP group me STREAMS stream >\nSELECT 7\nSET in seven\nSELECT 0")
        rewrite(logged)
        logged.play("SET after rewrite\nMULTI\nINCR n\nRPUSH longlist end\nEXEC\nSELECT 4\nSADD s a\nSELECT 0")
        before = digest(logged.servers[0])
        assert digest(logged.servers[1]) == before
        for written in logged.servers:
            for reader in (Valkey("valkey", "--appendonly", "yes"), ours("--appendonly", "yes")):
                shutil.copytree(folder_of(written), Path(reader.folder.name) / FOLDER)
                started.append(reader)
                reader.start()
                if preamble == "no" and written is logged.servers[0] and isinstance(reader, Valkey):
                    assert "append-only-fields" in difference_rows()
                    assert digest(reader) != before
                    continue
                assert digest(reader) == before, (written.name, reader.name)
                assert do(reader, "XPENDING", "stream", "group").raw == do(written, "XPENDING", "stream", "group").raw
                assert do(reader, "PEXPIRETIME", "timed").raw == b":%d\r\n" % FAR_MS
                assert do(reader, "HPEXPIRETIME", "fields", "FIELDS", 1, "f").raw == b"*1\r\n:%d\r\n" % FAR_MS


@pytest.mark.parametrize("format", ["redis0011", "redis0010"])
def test_bases_in_the_format_of_redis(logged: Pair, started: list[Server], format: str) -> None:
    mine = logged.servers[1]
    do(mine, "CONFIG", "SET", "rdb-format", format)
    try:
        filled(logged)
        logged.do("DEL", "fields")
        rewrite(logged)
        reader = Valkey("valkey", "--appendonly", "yes")
        shutil.copytree(folder_of(mine), Path(reader.folder.name) / FOLDER)
        started.append(reader)
        reader.start()
        assert digest(reader) == digest(mine)
    finally:
        do(mine, "CONFIG", "SET", "rdb-format", "valkey080")
