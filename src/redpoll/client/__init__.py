"""`redpoll.open`: redpoll inside a Python program."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

from redpoll.build_info import warning

if TYPE_CHECKING:
    from redpoll.client.store import Store


def open_store(
    path: str | bytes | os.PathLike[str] | None = None,
    databases: int = 16,
    *,
    save: str | None = None,
    appendonly: bool | None = None,
    appendfsync: str = "everysec",
) -> Store:
    """Open a store in this process, with `databases` databases.

    Without a `path` it is empty and lives in memory.  With the path of a folder it has the data of the snapshot there,
    and `close` saves it there.  `save` is for such a store: save points as in a configuration file, "300 100 60 10000".
    `appendonly` is whether each change is also written to an append-only file; if it is None, that is so if the folder
    has one.  `appendfsync` is "always", "everysec" or "no".  A missing folder is created.  Only one process at a time
    can open a folder.

    Raises StoreError if another one has it open, or if the snapshot cannot be loaded.

    >>> store = redpoll.open()
    >>> store.set("greeting", "hello")
    >>> store.get("greeting")
    b'hello'
    """
    if path is not None and not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(
            f"open() takes the path of a folder, not {type(path).__name__}: the number of databases is `databases`"
        )
    if not isinstance(databases, int) or isinstance(databases, bool):
        raise TypeError(f"open() takes the number of databases, not {type(databases).__name__}")
    if databases < 1:
        raise ValueError("open() needs at least one database")
    if path is None and (save is not None or appendonly):
        raise ValueError("save points and append-only files need the path of a folder")
    from redpoll.client.store import Store

    if told := warning():
        warnings.warn(told, RuntimeWarning, stacklevel=2)
    if path is None:
        return Store(databases=databases)
    return Store.in_folder(os.fsencode(path), databases, "" if save is None else save, None, appendonly, appendfsync)
