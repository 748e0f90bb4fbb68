"""Scripts that run for long: others are served in between, and may end them.

Lua calls `tick` after every 100,000 instructions.  Once the script has run for `busy-reply-threshold`, each tick lets
the program serve its clients; GATE_BUSY refuses all commands but a few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64

from redpoll.engine.gates import GATE_BUSY
from redpoll.env.log import WARNING
from redpoll.script_errors import (
    FUNCTION_LOAD_TIMEOUT,
    NOT_BUSY,
    UNKILLABLE,
    killed_script,
)

if TYPE_CHECKING:
    from redpoll.engine.engine import Engine
    from redpoll.scripting.calls import Calls

SERVE_EVERY_US = 2000
"""A busy script lets the clients be served this often."""
LOADING_US = 500000
"""How long a library may take to load."""


class Watch:
    """The script that runs: its name, since when, and whether it has to end."""

    def __init__(self, engine: Engine, calls: Calls) -> None:
        self.engine = engine
        self.calls = calls
        self.name: bytes = b""
        self.args: list[bytes] = []
        self.is_function = False
        self.running = False
        self.busy = False
        self.loading = False
        self.began_us: i64 = 0
        self.served_us: i64 = 0
        self.sentence: bytes = b""
        """The error with which the script has to end; empty if it may go on."""

    def begin(self, name: bytes, args: list[bytes], is_function: bool) -> None:
        self.name = name
        self.args = args
        self.is_function = is_function
        self.running = True
        self.began_us = self.engine.read_us

    def begin_loading(self) -> None:
        """A library begins to load: that may not take long, and nobody is served meanwhile."""
        self.begin(b"", [], True)
        self.loading = True
        self.began_us = self.engine.clock.now_us()

    def end(self) -> None:
        self.loading = False
        self.running = False
        self.args = []
        if self.busy or self.sentence:
            self.busy = False
            self.sentence = b""
            self.engine.gates &= ~GATE_BUSY

    def tick(self, *nothing: object) -> object:
        """Lua's hook: serve others if it is time; return the error that ends the script, or None."""
        sentence = self.judged()
        if sentence:
            runtime = self.calls.runtime
            if runtime is not None and not runtime.has_room(0):
                runtime.lift_limit()
            return sentence
        return None

    def judged(self) -> bytes:
        """The error that ends the script, or nothing; meanwhile others are served if it is time."""
        if self.sentence:
            return self.sentence
        engine = self.engine
        if self.loading:
            if engine.clock.now_us() - self.began_us > LOADING_US:
                self.sentence = FUNCTION_LOAD_TIMEOUT
            return self.sentence
        threshold = engine.options.busy_reply_threshold
        if threshold == 0 or not self.running:
            return b""
        now_us = engine.clock.now_us()
        if not self.busy:
            if now_us - self.began_us < threshold * 1000:
                return b""
            self.busy = True
            engine.gates |= GATE_BUSY
            engine.host.line(
                WARNING,
                f"Slow script detected: still in execution after {(now_us - self.began_us) // 1000} milliseconds. You "
                f"can try killing the script using the {'FUNCTION' if self.is_function else 'SCRIPT'} KILL command. "
                f"Script name is: {self.name.decode('utf-8', 'surrogateescape')}.",
            )
        elif 0 <= now_us - self.served_us < SERVE_EVERY_US:
            return b""
        if not engine.host.serve():
            # SHUTDOWN NOSAVE.  Half a script must not reach the files and the replicas, nor its reply the client.
            engine.unit.abandon()
            caller = self.calls.peer.caller
            if caller is not None:
                caller.peer.close()
            self.sentence = killed_script(self.is_function)
        self.served_us = engine.clock.now_us()
        return self.sentence

    def duration_ms(self) -> i64:
        """How long the script has been running."""
        return (self.engine.clock.now_us() - self.began_us) // 1000

    def kill(self, functions: bool) -> bytes:
        """SCRIPT KILL or FUNCTION KILL; the error for the client, empty if the script will end."""
        if not self.running:
            return NOT_BUSY
        if self.calls.wrote:
            return UNKILLABLE
        if functions != self.is_function:
            return self.engine.busy_text()
        self.sentence = killed_script(functions)
        return b""
