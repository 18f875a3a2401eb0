"""The embedded district: contracts, sums, published shapes, walls and gates, same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import shapely

import communityplan as cp
from communityplan.tables import TABLES, check

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "data" / "demo"


@pytest.fixture(scope="module")
def demo() -> cp.Project:
    return cp.load_project("demo")


def test_every_table_keeps_its_contract(demo):
    for name in ("communities", "homes", "facilities", "idle_buildings", "walls", "gates"):
        check(getattr(demo, name), TABLES[name])
    check(demo.streets, TABLES["streets"])


def test_homes_add_up_to_their_communities(demo):
    groups = ["households", "residents", "elderly", "children"]
    homes = demo.homes.groupby("community_id")[groups].sum()
    communities = demo.communities.set_index("community_id")[groups]
    assert (homes == communities.loc[homes.index]).all(axis=None)
    assert (demo.homes["elderly"] + demo.homes["children"] <= demo.homes["residents"]).all()


def test_two_communities_are_shaped_on_published_figures(demo):
    communities = demo.communities.set_index("name_en")
    large = communities.loc["Qingsong Li"]
    assert large.geometry.area / 1e4 == pytest.approx(26, abs=0.1)
    assert large["households"] == 3605
    assert large["elderly"] / large["residents"] == pytest.approx(0.396, abs=0.0005)
    assert (demo.homes["community_id"] == large["community_id"]).sum() == 43
    small = communities.loc["Changyan Court"]
    own = demo.homes[demo.homes["community_id"] == small["community_id"]]
    assert (small["built_year"], small["households"], len(own)) == (1994, 224, 7)
    assert own["floor_area_m2"].sum() == 25_000


def test_most_homes_are_walk_ups_of_six_storeys(demo):
    six = demo.homes[demo.homes["storeys"] == 6]
    assert len(six) > 0.4 * len(demo.homes)
    no_lift = ~demo.homes["has_lift"].astype(str).str.lower().isin(["true", "1", "yes"])
    assert no_lift.mean() > 0.8


def test_idle_buildings_have_the_published_mean(demo):
    assert len(demo.idle_buildings) == 25
    assert demo.idle_buildings["floor_area_m2"].mean() == pytest.approx(32_000 / 104, abs=3)
    assert (demo.idle_buildings["floor_area_m2"] >= 800).any()


def test_the_services_are_there_and_scarce(demo):
    counts = demo.facilities["service"].value_counts()
    assert set(counts.index) >= {"elder_care", "childcare", "canteen", "health", "market"}
    elder = demo.facilities[demo.facilities["service"] == "elder_care"]
    assert elder["capacity"].sum() < 0.04 * demo.homes["elderly"].sum()


def test_the_web_hangs_together_but_for_one_island(demo):
    graph = nx.Graph()
    for edge in demo.network().edges.itertuples():
        if edge.access != "closed":
            graph.add_edge(edge.u, edge.v)
            graph[edge.u][edge.v]["m"] = graph[edge.u][edge.v].get("m", 0) + edge.length_m
    lengths = sorted(
        sum(d["m"] for *_, d in graph.subgraph(part).edges(data=True))
        for part in nx.connected_components(graph)
    )
    assert lengths[-1] / sum(lengths) > 0.97


def test_somebody_is_unreachable_and_the_ledger_says_so(demo):
    access = cp.home_access(demo.network(), demo.homes, demo.facilities, service="market")
    lost = access[access["walk_min"].isna()]
    assert 0 < len(lost) < 10
    assert (lost["reason"] != "").all()


def test_gates_lie_on_walls_and_streets(demo):
    walls = shapely.union_all(demo.walls.geometry)
    streets = shapely.union_all(demo.streets.geometry)
    assert demo.gates.distance(walls).max() < 1
    assert demo.gates.distance(streets).max() < 1
    assert {"everyone", "residents", "closed"} <= set(demo.gates["who"].dropna())
    assert demo.gates["who"].isna().any()


def test_there_are_steps_crossings_slopes_and_a_bridge_that_meets_nothing(demo):
    streets = demo.streets
    assert streets["steps"].astype(bool).any()
    assert streets["crossing"].astype(bool).sum() > 10
    grade = (streets["climb_m"].abs() / streets.length).to_numpy()
    assert np.nanmax(grade[streets.length.to_numpy() > 20]) > 0.05
    tree = shapely.STRtree(streets.geometry.to_numpy())
    one, two = tree.query(streets.geometry.to_numpy(), predicate="crosses")
    assert len(one) > 0
    assert (one != two).all()


def test_the_rasters_agree_with_the_tables(demo):
    import rasterio

    with rasterio.open(demo.population) as raster:
        people = raster.read(1, masked=True)
        assert raster.nodata is not None
        assert float(people.sum()) == pytest.approx(demo.homes["residents"].sum(), rel=1e-6)
    with rasterio.open(demo.elevation) as raster:
        left, bottom, right, top = raster.bounds
        assert raster.read(1, masked=True).max() > raster.read(1, masked=True).min() + 10
    box = shapely.box(left, bottom, right, top)
    assert box.contains(shapely.box(*demo.homes.to_crs(raster.crs).total_bounds))


def test_it_is_small_and_says_that_it_is_synthetic(demo):
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 3_000_000
    assert demo.synthetic
    assert "合成" in demo.note
    assert "synthetic" in demo.note_en
    assert demo.idle_buildings["note"].str.contains("invented").all()


def test_names_are_in_two_languages(demo):
    for table in (demo.communities, demo.facilities, demo.idle_buildings):
        assert table["name"].notna().all()
        assert table["name_en"].notna().all()


def test_the_script_writes_the_same_bytes(tmp_path):
    script = ROOT / "data" / "make_demo.py"
    subprocess.run([sys.executable, str(script), "--out", str(tmp_path)], check=True)
    made = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    kept = {file.name: file.read_bytes() for file in FOLDER.iterdir()}
    assert made.keys() == kept.keys()
    assert [name for name in made if made[name] != kept[name]] == []
