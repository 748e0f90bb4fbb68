"""What the migrations of slots need from the program around them.  `migration_seat.py` implements it."""

from __future__ import annotations

from mypy_extensions import mypyc_attr

from redpoll.cluster.migration_job import Job
from redpoll.cluster.node import Node


@mypyc_attr(allow_interpreted_subclasses=True)
class MigrationOutside:
    """This base class does nothing, for nodes without data."""

    # The link of a job.

    def dial(self, job: Job, node: Node) -> None:
        """Begin to connect to the target; later call `Migrations.connected` or `Migrations.lost`."""

    def send(self, job: Job, words: list[bytes]) -> None:
        """Send a command to the other side, behind all that was sent before."""

    def close(self, job: Job) -> None:
        """Close the link of a job; `Migrations.lost` is not called."""

    def login(self) -> list[bytes]:
        """The AUTH command for the target; empty without a password."""
        return []

    def unsent(self, job: Job) -> int:
        """Bytes of an export that are not sent yet."""
        return 0

    # The data of an export.

    def begin_snapshot(self, job: Job) -> bytes:
        """Begin to send the keys; later call `Migrations.snapshot_ended`.  Return why it must wait, or nothing."""
        return b""

    def end_export(self, job: Job) -> None:
        """Send no more changes, and drop the snapshot."""

    def pause_writes(self, until_ms: int) -> None:
        """Pause the writes of clients; INFO shows the end `until_ms`, in ms on the wall clock."""

    def resume_writes(self) -> None:
        """End this pause."""

    # The data of an import.

    def hide(self, slots: int) -> None:
        """Hide the keys that will arrive in slots without keys."""

    def show(self, slots: int) -> None:
        """Hide these keys no longer."""

    def delete_hidden(self, slots: int) -> None:
        """Delete the keys of an import that has failed, and hide these slots no longer."""

    def propagate(self, words: list[bytes]) -> None:
        """Pass a command on to the replicas and to the append-only file."""

    # The log.

    def note(self, text: str) -> None:
        """Log a notice."""

    def warn(self, text: str) -> None:
        """Log a warning."""
