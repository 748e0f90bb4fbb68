"""The command table as COMMAND tells it: beside the reference's, and beside tests/golden/commands.json, both ways."""

from __future__ import annotations

from typing import Any

from tests.differential.catalogue import ACL, FLAGS, KEY_SPECS, TIPS, Entry, entries, golden
from tests.differential.pair import Pair
from tests.differential.wire import Reply
from tests.notation import notation

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


def shared(name: str) -> bool:
    """Whether a command is one of the reference's; ours alone is HOTKEYS: docs/differences.md, `hotkeys`."""
    return name.partition("|")[0] != "hotkeys"


def test_our_own_command_is_none_of_the_references(pair: Pair) -> None:
    assert pair.differs("hotkeys", "HOTKEYS", "GET").text is None


def test_every_entry_is_the_references(pair: Pair) -> None:
    theirs = by_name(entries(pair.theirs))
    failures = []
    for entry in entries(pair.ours):
        if not shared(entry.name):
            assert entry.name not in theirs
            continue
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
        if not shared(entry.name):
            continue
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


def test_keys_that_depend_on_the_operations(pair: Pair) -> None:
    pair.needs("BITFIELD", "BITOP")
    pair.play("""
        COMMAND GETKEYSANDFLAGS BITFIELD a
        COMMAND GETKEYSANDFLAGS BITFIELD a GET u8 0 OVERFLOW SAT
        COMMAND GETKEYSANDFLAGS BITFIELD a GET u8
        COMMAND GETKEYSANDFLAGS BITFIELD a GET u8 0 SET u8 0 1
        COMMAND GETKEYSANDFLAGS BITFIELD_RO a GET u8 0
        COMMAND GETKEYSANDFLAGS BITOP NOT d a b
        COMMAND GETKEYS BITOP NOT d
    """)


Docs = dict[str, Any]

OWN_WORDS = ("summary", "complexity", "history")
"""Told in words of our own: docs/differences.md, `docs-words`."""


def mapping(flat: list[Any]) -> Docs:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def docs(reply: Reply) -> dict[str, Docs]:
    """COMMAND DOCS by name, subcommands beside their containers."""
    found: dict[str, Docs] = {}
    for name, flat in mapping(plain(reply)).items():
        facts = mapping(flat)
        below = {sub: mapping(each) for sub, each in mapping(facts.pop("subcommands", [])).items()}
        found |= {name: {**facts, "below": sorted(below)}, **below}
    return found


def tree(node: list[Any]) -> Docs:
    """An argument as commands.json has it, and its `display_text`."""
    facts = mapping(node)
    facts.pop("summary", None)
    if "flags" in facts:
        facts["flags"] = sorted(facts["flags"])
    if "arguments" in facts:
        facts["arguments"] = [tree(part) for part in facts["arguments"]]
    return facts


def as_written(node: Docs) -> Docs:
    """An argument of commands.json with its flags in order."""
    made = dict(node)
    if "flags" in made:
        made["flags"] = sorted(made["flags"])
    if "arguments" in made:
        made["arguments"] = [as_written(part) for part in made["arguments"]]
    return made


def without_display(node: Docs) -> Docs:
    made = {name: fact for name, fact in node.items() if name != "display_text"}
    if "arguments" in made:
        made["arguments"] = [without_display(part) for part in made["arguments"]]
    return made


def test_docs_are_the_references(pair: Pair) -> None:
    """All fields that are facts, in the same order; since, group and arguments as written down too."""
    theirs, ours = (docs(reply) for reply in pair.both("COMMAND", "DOCS"))
    failures = []
    for name, said in ours.items():
        if not shared(name):
            continue
        expected = theirs[name]
        order = [list(facts) for facts in (expected, said)]
        if [field for field in order[0] if field in order[1]] != [field for field in order[1] if field in order[0]]:
            failures.append(f"{name}: fields in another order: {order}")
        if "arguments" not in said and "arguments" in expected:
            line = notation([tree(node) for node in expected["arguments"]])
            failures.append(f'{name}: not declared: arguments="{line}",')
            continue
        for field in sorted((set(expected) | set(said)) - {*OWN_WORDS, "arguments", "below"}):
            if expected.get(field) != said.get(field):
                failures.append(f"{name} {field}: {expected.get(field)} {said.get(field)}")
        trees = [[tree(node) for node in facts.get("arguments", [])] for facts in (expected, said)]
        written = [as_written(node) for node in golden()[name].get("arguments", [])]
        if trees[0] != trees[1] or [without_display(node) for node in trees[1]] != written:
            failures.append(f"{name} arguments:\n  {trees[0]}\n  {trees[1]}\n  {written}")
        failures += [
            f"{sub}: the reference has no such subcommand" for sub in said.get("below", []) if sub not in theirs
        ]
        if not said["summary"] or not said["complexity"]:
            failures.append(f"{name}: no summary or no complexity")
    assert not failures, "\n".join(failures)


