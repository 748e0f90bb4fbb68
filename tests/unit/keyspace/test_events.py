"""Events: each name once, with a letter that `notify-keyspace-events` knows."""

from __future__ import annotations

from redpoll.keyspace import events
from redpoll.keyspace.events import Event

# Two changes have one name: they differ in what the journal and watchers make of them.
AGAIN = {events.UNNAMED, events.XGROUP_MKSTREAM}
ALL = {name: each for name, each in vars(events).items() if isinstance(each, Event) and each not in AGAIN}


def test_every_name_is_declared_once() -> None:
    names = [event.name for event in ALL.values()]
    assert len(names) > 20
    assert len(names) == len(set(names))


def test_a_name_is_a_word_in_lower_case_and_a_letter_a_class() -> None:
    for event in ALL.values():
        assert event.name.replace(b"_", b"").replace(b"-", b"").isalpha()
        assert event.name == event.name.lower()
        assert event.letter in [bytes((letter,)) for letter in b"g$lshzxetdnm"], event.name


def test_the_constant_is_named_for_the_event() -> None:
    for name, event in ALL.items():
        assert event.name.decode().replace("-", "_").replace("_", "") == name.lower().replace("_", "")


def test_a_change_without_an_event_has_no_class() -> None:
    assert (events.UNNAMED.name, events.UNNAMED.letter) == (b"", b"")
