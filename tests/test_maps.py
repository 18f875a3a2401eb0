"""Maps: what a page carries, what it refuses, and that one file needs nothing else."""

from __future__ import annotations

import json
import re

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import maps_quarter as quarter
from communityplan import maps, wording
from communityplan.errors import OptionError, TableError, TooLargeError
from communityplan.maps import offline, theme
from communityplan.maps.coverage import _NEEDED
from communityplan.maps.page import page_of
from communityplan.maps.shapes import encode
from communityplan.standards import Service


def data_of(m):
    """The data of a map's page, as the browser reads them."""
    text = m.get_root().render()
    found = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    return json.loads(found[1])


def layer_of(m, key):
    return next(layer for layer in data_of(m)["views"][0]["layers"] if layer["key"] == key)


def variant_of(layer, service, within_min=None):
    return next(
        one
        for one in layer["variants"]
        if one["service"] == service and within_min in (None, one.get("within_min"))
    )


def decoded(packed):
    """Shapes of a page as lists of pieces, in degrees: what the page's script does."""
    places = np.cumsum(np.array(packed["xy"]).reshape(-1, 2), axis=0) / 1e6
    pieces = np.split(places, np.cumsum(packed["rings"])[:-1])
    ends = np.cumsum(packed["parts"])
    return [pieces[end - count : end] for end, count in zip(ends, packed["parts"], strict=True)]


class TestShapes:
    def test_an_area_with_a_hole_in_metres(self):
        ring = shapely.box(500_000, 3_400_000, 500_100, 3_400_100)
        hole = shapely.box(500_040, 3_400_040, 500_060, 3_400_060)
        shape = ring.difference(hole)
        packed = encode(gpd.GeoSeries([shape], crs=32650), simplify_m=0)
        assert packed["parts"] == [2]
        # four corners each: the closing point is left out
        assert packed["rings"] == [4, 4]
        wanted = gpd.GeoSeries([shape], crs=32650).to_crs(4326).iloc[0]
        outside, inside = (piece.tolist() for piece in decoded(packed)[0])
        rebuilt = shapely.Polygon(outside, [inside])
        assert rebuilt.symmetric_difference(wanted).area < 5e-9

    def test_missing_and_empty_shapes_stay_as_rows(self):
        shapes = gpd.GeoSeries([None, shapely.Point(), shapely.Point(104, 30)], crs=4326)
        assert encode(shapes, simplify_m=1)["parts"] == [0, 0, 1]

    def test_no_shapes_at_all(self):
        nothing = {"parts": [], "rings": [], "xy": []}
        assert encode(gpd.GeoSeries([], crs=4326), simplify_m=1) == nothing

    def test_a_closed_line_stays_closed(self):
        loop = shapely.LineString([(104, 30), (104.01, 30), (104.01, 30.01), (104, 30)])
        assert encode(gpd.GeoSeries([loop], crs=4326), simplify_m=0)["rings"] == [4]
        ring = shapely.LinearRing(loop)
        assert encode(gpd.GeoSeries([ring], crs=4326), simplify_m=0)["rings"] == [4]

    def test_simplified_in_metres_also_from_degrees(self):
        # a bend of about 0.9 m in a line of some 950 m
        bent = shapely.LineString([(104, 30), (104.005, 30.000008), (104.01, 30)])
        shapes = gpd.GeoSeries([bent], crs=4326)
        assert encode(shapes, simplify_m=0.2)["rings"] == [3]
        assert encode(shapes, simplify_m=2.0)["rings"] == [2]

    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(
            st.tuples(st.floats(103, 105), st.floats(29, 31), st.integers(3, 12)),
            min_size=1,
            max_size=6,
        )
    )
    def test_what_is_packed_comes_back_within_half_a_step(self, circles):
        shapes = [shapely.Point(x, y).buffer(0.01, quad_segs=corners) for x, y, corners in circles]
        packed = encode(gpd.GeoSeries(shapes, crs=4326), simplify_m=0)
        for shape, pieces in zip(shapes, decoded(packed), strict=True):
            there = np.asarray(shape.exterior.coords)[:-1]
            assert pieces[0] == pytest.approx(there, abs=0.51e-6)


