"""Keyspace events: a name and a class letter, declared once.

Source: spec/events.md, "Channels, letters".
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from redpoll.config.special_values import EVENT_LETTERS


class Event:
    """A keyspace event: its name on the channel, and the letter that `notify-keyspace-events` knows it by.

    An event without `modifies` does not break WATCH: it concerns the groups of a stream, or a look-up.
    """

    def __init__(self, name: bytes, letter: bytes, modifies: bool = True) -> None:
        self.name: Final = name
        self.letter: Final = letter
        self.modifies: Final = modifies
        self.class_bit: i64 = 1 << EVENT_LETTERS.index(letter) if letter else 0
        """The bit of its class in the value of `notify-keyspace-events`."""


NEW: Final = Event(b"new", b"n", modifies=False)
"""Comes before the event of the change that made the key."""
KEYMISS: Final = Event(b"keymiss", b"m", modifies=False)
DEL: Final = Event(b"del", b"g")
EXPIRE: Final = Event(b"expire", b"g")
PERSIST: Final = Event(b"persist", b"g")
RENAME_FROM: Final = Event(b"rename_from", b"g")
RENAME_TO: Final = Event(b"rename_to", b"g")
MOVE_FROM: Final = Event(b"move_from", b"g")
MOVE_TO: Final = Event(b"move_to", b"g")
RESTORE: Final = Event(b"restore", b"g")
COPY_TO: Final = Event(b"copy_to", b"g")
EXPIRED: Final = Event(b"expired", b"x")
EVICTED: Final = Event(b"evicted", b"e")
SET: Final = Event(b"set", b"$")
APPEND: Final = Event(b"append", b"$")
SETRANGE: Final = Event(b"setrange", b"$")
SETBIT: Final = Event(b"setbit", b"$")
PFADD: Final = Event(b"pfadd", b"$")
UNNAMED: Final = Event(b"", b"")
"""A change without an event, such as a count that PFCOUNT stores.  Watchers of the key are still notified."""
INCRBY: Final = Event(b"incrby", b"$")
INCRBYFLOAT: Final = Event(b"incrbyfloat", b"$")
LPUSH: Final = Event(b"lpush", b"l")
RPUSH: Final = Event(b"rpush", b"l")
LPOP: Final = Event(b"lpop", b"l")
RPOP: Final = Event(b"rpop", b"l")
LINSERT: Final = Event(b"linsert", b"l")
LSET: Final = Event(b"lset", b"l")
LREM: Final = Event(b"lrem", b"l")
LTRIM: Final = Event(b"ltrim", b"l")
SORTSTORE: Final = Event(b"sortstore", b"l")
SADD: Final = Event(b"sadd", b"s")
SREM: Final = Event(b"srem", b"s")
SPOP: Final = Event(b"spop", b"s")
SINTERSTORE: Final = Event(b"sinterstore", b"s")
SUNIONSTORE: Final = Event(b"sunionstore", b"s")
SDIFFSTORE: Final = Event(b"sdiffstore", b"s")
HSET: Final = Event(b"hset", b"h")
HDEL: Final = Event(b"hdel", b"h")
HINCRBY: Final = Event(b"hincrby", b"h")
HINCRBYFLOAT: Final = Event(b"hincrbyfloat", b"h")
HEXPIRE: Final = Event(b"hexpire", b"h")
HEXPIRED: Final = Event(b"hexpired", b"h")
HPERSIST: Final = Event(b"hpersist", b"h")
ZADD: Final = Event(b"zadd", b"z")
ZINCR: Final = Event(b"zincr", b"z")
ZREM: Final = Event(b"zrem", b"z")
ZREMRANGEBYRANK: Final = Event(b"zremrangebyrank", b"z")
ZREMRANGEBYSCORE: Final = Event(b"zremrangebyscore", b"z")
ZREMRANGEBYLEX: Final = Event(b"zremrangebylex", b"z")
GEOSEARCHSTORE: Final = Event(b"geosearchstore", b"z")
GEORADIUSSTORE: Final = Event(b"georadiusstore", b"z")
ZPOPMIN: Final = Event(b"zpopmin", b"z")
ZPOPMAX: Final = Event(b"zpopmax", b"z")
ZUNIONSTORE: Final = Event(b"zunionstore", b"z")
ZINTERSTORE: Final = Event(b"zinterstore", b"z")
ZDIFFSTORE: Final = Event(b"zdiffstore", b"z")
ZRANGESTORE: Final = Event(b"zrangestore", b"z")
XADD: Final = Event(b"xadd", b"t")
XTRIM: Final = Event(b"xtrim", b"t")
XDEL: Final = Event(b"xdel", b"t")
XSETID: Final = Event(b"xsetid", b"t", modifies=False)
XGROUP_CREATE: Final = Event(b"xgroup-create", b"t", modifies=False)
XGROUP_MKSTREAM: Final = Event(b"xgroup-create", b"t")
"""The same of a key that there was not."""
XGROUP_SETID: Final = Event(b"xgroup-setid", b"t", modifies=False)
XGROUP_DESTROY: Final = Event(b"xgroup-destroy", b"t", modifies=False)
XGROUP_CREATECONSUMER: Final = Event(b"xgroup-createconsumer", b"t", modifies=False)
XGROUP_DELCONSUMER: Final = Event(b"xgroup-delconsumer", b"t", modifies=False)
