"""Long random scripts over few keys of all types, in pipelines, while other clients wait for the same keys.

Each script runs under other limits of encodings.  Replies are compared, the order of sets and hashes apart; after each
pipeline the digest of all data and the encoding of every key.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from tests.differential.pair import Pair
from tests.differential.wire import Reply, Word, encode

KEYS = [f"k{n}" for n in range(7)]
NUMBERS = ("2147483648", "9223372036854775807", "-9223372036854775808", "1e15", "1.5", "inf", "-inf", "nan", "-0", " 1")
SETTINGS: dict[str, tuple[int, ...]] = {
    "list-max-listpack-size": (-2, -1, 3, 16, -5, 1), "list-compress-depth": (0, 1),
    "set-max-intset-entries": (512, 3, 0), "set-max-listpack-entries": (128, 4, 0), "set-max-listpack-value": (64, 3),
    "hash-max-listpack-entries": (512, 3, 0), "hash-max-listpack-value": (64, 2),
    "zset-max-listpack-entries": (128, 3, 0), "zset-max-listpack-value": (64, 2),
}  # fmt: skip
UNORDERED = {"SMEMBERS", "SUNION", "SINTER", "SDIFF", "HKEYS", "HVALS", "HGETALL", "SSCAN", "HSCAN", "ZSCAN", "SORT"}

# What stands for drawn words: k a key, e an element, i an index, c a count, s a score, b a bound, f a field, n keys
# behind their number, w an end of a list, K E F P several keys, elements, pairs, scored members.  `[...]`: perhaps.
COMMANDS = """
LPUSH k E|RPUSH k E|LPUSHX k E|RPUSHX k E|LPOP k [c]|RPOP k [c]|LRANGE k i i|LINDEX k i|LSET k i e|LTRIM k i i|LLEN k
LINSERT k BEFORE e e|LINSERT k AFTER e e|LREM k i e|LPOS k e [RANK i] [COUNT c]|LMOVE k k w w|RPOPLPUSH k k
LMPOP n w [COUNT c]|SADD k E|SREM k E|SISMEMBER k e|SMISMEMBER k E|SCARD k|SMEMBERS k|SMOVE k k e|SUNION K|SINTER K
SDIFF K|SUNIONSTORE k K|SINTERSTORE k K|SDIFFSTORE k K|SINTERCARD n [LIMIT c]|HSET k F|HSETNX k f e|HGET k f
HMGET k f f|HDEL k f f|HGETALL k|HKEYS k|HVALS k|HLEN k|HEXISTS k f|HSTRLEN k f|HINCRBY k f i|HINCRBYFLOAT k f s
HGETDEL k FIELDS 1 f|HEXPIRE k 100000 FIELDS 1 f|HEXPIRE k -1 [NX] FIELDS 2 f f|HPERSIST k FIELDS 1 f
HSETEX k [FNX] [KEEPTTL] FIELDS 1 f e|HGETEX k EX 100000 FIELDS 1 f|ZADD k P|ZADD k [XX] [GT] [CH] P|ZADD k INCR s e
ZREM k E|ZSCORE k e|ZMSCORE k E|ZINCRBY k s e|ZCARD k|ZRANK k e [WITHSCORE]|ZREVRANK k e|ZRANGE k i i [REV] [WITHSCORES]
ZRANGE k b b BYSCORE [REV] [LIMIT i i]|ZREVRANGE k i i|ZRANGEBYSCORE k b b [WITHSCORES] [LIMIT i i]|ZCOUNT k b b
ZREMRANGEBYRANK k i i|ZREMRANGEBYSCORE k b b|ZPOPMIN k [c]|ZPOPMAX k [c]|ZMPOP n MIN [COUNT c]|ZUNION n [WITHSCORES]
ZINTER n [AGGREGATE MAX] [WITHSCORES]|ZDIFF n [WITHSCORES]|ZUNIONSTORE k n [AGGREGATE MIN]|ZINTERSTORE k n
ZDIFFSTORE k n|ZINTERCARD n|ZRANGESTORE k k i i [REV]|SORT k ALPHA [LIMIT i i] [DESC]|SORT k|SORT k ALPHA STORE k|DEL K
EXISTS K|TYPE k|RENAME k k|RENAMENX k k|COPY k k [REPLACE]|COPY k k DB 1 [REPLACE]|MOVE k 1|SET k e|APPEND k e|GET k
INCR k|EXPIRE k 1000000|EXPIRE k -1|PERSIST k|SSCAN k 0 COUNT 10000|HSCAN k 0 COUNT 10000 [NOVALUES]
ZSCAN k 0 COUNT 10000|MULTI|MULTI|EXEC|EXEC|DISCARD|WATCH K|SWAPDB 0 1|DBSIZE
"""
WAITS = """
BLPOP K 0|BRPOP K 0|BLMOVE k k w w 0|BRPOPLPUSH k k 0|BLMPOP 0 n w COUNT 3|BZPOPMIN K 0|BZPOPMAX K 0|BZMPOP 0 n MIN COUNT 2
"""


def templates(text: str) -> list[list[str]]:
    return [line.split() for line in text.replace("\n", "|").split("|") if line]


class Source:
    """Draws commands."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.letters: dict[str, Callable[[], list[Word]]] = {
            "k": lambda: [self.key()],
            "K": lambda: [self.key() for _ in range(self.dice.randint(1, 3))],
            "n": self.counted_keys,
            "e": lambda: [self.element()],
            "E": lambda: [self.element() for _ in range(self.dice.randint(1, 6))],
            "i": lambda: [self.number(-12, 12)],
            "c": lambda: [self.number(-1, 6)],
            "s": lambda: [self.number(-20, 20)],
            "b": lambda: [self.dice.choice(["(", "", ""]) + str(self.dice.choice(["-inf", "+inf", 0, 1, 5, -5, "x"]))],
            "f": lambda: [self.field()],
            "F": lambda: [word for _ in range(self.dice.randint(1, 3)) for word in (self.field(), self.element())],
            "P": lambda: [
                word for _ in range(self.dice.randint(1, 3)) for word in (self.number(-20, 20), self.element())
            ],
            "w": lambda: [self.dice.choice(["LEFT", "RIGHT"])],
        }

    def key(self) -> str:
        return self.dice.choice(KEYS)

    def counted_keys(self) -> list[Word]:
        keys = [self.key() for _ in range(self.dice.randint(1, 3))]
        return [len(keys) if self.dice.random() < 0.95 else self.dice.choice([0, -1, 9, "x"]), *keys]

    def number(self, low: int, high: int) -> str:
        return self.dice.choice(NUMBERS) if self.dice.random() < 0.1 else str(self.dice.randint(low, high))

    def element(self) -> str:
        kind = self.dice.random()
        if kind < 0.4:
            return self.dice.choice("abcdef123")
        if kind < 0.9:
            return self.dice.choice(["", "m", ""]) + str(self.dice.randrange(-50, 300))
        return self.dice.choice("xy\0é") * self.dice.choice([0, 1, 60, 63, 64, 65, 128, 255, 256, 4096, 9000])

    def field(self) -> str:
        return self.dice.choice(["f1", "f2", "f3", "n1", "long" * 20, self.element()])

    def draw(self, choice: list[list[str]]) -> tuple[Word, ...]:
        words: list[Word] = []
        perhaps = True
        for word in self.dice.choice(choice):
            if word.startswith("["):
                perhaps = self.dice.random() < 0.4
            if perhaps:
                plain = word.strip("[]")
                words += self.letters[plain]() if plain in self.letters else [plain]
            perhaps = perhaps or word.endswith("]")
        return tuple(words)