class TestLayers:
    def test_every_table_is_a_layer(self):
        keys = [
            layer["key"]
            for layer in data_of(maps.coverage_map(**quarter.everything()))["views"][0]["layers"]
        ]
        drawn = (
            "areas area_outline communities homes unserved idle_buildings chosen slope facilities"
        )
        assert sorted(keys) == sorted(
            [*drawn.split(), "openings", "walls", "gates", "streets", "reached"]
        )

    def test_bands_lie_large_to_small(self):
        bands = variant_of(
            layer_of(maps.coverage_map(areas=quarter.areas()), "areas"), "elder_care"
        )
        assert [band["within_min"] for band in bands["bands"]] == [15, 10, 5]
        assert [band["rows"] for band in bands["bands"]] == [[2], [1], [0]]

    def test_areas_of_single_facilities_make_one_band(self):
        both = pd.concat([quarter.areas(), quarter.areas()], ignore_index=True)
        bands = variant_of(layer_of(maps.coverage_map(areas=both), "areas"), "elder_care")
        assert [band["rows"] for band in bands["bands"]] == [[2, 7], [1, 6], [0, 5]]

    def test_covered_share_of_communities(self):
        m = maps.coverage_map(communities=quarter.communities(), coverage=quarter.ledger())
        shares = variant_of(layer_of(m, "communities"), "elder_care", 5)
        # 60 of 90, 0 of 40
        assert shares["values"] == [66.7, 0]

    def test_a_community_with_nobody_has_no_share(self):
        empty = quarter.ledger().assign(people=0, covered=0, beyond=0, unreachable=0)
        m = maps.coverage_map(communities=quarter.communities(), coverage=empty)
        assert variant_of(layer_of(m, "communities"), "elder_care", 5)["values"] == [None, None]

    def test_totals_of_the_ledger_add_up(self):
        totals = data_of(maps.coverage_map(coverage=quarter.ledger()))["views"][0]["ledger"]
        first = next(row for row in totals if row["within_min"] == 5)
        assert (first["people"], first["covered"], first["beyond"], first["unreachable"]) == (
            130,
            60,
            30,
            40,
        )
        for row in totals:
            assert row["covered"] + row["beyond"] + row["unreachable"] == row["people"]

    def test_minutes_are_rounded_up_and_unreachable_is_missing(self):
        m = maps.coverage_map(homes=quarter.homes(), home_access=quarter.home_access())
        walks = variant_of(layer_of(m, "homes"), "elder_care")
        assert walks["values"] == [4, 7.1, None]
        assert walks["missing"]["colour"] == theme.COLOURS["unreachable"]

    def test_a_walk_just_beyond_the_limit_shows_beyond(self):
        access = quarter.home_access().assign(walk_min=5.001)
        m = maps.coverage_map(homes=quarter.homes(), home_access=access)
        walks = variant_of(layer_of(m, "homes"), "elder_care")
        assert all(value > walks["breaks"][0] == 5 for value in walks["values"])

    def test_people_not_covered(self):
        m = maps.coverage_map(homes=quarter.homes(), home_access=quarter.home_access())
        left = variant_of(layer_of(m, "unserved"), "elder_care")
        # the standard limit is 5 minutes: the 30 of h2 and the 40 of h3 are left, most first
        assert left["values"] == [0, 30, 40]
        assert left["rows"] == [2, 1]

    def test_people_not_covered_by_share(self):
        access = quarter.home_access().assign(covered_share=0.25)
        m = maps.coverage_map(homes=quarter.homes(), home_access=access)
        assert variant_of(layer_of(m, "unserved"), "elder_care")["values"] == [45, 22.5, 30]

    def test_ranks_and_what_they_gain(self):
        m = maps.coverage_map(
            idle_buildings=quarter.idle_buildings(), ranking=quarter.ranking(), lang="en"
        )
        layer = layer_of(m, "idle_buildings")
        assert layer["variants"][0]["values"] == [2, 1, None]
        # the best lies on top
        assert layer["variants"][0]["rows"] == [2, 0, 1]
        told = {fact["label"]: fact["values"] for fact in layer["facts"]}
        assert told["people newly covered, over all services"] == [30, 140, 0]
        assert told["newly covered: elder care (within 5 min)"] == [30, 40, None]
        assert told["services proposed"] == ["elder care", "elder care, food market", ""]
        assert (
            told["services that do not fit"][2]
            == "elder care: floor area 40 m² is below the 350 m² needed"
        )
        assert told["former use"] == ["bathhouse", "bicycle shed", "office"]

    def test_sentences_of_a_ranking_are_told_in_the_language_of_the_map(self):
        told = {}
        for lang in wording.LANGUAGES:
            ranking = quarter.ranking().assign(
                why_zh=["甲", "乙", "丙"],
                why_en=["a", "b", "c"],
                reason_zh=["", "", "太小（依据未核实）"],
                reason_en=["", "", "too small (rule not verified)"],
            )
            m = maps.coverage_map(
                idle_buildings=quarter.idle_buildings(), ranking=ranking, lang=lang
            )
            facts = layer_of(m, "idle_buildings")["facts"]
            told[lang] = {fact["label"]: fact["values"] for fact in facts}
        # b1 is second; b3 has no rank, and its reasons say why
        assert told["en"]["why this rank"] == ["b", "a", ""]
        assert told["en"]["services that do not fit"][2] == "too small (rule not verified)"
        assert told["zh"]["排名理由"] == ["乙", "甲", ""]
        assert told["zh"]["不适合的服务及原因"][2] == "太小（依据未核实）"

    def test_what_a_choice_opens(self):
        m = maps.coverage_map(
            idle_buildings=quarter.idle_buildings(), chosen=quarter.chosen(), lang="en"
        )
        layer = layer_of(m, "chosen")
        assert data_of(m)["lists"][layer["names"]] == ["Old bathhouse"]
        told = {fact["label"]: fact["values"] for fact in layer["facts"]}
        assert told["services to be put in"] == ["elder care, food market"]
        # 0.1 and 0.8 million
        assert told["cost"] == [900_000]
        assert told["floor area used"] == [350]
        assert told["people newly served, once for every service"] == [130]

    def test_openings_tell_why_and_what_they_save(self):
        openings = quarter.openings().assign(
            kind="closed_gate", minutes_saved=120.0, why_zh="关着", why_en="shut today"
        )
        called = {"en": ("shut today", "open a shut gate"), "zh": ("关着", "开启关闭的出入口")}
        for lang, (sentence, name) in called.items():
            m = maps.coverage_map(openings=openings, lang=lang)
            layer = layer_of(m, "openings")
            assert data_of(m)["lists"][layer["names"]] == [name]
            told = {fact["label"]: (fact["values"], fact["unit"]) for fact in layer["facts"]}
            texts = [values[0] for values, _ in told.values()]
            assert sentence in texts
            assert ([120], wording.word("unit.people_minutes", lang)) in told.values()

    def test_crowded_gates_wait_for_the_zoom(self):
        many = gpd.GeoDataFrame(pd.concat([quarter.gates()] * 130, ignore_index=True))
        assert layer_of(maps.coverage_map(gates=many), "gates")["style"]["from_zoom"] == 14
        assert (
            "from_zoom" not in layer_of(maps.coverage_map(gates=quarter.gates()), "gates")["style"]
        )

    def test_the_limit_that_a_ranking_was_made_with_is_told(self):
        ranking = quarter.ranking()
        ranking.attrs["communityplan"] = {"services": {"elder_care": {"within_min": 8.0}}}
        m = maps.coverage_map(idle_buildings=quarter.idle_buildings(), ranking=ranking, lang="en")
        labels = [fact["label"] for fact in layer_of(m, "idle_buildings")["facts"]]
        assert "newly covered: elder care (within 8 min)" in labels

    def test_slope_is_climb_over_length(self):
        slopes = layer_of(maps.coverage_map(streets=quarter.streets()), "slope")["variants"][0]
        # 4.6 m on 460 m, 23 m on 230 m
        assert slopes["values"] == [1, 10]

    def test_gates_by_who(self):
        gates = layer_of(maps.coverage_map(gates=quarter.gates(), lang="en"), "gates")
        assert gates["variants"][0]["values"] == [0, 1, 2, 3]
        assert gates["legend"][3]["label"] == "who may pass is not known"

    def test_shapes_that_layers_share_are_there_once(self):
        data = data_of(maps.coverage_map(homes=quarter.homes(), home_access=quarter.home_access()))
        homes, unserved = data["views"][0]["layers"]
        assert homes["shapes"] == unserved["shapes"]
        assert len(data["shapes"]) == 1

    def test_services_of_your_own(self):
        own = Service(
            "elder_care",
            within_min=8.0,
            zh="日间照料",
            en="day care",
            source="city plan",
            verified=True,
        )
        data = data_of(maps.coverage_map(coverage=quarter.ledger(), services=[own], lang="en"))
        assert data["names"]["service"]["elder_care"] == "day care"
        assert data["services"][0]["within_min"] == 8
        assert data["services"][0]["verified"]

    def test_an_unverified_standard_says_so(self):
        data = data_of(maps.coverage_map(coverage=quarter.ledger(), lang="en"))
        market = next(one for one in data["services"] if one["key"] == "market")
        assert not market["verified"]
        assert "not seen in the source" in market["note"]

    @pytest.mark.parametrize("lang", wording.LANGUAGES)
    def test_marks_and_sources(self, lang):
        m = maps.coverage_map(
            gates=quarter.gates(), lang=lang, osm=True, synthetic=True, notes=["n1"]
        )
        data = data_of(m)
        assert data["marks"] == [wording.word("map.synthetic", lang)]
        assert wording.word("map.osm", lang) in data["attribution_text"]
        assert data["notes"][0] == "n1"

    def test_simplification_is_stated(self):
        notes = data_of(maps.coverage_map(walls=quarter.walls(), simplify_m=3, lang="en"))["notes"]
        assert any("within 3 m" in note and "0.000001°" in note for note in notes)


