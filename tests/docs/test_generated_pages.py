"""Pages that are generated are those that the source gives now, and leave nothing out."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import redpoll.commands
from redpoll.config.schema import DIRECTIVES
from redpoll.engine.command import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]


def make_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "scripts" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE_DOCS = make_docs()


@pytest.mark.parametrize("name", sorted(MAKE_DOCS.PAGES))
def test_a_generated_page_is_current(name: str) -> None:
    written = (ROOT / name).read_text(encoding="utf-8")
    assert written == MAKE_DOCS.PAGES[name](), f"{name} is not current: run scripts/make_docs.py"


def test_every_directive_has_its_row() -> None:
    page = MAKE_DOCS.configuration()
    for directive in DIRECTIVES:
        assert page.count(f"| `{directive.name.decode()}`") == 1, directive.name


def test_every_command_has_its_row() -> None:
    assert redpoll.commands.FAMILIES
    page = MAKE_DOCS.commands()
    for name, found in CATALOGUE.items():
        if MAKE_DOCS.can_be_called(found):
            words = name.decode().upper().replace("|", " ")
            assert any(page.count(f"| `{words}{end}") == 1 for end in (" ", "`")), name
