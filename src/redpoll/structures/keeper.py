"""Keepers: a snapshot attaches a keeper to a table, and the table calls it before each change of a bucket.

The table is that of a database, or the inner table of a large value.  A table without a keeper makes one test for each
change.  A long string that changes in place has a keeper of its own kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64, mypyc_attr

if TYPE_CHECKING:
    from redpoll.structures.table import Table


@mypyc_attr(allow_interpreted_subclasses=True)
class Keeper:
    """The keeper of a table, or of all tables of a database; see the module's docstring."""

    def changes(self, table: Table, b: i64) -> None:
        """Bucket `b`, or an object beside one of its records, is about to change."""

    def parts(self, table: Table) -> None:
        """A bucket was split: the table has one more bucket, at the end.  `changes` was called for the old one."""

    def joins(self, table: Table) -> None:
        """The last bucket was merged into another one.  `changes` was called for both."""

    def released(self) -> None:
        """Nothing else uses the table any more.  The keeper frees it when the snapshot does not need it any more."""


@mypyc_attr(allow_interpreted_subclasses=True)
class TextKeeper:
    """The keeper of a long string in a buffer."""

    def overwrites(self, start: i64, stop: i64) -> None:
        """The bytes from `start` to before `stop` are about to change.  The string may be shorter than that."""
