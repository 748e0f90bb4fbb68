"""The unit: what happens at one moment for everybody: a command, an EXEC, a served blocked client.

While it runs, effects are collected; at its end, in one place, the journal gets them and keys that became ready serve
who waits for them.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr


@mypyc_attr(allow_interpreted_subclasses=True)
class Journal:
    """Who wants the effects of units: the append-only file, the replication backlog.  Subclassed by higher rooms."""

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        """The effects of one unit, as commands, in order; of each the number of the database that it is for."""


class Unit:
    """The effects of the present unit.  `journal` is None as long as nobody wants them, and then nothing is kept."""

    def __init__(self) -> None:
        self.journal: Journal | None = None
        self.databases: list[int] = []
        """For which database each of `effects` is."""
        self.effects: list[list[bytes]] = []
        self.rewritten: list[bytes] | None = None
        self.changes_before: i64 = 0
        self.forced = False
        """Whether the present command is an effect even if it changed nothing."""

    def add(self, db: int, effect: list[bytes]) -> None:
        """Keep an effect.  A unit may reach into several databases: SELECT in a transaction, MOVE, COPY."""
        self.databases.append(db)
        self.effects.append(effect)

    def note(self, db: int, args: list[bytes], changes: i64) -> None:
        """A command has run; if it changed something it is an effect, verbatim or as it was rewritten."""
        if changes != self.changes_before or self.forced:
            self.add(db, self.rewritten if self.rewritten is not None else args)
            self.changes_before = changes
        self.rewritten = None
        self.forced = False

    def end(self) -> None:
        """Hand the effects to the journal, wrapped in a transaction if there are several."""
        journal = self.journal
        databases = self.databases
        effects = self.effects
        if journal is not None and len(effects) > 0:
            self.databases = []
            self.effects = []
            if len(effects) > 1:
                databases = [databases[0], *databases, databases[-1]]
                effects = [MULTI, *effects, EXEC]
            journal.write(databases, effects)

    def end_each(self) -> None:
        """Hand the effects to the journal one by one: keys that the cycle found expired, each a unit of its own."""
        journal = self.journal
        databases = self.databases
        effects = self.effects
        if journal is not None:
            self.databases = []
            self.effects = []
            for n in range(len(effects)):
                journal.write([databases[n]], [effects[n]])


MULTI: Final = [b"MULTI"]
EXEC: Final = [b"EXEC"]
