"""Datums: known pairs, a naive second implementation, real places on real streets."""

import math
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer

from communityplan.coordinates import (
    CHINA_BOX,
    DATUMS,
    cgcs2000_crs,
    convert_datum,
    fits_better,
    guess_datum,
    recognise_cgcs2000,
)
from communityplan.errors import OptionError

DATA = Path(__file__).parents[2] / "shared" / "data"
MINHANG = (121.432966, 31.130154)


def naive_gcj(lon, lat):
    """The public formula as it is printed, one point at a time."""
    x, y = lon - 105.0, lat - 35.0
    fine = (20 * math.sin(6 * x * math.pi) + 20 * math.sin(2 * x * math.pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + fine
    north += (20 * math.sin(y * math.pi) + 40 * math.sin(y / 3 * math.pi)) * 2 / 3
    north += (160 * math.sin(y / 12 * math.pi) + 320 * math.sin(y * math.pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + fine
    east += (20 * math.sin(x * math.pi) + 40 * math.sin(x / 3 * math.pi)) * 2 / 3
    east += (150 * math.sin(x / 12 * math.pi) + 300 * math.sin(x / 30 * math.pi)) * 2 / 3
    a, ee = 6378245.0, 0.00669342162296594323
    magic = 1 - ee * math.sin(math.radians(lat)) ** 2
    north = north * 180 / ((a * (1 - ee)) / (magic * math.sqrt(magic)) * math.pi)
    east = east * 180 / (a / math.sqrt(magic) * math.cos(math.radians(lat)) * math.pi)
    return lon + east, lat + north


def naive_bd(lon, lat):
    wave = math.pi * 3000 / 180
    length = math.hypot(lon, lat) + 0.00002 * math.sin(lat * wave)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * wave)
    return length * math.cos(angle) + 0.0065, length * math.sin(angle) + 0.006


def over_china(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(73.7, 134.7, count), rng.uniform(18.2, 53.5, count)


def metres_apart(a, b):
    return Geod(ellps="WGS84").inv(a[0], a[1], b[0], b[1])[2]


def test_known_pairs():
    gcj = convert_datum(MINHANG, source="wgs84", target="gcj02")
    bd = convert_datum(MINHANG, source="wgs84", target="bd09")
    assert gcj == pytest.approx((121.437583433, 31.128247514), abs=1e-9)
    assert bd == pytest.approx((121.44400198, 31.13461178), abs=1e-8)
    assert convert_datum(bd, source="bd09", target="wgs84") == pytest.approx(MINHANG, abs=1e-10)
    # a published iterated inverse; its own last step is a closed form good to 0.2 m
    back = convert_datum(MINHANG, source="bd09", target="wgs84")
    assert back == pytest.approx((121.421890675, 31.125770216), abs=1e-5)


def test_forward_agrees_with_the_printed_formula():
    lon, lat = over_china(2000)
    gcj = [naive_gcj(x, y) for x, y in zip(lon, lat, strict=True)]
    bd = [naive_bd(x, y) for x, y in gcj]
    found = np.column_stack(convert_datum((lon, lat), source="wgs84", target="gcj02"))
    np.testing.assert_allclose(found, gcj, rtol=0, atol=1e-12)
    found = np.column_stack(convert_datum((lon, lat), source="wgs84", target="bd09"))
    np.testing.assert_allclose(found, bd, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("source", "target"), [(a, b) for a in DATUMS for b in DATUMS if a < b])
def test_round_trip_of_a_million_points_is_below_a_millimetre(source, target):
    lon, lat = over_china(1_000_000, seed=1)
    there = convert_datum((lon, lat), source=source, target=target)
    back = convert_datum(there, source=target, target=source)
    assert metres_apart((lon, lat), back).max() < 1e-3
    assert max(np.abs(back[0] - lon).max(), np.abs(back[1] - lat).max()) < 1e-10


def test_offsets_are_of_the_published_size():
    lon, lat = over_china(100_000, seed=2)
    gcj = metres_apart((lon, lat), convert_datum((lon, lat), source="wgs84", target="gcj02"))
    bd = metres_apart((lon, lat), convert_datum((lon, lat), source="gcj02", target="bd09"))
    assert 15 < gcj.min() < 40
    assert 400 < np.median(gcj) < 450
    assert 650 < gcj.max() < 750
    assert 740 < bd.min() < 800
    assert 860 < np.median(bd) < 910
    assert 950 < bd.max() < 1000


@given(
    st.floats(73.7, 134.7), st.floats(18.2, 53.5), st.sampled_from(DATUMS), st.sampled_from(DATUMS)
)
def test_there_and_back_is_the_start(lon, lat, source, target):
    there = convert_datum((lon, lat), source=source, target=target)
    back = convert_datum(there, source=target, target=source)
    assert back == pytest.approx((lon, lat), abs=1e-9)


def test_a_point_gives_the_same_bits_in_any_company():
    lon, lat = over_china(20_000, seed=3)
    whole = convert_datum((lon, lat), source="bd09", target="wgs84")
    part = convert_datum((lon[777:780], lat[777:780]), source="bd09", target="wgs84")
    assert (whole[0][777:780] == part[0]).all()
    assert (whole[1][777:780] == part[1]).all()


@pytest.mark.parametrize("source", DATUMS)
@pytest.mark.parametrize("target", DATUMS)
def test_outside_the_box_nothing_moves(source, target):
    west, south, _, north = CHINA_BOX
    lon = np.array([-0.12, west - 1e-6, 139.7, 100.0, 100.0, np.nan, np.inf])
    lat = np.array([51.5, 40.0, 35.7, south - 1e-6, north + 1e-6, 30.0, np.nan])
    lon[-1] = np.nan
    found = convert_datum((lon, lat), source=source, target=target)
    np.testing.assert_array_equal(found, (lon, lat))


def test_shape_and_input_are_kept():
    lon, lat = (side.reshape(5, 4) for side in over_china(20))
    before = lon.copy()
    found = convert_datum((lon, lat), source="wgs84", target="gcj02")
    assert found[0].shape == (5, 4)
    assert (lon == before).all()
    assert convert_datum(([], []), source="wgs84", target="gcj02")[0].shape == (0,)
    series = pd.Series([121.4, 121.5], index=[7, 9])
    assert convert_datum((series, [31.1, 31.2]), source="wgs84", target="gcj02")[0].shape == (2,)


def test_every_vertex_of_every_geometry():
    hole = [(121.42, 31.12), (121.43, 31.12), (121.43, 31.13)]
    shell = [(121.4, 31.1), (121.5, 31.1), (121.5, 31.2), (121.4, 31.2)]
    shapes = gpd.GeoSeries(
        [
            shapely.Point(MINHANG),
            shapely.LineString([MINHANG, (121.5, 31.2)]),
            shapely.Polygon(shell, [hole]),
            shapely.MultiPoint([MINHANG, (100.0, 30.0)]),
            shapely.Point(*MINHANG, 12.5),
            shapely.Polygon(),
            None,
        ],
        index=list("abcdefg"),
        crs=4490,
    )
    moved = convert_datum(shapes, source="wgs84", target="bd09")
    assert list(moved.index) == list("abcdefg")
    assert moved.crs == shapes.crs
    assert (moved.geom_type[:6] == shapes.geom_type[:6]).all()
    assert moved["f"].is_empty
    assert moved["g"] is None
    before, after = (shapely.get_coordinates(s.to_numpy()) for s in (shapes, moved))
    expected = [naive_bd(*naive_gcj(x, y)) for x, y in before]
    np.testing.assert_allclose(after, expected, rtol=0, atol=1e-12)
    assert moved["e"].z == 12.5
    assert not moved["a"].has_z
    assert shapes["a"] == shapely.Point(MINHANG)


def test_tables_keep_columns_and_say_what_was_done():
    table = gpd.GeoDataFrame(
        {"name": ["甲"], "place": [shapely.Point(MINHANG)]}, geometry="place", crs=4326
    )
    moved = convert_datum(table, source="wgs84", target="gcj02")
    assert moved.active_geometry_name == "place"
    assert moved["name"].tolist() == ["甲"]
    assert moved.geometry[0].x == pytest.approx(121.437583433, abs=1e-9)
    assert moved.attrs["communityplan"] == {"datum": "gcj02", "datum_before": "wgs84"}
    assert table.attrs == {}
    assert len(convert_datum(table.iloc[:0], source="wgs84", target="gcj02")) == 0


def test_plain_tables_and_single_geometry_are_converted_too():
    lon, lat = convert_datum((121.432966, 31.130154), source="wgs84", target="bd09")
    for east, north in (("经度", "纬度"), ("Lon", "Lat"), ("longitude", "latitude")):
        table = pd.DataFrame({"name": ["a"], east: ["121.432966"], north: [31.130154]})
        moved = convert_datum(table, source="wgs84", target="bd09")
        assert moved[[east, north]].iloc[0].tolist() == [lon, lat]
        assert moved.attrs["communityplan"]["datum"] == "bd09"
        assert table[north].tolist() == [31.130154]
    point = convert_datum(shapely.Point(121.432966, 31.130154), source="wgs84", target="bd09")
    assert (point.x, point.y) == (lon, lat)
    with pytest.raises(OptionError, match="no columns of longitudes and latitudes among x, n"):
        convert_datum(pd.DataFrame({"x": [121.4], "n": [1]}), source="wgs84", target="bd09")
    with pytest.raises(OptionError, match="columns '经度' and '纬度': give a table"):
        convert_datum(pd.DataFrame({"经度": ["?"], "纬度": [1]}), source="wgs84", target="bd09")


@pytest.mark.parametrize(
    "points", [[(121.4, 31.1), (121.5, 31.2)], [(121.4, 31.1)] * 3, np.full((5, 2), 100.0)]
)
def test_points_given_one_by_one_are_not_taken_for_longitudes_and_latitudes(points):
    with pytest.raises(OptionError, match="look like points, one by one"):
        convert_datum(points, source="gcj02", target="wgs84")
    if len(points) == 2:
        east, _ = convert_datum(np.transpose(points), source="gcj02", target="wgs84")
        assert east == pytest.approx([121.3955, 121.4955], abs=0.002)


def test_what_is_not_degrees_is_refused():
    with pytest.raises(OptionError, match="known are 'wgs84' for GPS"):
        convert_datum(MINHANG, source="wgs84", target="amap")
    with pytest.raises(OptionError, match="shape"):
        convert_datum(([1.0, 2.0], [1.0]), source="wgs84", target="gcj02")
    with pytest.raises(OptionError, match="look swapped"):
        convert_datum((MINHANG[1], MINHANG[0]), source="wgs84", target="gcj02")
    with pytest.raises(OptionError, match="look like metres"):
        convert_datum(([453638.9], [4415000.0]), source="wgs84", target="gcj02")
    with pytest.raises(OptionError, match="of numbers"):
        convert_datum((["east"], [31.0]), source="wgs84", target="gcj02")
    with pytest.raises(OptionError, match="pair of arrays"):
        convert_datum(5, source="wgs84", target="gcj02")
    projected = gpd.GeoSeries([shapely.Point(351266, 3445056)], crs=32651)
    with pytest.raises(OptionError, match="to_crs"):
        convert_datum(projected, source="wgs84", target="gcj02")


CITIES = {
    "Beijing": (116.46, 39.88, 117),
    "Chongqing": (106.5, 29.5, 105),
    "Hangzhou": (120.2, 30.3, 120),
    "Handan": (114.5, 36.6, 114),
    "Urumqi": (87.6, 43.8, 87),
}


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("prefixed", [True, False])
@pytest.mark.parametrize("swapped", [True, False])
def test_zones_are_recognised(city, prefixed, swapped):
    lon, lat, meridian = CITIES[city]
    crs = cgcs2000_crs(meridian=meridian, prefixed=prefixed)
    x, y = Transformer.from_crs(4490, crs, always_xy=True).transform([lon, lon + 0.01], [lat, lat])
    if swapped:
        x, y = y, x
    found = recognise_cgcs2000(x, y, near=None if prefixed else (lon, lat))
    assert found.epsg[0] == crs.to_epsg()
    assert found.swapped is swapped


def test_zone_codes():
    assert [cgcs2000_crs(meridian=m).to_epsg() for m in (75, 117, 135)] == [4534, 4548, 4554]
    assert [cgcs2000_crs(zone=z, prefixed=True).to_epsg() for z in (25, 39, 45)] == [
        4513,
        4527,
        4533,
    ]
    for code in range(4513, 4555):
        assert "CGCS2000 / 3-degree Gauss-Kruger" in CRS.from_epsg(code).name
    for bad in ({"meridian": 116}, {"zone": 24}, {"zone": 39, "meridian": 117}, {"meridian": 138}):
        with pytest.raises(OptionError):
            cgcs2000_crs(**bad)


def test_what_the_numbers_alone_cannot_tell():
    # six digits fit each of the 21 zones
    assert len(recognise_cgcs2000([453638.9], [4415000.0]).epsg) == 21
    # a six-degree zone: 20 and 21 as prefix
    assert recognise_cgcs2000([20453638.9], [4415000.0]).epsg == (4498,)
    assert recognise_cgcs2000([121.4], [31.2]).epsg == ()
    assert recognise_cgcs2000([np.nan], [np.nan]).epsg == ()
    assert recognise_cgcs2000([453638.9, 39453638.9], [4415000.0, 4415000.0]).epsg == ()


def crooked_town(seed=0):
    """Streets 60 to 200 m apart both ways, and houses between them, in WGS-84 degrees."""
    rng = np.random.default_rng(seed)
    east = 121.40 + np.cumsum(rng.uniform(0.0006, 0.0020, 70))
    north = 31.20 + np.cumsum(rng.uniform(0.0005, 0.0018, 70))
    lines = [shapely.LineString([(x, north[0]), (x, north[-1])]) for x in east]
    lines += [shapely.LineString([(east[0], y), (east[-1], y)]) for y in north]
    middle = rng.integers(15, 54, (400, 2))
    houses = [
        shapely.Point((east[i] + east[i + 1]) / 2, (north[j] + north[j + 1]) / 2) for i, j in middle
    ]
    corners = [shapely.Point(east[i], north[j]) for i, j in middle]
    streets = gpd.GeoDataFrame(geometry=lines, crs=4326)
    return streets, gpd.GeoSeries(houses, crs=4326), gpd.GeoSeries(corners, crs=4326)


@pytest.mark.parametrize("datum", DATUMS)
def test_houses_off_and_gates_on_the_streets_tell_their_datum(datum):
    streets, houses, corners = crooked_town()
    for places in (
        houses,
        corners,
        houses.to_crs(32651).buffer(10, cap_style="square").to_crs(4326),
    ):
        given = convert_datum(places, source="wgs84", target=datum)
        guess = guess_datum(gpd.GeoDataFrame(geometry=given), streets)
        assert guess["datum"][0] == datum
        assert guess["verdict"].tolist() == ["fits best", "does not fit", "does not fit"]
        assert fits_better(guess, declared=datum) is None
        wrong = "gcj02" if datum != "gcj02" else "bd09"
        assert f"look like {datum}" in fits_better(guess, declared=wrong)
        assert f"更像 {datum}" in fits_better(guess, declared=wrong, lang="zh")


def test_one_house_between_two_streets_by_hand():
    # streets along two meridians 0.002 degrees apart; at 31 north a degree is 95.5 km, so a house
    # in the middle is 95.5 m from both
    lines = [shapely.LineString([(x, 30.9), (x, 31.1)]) for x in (121.4, 121.402)]
    streets = gpd.GeoDataFrame(geometry=lines, crs=4326)
    guess = guess_datum(gpd.GeoSeries([shapely.Point(121.401, 31.0)], crs=4326), streets)
    assert guess["places"].tolist() == [0, 0, 0]  # as GCJ-02 it lies outside the known streets
    wide = pd.concat([streets, streets.translate(0.02).to_frame("geometry")], ignore_index=True)
    wide = pd.concat([wide, streets.translate(-0.02).to_frame("geometry")], ignore_index=True)
    guess = guess_datum(gpd.GeoSeries([shapely.Point(121.401, 31.0)], crs=4326), wide)
    as_wgs = guess.set_index("datum").loc["wgs84"]
    assert as_wgs["street_m"] == pytest.approx(95.5, abs=0.3)
    assert as_wgs["on_street_share"] == 0.0
    assert set(guess["verdict"]) == {"cannot tell"}
    assert set(guess["verdict_zh"]) == {"无法判断"}
    assert fits_better(guess, declared="bd09") is None


def test_road_inside_an_estate_by_hand():
    # a square of 100 m crossed in full by one main road: 100 m over one hectare; a footway through
    # it does not count
    y = [
        3450000.0,
        *np.arange(3448000.0, 3449900.0, 211.0),
        *np.arange(3450100.0, 3452000.0, 211.0),
    ]
    main = [shapely.LineString([(345000.0, north), (355000.0, north)]) for north in y]
    path = shapely.LineString([(350050.0, 3440000.0), (350050.0, 3460000.0)])
    kinds = ["primary_link", *["tertiary"] * (len(y) - 1), "footway"]
    streets = gpd.GeoDataFrame({"kind": kinds}, geometry=[*main, path], crs=32651)
    square = shapely.box(350000.0, 3449950.0, 350100.0, 3450050.0)
    guess = guess_datum(gpd.GeoSeries([square], crs=32651).to_crs(4326), streets)
    as_wgs = guess.set_index("datum").loc["wgs84"]
    assert guess.attrs["communityplan"]["streets"] == "main roads"
    assert as_wgs["places"] == 1
    assert as_wgs["road_m_per_ha"] == pytest.approx(100.0, rel=1e-3)
    assert as_wgs["on_street_share"] == 1.0


def test_guess_refuses_what_it_cannot_measure():
    streets, houses, _ = crooked_town()
    with pytest.raises(OptionError, match="degrees as they came"):
        guess_datum(houses.to_crs(32651), streets)
    with pytest.raises(OptionError, match="give some"):
        guess_datum(houses, streets.iloc[:0])
    nobody = guess_datum(houses.iloc[:0], streets)
    assert set(nobody["verdict"]) == {"cannot tell"}
    assert nobody["places"].tolist() == [0, 0, 0]


def osm(path, layer, where, column):
    """A layer of an OpenStreetMap extract, read by GDAL."""
    if not path.exists():
        pytest.skip("real data is not here")
    import pyogrio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pyogrio.read_dataframe(path, layer=layer, columns=[column], where=where)


@pytest.fixture(scope="module")
def shanghai_streets():
    path = DATA / "shanghai" / "shanghai_center_roads_20250809.osm.pbf"
    streets = osm(path, "lines", "highway is not null", "highway")
    return streets.rename(columns={"highway": "kind"})


def test_estates_of_shanghai_are_bd09_and_its_places_wgs84(shanghai_streets):
    folder = DATA / "shanghai"
    estates = gpd.read_file(folder / "shanghai_estate_polygons_bd09.geojson")
    guess = guess_datum(estates, shanghai_streets)
    assert guess["datum"][0] == "bd09"
    assert guess["verdict"][0] == "fits best"
    # 9 to 13 m of main road inside a hectare with the right datum, several times that otherwise
    assert guess["road_m_per_ha"][0] < 15
    assert guess["road_m_per_ha"][1:].min() > 30
    table = pd.read_csv(folder / "shanghai_poi_health_education_wgs84.csv.gz")
    places = gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    guess = guess_datum(places, shanghai_streets)
    assert guess["datum"][0] == "wgs84"
    assert guess["verdict"][0] == "fits best"
    assert guess["street_m"][0] == guess["street_m"].min()
    assert fits_better(guess, declared="bd09").endswith("look like wgs84")


@pytest.mark.parametrize("datum", DATUMS)
def test_buildings_of_chengdu_tell_what_datum_they_were_moved_to(datum):
    path = DATA / "chengdu" / "chengdu_xipu_20251112.osm.pbf"
    streets = osm(path, "lines", "highway is not null", "highway")
    buildings = osm(path, "multipolygons", "building is not null", "building")
    given = convert_datum(buildings, source="wgs84", target=datum)
    guess = guess_datum(given, streets.rename(columns={"highway": "kind"}))
    assert guess["datum"][0] == datum
    assert guess["verdict"][0] == "fits best"
