"""Do the unit tests fail when the code is wrong?  Changes the code in one place at a time, and runs them.

`make mutants`, or `scripts/mutants.py [module ...]`.  A module is named by its path below src/redpoll, with or without
`.py` (`types/value`).  Each change, a *mutant*, is made in a copy of the sources; the test file that covers the module
by name runs first, then the whole unit tier (`--named`: no more than that file, which is ten times as quick; what it
lets through is then told as survived).  A mutant that a test notices is *killed*; one that all tests pass
*survives*.  A survivor means that a test is missing, or that the change makes no difference.  scripts/mutants_equal.txt
lists the mutants that make no difference, with reasons; they do not count.

What is tried follows from the seed and from the sources alone, in rounds over the modules, so that every module gets
its share of a bounded time.  Results are kept in build/mutants.json: a second run goes on where the first one stopped,
and tries changed modules again.  The last lines show the score of each module.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "redpoll"
STATE = ROOT / "build" / "mutants.json"
EQUAL = ROOT / "scripts" / "mutants_equal.txt"

MODULES = (
    "types/value",
    "structures/table",
    "structures/table_resize",
    "structures/columns",
    "structures/packed",
    "keyspace/database",
    "keyspace/content",
    "engine/blocking",
    "engine/interest",
    "engine/unit",
)
"""Where a survivor may lose or mix up data."""

TIER = ("tests/unit/structures", "tests/unit/types", "tests/unit/keyspace", "tests/unit/engine", "tests/unit/client",
        "tests/unit/observe", "tests/commands")  # fmt: skip

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "+", ast.FloorDiv: "*", ast.Mod: "+", ast.LShift: ">>", ast.RShift: "<<",
    ast.BitAnd: "|", ast.BitOr: "&", ast.BitXor: "|",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: the characters from `start` to before `stop` of a module's source become `text`."""

    module: str
    start: int
    stop: int
    text: str
    line: int
    what: str

    def apply(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.stop :]

    def shown(self, source: str) -> str:
        """The place, and how the line reads now."""
        return f"{self.module}.py:{self.line}: {self.change(source)}"

    def change(self, source: str) -> str:
        """The kind of change, and what is gone or how the line reads now: the same after an edit elsewhere."""
        first = source.rfind("\n", 0, self.start) + 1
        last = source.find("\n", self.stop)
        changed = source[first : self.start] + self.text + source[self.stop : last]
        if self.what in ("dropped", "branch never taken"):
            changed = source[self.start : self.stop]
        return f"{self.what}: {' '.join(changed.split())[:150]}"

    def key(self, source: str) -> str:
        """Names the change by what it changes and where, and is another one after an edit of that module."""
        told = f"{self.start}:{self.stop}:{self.text}:{source}"
        return f"{self.module}:{hashlib.sha256(told.encode()).hexdigest()[:16]}"


