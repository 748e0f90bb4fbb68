"""Attempts to leave the sandbox, in redpoll's own EVAL: each ends in an error or in a harmless value."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import settings
from tests.commands.effects import opened

from redpoll.engine.unit import Journal
from redpoll.protocol.reply import Error

profile = settings.default
assert profile is not None
BATCHES = max(1, profile.max_examples // 20)


def run(script: bytes) -> object:
    session = opened(Journal())
    execute = session.engine.execute
    reply = execute(session, [b"EVAL", script, b"0"])
    # The state of the runtime is what it was.
    check = b"return {type(redis.call), ('x'):upper(), rawget(_G, 'x') == nil and 'clean' or 'dirty'}"
    assert execute(session, [b"EVAL", check, b"0"]) == [b"function", b"X", b"clean"]
    return reply


ERRORS = [
    b"return python.eval('1')", b"return python.builtins", b"return python.as_attrgetter(redis.call)",
    b"return redis.call.__globals__", b"return redis.call['__class__']", b"redis.call.x = 1", b"return #redis.call",
    b"for k in pairs(redis.call) do end", b"return redis.sha1hex.__self__", b"return redis.log.__class__",
    b"getmetatable('').__index = function() return 1 end", b"getmetatable('').__index.upper = 1",
    b"setmetatable('', {})", b"debug.getregistry()", b"debug.sethook()", b"debug.getupvalue(redis.call, 1)",
    b"return loadstring('\\27Lua')()", b"return loadstring(string.dump(redis.call))",
    b"return assert(loadstring(('\\27LuaQ\\0'):rep(20)))", b"return newproxy(true)", b"return require('os')",
    b"return package.loadlib('x', 'y')", b"return io.open('/etc/passwd')", b"return os.execute('true')",
    b"return os.getenv('HOME')", b"return dofile('/etc/passwd')", b"return loadfile('/etc/passwd')",
    b"setmetatable(_G, {})", b"rawset(redis, 'call', 1)", b"rawset(string, 'upper', 1)", b"rawset(math, 'pi', 3)",
    b"getmetatable(_G).__index = nil", b"getmetatable(redis).__newindex = nil", b"x = 1", b"_G.x = 1",
    b"table.insert(string, 1)", b"table.sort(redis, nil) redis.x = 1", b"loadstring('x = 1')()",
    b"coroutine.wrap(function() x = 1 end)()", b"coroutine.wrap(function() return python.eval end)()",
    b"return select(2, pcall(redis.call, 'nosuch')).__traceback__.x", b"local e = select(2, pcall(error)) return e.x",
    b"return select(2, pcall(redis.call)).err.__class__.x", b"cjson.encode = 1", b"getfenv(0)", b"setfenv(1, {})",
]  # fmt: skip


@pytest.mark.parametrize("script", ERRORS)
def test_an_attempt_ends_in_an_error(script: bytes) -> None:
    assert isinstance(run(script), Error), script


HARMLESS = [
    (b"local t = setmetatable({}, {__gc = function() error('gc') end}) t = nil collectgarbage() return 1", 1),
    (b"return tostring(redis.call):match('python') or tostring(redis.call):match('object') or 'none'", b"none"),
    (b"return load(string.dump)", None),
    (b"return rawget(select(2, pcall(redis.pcall, 'nosuch')), '__class__') and 1 or 0", 0),
    (b"return type(getmetatable(redis.call))", b"nil"),
    (b"return type(coroutine.wrap(function() return redis.call('ping') end)())", b"table"),
]


@pytest.mark.parametrize(("script", "reply"), HARMLESS)
def test_an_attempt_is_harmless(script: bytes, reply: object) -> None:
    assert run(script) == reply


CHILD = """
import resource, signal, sys
from tests.unit.scripting.programs import program
import redpoll.commands
from redpoll.engine.engine import Engine
from redpoll.engine.host import Host
from redpoll.engine.session import Peer
from redpoll.env.clock import Clock
from redpoll.env.random import Random
from redpoll.scripting.scripts import scripts_of

resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

class Impatient(Host):
    def serve(self):
        return False

engine = Engine(Clock(), Random(1), 2, Impatient())
engine.options.busy_reply_threshold = 1
engine.start_unit()
session = engine.open_session(Peer())
scripts_of(engine).runtime.set_limit(24 << 20)
for seed in range(int(sys.argv[1]), int(sys.argv[2])):
    signal.alarm(60)
    print(seed, flush=True)
    engine.start_unit()
    engine.execute(session, [b"EVAL", program(seed).encode("utf-8", "surrogateescape"), b"0"])
    engine.start_unit()
    assert engine.execute(session, [b"EVAL", b"return 7", b"0"]) == 7
print("done")
"""
"""Each script that runs for longer than a millisecond is killed at the next look at the clock."""


def test_programs_end_in_replies() -> None:
    count = 100 * BATCHES
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "0", str(count)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.stdout.split()[-1:] == ["done"], (done.stdout[-100:], done.stderr[-2000:])