def test_docs_of_some(pair: Pair) -> None:
    pair.differs("docs-words", "COMMAND", "DOCS", "get")
    for names in (("get", "nosuch", "GET"), ("client|id",), ("CLIENT|ID", "client|"), ("get|x", ""), ("nosuch",)):
        theirs, ours = pair.both("COMMAND", "DOCS", *names)
        assert (theirs.kind, len(theirs.items)) == (ours.kind, len(ours.items))
        assert [item.raw for item in theirs.items[::2]] == [item.raw for item in ours.items[::2]]


def test_no_summary_is_the_references(pair: Pair) -> None:
    theirs, ours = (docs(reply) for reply in pair.both("COMMAND", "DOCS"))
    assert [
        name
        for name, said in ours.items()
        if shared(name) and len(said["summary"]) > 40 and said["summary"] == theirs[name]["summary"]
    ] == []


def names(reply: Reply) -> set[bytes]:
    return {item.text or b"" for item in reply.items}


def test_list(pair: Pair) -> None:
    have = names(pair.both("COMMAND", "LIST")[1])
    assert have == {entry.name.encode() for entry in entries(pair.ours)}
    for filtered in (
        ("ACLCAT", "hash"),
        ("ACLCAT", "HASH"),
        ("aclcat", "transaction"),
        ("ACLCAT", "dangerous"),
        ("ACLCAT", "@hash"),
        ("ACLCAT", "nosuch"),
        ("MODULE", "nosuch"),
        ("PATTERN", "P*"),
        ("PATTERN", "*g?t"),
        ("PATTERN", "client|*"),
        ("PATTERN", ""),
        ("pattern", "nosuch"),
    ):
        theirs, ours = pair.both("COMMAND", "LIST", "FILTERBY", *filtered)
        assert names(theirs) & have == {name for name in names(ours) if shared(name.decode())}, filtered
        assert theirs.kind == ours.kind
    pair.play("""
        COMMAND LIST x
        COMMAND LIST FILTERBY
        COMMAND LIST FILTERBY MODULE
        COMMAND LIST FILTERBY NOSUCH x
        COMMAND LIST FILTERBY MODULE x y
        COMMAND LIST FILTERBY MODULE x FILTERBY MODULE x
    """)


def test_keys_of_a_whole_command(pair: Pair) -> None:
    pair.play("""
        COMMAND GETKEYS
        COMMAND GETKEYS GET a
        COMMAND GETKEYS get
        COMMAND GETKEYS GET a b
        COMMAND GETKEYS PING
        COMMAND GETKEYS PING x
        COMMAND GETKEYS nosuch a
        COMMAND GETKEYS ""
        COMMAND GETKEYS DEL a b "" c
        COMMAND GETKEYS SET a b EX 10
        COMMAND GETKEYS SET a
        COMMAND GETKEYS OBJECT ENCODING a
        COMMAND GETKEYS object encoding a b
        COMMAND GETKEYS object|encoding a
        COMMAND GETKEYS OBJECT
        COMMAND GETKEYS OBJECT nosuch a
        COMMAND GETKEYS CLIENT ID
        COMMAND GETKEYS COMMAND GETKEYS GET a
        COMMAND GETKEYS WATCH a b
        COMMAND GETKEYS BZPOPMIN a b 0
        COMMAND GETKEYS BZPOPMIN a
        COMMAND GETKEYS MSETEX 2 a 1 b 2 NX
        COMMAND GETKEYS MSETEX 3 a 1 b 2
        COMMAND GETKEYS MSETEX 0 a 1
        COMMAND GETKEYS MSETEX x a 1
        COMMAND GETKEYS MSET a 1 b
        COMMAND GETKEYSANDFLAGS SET a b
        COMMAND GETKEYSANDFLAGS SET a GET
        COMMAND GETKEYSANDFLAGS SET a b EX 10 get
        COMMAND GETKEYS CLUSTERSCAN 0
        COMMAND GETKEYS CLUSTER KEYSLOT a
        COMMAND GETKEYSANDFLAGS
        COMMAND GETKEYSANDFLAGS PING
        COMMAND GETKEYSANDFLAGS nosuch
        COMMAND GETKEYSANDFLAGS GET
        COMMAND GETKEYSANDFLAGS GET a
        COMMAND GETKEYSANDFLAGS HSET a f v
        COMMAND GETKEYSANDFLAGS ZADD a 1 m
        COMMAND GETKEYSANDFLAGS DEL a b
        COMMAND GETKEYSANDFLAGS OBJECT FREQ a
    """)


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
