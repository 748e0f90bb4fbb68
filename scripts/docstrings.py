"""Docstrings for compiled classes: mypyc drops them, so the build writes them into the C that mypyc made.

mypyc gives each method a text with its signature alone, `PyDoc_STR("get($self, key)\\n--\\n\\n")`.  The text
after the blank line is the docstring that `help()` and editors show.  It costs nothing at run time.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

TABLE = r"\w+___{name}_methods\[\] = \{{.*?\n\s*\{{NULL\}}"
TYPE = r"static PyTypeObject \w+___{name}_template_ = \{{.*?\n\s*\}};"
SIGNATURE = re.compile(r'PyDoc_STR\("(\w+)\((.*?)\)\\n--\\n\\n"\)')


def docstrings_of(source: Path) -> dict[str, dict[str, str]]:
    """The docstrings of a module's classes, by class and method.  The docstring of a class is under its own name."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            texts = {node.name: ast.get_docstring(node) or ""}
            for part in node.body:
                if isinstance(part, ast.FunctionDef):
                    texts[part.name] = ast.get_docstring(part) or ""
            found[node.name] = texts
    return found


def with_docstrings(code: str, classes: dict[str, dict[str, str]]) -> str:
    """C code with the docstrings of these classes added.  Classes that it does not define are ignored."""
    for name, texts in classes.items():
        for pattern in (TABLE, TYPE):

            def documented(block: re.Match[str], texts: dict[str, str] = texts) -> str:
                return SIGNATURE.sub(lambda match: with_text(match, texts), block.group())

            code = re.sub(pattern.format(name=name), documented, code, flags=re.DOTALL)
    return code


def with_text(match: re.Match[str], texts: dict[str, str]) -> str:
    name, parameters = match.groups()
    text = texts.get(name, "").encode("unicode_escape").decode().replace('"', '\\"')
    return f'PyDoc_STR("{name}({parameters})\\n--\\n\\n{text}")'
