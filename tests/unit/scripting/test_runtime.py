"""The runtime: lupa is imported by the first script, and memory has a limit that ends scripts, never the process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.commands.effects import opened

import redpoll.commands  # noqa: F401
from redpoll.engine.gates import GATE_READONLY, GATE_STALE
from redpoll.engine.unit import ALL_JOURNALS, Journal
from redpoll.errors import READONLY, STALE_REPLICA
from redpoll.protocol.reply import Error
from redpoll.scripting.runtime import RESERVE
from redpoll.scripting.scripts import scripts_of


def run(script: bytes, limit: int = 8 << 20) -> object:
    session = opened(Journal())
    scripts_of(session.engine).runtime.set_limit(limit)
    session.engine.start_unit()
    reply = session.engine.execute(session, [b"EVAL", script, b"0"])
    assert session.engine.execute(session, [b"EVAL", b"return 7", b"0"]) == 7
    return reply


def test_lupa_is_imported_by_the_first_script() -> None:
    program = (
        "import sys, redpoll; store = redpoll.open(); store.execute('SET', 'a', '1'); assert 'lupa' not in sys.modules; "
        "store.execute('EVAL', 'return 1', '0'); assert 'lupa' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


FILL = b"local t = {} pcall(function() while true do t[#t + 1] = {} end end) "


@pytest.mark.parametrize(
    "script",
    [
        b"local t = {} while true do t[#t + 1] = {} end",
        b"local s = 'x' while true do s = s .. s end",
        FILL + b"return redis.call('set', 'a', 'b')",
        FILL + b"return redis.call({}, {}, {})",
        FILL + b"while true do pcall(redis.call, 'get', 'a') end",
        FILL + b"while true do pcall(redis.sha1hex, 'a') end",
    ],
)
def test_a_script_without_memory_ends_with_an_error(script: bytes) -> None:
    reply = run(script)
    assert isinstance(reply, Error)
    assert reply.text == b"ERR Error running script, not enough memory"


@pytest.mark.parametrize(
    "script",
    [
        b"return python", b"return debug", b"return io", b"return require", b"return package", b"return getfenv",
        b"string.rep = 1", b"redis.call = 1", b"_G.x = 1", b"getmetatable('').__index = 1", b"rawset(_G, 'x', 1)",
        b"table.insert(redis, 1)", b"setmetatable(redis, {})", b"return loadstring(string.dump(function() end))()",
        b"return ('x').__class__.y", b"return redis.call.__self__",
    ],
)  # fmt: skip
def test_nothing_leads_out_of_the_sandbox(script: bytes) -> None:
    assert isinstance(run(script), Error)


def test_a_slow_pattern_is_refused_in_the_sandbox() -> None:
    """The matcher in Lua works without Lua's real globals."""
    reply = run(b"return string.find(('a'):rep(300), 'a*a*a*a*b')")
    assert isinstance(reply, Error)
    assert reply.text == b"ERR user_script:1: pattern too complex script: on @user_script:1."


def test_the_null_of_cjson_shows_no_metatable() -> None:
    assert run(b"return {tostring(cjson.null), type(getmetatable(cjson.null))}") == [b"userdata: (nil)", b"nil"]


def test_the_first_script_is_refused_by_its_flags_under_any_name_of_eval() -> None:
    """The gates cannot refuse it: the object that knows flags of scripts does not exist yet."""
    for text, refused in (
        (b"#!lua\nreturn 1", True),
        (b"#!lua flags=no-writes\nreturn 1", False),
        (b"return 1", False),
    ):
        session = opened(Journal())
        engine = session.engine
        engine.commands[b"other"] = engine.commands.pop(b"eval")
        engine.gates |= GATE_READONLY
        reply = engine.execute(session, [b"OTHER", text, b"0"])
        assert (reply.text if isinstance(reply, Error) else reply) == (READONLY if refused else 1)


def test_a_script_without_flags_is_refused_by_a_stale_replica() -> None:
    session = opened(Journal())
    session.engine.start_unit()
    scripts_of(session.engine)
    session.engine.gates |= GATE_STALE
    reply = session.engine.execute(session, [b"EVAL", b"return 1", b"0"])
    assert isinstance(reply, Error)
    assert reply.text == STALE_REPLICA


def test_live_memory_is_counted_without_garbage() -> None:
    session = opened(Journal())
    session.engine.start_unit()
    runtime = scripts_of(session.engine).runtime
    before = runtime.live_bytes()
    execute = session.engine.execute
    # The table is garbage now, but Lua has not collected it yet.
    execute(session, [b"EVAL", b"local t = {} for i = 1, 100000 do t[i] = i end return #t", b"0"])
    assert runtime.garbage() * 1024 > before + 1_600_000
    assert 0 <= runtime.live_bytes() - before < 100_000


def test_the_memory_of_a_library_is_what_stays_after_it_is_loaded() -> None:
    session = opened(Journal())
    session.engine.start_unit()
    scripts = scripts_of(session.engine)
    execute = session.engine.execute
    code = (
        b"#!lua name=%b\nlocal kept, gone = {}, {} for i = 1, 100000 do gone[i] = i end for i = 1, %d do kept[i] = i end "
        b"redis.register_function('%b', function() return #kept end)"
    )
    for name, size, least, most in ((b"small", 1, 0, 100_000), (b"large", 100_000, 1_600_000, 2_300_000)):
        assert execute(session, [b"FUNCTION", b"LOAD", code % (name, size, name)]) == name
        assert least <= scripts.functions_.libraries[name].lua_bytes < most
    total = scripts.functions_bytes()
    assert total == sum(library.lua_bytes for library in scripts.functions_.libraries.values())
    assert scripts.eval_bytes() > 0
    execute(session, [b"FUNCTION", b"DELETE", b"large"])
    assert scripts.functions_bytes() < 100_000


