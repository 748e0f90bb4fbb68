"""The unit: what happens at one moment for everybody: a command, an EXEC, a served blocked client.

While it runs, effects are collected; at its end, in one place, the journal gets them and keys that became ready serve
who waits for them.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.keyspace.moment import Moment


@mypyc_attr(allow_interpreted_subclasses=True)
class Journal:
    """Who wants the effects of units: the append-only file, the replication backlog.  Subclassed by higher rooms."""

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        """The effects of one unit, as commands, in order; of each the number of the database that it is for."""


class Unit:
    """The effects of the present unit.  `journal` is None as long as nobody wants them, and then nothing is kept.

    Only `attach` sets it: what was noted of commands that ran before is not for those that come.
    """

    def __init__(self, moment: Moment) -> None:
        self.moment: Final = moment
        self.journal: Journal | None = None
        self.databases: list[int] = []
        """For which database each of `effects` is."""
        self.effects: list[list[bytes]] = []
        self.rewritten: list[list[bytes]] = []
        """What the present command is kept as, empty for as it came."""
        self.changes_before: i64 = 0
        self.forced = False
        """Whether the present command is an effect even if it changed nothing."""
        self.withheld = False
        """Whether it is none although it changed something."""

    def attach(self, journal: Journal | None) -> None:
        """Let `journal` have the effects from now on, or nobody (None).  What ran before is told to neither."""
        self.journal = journal
        self.databases = []
        self.effects = []
        self._forget()

    def _forget(self) -> None:
        self.rewritten = []
        self.forced = False
        self.withheld = False
        self.changes_before = self.moment.changes

    def rewrite(self, args: list[bytes]) -> None:
        """Keep `args` as an effect of the present command, instead of the command as it came."""
        if self.journal is not None:
            self.rewritten.append(args)

    def force(self) -> None:
        """The present command is an effect whether it changes something or not."""
        if self.journal is not None:
            self.forced = True

    def withhold(self) -> None:
        """The present command is no effect as it came: only what `rewrite` is given of it."""
        self.withheld = True

    def add(self, db: int, effect: list[bytes]) -> None:
        """Keep an effect.  A unit may reach into several databases: SELECT in a transaction, MOVE, COPY."""
        self.databases.append(db)
        self.effects.append(effect)

    def note(self, db: int, args: list[bytes]) -> None:
        """A command has run; if it changed something it is an effect, as it came or as it was rewritten."""
        if self.moment.changes != self.changes_before or self.forced:
            if len(self.rewritten) == 0 and not self.withheld:
                self.add(db, args)
            for effect in self.rewritten:
                self.add(db, effect)
        self._forget()

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
