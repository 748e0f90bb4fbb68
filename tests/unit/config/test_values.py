"""Each kind of value: what it takes, what it makes of it, how it is written back."""

from __future__ import annotations

import pytest

from redpoll.config.schema import BY_NAME
from redpoll.config.special_values import is_ipv6
from redpoll.config.values import BadValue, memory_bytes, memory_text


def shown(name: str, text: str) -> tuple[str, int]:
    """The value of a directive set by CONFIG SET, or its complaint."""
    kind = BY_NAME[name.encode()].kind
    try:
        value = kind.parse(kind.words_of_string(text.encode()), BY_NAME[name.encode()].default)
    except BadValue as wrong:
        return wrong.reason.decode(), -99
    return value.text.decode(), value.number


NOT_INT = ("argument couldn't be parsed into an integer", -99)
NOT_MEMORY = ("argument must be a memory value", -99)
NOT_PERCENT = ("argument must be a memory or percent value", -99)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("daemonize", "YES", ("yes", 1)),
        ("daemonize", "no", ("no", 0)),
        ("daemonize", "on", ("argument must be 'yes' or 'no'", -99)),
        ("timeout", "0", ("0", 0)),
        ("timeout", "2147483647", ("2147483647", 2147483647)),
        ("timeout", "2147483648", ("argument must be between 0 and 2147483647 inclusive", -99)),
        ("timeout", "9223372036854775808", NOT_INT),
        ("timeout", "-1", ("argument must be between 0 and 2147483647 inclusive", -99)),
        ("timeout", "", NOT_INT),
        ("timeout", "+1", NOT_INT),
        ("timeout", "01", NOT_INT),
        ("timeout", "-0", NOT_INT),
        ("timeout", "1\n", NOT_INT),
        ("hz", "0", ("1", 1)),
        ("hz", "501", ("500", 500)),
        ("maxmemory", "", ("0", 0)),
        ("maxmemory", "Gb", ("0", 0)),
        ("maxmemory", "3k", ("3000", 3000)),
        ("maxmemory", "3KB", ("3072", 3072)),
        ("maxmemory", "18446744073709551615", ("18446744073709551615", 2**64 - 1)),
        ("maxmemory", "18446744073709551616", NOT_MEMORY),
        ("maxmemory", "-1", NOT_MEMORY),
        ("maxmemory", "1.5g", NOT_MEMORY),
        ("maxmemory", "1 k", NOT_MEMORY),
        ("maxmemory", "1k\n", NOT_MEMORY),
        ("slot-migration-max-failover-repl-bytes", "-1", ("-1", -1)),
        ("slot-migration-max-failover-repl-bytes", "-1k", NOT_MEMORY),
        ("maxmemory-clients", "5%", ("5%", -5)),
        ("maxmemory-clients", "0%", ("0", 0)),
        ("maxmemory-clients", "1kb", ("1024", 1024)),
        ("maxmemory-clients", "101%", ("percentage argument must be less or equal to 100", -99)),
        ("maxmemory-clients", "-1%", NOT_PERCENT),
        ("maxmemory-clients", "05%", NOT_PERCENT),
        ("unixsocketperm", "0700", ("700", 0o700)),
        ("unixsocketperm", "", ("0", 0)),
        ("unixsocketperm", "8", ("argument couldn't be parsed as an octal number", -99)),
        ("unixsocketperm", "1000", ("argument must be between 0 and 777 inclusive", -99)),
        ("oom-score-adj", "RELATIVE", ("yes", 1)),
        ("oom-score-adj", "maybe", ("argument(s) must be one of the following: no, yes, relative, absolute", -99)),
        ("shutdown-on-sigint", "force SAVE", ("save force", 0b1001)),
        ("shutdown-on-sigint", "default", ("default", 0)),
        ("shutdown-on-sigint", "save nosave", ("shutdown options SAVE and NOSAVE can't be used simultaneously", -99)),
        ("save", "", ("", 0)),
        ("save", "900 1 300 +10", ("900 1 300 10", 0)),
        ("save", "900", ("Invalid save parameters", -99)),
        ("save", "0 1", ("Invalid save parameters", -99)),
        ("save", "900  1", ("Invalid save parameters", -99)),
        (
            "client-output-buffer-limit",
            "Replica 1kb 2k 3",
            ("normal 0 0 0 slave 1024 2000 3 pubsub 33554432 8388608 60", 0),
        ),
        ("client-output-buffer-limit", "normal 1 2", ("Wrong number of arguments in buffer limit configuration.", -99)),
        ("notify-keyspace-events", "KEAnm", ("AKEm", 0b11111111111111)),
        ("notify-keyspace-events", "dgE", ("gdE", 0b1001000000001)),
        ("latency-tracking-info-percentiles", "099.90 1e1", ("99.9 10", 0)),
        ("latency-tracking-info-percentiles", "nan", ("Invalid latency-tracking-info-percentiles parameters", -99)),
        ("oom-score-adj-values", "-1 +2 03", ("-1 2 3", 0)),
        ("replicaof", "NO One", ("", 0)),
        ("replicaof", "h 65536", ("Invalid primary port", -99)),
        ("dbfilename", "a/b", ("dbfilename can't be a path, just a filename", -99)),
        ("appenddirname", "a/b", ("appenddirname can't be a path, just a dirname", -99)),
        ("cluster-config-file", "a/b", ("a/b", 0)),
        ("dir", "", ("dir can't be empty", -99)),
        ("cluster-announce-client-ipv4", "1.2.3.256", ("Invalid IPv4 address", -99)),
        ("cluster-announce-client-ipv4", "1.2.3.4", ("1.2.3.4", 0)),
        ("proc-title-template", "{{port}}", ("{{port}}", 0)),
        ("proc-title-template", "{title}{", ("template format is invalid or contains unknown variables", -99)),
    ],
)
def test_a_value_is_taken_or_refused_as_the_reference_does(name: str, text: str, expected: tuple[str, int]) -> None:
    assert shown(name, text) == expected


@pytest.mark.parametrize("text", [b"::", b"::1", b"1:2:3:4:5:6:7:8", b"::ffff:1.2.3.4", b"fe80::1", b"1::8"])
def test_an_ipv6_address_is_known(text: bytes) -> None:
    assert is_ipv6(text)


@pytest.mark.parametrize(
    "text", [b":", b"1:2", b"1::2::3", b"1:2:3:4:5:6:7:8:9", b"::g", b"12345::", b"1.2.3.4", b":::"]
)
def test_what_is_no_ipv6_address_is_known(text: bytes) -> None:
    assert not is_ipv6(text)


@pytest.mark.parametrize("size", [0, 1, 1024, 1500 * 1024, 3000000, 2**30, 2**64 - 1])
def test_a_size_is_written_so_that_it_reads_as_itself(size: int) -> None:
    assert memory_bytes(memory_text(size)) == size
