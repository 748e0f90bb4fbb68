"""SLOWLOG and COMMANDLOG: what is kept of which commands, and the errors."""

from __future__ import annotations

from tests.differential.pair import Pair
from tests.differential.wire import Reply

MB = 1 << 20


def logged(reply: Reply) -> list[tuple[list[bytes | None], bytes | None]]:
    """Arguments and client's name of each entry."""
    return [([word.text for word in entry.items[3].items], entry.items[5].text) for entry in reply.items]


def same_log(pair: Pair, type: str) -> list[tuple[list[bytes | None], bytes | None]]:
    theirs, ours = pair.both("COMMANDLOG", "GET", "-1", type)
    assert logged(ours) == logged(theirs)
    for entry in ours.items:
        kinds = [item.kind for item in entry.items]
        assert kinds == [":", ":", ":", "*", "$", "$"]
        assert (entry.items[4].text or b"").startswith(b"127.0.0.1:")
    return logged(ours)


def reset(pair: Pair) -> None:
    pair.do("SLOWLOG", "RESET")
    pair.do("COMMANDLOG", "RESET", "large-request")
    pair.do("COMMANDLOG", "RESET", "large-reply")


def test_errors(pair: Pair) -> None:
    reset(pair)
    pair.play("""
        SLOWLOG
        SLOWLOG NOSUCH
        SLOWLOG GET x
        SLOWLOG GET ""
        SLOWLOG GET -2
        SLOWLOG GET 1.5
        SLOWLOG GET 99999999999999999999
        SLOWLOG GET 0
        SLOWLOG GET -1
        SLOWLOG GET 1 2
        slowlog gEt 1 2
        SLOWLOG LEN
        SLOWLOG LEN x
        SLOWLOG RESET x
        SLOWLOG HELP x
        COMMANDLOG
        COMMANDLOG NOSUCH
        COMMANDLOG GET
        COMMANDLOG GET 1
        COMMANDLOG GET 1 nosuch
        COMMANDLOG GET x nosuch
        COMMANDLOG GET -2 slow
        COMMANDLOG GET 5 SLOW
        COMMANDLOG GET -1 Large-Reply
        COMMANDLOG GET 1 slow x
        COMMANDLOG LEN
        COMMANDLOG LEN nosuch
        COMMANDLOG LEN slow
        COMMANDLOG LEN large-request
        COMMANDLOG LEN large-reply
        COMMANDLOG RESET
        COMMANDLOG RESET nosuch
        COMMANDLOG RESET LARGE-REQUEST
    """)


def test_slow_commands_are_kept(pair: Pair) -> None:
    with pair.config("slowlog-log-slower-than", 60000):
        reset(pair)
        pair.do("CLIENT", "SETNAME", "worker")
        pair.do("DEBUG", "SLEEP", "0.061")
        pair.do("debug", "sleep", "0.061")
        pair.do("MULTI")
        pair.do("DEBUG", "SLEEP", "0.062")
        pair.do("DEBUG", "SLEEP", "0.001")
        pair.do("EXEC")
        assert same_log(pair, "slow") == [
            ([b"DEBUG", b"SLEEP", b"0.062"], b"worker"),
            ([b"debug", b"sleep", b"0.061"], b"worker"),
            ([b"DEBUG", b"SLEEP", b"0.061"], b"worker"),
        ]
        pair.do("SLOWLOG", "LEN")
        theirs, ours = pair.both("SLOWLOG", "GET", "1")
        assert logged(ours) == logged(theirs)
        assert ours.items[0].items[2].integer >= 62000
        pair.do("SLOWLOG", "RESET")
        pair.do("SLOWLOG", "LEN")


