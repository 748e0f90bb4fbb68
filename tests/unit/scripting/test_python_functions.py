"""Functions in Python: FCALL, the API, replies, errors, effects, and what clients may not do with them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.commands.effects import opened

import redpoll
from redpoll import FunctionApi, function
from redpoll.client.store import Store
from redpoll.engine.unit import Journal
from redpoll.protocol.reply import Map
from redpoll.scripting.definition import module_name
from redpoll.scripting.scripts import register_function, registry

LUA = "#!lua name=%s\nredis.register_function('%s', function(keys, args) return 'lua' end)"


@function()
def bump(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    return [api.call("INCR", key) for key in keys]


@function(flags=["no-writes"], description="the length of a string")
def length(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    return api.call("STRLEN", keys[0])


@function(flags=["no-writes"])
def liar(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    return api.call("SET", keys[0], "x")


@function(flags=["allow-oom"])
def thrifty(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    return api.call("SET", keys[0], "x")


@function()
def run(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    return api.call(*args)


@function()
def broken(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    api.call("SET", "before", "1")
    raise LookupError("no\r\nsuch thing")


@function()
def leave(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    sys.exit("out")


@function()
def refuse(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    raise redpoll.CommandError(b"DENIED not\r\ntoday")


@function()
def careful(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
    try:
        api.call("INCR", keys[0])
    except redpoll.CommandError as refused:
        return refused.text
    return "fine"


HERE = [bump, length, liar, thrifty, run, broken, leave, refuse, careful]


def store_with(*functions: Callable[..., object]) -> Store:
    store = redpoll.open()
    for each in functions or HERE:
        store.register_function(each)
    return store


def answer(result: object) -> Any:
    @function(name="answer")
    def answering(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
        return result

    return store_with(answering).execute("FCALL", "ANSWER", 0)


def refused(store: Store, *words: str | int) -> str:
    with pytest.raises(redpoll.CommandError) as error:
        store.execute(*words)
    return error.value.text.decode()


def test_a_function_is_called_in_any_case() -> None:
    store = store_with()
    assert store.execute("FCALL", "BUMP", 2, "a", "b", "unused") == [1, 1]
    assert store.execute("fcall", "bump", 1, "a") == [2]


def test_the_checks_of_fcall() -> None:
    store = store_with()
    assert refused(store, "FCALL", "nobody", 0) == "ERR Function not found"
    assert refused(store, "FCALL", "bump", "x") == "ERR Bad number of keys provided"
    assert refused(store, "FCALL", "bump", 1) == "ERR Number of keys can't be greater than number of args"
    assert refused(store, "FCALL", "bump", -1) == "ERR Number of keys can't be negative"
    assert refused(store, "FCALL_RO", "bump", 0) == "ERR Can not execute a script with write flag using *_ro command."


def test_a_function_without_writes() -> None:
    store = store_with()
    store.set("a", "four")
    assert store.execute("FCALL_RO", "length", 1, "a") == 4
    assert refused(store, "FCALL", "liar", 1, "a") == "ERR Write commands are not allowed from read-only scripts."


def test_what_a_function_may_not_call() -> None:
    store = store_with()
    assert refused(store, "FCALL", "run", 0, "NONSENSE") == "ERR Unknown command called from script"
    assert refused(store, "FCALL", "run", 0, "GET") == "ERR Wrong number of args calling command from script"
    assert refused(store, "FCALL", "run", 0) == "ERR Please specify at least one argument for this call"
    for words in (["FCALL", "run", "0"], ["MULTI"], ["FUNCTION", "FLUSH"], ["EVAL", "return 1", "0"]):
        assert refused(store, "FCALL", "run", 0, *words) == "ERR This Valkey command is not allowed from script"


def test_a_blocking_command_does_not_block() -> None:
    assert store_with().execute("FCALL", "run", 0, "BLPOP", "none", "0") is None


def test_an_error_of_a_command_is_the_reply_unless_it_is_caught() -> None:
    store = store_with()
    store.execute("RPUSH", "list", "x")
    wrong = "WRONGTYPE Operation against a key holding the wrong kind of value"
    assert refused(store, "FCALL", "bump", 1, "list") == wrong
    assert store.execute("FCALL", "careful", 1, "list") == wrong.encode()
    assert refused(store, "FCALL", "refuse", 0) == "DENIED not  today"
    shown = store.execute("INFO", "errorstats")
    assert b"errorstat_WRONGTYPE:count=2" in shown
    assert b"errorstat_DENIED:count=1" in shown


def test_another_exception_is_an_error_with_the_name_of_the_function() -> None:
    store = store_with()
    assert refused(store, "FCALL", "Broken", 0) == "ERR Error running function broken: LookupError: no  such thing"
    assert store.get("before") == b"1"
    assert refused(store, "FCALL", "leave", 0) == "ERR Error running function leave: SystemExit: out"
    assert store.execute("FCALL", "bump", 1, "a") == [1]


@pytest.mark.parametrize(
    ("result", "reply"),
    [
        (None, None), (b"a", b"a"), ("é", "é".encode()), (7, 7), (bytearray(b"b"), b"b"), (2.5, 2.5), (True, True),
        ([1, "a", None], [1, b"a", None]), ((1, (2,)), [1, [2]]), ({"k": [1]}, {b"k": [1]}), ({3}, [3]),
        (frozenset(), []), (-(1 << 63), -(1 << 63)),
    ],
)  # fmt: skip
def test_results_become_replies(result: object, reply: object) -> None:
    assert answer(result) == reply


def test_results_that_are_no_replies() -> None:
    deep: list[object] = []
    deep.append(deep)
    for result, what in (
        (1 << 63, "ValueError: an integer reply has 64 bits: 9223372036854775808 is out of range"),
        (object, "TypeError: a value of type type is not a reply"),
        (deep, "ValueError: a reply has at most 100 levels"),
    ):
        with pytest.raises(redpoll.CommandError, match=what):
            answer(result)


def test_the_effects_are_one_transaction_and_only_effects() -> None:
    written: list[list[list[bytes]]] = []

    class Kept(Journal):
        def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
            written.append(list(effects))

    session = opened(Kept())
    register_function(session.engine, bump)
    session.engine.start_unit()
    assert session.engine.execute(session, [b"FCALL", b"bump", b"2", b"a", b"b"]) == [1, 1]
    session.engine.start_unit()
    assert written == [[[b"MULTI"], [b"INCR", b"a"], [b"INCR", b"b"], [b"EXEC"]]]


def test_time_stands_still_and_the_api_ends_with_the_call() -> None:
    kept: list[FunctionApi] = []

    @function(name="now")
    def telling(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
        kept.append(api)
        before = api.now()
        for _ in range(1000):
            api.call("SET", "a", "b", "PX", 1)
        return [before == api.now(), api.call("GET", "a")]

    assert store_with(telling).execute("FCALL", "now", 0) == [True, b"b"]
    with pytest.raises(RuntimeError):
        kept[0].call("GET", "a")


def test_memory_over_the_limit() -> None:
    store = store_with()
    store.set("a", "x" * 1000)
    store.execute("CONFIG", "SET", "maxmemory", 1)
    assert refused(store, "FCALL", "bump", 1, "n").startswith("OOM ")
    assert store.execute("FCALL", "thrifty", 1, "n") == b"OK"
    assert store.execute("FCALL_RO", "length", 1, "a") == 1000


def test_a_function_inside_a_transaction() -> None:
    store = store_with()
    store.execute("MULTI")
    store.execute("FCALL", "bump", 1, "a")
    store.execute("FCALL", "bump", 1, "a")
    assert store.execute("EXEC") == [[1], [2]]


def test_the_list_of_functions() -> None:
    """The row `python-functions` of docs/differences.md."""
    store = store_with(bump, length)
    [library] = store.execute("FUNCTION", "LIST")
    assert library[b"library_name"] == b"test_python_functions"
    assert library[b"engine"] == b"PYTHON"
    assert library[b"functions"] == [
        {b"name": b"bump", b"description": None, b"flags": []},
        {b"name": b"length", b"description": b"the length of a string", b"flags": [b"no-writes"]},
    ]
    assert store.execute("FUNCTION", "LIST", "WITHCODE")[0][b"library_code"] is None
    assert store.execute("FUNCTION", "LIST", "LIBRARYNAME", "other*") == []
    counts = {b"libraries_count": 1, b"functions_count": 2}
    none = {b"libraries_count": 0, b"functions_count": 0}
    assert store.execute("FUNCTION", "STATS")[b"engines"] == {b"LUA": none, b"PYTHON": counts}
    store.execute("EVAL", "return 1", 0)
    assert store.execute("FUNCTION", "STATS")[b"engines"] == {b"LUA": none, b"PYTHON": counts}
    assert b"number_of_functions:2\r\nnumber_of_libraries:1\r\n" in store.execute("INFO", "memory")


def test_clients_can_neither_load_nor_delete_nor_copy_one() -> None:
    store = store_with(bump)
    code = "#!python name=evil\nraise SystemExit"
    assert refused(store, "FUNCTION", "LOAD", code) == "ERR Engine 'python' not found"
    told = "ERR Library 'test_python_functions' is in Python: only who starts the server can remove it"
    assert refused(store, "FUNCTION", "DELETE", "test_python_functions") == told
    store.execute("FUNCTION", "FLUSH")
    assert store.execute("FCALL", "bump", 1, "a") == [1]
    assert store.execute("FUNCTION", "DUMP") == redpoll.open().execute("FUNCTION", "DUMP")


def test_a_name_belongs_to_one_function() -> None:
    store = store_with(bump)
    assert refused(store, "FUNCTION", "LOAD", LUA % ("mine", "BUMP")) == "ERR Function BUMP already exists"
    own = LUA % ("test_python_functions", "other")
    assert refused(store, "FUNCTION", "LOAD", own).endswith("'test_python_functions' already exists")
    assert refused(store, "FUNCTION", "LOAD", "REPLACE", own).endswith("'test_python_functions' already exists")
    store.execute("FUNCTION", "LOAD", LUA % ("mine", "length"))
    with pytest.raises(ValueError, match="function length already exists, in Lua"):
        store.register_function(length)
    assert store.execute("FCALL", "length", 0) == b"lua"
    assert store.execute("FCALL", "bump", 1, "a") == [1]

    @function(name="bump")
    def another(api: FunctionApi, keys: list[bytes], args: list[bytes]) -> object:
        return 1

    with pytest.raises(ValueError, match="Function bump already exists"):
        store.register_function(another)
    store.register_function(bump)


def test_a_lua_library_of_a_file_that_clashes_stays_in_the_files() -> None:
    session = opened(Journal())
    engine = session.engine
    register_function(engine, bump)
    source = (LUA % ("mine", "bump")).encode()
    engine.durability.libraries.append(source)
    engine.durability.libraries_loaded = True
    engine.start_unit()
    assert engine.execute(session, [b"FCALL", b"bump", b"1", b"a"]) == [1]
    listed = engine.execute(session, [b"FUNCTION", b"LIST"])
    assert isinstance(listed, list)
    names = [each.items[1] for each in listed if isinstance(each, Map)]
    assert names == [b"mine", b"test_python_functions"]
    assert engine.durability.libraries == [source]


def test_what_cannot_be_registered() -> None:
    store = redpoll.open()
    with pytest.raises(TypeError, match="decorates"):
        store.register_function(test_what_cannot_be_registered)
    with pytest.raises(ValueError, match="there is no flag 'no-reads'"):
        function(flags=["no-reads"])
    with pytest.raises(TypeError, match="list of names"):
        function(flags="no-writes")
    with pytest.raises(ValueError, match="'a b'"):
        function(name="a b")(lambda api, keys, args: 1)
    store.close()
    with pytest.raises(ValueError, match="closed"):
        store.register_function(bump)


def test_a_file_of_functions(tmp_path: Path) -> None:
    engine = opened(Journal()).engine
    good = tmp_path / "of_a_file.py"
    good.write_text(
        "import redpoll\n@redpoll.function()\ndef one(api: redpoll.FunctionApi, keys, args):\n    return 1\n"
    )
    found = registry(engine)
    assert found.load(str(good)) == 1
    assert list(found.by_library) == [b"of_a_file"]
    for name, text, complaint in (
        ("empty_one.py", "", "no function"), ("a-b.py", "", "letters"), ("json.py", "", "a module json"),
        ("text.txt", "", "ends in .py"), ("bad_one.py", "1 / 0", "division"),
    ):  # fmt: skip
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises((ValueError, ZeroDivisionError), match=complaint):
            found.load(str(path))
        assert name.partition(".")[0] not in sys.modules or name == "json.py"


def test_lupa_is_not_imported() -> None:
    program = (
        "import sys, redpoll\n@redpoll.function()\ndef one(api, keys, args): return api.call('INCR', keys[0])\n"
        "store = redpoll.open(); store.register_function(one); assert store.execute('FCALL', 'one', 1, 'a') == 1\n"
        "store.execute('FUNCTION', 'LIST'); store.execute('FUNCTION', 'STATS'); store.execute('INFO')\n"
        "assert 'lupa' not in sys.modules and 'lupa.lua51' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_library_has_the_last_part_of_the_name_of_its_module() -> None:
    def some() -> None:
        """Does nothing."""

    some.__module__ = "shop.visits"
    assert module_name(some) == "visits"
    some.__module__ = ""
    assert module_name(some) == "__main__"
