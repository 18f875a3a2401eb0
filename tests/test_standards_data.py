"""Standards as data: every figure with its clause, its source and its mark."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from communityplan.errors import DataError, OptionError
from communityplan.standards import SERVICES
from communityplan.standards.clauses import FIGURES, STANDARDS, read_standard

FACTS = Path(__file__).parents[2] / "shared" / "facts" / "standards.json"
OWN = [name for name in STANDARDS if not STANDARDS[name].based_on]

OUR_NAMES = {
    "walk_minutes": "walk_min",
    "radius_m": "distance_m",
    "building_area_min_m2": "floor_area_min_m2",
    "building_area_max_m2": "floor_area_max_m2",
    "land_area_min_m2": "land_area_min_m2",
    "land_area_max_m2": "land_area_max_m2",
    "population_min": "population_from",
    "population_max": "population_to",
    "compulsory": "compulsory",
}
OUR_RATIOS = {
    "share_of_total_floor_area": "share_of_floor_area",
    "beds_per_1000_elderly_min": "beds_per_1000_elderly",
    "building_area_per_bed_min_m2": "floor_area_per_bed_m2",
    "beds_min": "beds_min",
    "land_per_resident_min_m2": "land_per_person_m2",
    "spaces_per_household_new": "spaces_per_new_household",
    "recommended_min_m2": "floor_area_preferred_m2",
    "functions_min": "functions_min",
    "functions_from_core_min": "core_functions_min",
    "m2_per_100_households_min": "per_100_households_m2",
    "new_m2_per_100_households_min": "per_100_new_households_m2",
    "existing_m2_per_100_households_min": "per_100_households_m2",
    "places_per_1000_people": "per_1000_people",
}


@pytest.fixture(scope="module")
def facts():
    if not FACTS.exists():
        pytest.skip("the collected facts are not at hand")
    return json.loads(FACTS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def clauses():
    return {clause.id: clause for name in OWN for clause in STANDARDS[name].clauses}


def expected_figures(record):
    figures = {ours: record.get(theirs) for theirs, ours in OUR_NAMES.items()}
    for name, value in (record.get("ratio") or {}).items():
        if name == "land_per_bed_m2":
            figures["land_per_bed_min_m2"], figures["land_per_bed_max_m2"] = value
        elif name != "core":
            figures[OUR_RATIOS[name]] = value
    return {name: value for name, value in figures.items() if value is not None}


def marked(record, key):
    names = set()
    for name in record.get(key) or []:
        if name == "ratio":
            names |= set(expected_figures({"ratio": record["ratio"]}))
        else:
            names.add(OUR_NAMES[name])
    return names


class TestEveryFigureIsThere:
    def test_the_same_clauses(self, facts, clauses):
        assert set(clauses) == {record["id"] for record in facts["facilities"]}
        assert len(clauses) == sum(len(STANDARDS[name].clauses) for name in OWN)

    def test_figures_and_texts(self, facts, clauses):
        for record in facts["facilities"]:
            clause = clauses[record["id"]]
            figures = expected_figures(record)
            compulsory = figures.pop("compulsory", None)
            assert clause.figures() == figures, record["id"]
            assert clause.compulsory == compulsory
            assert (clause.zh, clause.en) == (record["zh"], record["en"])
            assert clause.standard == record["standard"]
            assert clause.clause == record["clause"].replace("—", "")
            assert clause.tier == record["tier"]
            assert clause.evidence == record["evidence_grade"]
            assert clause.note == (record["note"] or "").replace("use record ", "see ")

    def test_marks(self, facts, clauses):
        for record in facts["facilities"]:
            clause = clauses[record["id"]]
            seen = marked(record, "verified_fields")
            # minutes and people of GB 50180 are those of the tier, where they were seen
            if record["tier_basis"]:
                seen |= {"walk_min", "population_from", "population_to"} & set(clause.figures())
            assert set(clause.verified_fields) - {"core_functions"} == seen, record["id"]
            assert set(clause.corroborated_fields) == marked(record, "corroborated_fields")
            assert clause.verified == record["verified"], record["id"]

    def test_core_functions_of_an_embedded_centre(self, clauses):
        complex_ = clauses["embedded.community.complex"]
        assert complex_.core_functions == ("elder_care", "childcare", "child_minding", "canteen")
        assert complex_.verified

    def test_tiers(self, facts):
        tiers = STANDARDS["gb50180"].tiers
        assert list(tiers) == [record["id"] for record in facts["tiers"]]
        for record in facts["tiers"]:
            tier = tiers[record["id"]]
            assert tier.walk_min == record["walk_minutes"]
            for theirs, ours in (
                ("walk_distance_m", ("distance_from_m", "distance_to_m")),
                ("population", ("population_from", "population_to")),
                ("dwellings", ("dwellings_from", "dwellings_to")),
                ("facility_land_m2_per_1000", ("land_per_1000_from_m2", "land_per_1000_to_m2")),
                (
                    "facility_building_m2_per_1000",
                    ("floor_per_1000_from_m2", "floor_per_1000_to_m2"),
                ),
            ):
                found = [getattr(tier, name) for name in ours]
                assert found == (record[theirs] or [None, None])
                assert (theirs in record["verified_fields"]) == (ours[0] in tier.verified_fields)

    def test_rules(self, facts):
        rules = {rule.id: rule for rule in STANDARDS["gb50180"].rules}
        for record in facts["rules"]:
            if record["id"] in rules:
                assert rules[record["id"]].en == record["text"]
                assert rules[record["id"]].verified == record["verified"]
        assert "tiers_not_nested" in rules


class TestShipped:
    def test_each_is_read_and_says_where_it_comes_from(self):
        for name, standard in STANDARDS.items():
            assert standard.id == name
            assert standard.zh
            assert standard.en
            for clause in standard.clauses:
                assert clause.zh, clause.id
                assert clause.en
                assert clause.source
                assert clause.source_zh
                assert set(clause.verified_fields) <= {*FIGURES, "compulsory", "core_functions"}
                if clause.verified:
                    assert set(clause.figures()) <= set(clause.verified_fields)
                    assert not clause.evidence.startswith("M")

    def test_services_of_the_catalogue_have_clauses(self):
        named = {clause.service for name in OWN for clause in STANDARDS[name].clauses}
        assert set(SERVICES) <= named

    def test_figures_by_hand(self):
        station = STANDARDS["gb50180"].clause("gb50180.community.service_station")
        assert (station.walk_min, station.distance_m, station.floor_area_min_m2) == (5, 300, 600)
        assert station.is_verified("walk_min")
        assert not station.is_verified("distance_m")
        assert not station.verified
        anhui = STANDARDS["elder_care_per_100_households"].clause("per100.elder.anhui")
        assert (anhui.per_100_households_m2, anhui.per_100_new_households_m2) == (20, 30)

    def test_as_a_table(self):
        table = STANDARDS["gb50437"].table()
        assert isinstance(table, pd.DataFrame)
        assert list(table["id"]) == [clause.id for clause in STANDARDS["gb50437"].clauses]
        assert table["distance_m"].dtype == "float64"
        assert table["walk_min"].isna().all()

    def test_some_clauses_only(self):
        some = STANDARDS["gb50437"].only("gb50437.elder.day_care")
        assert [clause.id for clause in some.clauses] == ["gb50437.elder.day_care"]
        with pytest.raises(OptionError, match="has no clause gb50437"):
            STANDARDS["gb50437"].only("gb50437.elder.spa")

    def test_mapping(self):
        assert "gb50180" in STANDARDS
        assert "walkers" not in STANDARDS
        assert len(STANDARDS) == len(list(STANDARDS))
        with pytest.raises(KeyError):
            STANDARDS["gb1"]
        with pytest.raises(OptionError, match="known are gb50180"):
            read_standard("gb1")


class TestLocalRules:
    def test_guiyang(self):
        national, local = STANDARDS["gb50180"], read_standard("guiyang")
        assert local.based_on == "gb50180"
        assert [c.id for c in local.clauses] == [c.id for c in national.clauses]
        market = local.clause("gb50180.market.fresh")
        assert market.floor_area_min_m2 == 1000
        assert market.floor_area_max_m2 == 1500
        assert market.is_verified("floor_area_min_m2")
        assert not market.is_verified("distance_m")
        assert market.source.count("otherwise") == 1
        assert market.local.startswith("贵阳市")
        # a clause that the local rules leave alone
        assert local.clause("gb50180.education.primary_school") == national.clause(
            "gb50180.education.primary_school"
        )

    def test_a_file_of_ones_own(self, tmp_path):
        path = tmp_path / "ours.toml"
        path.write_text(
            """
            [standard]
            id = "ours"
            zh = "本市"
            en = "our town"
            number = "our rules 2026"
            based_on = "gb50180"

            [clauses."gb50180.canteen.community_canteen"]
            floor_area_min_m2 = 120
            compulsory = true
            source = "our rules, table 2"
            verified_fields = ["floor_area_min_m2", "compulsory"]

            [clauses."gb50180.community.police"]
            applies = false
            source = "our rules, table 2"

            [clauses."ours.laundry"]
            zh = "洗衣房"
            en = "Laundry"
            service = "laundry"
            tier = "5min"
            distance_m = 300
            source = "our rules, table 3"
            """,
            encoding="utf-8",
        )
        ours = read_standard(path)
        canteen = ours.clause("gb50180.canteen.community_canteen")
        assert canteen.floor_area_min_m2 == 120
        assert canteen.compulsory is True
        assert canteen.replaced == ("floor_area_min_m2", "compulsory")
        assert not ours.clause("gb50180.community.police").applies
        laundry = ours.clause("ours.laundry")
        assert laundry.standard == "our rules 2026"
        assert not laundry.verified
        # local rules may stand on local rules
        (tmp_path / "street.toml").write_text(
            """
            [standard]
            id = "street"
            zh = "本街道"
            en = "our street"
            number = "street rules"
            based_on = "ours.toml"
            [clauses."ours.laundry"]
            distance_m = 200
            source = "street"
            """,
            encoding="utf-8",
        )
        assert read_standard(tmp_path / "street.toml").clause("ours.laundry").distance_m == 200


HEAD = '[standard]\nid = "x"\nzh = "甲"\nen = "X"\nnumber = "X 1"\n'
BODY = '[clauses."x.y"]\nzh = "乙"\nen = "Y"\nsource = "book"\n'


def read_text(tmp_path, text):
    path = tmp_path / "x.toml"
    path.write_text(text, encoding="utf-8")
    return read_standard(path)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (HEAD + BODY + "floor_area_min_ft2 = 3\n", "unknown key or unit 'floor_area_min_ft2'"),
            (HEAD + BODY + "floor_area_min_ft2 = 3\n", "did you mean 'floor_area_min_m2'"),
            (HEAD + BODY + "walk_seconds = 300\n", "unknown key or unit 'walk_seconds'"),
            (HEAD + BODY + 'distance_m = "300 m"\n', "distance_m is '300 m'"),
            (HEAD + BODY + "distance_m = -3\n", "distance_m is -3"),
            (HEAD + BODY + "distance_m = nan\n", "distance_m is nan"),
            (HEAD + BODY + "distance_m = true\n", "distance_m is True"),
            (HEAD + BODY + 'compulsory = "yes"\n', "compulsory is 'yes'"),
            (HEAD + BODY + "population_from = 9\npopulation_to = 5\n", "population_from is 9 and"),
            (HEAD + BODY + 'verified_fields = ["distance_m"]\n', "which the clause does not give"),
            (HEAD + '[clauses."x.y"]\nzh = "乙"\nen = "Y"\n', "no source"),
            (HEAD + '[clauses."x.y"]\nsource = "book"\n', "no zh"),
            (HEAD, "there is none"),
            (BODY, "no number"),
            (HEAD + BODY + "[facilities]\n", "unknown key or unit 'facilities'"),
            (HEAD + "clauses = 3\n", "no TOML|it is 3|unknown key"),
            (HEAD + BODY + "distance_m = \n", "it is no TOML"),
            (
                HEAD.replace("number", "based_on = 'gb50180'\nnumber") + BODY.replace("zh", "note"),
                "has no clause of this id",
            ),
            (
                HEAD.replace("number", "based_on = 'gb50180'\nnumber")
                + '[clauses."gb50180.market.fresh"]\nfloor_area_min_m2 = 1600\nsource = "s"\n',
                "floor_area_min_m2 is 1600 and floor_area_max_m2 is 1500",
            ),
        ],
    )
    def test_told_clearly(self, tmp_path, text, message):
        with pytest.raises(DataError, match=message):
            read_text(tmp_path, text)

    def test_everything_at_once(self, tmp_path):
        with pytest.raises(DataError) as told:
            read_text(tmp_path, HEAD + BODY + 'distance_m = "near"\narea = 3\n[clauses."x.z"]\n')
        # a wrong figure, a wrong key, and a clause without name and source
        assert len(told.value.problems) == 5

    def test_files_based_on_each_other(self, tmp_path):
        for name, base in (("a", "b"), ("b", "a")):
            text = HEAD.replace("number", f"based_on = '{base}.toml'\nnumber") + BODY
            (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        with pytest.raises(OptionError, match="based on each other"):
            read_standard(tmp_path / "a.toml")
