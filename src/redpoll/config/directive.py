"""A directive: one setting as it is declared in `schema.py`, once, with all that is ever asked of it."""

from __future__ import annotations

from typing import Final

from redpoll.config.values import BadValue, Kind, Value

EFFECT: Final = "effect"
"""The setting does what it says."""

NO_EFFECT: Final = "no effect"
"""Accepted, validated, shown and written back, but there is nothing in redpoll that it could change."""

NOT_YET: Final = "not yet"
"""What it sets does not exist yet: its default is accepted, any other value is refused."""


class Directive:
    """One setting.

    `default` is what CONFIG GET shows on a fresh server; `stock` are further values accepted of a directive that is not
    supported yet, because a distributed redis.conf carries them and they ask for nothing.  `refusal` is the reason for
    refusing any other value than the default where the reference refuses it too.  `effect` says what a change sets in
    motion beyond being read at the next occasion.
    """

    def __init__(
        self,
        name: bytes,
        kind: Kind,
        default: bytes,
        applies: str,
        group: str,
        help: str,
        *,
        aliases: tuple[bytes, ...] = (),
        immutable: bool = False,
        protected: bool = False,
        hidden: bool = False,
        sensitive: bool = False,
        refused_while_loading: bool = False,
        effect: str = "",
        stock: tuple[bytes, ...] = (),
        refusal: bytes = b"",
    ) -> None:
        self.name = name
        self.kind = kind
        self.applies = applies
        self.group = group
        self.help = help
        self.aliases = aliases
        self.immutable = immutable
        self.protected = protected
        self.hidden = hidden
        self.sensitive = sensitive
        self.refused_while_loading = refused_while_loading
        self.effect = effect
        self.stock = stock
        self.refusal = refusal
        self.default = Value(b"")
        if default:
            self.default = kind.parse(kind.words_of_string(default), self.default)

    def parse(self, words: list[bytes], before: Value) -> Value:
        """What `words` set this directive to; raises BadValue if it is not allowed, or not supported."""
        value = self.kind.parse(words, before)
        if value.text != self.default.text:
            if self.refusal:
                raise BadValue(self.refusal)
            if self.applies == NOT_YET and value.text not in self.stock:
                raise BadValue(self.unsupported())
        return value

    def unsupported(self) -> bytes:
        """Why another value than the default is refused while the feature behind it does not exist."""
        return b"%s is not supported by this version of redpoll: only '%s' is accepted" % (self.name, self.default.text)
