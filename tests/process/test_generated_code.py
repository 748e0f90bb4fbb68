"""The C that mypyc makes: machine words stay machine words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import redpoll
from redpoll.build_info import is_compiled

BUILT = Path(redpoll.__path__[0]).resolve().parent
FUNCTION = re.compile(r"\S.*\b(CPyDef_\w+)\(")
BOXED = re.compile(r"(cpy_r_r\d+) = PyLong_FromLongLong\(")
KEPT = re.compile(r"(cpy_r_r\d+) = (cpy_r_r\d+);")
UNBOXED = re.compile(r" = CPyLong_AsInt64\((cpy_r_r\d+)\)")


def boxed_and_unboxed(lines: Iterable[str]) -> Iterator[str]:
    """The functions that make a Python object of a machine word, only to read it back."""
    function = ""
    objects: set[str] = set()
    for line in lines:
        if (start := FUNCTION.match(line)) and not line.rstrip().endswith(";"):
            function = start[1]
            objects = set()
        elif box := BOXED.search(line):
            objects.add(box[1])
        elif (keep := KEPT.search(line)) and keep[2] in objects:
            objects.add(keep[1])
        elif (unbox := UNBOXED.search(line)) and unbox[1] in objects:
            yield function


def test_what_is_looked_for_is_found() -> None:
    assert list(
        boxed_and_unboxed(
            [
                "int64_t CPyDef_value___first(int64_t cpy_r_n) {",
                "    cpy_r_r1 = PyLong_FromLongLong(cpy_r_n);",
                "    cpy_r_r2 = cpy_r_r1;",
                "    cpy_r_r3 = CPyLong_AsInt64(cpy_r_r2);",
                "PyObject *CPyDef_value___second(int64_t cpy_r_n) {",
                "    cpy_r_r1 = PyLong_FromLongLong(cpy_r_n);",
                "    cpy_r_r3 = CPyLong_AsInt64(cpy_r_r2);",
            ]
        )
    ) == ["CPyDef_value___first"]


@pytest.mark.skipif(not is_compiled(), reason="interpreted code has no machine words")
def test_no_number_becomes_an_object_on_its_way_to_a_machine_word() -> None:
    """`n if found else 0` with an i64 `n` does so, and takes 200 instructions: write `i64(0)`."""
    sources = sorted((BUILT.parent / "c" / BUILT.name).glob("__native_*.c"))
    assert sources, "a build keeps its C"
    assert {function for source in sources for function in boxed_and_unboxed(source.read_text().split("\n"))} == set()
