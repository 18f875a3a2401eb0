"""The house: what imports what, what importing costs, and that names are as promised."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import communityplan as cp

PACKAGE = Path(cp.__file__).parent

# a room imports only rooms above it
ROOMS = [
    "errors",
    "tables",
    "walker",
    "coordinates",
    "standards",
    "wording",
    "_search",
    "network",
    "load",
    "demand",
    "project",
    "reach",
    "coverage",
    "access",
    "checkup",
    "siting",
    "allocation",
    "scenario",
    "finance",
    "consent",
    "menu",
    "indicators",
    "maps",
    "plan",
    "versions",
    "batch",
    "report",
    "cli",
]


def room_files() -> list[tuple[str, Path]]:
    """Every module with the room it belongs to."""
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        if parts != ("__init__",):
            found.append((parts[0], file))
    return found


def imported_rooms(file: Path) -> set[str]:
    """Rooms that a module imports, inside functions too."""
    rooms = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "communityplan" and len(parts) > 1 and parts[1] in ROOMS:
                rooms.add(parts[1])
    return rooms


@pytest.mark.parametrize(("room", "file"), room_files(), ids=lambda value: str(value)[-40:])
def test_a_room_imports_only_rooms_above_it(room, file):
    assert room in ROOMS, f"{room} has no place in the order of rooms"
    below = {other for other in imported_rooms(file) if ROOMS.index(other) > ROOMS.index(room)}
    assert not below


def test_importing_loads_nothing_slow():
    slow = ("matplotlib", "folium", "osmnx", "numba", "rasterio", "highspy", "osmium", "dask")
    code = f"import sys, communityplan; print([m for m in {slow} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert found.strip() == "[]"


def test_public_names_are_there_and_documented():
    for name in cp.__all__:
        thing = getattr(cp, name)
        if callable(thing):
            assert thing.__doc__, name


def test_rooms_stay_small():
    long = {
        str(file.relative_to(PACKAGE)): lines
        for _, file in room_files()
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert not long


def test_links_between_pages_lead_somewhere():
    root = Path(__file__).parents[1]
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("data/*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken
