"""Who writes a table down while it goes on changing: told of each bucket before it changes.

A table without a keeper, as nearly all are nearly always, asks one question a change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

if TYPE_CHECKING:
    from redpoll.structures.table import Table


@mypyc_attr(allow_interpreted_subclasses=True)
class Keeper:
    """Of one table; see the module's docstring."""

    def changes(self, table: Table, b: i64) -> None:
        """Bucket `b` is about to change, or an object beside one of its records is."""

    def parts(self) -> None:
        """A bucket that was told of has parted: there is one more, at the end."""

    def joins(self) -> None:
        """The last bucket has gone to another one; both were told of."""
