"""A hostile primary and a hostile replica: whatever they send, the server stays sound."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from tests.profiles import scaled
from tests.unit.replication.world import Server, ServerEnd, World

LINES = st.sampled_from([
    b"+PONG\r\n", b"+OK\r\n", b"-ERR no\r\n", b"-NOAUTH x\r\n", b"+CONTINUE\r\n", b"+CONTINUE " + b"a" * 40 + b"\r\n",
    b"+FULLRESYNC " + b"b" * 40 + b" 5\r\n", b"+FULLRESYNC x y\r\n", b"-NOMASTERLINK\r\n", b"-LOADING\r\n", b"\n",
    b"$5\r\n", b"$EOF:" + b"m" * 40 + b"\r\n", b"m" * 40, b"$-1\r\n", b"REDIS0011", b"VALKEY080\xff" + b"\0" * 8,
    b"*1\r\n$4\r\nPING\r\n", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n", b"*1\r\n$5\r\nMULTI\r\n",
    b"*1\r\n$4\r\nEXEC\r\n", b"*2\r\n$6\r\nSELECT\r\n$2\r\n99\r\n", b"*1\r\n$8\r\nSHUTDOWN\r\n",
    b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n", b"*1\r\n$3\r\nSET\r\n", b"*3\r\n$5\r\nBLPOP\r\n$1\r\nz\r\n$1\r\n0\r\n",
    b"*2\r\n$5\r\nDEBUG\r\n$8\r\nSEGFAULT\r\n", b"*-5\r\n", b"+DUALCHANNELSYNC\r\n", b"x" * 5000,
    b"*2\r\n$9\r\nREPLICAOF\r\n$2\r\nNO\r\n", b"*1\r\n$4\r\nSYNC\r\n", b"*1\r\n$8\r\nFLUSHALL\r\n",
])  # fmt: skip


class Liar(ServerEnd):
    """A primary that sends what it likes."""

    def take(self, data: bytes) -> None:
        """Ignore what the replica says."""


@given(st.lists(st.one_of(LINES, st.binary(max_size=60)), max_size=14), st.sampled_from(["disabled", "swapdb"]))
@scaled(2.0)
def test_a_hostile_primary(said: list[bytes], mode: str) -> None:
    world = World()
    victim, liar = Server(world, 1, repl_diskless_load=mode), Server(world, 2)
    victim.do("SET", "mine", 1)
    victim.do("REPLICAOF", "h", 2)
    for wire in world.wires:
        wire.far.session.peer.take = lambda data: None  # type: ignore[attr-defined]
        wire.far.take = lambda data: None  # type: ignore[method-assign]
    for piece in said:
        for wire in list(world.wires):
            wire.to_near += piece
        # A socket that waits for more would wait for ever here.
        world.pumps = 0
        if any(wire.closed for wire in world.wires):
            break
        try:
            world.run()
        except AssertionError as waiting:
            assert "waits for ever" in str(waiting)
            break
    assert victim.engine.counters.internal_errors == 0
    assert not any("Traceback" in line for line in victim.host.lines)
    assert victim.do("PING") is not None
    assert liar.engine.counters.internal_errors == 0


WORDS = st.sampled_from([
    b"REPLCONF", b"PSYNC", b"SYNC", b"ACK", b"FACK", b"capa", b"eof", b"psync2", b"version", b"9.1.2", b"rdb-only", b"1",
    b"?", b"-1", b"0", b"listening-port", b"ip-address", b"x" * 300, b"rdb-filter-only", b"functions", b"GETACK", b"*",
    b"FAILOVER", b"99999999999999999999", b"SET", b"k", b"WAIT", b"REPLICAOF", b"NO", b"ONE", b"PING", b"MULTI", b"EXEC",
])  # fmt: skip


@given(st.lists(st.lists(WORDS, min_size=1, max_size=6), max_size=12))
@example([[b"SYNC"], [b"FAILOVER"], [b"SYNC"]])
@scaled(2.0)
def test_a_hostile_replica(said: list[list[bytes]]) -> None:
    world = World()
    server = Server(world, 1)
    server.do("SET", "k", "v")
    end = ServerEnd(server)
    for args in said:
        end.take(b"*%d\r\n" % len(args) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in args]))
        world.run()
        while end.given():
            pass
        world.pass_time(0.2)
    assert server.engine.counters.internal_errors == 0
    end.close()
    world.run()
    assert server.replication.replicas_count() == 0
    assert all(db.table.keeper is None for db in server.engine.databases)
