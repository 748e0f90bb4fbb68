"""The unit: one command, one EXEC, or one blocked client that is served.  It happens at one moment.

While it runs, effects are collected.  At its end they go to the journal, and sessions that wait for ready keys are
served.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

from redpoll.keyspace.moment import Moment

TO_FILE: Final[i64] = 1
TO_REPLICAS: Final[i64] = 2
ALL_JOURNALS: Final[i64] = 3
"""Which journals get an effect.  Scripts know these numbers as REPL_AOF, REPL_REPLICA and REPL_ALL."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Journal:
    """A receiver of the effects of units: the append-only file, the replication backlog.  Higher rooms subclass it."""

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        """Write the effects of one unit: commands in order, each with the number of its database."""

    def write_one(self, db: i64, effect: list[bytes]) -> None:
        """Write the only effect of a unit, the usual case."""
        self.write([int(db)], [effect])

    def takes_messages(self) -> bool:
        """Whether it is for replicas: it also gets commands that change no data (PUBLISH), and not what is for the file
        alone."""
        return False


class Journals(Journal):
    """Hands the effects to several journals, in the order in which they were attached."""

    def __init__(self, journals: list[Journal]) -> None:
        self.journals: Final = journals

    def write(self, databases: list[int], effects: list[list[bytes]]) -> None:
        for journal in self.journals:
            journal.write(databases, effects)

    def write_one(self, db: i64, effect: list[bytes]) -> None:
        for journal in self.journals:
            journal.write_one(db, effect)


