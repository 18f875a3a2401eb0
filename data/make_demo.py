"""Make the synthetic quarter in data/demo: always the same bytes from the same code.

    python data/make_demo.py [--out FOLDER]

`demo_maker/plan.py` holds what is drawn by hand, the other modules fill it in by rule; see
data/README.md for what is shaped on published facts and what is invented.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from shapely import LineString, Polygon

from demo_maker import consultation, geojson, homes, lines, network, places, plan, terrain

HERE = Path(__file__).parent
SEED = 20_231_119

Used = list[tuple[str, homes.Slot, Polygon]]


def main() -> None:
    """Write the quarter to a folder."""
    parser = argparse.ArgumentParser(description="Make the synthetic quarter.")
    parser.add_argument("--out", type=Path, default=HERE / "demo", metavar="FOLDER")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)

    drawn, areas = lines.drawn(), homes.outlines()
    used, paths = fill(areas, drawn, rng)
    joined = network.build(drawn, paths, areas)
    walked = [line.shape for line in joined.web if line.street is not plan.ISLAND]
    ground = terrain.elevation(shapely.total_bounds([*walked, *areas.values()]))
    home_rows = residents(used, rng)
    tables = {
        "communities": communities(joined, areas),
        "homes": home_rows,
        "facilities": places.facilities(walked),
        "idle_buildings": places.idle_buildings(walked, places.free_shapes(used), rng),
        "walls": network.wall_rows(joined),
        "gates": network.gate_rows(joined),
        "streets": network.street_rows(joined, ground),
    }
    for name, rows in tables.items():
        geojson.write(rows, out / f"{name}.geojson")
    extent = shapely.convex_hull(shapely.union_all([*walked, *(h["geometry"] for h in home_rows)]))
    terrain.write(ground, out / "elevation.tif", "height above the datum [m]")
    terrain.write(terrain.population(home_rows, extent), out / "population.tif", "people a cell")
    consultation.write(out)
    shutil.copyfile(HERE / "demo_maker" / "project.toml", out / "project.toml")


def fill(
    areas: dict[str, Polygon], drawn: Sequence[lines.Line], rng: np.random.Generator
) -> tuple[Used, list[lines.Line]]:
    """Places for buildings in every block, the footpaths along them, and the island's track."""
    streets = [line.shape for line in drawn if not line.street.deck]
    blocks = homes.blocks(areas, streets)
    every = shapely.MultiLineString(streets)
    found = [homes.slots(block, number, every, rng) for number, block in enumerate(blocks)]
    for community in plan.COMMUNITIES:
        own = [
            slot
            for block, slots in zip(blocks, found, strict=True)
            if block.community is community
            for slot in slots
        ]
        wanted = community.buildings - len(community.apart)
        homes.assign(own, wanted, places.others_in(community), rng)
    used: Used = []
    paths = [lines.Line(plan.lay(LineString(plan.ISLAND.points)), plan.ISLAND)]
    for block, slots in zip(blocks, found, strict=True):
        rules = block.community
        used += [(rules.key, slot, block.back(slot.shape)) for slot in slots if slot.use]
        footway = plan.Street([], "footway", access=rules.paths_access)
        paths += [lines.Line(p, footway) for p in homes.row_paths(block, slots, every, rng)]
    return used, paths


def residents(used: Used, rng: np.random.Generator) -> list[dict[str, object]]:
    """The homes of every community."""
    rows = []
    for community in plan.COMMUNITIES:
        shapes = [shape for key, slot, shape in used if key == community.key and slot.use == "home"]
        rows += homes.table(community, shapes, rng)
    return rows


def communities(joined: network.Network, areas: dict[str, Polygon]) -> list[dict[str, object]]:
    """The communities with their counts; the outline of an enclosed one is its wall."""
    return [
        {
            "community_id": community.key,
            "name": community.name,
            "name_en": community.name_en,
            "built_year": community.built,
            "households": community.households,
            "residents": community.residents,
            "elderly": community.elderly,
            "children": community.children,
            "enclosed": community.enclosed,
            "geometry": joined.area(community.key, areas[community.key]),
        }
        for community in plan.COMMUNITIES
    ]


if __name__ == "__main__":
    main()