class Finder(ast.NodeVisitor):
    """Finds the mutants of one module.  Annotations, docstrings and imports are left alone."""

    def __init__(self, module: str, source: str) -> None:
        self.module = module
        self.source = source
        self.found: list[Mutant] = []
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def at(self, line: int, column: int) -> int:
        """The place in the source of a line and of a column, which the syntax tree counts in bytes."""
        start = self.starts[line - 1]
        text = self.source[start : self.starts[line]]
        return start + len(text.encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)

    def add(self, node: ast.expr | ast.stmt, text: str, what: str) -> None:
        start, stop = self.span(node)
        self.found.append(Mutant(self.module, start, stop, text, node.lineno, what))

    def between(self, left: ast.expr, right: ast.expr, old: str, new: str, what: str) -> None:
        """Replace the operator `old` between two operands, whatever brackets stand there."""
        start, stop = self.span(left)[1], self.span(right)[0]
        at = self.source.find(old, start, stop)
        if at >= 0:
            self.found.append(Mutant(self.module, at, at + len(old), new, left.lineno, what))

    # What stays as it is.

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Of what is declared `Final` only the value counts, which is a name for others or a matter of speed."""
        if node.value is not None and not ast.unparse(node.annotation).startswith("Final"):
            self.visit(node.value)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in node.args.defaults:
            self.visit(default)
        for statement in node.body:
            self.visit(statement)

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        text = ast.get_source_segment(self.source, node.test)
        if not isinstance(node.test, ast.Compare):
            self.add(node.test, f"not ({text})", "condition negated")
        self.add(node.test, "False", "branch never taken")
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        """An assertion that is wrong fails at once; one that is missing shows nothing."""

    def visit_Raise(self, node: ast.Raise) -> None:
        pass

    # What is changed.

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        if isinstance(node.value, ast.Call):
            self.add(node, "pass", "dropped")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if all(isinstance(target, (ast.Attribute, ast.Subscript)) for target in node.targets):
            self.add(node, "pass", "dropped")
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.add(node, "pass", "dropped")
        new = OPERATORS.get(type(node.op))
        if new is not None:
            target = ast.get_source_segment(self.source, node.target)
            value = ast.get_source_segment(self.source, node.value)
            self.add(node, f"{target} {new}= {value}", "operator")
        self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool):
            self.add(node.value, str(not node.value.value), "answer")
        elif node.value is not None:
            self.visit(node.value)

    def visit_Continue(self, node: ast.Continue) -> None:
        self.add(node, "pass", "dropped")

    def visit_Break(self, node: ast.Break) -> None:
        self.add(node, "continue", "break to continue")

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            old = _spelled(operator)
            new = COMPARISONS[type(operator)]
            self.between(left, right, old, new, "comparison")
            if isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
                self.between(left, right, old, ">=" if isinstance(operator, (ast.Lt, ast.LtE)) else "<=", "comparison")
            left = right
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        new = OPERATORS.get(type(node.op))
        if new is not None and not _is_text(node.left) and not _is_text(node.right):
            self.between(node.left, node.right, _spelled(node.op), new, "operator")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.between(left, right, old, new, "boolean")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self.add(node, f"bool({ast.get_source_segment(self.source, node.operand)})", "not dropped")
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        """How much room is made beforehand is seen by nobody."""
        if node.arg != "capacity":
            self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.add(node, str(not node.value), "constant")
        elif isinstance(node.value, int):
            self.add(node, str(node.value + 1), "one more")


def _spelled(operator: ast.cmpop | ast.operator) -> str:
    names = {
        ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is",
        ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.Add: "+", ast.Sub: "-", ast.Mult: "*",
        ast.FloorDiv: "//", ast.Mod: "%", ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|",
        ast.BitXor: "^",
    }  # fmt: skip
    return names[type(operator)]  # type: ignore[index]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (bytes, str))


def mutants_of(module: str) -> list[Mutant]:
    """All mutants of a module that are valid Python, without repetitions, in the order of the source."""
    source = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
    finder = Finder(module, source)
    finder.visit(ast.parse(source))
    found = []
    seen = {source}
    for mutant in sorted(finder.found, key=lambda each: (each.start, each.stop, each.text)):
        changed = mutant.apply(source)
        if changed not in seen:
            seen.add(changed)
            ast.parse(changed)
            found.append(mutant)
    return found


def in_rounds(modules: list[str], seed: int) -> Iterator[Mutant]:
    """The mutants of all modules in the order of trial: by turns one of each module, in an order drawn by the seed."""
    lines = []
    for module in modules:
        found = mutants_of(module)
        random.Random(f"{seed} {module}").shuffle(found)
        lines.append(found)
    for at in range(max(map(len, lines), default=0)):
        for found in lines:
            if at < len(found):
                yield found[at]


def equal_mutants() -> dict[tuple[str, str], str]:
    """The mutants that make no difference, by module and `Mutant.change`, each with the reason."""
    found = {}
    module = reason = ""
    for line in EQUAL.read_text(encoding="utf-8").splitlines() if EQUAL.exists() else ():
        if line.startswith("["):
            module = line.strip("[]")
        elif line.startswith("#"):
            reason = line.strip("# ")
        elif line:
            found[module, line] = reason
    return found


class Copy:
    """A copy of the sources and tests in which one mutant at a time is tried."""

    def __init__(self, seed: int, named: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="redpoll-mutants-"))
        self.seed = seed
        self.named = named
        for name in ("src", "tests", "docs", "scripts"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        for name in ("pyproject.toml", "setup.py", "Makefile"):
            shutil.copy(ROOT / name, self.folder / name)

    def run(self, tests: list[str], timeout: float) -> tuple[bool, str]:
        """Whether all tests pass, and which one did not."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder / "src"),
            "PYTHONHASHSEED": str(self.seed),
            "PYTHONDONTWRITEBYTECODE": "1",
            "REDPOLL_EXPECT": "pure",
            "REDPOLL_PROFILE": "ci",
        }
        command = [
            sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist",
            f"--hypothesis-seed={self.seed}", "--tb=no", *tests,
        ]  # fmt: skip
        shutil.rmtree(self.folder / ".hypothesis", ignore_errors=True)
        process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            # It may have started servers of its own.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return False, "no end"
        if process.returncode == 0:
            return True, ""
        failed = [line for line in output.decode(errors="replace").splitlines() if line.startswith(("FAILED", "ERROR"))]
        return False, failed[0].partition(" - ")[0].split(" ", 1)[1] if failed else f"status {process.returncode}"

    def try_out(self, mutant: Mutant, times: dict[str, float]) -> tuple[str, str]:
        """`killed` or `survived`, and by which test."""
        path = self.folder / "src" / "redpoll" / f"{mutant.module}.py"
        source = path.read_text(encoding="utf-8")
        path.write_text(mutant.apply(source), encoding="utf-8")
        try:
            for tests in stages(mutant.module, self.named):
                passed, failed = self.run(tests, 10 + 6 * times[" ".join(tests)])
                if not passed:
                    return "killed", failed
            return "survived", ""
        finally:
            path.write_text(source, encoding="utf-8")

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def named_tests(module: str) -> list[str]:
    """The test file that covers a module by name."""
    room, name = module.split("/")
    return [f"tests/unit/{room}/test_{name}.py"]


