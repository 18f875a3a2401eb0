"""People at homes: by hand, by a naive overlay, and with every total kept."""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from communityplan.coordinates.raster import Raster, raster_problems
from communityplan.demand import (
    homes_from_buildings,
    homes_from_counts,
    homes_from_raster,
    placement,
    population_cells,
)
from communityplan.demand.cells import cell_shares
from communityplan.errors import DataError, OptionError, TableError, TooLargeError
from communityplan.tables import HOMES, find_problems, used
from towns import CRS, points

BOXES = [(10, 10, 30, 30), (60, 10, 80, 30), (90, 40, 110, 60)]


def blocks(*boxes: tuple, floor_area_m2: list[float], **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"residential": True, "floor_area_m2": floor_area_m2, **columns},
        geometry=[shapely.box(*box) for box in boxes],
        crs=CRS,
    )


def grid(
    cells: object, *, cell_m: float = 100.0, west: float = 0.0, north: float = 100.0
) -> Raster:
    return Raster(cells, (cell_m, 0, west, 0, -cell_m, north), CRS, "population.tif")


def write(path, cells: np.ndarray, *, crs=CRS, transform=(100, 0, 0, 0, -100, 100), nodata=None):
    profile = {"driver": "GTiff", "height": cells.shape[0], "width": cells.shape[1], "count": 1}
    place = rasterio.Affine(*transform)
    with rasterio.open(
        path, "w", **profile, dtype=cells.dtype, crs=crs, transform=place, nodata=nodata
    ) as file:
        file.write(cells, 1)
    return path


def of(homes: gpd.GeoDataFrame, group: str = "residents") -> list[float]:
    """People, in_place, moved and unplaced of one group."""
    table = placement(homes).set_index("group")
    return table.loc[group, ["people", "in_place", "moved", "unplaced"]].tolist()


