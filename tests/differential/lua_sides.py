"""A chunk on two sides: by EVAL at the reference, and here in a runtime with the Lua libraries alone."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, settings
from tests.differential.servers import Server
from tests.differential.wire import Reply, Wire, encode
from tests.unit.scripting.lua_host import GOLDEN, LuaHost, text_of

PRELUDES: dict[str, str] = json.loads((GOLDEN / "preludes.json").read_text())
SHOW = PRELUDES["show"].encode() + PRELUDES["hex"].encode()
same_host = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def form(reply: Reply) -> Any:
    if reply.kind == "-":
        return {"e": text_of(reply.text or b"")}
    if reply.kind == ":":
        return reply.integer
    if reply.kind == "*":
        return [form(item) for item in reply.items]
    return None if reply.text is None else text_of(reply.text)


class Both:
    """A connection to the reference and a runtime of ours."""

    def __init__(self, server: Server) -> None:
        self.wire = Wire(server.port, 30.0)
        self.host = LuaHost()

    def ask(self, *words: bytes) -> Reply:
        self.wire.send(encode(words))
        return self.wire.read()

    def check(self, script: bytes, *args: bytes) -> None:
        theirs = form(self.ask(b"EVAL", SHOW + script, b"0", *args))
        found = self.host.eval(SHOW + script, *args)
        assert found == theirs, (script, args)
