"""Reading the data without side effects, for reports."""

from __future__ import annotations

from typing import Final

from redpoll.keyspace.moment import Moment


class Aside:
    """A context in which look-ups count no hits and misses, and do not update the access clock.

    With `also_expired`, expired keys are found like any other, and not deleted.
    """

    def __init__(self, moment: Moment, also_expired: bool = False) -> None:
        self.moment: Final = moment
        self.also_expired: Final = also_expired
        self.hits = moment.hits
        self.misses = moment.misses
        self.touching = moment.touching
        self.deleting_expired = moment.deleting_expired
        self.repeating = moment.repeating

    def __enter__(self) -> None:
        moment = self.moment
        moment.touching = False
        if self.also_expired:
            moment.deleting_expired = False
            moment.repeating = True

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        moment = self.moment
        moment.hits = self.hits
        moment.misses = self.misses
        moment.touching = self.touching
        moment.deleting_expired = self.deleting_expired
        moment.repeating = self.repeating