class TestInput:
    def test_any_coordinate_system(self):
        metric = layer_shapes(maps.coverage_map(homes=quarter.homes(), simplify_m=0))
        degrees = layer_shapes(maps.coverage_map(homes=quarter.homes().to_crs(4490), simplify_m=0))
        assert np.abs(np.array(metric["xy"][:2]) - np.array(degrees["xy"][:2])).max() <= 1

    def test_shifted_to_the_tiles_of_china(self):
        here = maps.coverage_map(gates=quarter.gates(), lang="en")
        there = maps.coverage_map(gates=quarter.gates(), lang="en", tile_datum="gcj02")
        apart = np.array(layer_shapes(there)["xy"][:2]) - layer_shapes(here)["xy"][:2]
        # some 500 m to the east, as everywhere in east China
        assert 4000 < apart[0] < 6500
        assert any("GCJ-02" in note for note in data_of(there)["notes"])

    def test_an_unknown_datum(self):
        with pytest.raises(OptionError, match="tile_datum is 'bd09'"):
            maps.coverage_map(gates=quarter.gates(), tile_datum="bd09")

    def test_tables_are_not_changed(self):
        before = quarter.everything()
        given_tables = quarter.everything()
        maps.coverage_map(**given_tables)
        for name, table in before.items():
            pd.testing.assert_frame_equal(pd.DataFrame(table), pd.DataFrame(given_tables[name]))

    def test_a_renamed_geometry(self):
        m = maps.coverage_map(homes=quarter.homes().rename_geometry("shape"))
        assert layer_shapes(m)["parts"] == [1, 1, 1]

    @pytest.mark.parametrize("name", list(_NEEDED))
    def test_empty_tables(self, name):
        tables = {
            "gates": quarter.gates(),
            name: quarter.everything().get(name, quarter.streets()).iloc[:0],
        }
        assert data_of(maps.coverage_map(**tables))["views"]

    def test_an_empty_table_with_nothing_at_all(self):
        assert layer_shapes(maps.coverage_map(homes=gpd.GeoDataFrame())) == {
            "parts": [],
            "rings": [],
            "xy": [],
        }

    def test_rows_without_a_location_are_counted(self):
        homes = quarter.homes()
        homes.loc[1, "geometry"] = None
        notes = data_of(maps.coverage_map(homes=homes, lang="en"))["notes"]
        assert "Homes: 1 without a location, not drawn." in notes

    def test_keys_that_are_not_on_the_map_are_told(self):
        m = maps.coverage_map(
            homes=quarter.homes().iloc[:1], home_access=quarter.home_access(), lang="en"
        )
        assert any(
            "home_access: 2 keys" in note and "h2, h3" in note for note in data_of(m)["notes"]
        )

    def test_everything_wrong_is_listed_at_once(self):
        with pytest.raises(TableError) as caught:
            maps.coverage_map(
                homes=pd.DataFrame({"home_id": ["h1"]}),
                communities=quarter.communities().set_crs(None, allow_override=True),
                walls=quarter.gates(),
                coverage=quarter.ledger().drop(columns="covered"),
                ranking=3,
            )
        said = str(caught.value)
        for part in (
            "5 problems",
            "homes: no geometry",
            "communities: no coordinate system",
            "walls: geometry is a Point",
            "coverage: no column 'covered'",
            "ranking: a int",
        ):
            assert part in said

    @pytest.mark.parametrize("place", [(30.0, 104.0), (np.inf, 30.0), (500_000.0, 3_400_000.0)])
    def test_what_lies_outside_the_world_is_named(self, place):
        shapes = [shapely.Point(117, 30), None, shapely.Point(*place)]
        homes = gpd.GeoDataFrame({"home_id": ["a", "b", "c"]}, geometry=shapes, crs=4326)
        with pytest.raises(TableError, match=r"homes, row 3: 1 of 3 rows lie outside.*swapped"):
            maps.coverage_map(homes=homes)

    def test_nothing_to_draw(self):
        with pytest.raises(OptionError, match="at least one table"):
            maps.coverage_map()

    def test_an_unknown_language(self):
        with pytest.raises(OptionError, match="lang is 'fr'"):
            maps.coverage_map(gates=quarter.gates(), lang="fr")

    def test_too_many_things(self):
        homes = gpd.GeoDataFrame(
            {"home_id": np.arange(200_001).astype(str)},
            geometry=gpd.points_from_xy(np.full(200_001, 104.0), np.full(200_001, 30.0)),
            crs=4326,
        )
        with pytest.raises(TooLargeError, match=r"homes 200,001.*sum homes to communities"):
            maps.coverage_map(homes=homes)