def loose(reply: Reply) -> object:
    """The reply without the order of elements."""
    if reply.items:
        return sorted((loose(item) for item in reply.items), key=repr)
    return reply.kind, reply.text


def compare(words: tuple[Word, ...], theirs: Reply, ours: Reply) -> None:
    if theirs.raw != ours.raw and not (words[0] in UNORDERED or words[0] == "EXEC"):
        raise AssertionError(f"{words}\n  {theirs}\n  {ours}")
    assert theirs.raw == ours.raw or loose(theirs) == loose(ours), f"{words}\n  {theirs}\n  {ours}"


def run_script(pair: Pair, seed: int, pipelines: int) -> None:
    source = Source(seed)
    waiters = [pair.second() for _ in range(3)]
    ids = [waiter.both("CLIENT", "ID") for waiter in waiters]
    for name, values in SETTINGS.items():
        pair.do("CONFIG", "SET", name, source.dice.choice(values))
    commands, waits = templates(COMMANDS), templates(WAITS)
    for _ in range(pipelines):
        waiting = [n for n in range(3) if source.dice.random() < 0.5]
        for n in waiting:
            # The answer to ECHO says that what was sent with it has been read.
            words = source.draw(waits)
            for wire in (waiters[n].theirs, waiters[n].ours):
                wire.send(encode(("ECHO", "x")) + encode(words))
                wire.read()
        script = [source.draw(commands) for _ in range(source.dice.choice([1, 3, 20, 60]))] + [("DISCARD",)]
        sent = b"".join(map(encode, script))
        pair.theirs.send(sent)
        pair.ours.send(sent)
        for words in script:
            compare(words, pair.theirs.read(), pair.ours.read())
        for n in waiting:
            for wire, id in zip((pair.theirs, pair.ours), ids[n], strict=True):
                wire.send(encode(("CLIENT", "UNBLOCK", id.integer)))
            compare(("CLIENT", "UNBLOCK"), pair.theirs.read(), pair.ours.read())
            compare(("what was awaited",), waiters[n].theirs.read(), waiters[n].ours.read())
        pair.do("DEBUG", "DIGEST")
        for key in KEYS:
            pair.do("OBJECT", "ENCODING", key)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 40))])
def test_random_scripts(pair: Pair, seed: int) -> None:
    pair.do("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    before = {name: pair.both("CONFIG", "GET", name) for name in SETTINGS}
    try:
        run_script(pair, seed * 10 + pair.protocol, 60)
    finally:
        pair.fresh()
        for name, (theirs, _) in before.items():
            pair.do("CONFIG", "SET", name, theirs.items[1].text or b"")
        pair.do("DEBUG", "SET-ACTIVE-EXPIRE", 1)
