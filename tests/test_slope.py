"""Slope: rasters read, climbs sampled, bridges kept straight, walks timed by Tobler."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import shapely

import communityplan as cp
from communityplan.coordinates.raster import Raster, read_raster, sample
from communityplan.errors import DataError, OptionError, TooLargeError
from communityplan.load.osm import read_osm
from communityplan.network.profile import PROFILE_TOLERANCE_M
from communityplan.network.slope import Elevation
from towns import CRS, grid_streets, lines, points

TOBLER = cp.Walker("hiker", 5.036742 / 3.6, slope="tobler")


def surface(height, *, cell_m: float = 10.0, box=(-500, -500, 500, 500), name="dem") -> Raster:
    """Heights of a formula at the middles of cells."""
    west, south, east, north = box
    x = np.arange(west + cell_m / 2, east, cell_m)
    y = np.arange(north - cell_m / 2, south, -cell_m)
    cells = np.broadcast_to(height(x[None, :], y[:, None]), (len(y), len(x)))
    return Raster(cells, (cell_m, 0, west, 0, -cell_m, north), CRS, name)


def write(path, raster: Raster, *, crs=CRS, dtype="float32", **options) -> str:
    """A GeoTIFF; `units` names the unit of its band."""
    units = options.pop("units", None)
    profile = {
        "driver": "GTiff",
        "width": raster.cells.shape[1],
        "height": raster.cells.shape[0],
        "count": 1,
        "dtype": dtype,
        "crs": crs,
        "transform": rasterio.Affine(*raster.transform),
    }
    with rasterio.open(path, "w", **{**profile, **options}) as file:
        file.write(raster.cells.astype(dtype), 1)
        if units:
            file.units = [units]
    return str(path)


def edges_of(streets: gpd.GeoDataFrame, elevation, **options) -> gpd.GeoDataFrame:
    return cp.WalkNetwork.from_streets(streets, elevation=elevation, **options).edges


def told(network: cp.WalkNetwork, what: str) -> int:
    found = network.findings[network.findings["what"] == what]
    return int(found["count"].sum())


RAMP = surface(lambda x, y: 100 + 0.1 * x + 0 * y)


@pytest.mark.parametrize(
    ("grade", "km_h"), [(0.0, 5.036742), (-0.05, 6.0), (0.1, 3.549332), (-0.1, 5.036742)]
)
def test_walks_on_a_plane_follow_tobler(grade, km_h):
    plane = surface(lambda x, y: 50 + grade * x + 0 * y)
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (200, 0)]), elevation=plane)
    forward, backward = network.seconds(TOBLER)
    assert 200 / forward[0] * 3.6 == pytest.approx(km_h, abs=1e-5)
    # the way back has the opposite grade
    there_again = cp.WalkNetwork.from_streets(lines([(200, 0), (0, 0)]), elevation=plane)
    assert backward[0] == pytest.approx(there_again.seconds(TOBLER)[0][0])


@pytest.mark.parametrize(
    ("response", "factor_up", "factor_down"),
    [("naismith", 1 / (1 + 0.1 * 5000 / 600), 1.0), ("tobler_capped", 0.704688, 1.0)],
)
def test_other_responses_on_the_same_plane(response, factor_up, factor_down):
    walker = cp.Walker("w", 1.0, slope=response)
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (200, 0)]), elevation=RAMP)
    forward, backward = network.seconds(walker)
    assert 200 / forward[0] == pytest.approx(factor_up, abs=1e-6)
    assert 200 / backward[0] == pytest.approx(factor_down, abs=1e-6)


def test_climb_is_the_difference_of_the_ends_and_a_round_ends_where_it_began():
    hills = surface(lambda x, y: 30 * np.sin(x / 90) * np.cos(y / 70))
    network = cp.WalkNetwork.from_streets(grid_streets(3, 100), elevation=hills)
    graph = network.to_networkx()
    height = {0: 0.0}
    for u, v in __import__("networkx").bfs_edges(graph, 0):
        height[v] = height[u] + next(
            edge["climb_m"] if edge["u"] == u else -edge["climb_m"] for edge in graph[u][v].values()
        )
    rounds = [height[e.u] + e.climb_m - height[e.v] for e in network.edges.itertuples()]
    assert np.abs(rounds).max() < 1e-9


def test_an_edge_over_a_hill_is_split_at_its_top():
    # up 20 m in 200 m and down again: a net climb of nothing would be timed as level
    roof = surface(lambda x, y: 20 - 0.1 * np.abs(x) + 0 * y)
    street = lines([(-200, 0), (200, 0)])
    network = cp.WalkNetwork.from_streets(street, elevation=roof)
    forward, _ = network.seconds(TOBLER)
    up, down = 200 / (3.549332 / 3.6), 200 / (5.036742 / 3.6)
    # the rounded top of the bilinear roof lies a little lower than its edge
    assert forward.sum() == pytest.approx(up + down, rel=0.01)
    assert network.edges["length_m"].sum() == pytest.approx(400)
    assert network.edges["climb_m"].sum() == pytest.approx(0)
    assert told(network, "edge split where its slope changes") == 1
    assert len(network.nodes) == len(network.edges) + 1
    # the parts hang together, in order
    assert network.edges["v"].tolist()[:-1] == network.edges["u"].tolist()[1:]
    assert len(np.unique(network.parts())) == 1


def test_split_profiles_stay_within_the_tolerance():
    rng = np.random.default_rng(2)
    knots = rng.normal(0, 8, 60).cumsum()
    rough = surface(lambda x, y: np.interp(x, np.linspace(-500, 500, 60), knots) + 0 * y)
    network = cp.WalkNetwork.from_streets(lines([(-450, 3), (450, 3)]), elevation=rough)
    x = np.linspace(-450, 450, 91)
    true = sample(rough, np.column_stack([x, np.full_like(x, 3.0)]), crs=CRS)
    nodes = network.nodes.geometry.x.to_numpy()
    heights = sample(rough, np.column_stack([nodes, np.full_like(nodes, 3.0)]), crs=CRS)
    order = np.argsort(nodes)
    kept = np.interp(x, nodes[order], heights[order])
    assert np.abs(kept - true).max() <= PROFILE_TOLERANCE_M + 1e-9
    assert len(network.edges) < 60


def test_short_edges_and_crossings_are_never_split():
    roof = surface(lambda x, y: 20 - 0.5 * np.abs(x) + 0 * y)
    assert len(edges_of(lines([(-9, 0), (9, 0)]), roof)) == 1
    assert len(edges_of(lines([(-40, 0), (40, 0)], crossing=[True]), roof)) == 1
    assert len(edges_of(lines([(-40, 0), (40, 0)]), roof)) > 1


def test_what_the_streets_tell_counts_before_the_raster():
    streets = lines([(0, 0), (100, 0)], [(0, 50), (100, 50)], climb_m=[-7.0, np.nan])
    network = cp.WalkNetwork.from_streets(streets, elevation=RAMP)
    assert network.edges["climb_m"].tolist() == pytest.approx([-7, 10])
    assert told(network, "edge with climb from the streets") == 1
    assert told(network, "edge with climb from the elevation raster") == 1


@pytest.mark.parametrize("column", ["bridge", "tunnel"])
def test_bridges_and_tunnels_are_straight_between_their_ends(column):
    valley = surface(lambda x, y: np.where(np.abs(x) < 100, 0.0, 30.0) + np.clip(y, 0, None) * 0)
    streets = lines(
        [(-300, 0), (-150, 0)],
        [(-150, 0), (0, 0)],
        [(0, 0), (150, 0)],
        [(150, 0), (300, 0)],
        **{column: ["no", "yes", "viaduct", ""]},
    )
    network = cp.WalkNetwork.from_streets(streets, elevation=valley)
    assert network.edges["climb_m"].tolist() == pytest.approx([0, 0, 0, 0])
    assert told(network, "bridge or tunnel kept straight") == 2
    draped = cp.WalkNetwork.from_streets(streets.drop(columns=column), elevation=valley)
    assert np.abs(draped.edges["climb_m"]).max() == 30


def test_a_sloping_bridge_climbs_evenly_and_branches_meet_between():
    ground = surface(lambda x, y: 0.05 * x + 0 * y - 40 * (np.abs(y) < 90))
    # a deck of 100 and 300 m from one bank to the other, in two pieces
    streets = lines(
        [(0, -200), (0, -100)], [(0, -100), (0, 0)], [(0, 0), (0, 100)], [(0, 100), (0, 200)],
        [(0, 0), (100, 0)], [(100, 0), (100, 100)],
        bridge=[0, 1, 1, 0, 1, 1],
    )  # fmt: skip
    network = cp.WalkNetwork.from_streets(streets, elevation=ground)
    climb = network.edges["climb_m"].to_numpy()
    # banks at 0 m (twice, 100 m away) and at 5 m (200 m away): the hub hangs at 5/200 over
    # 1/100 + 1/100 + 1/200, which is 1 m
    assert climb[1] == pytest.approx(1)
    assert climb[2] == pytest.approx(-1)
    assert climb[[4, 5]] == pytest.approx([2, 2])


def test_a_wall_across_a_bridge_does_not_drop_it_into_the_valley():
    valley = surface(lambda x, y: np.where(np.abs(x) < 100, 0.0, 30.0) + 0 * y)
    streets = lines([(-200, 0), (-150, 0)], [(-150, 0), (150, 0)], [(150, 0), (200, 0)])
    streets["bridge"] = [0, 1, 0]
    wall = lines([(0, -9), (0, 9)], wall_id=["w"])
    gate = points([(0, 0)], gate_id=["g"], who=["everyone"])
    edges = edges_of(streets, valley, walls=wall, gates=gate)
    assert edges["climb_m"].to_numpy() == pytest.approx(0)


def test_a_bridge_that_never_lands_has_no_climb():
    ring = [(0, 0), (50, 0), (50, 50), (0, 0)]
    streets = lines(ring, [(50, 0), (50, 50)], [(200, 0), (300, 0)], bridge=[1, 1, 0])
    edges = edges_of(streets, RAMP)
    assert edges["climb_m"].isna().tolist() == [True, True, True, True, False]


def test_steps_that_the_raster_cannot_see_keep_the_rule_for_steps():
    streets = lines(
        [(0, 0), (5, 0)],  # shorter than a cell
        [(100, 0), (150, 0)],  # long enough
        [(200, 0), (250, 0)],  # leads to a bridge
        [(250, 0), (300, 0)],
        steps=[1, 1, 1, 0],
        bridge=[0, 0, 0, 1],
    )
    network = cp.WalkNetwork.from_streets(streets, elevation=RAMP)
    climb = network.edges["climb_m"].to_numpy()
    assert np.isnan(climb[[0, 2]]).all()
    assert climb[1] == pytest.approx(5)
    assert told(network, "steps the elevation raster does not see") == 2


def test_sampling_is_bilinear_between_the_middles_of_cells():
    cells = Raster([[1.0, 2.0], [5.0, 10.0]], (10, 0, 0, 0, -10, 20), CRS)
    xy = np.array([[5, 15], [10, 15], [10, 10], [7.5, 12.5], [0, 20], [20, 0], [20.1, 10]])
    expected = [1, 1.5, 4.5, 0.75**2 * 1 + 2 * 0 + 0.1875 * 2 + 0.1875 * 5 + 0.0625 * 10]
    got = sample(cells, xy.astype(float), crs=CRS)
    assert got[:4] == pytest.approx(expected)
    # beyond the middle of the last cell that cell counts alone, outside there is nothing
    assert got[4:6] == pytest.approx([1, 10])
    assert np.isnan(got[6])


def test_cells_without_data_are_not_heights():
    cells = np.array([[1.0, 1.0, np.nan], [1.0, 1.0, np.nan]])
    raster = Raster(cells, (10, 0, 0, 0, -10, 20), CRS)
    got = sample(raster, np.array([[10.0, 10.0], [19.0, 10.0], [21.0, 10.0]]), crs=CRS)
    assert got[:2] == pytest.approx([1, 1])
    assert np.isnan(got[2])


@pytest.mark.parametrize("nodata", [-9999, -32768, 0])
def test_the_nodata_of_a_file_is_no_sea(tmp_path, nodata):
    hole = surface(lambda x, y: np.where(x > 100, nodata, 40 + 0.1 * x) + 0 * y)
    path = write(tmp_path / "hole.tif", hole, nodata=nodata)
    streets = lines([(0, 0), (60, 0)], [(60, 0), (300, 0)], [(300, 0), (400, 0)])
    network = cp.WalkNetwork.from_streets(streets, elevation=path)
    climb = network.edges["climb_m"].to_numpy()
    assert climb[0] == pytest.approx(6, abs=1e-4)
    assert np.isnan(climb[1:]).all()
    assert told(network, "edge outside the elevation raster") == 2
    # what is not known is timed as level, and told
    assert np.isfinite(network.seconds(TOBLER)[0]).all()
    drawn = network.problems().query("what == 'edge outside the elevation raster'")
    assert drawn["length_m"].tolist() == [240, 100]


def test_heights_that_are_none_on_earth_are_no_heights(tmp_path):
    hole = surface(lambda x, y: np.where(x > 100, -9999.0, 40 + 0.1 * x) + 0 * y)
    path = write(tmp_path / "hole.tif", hole)
    streets = lines([(0, 0), (60, 0)], [(60, 0), (300, 0)])
    network = cp.WalkNetwork.from_streets(streets, elevation=path)
    climb = network.edges["climb_m"].to_numpy()
    assert climb[0] == pytest.approx(6, abs=1e-4)
    assert np.isnan(climb[1])
    assert told(network, "cell with a height off the earth, taken for no data") > 0
    assert told(network, "unit of heights not told, taken for metres") == 1
    report = network.report()
    assert report.loc[report["what"].str.contains("off the earth"), "zh"].str.len().gt(5).all()


def test_a_file_in_degrees_gives_the_same_climbs(tmp_path):
    streets = grid_streets(2, 100)
    streets = streets.set_geometry(streets.geometry.translate(500_000, 3_400_000))
    west, south, east, north = streets.to_crs(4326).total_bounds
    step = 0.0001
    left, top = west - 0.002, north + 0.002
    shape = (round((north - south + 0.004) / step), round((east - west + 0.004) / step))
    back = pyproj.Transformer.from_crs(4326, CRS, always_xy=True).transform
    columns, rows = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    x, y = back(left + step * columns, top - step * rows)
    height = 0.06 * (x - 500_000) - 0.03 * (y - 3_400_000)
    raster = Raster(height, (step, 0, left, 0, -step, top), "EPSG:4326")
    edges = edges_of(streets, write(tmp_path / "d.tif", raster, crs="EPSG:4326", dtype="float64"))
    xy = shapely.get_coordinates(edges.geometry.to_numpy()).reshape(-1, 4)
    expected = 0.06 * (xy[:, 2] - xy[:, 0]) - 0.03 * (xy[:, 3] - xy[:, 1])
    assert edges["climb_m"].to_numpy() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("unit", "metres"), [("m", 1), ("metre", 1), ("ft", 0.3048), ("US survey foot", 1200 / 3937)]
)
def test_the_unit_of_heights_is_read_from_the_file(tmp_path, unit, metres):
    path = write(tmp_path / "dem.tif", RAMP, units=unit, dtype="float64")
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]), elevation=path)
    assert network.edges["climb_m"].iloc[0] == pytest.approx(10 * metres)
    assert network.options["elevation"]["unit_told"]


def test_feet_can_be_named_and_are_asked_for(tmp_path):
    street = lines([(0, 0), (100, 0)])
    feet = Elevation(RAMP, z_unit="ft")
    assert edges_of(street, feet)["climb_m"].iloc[0] == pytest.approx(3.048)
    with pytest.raises(OptionError, match="z_unit is 'yards'; known are m, ft, us-ft"):
        edges_of(street, Elevation(RAMP, z_unit="yards"))
    with pytest.raises(OptionError, match="heights are in 'fathom'; give z_unit"):
        edges_of(street, write(tmp_path / "f.tif", RAMP, units="fathom"))
    # New York in feet says nothing of its heights
    plane = Raster(RAMP.cells, (33, 0, 980_000, 0, -33, 210_000), "EPSG:2263", "ny")
    where = street.to_crs("EPSG:4326").set_geometry(
        [shapely.LineString([(-74.01, 40.74), (-74.008, 40.74)])], crs=4326
    )
    with pytest.raises(OptionError, match="ny: its coordinates are in us survey foot"):
        edges_of(where.to_crs(32618), plane)


def test_a_vertical_system_in_feet_is_recognised(tmp_path):
    path = tmp_path / "v.tif"
    raster = Raster(RAMP.cells, RAMP.transform, CRS)
    write(path, raster, crs="EPSG:32650+6360", dtype="float64")
    assert edges_of(lines([(0, 0), (100, 0)]), path)["climb_m"].iloc[0] == pytest.approx(
        10 * 1200 / 3937
    )


def test_scale_offset_and_band_are_used(tmp_path):
    path = tmp_path / "scaled.tif"
    write(path, surface(lambda x, y: x + 0 * y), dtype="int16", count=2)
    with rasterio.open(path, "r+") as file:
        file.write(np.full(file.shape, 9, dtype="int16"), 1)
        file.write(surface(lambda x, y: x + 0 * y).cells.astype("int16"), 2)
        file.scales, file.offsets = (1.0, 0.1), (0.0, 500.0)
    street = lines([(0, 0), (100, 0)])
    assert edges_of(street, Elevation(path, band=2))["climb_m"].iloc[0] == pytest.approx(10)
    assert edges_of(street, Elevation(path))["climb_m"].iloc[0] == 0
    with pytest.raises(OptionError, match="has 2 bands; band is 3"):
        edges_of(street, Elevation(path, band=3))


def test_an_open_dataset_and_a_turned_raster_are_read():
    # cells of 10 m, turned by 30 degrees about the middle of the raster
    along, across = 10 * np.cos(np.pi / 6), 10 * np.sin(np.pi / 6)
    columns, rows = np.meshgrid(np.arange(100) + 0.5, np.arange(100) + 0.5)
    start = (-50 * (along + across), -50 * (across - along))
    x = along * columns + across * rows + start[0]
    centre = rasterio.Affine(along, across, start[0], across, -along, start[1])
    with rasterio.MemoryFile() as memory:
        profile = {"driver": "GTiff", "width": 100, "height": 100, "count": 1, "dtype": "float64"}
        with memory.open(**profile, crs=CRS, transform=centre) as file:
            file.write(0.1 * x, 1)
        with memory.open() as file:
            climb = edges_of(lines([(-100, 0), (100, 0)]), file)["climb_m"]
    assert climb.tolist() == pytest.approx([20])


def test_coarse_cells_are_told():
    coarse = surface(lambda x, y: 0.1 * x + 0 * y, cell_m=100, name="coarse.tif")
    with pytest.warns(UserWarning, match=r"coarse.tif: cells of 100 m blur the slopes") as caught:
        network = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]), elevation=coarse)
    assert caught[0].filename == __file__
    assert told(network, "coarse elevation raster") == 1
    report = network.report()
    assert "高程栅格过粗" in report["zh"].tolist()


def test_steep_edges_are_told_and_drawn():
    cliff = surface(lambda x, y: np.where(x > 50, 60.0, 0.0) + 0 * y)
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]), elevation=cliff)
    assert told(network, "steep edge") >= 1
    assert (network.problems()["what"] == "steep edge").any()


def test_a_raster_elsewhere_names_the_file_and_both_boxes(tmp_path):
    streets = lines([(0, 0), (100, 0)])
    streets = streets.set_geometry(streets.geometry.translate(500_000, 3_400_000))
    far = Raster(np.zeros((10, 10)), (0.001, 0, 104.0, 0, -0.001, 30.8), "EPSG:4326")
    path = write(tmp_path / "chengdu.tif", far, crs="EPSG:4326")
    with pytest.raises(DataError) as error:
        edges_of(streets, path)
    text = str(error.value)
    assert "chengdu.tif: it does not overlap with the streets" in text
    assert "104.0000 to 104.0100, 30.7900 to 30.8000" in text
    assert "117.0000 to 117.0010, 30.7329 to 30.7329" in text


def test_rasters_that_cannot_be_used_say_why(tmp_path):
    street = lines([(0, 0), (100, 0)])
    with pytest.raises(DataError, match="there is no such file"):
        edges_of(street, tmp_path / "none.tif")
    (tmp_path / "empty.tif").write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        edges_of(street, tmp_path / "empty.tif")
    (tmp_path / "text.tif").write_text("name,height\n")
    with pytest.raises(DataError, match="not a raster"):
        edges_of(street, tmp_path / "text.tif")
    with pytest.raises(DataError, match="no coordinate system"):
        edges_of(street, write(tmp_path / "nocrs.tif", RAMP, crs=None))
    write(tmp_path / "whole.tif", RAMP)
    cut = tmp_path / "cut.tif"
    cut.write_bytes((tmp_path / "whole.tif").read_bytes()[:15_000])
    with pytest.raises(DataError, match=r"cut.tif: (damaged|not a raster)"):
        edges_of(street, cut)
    lost = Raster(np.ones((9, 9)), (10, 0, 0, 0, -10, 50), CRS)
    object.__setattr__(lost, "transform", (1e200, 0, 0, 0, -10, 50))
    with pytest.raises(DataError, match="gives its cells no place"):
        edges_of(street, write(tmp_path / "lost.tif", lost))
    nothing = surface(lambda x, y: np.nan * x * y, name="hollow")
    with pytest.raises(DataError, match="hollow: no heights where the streets are"):
        edges_of(street, nothing)


def test_too_large_a_part_is_refused(monkeypatch):
    monkeypatch.setitem(read_raster.__globals__, "MOST_CELLS", 50)
    with pytest.raises(TooLargeError, match="dem: the streets lie over 14 by 5 cells, more than"):
        edges_of(lines([(0, 0), (100, 0)]), RAMP)


def test_only_the_part_that_is_needed_is_read(tmp_path):
    path = write(tmp_path / "dem.tif", RAMP)
    part = read_raster(path, near=(0, 0, 95, 5), crs=CRS, what="the streets", margin_cells=2)
    assert part.cells.shape == (5, 14)
    assert part.box == (-20, -20, 120, 30)
    assert part.whole == (100, 100)
    again = read_raster(RAMP, near=(0, 0, 95, 5), crs=CRS, what="the streets", margin_cells=2)
    assert again.box == part.box
    assert again.cells == pytest.approx(part.cells, abs=1e-4)


@pytest.mark.parametrize(
    ("cells", "transform", "message"),
    [([1.0, 2.0], (1, 0, 0, 0, -1, 0), "give rows, columns"), ([[1.0]], (0,) * 6, "no place")],
)
def test_a_raster_without_cells_or_place_is_refused(cells, transform, message):
    with pytest.raises(OptionError, match=message):
        Raster(cells, transform, CRS)


def test_what_was_used_is_recorded(tmp_path):
    path = write(tmp_path / "dem.tif", RAMP)
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]), elevation=path)
    used = network.options["elevation"]
    assert (used["source"], used["z_unit"], used["cell_m"]) == (path, "m", 10.0)
    assert not used["unit_told"]
    flat = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]))
    assert flat.options["elevation"] is None
    assert flat.edges["climb_m"].isna().all()


def test_real_walks_with_slope_differ_as_tobler_says(shared_data):
    osm = read_osm(shared_data / "porto_alegre" / "poa_osm.pbf")
    flat = cp.WalkNetwork.from_streets(osm.streets)
    path = shared_data / "porto_alegre" / "poa_elevation.tif"
    hilly = cp.WalkNetwork.from_streets(osm.streets, elevation=path)
    spots = flat.nodes.geometry.sample(80, random_state=4)
    homes = gpd.GeoDataFrame({"home_id": [f"h{n}" for n in range(40)]}, geometry=spots[:40].array)
    shops = gpd.GeoDataFrame(
        {"facility_id": [f"f{n}" for n in range(40)]}, geometry=spots[40:].array
    )
    ends = homes.set_crs(flat.crs), shops.set_crs(flat.crs)

    def minutes(network, direction):
        found = cp.walks(network, *ends, walker=TOBLER, within_min=40, direction=direction)
        return found.set_index(["from_id", "to_id"])["walk_min"]

    level, there, back = minutes(flat, "there"), minutes(hilly, "there"), minutes(hilly, "back")
    both = level.index.intersection(there.index).intersection(back.index)
    assert len(both) > 40
    # there and back a hill costs more than it gives: Tobler is slower on a mean of +g and -g
    assert (there + back)[both].sum() > 2 * level[both].sum()
    raster = read_raster(path, near=tuple(flat.edges.total_bounds), crs=flat.crs, what="streets")
    height = dict(zip(homes["home_id"], _heights(raster, ends[0]), strict=True))
    height.update(zip(shops["facility_id"], _heights(raster, ends[1]), strict=True))
    climb = np.array([height[b] - height[a] for a, b in both])
    steep = np.abs(climb) > 15
    # who has to climb is slower there than back
    slower = (there[both].to_numpy() > back[both].to_numpy())[steep]
    assert np.mean(slower == (climb[steep] > 0)) > 0.95
    total = hilly.edges["length_m"].sum()
    assert total == pytest.approx(flat.edges["length_m"].sum())


def _heights(raster: Raster, table: gpd.GeoDataFrame) -> np.ndarray:
    return sample(raster, shapely.get_coordinates(table.geometry.to_numpy()), crs=table.crs)
