"""Who may read metrics: hosts, other sites, passwords."""

from __future__ import annotations

from base64 import b64encode

import pytest
from tests.unit.engine.machine import Machine

from redpoll.net.http_access import check_access, has_password, host_name, is_known_host
from redpoll.net.http_requests import Refusal, Request


def status(machine: Machine, local: bool = True, **fields: str) -> int:
    """What a request with these fields is answered: 200 if it may pass."""
    named = {
        name.replace("_", "-").encode(): value.encode("latin-1")
        for name, value in {"host": "localhost", **fields}.items()
    }
    try:
        check_access(machine.engine, Request(b"GET", b"/", named, True), local)
    except Refusal as refused:
        return refused.status
    return 200


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:9121", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:9121", "192.168.0.7:1", "[fe80::1]"],
)
def test_addresses_and_localhost_are_known(host: str) -> None:
    assert status(Machine(), host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:9121", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:x", "localhost:80:80",
        "[::1", "::1", "[::1]x", "[evil]", "127.1", "2130706433", "0x7f.1", "localhost:-1", "localhost:²", "localhost@evil.example", "a b", "[]",
    ],
)  # fmt: skip
def test_other_hosts_are_refused(host: str) -> None:
    assert status(Machine(), host=host) == 403


def test_names_may_be_added() -> None:
    machine = Machine()
    assert status(machine, host="stats.example:9121") == 403
    machine.do("CONFIG", "SET", "metrics-names", "other Stats.Example")
    assert status(machine, host="stats.EXAMPLE:9121") == 200
    assert status(machine, host="x.stats.example") == 403
    assert not is_known_host("", " ")


@pytest.mark.parametrize(
    ("fields", "answered"),
    [
        ({"sec_fetch_site": "none"}, 200),
        ({"sec_fetch_site": "same-origin"}, 200),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "x"}, 403),
        ({"origin": "http://localhost"}, 200),
        ({"origin": "https://localhost"}, 200),
        ({"origin": "http://localhost:81"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://evil.example", "host": "evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9121", "host": "127.0.0.1:9121"}, 200),
    ],
)
def test_other_sites_are_refused(fields: dict[str, str], answered: int) -> None:
    assert status(Machine(), **fields) == answered


def test_the_password_is_needed_if_there_is_one() -> None:
    machine = Machine()
    machine.do("CONFIG", "SET", "requirepass", "se:cret")
    assert status(machine) == 401
    assert machine.engine.traffic.refused_passwords == 0
    for right in (basic("default", "se:cret"), basic("", "se:cret"), basic("", "se:cret").replace("Basic", "bASIC")):
        assert status(machine, authorization=right) == 200
        assert status(machine, local=False, authorization=right) == 200
    for wrong in (basic("default", "se"), basic("x", "se:cret"), "Basic", "Basic ä", "Bearer se:cret", basic("", "")):
        assert status(machine, authorization=wrong) == 401
    assert machine.engine.traffic.refused_passwords == 6
    assert status(machine, host="evil.example", authorization=basic("", "se:cret")) == 403


def test_without_a_password_protected_mode_keeps_others_out() -> None:
    machine = Machine()
    machine.do("CONFIG", "SET", "protected-mode", "yes")
    assert status(machine, local=False) == 403
    machine.do("CONFIG", "SET", "protected-mode", "no")
    assert status(machine, local=False) == 200


def test_parts() -> None:
    assert host_name(b"[2001:DB8::1]:80") == "2001:db8::1"
    assert has_password(b"Basic   Ong=", b"x")
    assert not has_password(b"Basic Ong", b"x")
    # Bytes that are not Base64 would be skipped by a lenient decoder.
    assert not has_password(b"Basic O*ng=", b"x")
