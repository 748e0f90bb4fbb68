"""A directive: one setting, declared once in `schema.py` with everything that is known about it."""

from __future__ import annotations

from typing import Final

from redpoll.config.values import BadValue, Kind, Value

EFFECT: Final = "effect"
"""The setting works."""

NO_EFFECT: Final = "no effect"
"""Accepted, validated, shown and written back, but redpoll has nothing that it could change."""

NOT_YET: Final = "not yet"
"""It tunes a missing feature: any valid value is accepted, shown and written back, with a log line."""

REFUSED: Final = "refused"
"""It asks for a missing feature that data depends on: any value except the default is refused."""


class Directive:
    """One setting.

    `default` is what CONFIG GET shows on a fresh server.  `refusal` is the error for any other value than the default,
    if the reference refuses it too.  `effect` describes what a change does at once.
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
        self.refusal = refusal
        self.default = Value(b"")
        if default:
            self.default = kind.parse(kind.words_of_string(default), self.default)

    def parse(self, words: list[bytes], before: Value) -> Value:
        """Parse `words` into a value.  Raises BadValue if it is invalid or not supported."""
        value = self.kind.parse(words, before)
        if value.text != self.default.text:
            if self.refusal:
                raise BadValue(self.refusal)
            if self.applies == REFUSED:
                raise BadValue(self.unsupported())
        return value

    def unsupported(self) -> bytes:
        """The error for another value than the default while the feature does not exist."""
        return b"%s is not supported by this version of redpoll: only '%s' is accepted" % (self.name, self.default.text)