class Unit:
    """The effects of the current unit.  While `journal` is None, nothing is collected.

    Only `attach` and `detach` set it, because they also drop the effects of earlier commands.
    """

    def __init__(self, moment: Moment) -> None:
        self.moment: Final = moment
        self.journals: list[Journal] = []
        self.journal: Journal | None = None
        self.only: list[bytes] | None = None
        """The effect of the unit while it has just one, which needs no lists ..."""
        self.only_db: i64 = 0
        """... and its database."""
        self.many: list[list[bytes]] = []
        """The effects of the unit if there are several ..."""
        self.many_dbs: list[int] = []
        """... and their databases."""
        self.rewritten: list[list[bytes]] = []
        """The effects of the current command; empty if it is recorded as it is."""
        self.count: i64 = 0
        """How many units have had effects while there was a journal.  Units with nothing but messages do not count."""
        self.changes_before: i64 = 0
        self.forced = False
        """Whether the present command is an effect even if it changed nothing."""
        self.withheld = False
        """Whether it is none although it changed something."""
        self.is_message = False
        """Whether the present command changes no data, and only replicas need it."""
        self.messages: list[list[bytes]] = []
        """The effects that only replicas get, in their order."""
        self.local: list[list[bytes]] = []
        """The effects that only the append-only file gets, in their order."""
        self.targets: i64 = ALL_JOURNALS
        """Where commands leave their effects for now: bits of TO_FILE and TO_REPLICAS.  A script may change it."""

    def attach(self, journal: Journal) -> None:
        """Send effects to `journal` too from now on.  Earlier effects of the current unit are sent to no journal."""
        self._use([*self.journals, journal])

    def detach(self, journal: Journal) -> None:
        """Send no more effects to `journal`."""
        self._use([each for each in self.journals if each is not journal])

    def abandon(self) -> None:
        """The program ends in the middle of this unit: drop its effects, and send no more to any journal."""
        self._use([])

    def _use(self, journals: list[Journal]) -> None:
        self.journals = journals
        if len(journals) == 1:
            self.journal = journals[0]
        else:
            self.journal = Journals(journals) if journals else None
        self.only = None
        self.many_dbs = []
        self.many = []
        self.messages = []
        self.local = []
        self._forget()

    @property
    def effects(self) -> list[list[bytes]]:
        """The effects of the unit so far."""
        self._list_only()
        return self.many

    @property
    def databases(self) -> list[int]:
        """For which database each of `effects` is."""
        self._list_only()
        return self.many_dbs

    def _list_only(self) -> None:
        only = self.only
        if only is not None:
            self.only = None
            self.many_dbs.append(int(self.only_db))
            self.many.append(only)

    def _forget(self) -> None:
        if len(self.rewritten) > 0:
            self.rewritten = []
        self.forced = False
        self.withheld = False
        self.is_message = False
        self.changes_before = self.moment.changes

    def rewrite(self, args: list[bytes]) -> None:
        """Record `args` as an effect of the current command, instead of the command itself."""
        if self.journal is not None:
            self.rewritten.append(args)

    def force(self) -> None:
        """Record the current command as an effect even if it changes nothing."""
        if self.journal is not None:
            self.forced = True

    def force_message(self) -> None:
        """Record the current command for replicas only."""
        if self.journal is not None:
            self.forced = True
            self.is_message = True

    def withhold(self) -> None:
        """Do not record the current command itself, only the arguments of `rewrite`."""
        self.withheld = True

    def add(self, db: i64, effect: list[bytes]) -> None:
        """Add an effect.  A unit may change several databases: SELECT in a transaction, MOVE, COPY."""
        if self.only is None and len(self.many) == 0:
            self.only = effect
            self.only_db = db
            return
        self._list_only()
        self.many_dbs.append(int(db))
        self.many.append(effect)

    def note(self, db: i64, args: list[bytes]) -> None:
        """Record a command that has run, as it is or rewritten, if it changed something."""
        targets = self.targets
        if (self.moment.changes != self.changes_before or self.forced) and targets != 0:
            if self.is_message:
                targets &= TO_REPLICAS
            if targets != ALL_JOURNALS:
                self._note_for(targets, db, args)
            else:
                if len(self.rewritten) == 0 and not self.withheld:
                    self.add(db, args)
                for effect in self.rewritten:
                    self.add(db, effect)
        self._forget()

    def _note_for(self, targets: i64, db: i64, args: list[bytes]) -> None:
        """`note` for a command whose effects only some journals get."""
        effects = self.rewritten
        if len(effects) == 0 and not self.withheld:
            effects = [args]
        if targets == TO_FILE:
            self.local.extend(effects)
        elif targets == TO_REPLICAS:
            self.messages.extend(effects)
        else:
            return
        for effect in effects:
            self.add(db, effect)

    def end(self) -> bool:
        """Hand the effects to the journal, in a transaction if there are several; return whether there are any."""
        journal = self.journal
        if len(self.messages) > 0 or len(self.local) > 0:
            return self._end_apart()
        only = self.only
        if only is not None:
            if journal is None:
                return False
            self.only = None
            self.count += 1
            journal.write_one(self.only_db, only)
            return True
        databases = self.many_dbs
        effects = self.many
        if journal is not None and len(effects) > 0:
            self.many_dbs = []
            self.many = []
            if len(effects) > 1:
                databases = [databases[0], *databases, databases[-1]]
                effects = [MULTI, *effects, EXEC]
            self.count += 1
            journal.write(databases, effects)
            return True
        return False

    def _end_apart(self) -> bool:
        """`end` for a unit with effects that only replicas or only the file get."""
        databases = self.databases
        effects = self.effects
        messages = self.messages
        local = self.local
        self.messages = []
        self.local = []
        self.many_dbs = []
        self.many = []
        if len(messages) < len(effects):
            # The file does not get these, so WAITAOF must not wait until it has them.
            self.count += 1
        for journal in self.journals:
            some_databases: list[int] = []
            some: list[list[bytes]] = []
            others = local if journal.takes_messages() else messages
            other = 0
            for n in range(len(effects)):
                if other < len(others) and effects[n] is others[other]:
                    other += 1
                else:
                    some_databases.append(databases[n])
                    some.append(effects[n])
            if len(some) > 1:
                some_databases = [some_databases[0], *some_databases, some_databases[-1]]
                some = [MULTI, *some, EXEC]
            if len(some) > 0:
                journal.write(some_databases, some)
        return True

    def end_each(self) -> None:
        """Hand the effects to the journal one by one, each as a unit of its own: keys that active expiry deleted.

        They tell all changes so far, so the current or the next command is no effect because of these.
        """
        journal = self.journal
        databases = self.databases
        effects = self.effects
        if journal is not None:
            self.many_dbs = []
            self.many = []
            self.count += len(effects)
            for n in range(len(effects)):
                journal.write_one(databases[n], effects[n])
            self.changes_before = self.moment.changes

    def add_apart(self, db: i64, effects: list[list[bytes]]) -> None:
        """Add effects of the server itself, after the change: hand them to the journal at once, one by one.

        In a unit that already has effects they become a part of it, so that its transaction stays whole.
        """
        if self.journal is None:
            return
        inside = self.only is not None or len(self.many) > 0
        for effect in effects:
            self.add(db, effect)
        if inside:
            self.changes_before = self.moment.changes
        else:
            self.end_each()


MULTI: Final = [b"MULTI"]
EXEC: Final = [b"EXEC"]
