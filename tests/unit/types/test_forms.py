"""A new container of each kind that has a class."""

from __future__ import annotations

import pytest

from redpoll.types.forms import empty
from redpoll.types.hash import Hash
from redpoll.types.kinds import (
    HASH_HASHTABLE,
    HASH_LISTPACK,
    HASH_VOLATILE,
    SET_HASHTABLE,
    SET_INTSET,
    SET_LISTPACK,
    STRING_RAW,
    TYPE_NAME,
    ZSET_LISTPACK,
    ZSET_SKIPLIST,
)
from redpoll.types.set import Set
from redpoll.types.value import CREATED, Value
from redpoll.types.zset import ZSet

CLASSES: dict[int, type[Value]] = {
    SET_INTSET: Set, SET_LISTPACK: Set, SET_HASHTABLE: Set, HASH_LISTPACK: Hash, HASH_HASHTABLE: Hash, HASH_VOLATILE: Hash,
    ZSET_LISTPACK: ZSet, ZSET_SKIPLIST: ZSet,
}  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES)
def test_a_new_container_is_of_the_class_of_its_kind(kind: int) -> None:
    made = empty(kind)
    assert type(made) is CLASSES[kind]
    assert (made.kind, made.home, made.is_large(), made.is_empty()) == (kind, CREATED, False, True)


def test_a_string_is_no_container() -> None:
    for kind in (STRING_RAW, len(TYPE_NAME)):
        with pytest.raises(AssertionError, match="a kind without a class"):
            empty(kind)
