"""What the tests of commands share."""

from __future__ import annotations

import pytest
from tests.commands.effects import opened

from redpoll.engine.session import Session
from redpoll.engine.unit import Journal


@pytest.fixture
def session() -> Session:
    """A session whose effects are kept in `session.engine.unit.effects`."""
    return opened(Journal())
