"""Copies of the embedded district, each with other people and other facilities."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from communityplan.project import demo_folder

SECTIONS = ("project", "inputs", "network", "evaluate", "services", "ranking", "checkup")
"""What every copy is asked: circles, ranking, choice for the budget, check-up."""


def write_copies(folder: Path, copies: int) -> list[Path]:
    """Folders of projects, the same ones for the same number.

    Homes have 0.7 to 1.3 times the people, and each facility is missing in one copy of ten.
    """
    district = demo_folder()
    made = []
    for number in range(copies):
        place = folder / f"district{number:04d}"
        place.mkdir(parents=True)
        for file in district.iterdir():
            if file.suffix in {".geojson", ".tif"}:
                shutil.copy(file, place)
        _vary(place, random.Random(number))  # inputs of a benchmark
        text = (district / "project.toml").read_text(encoding="utf-8")
        (place / "project.toml").write_text(_asked(text), encoding="utf-8")
        made.append(place)
    return made


def _vary(place: Path, rng: random.Random) -> None:
    homes = json.loads((place / "homes.geojson").read_text(encoding="utf-8"))
    for home in homes["features"]:
        factor = rng.uniform(0.7, 1.3)
        for name in ("residents", "elderly", "children", "households"):
            if isinstance(home["properties"].get(name), int | float):
                home["properties"][name] = round(home["properties"][name] * factor)
    (place / "homes.geojson").write_text(json.dumps(homes), encoding="utf-8")
    facilities = json.loads((place / "facilities.geojson").read_text(encoding="utf-8"))
    facilities["features"] = [one for one in facilities["features"] if rng.random() > 0.1]
    (place / "facilities.geojson").write_text(json.dumps(facilities), encoding="utf-8")


def _asked(text: str) -> str:
    """The project file without the sections that need files of their own."""
    kept, keep = [], True
    for line in text.splitlines():
        if line.startswith("["):
            keep = line[1:].split("]")[0].split(".")[0] in SECTIONS
        if keep:
            kept.append(line)
    return "\n".join(kept) + "\n"
