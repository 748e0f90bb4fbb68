"""A command's arguments: one line of text in its declaration, a tree for COMMAND DOCS, a usage line for readers.

The line is the usage line that manuals print, with additional marks for the tools of clients:

    key#0 value [condition: NX | XX | IFEQ comparison-value@8.1.0] [GET@6.2.0] [EX seconds:integer]

    value seconds:integer    a value: its name and type (string if nothing else is said)
    key#0                    a key, which the command's key spec 0 finds; `pattern:pattern#1` likewise
    GET  'a-z'               a token to be written as it stands; quoted unless in capitals
    EX seconds:integer       a token and its value
    LIMIT (offset count)     a token and several values
    [...]                    may be left out
    a | b                    one of them, in brackets
    a ...                    several; `[GET pattern] ...` repeats the token too, `[KEYS key ...]` does not
    (data: score member)     belong together under a name; alternatives and tokens may have one too: [change: CH]
    @6.2.0  @!2.8.12         since this version; no longer recommended since this version
    id<node-id>              what readers see instead of the name

A token belongs to the argument that follows it.  A token of its own before an argument is in brackets: `(ON) value`.
Brackets without a name that begin with a token and hold several values are a block, named after the token.

Source of the trees' shape: spec/commands.json; a test compares all of them with it.
"""

from __future__ import annotations

from typing import Final

STRING: Final = "string"
KEY: Final = "key"
TOKEN: Final = "pure-token"
ONE_OF: Final = "oneof"
BLOCK: Final = "block"


class Argument:
    """A node of the tree.  `key_spec` is -1 if there is none; missing texts such as `since` are empty."""

    def __init__(self, name: str, type: str, token: str | None = None, parts: list[Argument] | None = None) -> None:
        self.name = name
        self.type = type
        self.token = token
        self.parts: Final[list[Argument]] = parts if parts is not None else []
        self.display = ""
        self.key_spec = -1
        self.since = ""
        self.deprecated_since = ""
        self.optional = False
        self.multiple = False
        self.multiple_token = False
        self.bracketed = False

    def mark(self, suffix: str) -> None:
        """Read `@version` or `@!version`."""
        for version in suffix.split("@"):
            if version.startswith("!"):
                self.deprecated_since = version[1:]
            elif version:
                self.since = version


def parse_arguments(text: str) -> list[Argument]:
    """Parse a declaration's line into a tree.  Raises ValueError if it is malformed."""
    reader = Reader(text)
    found = reader.sequence()
    if reader.at < len(reader.lexemes):
        raise ValueError(f"unexpected {reader.lexemes[reader.at]!r} in the arguments {text!r}")
    return found


class Reader:
    """Reads the notation by recursive descent."""

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self.lexemes: Final = lexemes(text)
        self.at = 0

    def peek(self) -> str:
        return self.lexemes[self.at] if self.at < len(self.lexemes) else ""

    def sequence(self) -> list[Argument]:
        """Arguments up to a closing bracket, a bar, or the end."""
        found: list[Argument] = []
        while self.peek() not in ("", ")", "]", "|"):
            lexeme = self.lexemes[self.at]
            self.at += 1
            if lexeme == "...":
                found[-1].multiple = True
                found[-1].multiple_token = found[-1].bracketed and token_with_value(found[-1])
            elif lexeme.startswith("@"):
                found[-1].mark(lexeme)
            elif lexeme == "[" or lexeme == "(":
                found.append(self.group(lexeme, None))
            elif is_token(lexeme):
                found.append(self.token(lexeme))
            else:
                found.append(value(lexeme))
        return found

    def token(self, lexeme: str) -> Argument:
        """A token, with the value or the group that follows it."""
        word, at_sign, suffix = lexeme.partition("@")
        word = word.strip("'")
        following = self.peek()
        if at_sign or following[:1] in ("", ")", "]", "[", "|", "@", ".") or is_token(following):
            found = Argument(word.lower(), TOKEN, word)
            found.mark(suffix)
            return found
        self.at += 1
        if following == "(":
            return self.group(following, word)
        found = value(following)
        found.token = word
        return found

    def group(self, bracket: str, token: str | None) -> Argument:
        """The arguments in brackets; the opening bracket has been read."""
        label = ""
        if self.peek().endswith(":"):
            label = self.peek()[:-1]
            self.at += 1
        alternatives = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            alternatives.append(self.sequence())
        if self.peek() != ("]" if bracket == "[" else ")"):
            raise ValueError(f"a bracket is not closed in the arguments {self.text!r}")
        self.at += 1
        name = label or (token or "").lower()
        if len(alternatives) > 1:
            found = Argument(name, ONE_OF, token, [one(each) for each in alternatives])
        elif token is not None or (label and len(alternatives[0]) > 1):
            found = Argument(name, BLOCK, token, alternatives[0])
        else:
            found = one(alternatives[0])
            if label:
                found.name = label
        found.optional = bracket == "["
        found.bracketed = token is None
        return found


