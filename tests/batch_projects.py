"""Tiny projects on disk, quick to plan, and fifty ways to break one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

EAST, NORTH = 117.0, 30.0
M = 1e-5
"""About a metre, in degrees."""

PROJECT = """
[project]
name = "小院 {number}"
crs = "EPSG:32650"
[inputs]
communities = "communities.geojson"
homes = "homes.geojson"
facilities = "facilities.geojson"
streets = "streets.geojson"
idle_buildings = "idle.geojson"
gates = "gates.geojson"
walls = "walls.geojson"
[network]
untagged_gates = "open"
[evaluate]
minutes = [5, 10]
services = ["market", "canteen"]
[services.canteen]
group = "elderly"
within_min = 4
[ranking]
services = ["canteen"]
budget_yuan = 500000
"""


def at(x: float, y: float) -> list[float]:
    return [EAST + x * M, NORTH + y * M]


def collection(rows: list[tuple[str, Any, dict[str, Any]]]) -> dict[str, Any]:
    """Rows of kind of geometry, coordinates and columns as GeoJSON."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": columns,
                "geometry": None if kind is None else {"type": kind, "coordinates": where},
            }
            for kind, where, columns in rows
        ],
    }


def tables(number: int = 0) -> dict[str, dict[str, Any]]:
    """One street with three homes; the number moves people and the shop."""
    box = [[at(-10, -30), at(610, -30), at(610, 30), at(-10, 30), at(-10, -30)]]
    people = [(100, 30 + number % 7, 10), (350, 20, 5 + number % 5), (600, 50, 20)]
    homes = [
        ("Point", at(x, 5), {
            "home_id": f"h{row}", "community_id": "c", "residents": residents,
            "elderly": elderly, "storeys": 1 + row * 2,
        })
        for row, (x, residents, elderly) in enumerate(people)
    ]  # fmt: skip
    idle = {"building_id": "i", "floor_area_m2": 400.0, "conversion_cost_yuan": 300_000}
    return {
        "communities": collection([("Polygon", box, {"community_id": "c", "name": "院"})]),
        "homes": collection(homes),
        "facilities": collection(
            [("Point", at(number % 50, 0), {"facility_id": "m", "service": "market"})]
        ),
        "streets": collection([("LineString", [at(0, 0), at(600, 0)], {"kind": "footway"})]),
        "idle": collection([("Point", at(500, 5), idle)]),
        "gates": collection([("Point", at(200, 0), {"gate_id": "g", "who": "everyone"})]),
        "walls": collection([("LineString", [at(200, -20), at(200, 20)], {"wall_id": "w"})]),
    }


def write_tiny(folder: Path, number: int = 0) -> Path:
    """A whole project."""
    folder.mkdir(parents=True)
    for name, table in tables(number).items():
        (folder / f"{name}.geojson").write_text(json.dumps(table), encoding="utf-8")
    (folder / "project.toml").write_text(PROJECT.format(number=number), encoding="utf-8")
    return folder


def say(old: str, new: str) -> Callable[[Path], None]:
    """Another text in the project file."""

    def change(folder: Path) -> None:
        file = folder / "project.toml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    return change


def cell(table: str, column: str, value: Any, row: int = 0) -> Callable[[Path], None]:
    """Another value in one cell, or none at all."""

    def change(folder: Path) -> None:
        file = folder / f"{table}.geojson"
        found = json.loads(file.read_text(encoding="utf-8"))
        properties = found["features"][row]["properties"]
        properties[column] = value
        file.write_text(json.dumps(found), encoding="utf-8")

    return change


def without(table: str, column: str) -> Callable[[Path], None]:
    """A table without one column."""

    def change(folder: Path) -> None:
        file = folder / f"{table}.geojson"
        found = json.loads(file.read_text(encoding="utf-8"))
        for feature in found["features"]:
            del feature["properties"][column]
        file.write_text(json.dumps(found), encoding="utf-8")

    return change


def shape(table: str, kind: str | None, where: Any, row: int = 0) -> Callable[[Path], None]:
    """Another geometry in one row."""

    def change(folder: Path) -> None:
        file = folder / f"{table}.geojson"
        found = json.loads(file.read_text(encoding="utf-8"))
        geometry = None if kind is None else {"type": kind, "coordinates": where}
        found["features"][row]["geometry"] = geometry
        file.write_text(json.dumps(found), encoding="utf-8")

    return change


