"""Mutation testing: small faults put into a copy of the package, which its tests have to notice.

``make mutants`` draws a seeded sample of faults in the rooms reach, coverage and allocation, runs
the tests of the room on each until the first failure, and prints every fault that no test noticed.
Each of those is either no fault at all (an equivalent mutant) or a test that is missing. Not a
test itself: it takes minutes.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = {
    "coverage": ["test_coverage.py"],
    "reach": ["test_reach_corners.py", "test_reach.py", "test_reach_tables.py"],
    "allocation": [
        "test_allocation.py",
        "test_allocation_places.py",
        "test_allocation_sites.py",
        "test_allocation_search.py",
        "test_allocation_programme.py",
    ],
}
PRELOADED = ("geopandas", "scipy.sparse.csgraph", "networkx", "highspy", "hypothesis", "pytest")
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One fault: the ``number``-th place of a file that can be changed."""

    room: str
    file: str
    number: int
    line: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.before!r} -> {self.after!r}"


def _without_types(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Children that do something: no annotations, no docstrings, no list of public names."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            is_text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            is_names = isinstance(child, ast.Assign) and ast.unparse(child).startswith("__all__")
            if isinstance(child, ast.AST) and not is_text and not is_names:
                yield field, child


def _change(node: ast.AST) -> list[ast.AST]:
    """What a node can be changed into."""
    new = copy.deepcopy(node)
    if isinstance(new, ast.Compare) and type(new.ops[0]) in SWAPS:
        new.ops[0] = SWAPS[type(new.ops[0])]()
        return [new]
    if isinstance(new, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(new.op) in SWAPS:
        new.op = SWAPS[type(new.op)]()
        return [new, ast.Pass()] if isinstance(new, ast.AugAssign) else [new]
    if isinstance(new, ast.UnaryOp) and isinstance(new.op, ast.Not | ast.Invert):
        return [new.operand]
    if isinstance(new, ast.Constant) and isinstance(new.value, bool | int | float):
        changed = not new.value if isinstance(new.value, bool) else new.value + 1
        return [ast.Constant(changed)]
    if isinstance(new, ast.Expr | ast.Raise | ast.Continue | ast.Break):
        return [ast.Pass()]
    if isinstance(new, ast.If):
        new.test = ast.Constant(False)
        return [new]
    return []


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, ast.AST, ast.AST]]:
    """Every parent, field and node that can be changed, with what it becomes."""
    for field, child in _without_types(tree):
        for new in _change(child):
            yield tree, field, child, new
        yield from places(child)


def mutants_of(room: str, root: Path) -> list[Mutant]:
    """Every fault that can be put into a room."""
    found = []
    for file in sorted((root / "src/communityplan" / room).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for number, (_, _, old, new) in enumerate(places(tree)):
            shown = [ast.unparse(each).splitlines()[0][:110] for each in (old, new)]
            found.append(Mutant(room, str(file.relative_to(root)), number, old.lineno, *shown))
    return found


def mutated(text: str, mutant: Mutant) -> str:
    """The text of a file with the fault in it."""
    tree = ast.parse(text)
    parent, field, old, new = list(places(tree))[mutant.number]
    value = getattr(parent, field)
    if isinstance(value, list):
        value[[id(child) for child in value].index(id(old))] = new
    else:
        setattr(parent, field, new)
    return ast.unparse(ast.fix_missing_locations(tree))


def copied(folder: Path) -> None:
    """What the tests need, where faults do no harm."""
    for name in ("src", "tests", "data"):
        unwanted = shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc")
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    shutil.copy(ROOT / "pyproject.toml", folder)


def passes(folder: Path, tests: list[str], cpu_s: int) -> str:
    """How the tests end on the copy, run in a process of their own: ok, failed or stopped."""
    child = os.fork()
    if child == 0:
        _run_tests(folder, tests, cpu_s)
    until = time.monotonic() + 12 * cpu_s
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return "stopped" if code < 0 else {0: "ok", 1: "failed"}.get(code, "broken")
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "stopped"


def _run_tests(folder: Path, tests: list[str], cpu_s: int) -> None:
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 2))
    os.chdir(folder)
    sys.path.insert(0, str(folder / "src"))
    os.environ["PYTHONPATH"] = str(folder / "src")
    with open(os.devnull, "w") as quiet:
        os.dup2(quiet.fileno(), 1)
        os.dup2(quiet.fileno(), 2)
    code = 3
    try:
        wanted = [f"tests/{name}" for name in tests]
        # loaded before pytest on purpose
        quiet_on = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", *quiet_on]
        code = int(pytest.main([*wanted, *options]))
    finally:
        os._exit(code)


def sample(counts: dict[str, int], seed: int, root: Path) -> list[Mutant]:
    """So many mutants of each room, the same for the same seed and source."""
    chosen = []
    for room, count in counts.items():
        every = mutants_of(room, root)
        chosen += random.Random(f"{seed} {room}").sample(every, min(count, len(every)))
    # in no order, so that a run that is stopped is a fair sample too
    random.Random(seed).shuffle(chosen)
    return chosen


def main() -> None:
    """Run the sample and print what survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", nargs=3, type=int, default=[30, 60, 60], metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cpu-s", type=int, default=60, help="processor time for one mutant")
    asked = parser.parse_args()
    os.nice(10)
    sys.dont_write_bytecode = True
    for name in PRELOADED:
        importlib.import_module(name)
    counts = dict(zip(TESTS, asked.counts, strict=True))
    ends: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "copy"
        folder.mkdir()
        copied(folder)
        for room in [room for room, count in counts.items() if count]:
            if (end := passes(folder, TESTS[room], 10 * asked.cpu_s)) != "ok":
                sys.exit(f"the tests of {room} end as {end!r} before any fault is put in")
        try:
            for mutant in sample(counts, asked.seed, folder):
                end = tried(mutant, folder, asked.cpu_s)
                ends[mutant.room, end] += 1
                if end == "ok":
                    print(f"SURVIVED {mutant}", flush=True)
        finally:
            # a run that is stopped says what it has found so far
            for (room, end), count in sorted(ends.items()):
                print(f"{room}: {count} {'survived' if end == 'ok' else end}", flush=True)


def tried(mutant: Mutant, folder: Path, cpu_s: int) -> str:
    """How the tests of the room end with the fault in the copy."""
    file = folder / mutant.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(mutated(whole, mutant), encoding="utf-8")
    end = passes(folder, TESTS[mutant.room], cpu_s)
    file.write_text(whole, encoding="utf-8")
    return end


if __name__ == "__main__":
    main()
