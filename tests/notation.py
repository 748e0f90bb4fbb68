"""Argument trees as a person writes them in a declaration: the notation of catalogue/arguments.py.

A test that finds a command without its arguments shows the line that is to be added.
"""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]


def notation(trees: list[Tree]) -> str:
    """The line for a command's arguments, given as commands.json or COMMAND DOCS has them."""
    last = len(trees) - 1
    return " ".join(whole(tree, alone=at == last) for at, tree in enumerate(trees))


def whole(tree: Tree, alone: bool) -> str:
    """An argument with its brackets and dots.  A token that is not `alone` must not take what follows for its value."""
    flags = tree.get("flags", [])
    optional, multiple = "optional" in flags, "multiple" in flags
    body, bracketed = text(tree)
    if bracketed:
        brackets = "[]" if optional else "()"
        return f"{brackets[0]}{body}{brackets[1]}{group_versions(tree)}{' ...' if multiple else ''}"
    if optional:
        inside = multiple and "token" in tree and "multiple_token" not in flags
        return f"[{body} ...]" if inside else f"[{body}] ..." if multiple else f"[{body}]"
    if multiple:
        return f"({body}) ..." if "multiple_token" in flags else f"{body} ..."
    return f"({body})" if tree["type"] == "pure-token" and not alone else body


def text(tree: Tree) -> tuple[str, bool]:
    """An argument without what its flags add, and whether brackets are yet to be put around it."""
    kind, word, name = tree["type"], tree.get("token"), tree["name"]
    if kind == "pure-token":
        body = token(word) + versions(tree)
        return (body, False) if name == word.lower() else (f"{name}: {body}", True)
    if kind not in ("oneof", "block"):
        body = value(tree)
        return (body if word is None else f"{token(word)} {body}"), False
    parts = tree["arguments"]
    body = notation(parts) if kind == "block" else " | ".join(alternative(part) for part in parts)
    if word is None:
        return f"{name}: {body}", True
    own_name = name == word.lower()
    if kind == "block" and own_name and len(parts) > 1 and "multiple" not in tree.get("flags", []):
        return f"{token(word)} {body}", True
    return f"{token(word)} ({'' if own_name else name + ': '}{body}){versions(tree)}", False


def group_versions(tree: Tree) -> str:
    return "" if tree["type"] == "pure-token" else versions(tree)


def alternative(tree: Tree) -> str:
    """One of several: a token with its values needs no brackets there."""
    body, bracketed = text(tree)
    plain = bracketed and "token" in tree and tree["type"] == "block" and not tree.get("flags") and not versions(tree)
    return body if plain else whole(tree, alone=True)


def value(tree: Tree) -> str:
    """`name[:type][#spec][<display>][@version]`."""
    kind = tree["type"]
    key = f"#{tree['key_spec_index']}" if "key_spec_index" in tree else ""
    shown = tree.get("display_text", tree["name"])
    named = tree["name"] + ("" if kind == "string" or (kind == "key" and key) else f":{kind}") + key
    return named + ("" if shown == tree["name"] else f"<{shown}>") + versions(tree)


def versions(tree: Tree) -> str:
    since, deprecated = tree.get("since"), tree.get("deprecated_since")
    return (f"@{since}" if since else "") + (f"@!{deprecated}" if deprecated else "")


def token(word: str) -> str:
    plain = word.upper() == word != word.lower() and not any(c in " []()|:#@<'" for c in word)
    return word if plain else f"'{word}'"
