"""Random towns with walls, enclosed compounds, gates, private ways and one-way footways."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from communityplan.scenario import (
    Measure,
    add_crossing,
    add_facility,
    add_gate,
    add_lift,
    add_path,
    open_gate,
    remove_wall,
)
from towns import CRS, lines, points

BLOCK_M = 100.0
SIZE = 5


def _streets(rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Blocks of a grid, some missing, some bent, one-way, private or steep."""
    coords = []
    for i in range(SIZE):
        for j in range(SIZE):
            here = (i * BLOCK_M, j * BLOCK_M)
            for there in ((here[0] + BLOCK_M, here[1]), (here[0], here[1] + BLOCK_M)):
                if max(there) > (SIZE - 1) * BLOCK_M or rng.random() < 0.2:
                    continue
                middle = (np.add(here, there) / 2 + rng.integers(-2, 3, 2) * 4.0).tolist()
                coords.append([here, tuple(middle), there])
    n = len(coords)
    return lines(
        *coords,
        kind="lane",
        oneway_foot=rng.random(n) < 0.1,
        access=rng.choice(["everyone", "everyone", "everyone", "residents"], n),
        climb_m=rng.normal(0, 3, n).round(1),
        steps=rng.random(n) < 0.05,
    )


def _communities(rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Boxes side by side, so that two may share a boundary."""
    lefts = rng.permutation([-30.0, 120.0, 270.0])[:2]
    boxes = [
        shapely.box(x, y, x + 150, y + rng.integers(8, 22) * 10.0)
        for x, y in zip(lefts, rng.integers(-3, 15, 2) * 10.0 + 3, strict=True)
    ]
    return gpd.GeoDataFrame(
        {
            "community_id": ["a", "b"],
            "name": ["甲", "乙"],
            "enclosed": rng.random(2) < 0.8,
        },
        geometry=boxes,
        crs=CRS,
    )


def _walls(rng: np.random.Generator, communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    xy = rng.integers(0, 40, (3, 2, 2)) * 10.0 + 5
    free = [shapely.LineString(ends) for ends in xy if tuple(ends[0]) != tuple(ends[1])]
    drawn = list(shapely.boundary(communities.geometry.to_numpy())) if rng.random() < 0.4 else []
    shapes = [*free, *drawn]
    return gpd.GeoDataFrame(
        {"wall_id": [f"w{i}" for i in range(len(shapes))], "kind": "wall"}, geometry=shapes, crs=CRS
    )


def _meets(streets: gpd.GeoDataFrame, barriers: list[shapely.Geometry]) -> list[shapely.Point]:
    union = shapely.union_all(barriers)
    met = shapely.get_parts(shapely.intersection(streets.geometry.to_numpy(), union))
    return [shape for shape in met if shape.geom_type == "Point"]


def compound_town(seed: int) -> tuple[dict[str, gpd.GeoDataFrame], dict[str, object]]:
    """Tables of a town of 400 m by 400 m, and options of its network."""
    rng = np.random.default_rng(seed)
    streets, communities = _streets(rng), _communities(rng)
    walls = _walls(rng, communities)
    barriers = [*walls.geometry, *shapely.boundary(communities.geometry.to_numpy())]
    met = _meets(streets, barriers)
    chosen = [met[i] for i in rng.permutation(len(met))[:4]]
    gates = points(
        [(p.x, p.y) for p in chosen],
        gate_id=[f"g{i}" for i in range(len(chosen))],
        who=rng.choice(["closed", "residents", "everyone", None], len(chosen)),
        wait_s=rng.choice([0.0, 15.0], len(chosen)),
        open_from=None,
        open_until=None,
    )
    n = 14
    xy = rng.uniform(-20, 420, (n + 4, 2)).round(1)
    homes = points(
        [tuple(p) for p in xy[:n]],
        home_id=[f"h{i}" for i in range(n)],
        residents=rng.integers(1, 60, n),
        storeys=rng.integers(1, 8, n),
        has_lift=rng.random(n) < 0.2,
    )
    areas = communities.geometry.to_numpy()
    inside = [next((k for k in (0, 1) if areas[k].contains(p)), None) for p in homes.geometry]
    homes["community_id"] = ["ab"[k] if k is not None else "-" for k in inside]
    shops = points(
        [tuple(p) for p in xy[n:]],
        facility_id=[f"f{i}" for i in range(4)],
        service=["market", "market", "canteen", "canteen"],
    )
    halls = points([tuple(rng.uniform(0, 400, 2))], building_id=["b0"], floor_area_m2=[300.0])
    tables = {
        "homes": homes,
        "facilities": shops,
        "streets": streets,
        "communities": communities,
        "walls": walls,
        "gates": gates,
        "idle_buildings": halls,
    }
    options = {
        "untagged_gates": str(rng.choice(["open", "residents", "closed"])),
        "enclosed": str(rng.choice(["as_given", "as_given", "all"])),
        "attach_within_m": float(rng.choice([40.0, 80.0])),
        "at": [None, "23:00"][rng.integers(2)],
    }
    return tables, options


def random_openings(seed: int, tables: dict[str, gpd.GeoDataFrame]) -> list[Measure]:
    """Measures of every kind that only open."""
    rng = np.random.default_rng(seed)
    gates, walls, streets = tables["gates"], tables["walls"], tables["streets"]
    found: list[Measure] = [open_gate(str(name)) for name in gates["gate_id"]]
    found += [remove_wall(str(name)) for name in walls["wall_id"]]
    for name in ("a", "b"):
        ring = tables["communities"].set_index("community_id").geometry[name].boundary
        ends = tuple(ring.interpolate(metres) for metres in rng.uniform(0, ring.length, 2))
        found += [
            remove_wall(community_id=name),
            remove_wall(community_id=name, between=ends),
        ]
    barriers = [*walls.geometry, *shapely.boundary(tables["communities"].geometry.to_numpy())]
    met = _meets(streets, barriers)
    found += [
        add_gate(met[i], who=str(rng.choice(["everyone", "residents"])))
        for i in rng.permutation(len(met))[:3]
    ]
    for _ in range(4):
        a, b = rng.integers(0, len(streets), 2)
        ends = [streets.geometry.iloc[row].interpolate(rng.uniform(0, 60)) for row in (a, b)]
        if ends[0].distance(ends[1]) > 5:
            line = shapely.LineString(ends)
            found += [
                add_path(line, opens="everyone"),
                add_path(line, access=str(rng.choice(["everyone", "residents"]))),
                add_crossing(line),
            ]
    found += [
        add_facility(tuple(rng.uniform(0, 400, 2)), "market", 10),
        add_facility("b0", "canteen"),
        add_lift("h1", "h2"),
    ]
    return [found[i] for i in rng.permutation(len(found))]


def as_tables(tables: dict[str, gpd.GeoDataFrame]) -> dict[str, pd.DataFrame]:
    """Copies, to see whether anything is changed."""
    return {name: table.copy(deep=True) for name, table in tables.items()}
