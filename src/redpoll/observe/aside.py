"""Looking at the data without leaving a trace, as reports do."""

from __future__ import annotations

from typing import Final

from redpoll.keyspace.moment import Moment


class Aside:
    """While it is entered, look-ups count no hits and no misses and leave the access clock alone.

    With `also_expired` keys past their deadline are found like any other, and stay.
    """

    def __init__(self, moment: Moment, also_expired: bool = False) -> None:
        self.moment: Final = moment
        self.also_expired: Final = also_expired
        self.hits = moment.hits
        self.misses = moment.misses
        self.touching = moment.touching
        self.deleting_expired = moment.deleting_expired
        self.now_ms = moment.now_ms

    def __enter__(self) -> None:
        moment = self.moment
        moment.touching = False
        if self.also_expired:
            moment.deleting_expired = False
            moment.now_ms = 0

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        moment = self.moment
        moment.hits = self.hits
        moment.misses = self.misses
        moment.touching = self.touching
        moment.deleting_expired = self.deleting_expired
        moment.now_ms = self.now_ms