def test_large_requests_are_kept(pair: Pair) -> None:
    reset(pair)
    pair.do("SET", "a", "x" * (MB - 40))
    pair.do("SET", "a", "x" * MB)
    pair.do("SET", "a", "x" * MB, "NX", "XX")
    pair.do("DEL", *[f"key:{n:0100d}" for n in range(10000)])
    pair.do("PING")
    entries = same_log(pair, "large-request")
    assert [words[0] for words, _ in entries] == [b"DEL", b"SET", b"SET"]
    amounts = [entry.items[2].integer for entry in pair.both("COMMANDLOG", "GET", "-1", "large-request")[1].items]
    assert amounts[-1] == len(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1048576\r\n\r\n") + MB


def test_large_replies_are_kept(pair: Pair) -> None:
    pair.do("SET", "a", "x" * (MB - 12))
    pair.do("SET", "b", "x" * (MB - 13))
    reset(pair)
    pair.do("GET", "a")
    pair.do("GET", "b")
    pair.do("PING")
    theirs, ours = pair.both("COMMANDLOG", "GET", "-1", "large-reply")
    assert logged(ours) == logged(theirs) == [([b"GET", b"a"], b"")]
    assert ours.items[0].items[2].integer == theirs.items[0].items[2].integer == MB


def test_a_large_reply_inside_a_transaction_is_that_commands(pair: Pair) -> None:
    pair.do("SET", "a", "x" * MB)
    reset(pair)
    pair.do("MULTI")
    pair.do("PING")
    pair.do("GET", "a")
    pair.do("EXEC")
    theirs, ours = pair.both("COMMANDLOG", "GET", "-1", "large-reply")
    assert logged(ours) == logged(theirs) == [([b"GET", b"a"], b"")]


def test_what_lowers_the_threshold_is_weighed_by_it(pair: Pair) -> None:
    reset(pair)
    with pair.config("commandlog-request-larger-than", 60):
        # The requests that came together with it as well.
        pair.do("CONFIG", "SET", "commandlog-request-larger-than", 100)
        pair.send("CONFIG", "SET", "commandlog-request-larger-than", 70)
        pair.send("SET", "a", "x" * 50)
        pair.read()
        pair.read()
        entries = same_log(pair, "large-request")
    assert [words[0] for words, _ in entries] == [b"SET", b"CONFIG", b"CONFIG"]


def amounts(reply: Reply) -> list[tuple[bytes | None, int]]:
    """The first word and the bytes of each entry."""
    return [(entry.items[3].items[0].text, entry.items[2].integer) for entry in reply.items]


def test_every_command_is_weighed_when_the_threshold_is_zero(pair: Pair) -> None:
    with pair.config("commandlog-request-larger-than", 0), pair.config("commandlog-reply-larger-than", 0):
        reset(pair)
        pair.play("""
            SET a 1
            set a "a longer value"
            GET a
            GET nokey
            HSET h f 1 g 22 i 333
            HGETALL h
            ZADD z 1.5 m
            ZRANGE z 0 -1 WITHSCORES
            INCR n
            INCR a
            nosuch
            GET
            CLIENT GETNAME
            PING
            PING "with words"
            ECHO ""
        """)
        for type in ("large-request", "large-reply"):
            theirs, ours = pair.both("COMMANDLOG", "GET", "-1", type)
            # The newest entry may be the reply with the other log.
            assert amounts(ours)[-15:] == amounts(theirs)[-15:]
    with pair.config("commandlog-request-larger-than", -1), pair.config("commandlog-reply-larger-than", -1):
        reset(pair)
        pair.do("SET", "a", "x" * MB)
        pair.do("GET", "a")
        pair.do("COMMANDLOG", "LEN", "large-request")
        pair.do("COMMANDLOG", "LEN", "large-reply")


def test_a_pipeline_is_weighed_command_by_command(pair: Pair) -> None:
    with pair.config("commandlog-request-larger-than", 200), pair.config("commandlog-reply-larger-than", 200):
        reset(pair)
        for size in (10, 300, 20, 400, 30):
            pair.send("SET", "a", "x" * size)
            pair.send("GET", "a")
        for _ in range(10):
            pair.read()
        for type in ("large-request", "large-reply"):
            theirs, ours = pair.both("COMMANDLOG", "GET", "-1", type)
            assert amounts(ours)[-2:] == amounts(theirs)[-2:]
            assert len(amounts(ours)) in (2, 3)


def test_commands_in_a_transaction_weigh_what_they_are(pair: Pair) -> None:
    with pair.config("commandlog-request-larger-than", 100), pair.config("commandlog-reply-larger-than", 100):
        reset(pair)
        pair.do("MULTI")
        pair.do("SET", "a", "x" * 200)
        pair.do("GET", "a")
        pair.do("EXEC")
        requests = pair.differs("commandlog-in-exec", "COMMANDLOG", "GET", "-1", "large-request")
        assert amounts(requests) == [(b"SET", 228)]
        replies = pair.differs("commandlog-in-exec", "COMMANDLOG", "GET", "-1", "large-reply")
        assert amounts(replies)[-1] == (b"GET", 208)


def test_every_command_is_slow_when_the_threshold_is_zero(pair: Pair) -> None:
    pair.do("CLIENT", "SETNAME", "c")
    with pair.config("slowlog-log-slower-than", 0):
        reset(pair)
        pair.play("""
            SET a 1
            get a
            MULTI
            SET a 2
            GET a
            EXEC
            AUTH user password
            HELLO 2 AUTH user password SETNAME x
            CONFIG SET requirepass ""
            GET a b c
            nosuch x
            SELECT 1
            SELECT 0
            EVALUATE
        """)
        pair.do("SET", "a", "x" * 128)
        pair.do("SET", "a", "x" * 129)
        pair.do("DEL", *[f"k{n}" for n in range(31)])
        pair.do("DEL", *[f"k{n}" for n in range(32)])
        pair.do("DEL", *["y" * 200 for _ in range(40)])
        same_log(pair, "slow")
        waiting = pair.second()
        waiting.send("BZPOPMIN", "z", "0.05")
        waiting.read()
        waiting.send("BZPOPMIN", "z", "0")
        waiting.silent()
        pair.do("ZADD", "z", "1", "m")
        waiting.read()
        same_log(pair, "slow")


def test_the_reply_of_a_blocked_command_is_weighed(pair: Pair) -> None:
    with pair.config("commandlog-reply-larger-than", 0):
        reset(pair)
        waiting = pair.second()
        waiting.send("BZPOPMIN", "z", "0.05")
        waiting.read()
        waiting.send("BZPOPMIN", "z", "0")
        waiting.silent()
        pair.do("ZADD", "z", "1", "m")
        waiting.read()
        theirs, ours = pair.both("COMMANDLOG", "GET", "-1", "large-reply")
        # HELLO names each server's own modules.
        both = [sorted(item for item in amounts(reply) if item[0] != b"HELLO") for reply in (theirs, ours)]
        assert both[1] == both[0]
        assert [word for word, _ in amounts(ours)].count(b"BZPOPMIN") == 2


def test_the_length_of_a_log_is_a_setting(pair: Pair) -> None:
    with pair.config("slowlog-log-slower-than", 0):
        reset(pair)
        for _ in range(5):
            pair.do("PING")
        with pair.config("slowlog-max-len", 3):
            pair.do("SLOWLOG", "LEN")
            pair.do("PING")
            pair.do("SLOWLOG", "LEN")
        with pair.config("slowlog-max-len", 0):
            pair.do("PING")
            pair.do("SLOWLOG", "LEN")
            pair.do("SLOWLOG", "RESET")
            pair.do("PING")
            pair.do("SLOWLOG", "LEN")