def layer_shapes(m):
    data = data_of(m)
    return data["shapes"][data["views"][0]["layers"][0]["shapes"]]


class TestComposition:
    def test_on_a_map_of_your_own(self):
        own = folium.Map(tiles=None)
        assert maps.coverage_map(gates=quarter.gates(), m=own) is own

    def test_a_second_call_adds_its_layers(self):
        m = maps.coverage_map(gates=quarter.gates())
        maps.coverage_map(walls=quarter.walls(), gates=quarter.gates(), m=m)
        assert [layer.key for layer in page_of(m).views[0].layers] == ["gates", "walls", "gates_2"]

    def test_layers_of_several_calls_are_told_apart(self):
        m = maps.coverage_map(gates=quarter.gates(), lang="en", label="today")
        maps.coverage_map(gates=quarter.gates(), lang="en", label="<b>plan</b>", m=m)
        names = [layer.name for layer in page_of(m).views[0].layers]
        assert names == ["Gates · today", "Gates · <b>plan</b>"]

    def test_a_notebook_shows_it_without_a_network(self):
        shown = maps.coverage_map(gates=quarter.gates())._repr_html_()
        assert "Content-Security-Policy" in shown
        assert "cdn." not in shown

    def test_compare_needs_two_maps_of_coverage_map(self):
        m = maps.coverage_map(gates=quarter.gates())
        with pytest.raises(OptionError, match="'after' is no map"):
            maps.compare_map(m, folium.Map(tiles=None))

    def test_compare_needs_one_language(self):
        zh, en = (maps.coverage_map(gates=quarter.gates(), lang=lang) for lang in ("zh", "en"))
        with pytest.raises(OptionError, match="two languages"):
            maps.compare_map(zh, en)

    def test_compared_circles_have_one_scale(self):
        near = quarter.home_access().assign(walk_min=1.0)
        before, after = (
            maps.coverage_map(homes=quarter.homes(), home_access=access)
            for access in (quarter.home_access(), near)
        )
        views = data_of(maps.compare_map(before, after))["views"]
        sizes = [
            layer["style"]["most"]
            for view in views
            for layer in view["layers"]
            if layer["key"] == "unserved"
        ]
        # the 200 of h1 have no market within its 10 minutes
        assert sizes == [200, 200]

    def test_compared_maps_carry_the_same_shapes_once(self):
        one = maps.coverage_map(**quarter.everything())
        two = maps.coverage_map(**quarter.everything())
        assert len(data_of(maps.compare_map(one, two))["shapes"]) == len(data_of(one)["shapes"])


