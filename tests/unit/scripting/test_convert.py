"""Values from Lua to replies and back, compared with a model in Python."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.commands.effects import opened

from redpoll.engine.unit import Journal
from redpoll.protocol.encode import encode
from redpoll.protocol.output import Output
from redpoll.protocol.reply import Error, RawError, Status
from redpoll.scripting.convert import argument_text, integer_of, line_of, to_lua
from redpoll.scripting.runtime import Runtime
from redpoll.scripting.scripts import scripts_of

session = opened(Journal())
texts = st.binary(max_size=20)
leaves = texts | st.integers(-(2**52), 2**52) | st.booleans() | st.none() | st.floats(-1e6, 1e6)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=6), max_leaves=30)


def literal(value: Any) -> bytes:
    """A value as Lua source."""
    if isinstance(value, bytes):
        return b'"' + b"".join(b"\\%03d" % byte for byte in value) + b'"'
    if isinstance(value, list):
        return b"{" + b",".join(literal(item) for item in value) + b"}"
    if value is None:
        return b"nil"
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return b"(%s)" % repr(value).encode()


def model(value: Any) -> Any:
    """The reply that a value becomes in RESP2: a list ends at its first nil."""
    if isinstance(value, list):
        end = value.index(None) if any(item is None for item in value) else len(value)
        return [model(item) for item in value[:end]]
    if isinstance(value, bool):
        return 1 if value else None
    return int(value) if isinstance(value, float) else value


def evaluated(script: bytes, *args: bytes) -> Any:
    return session.engine.execute(session, [b"EVAL", script, b"0", *args])


@given(values)
def test_results_of_scripts(value: Any) -> None:
    assert evaluated(b"return " + literal(value)) == model(value)


replies = st.recursive(
    texts | st.integers(-(2**52), 2**52) | st.none(), lambda inner: st.lists(inner, max_size=6), max_leaves=30
)


def given_to_lua(runtime: Runtime, reply: Any) -> Any:
    return reply if isinstance(reply, bytes | int) else to_lua(runtime, reply, 2)


def from_table(value: Any) -> Any:
    """A value of Lua as lists."""
    if value is False or value is None or isinstance(value, bytes | int):
        return None if value is False else value
    return [from_table(value[index]) for index in range(1, len(value) + 1)]


@given(replies)
def test_replies_to_scripts(reply: Any) -> None:
    lua = scripts_of(session.engine).runtime
    assert from_table(given_to_lua(lua, reply)) == reply


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize(
    ("inner", "heads"),
    [(b"{t}", (b"*1", b"*1")), (b"{map={a=t}}", (b"*2", b"%1")), (b"{set={[t]=true}}", (b"*1", b"~1"))],
)
def test_deep_results(inner: bytes, heads: tuple[bytes, bytes], resp: int) -> None:
    """A script chooses the nesting: Python's recursion limit does not matter."""
    reply = evaluated(b"local t = 1 for i = 1, 2000 do t = %b end return t" % inner)
    out = Output()
    encode(out, reply, resp)
    wire = out.take_all()
    assert wire.count(heads[resp - 2] + b"\r\n") == 2000
    assert wire.endswith(b":1\r\n")


def test_too_deep_results() -> None:
    reply = evaluated(b"local t = 1 for i = 1, 20000 do t = {t} end return t")
    while isinstance(reply, list):
        reply = reply[0]
    assert isinstance(reply, RawError)
    assert reply.text == b"ERR reached lua stack limit"


def test_tables_with_fields() -> None:
    reply = evaluated(b"return {ok = 'fine'}")
    assert isinstance(reply, Status)
    assert reply.text == b"fine"
    refused = evaluated(b"return {err = 'ERR so', ok = 'no'}")
    assert isinstance(refused, Error)
    assert refused.text == b"ERR so"


def test_numbers() -> None:
    assert integer_of(3.99) == 3
    assert integer_of(-3.99) == -3
    assert integer_of(float("nan")) == integer_of(float("inf")) == integer_of(2**63) == -(2**63)
    assert argument_text(True) is None
    assert argument_text([]) is None
    assert argument_text(3) == b"3"
    assert argument_text(1.5) == b"1.5"
    assert argument_text(float("-inf")) == b"-inf"


def test_lines() -> None:
    assert line_of(b"a\r\nb\0c") == b"a  b"