def scattered(seed: int, n: int, size_m: float) -> gpd.GeoDataFrame:
    """Random houses, some of them points."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, size_m, (n, 2))
    side = rng.uniform(5, 60, (n, 2))
    shapes = shapely.box(*corner.T, *(corner + side).T)
    shapes = np.where(rng.random(n) < 0.2, shapely.centroid(shapes), shapes)
    return gpd.GeoDataFrame(
        {
            "home_id": [f"h{row}" for row in range(n)],
            "community_id": "-",
            "floor_area_m2": rng.uniform(0, 4000, n) * (rng.random(n) < 0.95),
        },
        geometry=shapes,
        crs=CRS,
    )


def test_buildings_become_homes_by_floor_area():
    towns = gpd.GeoDataFrame(
        {"community_id": ["c"], "name": ["院"]}, geometry=[shapely.box(0, 0, 50, 50)], crs=CRS
    )
    buildings = blocks(*BOXES, floor_area_m2=[386.0, 772.0, 0.0], levels=[2.0, 3.0, 1.0])
    buildings["osm_id"] = ["w1", "w2", "w3"]
    homes = homes_from_buildings(buildings, communities=towns)
    assert homes["home_id"].tolist() == ["w1", "w2"]
    assert homes["residents"].tolist() == pytest.approx([10, 20])
    assert homes["community_id"].tolist() == ["c", "-"]
    assert homes["storeys"].tolist() == [2, 3]
    assert homes_from_buildings(buildings, residents=30)["residents"].tolist() == [10, 20]
    with pytest.raises(TableError, match="no column 'residential'"):
        homes_from_buildings(buildings.drop(columns="residential"))
    with pytest.raises(OptionError, match="m2_per_person is 0"):
        homes_from_buildings(buildings, m2_per_person=0)


def test_a_home_across_two_cells_shares_in_both():
    # the third house lies half in either cell: 1,000 of 5,000 m2 here, and all of the floor there
    buildings = blocks(*BOXES, floor_area_m2=[3000.0, 1000.0, 2000.0])
    homes = homes_from_raster(buildings, grid([[100.0, 7.0]]), kind="count")
    assert homes["residents"].tolist() == pytest.approx([60, 20, 20 + 7])
    assert of(homes) == [107, 107, 0, 0]
    assert not find_problems(homes, HOMES)
    cells = population_cells(buildings, grid([[100.0, 7.0]]), kind="count")
    assert cells[["row", "column", "people", "homes"]].to_numpy().tolist() == [
        [0, 0, 100, 3],
        [0, 1, 7, 1],
    ]
    assert cells["floor_area_m2"].tolist() == pytest.approx([5000, 1000])
    assert cells.geometry.iloc[1].equals(shapely.box(100, 0, 200, 100))


def test_floor_area_of_homes_is_footprint_by_storeys_unless_given():
    homes = gpd.GeoDataFrame(
        {
            "home_id": ["a", "b"],
            "community_id": ["x", "y"],
            "residents": [999, 999],
            "storeys": [6, 2],
            "floor_area_m2": [np.nan, 1200.0],
            "has_lift": [False, True],
        },
        geometry=[shapely.box(0, 0, 20, 20), shapely.Point(50, 50)],
        crs=CRS,
    )
    found = homes_from_raster(homes, grid([[36.0]]), kind="count")
    # 2,400 and 1,200 m2; what was said of residents is replaced, the rest is kept
    assert found["residents"].tolist() == [24, 12]
    assert found[["community_id", "has_lift"]].to_numpy().tolist() == [["x", False], ["y", True]]
    assert homes["residents"].tolist() == [999, 999]
    homes.loc[1, "floor_area_m2"] = np.nan
    with pytest.raises(TableError, match=r"homes, row 2: no floor area. Give floor_area_m2, or"):
        homes_from_raster(homes, grid([[36.0]]), kind="count")


def test_people_of_a_bare_cell_join_the_cell_of_the_nearest_home():
    buildings = blocks((10, 10, 30, 30), (40, 10, 50, 30), floor_area_m2=[300.0, 100.0])
    people = grid([[8.0, 4.0, 2.0, 1.0]])
    # the middles of the bare cells are 102, 201 and 301 m from the nearer house
    near = homes_from_raster(buildings, people, kind="count")
    assert of(near) == [15, 8, 4, 3]
    assert near["residents"].tolist() == pytest.approx([9, 3])
    assert of(homes_from_raster(buildings, people, kind="count", move_within_m=0)) == [15, 8, 0, 7]
    assert of(homes_from_raster(buildings, people, kind="count", move_within_m=205)) == [
        15, 8, 6, 1,
    ]  # fmt: skip
    far = homes_from_raster(buildings, people, kind="count", move_within_m=np.inf)
    assert of(far) == [15, 8, 7, 0]
    cells = population_cells(buildings, people, kind="count", move_within_m=205)
    assert cells["placed"].tolist() == ["in_place", "moved", "moved", "unplaced"]
    reach = [np.hypot(100, 20), np.hypot(200, 20)]
    assert cells["moved_m"].tolist()[1:3] == pytest.approx(reach, abs=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_every_cell_and_the_sum_are_kept_as_a_naive_overlay_has_it(seed):
    rng = np.random.default_rng(seed)
    homes = scattered(seed, 120, 900)
    cells = rng.gamma(0.5, 60, (10, 10)) * (rng.random((10, 10)) < 0.8)
    people = grid(cells, north=1000.0)
    found = homes_from_raster(homes, people, kind="count", move_within_m=0)

    expected = np.zeros(len(homes))
    placed = 0.0
    for row, column in np.ndindex(cells.shape):
        square = shapely.box(100 * column, 900 - 100 * row, 100 * column + 100, 1000 - 100 * row)
        weight = np.zeros(len(homes))
        for home, (shape, floor) in enumerate(
            zip(homes.geometry, homes["floor_area_m2"], strict=True)
        ):
            if shape.geom_type == "Point":
                weight[home] = floor * square.covers(shape)
            else:
                weight[home] = floor * shape.intersection(square).area / shape.area
        if weight.sum() > 0:
            share = cells[row, column] * weight / weight.sum()
            assert share.sum() == pytest.approx(cells[row, column], rel=1e-12)
            expected += share
            placed += cells[row, column]
    assert found["residents"].to_numpy() == pytest.approx(expected, rel=1e-9, abs=1e-9)
    total, in_place, moved, unplaced = of(found)
    assert (total, in_place) == pytest.approx((cells.sum(), placed), rel=1e-12)
    assert moved == 0
    assert found["residents"].sum() + unplaced == pytest.approx(cells.sum(), rel=1e-12)
    everybody = homes_from_raster(homes, people, kind="count", move_within_m=np.inf)
    assert everybody["residents"].sum() == pytest.approx(cells.sum(), rel=1e-12)
    assert of(everybody)[3] == 0


def test_age_groups_are_spread_each_by_itself_and_bands_are_added():
    buildings = blocks(*BOXES[:2], floor_area_m2=[3000.0, 1000.0])
    homes = homes_from_raster(
        buildings,
        grid([[100.0]]),
        kind="count",
        elderly=[grid([[10.0]]), grid([[6.0]])],
        children=grid([[4.0]]),
    )
    assert homes[["residents", "elderly", "children"]].to_numpy().tolist() == [
        [75, 12, 3],
        [25, 4, 1],
    ]
    told = placement(homes)
    assert told[["group", "zh", "people"]].to_numpy().tolist() == [
        ["residents", "居民", 100],
        ["elderly", "老年人", 16],
        ["children", "婴幼儿", 4],
    ]
    assert used(homes)["placement"]["elderly"]["raster"] == "population.tif, population.tif"
    with pytest.raises(OptionError, match="no raster given"):
        homes_from_raster(buildings, [], kind="count")


@pytest.mark.parametrize(
    ("code", "told"), [(-200, True), (-200, False), (-99999, True), (-99999, False)]
)
def test_the_nodata_of_ghs_pop_and_worldpop_is_nobody(tmp_path, code, told):
    cells = np.array([[30.0, code, 12.0]], dtype="float32")
    path = write(tmp_path / "pop.tif", cells, nodata=code if told else None)
    buildings = blocks((10, 10, 20, 20), (210, 10, 220, 20), floor_area_m2=[500.0, 500.0])
    homes = homes_from_raster(buildings, path, kind="count")
    assert homes["residents"].tolist() == [30, 12]
    assert of(homes) == [42, 42, 0, 0]
    assert used(homes)["placement"]["residents"]["cells_without_data"] == 1


def test_density_counts_people_per_square_kilometre():
    buildings = blocks(*BOXES[:2], floor_area_m2=[300.0, 100.0])
    # a cell of 100 m on UTM 32650 far off the middle meridian; here x = 0, so measure it
    homes = homes_from_raster(buildings.set_crs(32650), grid([[5000.0]]), kind="density")
    square = gpd.GeoSeries([shapely.box(0, 0, 100, 100)], crs=CRS).to_crs(4326).iloc[0]
    from pyproj import Geod

    area_km2 = abs(Geod(ellps="WGS84").geometry_area_perimeter(square)[0]) / 1e6
    assert homes["residents"].sum() == pytest.approx(5000 * area_km2, rel=1e-4)


@pytest.mark.parametrize("crs", ["EPSG:4326", "ESRI:54009", "EPSG:3857"])
def test_rasters_of_any_projection_keep_their_people(tmp_path, crs):
    """WorldPop comes in degrees, GHS-POP in Mollweide."""
    homes = scattered(7, 60, 700)
    homes = homes.set_geometry(homes.geometry.translate(500_000, 3_400_000))
    west, south, east, north = homes.to_crs(crs).total_bounds
    step = {"EPSG:4326": 1 / 1200, "ESRI:54009": 100.0, "EPSG:3857": 120.0}[crs]
    shape = (int((north - south) / step) + 3, int((east - west) / step) + 3)
    cells = np.random.default_rng(1).uniform(1, 90, shape)
    place = (step, 0, west - step, 0, -step, north + step)
    path = write(tmp_path / "pop.tif", cells, crs=crs, transform=place)
    found = homes_from_raster(homes, path, kind="count", move_within_m=np.inf)
    assert found["residents"].sum() == pytest.approx(cells.sum(), rel=1e-12)
    table = population_cells(homes, path, kind="count")
    assert table["people"].sum() == pytest.approx(cells.sum())
    # cells tile the ground: neighbours share their corners
    assert table.geometry.union_all().geom_type == "Polygon"
    density = homes_from_raster(homes, path, kind="density", move_within_m=np.inf)
    km2 = table.to_crs(table.estimate_utm_crs()).area.to_numpy() / 1e6
    assert density["residents"].sum() == pytest.approx((table["people"] * km2).sum(), rel=2e-3)


def test_a_coarse_cell_and_a_fine_one_hold_the_same_people():
    homes = scattered(3, 40, 360)
    fine = grid(np.full((40, 40), 2.0), cell_m=10, north=400.0)
    found = homes_from_raster(homes, fine, kind="count", move_within_m=np.inf)
    assert found["residents"].sum() == pytest.approx(3200, rel=1e-12)


def test_homes_on_the_rim_of_the_raster_belong_to_its_last_cells():
    rim = points(
        [(0, 100), (200, 0), (100, 50)],
        home_id=["a", "b", "c"],
        community_id="-",
        floor_area_m2=100.0,
    )
    homes = homes_from_raster(rim, grid([[3.0, 8.0]]), kind="count")
    assert homes["residents"].tolist() == [3, 4, 4]
    # what sticks out of the raster lies in no cell
    over = blocks((-10, 10, 10, 20), (50, 10, 60, 20), floor_area_m2=[200.0, 100.0])
    assert homes_from_raster(over, grid([[3.0]]), kind="count")["residents"].tolist() == [1.5, 1.5]


def test_homes_where_the_raster_knows_nobody_are_counted():
    buildings = blocks((10, 10, 20, 20), (110, 10, 120, 20), floor_area_m2=[500.0, 500.0])
    homes = homes_from_raster(buildings, grid([[6.0, 0.0]]), kind="count")
    assert homes["residents"].tolist() == [6, 0]
    assert used(homes)["homes_without_people"] == 1
    assert used(homes)["kind"] == "count"


def test_a_raster_elsewhere_names_the_file_and_both_boxes(tmp_path):
    buildings = blocks(*BOXES, floor_area_m2=[1.0, 1.0, 1.0])
    path = write(
        tmp_path / "wuhan.tif",
        np.ones((5, 5), "float32"),
        crs="EPSG:4326",
        transform=(0.01, 0, 114.0, 0, -0.01, 30.6),
    )
    with pytest.raises(DataError) as error:
        homes_from_raster(buildings, path, kind="count")
    text = str(error.value)
    assert "wuhan.tif: it does not overlap with the homes" in text
    assert "114.0000 to 114.0500, 30.5500 to 30.6000" in text
    # x = 10 m of the zone is far west of its middle meridian
    assert "112.5" in text


def test_a_raster_is_looked_at_before_its_cells_are_read(tmp_path):
    near, crs = (500000.0, 3400000.0, 500900.0, 3400900.0), "EPSG:32650"

    def problems(name: str) -> list[str]:
        found = raster_problems(tmp_path / name, near=near, crs=crs, what="the homes")
        assert all(name in each.where for each in found)
        return [each.found for each in found]

    def written(name: str, crs: object, west: float) -> None:
        place = rasterio.Affine(100, 0, west, 0, -100, 3401000)
        with rasterio.open(
            tmp_path / name, "w", driver="GTiff", height=20, width=20, count=1, dtype="float32",
            crs=crs, transform=place,
        ) as file:  # fmt: skip
            file.write(np.ones((1, 20, 20), dtype=np.float32))

    written("fits.tif", 32650, 499900)
    written("elsewhere.tif", 32650, 700000)
    written("nowhere.tif", None, 499900)
    (tmp_path / "text.tif").write_text("people")
    (tmp_path / "empty.tif").touch()
    assert problems("fits.tif") == []
    (boxes,) = problems("elsewhere.tif")
    # 700 km east of the central meridian's 500 is about two degrees away: both boxes are told
    assert re.search(r"covers 119\.\d+ to 119\.\d+, 30\.7.*the homes 117\.0+ to 117\.0", boxes)
    assert problems("nowhere.tif") == ["no coordinate system"]
    assert "not a raster" in problems("text.tif")[0]
    assert problems("empty.tif") == ["the file is empty"]
    assert problems("gone.tif") == ["there is no such file"]


def test_rasters_and_options_that_mean_nothing_are_refused(tmp_path):
    buildings = blocks(*BOXES, floor_area_m2=[1.0, 1.0, 1.0])
    with pytest.raises(OptionError, match=r"kind is 'sum'.*; move_within_m is -1"):
        homes_from_raster(buildings, grid([[1.0]]), kind="sum", move_within_m=-1)
    with pytest.raises(DataError, match=r"1 cells hold up to 3.4e\+38 people. Set the no-data"):
        homes_from_raster(buildings, grid([[3.4e38]]), kind="count")
    path = write(tmp_path / "p.tif", np.ones((2, 2)), crs=None)
    with pytest.raises(DataError, match="no coordinate system"):
        homes_from_raster(buildings, path, kind="count")
    nobody = buildings.assign(residential=False)
    with pytest.raises(TableError, match="no home with a floor area"):
        homes_from_raster(nobody, grid([[1.0]]), kind="count")
    with pytest.raises(TableError, match="coordinates are in degree"):
        homes_from_raster(buildings.to_crs(4326), grid([[1.0]]), kind="count")


def test_cells_smaller_than_houses_are_refused_in_time(monkeypatch):
    monkeypatch.setitem(cell_shares.__globals__, "MOST_SHARES", 100)
    buildings = blocks((0, 0, 90, 90), floor_area_m2=[1.0])
    with pytest.raises(TooLargeError, match="reach into 8100 cells"):
        homes_from_raster(buildings, grid(np.ones((100, 100)), cell_m=1.0), kind="count")


def test_a_large_raster_is_read_around_the_homes_only(tmp_path, monkeypatch):
    monkeypatch.setitem(homes_from_raster.__globals__, "READ_WHOLE_CELLS", 100)
    path = write(
        tmp_path / "land.tif", np.ones((50, 50), "float32"), transform=(100, 0, 0, 0, -100, 5000)
    )
    buildings = blocks((2010, 2010, 2020, 2020), floor_area_m2=[100.0])
    part = homes_from_raster(buildings, path, kind="count")
    told = used(part)["placement"]["residents"]
    assert (told["people"], told["in_place"], told["whole_raster_read"]) == (25, 1, False)
    whole = homes_from_raster(buildings, path, kind="count", move_within_m=np.inf)
    assert of(whole) == [2500, 1, 2499, 0]


def test_community_totals_are_kept_exactly():
    homes = scattered(5, 80, 900)
    rng = np.random.default_rng(8)
    homes["community_id"] = rng.choice(["a", "b", "c"], len(homes))
    counts = pd.DataFrame(
        {"community_id": ["b", "a", "c"], "residents": [1234, 777, 31], "elderly": [300, 0, 31]}
    )
    found = homes_from_counts(homes, counts)
    sums = found.groupby("community_id")[["residents", "elderly"]].sum()
    assert sums.loc[["b", "a", "c"]].to_numpy() == pytest.approx(
        counts[["residents", "elderly"]].to_numpy(), rel=1e-12
    )
    lived = homes[homes["community_id"] == "b"]
    row = lived.index[0]
    share = homes.loc[row, "floor_area_m2"] / lived["floor_area_m2"].sum()
    assert found.loc[row, "residents"] == pytest.approx(1234 * share)
    assert of(found) == [2042, 2042, 0, 0]


def test_communities_with_an_outline_say_where_buildings_belong():
    communities = gpd.GeoDataFrame(
        {"community_id": ["c", "d"], "name": ["", ""], "residents": [40, 9], "households": [16, 3]},
        geometry=[shapely.box(0, 0, 50, 50), shapely.box(50, 0, 200, 200)],
        crs=CRS,
    )
    buildings = blocks(*BOXES, floor_area_m2=[300.0, 100.0, 200.0])
    homes = homes_from_counts(buildings, communities)
    assert homes["community_id"].tolist() == ["c", "d", "d"]
    assert homes["residents"].tolist() == pytest.approx([40, 3, 6])
    assert homes["households"].tolist() == pytest.approx([16, 1, 2])


def test_people_without_a_home_are_told():
    homes = points([(0, 0)], home_id=["h"], community_id=["a"], floor_area_m2=[100.0])
    counts = pd.DataFrame({"community_id": ["a", "b"], "residents": [5, 7]})
    with pytest.warns(UserWarning, match="7 people are counted where there is no home.*: b"):
        found = homes_from_counts(homes, counts)
    assert of(found) == [12, 5, 0, 7]
    other = homes.assign(community_id="z")
    with pytest.warns(UserWarning, match="12 people"):
        found = homes_from_counts(other, counts)
    assert found["residents"].tolist() == [0]
    assert used(found)["homes_without_people"] == 1


def test_counts_of_areas_are_shared_by_outline():
    buildings = blocks(*BOXES, floor_area_m2=[3000.0, 1000.0, 2000.0])
    areas = gpd.GeoDataFrame(
        {"people": [100, 7, 5]},
        geometry=[
            shapely.box(0, 0, 100, 100),
            shapely.box(100, 0, 200, 100),
            shapely.box(200, 0, 300, 100),
        ],
        crs=CRS,
    )
    groups = {"residents": "people"}
    with pytest.warns(UserWarning, match="5 people are counted where there is no home"):
        homes = homes_from_counts(buildings, areas, by="area", groups=groups)
    assert homes["residents"].tolist() == pytest.approx([60, 20, 27])
    moved = homes_from_counts(buildings, areas, by="area", groups=groups, move_within_m=200)
    # the five join the cell of the nearest house, whose larger half lies to the left by a hair
    assert of(moved) == [112, 107, 5, 0]
    assert moved["residents"].sum() == pytest.approx(112, rel=1e-12)


def test_counts_that_cannot_be_used_say_why():
    homes = points([(0, 0)], home_id=["h"], community_id=["a"], floor_area_m2=[100.0])
    counts = pd.DataFrame({"community_id": ["a", "a"], "residents": [5, -7]})
    with pytest.raises(TableError) as error:
        homes_from_counts(homes, counts)
    assert "residents is -7" in str(error.value)
    assert "'a' is already in row 1" in str(error.value)
    with pytest.raises(TableError, match="no column 'residents'"):
        homes_from_counts(homes, counts.drop(columns="residents"))
    with pytest.raises(TableError, match="no geometry"):
        homes_from_counts(homes, counts.iloc[:1], by="area")
    with pytest.raises(OptionError, match="by is 'name'"):
        homes_from_counts(homes, counts, by="name")
    with pytest.raises(OptionError, match="only with by='area'"):
        homes_from_counts(homes, counts, move_within_m=50)
    with pytest.raises(OptionError, match="groups are dogs: give residents"):
        homes_from_counts(homes, counts, groups={"dogs": "residents"})


def test_inputs_are_not_changed_and_results_repeat():
    homes = scattered(9, 50, 500)
    before = homes.copy()
    people = grid(np.arange(25.0).reshape(5, 5), north=500.0)
    cells = people.cells.copy()
    first = homes_from_raster(homes, people, kind="count")
    again = homes_from_raster(homes, people, kind="count")
    assert homes.equals(before)
    assert np.array_equal(people.cells, cells)
    assert first["residents"].tolist() == again["residents"].tolist()


def test_a_renamed_geometry_is_followed():
    homes = scattered(9, 20, 300).rename_geometry("shape")
    people = grid(np.ones((5, 5)), north=500.0)
    found = homes_from_raster(homes, people, kind="count", move_within_m=np.inf)
    assert found.geometry.name == "shape"
    assert found["residents"].sum() == pytest.approx(25)


def hexagons(shared_data) -> gpd.GeoDataFrame:
    """The population hexagons of Porto Alegre, as the area nearest to each middle."""
    table = pd.read_csv(shared_data / "porto_alegre" / "poa_hexgrid.csv")
    middles = gpd.GeoSeries.from_xy(table["lon"], table["lat"], crs=4326).to_crs(32722)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(list(middles)), ordered=True)
    )
    near = shapely.intersection(cells, shapely.buffer(middles.to_numpy(), 250))
    return gpd.GeoDataFrame(table[["population"]], geometry=near, crs=32722)


def test_the_people_of_porto_alegre_are_kept(shared_data):
    areas = hexagons(shared_data)
    assert areas["population"].sum() == 812_935
    rng = np.random.default_rng(1)
    west, south, east, north = areas.total_bounds
    corner = rng.uniform((west, south), (east, north), (6000, 2))
    shapes = shapely.box(*corner.T, *(corner + rng.uniform(8, 50, (6000, 2))).T)
    homes = gpd.GeoDataFrame(
        {
            "home_id": [str(row) for row in range(6000)],
            "community_id": "-",
            "floor_area_m2": shapely.area(shapes) * rng.integers(1, 12, 6000),
        },
        geometry=shapes,
        crs=32722,
    )
    groups = {"residents": "population"}
    found = homes_from_counts(homes, areas, by="area", groups=groups, move_within_m=np.inf)
    assert found["residents"].sum() == pytest.approx(812_935, rel=1e-9)
    people, in_place, moved, unplaced = of(found)
    assert people == 812_935
    assert in_place + moved == people
    assert unplaced == 0
    # the same people as a raster of counts
    middles = areas.geometry.centroid
    column = ((middles.x - west) // 300).astype(int).to_numpy()
    row = ((north - middles.y) // 300).astype(int).to_numpy()
    cells = np.zeros((row.max() + 1, column.max() + 1))
    np.add.at(cells, (row, column), areas["population"].to_numpy())
    raster = Raster(cells, (300, 0, west, 0, -300, north), "EPSG:32722")
    found = homes_from_raster(homes, raster, kind="count", move_within_m=np.inf)
    assert found["residents"].sum() == pytest.approx(812_935, rel=1e-9)
    part = homes_from_raster(homes, raster, kind="count")
    assert sum(of(part)[1:]) == pytest.approx(812_935, rel=1e-9)