def test_the_limit_of_memory_is_a_directive() -> None:
    session = opened(Journal())
    execute = session.engine.execute
    execute(session, [b"EVAL", b"return 1", b"0"])
    execute(session, [b"CONFIG", b"SET", b"lua-memory-limit", b"8mb"])
    reply = execute(session, [b"EVAL", b"return #string.rep('x', 20000000)", b"0"])
    assert isinstance(reply, Error)
    execute(session, [b"CONFIG", b"SET", b"lua-memory-limit", b"100mb"])
    assert execute(session, [b"EVAL", b"return #string.rep('x', 20000000)", b"0"]) == 20000000


@pytest.mark.parametrize(
    "script",
    [
        b"for i = 1, 1e9 do ARGV[i] = ('x'):rep(1000) .. i end",
        b"return pcall(function() for i = 1, 1e9 do KEYS[i] = ('x'):rep(1000) .. i end end)",
        b"local t = {} for i = 1, 1000 do t[i] = t end return pcall(cmsgpack.pack, t)",
        b"cjson.encode_max_depth(1e6) local t = {} for i = 1, 3000 do t = {t, t, x = 1} end return pcall(cjson.encode, t)",
        b"return pcall(cjson.decode, '[' .. ('1,'):rep(3e6))",
        b"local t = {} for i = 1, 3e5 do t[i] = i end return t",
        b"return pcall(string.find, ('a'):rep(7e6), 'a*a*b')",
    ],
)  # fmt: skip
def test_a_script_that_ran_out_of_memory_leaves_room_for_the_next(script: bytes) -> None:
    session = opened(Journal())
    execute = session.engine.execute
    execute(session, [b"EVAL", b"return 1", b"0"])
    execute(session, [b"CONFIG", b"SET", b"lua-memory-limit", b"16mb"])
    execute(session, [b"EVAL", script, b"0"])
    check = b"return cjson.encode(cjson.decode('[1]')) .. #string.rep('x', 2000000)"
    assert execute(session, [b"EVAL", check, b"0"]) == b"[1]2000000"


def test_set_repl_chooses_where_effects_go() -> None:
    session = opened(Journal())
    script = b"""
    redis.set_repl(redis.REPL_NONE) redis.call('set', 'a', '1')
    redis.set_repl(redis.REPL_AOF) redis.call('set', 'b', '2')
    redis.set_repl(redis.REPL_SLAVE) redis.call('set', 'c', '3')
    redis.set_repl(redis.REPL_ALL) redis.call('set', 'd', '4')
    """
    session.engine.frozen += 1  # the unit does not end, so that its effects can be seen
    session.engine.execute(session, [b"EVAL", script, b"0"])
    unit = session.engine.unit
    assert unit.effects == [[b"set", b"b", b"2"], [b"set", b"c", b"3"], [b"set", b"d", b"4"]]
    assert unit.local == [[b"set", b"b", b"2"]]
    assert unit.messages == [[b"set", b"c", b"3"]]


def test_a_script_leaves_nothing_for_the_next_one() -> None:
    session = opened(Journal())
    session.engine.start_unit()
    execute = session.engine.execute
    calls = scripts_of(session.engine).calls
    execute(session, [b"EVAL", b"redis.set_repl(redis.REPL_NONE) redis.call('set', 'a', '1')", b"0"])
    assert calls.wrote
    assert session.engine.unit.targets == ALL_JOURNALS
    execute(session, [b"EVAL", b"return 1", b"0"])
    assert not calls.wrote


@pytest.mark.parametrize(
    "call", [b"redis.call('get', 'a')", b"redis.pcall('get', 'a')", b"redis.call('lrange', 'l', 0, -1)"]
)
def test_a_reply_without_room_ends_the_script(call: bytes) -> None:
    """Also through pcall; and the limit is back afterwards."""
    session = opened(Journal())
    session.engine.start_unit()
    execute = session.engine.execute
    execute(session, [b"SET", b"a", b"x" * (20 << 20)])
    execute(session, [b"RPUSH", b"l", b"x" * (20 << 20), b"y"])
    execute(session, [b"CONFIG", b"SET", b"lua-memory-limit", b"8mb"])
    reply = execute(session, [b"EVAL", b"pcall(function() return #" + call + b" end) return 1", b"0"])
    assert isinstance(reply, Error)
    assert reply.text == b"ERR Error running script, not enough memory"
    runtime = scripts_of(session.engine).runtime
    assert not runtime.is_lifted
    assert runtime.runtime.get_max_memory() == (8 << 20) + 2 * RESERVE


def test_a_script_in_a_script_is_an_error() -> None:
    session = opened(Journal())
    session.engine.start_unit()
    session.engine.script_statistics.deny_disabled = True
    reply = session.engine.execute(session, [b"EVAL", b"return redis.pcall('eval', 'return 1', 0)", b"0"])
    assert isinstance(reply, Error)
    assert reply.text.startswith(b"ERR a script cannot run another one")
    assert session.engine.execute(session, [b"EVAL", b"return 7", b"0"]) == 7