def one(items: list[Argument]) -> Argument:
    """`items` as a single argument.  Several become a block, named after the token that the first begins with."""
    first = items[0]
    if len(items) == 1:
        return first
    token = first.token
    if token is None or first.type == TOKEN:
        raise ValueError(f"several arguments without a name, from {first.name!r} on")
    first.token = None
    return Argument(token.lower(), BLOCK, token, items)


def value(lexeme: str) -> Argument:
    """A value from `name[:type][#spec][<display>][@version]`."""
    rest, at_sign, suffix = lexeme.partition("@")
    rest, display_sign, display = rest.partition("<")
    rest, key_sign, spec = rest.partition("#")
    name, type_sign, type = rest.partition(":")
    found = Argument(name, type if type_sign else KEY if key_sign else STRING)
    found.display = display[:-1] if display_sign else name
    if key_sign:
        found.key_spec = int(spec)
    if at_sign:
        found.mark(suffix)
    return found


def token_with_value(found: Argument) -> bool:
    return found.token is not None and found.type != TOKEN


def is_token(lexeme: str) -> bool:
    word = lexeme.partition("@")[0]
    return word.startswith("'") or (word.upper() == word and word.lower() != word)


def lexemes(text: str) -> list[str]:
    """Words, brackets and bars; a quoted token may hold any of these, but no blank."""
    found: list[str] = []
    for word in text.split():
        start = 0
        quoted = False
        for at in range(len(word)):
            if word[at] == "'":
                quoted = not quoted
            elif not quoted and word[at] in "[]()|":
                if at > start:
                    found.append(word[start:at])
                found.append(word[at])
                start = at + 1
        if start < len(word):
            found.append(word[start:])
    return found


def usage(arguments: list[Argument]) -> str:
    """The line for readers: `key value [NX | XX] [GET]`."""
    return " ".join(usage_of(each) for each in arguments)


def usage_of(found: Argument) -> str:
    """One argument for readers, without redundant brackets."""
    text = value_usage(found)
    if found.multiple and not found.multiple_token:
        text = repeated(found, text)
    if found.token is not None:
        token = found.token if found.token else '""'
        text = f"{token} {text}" if text else token
    if found.multiple_token:
        text = f"{text} [{text} ...]"
    return f"[{text}]" if found.optional else text


def value_usage(found: Argument) -> str:
    """An argument without its token, once."""
    if found.type == TOKEN:
        return ""
    if found.type == BLOCK:
        return usage(found.parts)
    if found.type != ONE_OF:
        return found.display
    text = " | ".join(usage_of(each) for each in found.parts)
    alone = found.optional and found.token is None and not found.multiple
    return text if alone else f"({text})"


def repeated(found: Argument, text: str) -> str:
    """The usage of a repeated argument; a long one is not written twice."""
    if found.optional and found.token is None:
        return f"{text} ..."
    if "(" in text or "[" in text:
        return f"{text} ..." if text.startswith("(") and text.endswith(")") else f"({text}) ..."
    return f"{text} [{text} ...]"
