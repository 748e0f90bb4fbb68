"""RENAME, RENAMENX, MOVE and COPY: values that get another key or another database."""

from __future__ import annotations

from redpoll.catalogue.keyspec import ACCESS, DELETE, INSERT, OW, RO, RW, UPDATE, one_key
from redpoll.catalogue.spec import DENYOOM, FAST, KEYSPACE, WRITE
from redpoll.commands.database_numbers import database_at
from redpoll.engine.args import Args
from redpoll.engine.command import command
from redpoll.engine.session import Session
from redpoll.errors import NO_SUCH_KEY, SAME_OBJECT, SYNTAX, CommandError
from redpoll.keyspace.events import COPY_TO, MOVE_FROM, MOVE_TO, RENAME_FROM, RENAME_TO
from redpoll.protocol.reply import OK


def renamed(session: Session, source: bytes, target: bytes, replacing: bool) -> bool:
    """Move the value of `source` with its deadline to `target`.  Returns False if `target` exists and must stay.

    Raises CommandError if there is no `source`.
    """
    db = session.db
    if not db.look_to_change(source):
        raise CommandError(NO_SUCH_KEY)
    if source == target:
        return replacing
    if db.look_to_change(target) and not replacing:
        return False
    db.discard(target)
    found = db.find(source)
    assert found
    content = db.take()
    db.put(target, content)
    session.changed(source, None, RENAME_FROM, 0)
    session.changed(target, None, RENAME_TO, 1)
    return True


@command(
    "rename", arity=3, flags=WRITE, acl=KEYSPACE,
    keys=one_key(RW | ACCESS | DELETE) + one_key(OW | UPDATE, 2), group="generic",
    arguments="key#0 newkey#1",
    since="1.0.0", complexity="O(1)", summary="Rename a key, overwriting the new name.",
)  # fmt: skip
def rename(session: Session, args: list[bytes]) -> object:
    renamed(session, args[1], args[2], True)
    return OK


@command(
    "renamenx", arity=3, flags=WRITE | FAST, acl=KEYSPACE,
    keys=one_key(RW | ACCESS | DELETE) + one_key(OW | INSERT, 2), group="generic",
    arguments="key#0 newkey#1",
    since="1.0.0", complexity="O(1)", summary="Rename a key, unless the new name exists.",
)  # fmt: skip
def renamenx(session: Session, args: list[bytes]) -> object:
    return 1 if renamed(session, args[1], args[2], False) else 0


@command(
    "move", arity=3, flags=WRITE | FAST, acl=KEYSPACE, keys=one_key(RW | ACCESS | UPDATE), group="generic",
    arguments="key#0 db:integer",
    since="1.0.0", complexity="O(1)", summary="Move a key to another database, unless it exists there.",
)  # fmt: skip
def move(session: Session, args: list[bytes]) -> object:
    key = args[1]
    source = session.db
    target = database_at(session, args[2])
    if target is source:
        raise CommandError(SAME_OBJECT)
    if not source.look_to_change(key) or target.look_to_change(key):
        return 0
    target.discard(key)
    content = source.take()
    target.put(key, content)
    source.changed(key, None, MOVE_FROM, 0)
    target.changed(key, None, MOVE_TO, 1)
    return 1


@command(
    "copy", arity=-3, flags=WRITE | DENYOOM, acl=KEYSPACE,
    keys=one_key(RO | ACCESS) + one_key(OW | UPDATE, 2), group="generic",
    arguments="source#0 destination#1 [DB destination-db:integer] [REPLACE]",
    since="6.2.0", complexity="O(1) for small values, else O(elements)",
    summary="Copy the value of a key to another key.",
)  # fmt: skip
def copy(session: Session, args: list[bytes]) -> object:
    source_key = args[1]
    key = args[2]
    source = session.db
    target = source
    replacing = False
    options = Args(args, 3)
    while options.left() > 0:
        word = options.word()
        if word == b"REPLACE":
            replacing = True
        elif word == b"DB":
            target = database_at(session, options.next())
        else:
            raise CommandError(SYNTAX)
    if target is source and source_key == key:
        raise CommandError(SAME_OBJECT)
    if not source.look(source_key):
        return 0
    if target.look_to_change(key) and not replacing:
        return 0
    found = source.find(source_key)
    assert found
    # Copied first, because there may be no memory for it.
    content = source.copy()
    target.discard(key)
    target.put(key, content)
    target.changed(key, None, COPY_TO, 1)
    return 1
