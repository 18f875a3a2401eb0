"""The check-up, on a straight street where every metre and minute is plain."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from communityplan import Walker
from communityplan.checkup import (
    checkup,
    checkup_figures,
    renovation_scope,
    status_counts,
    what_is_missing,
)
from communityplan.errors import OptionError, TableError
from communityplan.network import WalkNetwork
from communityplan.standards.clauses import STANDARDS, Clause, Standard

CRS = "EPSG:32650"
SLOW = Walker("slow", 1.0, storey_up_s=20, storey_down_s=10)


def clause(name="t.day_care", **figures):
    facts = {"zh": "日间照料中心", "en": "Day-care centre", "standard": "T 1", "tier": "5min"}
    facts |= {"compulsory": True, "service": "elder_care", "source": "made up"}
    return Clause(id=name, **{**facts, **figures})


def standard(*clauses):
    return Standard("t", "试验", "test", "T 1", clauses=clauses)


def street(length_m=3000.0):
    line = shapely.LineString([(0, 0), (length_m, 0)])
    return WalkNetwork.from_streets(gpd.GeoDataFrame(geometry=[line], crs=CRS))


def communities(*names, **columns):
    facts = {"community_id": list(names), "name": [name.upper() for name in names], **columns}
    area = shapely.box(0, -60, 3000, 60)
    return gpd.GeoDataFrame(facts, geometry=[area] * len(names), crs=CRS)


def homes(*places, **columns):
    """Homes from pairs of community and metre."""
    facts = {
        "home_id": [f"h{i}" for i in range(len(places))],
        "community_id": [place[0] for place in places],
        "residents": [100.0] * len(places),
        "elderly": [20.0] * len(places),
        **columns,
    }
    at = [shapely.Point(place[1], 0) for place in places]
    return gpd.GeoDataFrame(facts, geometry=at, crs=CRS)


def facilities(*places, **columns):
    """Facilities from pairs of service and metre."""
    facts = {
        "facility_id": [f"f{i}" for i in range(len(places))],
        "service": [place[0] for place in places],
        **columns,
    }
    at = [shapely.Point(place[1], 0) for place in places]
    return gpd.GeoDataFrame(facts, geometry=at, crs=CRS)


NOWHERE = facilities()


def one(found):
    assert len(found) == 1
    return found.iloc[0]


class TestByHand:
    def test_metres_and_minutes(self):
        # 250 m at 1 m/s are 4 min 10 s; both limits hold
        found = one(
            checkup(
                street(),
                communities("c"),
                homes(("c", 250)),
                facilities(("elder_care", 0)),
                standard=standard(clause(walk_min=5, distance_m=300)),
                walker=SLOW,
            )
        )
        assert found["status"] == "met"
        assert found["shortfall"] == 0
        assert found["facility_id"] == "f0"
        assert found["served_share"] == 1

    def test_far_by_a_hundred_metres(self):
        found = one(
            checkup(
                street(),
                communities("c"),
                homes(("c", 400), ("c", 100)),
                facilities(("elder_care", 0)),
                standard=standard(clause(distance_m=300)),
            )
        )
        assert found["status"] == "short"
        assert (found["required"], found["measured"], found["unit"]) == (300, 400, "m")
        assert found["shortfall"] == pytest.approx(100)
        # two homes with 20 older people each, one of them near enough
        assert found["served_share"] == 0.5

    def test_part_of_the_people_may_be_enough(self):
        tables = (
            street(),
            communities("c"),
            homes(("c", 400), ("c", 100), elderly=[10.0, 90.0]),
            facilities(("elder_care", 0)),
        )
        asked = standard(clause(distance_m=300))
        assert one(checkup(*tables, standard=asked, share=0.9))["status"] == "met"
        assert one(checkup(*tables, standard=asked, share=0.9))["measured"] == pytest.approx(100)
        assert one(checkup(*tables, standard=asked, share=0.91))["status"] == "short"

    def test_storeys_count_in_minutes_and_not_in_metres(self):
        # 240 m take 4 min; the seventh storey is 6 flights of 10 s higher: exactly 5 min
        asked = standard(clause(walk_min=5, distance_m=240))
        tables = (street(), communities("c"))
        there = facilities(("elder_care", 0))
        tall = homes(("c", 240), storeys=[7])
        found = one(checkup(*tables, tall, there, standard=asked, walker=SLOW))
        assert found["status"] == "met"
        taller = homes(("c", 240), storeys=[8])
        found = one(checkup(*tables, taller, there, standard=asked, walker=SLOW))
        assert (found["status"], found["figure"]) == ("short", "walk_min")
        assert found["measured"] == pytest.approx(4 + 70 / 60)
        assert found["served_share"] == pytest.approx(7 / 8)
        lift = homes(("c", 240), storeys=[8], has_lift=[True])
        assert one(checkup(*tables, lift, there, standard=asked, walker=SLOW))["status"] == "met"
        # the way home climbs: 7 flights of 20 s
        figures = checkup_figures(
            *tables, taller, there, standard=asked, walker=SLOW, direction="worse"
        )
        assert figures["measured"].tolist() == pytest.approx([4 + 140 / 60, 240])

    def test_too_small(self):
        found = one(
            checkup(
                street(),
                communities("c"),
                homes(("c", 0)),
                facilities(("elder_care", 100), floor_area_m2=[200.0]),
                standard=standard(clause(distance_m=300, floor_area_min_m2=350)),
            )
        )
        assert (found["status"], found["figure"]) == ("short", "floor_area_min_m2")
        assert (found["measured"], found["shortfall"], found["unit"]) == (200, 150, "m2")

    def test_a_large_enough_one_within_the_limit_is_counted(self):
        tables = (street(), communities("c"), homes(("c", 0)))
        asked = standard(clause(distance_m=300, floor_area_min_m2=350))
        two = facilities(("elder_care", 100), ("elder_care", 280), floor_area_m2=[200.0, 400.0])
        found = one(checkup(*tables, two, standard=asked))
        assert (found["status"], found["facility_id"]) == ("met", "f1")
        # beyond the limit it does not help: the near one is counted, and is small
        two = facilities(("elder_care", 100), ("elder_care", 320), floor_area_m2=[200.0, 400.0])
        found = one(checkup(*tables, two, standard=asked))
        assert (found["status"], found["facility_id"]) == ("short", "f0")
        assert found["figure"] == "floor_area_min_m2"

    def test_the_share_that_is_near_and_the_share_that_is_served(self):
        # three homes at 0, 100 and 500 m: a small centre at 0 m, a large one at 400 m
        found = one(
            checkup(
                street(),
                communities("c"),
                homes(("c", 0), ("c", 100), ("c", 500), elderly=[30.0, 10.0, 10.0]),
                facilities(("elder_care", 0), ("elder_care", 400), floor_area_m2=[90.0, 360.0]),
                standard=standard(clause(distance_m=300, floor_area_min_m2=350)),
            )
        )
        assert found["near_share"] == 1
        assert found["served_share"] == pytest.approx(0.4)
        assert (found["status"], found["figure"], found["facility_id"]) == (
            "short",
            "distance_m",
            "f1",
        )
        assert found["shortfall"] == pytest.approx(100)

    def test_an_unknown_floor_area_is_unknown(self):
        tables = (street(), communities("c"), homes(("c", 0)))
        asked = standard(clause(distance_m=300, floor_area_min_m2=350))
        for there in (
            facilities(("elder_care", 100)),
            facilities(("elder_care", 100), floor_area_m2=[np.nan]),
        ):
            found = one(checkup(*tables, there, standard=asked))
            assert (found["status"], found["reason"]) == ("unknown", "no_floor_area")
            assert found["reason_zh"] == "设施建筑面积未知"
        # but too far is too far
        far = facilities(("elder_care", 900), floor_area_m2=[np.nan])
        assert one(checkup(*tables, far, standard=asked))["status"] == "short"

    def test_none_at_all(self):
        found = one(
            checkup(
                street(),
                communities("c"),
                homes(("c", 0)),
                NOWHERE,
                standard=standard(clause(distance_m=300)),
            )
        )
        assert (found["status"], found["reason"]) == ("missing", "no_facility")
        assert (found["required"], found["measured"], found["served_share"]) == (1, 0, 0)

    def test_not_surveyed_is_unknown(self):
        asked = standard(clause(service="library", distance_m=300))
        tables = (street(), communities("c"), homes(("c", 0)))
        found = one(checkup(*tables, NOWHERE, standard=asked))
        assert (found["status"], found["reason"]) == ("unknown", "not_surveyed")
        found = one(checkup(*tables, NOWHERE, standard=asked, surveyed=["library"]))
        assert found["status"] == "missing"

    def test_no_way_is_missing_and_a_way_for_some_is_short(self):
        island = shapely.LineString([(0, 5000), (500, 5000)])
        lines = [shapely.LineString([(0, 0), (3000, 0)]), island]
        network = WalkNetwork.from_streets(gpd.GeoDataFrame(geometry=lines, crs=CRS))
        where = homes(("a", 0), ("b", 0), ("b", 100))
        where = where.set_geometry(
            [shapely.Point(0, 5000), shapely.Point(0, 5000), shapely.Point(100, 0)], crs=CRS
        )
        found = checkup(
            network,
            communities("a", "b"),
            where,
            facilities(("elder_care", 0)),
            standard=standard(clause(distance_m=300)),
        ).set_index("community_id")
        assert found.loc["a", ["status", "reason"]].tolist() == ["missing", "no_way"]
        assert found.loc["b", ["status", "reason"]].tolist() == ["short", "some_without_way"]
        assert math.isnan(found.loc["b", "measured"])
        assert found.loc["b", "served_share"] == 0.5

    def test_floor_area_per_hundred_households_is_shared(self):
        # 60 m2 are within reach of both: 100 and 200 households, so 20 m2 for each hundred
        found = checkup(
            street(),
            communities("a", "b", households=[100, 200]),
            homes(("a", 0), ("b", 100)),
            facilities(("elder_care", 50), floor_area_m2=[60.0]),
            standard=standard(clause(per_100_households_m2=30)),
        )
        assert found["measured"].tolist() == pytest.approx([20, 20])
        assert found["status"].tolist() == ["short", "short"]
        assert found["shortfall"].tolist() == pytest.approx([10, 10])
        assert set(found["unit"]) == {"m2/100 households"}

    def test_places_per_thousand(self):
        tables = (street(), communities("a"), homes(("a", 0), ("a", 10), residents=[400.0, 600.0]))
        asked = standard(clause(service="childcare", per_1000_people=4.5))
        there = facilities(("childcare", 50), ("childcare", 60), capacity=[3.0, 2.0])
        found = one(checkup(*tables, there, standard=asked))
        assert (found["status"], found["measured"]) == ("met", pytest.approx(5.0))
        there = facilities(("childcare", 50), ("childcare", 60), capacity=[3.0, np.nan])
        found = one(checkup(*tables, there, standard=asked))
        assert (found["status"], found["reason"]) == ("unknown", "no_capacity")
        there = facilities(("childcare", 50), capacity=[3.0])
        found = one(checkup(*tables, there, standard=asked))
        assert (found["status"], found["shortfall"]) == ("short", pytest.approx(1.5))

    def test_functions_of_an_embedded_centre(self):
        asked = STANDARDS["embedded_services"].only("embedded.community.complex")
        tables = (street(), communities("c"), homes(("c", 0)))
        for functions, status, figure in (
            ("elder_care; childcare; library", "met", "walk_min"),
            ("elder_care;childcare", "short", "functions_min"),
            ("elder_care;library;sport", "short", "core_functions_min"),
            (None, "unknown", "functions_min"),
        ):
            there = facilities(("community", 9), floor_area_m2=[700.0], functions=[functions])
            found = one(checkup(*tables, there, standard=asked))
            assert (found["status"], found["figure"]) == (status, figure)

    def test_land_decides_where_nothing_else_is_asked(self):
        tables = (street(), communities("c"), homes(("c", 0)))
        court = clause(service="ball_court", distance_m=300, land_area_min_m2=770)
        there = facilities(("ball_court", 100))
        assert one(checkup(*tables, there, standard=standard(court)))["status"] == "unknown"
        there = facilities(("ball_court", 100), land_area_m2=[500.0])
        found = one(checkup(*tables, there, standard=standard(court)))
        assert (found["status"], found["shortfall"]) == ("short", 270)
        both = clause(distance_m=300, land_area_min_m2=770, floor_area_min_m2=100)
        there = facilities(("elder_care", 100), floor_area_m2=[100.0])
        assert one(checkup(*tables, there, standard=standard(both)))["status"] == "met"

    def test_a_facility_that_names_its_tier_counts_for_that_tier_only(self):
        low = clause("t.low", tier="5min", distance_m=300)
        high = clause("t.high", tier="15min", distance_m=1000)
        tables = (street(), communities("c"), homes(("c", 0)))
        there = facilities(("elder_care", 100), tier=["15min"])
        found = checkup(*tables, there, standard=standard(low, high)).set_index("clause_id")
        assert found["status"].to_dict() == {"t.low": "missing", "t.high": "met"}

    def test_no_distance_takes_the_limit_of_the_service_and_says_so(self):
        found = one(
            checkup(
                street(),
                communities("c"),
                homes(("c", 0)),
                facilities(("canteen", 100)),
                standard=standard(clause(service="canteen", verified_fields=("walk_min",))),
            )
        )
        assert (found["status"], found["reason"]) == ("met", "limit_of_service")
        assert found["required"] == 10
        assert not found["verified"]

    def test_not_applicable(self):
        tables = (street(), communities("c"), homes(("c", 0)), facilities(("elder_care", 100)))
        asked = standard(
            clause("t.aside", distance_m=300, applies=False),
            clause("t.city", service=""),
            clause("t.large", distance_m=300, population_from=5000),
        )
        found = checkup(*tables, standard=asked).set_index("clause_id")
        assert found["status"].to_dict() == {
            "t.aside": "not_applicable",
            "t.city": "unknown",
            "t.large": "met",
        }
        found = checkup(*tables, standard=asked, by_population=True).set_index("clause_id")
        assert found.loc["t.large", ["status", "reason"]].tolist() == [
            "not_applicable",
            "too_few_people",
        ]

    def test_communities_without_homes_or_without_anybody_of_the_group(self):
        found = checkup(
            street(),
            communities("a", "b", "c"),
            homes(("a", 0), ("b", 10), elderly=[0.0, 5.0]),
            facilities(("elder_care", 100)),
            standard=standard(clause(distance_m=300)),
        ).set_index("community_id")
        assert found["status"].to_dict() == {"a": "not_applicable", "b": "met", "c": "unknown"}
        assert found["reason"].to_dict() == {"a": "nobody", "b": "", "c": "no_homes"}


class TestAgainstTheNaive:
    """Random towns on one street, judged home by home and storey by storey."""

    @staticmethod
    def naive(town, where, there, asked):
        """Status, measured metres and measured minutes of one community."""
        mine = where[where["community_id"] == town]
        people = mine["elderly"].sum()
        if mine.empty or not people:
            return ("unknown" if mine.empty else "not_applicable"), None, None
        flats = [
            (home.geometry.x, storey, home.elderly / home.storeys)
            for home in mine.itertuples()
            for storey in range(1, home.storeys + 1)
            if home.elderly
        ]

        def walk(x, storey, facility):
            metres = abs(x - facility.geometry.x)
            return metres, metres / 60 + (storey - 1) * 10 / 60

        def near(facilities):
            return [
                min((walk(x, storey, f) for f in facilities), key=lambda pair: pair[1])
                for x, storey, _ in flats
            ]

        everything = list(there.itertuples())
        large = [f for f in everything if f.floor_area_m2 >= asked.floor_area_min_m2]
        counted = everything
        if large and any(
            metres <= asked.distance_m and minutes <= asked.walk_min
            for metres, minutes in near(large)
        ):
            counted = large
        metres = max(pair[0] for pair in near(counted))
        minutes = max(pair[1] for pair in near(counted))
        is_near = metres <= asked.distance_m and minutes <= asked.walk_min + 1e-9
        is_large = counted is large
        if is_near and is_large:
            return "met", metres, minutes
        used = {}
        for x, storey, heads in flats:
            best = min(counted, key=lambda f: walk(x, storey, f)[1])
            used[best.facility_id] = used.get(best.facility_id, 0) + heads
        most = max(used.values())
        first = min(key for key, heads in used.items() if heads >= most - 1e-9)
        area = next(f.floor_area_m2 for f in everything if f.facility_id == first)
        is_large = area >= asked.floor_area_min_m2
        return ("met" if is_near and is_large else "short"), metres, minutes

    @pytest.mark.parametrize("seed", range(40))
    def test_random_towns(self, seed):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 9))
        names = ["a", "b", "c"]
        # places are whole metres apart from each other, so that no two are equally near
        at = rng.permutation(200)[: n + 4] * 6 + rng.permutation(n + 4) / 7
        where = homes(
            *[(names[rng.integers(0, 3)], x) for x in at[:n]],
            elderly=rng.integers(0, 20, n).astype(float),
            storeys=rng.integers(1, 8, n),
        )
        k = int(rng.integers(1, 5))
        there = facilities(
            *[("elder_care", x) for x in at[n : n + k]],
            floor_area_m2=rng.integers(100, 600, k).astype(float),
        )
        asked = clause(distance_m=300, walk_min=5, floor_area_min_m2=350)
        tables = (street(), communities(*names), where, there)
        found = checkup(*tables, standard=standard(asked), walker=SLOW).set_index("community_id")
        figures = checkup_figures(*tables, standard=standard(asked), walker=SLOW)
        figures = figures.set_index(["community_id", "figure"])["measured"]
        for name in names:
            status, metres, minutes = self.naive(name, where, there, asked)
            assert found.loc[name, "status"] == status, name
            if metres is not None:
                assert figures[name, "distance_m"] == pytest.approx(metres, abs=1e-6)
                assert figures[name, "walk_min"] == pytest.approx(minutes, abs=1e-9)


class TestMonotone:
    @pytest.mark.parametrize("seed", range(25))
    def test_one_more_facility_never_makes_it_worse(self, seed):
        rng = np.random.default_rng(1000 + seed)
        where = homes(
            *[(str(rng.choice(["a", "b"])), float(rng.integers(0, 900))) for _ in range(6)],
            storeys=rng.integers(1, 7, 6),
        )
        at = [("elder_care", float(rng.integers(0, 900))) for _ in range(4)]
        area = rng.integers(100, 600, 4).astype(float)
        asked = standard(clause(distance_m=300, walk_min=5, floor_area_min_m2=350))
        tables = (street(), communities("a", "b"), where)
        before = checkup(
            *tables, facilities(*at[:3], floor_area_m2=area[:3]), standard=asked, walker=SLOW
        )
        after = checkup(*tables, facilities(*at, floor_area_m2=area), standard=asked, walker=SLOW)
        assert (after["near_share"] >= before["near_share"] - 1e-12)[
            before["near_share"] >= 0
        ].all()
        both = before["served_share"] >= 0
        assert (after["served_share"] >= before["served_share"] - 1e-12)[both].all()
        assert (after["status"] == "met")[before["status"] == "met"].all()


class TestShapeAndRecord:
    def test_one_row_for_each_community_and_clause_of_several_standards(self):
        found = checkup(
            street(),
            communities("b", "a"),
            homes(("a", 0), ("b", 10)),
            facilities(("elder_care", 100), ("market", 40), floor_area_m2=[400.0, 900.0]),
            standard=["gb50180", "gb50437", "complete_community"],
        )
        clauses = [
            clause.id
            for name in ("gb50180", "gb50437", "complete_community")
            for clause in STANDARDS[name].clauses
        ]
        assert len(found) == 2 * len(clauses)
        assert found["clause_id"].tolist() == clauses * 2
        assert found["community_id"].tolist() == ["b"] * len(clauses) + ["a"] * len(clauses)
        assert set(found["status"]) <= {"met", "short", "missing", "unknown", "not_applicable"}
        day_care = found[found["clause_id"] == "gb50437.elder.day_care"]
        assert day_care["status"].tolist() == ["met", "met"]
        assert day_care["verified"].all()
        assert (found["source"] != "").all()

    def test_an_unverified_figure_is_marked(self):
        found = checkup(
            street(),
            communities("c"),
            homes(("c", 0)),
            facilities(("community", 500), floor_area_m2=[900.0]),
            standard=STANDARDS["gb50180"].only("gb50180.community.service_station"),
        )
        row = one(found)
        # 500 m where 300 m are asked for (from memory), 500 m / 1.2 m/s where 5 min are (seen)
        assert (row["figure"], row["verified"]) == ("distance_m", False)
        assert "未核实" in what_is_missing(found)["zh"].iloc[0]
        assert "not verified" in what_is_missing(found)["en"].iloc[0]

    def test_the_record(self):
        found = checkup(
            street(),
            communities("c"),
            homes(("c", 0), ("elsewhere", 10)),
            NOWHERE,
            standard=standard(clause(distance_m=300)),
            share=0.8,
        )
        noted = found.attrs["communityplan"]
        assert noted["share"] == 0.8
        assert noted["homes_of_other_communities"] == 1
        assert "elder_care" in noted["surveyed"]

    def test_inputs_are_not_changed(self):
        where, there = homes(("c", 0)), facilities(("elder_care", 10))
        towns = communities("c", households=[30])
        before = [table.copy() for table in (where, there, towns)]
        checkup(street(), towns, where, there, standard="elder_care_per_100_households")
        for table, old in zip((where, there, towns), before, strict=True):
            pd.testing.assert_frame_equal(table, old)


class TestSummary:
    def test_what_to_make_up(self):
        found = checkup(
            street(),
            communities("c", built_year=[1994]),
            homes(("c", 0), ("c", 400)),
            facilities(("elder_care", 0), ("market", 2500), floor_area_m2=[400.0, 100.0]),
            standard=standard(
                clause(
                    "t.canteen",
                    en="Canteen",
                    zh="食堂",
                    service="canteen",
                    walk_min=10,
                    compulsory=False,
                    verified=True,
                ),
                clause("t.elder", distance_m=300, verified_fields=("distance_m",)),
                clause(
                    "t.toilet",
                    en="Toilet",
                    zh="公厕",
                    service="toilet",
                    walk_min=5,
                    floor_area_min_m2=30,
                    verified=True,
                ),
            ),
        )
        told = what_is_missing(found)
        assert told["clause_id"].tolist() == ["t.toilet", "t.elder", "t.canteen"]
        assert told["in_scope"].tolist() == ["yes"] * 3
        assert told["en"].tolist() == [
            "Missing: Toilet (there is no facility of this kind). Make up: within 5 min on foot, "
            "at least 30 m² of floor area",
            "Short: Day-care centre, 400 m where 300 m is asked for: 100 m too far, "
            "50% of the people are within",
            "Missing: Canteen (there is no facility of this kind). Make up: within 10 min on foot "
            "(as needed)",
        ]
        assert told["zh"].iloc[1] == (
            "不足：日间照料中心，现状 400 米，要求 300 米，超出 100 米，50% 的人在范围内"
        )
        counts = one(status_counts(found))
        assert (counts["missing"], counts["short"], counts["met"], counts["clauses"]) == (
            2,
            1,
            0,
            3,
        )

    def test_nothing_is_missing(self):
        found = checkup(
            street(),
            communities("c"),
            homes(("c", 0)),
            facilities(("elder_care", 0)),
            standard=standard(clause(distance_m=300)),
        )
        assert what_is_missing(found).empty

    def test_only_the_result_of_a_check_up_will_do(self):
        with pytest.raises(TableError, match="no column 'clause_id'"):
            what_is_missing(pd.DataFrame({"status": ["met"]}))


class TestScope:
    def test_years_and_households(self):
        towns = communities(
            "a", "b", "c", "d", built_year=[2000, 2001, np.nan, 1980], households=[90, 900, 90, 9]
        )
        found = renovation_scope(towns, least_households=50).set_index("community_id")
        assert found["in_scope"].to_dict() == {"a": "yes", "b": "no", "c": "unknown", "d": "no"}
        assert found.loc["d", "reason_en"] == (
            "built in 1980, not after the end of 2000, 9 households, fewer than 50"
        )
        assert found.loc["c", "reason_zh"] == "建成年代未知，90 户，不少于 50 户"

    def test_no_year_known_and_no_test_at_all(self):
        towns = communities("a")
        assert renovation_scope(towns)["in_scope"].tolist() == ["unknown"]
        assert renovation_scope(towns, built_by=None)["in_scope"].tolist() == ["yes"]
        assert renovation_scope(towns.iloc[:0]).empty


class TestNobodyIsLost:
    def test_no_homes_at_all(self):
        tables = (street(), communities("c", households=[5]), homes())
        found = one(
            checkup(*tables, facilities(("elder_care", 0)), standard=standard(clause(walk_min=5)))
        )
        assert (found["status"], found["reason"]) == ("unknown", "no_homes")

    def test_a_wheelchair_does_not_come_down_the_stairs(self):
        # two of three storeys have no way out without a lift
        asked = standard(clause(walk_min=5))
        tables = (street(), communities("c"), homes(("c", 0), storeys=[3]))
        there = facilities(("elder_care", 0))
        found = one(checkup(*tables, there, standard=asked, walker="wheelchair"))
        assert found["near_share"] == pytest.approx(1 / 3)
        assert (found["status"], found["reason"]) == ("short", "some_without_way")


class TestBadInput:
    def test_everything_wrong_is_told_at_once(self):
        where = homes(("c", 0)).drop(columns="residents")
        there = facilities(("elder_care", 0), floor_area_m2=[-3.0])
        with pytest.raises(TableError) as told:
            checkup(street(), communities("c", "c"), where, there, standard=standard(clause()))
        text = str(told.value)
        assert "community_id 'c' is already in row 1" in text
        assert "no column 'residents'" in text
        assert "floor_area_m2 is -3.0" in text

    @pytest.mark.parametrize("share", [0, 1.5, -1, math.nan])
    def test_share_without_meaning(self, share):
        tables = (street(), communities("c"), homes(("c", 0)), NOWHERE)
        with pytest.raises(OptionError, match="share is"):
            checkup(*tables, standard=standard(clause()), share=share)

    def test_unknown_standard_and_nothing_to_check(self):
        tables = (street(), communities("c"), homes(("c", 0)), NOWHERE)
        with pytest.raises(OptionError, match="known are gb50180"):
            checkup(*tables, standard="gb5")
        with pytest.raises(OptionError, match="nothing to check"):
            checkup(*tables, standard=standard())
