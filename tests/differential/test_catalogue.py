"""The command table as COMMAND tells it: beside the reference's, and beside tests/golden/commands.json, both ways."""

from __future__ import annotations

from typing import Any

from tests.differential.catalogue import ACL, FLAGS, KEY_SPECS, TIPS, Entry, entries, golden
from tests.differential.pair import Pair
from tests.differential.wire import Reply

# What the first milestone promises: the table may grow, and never shrink below it.
PROMISED = [
    "ping",
    "echo",
    "hello",
    "select",
    "quit",
    "command",
    "command|info",
    "command|count",
    "info",
    "get",
    "set",
    "incr",
    "decr",
    "incrby",
    "decrby",
    "incrbyfloat",
    "append",
    *("setnx", "setex", "psetex", "getset", "getdel", "getex", "delifeq", "mset", "mget", "msetnx", "msetex"),
    *("strlen", "getrange", "substr", "setrange", "lcs"),
    "del",
    "exists",
    "type",
    "ttl",
    "pttl",
    "expire",
    "pexpire",
    "expireat",
    "pexpireat",
    "expiretime",
    "pexpiretime",
    "persist",
    "hset",
    "hget",
    "hgetall",
    "hdel",
    "zadd",
    "zrank",
    "zscore",
    "zrange",
    "zrem",
    "bzpopmin",
    "multi",
    "exec",
    "discard",
    "watch",
    "unwatch",
    "scan",
    "dbsize",
    "flushall",
    "flushdb",
    "config",
    "config|get",
    "config|set",
    "client",
    "client|id",
    "client|setname",
    "client|getname",
    "client|setinfo",
    "client|list",
    "shutdown",
    "object",
    "object|encoding",
    "debug",
]


def by_name(found: list[Entry]) -> dict[str, Entry]:
    return {entry.name: entry for entry in found}


def test_everything_promised_is_there(pair: Pair) -> None:
    have = by_name(entries(pair.ours))
    assert [name for name in PROMISED if name not in have] == []


def plain(reply: Reply) -> Any:
    """A reply as JSON has it; a map and its flat form alike become lists."""
    if reply.kind == ":":
        return reply.integer
    if reply.kind in "*~%":
        return [plain(item) for item in reply.items]
    return None if reply.text is None else reply.text.decode()


def without_notes(fact: Any) -> Any:
    """The key specs of an entry, which are the only fact made of lists of lists, without their notes."""
    if not isinstance(fact, list):
        return fact
    if fact[:1] == ["notes"]:
        fact = fact[2:]
    return [without_notes(part) for part in fact]


def test_notes_on_keys_are_left_out(pair: Pair) -> None:
    pair.differs("key-spec-notes", "COMMAND", "INFO", "set")


def test_every_entry_is_the_references(pair: Pair) -> None:
    theirs = by_name(entries(pair.theirs))
    failures = []
    for entry in entries(pair.ours):
        if entry.name not in theirs:
            failures.append(f"{entry.name}: the reference has no such command")
            continue
        for at, (expected, found) in enumerate(zip(theirs[entry.name].facts, entry.facts, strict=True)):
            # Remarks for readers are left out: docs/differences.md, `key-spec-notes`.
            if without_notes(plain(expected)) != without_notes(plain(found)) or expected.kind != found.kind:
                failures.append(f"{entry.name}, field {at}:\n  {expected}\n  {found}")
    assert not failures, "\n".join(failures)


def key_specs(entry: Entry) -> list[dict[str, Any]]:
    """As commands.json writes them."""
    found = []
    for spec in plain(entry.facts[KEY_SPECS]):
        parts = dict(zip(spec[::2], spec[1::2], strict=True))
        made: dict[str, Any] = {"flags": sorted(parts["flags"])}
        for ours, name in (("begin", "begin_search"), ("find", "find_keys")):
            step = dict(zip(parts[name][::2], parts[name][1::2], strict=True))
            details = step["spec"]
            made[ours] = {"type": step["type"], **dict(zip(details[::2], details[1::2], strict=True))}
        found.append(made)
    return found


def test_every_entry_is_as_written_down(pair: Pair) -> None:
    failures = []
    for entry in entries(pair.ours):
        tree = golden().get(entry.name.lower())
        if tree is None:
            failures.append(f"{entry.name}: not in commands.json")
            continue
        first, last, step = (entry.facts[at].integer for at in (3, 4, 5))
        said = {
            "arity": entry.arity,
            "flags": sorted(entry.words(FLAGS)),
            "keys": (first, last, step),
            "acl": sorted(entry.words(ACL)),
            "tips": sorted(entry.words(TIPS)),
            "key_specs": key_specs(entry),
        }
        written = {
            "arity": tree["arity"],
            "flags": sorted(tree["flags"]),
            "keys": (tree["first_key"], tree["last_key"], tree["step"]),
            "acl": sorted(tree["acl"]),
            "tips": sorted(tree["tips"]),
            "key_specs": [{**spec, "flags": sorted(spec["flags"])} for spec in tree.get("key_specs", [])],
        }
        failures += [
            f"{entry.name} {what}: {written[what]} {said[what]}" for what in said if said[what] != written[what]
        ]
    assert not failures, "\n".join(failures)


def test_docs_are_the_references(pair: Pair) -> None:
    """Since, group and arguments; once COMMAND DOCS is there."""
    pair.needs("COMMAND|DOCS")
    for entry in entries(pair.ours):
        if "|" in entry.name:
            continue
        docs = []
        for wire_reply in pair.both("COMMAND", "DOCS", entry.name):
            body = plain(wire_reply)[1]
            told = dict(zip(body[::2], body[1::2], strict=True))
            docs.append({what: told.get(what) for what in ("since", "group", "arguments")})
        assert docs[0] == docs[1], entry.name


def test_command_info_and_count(pair: Pair) -> None:
    pair.unordered("COMMAND", "INFO", "get")
    pair.play("""
        COMMAND INFO GET incr nosuch
        COMMAND INFO nosuch
        COMMAND INFO "" "get "
        command info Get
        COMMAND COUNT x
        COMMAND NOSUCH
        COMMAND INFO get get
        COMMAND INFO client|nosuch client|id|x get|x
        COMMAND INFO client|id CLIENT|ID config|get
    """)
    pair.shape("COMMAND", "COUNT")
    count = pair.both("COMMAND", "COUNT")[1].integer
    whole = pair.both("COMMAND", "INFO")[1]
    assert count == len(whole.items)