class TestOffline:
    def test_nothing_is_asked_for(self, tmp_path):
        path = maps.save_offline(maps.coverage_map(**quarter.everything()), tmp_path / "map.html")
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<(script|link|img)[^>]+(src|href)=", text)
        assert not re.search(r"url\((?!['\"]?(data:|#))", text)
        assert "sourceMappingURL" not in text
        assert "connect-src 'none'" in text
        # a folium page asks for icon fonts of 0.7 MB that nothing here uses
        assert path.stat().st_size < 400_000

    def test_names_stay_text(self, tmp_path):
        said = {"title": "</title>" + quarter.NASTY, "notes": [quarter.NASTY]}
        m = maps.coverage_map(**quarter.everything(), **said, sources=[quarter.NASTY])
        path = maps.save_offline(m, tmp_path / "map.html")
        text = path.read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert (
            data_of(maps.coverage_map(communities=quarter.communities()))["lists"].popitem()[1][0]
            == quarter.NASTY
        )

    def test_a_lone_surrogate_in_a_name_is_written(self, tmp_path):
        broken = quarter.gates()
        broken["name"] = pd.Series(["a\ud800b"] * len(broken), dtype=object)
        assert maps.save_offline(maps.coverage_map(gates=broken), tmp_path / "m.html").exists()

    def test_the_budget_is_explained(self, tmp_path):
        m = maps.coverage_map(**quarter.everything(), lang="en")
        with pytest.raises(TooLargeError, match=r"over its budget of 0\.1 MB \(.*Raise simplify_m"):
            maps.save_offline(m, tmp_path / "map.html", max_mb=0.1)
        assert list(tmp_path.iterdir()) == []

    def test_online_tiles_are_refused(self, tmp_path):
        with pytest.raises(OptionError, match="online tiles"):
            maps.save_offline(folium.Map(), tmp_path / "map.html")

    def test_an_address_that_is_not_carried(self, tmp_path):
        m = maps.coverage_map(gates=quarter.gates())
        # folium's own add_js_link would change every later map
        m.default_js = [*m.default_js, ("other", "https://example.org/other.js")]
        with pytest.raises(OptionError, match=r"does not carry.*example\.org/other\.js"):
            maps.save_offline(m, tmp_path / "map.html")

    def test_a_picture_from_the_network_is_refused(self, tmp_path):
        m = maps.coverage_map(gates=quarter.gates())
        m.get_root().html.add_child(folium.Element('<img src="https://example.org/logo.png">'))
        with pytest.raises(OptionError, match=r"would fetch https://example\.org/logo\.png"):
            maps.save_offline(m, tmp_path / "map.html")

    def test_a_failed_write_leaves_the_old_file(self, tmp_path, monkeypatch):
        path = tmp_path / "map.html"
        path.write_text("old")

        def broken(*_):
            raise OSError("disk full")

        monkeypatch.setattr(offline.os, "replace", broken)
        with pytest.raises(OSError, match="disk full"):
            maps.save_offline(maps.coverage_map(gates=quarter.gates()), path)
        assert [found.name for found in tmp_path.iterdir()] == ["map.html"]
        assert path.read_text() == "old"

    def test_the_same_map_twice_is_the_same_file(self, tmp_path):
        key = "0123456789abcdef" * 2
        files = []
        for name in ("a.html", "b.html"):
            tables = quarter.everything()
            # a key of a table that looks like a name of folium's
            tables["homes"].loc[0, "home_id"] = key
            m = maps.compare_map(*(maps.coverage_map(**tables) for _ in range(2)))
            folium.Marker([30, 117], popup="here", icon=folium.Icon()).add_to(m)
            folium.GeoJson(
                quarter.streets().to_crs(4326), tooltip=folium.GeoJsonTooltip(["kind"])
            ).add_to(m)
            files.append(maps.save_offline(m, tmp_path / name).read_bytes())
        assert files[0] == files[1]
        assert key.encode() in files[0]

    def test_folium_layers_of_the_user_keep_their_libraries(self, tmp_path):
        m = maps.coverage_map(gates=quarter.gates())
        folium.Marker([30, 104], popup="here", icon=folium.Icon()).add_to(m)
        text = maps.save_offline(m, tmp_path / "map.html").read_text(encoding="utf-8")
        assert "AwesomeMarkers.Icon" in text
        assert "jQuery" in text


