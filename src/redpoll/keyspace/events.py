"""What can happen to a key: a name and a class letter, declared once.

Source: spec/events.md, "Channels, letters".
"""

from __future__ import annotations

from typing import Final


class Event:
    """A keyspace event: its name on the channel, and the letter that `notify-keyspace-events` knows it by.

    One that does not `modify` leaves the key as transactions watch it: it tells of a stream's groups.
    """

    def __init__(self, name: bytes, letter: bytes, modifies: bool = True) -> None:
        self.name: Final = name
        self.letter: Final = letter
        self.modifies: Final = modifies


NEW: Final = Event(b"new", b"n")
KEYMISS: Final = Event(b"keymiss", b"m")
DEL: Final = Event(b"del", b"g")
EXPIRE: Final = Event(b"expire", b"g")
PERSIST: Final = Event(b"persist", b"g")
RENAME_FROM: Final = Event(b"rename_from", b"g")
RENAME_TO: Final = Event(b"rename_to", b"g")
MOVE_FROM: Final = Event(b"move_from", b"g")
MOVE_TO: Final = Event(b"move_to", b"g")
COPY_TO: Final = Event(b"copy_to", b"g")
EXPIRED: Final = Event(b"expired", b"x")
SET: Final = Event(b"set", b"$")
APPEND: Final = Event(b"append", b"$")
SETRANGE: Final = Event(b"setrange", b"$")
SETBIT: Final = Event(b"setbit", b"$")
INCRBY: Final = Event(b"incrby", b"$")
INCRBYFLOAT: Final = Event(b"incrbyfloat", b"$")
SADD: Final = Event(b"sadd", b"s")
SREM: Final = Event(b"srem", b"s")
SPOP: Final = Event(b"spop", b"s")
SINTERSTORE: Final = Event(b"sinterstore", b"s")
SUNIONSTORE: Final = Event(b"sunionstore", b"s")
SDIFFSTORE: Final = Event(b"sdiffstore", b"s")
HSET: Final = Event(b"hset", b"h")
HDEL: Final = Event(b"hdel", b"h")
ZADD: Final = Event(b"zadd", b"z")
ZINCR: Final = Event(b"zincr", b"z")
ZREM: Final = Event(b"zrem", b"z")
ZPOPMIN: Final = Event(b"zpopmin", b"z")
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
