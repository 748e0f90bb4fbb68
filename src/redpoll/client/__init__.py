"""Redpoll inside a program."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from redpoll.build_info import warning

if TYPE_CHECKING:
    from redpoll.client.store import Store


def open_store(databases: int = 16) -> Store:
    """Open an engine in this process, empty, with `databases` databases.

    >>> store = redpoll.open()
    >>> store.set("greeting", "hello")
    >>> store.get("greeting")
    b'hello'
    """
    from redpoll.client.store import Store

    if told := warning():
        warnings.warn(told, RuntimeWarning, stacklevel=2)
    return Store(databases=databases)
