"""The filters of CLIENT LIST and CLIENT KILL.  Source: spec/server.md, section 4."""

from __future__ import annotations

from typing import Final

from redpoll.commands.database_numbers import is_int32
from redpoll.engine.args import integer
from redpoll.engine.session import Session
from redpoll.errors import (
    SYNTAX,
    CommandError,
    filter_db_out_of_range,
    filter_not_an_integer,
    filter_not_positive,
    no_such_user,
    unknown_client_type,
    unknown_letters,
    up_to_nul,
)

TYPES: Final = (b"normal", b"master", b"primary", b"slave", b"replica", b"pubsub")
TYPE_ALIASES: Final = {b"primary": b"master", b"replica": b"slave"}
FLAGS: Final = b"OSMPxbtRBdcuAUreTIENi"
CAPAS: Final = b"r"
NEGATABLE: Final = (
    b"ID", b"TYPE", b"USER", b"ADDR", b"LADDR", b"FLAGS", b"NAME", b"LIB-NAME", b"LIB-VER", b"DB", b"CAPA", b"IP",
)  # fmt: skip


class Filter:
    """All conditions must hold.  If a condition is repeated, the last one counts, but ids add up."""

    def __init__(self, session: Session, words: list[bytes], skip_me: bool = False) -> None:
        self.asking: Final = session
        self.wanted: Final[dict[bytes, bytes]] = {}
        self.ids: Final[dict[bytes, set[int]]] = {}
        self.skip_me = skip_me
        at = 0
        while at < len(words):
            name = words[at].upper()
            plain = name.removeprefix(b"NOT-")
            if plain == b"ID" and len(words) > 1:
                at = self._take_ids(name, words, at + 1)
                continue
            if at + 1 >= len(words):
                raise CommandError(SYNTAX)
            self._take(name, plain, words[at + 1])
            at += 2

    def _take_ids(self, name: bytes, words: list[bytes], at: int) -> int:
        ids = self.ids.setdefault(name, set())
        while at < len(words) and words[at].lstrip(b"-").isdigit():
            id = integer(words[at], SYNTAX)
            if id < 1:
                raise CommandError(filter_not_positive(b"client-id"))
            ids.add(int(id))
            at += 1
        return at

    def _take(self, name: bytes, plain: bytes, value: bytes) -> None:
        if name != plain and plain not in NEGATABLE:
            raise CommandError(SYNTAX)
        if plain == b"TYPE" and value.lower() not in TYPES:
            raise CommandError(unknown_client_type(value))
        if plain == b"USER" and value != b"default":
            raise CommandError(no_such_user(value))
        if plain in (b"MAXAGE", b"IDLE"):
            word = plain.lower()
            if integer(value, filter_not_an_integer(word)) < 1:
                raise CommandError(filter_not_positive(word))
        elif plain == b"SKIPME":
            if value.lower() not in (b"yes", b"no"):
                raise CommandError(SYNTAX)
            self.skip_me = value.lower() == b"yes"
            return
        elif plain == b"DB":
            databases = len(self.asking.engine.databases)
            index: int = integer(value, filter_not_an_integer(name))
            if not is_int32(index):
                raise CommandError(filter_not_an_integer(name))
            if not 0 <= index < databases:
                raise CommandError(filter_db_out_of_range(name, databases))
        elif plain in (b"FLAGS", b"CAPA"):
            value = up_to_nul(value)
            known = FLAGS if plain == b"FLAGS" else CAPAS
            if not set(known).issuperset(value):
                where = b"provided" if name == plain else name
                raise CommandError(unknown_letters(plain.lower(), where, value))
        elif plain not in (b"TYPE", b"USER", b"ADDR", b"LADDR", b"NAME", b"LIB-NAME", b"LIB-VER", b"IP"):
            raise CommandError(SYNTAX)
        self.wanted[name] = value

    def fits(self, other: Session) -> bool:
        """Whether a session meets all conditions."""
        if self.skip_me and other is self.asking:
            return False
        for name, ids in self.ids.items():
            if (int(other.id) in ids) == name.startswith(b"NOT-"):
                return False
        for name, value in self.wanted.items():
            if self._holds(name.removeprefix(b"NOT-"), value, other) == name.startswith(b"NOT-"):
                return False
        return True

    def _holds(self, plain: bytes, value: bytes, other: Session) -> bool:
        now_us = other.engine.moment.now_us
        if plain == b"TYPE":
            return TYPE_ALIASES.get(value.lower(), value.lower()) == other.kind()
        if plain == b"USER":
            return other.user == value
        if plain == b"ADDR":
            return other.peer.address() == value
        if plain == b"LADDR":
            return other.peer.local_address() == value
        if plain == b"IP":
            return other.peer.address().rpartition(b":")[0].strip(b"[]") == value
        if plain == b"NAME":
            return is_named(up_to_nul(other.name), up_to_nul(value))
        if plain == b"LIB-NAME":
            return is_named(other.lib_name, value)
        if plain == b"LIB-VER":
            return is_named(other.lib_version, value)
        if plain == b"DB":
            return b"%d" % other.db.index == value
        if plain == b"MAXAGE":
            return (now_us - other.created_us) // 1000000 >= int(value)
        if plain == b"IDLE":
            return (now_us - other.active_us) // 1000000 >= int(value)
        if plain == b"FLAGS":
            flags = other.flags()
            return set(value) <= set(flags)
        return len(value) == 0 or other.capa_redirect


def is_named(name: bytes, wanted: bytes) -> bool:
    """Whether the session has the requested name.  A session without a name never matches, not even an empty one."""
    return len(name) > 0 and name == wanted