def stages(module: str, named: bool) -> list[list[str]]:
    """What runs until a test fails."""
    return [named_tests(module)] if named else [named_tests(module), list(TIER)]


class Results:
    """What has been tried, kept in a file as it comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.all: dict[str, list[str]] = json.loads(path.read_text()) if path.exists() else {}

    def keep(self, key: str, outcome: str, by: str) -> None:
        with self.lock:
            self.all[key] = [outcome, by]
            self.path.parent.mkdir(exist_ok=True)
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps(self.all, indent=0))
            fresh.replace(self.path)


class Exercise:
    """One run: `jobs` copies that work through the mutants until the time is over."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.modules: list[str] = options.modules
        self.sources = {module: (PACKAGE / f"{module}.py").read_text(encoding="utf-8") for module in self.modules}
        self.equal = equal_mutants()
        self.results = Results(STATE)
        self.times: dict[str, float] = {}
        self.ends = 0.0
        self.lock = threading.Lock()
        self.tried = 0

    def told(self, mutant: Mutant) -> str:
        return mutant.shown(self.sources[mutant.module])

    def is_equal(self, mutant: Mutant) -> bool:
        return (mutant.module, mutant.change(self.sources[mutant.module])) in self.equal

    def measure(self, copy: Copy) -> None:
        """How long the tests take when nothing is wrong.  Ends the program if something is."""
        named = [named_tests(module) for module in self.modules]
        for tests in named if self.options.named else [*named, list(TIER)]:
            began = time.monotonic()
            passed, failed = copy.run(tests, 900)
            if not passed:
                sys.exit(f"{' '.join(tests)} fails without any change: {failed}")
            self.times[" ".join(tests)] = time.monotonic() - began
            print(f"{self.times[' '.join(tests)]:6.1f} s  {' '.join(tests)}", flush=True)

    def work(self, copy: Copy, waiting: queue.Queue[Mutant], total: int) -> None:
        while time.monotonic() < self.ends:
            try:
                mutant = waiting.get_nowait()
            except queue.Empty:
                return
            outcome, by = copy.try_out(mutant, self.times)
            self.results.keep(mutant.key(self.sources[mutant.module]), outcome, by)
            with self.lock:
                self.tried += 1
                left = max(0, int(self.ends - time.monotonic()))
                print(f"[{self.tried}/{total}, {left // 60}:{left % 60:02} left] {outcome:8}  {self.told(mutant)}"
                      + (f"  ({by})" if by and self.options.verbose else ""), flush=True)  # fmt: skip

    def run(self) -> int:
        ordered = list(in_rounds(self.modules, self.options.seed))
        if self.options.most:
            ordered = ordered[: self.options.most]
        new = []
        for mutant in ordered:
            kept = self.results.all.get(mutant.key(self.sources[mutant.module]))
            again = kept is not None and kept[0] == "survived" and self.options.again
            if (kept is None or again) and not self.is_equal(mutant):
                new.append(mutant)
        if new:
            self.try_all(new)
        return self.report(ordered)

    def try_all(self, new: list[Mutant]) -> None:
        waiting: queue.Queue[Mutant] = queue.Queue()
        for mutant in new:
            waiting.put(mutant)
        began = time.monotonic()
        copies = [Copy(self.options.seed, self.options.named) for _ in range(self.options.jobs)]
        try:
            print(f"{len(new)} mutants to try in at most {self.options.minutes} minutes; first the tests as they are:")
            self.measure(copies[0])
            self.ends = began + 60 * self.options.minutes
            threads = [threading.Thread(target=self.work, args=(copy, waiting, len(new))) for copy in copies]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            for copy in copies:
                copy.close()

    def report(self, ordered: list[Mutant]) -> int:
        """Print survivors and the score; 1 if there are survivors."""
        print()
        killed = survived = equal = 0
        rows = []
        for module in self.modules:
            counts = {"killed": 0, "survived": 0, "equal": 0, "untried": 0}
            for mutant in ordered:
                if mutant.module != module:
                    continue
                kept = self.results.all.get(mutant.key(self.sources[module]))
                outcome = "equal" if self.is_equal(mutant) else kept[0] if kept is not None else "untried"
                counts[outcome] += 1
                if outcome == "survived":
                    print(f"survived: {self.told(mutant)}")
            rows.append((module, counts))
            killed += counts["killed"]
            survived += counts["survived"]
            equal += counts["equal"]
        print()
        for module, counts in rows:
            print(f"{module:28} killed {counts['killed']:4}  survived {counts['survived']:3}  "
                  f"equal {counts['equal']:3}  not tried {counts['untried']:4}")  # fmt: skip
        share = 100 * killed / (killed + survived) if killed + survived else 0.0
        print(f"\n{killed} of {killed + survived} mutants killed: {share:.1f} % (and {equal} that make no difference)")
        return 1 if survived else 0


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", help="such as types/value; else those where a survivor may lose data")
    parser.add_argument("--minutes", type=float, default=30, help="stop after so long (30)")
    parser.add_argument("--seed", type=int, default=1, help="which mutants come first, and what hypothesis draws (1)")
    parser.add_argument("--most", type=int, default=0, help="try no more than so many, in all runs together")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="copies that work at a time")
    parser.add_argument("--again", action="store_true", help="try those anew that survived before")
    parser.add_argument("--list", action="store_true", help="only list the mutants in the order of trial")
    parser.add_argument("--named", action="store_true", help="run only the test file that covers the module by name")
    parser.add_argument("--verbose", action="store_true", help="tell by which test each was killed")
    options = parser.parse_args()
    options.modules = [module.removeprefix("src/redpoll/").removesuffix(".py") for module in options.modules]
    options.modules = options.modules or list(MODULES)
    for module in options.modules:
        if not (PACKAGE / f"{module}.py").exists():
            parser.error(f"there is no src/redpoll/{module}.py")
        if not (ROOT / named_tests(module)[0]).exists():
            parser.error(f"{named_tests(module)[0]} is missing: that is where a mutant of {module} is to be noticed")
    return options


def main() -> int:
    options = parsed_options()
    if options.list:
        for mutant in in_rounds(options.modules, options.seed):
            print(mutant.shown((PACKAGE / f"{mutant.module}.py").read_text(encoding="utf-8")))
        return 0
    return Exercise(options).run()


if __name__ == "__main__":
    sys.exit(main())
