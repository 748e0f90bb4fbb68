"""The unit: one command, one EXEC, or one blocked client that is served.  It happens at one moment.

While it runs, effects are collected.  At its end they go to the journal, and sessions that wait for ready keys are
served.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.keyspace.moment import Moment


@mypyc_attr(allow_interpreted_subclasses=True)
class Journal:
    """A receiver of the effects of units: the append-only file, the replication backlog.  Higher rooms subclass it."""

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        """Write the effects of one unit: commands in order, each with the number of its database."""


class Journals(Journal):
    """Hands the effects to several journals, in the order in which they were attached."""

    def __init__(self, journals: list[Journal]) -> None:
        self.journals: Final = journals

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        for journal in self.journals:
            journal.write(databases, effects)


class Unit:
    """The effects of the current unit.  While `journal` is None, nothing is collected.

    Only `attach` and `detach` set it, because they also drop the effects of earlier commands.
    """

    def __init__(self, moment: Moment) -> None:
        self.moment: Final = moment
        self.journals: list[Journal] = []
        self.journal: Journal | None = None
        self.databases: list[int] = []
        """For which database each of `effects` is."""
        self.effects: list[list[bytes]] = []
        self.rewritten: list[list[bytes]] = []
        """The effects of the current command; empty if it is recorded as it is."""
        self.changes_before: i64 = 0
        self.forced = False
        """Whether the present command is an effect even if it changed nothing."""
        self.withheld = False
        """Whether it is none although it changed something."""
        self.muted = False
        """Whether commands leave no effects for now: a script has called set_repl(REPL_NONE)."""

    def attach(self, journal: Journal) -> None:
        """Send effects to `journal` too from now on.  Earlier effects of the current unit are sent to no journal."""
        self._use([*self.journals, journal])

    def detach(self, journal: Journal) -> None:
        """Send no more effects to `journal`."""
        self._use([each for each in self.journals if each is not journal])

    def _use(self, journals: list[Journal]) -> None:
        self.journals = journals
        if len(journals) == 1:
            self.journal = journals[0]
        else:
            self.journal = Journals(journals) if journals else None
        self.databases = []
        self.effects = []
        self._forget()

    def _forget(self) -> None:
        self.rewritten = []
        self.forced = False
        self.withheld = False
        self.changes_before = self.moment.changes

    def rewrite(self, args: list[bytes]) -> None:
        """Record `args` as an effect of the current command, instead of the command itself."""
        if self.journal is not None:
            self.rewritten.append(args)

    def force(self) -> None:
        """Record the current command as an effect even if it changes nothing."""
        if self.journal is not None:
            self.forced = True

    def withhold(self) -> None:
        """Do not record the current command itself, only the arguments of `rewrite`."""
        self.withheld = True

    def add(self, db: int, effect: list[bytes]) -> None:
        """Add an effect.  A unit may change several databases: SELECT in a transaction, MOVE, COPY."""
        self.databases.append(db)
        self.effects.append(effect)

    def note(self, db: int, args: list[bytes]) -> None:
        """Record a command that has run, as it is or rewritten, if it changed something."""
        if (self.moment.changes != self.changes_before or self.forced) and not self.muted:
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
        """Hand the effects to the journal one by one, each as a unit of its own: keys that active expiry deleted."""
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
