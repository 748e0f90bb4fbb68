"""What SHUTDOWN and signals save before the end, and what keeps the server alive, beside the reference."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import pytest
from tests.differential.servers import Redpoll, Server, Valkey
from tests.differential.wire import ConnectionClosedError, Wire, encode

POINTS = ("--save", "3600 1")
NONE = ("--save", "")

# Options; then commands, signals, GONE (the folder vanishes), and what to await: an end, or the Nth refusal to end.
CASES = [
    ((), "SET a 1;SHUTDOWN;end"),
    (POINTS, "SET a 1;SHUTDOWN NOSAVE;end"),
    (POINTS, "SET a 1;SHUTDOWN NOW;end"),
    (POINTS, "SET a 1;SHUTDOWN SAFE;end"),
    (POINTS, "SHUTDOWN SAVE SAVE NOW NOW;end"),
    (POINTS, "MULTI;SHUTDOWN;EXEC"),
    (POINTS, "SET a 1;GONE;SHUTDOWN;refused 1;SHUTDOWN SAVE;refused 2;SHUTDOWN ABORT;TERM;refused 3;GET a;SHUTDOWN FORCE;end"),
    (POINTS, "SET a 1;GONE;INT;refused 1;GET a;INT;refused 2;SHUTDOWN NOSAVE;end"),
    ((*POINTS, "--shutdown-on-sigterm", "force"), "SET a 1;GONE;TERM;end"),
    ((*POINTS, "--shutdown-on-sigterm", "nosave"), "SET a 1;TERM;end"),
    ((*NONE, "--shutdown-on-sigterm", "save"), "SET a 1;TERM;end"),
    (POINTS, "SET a 1;TERM;end"),
    (NONE, "SET a 1;TERM;end"),
    (POINTS, "SET a 1;INT;end"),
    ((*POINTS, "--shutdown-on-sigint", "now", "nosave"), "SET a 1;INT;end"),
    ((*NONE, "--rdb-key-save-delay", "100000"), "DEBUG POPULATE 1000;BGSAVE;SHUTDOWN;end"),
    ((*NONE, "--rdb-key-save-delay", "1000"), "DEBUG POPULATE 100;BGSAVE;SHUTDOWN SAVE;end"),
]  # fmt: skip


class PlainValkey(Valkey):
    """Without the `--save ""` of the other tests."""

    def command(self) -> list[str]:
        return super().command()[:-2]


class PlainRedpoll(Redpoll):
    def command(self) -> list[str]:
        return super().command()[:-2]


def awaited(server: Server, what: str) -> object:
    """Wait for the end of the process, or for the Nth refusal in the log; the exit status, or that it lives."""
    process = server.process
    assert process is not None
    if what == "end":
        return process.wait(20)
    times = int(what.split()[1])
    deadline = time.monotonic() + 20
    while server.log.read_text(errors="replace").count("can't exit") < times:
        assert time.monotonic() < deadline, server.log.read_text(errors="replace")
        time.sleep(0.01)
    return process.poll()


def played(server: Server, steps: str) -> list[object]:
    """The replies, exit statuses and files of one case."""
    found: list[object] = []
    wire = Wire(server.port)
    folder = Path(server.folder.name)
    for step in steps.split(";"):
        if step in ("TERM", "INT"):
            assert server.process is not None
            server.process.send_signal(signal.SIGTERM if step == "TERM" else signal.SIGINT)
        elif step == "GONE":
            (folder / "gone").mkdir()
            wire.send(encode(("CONFIG", "SET", "dir", str(folder / "gone"))))
            found.append(wire.read().raw)
            shutil.rmtree(folder / "gone")
        elif step == "end" or step.startswith("refused"):
            found.append(awaited(server, step))
        else:
            wire.send(encode(tuple(step.split())))
            try:
                found.append(wire.read().raw)
            except ConnectionClosedError:
                found.append("closed")
    wire.close()
    return [*found, sorted(path.name for path in folder.glob("*.rdb"))]


@pytest.mark.parametrize(("options", "steps"), CASES, ids=[f"{' '.join(case[0])} {case[1]}" for case in CASES])
def test_the_end(options: tuple[str, ...], steps: str) -> None:
    found = []
    for server in (PlainValkey("valkey", *options), PlainRedpoll("redpoll", *options)):
        server.options = (*server.options, "--enable-protected-configs", "yes")
        try:
            server.start()
            found.append(played(server, steps))
        finally:
            server.close()
    assert found[0] == found[1]
