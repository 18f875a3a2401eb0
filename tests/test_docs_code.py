"""Code on the pages: it runs on the embedded district, and names nothing that is not there."""

from __future__ import annotations

import ast
import re
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
# the others read files of the user's own, or take long and are tested where they belong
RUN = ("access", "checkup", "coverage", "flow", "how_to", "maps", "scenarios", "siting")

mpl.use("Agg")


def blocks_of(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


START = blocks_of(ROOT / "docs" / "flow.md")[-1]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with the tables of the embedded district, and no plots left over."""
    folder = tmp_path / "district"
    shutil.copytree(ROOT / "data" / "demo", folder)
    monkeypatch.chdir(folder)
    yield folder
    plt.close("all")


@pytest.fixture(scope="module")
def beginning() -> dict[str, Any]:
    """What every page may use."""
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(START, "flow.md", "exec"), names)
    return names


@pytest.mark.parametrize("name", RUN)
def test_examples_run_as_they_stand(name, here, beginning):
    names = dict(beginning)
    for place, block in enumerate(blocks_of(ROOT / "docs" / f"{name}.md"), start=1):
        exec(compile(block, f"{name}.md, example {place}", "exec"), names)
    assert here.is_dir()


def modules_of(tree: ast.AST) -> dict[str, Any]:
    """Modules of the package that a block imports, by the names it gives them."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "communityplan":
                    found[alias.asname or alias.name] = import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("communityplan"):
            for alias in node.names:
                thing = getattr(import_module(node.module), alias.name)
                if type(thing).__name__ == "module":
                    found[alias.asname or alias.name] = thing
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page)], ids=lambda p: p.stem)
def test_examples_name_what_is_there(page):
    known = modules_of(ast.parse(START))
    for block in blocks_of(page):
        tree = ast.parse(block)
        known |= modules_of(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                module = known.get(node.value.id)
                assert module is None or hasattr(module, node.attr), ast.unparse(node)
