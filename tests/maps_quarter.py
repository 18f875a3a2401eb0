"""A quarter of two communities whose figures can be added up in the head, with difficult names."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

CRS = "EPSG:4548"
EAST, NORTH = 500_000.0, 3_400_000.0
NASTY = "<script>alert('x')</script> \"O'Neil\" & 🏠"
LONG = "名" * 300


def at(x: float, y: float) -> shapely.Point:
    """A point by its metres from the corner of the quarter."""
    return shapely.Point(EAST + x, NORTH + y)


def box(x: float, y: float, wide: float, high: float) -> shapely.Polygon:
    """A rectangle by its corner."""
    return shapely.box(EAST + x, NORTH + y, EAST + x + wide, NORTH + y + high)


def line(*places: tuple[float, float]) -> shapely.LineString:
    """A line through places."""
    return shapely.LineString([at(x, y) for x, y in places])


def table(shapes: list[shapely.Geometry], **columns: object) -> gpd.GeoDataFrame:
    """A table in the coordinate system of the quarter."""
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def communities() -> gpd.GeoDataFrame:
    return table(
        [box(0, 0, 200, 200), box(220, 0, 200, 200)],
        community_id=["c1", "c2"],
        name=[NASTY, LONG],
        name_en=["West Court", "East Court"],
        residents=[300, 100],
    )


def homes() -> gpd.GeoDataFrame:
    return table(
        [box(20, 20, 60, 12), box(20, 80, 60, 12), box(240, 20, 60, 12)],
        home_id=["h1", "h2", "h3"],
        community_id=["c1", "c1", "c2"],
        residents=[200, 100, 100],
        elderly=[60, 30, 40],
    )


def facilities() -> gpd.GeoDataFrame:
    return table(
        [at(100, 50), at(300, 150)],
        facility_id=["f1", "f2"],
        service=["elder_care", "market"],
        name=["西站", "东市场"],
        name_en=["West station", "East market"],
        capacity=[30, np.nan],
    )


def areas() -> gpd.GeoDataFrame:
    """Three nested bands round the elder care, two round the market."""
    rows = [("elder_care", 5, 60), ("elder_care", 10, 120), ("elder_care", 15, 180)]
    rows += [("market", 5, 70), ("market", 10, 150)]
    middle = {"elder_care": at(100, 50), "market": at(300, 150)}
    return table(
        [middle[service].buffer(metres) for service, _, metres in rows],
        service=[row[0] for row in rows],
        within_min=[row[1] for row in rows],
        street_km=[0.1 * row[1] for row in rows],
    )


def ledger() -> pd.DataFrame:
    """60 of 130 older people are covered within 5 minutes, 90 within 10; 40 cannot get there."""
    names = ["community_id", "service", "group", "within_min"]
    counts = ["people", "covered", "beyond", "unreachable"]
    rows = [
        ("c1", "elder_care", "elderly", 5, 90, 60, 30, 0),
        ("c2", "elder_care", "elderly", 5, 40, 0, 0, 40),
        ("c1", "elder_care", "elderly", 10, 90, 90, 0, 0),
        ("c2", "elder_care", "elderly", 10, 40, 0, 0, 40),
        ("c1", "market", "residents", 10, 300, 0, 300, 0),
        ("c2", "market", "residents", 10, 100, 100, 0, 0),
    ]
    return pd.DataFrame(rows, columns=[*names, *counts])


def home_access() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "home_id": ["h1", "h2", "h3", "h1", "h2", "h3"],
            "service": ["elder_care"] * 3 + ["market"] * 3,
            "walk_min": [4.0, 7.04, np.nan, 12.0, 14.0, 3.0],
            "facility_id": ["f1", "f1", None, "f2", "f2", "f2"],
            "reason": ["", "", "behind a wall", "", "", ""],
        }
    )


def idle_buildings() -> gpd.GeoDataFrame:
    return table(
        [box(150, 150, 20, 20), box(350, 40, 20, 20), box(350, 150, 9, 9)],
        building_id=["b1", "b2", "b3"],
        name=["旧浴室", "旧车棚", "小屋"],
        name_en=["Old bathhouse", "Old shed", "Hut"],
        floor_area_m2=[400.0, 250.0, 40.0],
        former_use=["bathhouse", "bicycle shed", "office"],
    )


def ranking() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rank": pd.array([1, 2, None], dtype="Int64"),
            "building_id": ["b2", "b1", "b3"],
            "people_gained": [140.0, 30.0, 0.0],
            "gain_elder_care": [40.0, 30.0, np.nan],
            "services": ["elder_care;market", "elder_care", ""],
            "reason": ["", "", "elder_care: floor area 40 m2 is below 350 m2"],
        }
    )


def walls() -> gpd.GeoDataFrame:
    return table([box(0, 0, 200, 200).exterior], wall_id=["w1"], kind=["wall"])


def gates() -> gpd.GeoDataFrame:
    return table(
        [at(100, 0), at(200, 100), at(0, 100), at(220, 100)],
        gate_id=["g1", "g2", "g3", "g4"],
        who=["everyone", "residents", "closed", None],
    )


def streets() -> gpd.GeoDataFrame:
    return table(
        [line((-20, -10), (440, -10)), line((210, -10), (210, 220))],
        kind=["residential", "footway"],
        climb_m=[4.6, 23.0],
    )


def reached() -> gpd.GeoDataFrame:
    """Streets reached within 5 and within 10 minutes."""
    return table(
        [line((60, -10), (140, -10)), line((-20, -10), (260, -10))],
        within_min=[5, 10],
        service=["elder_care", "elder_care"],
    )


def openings() -> gpd.GeoDataFrame:
    return table([at(200, 40)], opening_id=["o1"], rank=[1], people_gained=[55.0])


def chosen() -> pd.DataFrame:
    """Two services in the bathhouse, for 0.9 million yuan together."""
    return pd.DataFrame(
        {
            "building_id": ["b1", "b1"],
            "service": ["elder_care", "market"],
            "cost_yuan": [100_000.0, 0.0],
            "opening_cost_yuan": [800_000.0, 0.0],
            "floor_area_m2": [200.0, 150.0],
            "people": [30.0, 100.0],
        }
    )


def everything() -> dict[str, pd.DataFrame]:
    """All tables, as `coverage_map` takes them."""
    return {
        "communities": communities(),
        "homes": homes(),
        "facilities": facilities(),
        "areas": areas(),
        "coverage": ledger(),
        "home_access": home_access(),
        "idle_buildings": idle_buildings(),
        "ranking": ranking(),
        "chosen": chosen(),
        "openings": openings(),
        "walls": walls(),
        "gates": gates(),
        "streets": streets(),
        "reached": reached(),
    }
