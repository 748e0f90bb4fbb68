"""All keyspace events of both servers, in their order, for tests that compare them."""

from __future__ import annotations

from types import TracebackType

from tests.differential.pair import Pair
from tests.differential.wire import Wire

END = b"the end"


class Ears:
    """Hears what happens to keys from now on; a context, after which nobody is told any more.

    Events come as `database event key`.
    """

    def __init__(self, pair: Pair, classes: str = "EAmn") -> None:
        self.pair = pair
        self.hearing = pair.second(3)
        self.ending = pair.second()
        pair.do("CONFIG", "SET", "notify-keyspace-events", classes)
        self.hearing.send("PSUBSCRIBE", "__key*__:*", "events")
        self.hearing.pushes(2)

    def heard(self) -> tuple[list[bytes], list[bytes]]:
        """What has happened since this was asked last: there, and here."""
        # By a client of its own: the pair may be in a transaction.
        self.ending.both("PUBLISH", "events", END)
        return events(self.hearing.theirs), events(self.hearing.ours)

    def same(self) -> list[bytes]:
        """The same, compared."""
        theirs, ours = self.heard()
        assert theirs == ours, f"events\n  there: {theirs}\n  here:  {ours}"
        return theirs

    def __enter__(self) -> Ears:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ending.both("CONFIG", "SET", "notify-keyspace-events", "")
        for other in (self.hearing, self.ending):
            other.close()
            self.pair.seconds.remove(other)


def events(wire: Wire) -> list[bytes]:
    """The events up to the one that ends them."""
    found = []
    while True:
        _, _, channel, payload = (item.text or b"" for item in wire.read_push().items)
        if channel == b"events":
            return found
        place, _, name = channel.partition(b"__:")
        kind, _, db = place.partition(b"@")
        found.append(b"%b %b %b" % ((db, name, payload) if kind == b"__keyevent" else (db, payload, name)))
