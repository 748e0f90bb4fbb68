"""Pops and moves that wait: who is served, in which order, by what, and what ends a wait otherwise."""

from __future__ import annotations

import random

import pytest
from tests.differential.pair import Pair
from tests.differential.wire import Wire, Word

POPS = ("BLPOP k 0", "BRPOP k 0", "BLMPOP 0 1 k LEFT", "BLMPOP 0 1 k RIGHT COUNT 10", "BLMOVE k d LEFT RIGHT 0")
WAITS = (*POPS, "BRPOPLPUSH k d 0", "BLPOP other k 0", "BLMPOP 0 2 other k LEFT COUNT 2")


def blocked_clients(pair: Pair) -> list[int]:
    """How many clients are blocked on either."""
    texts = [(reply.text or b"").decode() for reply in pair.both("INFO", "clients")]
    return [int(text.partition("blocked_clients:")[2].split()[0]) for text in texts]


def await_blocked(pair: Pair, count: int) -> None:
    """Until so many clients are blocked on both."""
    while blocked_clients(pair) != [count, count]:
        pass


class Crowd:
    """Clients that block one after another; whoever is answered is told apart from the others."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.clients: list[Pair] = []
        self.blocked = 0

    def waits(self, line: str) -> Pair:
        """One more client, blocked by this command."""
        client = self.pair.second()
        client.send(*line.split())
        self.clients.append(client)
        self.blocked += 1
        await_blocked(self.pair, self.blocked)
        return client

    def answered(self, *numbers: int) -> None:
        """These clients have their replies, and no others."""
        for number in numbers:
            self.clients[number].read()
        self.blocked -= len(numbers)
        await_blocked(self.pair, self.blocked)


@pytest.fixture
def crowd(pair: Pair) -> Crowd:
    return Crowd(pair)


def transaction(pair: Pair, *lines: str) -> None:
    pair.do("MULTI")
    for line in lines:
        pair.do(*line.split())
    pair.do("EXEC")


def test_at_once(pair: Pair) -> None:
    pair.play("""
        RPUSH k a b c d e f g h
        BLPOP k 0
        BRPOP k 0
        BLPOP missing k other 0
        BRPOP k k 0
        BLMPOP 0 2 missing k LEFT
        BLMPOP 0 1 k right count 2
        LRANGE k 0 -1
        BLMOVE k d LEFT LEFT 0
        EXISTS k
        BRPOPLPUSH d k 0
        BLMOVE k k left right 0
        LRANGE k 0 -1
        LRANGE d 0 -1
        BLMPOP 0 1 k LEFT COUNT 100
        EXISTS k d
    """)


def test_complaints(pair: Pair) -> None:
    pair.play("""
        SET s v
        RPUSH l a
        BLPOP
        BLPOP k
        BRPOP k
        BLPOP s 0
        BLPOP missing s 0
        BLPOP l s 0
        RPUSH l a
        BLPOP s abc
        BLPOP k abc
        BLPOP k ""
        BLPOP k -1
        BLPOP k -0.1
        BLPOP k inf
        BLPOP k -inf
        BLPOP k nan
        BLPOP k 1e300
        BLPOP k 99999999999999999999
        BLPOP k "1 "
        BRPOP l abc
        BLMPOP 0 0 k LEFT
        BLMPOP 0 x k LEFT
        BLMPOP abc 0 k LEFT
        BLMPOP abc 1 k LEFT
        BLMPOP abc 1 k UP
        BLMPOP -1 1 k LEFT
        BLMPOP 0 1 k LEFT COUNT 0
        BLMPOP -1 1 k LEFT COUNT x
        BLMPOP 0 1 k LEFT COUNT 1 COUNT 1
        BLMPOP 0 2 k LEFT
        BLMPOP 0 1 s LEFT
        BLMPOP 0 2 missing s RIGHT
        BLMPOP 0 1 k
        BLMOVE l d UP LEFT 0
        BLMOVE l d LEFT UP 0
        BLMOVE l d UP LEFT abc
        BLMOVE l d LEFT LEFT abc
        BLMOVE l d LEFT LEFT -1
        BLMOVE s d LEFT LEFT 0
        BLMOVE l s LEFT LEFT 0
        BLMOVE l d LEFT LEFT
        BRPOPLPUSH l d abc
        BRPOPLPUSH l d -1
        BRPOPLPUSH s d 0
        BRPOPLPUSH l s 0
        BRPOPLPUSH l d
        LRANGE l 0 -1
    """)


@pytest.mark.parametrize("timeout", ["0.01", "0.0001", "1e-9", "0x1p-7", ".01"])
def test_giving_up(pair: Pair, timeout: str) -> None:
    pair.do("SET", "s", "v")
    pair.do("BLPOP", "k", timeout)
    pair.do("BRPOP", "k", "k", "other", timeout)
    pair.do("BLMPOP", timeout, "1", "k", "LEFT")
    pair.do("BLMOVE", "k", "d", "LEFT", "LEFT", timeout)
    pair.do("BLMOVE", "k", "s", "LEFT", "LEFT", timeout)
    pair.do("BRPOPLPUSH", "k", "d", timeout)
    pair.do("PING")


@pytest.mark.parametrize("line", WAITS)
def test_waiting(pair: Pair, crowd: Crowd, line: str) -> None:
    waiting = crowd.waits(line)
    waiting.send("PING", "behind")
    pair.do("RPUSH", "k", "a", "b", "c", "d")
    crowd.answered(0)
    waiting.read()
    pair.do("LRANGE", "k", 0, -1)
    pair.do("LRANGE", "d", 0, -1)


SERVES = (
    *("LPUSH k x y", "RPUSH k x", "LMOVE src k LEFT LEFT", "RPOPLPUSH src k", "RENAME src k", "RENAMENX src k"),
    *(
        "COPY src k",
        "SORT src ALPHA STORE k",
        "BLMOVE src k LEFT RIGHT 0",
        "BRPOPLPUSH src k 0",
        "LMOVE src k RIGHT LEFT",
    ),
)


@pytest.mark.parametrize("how", SERVES)
@pytest.mark.parametrize("line", ["BLPOP k 0", "BLMPOP 0 1 k LEFT COUNT 5", "BLMOVE k d LEFT RIGHT 0"])
def test_every_way_into_being_serves(pair: Pair, crowd: Crowd, how: str, line: str) -> None:
    pair.do("RPUSH", "src", "a", "b")
    crowd.waits(line)
    pair.do(*how.split())
    crowd.answered(0)
    pair.do("DEL", "k")
    crowd.waits(line)
    transaction(pair, "DEL src", "RPUSH src p q", how)
    crowd.answered(1)
    for key in ("k", "src", "d"):
        pair.do("LRANGE", key, 0, -1)


def test_moved_and_swapped_in(pair: Pair, crowd: Crowd) -> None:
    crowd.waits("BLPOP k 0")
    pair.do("SELECT", 1)
    pair.do("RPUSH", "k", "a")
    crowd.answered()
    pair.do("MOVE", "k", 0)
    crowd.answered(0)
    crowd.waits("BLPOP k 0")
    pair.do("RPUSH", "k", "a", "b")
    pair.do("SWAPDB", 0, 1)
    crowd.answered(1)
    pair.do("SELECT", 0)
    pair.do("LRANGE", "k", 0, -1)


NOT_SERVED = (
    *("SET k v", "SADD k a", "HSET k f v", "ZADD k 1 a", "RPUSHX k a", "RPUSH other a", "LMOVE none k LEFT LEFT"),
    *("SORT none STORE k", "COPY none k", "EXPIRE k 100", "DEL k"),
)


@pytest.mark.parametrize("how", NOT_SERVED)
def test_what_serves_nobody(pair: Pair, crowd: Crowd, how: str) -> None:
    waiting = crowd.waits("BLPOP k 0")
    crowd.waits("BLMOVE k d LEFT LEFT 0")
    pair.do(*how.split())
    waiting.silent()
    pair.do("DEL", "k")
    pair.do("RPUSH", "k", "a", "b")
    crowd.answered(0, 1)


@pytest.mark.parametrize("old", ["SET k v", "ZADD k 1 a", "HSET k f v", "SADD k m"])
@pytest.mark.parametrize("how", ["RENAME src k", "COPY src k REPLACE", "DEL k|RPUSH k x"])
def test_a_list_in_the_place_of_another_type(pair: Pair, crowd: Crowd, old: str, how: str) -> None:
    pair.do("RPUSH", "src", "a", "b")
    crowd.waits("BLPOP k 0")
    pair.do(*old.split())
    for line in how.split("|"):
        pair.do(*line.split())
    crowd.answered(0)
    pair.do("LRANGE", "k", 0, -1)


def test_a_list_that_sort_stores_over_another_type_serves_nobody(pair: Pair, crowd: Crowd) -> None:
    """The key is overwritten there, and does not come into being."""
    pair.do("RPUSH", "src", "a", "b")
    waiting = crowd.waits("BLPOP k 0")
    pair.do("SET", "k", "v")
    pair.do("SORT", "src", "ALPHA", "STORE", "k")
    pair.do("RPUSH", "k", "c")
    waiting.silent()
    pair.do("LRANGE", "k", 0, -1)
    pair.do("DEL", "k")
    pair.do("RPUSH", "k", "c")
    crowd.answered(0)


def test_a_list_in_the_place_of_a_list(pair: Pair, crowd: Crowd) -> None:
    # A transaction, as nobody would wait for a list that is there.
    pair.do("RPUSH", "src", "a", "b")
    crowd.waits("BLPOP k 0")
    transaction(pair, "RPUSH k x", "SORT src ALPHA STORE k")
    crowd.answered(0)
    pair.do("LRANGE", "k", 0, -1)


def test_first_come_first_served(pair: Pair, crowd: Crowd) -> None:
    for line in (
        "BLPOP k 0",
        "BRPOP k 0",
        "BLMPOP 0 1 k LEFT",
        "BLMOVE k d LEFT LEFT 0",
        "BRPOPLPUSH k d 0",
        "BLPOP k 0",
    ):
        crowd.waits(line)
    pair.do("RPUSH", "k", "a", "b")
    crowd.answered(0, 1)
    pair.do("RPUSH", "k", "c", "d", "e")
    crowd.answered(2, 3, 4)
    pair.do("LPUSH", "k", "f")
    crowd.answered(5)
    pair.do("LRANGE", "d", 0, -1)


def test_several_keys(pair: Pair, crowd: Crowd) -> None:
    for line in ("BLPOP a b c 0", "BRPOP c b a 0", "BLMPOP 0 2 c a LEFT COUNT 2", "BLPOP b 0", "BLPOP a a b 0"):
        crowd.waits(line)
    transaction(pair, "RPUSH c 1 2 3", "RPUSH a 4", "RPUSH b 5")
    crowd.answered(0, 1, 2, 3)
    for key in ("a", "b", "c"):
        pair.do("LRANGE", key, 0, -1)
    pair.do("RPUSH", "b", "x")
    crowd.answered(4)


def test_chains(pair: Pair, crowd: Crowd) -> None:
    for line in ("BLMOVE a b LEFT RIGHT 0", "BLMOVE b c RIGHT LEFT 0", "BRPOPLPUSH c d 0", "BLPOP d 0"):
        crowd.waits(line)
    pair.do("RPUSH", "a", "x")
    crowd.answered(0, 1, 2, 3)
    pair.do("EXISTS", "a", "b", "c", "d")


def test_a_circle_of_moves(pair: Pair, crowd: Crowd) -> None:
    for line in ("BLMOVE a b LEFT RIGHT 0", "BLMOVE b a LEFT RIGHT 0", "BLMOVE a a LEFT RIGHT 0", "BLPOP a 0"):
        crowd.waits(line)
    pair.do("RPUSH", "a", "x", "y")
    crowd.answered(0, 1, 2, 3)
    pair.do("LRANGE", "a", 0, -1)
    pair.do("LRANGE", "b", 0, -1)


def test_a_move_to_its_own_source(pair: Pair, crowd: Crowd) -> None:
    crowd.waits("BLMOVE a a LEFT RIGHT 0")
    crowd.waits("BRPOPLPUSH a a 0")
    pair.do("RPUSH", "a", "x", "y", "z")
    crowd.answered(0, 1)
    pair.do("LRANGE", "a", 0, -1)


def test_a_destination_of_another_type(pair: Pair, crowd: Crowd) -> None:
    pair.do("SET", "d", "v")
    crowd.waits("BLMOVE k d LEFT RIGHT 0")
    crowd.waits("BRPOPLPUSH k d 0")
    crowd.waits("BLPOP k 0")
    pair.do("RPUSH", "k", "a")
    crowd.answered(0, 1, 2)
    pair.do("LRANGE", "k", 0, -1)


def test_what_a_transaction_leaves_counts(pair: Pair, crowd: Crowd) -> None:
    waiting = crowd.waits("BLPOP k 0")
    for lines in (
        ("RPUSH k a", "LPOP k"),
        ("RPUSH k a", "DEL k"),
        ("RPUSH k a", "RENAME k other"),
        ("RPUSH k a", "DEL k", "SET k v"),
        ("RPUSH k a", "MOVE k 1"),
        ("RPUSH k a", "LTRIM k 5 6"),
    ):
        transaction(pair, *lines)
        pair.do("DEL", "k")
    waiting.silent()
    transaction(pair, "RPUSH k a", "DEL k", "RPUSH k b c", "LSET k 0 d", "LINSERT k BEFORE d e", "LLEN k")
    crowd.answered(0)
    pair.do("LRANGE", "k", 0, -1)


def test_nobody_waits_in_a_transaction(pair: Pair) -> None:
    transaction(
        pair,
        *("BLPOP k 0", "BRPOP k j 0", "BLMPOP 0 1 k LEFT", "BLMOVE k d LEFT RIGHT 0", "BRPOPLPUSH k d 0"),
        *("RPUSH k a b c d e f", "BLPOP k 0", "BRPOP k j 0", "BLMPOP 0 1 k LEFT", "BLMOVE k d LEFT RIGHT 0"),
        *("BRPOPLPUSH k d 0", "LRANGE k 0 -1", "LRANGE d 0 -1", "BLPOP k abc", "BLMOVE k d LEFT UP 0"),
    )


@pytest.mark.parametrize("line", WAITS)
@pytest.mark.parametrize("reason", ["", "TIMEOUT", "ERROR"])
def test_client_unblock(pair: Pair, crowd: Crowd, line: str, reason: str) -> None:
    waiting = pair.second()
    ids = [reply.integer for reply in waiting.both("CLIENT", "ID")]
    waiting.send(*line.split())
    await_blocked(pair, 1)
    replies = []
    for wire, number in zip((pair.theirs, pair.ours), ids, strict=True):
        words = [b"CLIENT", b"UNBLOCK", b"%d" % number, *([reason.encode()] if reason else [])]
        wire.send(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words))
        replies.append(wire.read().raw)
    assert replies == [b":1\r\n", b":1\r\n"]
    waiting.read()
    pair.do("RPUSH", "k", "a")
    pair.do("LRANGE", "k", 0, -1)
    waiting.do("PING")


def test_a_client_that_leaves_takes_nothing(pair: Pair, crowd: Crowd) -> None:
    leaving = crowd.waits("BLMOVE k d LEFT LEFT 0")
    crowd.waits("BLPOP k 0")
    leaving.close()
    crowd.blocked = 1
    await_blocked(pair, 1)
    pair.do("RPUSH", "k", "a")
    crowd.answered(1)


def test_watched_keys_change_when_they_serve(pair: Pair, crowd: Crowd) -> None:
    watching = pair.second()
    watching.do("WATCH", "d")
    crowd.waits("BLMOVE k d LEFT LEFT 0")
    pair.do("RPUSH", "k", "a")
    crowd.answered(0)
    watching.do("MULTI")
    watching.do("PING")
    watching.do("EXEC")


def test_a_list_past_its_deadline_serves_nobody(pair: Pair, crowd: Crowd) -> None:
    waiting = crowd.waits("BLPOP k 0")
    transaction(pair, "RPUSH k a", "PEXPIREAT k 1")
    waiting.silent()
    pair.do("RPUSH", "k", "b")
    crowd.answered(0)


def test_the_same_key_many_times(pair: Pair, crowd: Crowd) -> None:
    crowd.waits("BLPOP k k k 0")
    crowd.waits("BLMPOP 0 3 k k k LEFT COUNT 2")
    pair.do("RPUSH", "k", "a", "b", "c", "d")
    crowd.answered(0, 1)
    pair.do("LRANGE", "k", 0, -1)


def test_hundreds_of_waiters_on_one_key(pair: Pair) -> None:
    clients = [pair.second() for _ in range(300)]
    for number, client in enumerate(clients):
        client.send("BLPOP", "k", 0)
        await_blocked(pair, number + 1)
    pair.do("RPUSH", "k", *range(200))
    for client in clients[:200]:
        client.read()
    await_blocked(pair, 100)
    for number, client in enumerate(clients[200:]):
        pair.do("LPUSH", "k", number)
        client.read()
    pair.do("EXISTS", "k")


LINES = (
    *(
        "BLPOP {a} {b} 0",
        "BRPOP {a} 0",
        "BLMPOP 0 2 {a} {b} LEFT COUNT 2",
        "BLMPOP 0 1 {a} RIGHT",
        "BRPOPLPUSH {a} {b} 0",
    ),
    *(
        "BLMOVE {a} {b} LEFT RIGHT 0",
        "BLMOVE {a} {a} RIGHT LEFT 0",
        "BLPOP {b} {a} {b} 0",
        "BLMOVE {a} {b} RIGHT LEFT 0",
    ),
)
ACTIONS = (
    *("RPUSH {a} x y", "LPUSH {a} z", "LMOVE {a} {b} LEFT RIGHT", "RENAME {a} {b}", "COPY {a} {b} REPLACE", "DEL {a}"),
    *("SET {a} v", "SORT {a} ALPHA STORE {b}", "RPUSH {a} 1 2 3", "SADD {a} m", "LPOP {a}", "RPOPLPUSH {a} {b}"),
)


@pytest.mark.parametrize("seed", range(25))
def test_random_crowds(pair: Pair, seed: int) -> None:
    """Clients block at random on few keys, others write: replies, and who has none, are the same on both."""
    source = random.Random(seed * 10 + pair.protocol)

    def drawn(lines: tuple[str, ...]) -> list[Word]:
        one, other = source.sample("abc", 2)
        return [*source.choice(lines).format(a=one, b=other).split()]

    idle = [pair.second() for _ in range(6)]
    waiting: list[Pair] = []
    for _ in range(60):
        if idle and source.random() < 0.5:
            client = idle.pop(source.randrange(len(idle)))
            client.send(*drawn(LINES))
            waiting.append(client)
            # Its command has run when it is answered or blocked.
            while not (is_answered(client) or blocked_clients(pair) == [len(waiting)] * 2):
                pass
        elif source.random() < 0.25:
            pair.do("MULTI")
            for _ in range(source.randint(1, 4)):
                pair.do(*drawn(ACTIONS))
            pair.do("EXEC")
        else:
            pair.do(*drawn(ACTIONS))
        theirs, ours = blocked_clients(pair)
        assert theirs == ours
        served = [client for client in waiting if is_answered(client)]
        while len(waiting) - len(served) != theirs:
            served = [client for client in waiting if is_answered(client)]
        for client in served:
            client.read()
            waiting.remove(client)
            idle.append(client)
    for key in "abc":
        pair.do("TYPE", key)
    pair.do("DEBUG", "DIGEST")


def is_answered(client: Pair) -> bool:
    """Whether both have answered this client."""
    return all(has_come(wire) for wire in (client.theirs, client.ours))


def has_come(wire: Wire) -> bool:
    return wire.silent_for(0.0005) != b""