def content(name: str, data: bytes | None) -> Callable[[Path], None]:
    """Other bytes in a file; None takes it away."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        if data is not None:
            (folder / name).write_bytes(data)

    return change


def half(name: str) -> Callable[[Path], None]:
    """Only the first half of a file."""

    def change(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])

    return change


def folder_for(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


BOW = [[at(0, 0), at(600, 30), at(600, 0), at(0, 30), at(0, 0)]]
LINE = [at(0, 0), at(9, 0)]

BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "no project file": (content("project.toml", None), "project.toml"),
    "project file cut": (say("[evaluate]", "[evaluate"), "project.toml"),
    "project file in GBK": (
        lambda folder: (folder / "project.toml").write_bytes(
            PROJECT.replace("小院", "幸福里").encode("gbk")
        ),
        "project.toml",
    ),
    "project file empty": (content("project.toml", b""), "no crs"),
    "no crs": (say('crs = "EPSG:32650"', ""), "no crs"),
    "crs unknown": (say("EPSG:32650", "EPSG:99"), "EPSG:99"),
    "crs in degrees": (say("EPSG:32650", "EPSG:4326"), "not in metres"),
    "section misspelt": (say("[evaluate]", "[evalaute]"), "evaluate"),
    "key misspelt": (say("untagged_gates", "untaged_gates"), "untagged_gates"),
    "no homes named": (say('homes = "homes.geojson"', ""), "homes"),
    "path without a file": (say('"streets.geojson"', '"roads.geojson"'), "roads.geojson"),
    "path is a number": (say('"homes.geojson"', "7"), "homes"),
    "datum unknown": (
        say('"homes.geojson"', '{ path = "homes.geojson", datum = "mars" }'), "mars",
    ),
    "encoding unknown": (
        say('"homes.geojson"', '{ path = "homes.geojson", encoding = "klingon" }'), "klingon",
    ),
    "services is a text": (say('["market", "canteen"]', '"market"'), "services"),
    "service unknown": (say('["market", "canteen"]', '["markets"]'), "markets"),
    "minutes below 0": (say("[5, 10]", "[-5]"), "minutes"),
    "minutes is a text": (say("[5, 10]", '["five"]'), "minutes"),
    "minutes empty": (say("[5, 10]", "[]"), "minutes"),
    "group without a column": (say('"elderly"', '"students"'), "students"),
    "limit below 0": (say("within_min = 4", "within_min = -4"), "within_min"),
    "walker unknown": (say("within_min = 4", 'walker = "ghost"'), "ghost"),
    "budget below 0": (say("500000", "-1"), "budget_yuan"),
    "ranked for what is not evaluated": (say('services = ["canteen"]', 'services = ["health"]'),
        "health"),
    "standard unknown": (say("[ranking]", '[checkup]\nstandards = ["gb0"]\n[ranking]'), "gb0"),
    "gates taken for what": (say('"open"', '"ajar"'), "ajar"),
    "attached within less than 0": (
        say('untagged_gates = "open"', "attach_within_m = -1"), "attach_within_m",
    ),
    "gate within a text": (say('untagged_gates = "open"', 'gate_within_m = "near"'),
        "gate_within_m"),
    "enclosed how": (say('untagged_gates = "open"', 'enclosed = "perhaps"'), "perhaps"),
    "time of day": (say('untagged_gates = "open"', 'at = "25:00"'), "25:00"),
    "heights are a text": (
        say('walls = "walls.geojson"', 'elevation = "project.toml"'),
        "project.toml",
    ),
    "homes cut": (half("homes.geojson"), "homes.geojson"),
    "homes empty": (content("homes.geojson", b""), "homes.geojson"),
    "homes a web page": (content("homes.geojson", b"<!doctype html><p>404</p>"), "homes.geojson"),
    "homes random bytes": (content("homes.geojson", bytes(range(7, 256)) * 9), "homes.geojson"),
    "homes a folder": (folder_for("homes.geojson"), "homes.geojson"),
    "home twice": (cell("homes", "home_id", "h1"), "h1"),
    "home without a key": (cell("homes", "home_id", None), "home_id"),
    "people below 0": (cell("homes", "residents", -3), "residents"),
    "people in words": (cell("homes", "residents", "plenty"), "plenty"),
    "no people": (without("homes", "residents"), "residents"),
    "home in no community": (cell("homes", "community_id", "zz"), "zz"),
    "home nowhere": (shape("homes", None, None), "homes"),
    "home is a line": (shape("homes", "LineString", LINE), "homes"),
    "community is a point": (shape("communities", "Point", at(0, 0)), "communities"),
    "community crosses itself": (shape("communities", "Polygon", BOW), "communities"),
    "community without a name column": (without("communities", "name"), "name"),
    "street is a point": (shape("streets", "Point", at(0, 0)), "streets"),
    "gate sometimes": (cell("gates", "who", "sometimes"), "sometimes"),
    "gate at no hour": (cell("gates", "open_from", "27:99"), "27:99"),
    "building without an area": (without("idle", "floor_area_m2"), "floor_area_m2"),
    "building of less than nothing": (cell("idle", "floor_area_m2", -8), "floor_area_m2"),
}  # fmt: skip
"""How to break a project, and what its error has to name."""