class TestTheme:
    def test_the_ramp_only_gets_lighter(self):
        greys = [theme.contrast(colour, "#000000") for colour in theme.ramp(7)]
        assert greys == sorted(greys)

    @pytest.mark.parametrize("kind", ["protan", "deutan", "tritan"])
    def test_classes_stay_apart_for_colour_blind_people(self, kind):
        seen = [
            simulated(colour, kind) for colour in (*theme.ramp(5), theme.COLOURS["unreachable"])
        ]
        for place, one in enumerate(seen):
            for other in seen[place + 1 :]:
                assert np.linalg.norm(one - other) > 0.1

    @pytest.mark.parametrize(
        ("ink", "ground"),
        [
            ("#23282e", "#ffffff"),
            ("#59616b", "#ffffff"),
            ("#59616b", "#f7f6f3"),
            ("#0b5a94", "#ffffff"),
            ("#5c3a00", "#fff1d6"),
            ("#7a3d00", "#ffffff"),
            ("#666d76", "#ffffff"),
            ("#ffffff", theme.COLOURS["idle"]),
            ("#ffffff", theme.COLOURS["opening"]),
            ("#ffffff", theme.COLOURS["facility"]),
        ],
    )
    def test_words_are_readable(self, ink, ground):
        assert theme.contrast(ink, ground) >= 4.5


# how people without one kind of cone see linear RGB (Machado, Oliveira, Fernandes 2009, severity 1)
MACHADO = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def simulated(colour, kind):
    """A colour in OKLab as somebody without one kind of cone sees it."""
    linear = np.clip(np.array(MACHADO[kind]) @ theme._linear(theme._rgb(colour)), 0, 1)
    return theme._TO_LAB @ np.cbrt(theme._TO_CONES @ linear)


class TestWords:
    def test_every_word_is_there_in_both_languages(self):
        for section, words in wording._words().items():
            for key, said in words.items():
                assert set(said) == set(wording.LANGUAGES), f"{section}.{key}"
                places = [set(re.findall(r"{(\w+)}", said[lang])) for lang in wording.LANGUAGES]
                assert places[0] == places[1], f"{section}.{key}"

    def test_an_unknown_word(self):
        with pytest.raises(OptionError, match=r"no word for 'map\.nonsense'"):
            wording.word("map.nonsense", "en")
