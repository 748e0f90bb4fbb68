"""Events: each name once, with a letter that `notify-keyspace-events` knows."""

from __future__ import annotations

from redpoll.keyspace import events
from redpoll.keyspace.events import Event

ALL = [each for each in vars(events).values() if isinstance(each, Event)]


def test_every_name_is_declared_once() -> None:
    names = [event.name for event in ALL]
    assert len(names) > 20
    assert len(names) == len(set(names))


def test_a_name_is_a_word_in_lower_case_and_a_letter_a_class() -> None:
    for event in ALL:
        assert event.name.replace(b"_", b"").replace(b"-", b"").isalpha()
        assert event.name == event.name.lower()
        assert event.letter in [bytes((letter,)) for letter in b"g$lshzxetdnm"], event.name


def test_the_constant_is_named_for_the_event() -> None:
    for name, event in vars(events).items():
        if isinstance(event, Event):
            assert event.name.decode().replace("-", "_").replace("_", "") == name.lower().replace("_", "")
