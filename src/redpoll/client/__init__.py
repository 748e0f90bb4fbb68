"""`redpoll.open`: redpoll inside a Python program."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from redpoll.build_info import warning

if TYPE_CHECKING:
    from redpoll.client.store import Store


def open_store(databases: int = 16) -> Store:
    """Open a new, empty store in this process, with `databases` databases.

    Raises TypeError for a path: redpoll cannot keep a store in a file yet.

    >>> store = redpoll.open()
    >>> store.set("greeting", "hello")
    >>> store.get("greeting")
    b'hello'
    """
    if not isinstance(databases, int) or isinstance(databases, bool):
        raise TypeError(
            f"open() takes the number of databases, not {type(databases).__name__}: "
            "a store lives in memory, and redpoll cannot open a file yet"
        )
    if databases < 1:
        raise ValueError("open() needs at least one database")
    from redpoll.client.store import Store

    if told := warning():
        warnings.warn(told, RuntimeWarning, stacklevel=2)
    return Store(databases=databases)
