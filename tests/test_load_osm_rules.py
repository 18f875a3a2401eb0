"""One case per rule: what the tags say, who may walk, and which rule said so."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from communityplan import tables
from communityplan.errors import DataError, OptionError
from communityplan.load.osm import osm_rules, read_osm
from communityplan.load.osm_rules import parse_rules
from osm_xml import read_town

LINE = {1: (0, 0), 2: (100, 0)}
BLOCK = {1: (0, 0), 2: (100, 0), 3: (100, 50), 4: (0, 50)}
RING = (1, 2, 3, 4, 1)

STREETS = [
    # rule, tags, who may walk (None: left out)
    ("not_there", {"highway": "construction"}, None),
    ("not_there", {"highway": "proposed", "foot": "yes"}, None),
    ("abandoned", {"highway": "footway", "abandoned": "yes"}, None),
    ("no_way", {"highway": "raceway"}, None),
    ("foot_yes", {"highway": "busway", "foot": "yes"}, "everyone"),
    ("foot_no", {"highway": "residential", "foot": "no"}, None),
    ("foot_no", {"highway": "cycleway", "foot": "no", "access": "yes"}, None),
    ("foot_residents", {"highway": "service", "foot": "private"}, "residents"),
    ("foot_yes", {"highway": "service", "access": "private", "foot": "yes"}, "everyone"),
    ("foot_yes", {"highway": "service", "access": "no", "foot": "designated"}, "everyone"),
    ("foot_yes", {"highway": "motorway", "foot": "yes"}, "everyone"),
    ("foot_yes", {"highway": "tertiary", "foot": "use_sidepath"}, "everyone"),
    ("motor_road_with_sidewalk", {"highway": "trunk", "sidewalk": "right"}, "everyone"),
    ("motor_road_with_sidewalk_both", {"highway": "trunk", "sidewalk:both": "yes"}, "everyone"),
    ("motor_road_with_sidewalk_left", {"highway": "trunk", "sidewalk:left": "yes"}, "everyone"),
    ("motor_road_with_sidewalk_right", {"highway": "trunk", "sidewalk:right": "yes"}, "everyone"),
    ("motor_road", {"highway": "motorway_link"}, None),
    ("motor_road", {"highway": "trunk", "sidewalk": "separate"}, None),
    ("motorroad_yes", {"highway": "primary", "motorroad": "yes"}, None),
    ("road", {"highway": "primary", "motorroad": "yes", "sidewalk": "both"}, "everyone"),
    ("access_residents", {"highway": "living_street", "access": "private"}, "residents"),
    ("access_residents", {"highway": "service", "access": "permit"}, "residents"),
    ("access_no", {"highway": "footway", "access": "no"}, "closed"),
    ("elevator", {"highway": "elevator"}, "everyone"),
    ("steps", {"highway": "steps"}, "everyone"),
    ("footway", {"highway": "footway", "footway": "sidewalk"}, "everyone"),
    ("footway", {"highway": "path"}, "everyone"),
    ("shared_cycleway", {"highway": "cycleway", "segregated": "no"}, "everyone"),
    ("road", {"highway": "residential", "sidewalk": "separate"}, "everyone"),
    ("road", {"highway": "service", "access": "customers"}, "everyone"),
    ("unknown_kind", {"highway": "moon_walk"}, None),
    ("platform", {"railway": "platform"}, "everyone"),
    ("stop_platform", {"public_transport": "platform"}, "everyone"),
]

GATES = [
    # rule, tags of a node on a footway, who may pass (None: not known; "": no gate)
    ("no_barrier", {"barrier": "kerb", "foot": "yes"}, ""),
    ("gate_foot_no", {"barrier": "gate", "foot": "no", "access": "yes"}, "closed"),
    ("gate_foot_residents", {"barrier": "lift_gate", "foot": "private"}, "residents"),
    ("gate_foot_yes", {"barrier": "gate", "foot": "yes", "access": "private"}, "everyone"),
    ("bollard", {"barrier": "bollard", "access": "no"}, "everyone"),
    ("gate_access_residents", {"barrier": "gate", "access": "residents"}, "residents"),
    ("gate_access_no", {"barrier": "gate", "access": "no"}, "closed"),
    ("gate_access_yes", {"barrier": "gate", "access": "permissive"}, "everyone"),
    ("gate_locked", {"barrier": "gate", "locked": "yes"}, "closed"),
    ("lift_gate", {"barrier": "lift_gate"}, "everyone"),
    ("lift_gate", {"barrier": "swing_gate"}, "everyone"),
    ("walkers_gate", {"barrier": "kissing_gate"}, "everyone"),
    ("walkers_gate", {"barrier": "entrance"}, "everyone"),
    ("gate_with_hours", {"barrier": "gate", "opening_hours": "06:00-22:00"}, "everyone"),
    (
        "gate_with_condition",
        {"barrier": "gate", "access:conditional": "no @ (22:00-06:00)"},
        "everyone",
    ),
    ("gate_untagged", {"barrier": "gate"}, None),
    ("gate_untagged", {"barrier": "yes"}, None),
    ("blocked", {"barrier": "fence"}, "closed"),
    ("barrier_other", {"barrier": "dragon"}, None),
]

ENTRANCES = [
    # rule, tags of a node on the edge of residential land, who may pass
    ("entrance_foot_no", {"entrance": "yes", "foot": "no"}, "closed"),
    ("entrance_residents", {"entrance": "main", "access": "private"}, "residents"),
    ("entrance_closed", {"entrance": "emergency"}, "closed"),
    ("entrance_open", {"entrance": "main", "access": "yes"}, "everyone"),
    ("entrance_untagged", {"entrance": "yes"}, None),
]

WALLS = [
    # rule, tags, kind (None: no wall)
    ("not_a_wall", {"barrier": "hedge", "foot": "yes"}, None),
    ("wall", {"barrier": "city_wall"}, "wall"),
    ("wall", {"barrier": "retaining_wall"}, "wall"),
    ("fence", {"barrier": "fence"}, "fence"),
    ("guard_rail", {"barrier": "guard_rail"}, "guard_rail"),
    ("hedge", {"barrier": "hedge"}, "hedge"),
    ("railway", {"railway": "rail"}, "railway"),
    ("river", {"waterway": "canal"}, "water"),
]

BUILDINGS = [
    # rule, tags, residential (None: no building), storeys
    ("not_a_building", {"building": "ruins"}, None, None),
    ("apartments", {"building": "apartments"}, True, 6),
    ("terrace", {"building": "terrace"}, True, 2),
    ("house", {"building": "detached"}, True, 2),
    ("small_house", {"building": "bungalow"}, True, 1),
    ("residential_use", {"building": "yes", "building:use": "apartments"}, True, 6),
    ("flats_counted", {"building": "yes", "building:flats": "24"}, True, 6),
    ("other_building", {"building": "yes"}, False, 6),
    ("other_building", {"building": "school", "building:levels": "4"}, False, 4),
]

SERVICES = [
    (
        "senior_facility",
        {
            "amenity": "social_facility",
            "social_facility": "day_care",
            "social_facility:for": "senior;disabled",
        },
        "elder_care",
        True,
    ),
    ("nursing_home", {"amenity": "nursing_home"}, "elder_care", True),
    ("elder_care_by_name", {"name": "春晖社区养老服务站", "building": "yes"}, "elder_care", False),
    (
        "elder_care_by_name",
        {"name": "Sunset", "name:zh": "夕阳红日间照料中心"},
        "elder_care",
        False,
    ),
    ("childcare", {"amenity": "childcare"}, "childcare", True),
    ("kindergarten", {"amenity": "kindergarten"}, "childcare", True),
    ("canteen_by_name", {"amenity": "restaurant", "name": "社区长者食堂"}, "canteen", False),
    (
        "soup_kitchen",
        {"amenity": "social_facility", "social_facility": "soup_kitchen"},
        "canteen",
        True,
    ),
    ("community_centre", {"amenity": "community_centre"}, "community", True),
    ("clinic", {"amenity": "clinic"}, "health", True),
    ("healthcare", {"healthcare": "centre"}, "health", False),
    (
        "health_centre_by_name",
        {"amenity": "hospital", "name": "大丰街道社区卫生服务中心"},
        "health",
        False,
    ),
    ("marketplace", {"amenity": "marketplace"}, "market", False),
    ("food_shop", {"shop": "greengrocer"}, "market", True),
    ("toilets", {"amenity": "toilets"}, "toilet", True),
]

NO_SERVICE = [
    {"name": "养老院", "highway": "bus_stop"},
    {"name": "敬老院路口", "public_transport": "stop_position"},
    {"name": "福利院小区", "place": "neighbourhood"},
    {"amenity": "restaurant", "name": "川菜馆"},
    {"amenity": "social_facility", "social_facility": "nursing_home"},
    {"amenity": "toilets", "access": "private"},
    {"amenity": "parking"},
    {"amenity": "hospital", "name": "第一人民医院"},
]


@pytest.mark.parametrize(("rule", "tags", "who"), STREETS)
def test_who_may_walk_on_a_way(tmp_path, rule, tags, who):
    layers = read_town(tmp_path, LINE, {7: ((1, 2), tags)})
    streets = tables.check(layers.streets, tables.STREETS)
    if who is None:
        assert streets.empty
        left_out = layers.report.query("layer == 'streets' and what == 'left out'")
        assert left_out[["item", "count"]].values.tolist() == [[rule, 1]]
    else:
        assert streets[["osm_id", "access", "rule"]].values.tolist() == [["w7", who, rule]]
        assert streets.geometry.length.item() == pytest.approx(100, abs=0.02)


@pytest.mark.parametrize(
    "tags",
    [{"building": "yes"}, {"leisure": "pitch", "access": "private"}, {"foot": "no"}, {}],
)
def test_what_is_no_way_is_no_street(tmp_path, tags):
    layers = read_town(tmp_path, BLOCK, {7: (RING, tags)})
    assert layers.streets.empty
    assert layers.report.query("layer == 'streets'").empty


@pytest.mark.parametrize(
    ("tags", "steps", "crossing"),
    [
        ({"highway": "steps"}, True, False),
        ({"highway": "footway", "footway": "crossing"}, False, True),
        ({"highway": "path", "path": "crossing"}, False, True),
        ({"highway": "cycleway", "cycleway": "crossing"}, False, True),
        ({"highway": "crossing"}, False, True),
        ({"highway": "footway", "footway": "sidewalk"}, False, False),
        ({"highway": "service"}, False, False),
    ],
)
def test_steps_and_crossings_are_flagged(tmp_path, tags, steps, crossing):
    street = read_town(tmp_path, LINE, {7: ((1, 2), tags)}).streets.iloc[0]
    assert (street["steps"], street["crossing"]) == (steps, crossing)


@pytest.mark.parametrize(
    ("tags", "is_square"),
    [
        ({"highway": "pedestrian", "area": "yes"}, True),
        ({"highway": "footway", "area": "yes"}, True),
        ({"railway": "platform"}, True),
        ({"public_transport": "platform"}, True),
        ({"highway": "platform"}, True),
        ({"highway": "pedestrian"}, False),
        ({"highway": "platform", "area": "no"}, False),
    ],
)
def test_what_is_a_square(tmp_path, tags, is_square):
    # two paths arrive at opposite corners of the block
    nodes = {**BLOCK, 5: (-50, 0), 6: (150, 50)}
    path = {"highway": "footway"}
    ways = {7: (RING, tags), 8: ((5, 1), path), 9: ((3, 6), path)}
    streets = read_town(tmp_path, nodes, ways).streets
    assert (streets["part"] == "link").any() == is_square
    assert (streets["part"] == "outline").any() == is_square


@pytest.mark.parametrize(("rule", "tags", "who"), GATES)
def test_who_may_pass_a_gate(tmp_path, rule, tags, who):
    nodes = {**LINE, 3: (50, 0, tags)}
    layers = read_town(tmp_path, nodes, {7: ((1, 3, 2), {"highway": "footway"})})
    gates = tables.check(layers.gates, tables.GATES)
    if who == "":
        assert gates.empty
        return
    gate = gates.iloc[0]
    assert gate["gate_id"] == "n3"
    assert gate["rule"] == rule
    assert gate["on_street"]
    assert (None if gates["who"].isna().item() else gate["who"]) == who


@pytest.mark.parametrize(("rule", "tags", "who"), ENTRANCES)
def test_an_entrance_on_the_edge_of_land_is_a_gate(tmp_path, rule, tags, who):
    nodes = {**BLOCK, 5: (50, 0, tags), 6: (50, 200, tags)}
    ways = {7: ((1, 5, 2, 3, 4, 1), {"landuse": "residential"})}
    gates = read_town(tmp_path, nodes, ways).gates
    assert gates["rule"].tolist() == [rule]
    assert (None if gates["who"].isna().item() else gates["who"].item()) == who


@pytest.mark.parametrize(("rule", "tags", "kind"), WALLS)
def test_what_is_a_wall(tmp_path, rule, tags, kind):
    every = ["wall", "fence", "guard_rail", "hedge", "railway", "water"]
    layers = read_town(tmp_path, LINE, {7: ((1, 2), tags)}, walls=every)
    walls = tables.check(layers.walls, tables.WALLS)
    if kind is None:
        assert walls.empty
    else:
        assert walls[["wall_id", "kind", "rule"]].values.tolist() == [["w7", kind, rule]]
    by_default = read_town(tmp_path, LINE, {7: ((1, 2), tags)}).walls
    assert by_default["kind"].tolist() == ([kind] if kind in {"wall", "fence"} else [])


@pytest.mark.parametrize(("rule", "tags", "residential", "storeys"), BUILDINGS)
def test_which_building_is_a_home(tmp_path, rule, tags, residential, storeys):
    buildings = read_town(tmp_path, BLOCK, {7: (RING, tags)}).buildings
    if residential is None:
        assert buildings.empty
        return
    building = buildings.iloc[0]
    assert (building["rule"], building["residential"]) == (rule, residential)
    # 100 m x 50 m on each storey
    assert building["levels"] == storeys
    assert building["floor_area_m2"] == pytest.approx(5000 * storeys, rel=1e-3)


@pytest.mark.parametrize(
    ("tags", "rule"),
    [
        ({"building": "yes"}, "yes_on_residential_land"),
        ({"building": "yes", "shop": "supermarket"}, "other_building"),
        ({"building": "garage"}, "other_building"),
    ],
)
def test_a_building_on_residential_land(tmp_path, tags, rule):
    nodes = {**BLOCK, 5: (-100, -100), 6: (300, -100), 7: (300, 300), 8: (-100, 300)}
    ways = {7: (RING, tags), 8: ((5, 6, 7, 8, 5), {"landuse": "residential"})}
    layers = read_town(tmp_path, nodes, ways)
    assert layers.buildings["rule"].tolist() == [rule]
    assert layers.communities["rule"].tolist() == ["residential_land"]


@pytest.mark.parametrize(("rule", "tags", "service", "verified"), SERVICES)
def test_what_offers_a_service(tmp_path, rule, tags, service, verified):
    as_node = read_town(tmp_path, {1: (0, 0, tags)}).places
    as_area = read_town(tmp_path, BLOCK, {7: (RING, tags)}).places
    for places, osm_id, kind in ((as_node, "n1", "Point"), (as_area, "w7", "Polygon")):
        tables.check(places, tables.FACILITIES)
        place = places.iloc[0]
        assert len(places) == 1
        assert place["facility_id"] == f"{osm_id}-{service}"
        assert (place["service"], place["rule"]) == (service, rule)
        assert place["verified"] == verified
        assert place.geometry.geom_type == kind


@pytest.mark.parametrize("tags", NO_SERVICE)
def test_what_offers_no_service(tmp_path, tags):
    assert read_town(tmp_path, {1: (0, 0, tags)}).places.empty


def test_one_place_may_offer_two_services(tmp_path):
    tags = {"amenity": "community_centre", "name": "幸福社区养老服务中心"}
    places = read_town(tmp_path, {1: (0, 0, tags)}).places
    assert places["facility_id"].tolist() == ["n1-elder_care", "n1-community"]


def test_every_rule_has_a_case():
    tested = {
        "streets": {rule for rule, *_ in STREETS},
        "parts": {"steps", "crossing_footway", "crossing_path", "crossing_cycleway"}
        | {"crossing_highway"},
        "squares": {"not_a_square", "square_area", "square_platform", "square_rail_platform"}
        | {"square_stop_platform"},
        "gates": {rule for rule, *_ in GATES + ENTRANCES},
        "walls": {rule for rule, *_ in WALLS},
        "communities": {"residential_land"},
        "buildings": {rule for rule, *_ in BUILDINGS} | {"yes_on_residential_land"},
        "services": {rule for rule, *_ in SERVICES},
    }
    for layer, rules in parse_rules().items():
        assert tested[layer] == {rule.id for rule in rules}, layer


def test_every_rule_speaks_two_languages():
    rules = osm_rules()
    assert (rules["en"].str.len() > 2).all()
    assert rules["zh"].str.contains(r"[\u4e00-\u9fff]").all()
    assert not rules.duplicated(["layer", "rule"]).any()


def test_rules_are_replaced_layer_by_layer(tmp_path):
    table = tmp_path / "rules.toml"
    table.write_text(
        '[[streets]]\nid = "only_paths"\nmatch = { highway = "path" }\nresult = "residents"\n',
        encoding="utf-8",
    )
    ways = {7: ((1, 2), {"highway": "path"}), 8: ((1, 2), {"highway": "footway"})}
    nodes = {**LINE, 3: (50, 0, {"barrier": "bollard"})}
    layers = read_town(tmp_path, nodes, ways, rules=table)
    assert layers.streets[["osm_id", "access", "rule"]].values.tolist() == [
        ["w7", "residents", "only_paths"]
    ]
    # the gates are those of the package
    assert layers.gates["rule"].tolist() == ["bollard"]
    assert layers.streets.attrs["communityplan"]["rules"] == str(table)


def test_services_are_given_as_a_table(tmp_path):
    library = {"id": "library", "match": {"amenity": "library"}, "result": "library"}
    layers = read_town(
        tmp_path,
        {1: (0, 0, {"amenity": "library"}), 2: (9, 0, {"amenity": "clinic"})},
        services={"services": [library]},
    )
    assert layers.places["service"].tolist() == ["library"]
    assert not layers.places["verified"].any()


def test_the_packaged_rules_can_be_copied_and_given_back(tmp_path):
    source = files("communityplan.load").joinpath("osm_rules.toml").read_text(encoding="utf-8")
    copy = tmp_path / "copy.toml"
    copy.write_text(source.replace('"trunk", "trunk_link"', '"trunk_link"'), encoding="utf-8")
    assert len(tomllib.loads(source)["streets"]) == len(parse_rules()["streets"])
    ways = {7: ((1, 2), {"highway": "trunk"})}
    assert read_town(tmp_path, LINE, ways, rules=copy).report["item"].tolist() == ["unknown_kind"]


def test_every_mistake_in_a_rule_table_is_listed():
    bad = {
        "streets": [
            {"id": "a", "match": {"highway": "path"}, "result": "perhaps"},
            {"id": "b", "match": {}, "result": "closed"},
            {"id": "c", "match": {"foot": False}, "result": "closed"},
            {"match": {"highway": 3}, "result": "closed", "colour": "red"},
            {"id": "d", "match": {"highway": "x"}, "result": "closed"},
            {"id": "d", "match": {"highway": "y"}, "result": "closed"},
            "steps",
        ],
        "roads": [],
        "gates": "all",
        "services": [
            {"id": "e", "match": {"name": True}, "result": "x", "name_regex": "("},
            {"id": "f", "match": {"name": True}, "result": "x", "storeys": -1},
            {"id": "g", "match": ["highway"], "result": "x"},
        ],
    }
    with pytest.raises(DataError) as error:
        parse_rules(bad)
    said = str(error.value)
    for part in (
        "rule 1: result is 'perhaps'. Use one of closed, everyone, not_walkable, residents",
        "rule 2: match is {}",
        "rule 3: match is {'foot': False}",
        "rule 4: id is None",
        "rule 4: 'colour' is not a field",
        "rule 4, match, highway: is 3",
        "rule 6: id 'd' is there twice",
        "rule 7: is 'steps'",
        "roads: no such layer",
        "gates: is 'all'",
        "rule 1: name_regex is not a pattern",
        "rule 2: storeys is -1",
        "rule 3, match: is ['highway']",
    ):
        assert part in said, part
    assert len(error.value.problems) == 13


@pytest.mark.parametrize("text", ["[[streets", "\udcff"])
def test_a_rule_file_that_is_no_table(tmp_path, text):
    file = tmp_path / "rules.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=r"rules\.toml: cannot be read as a table of rules"):
        parse_rules(file)
    with pytest.raises(DataError, match="cannot be read"):
        parse_rules(None, tmp_path / "none.toml")


def test_options_that_mean_nothing(tmp_path):
    file = tmp_path / "x.osm"
    file.write_text('<osm version="0.6"/>')
    with pytest.raises(OptionError, match=r"no walls of kind hege; known are fence.*hedge"):
        read_osm(file, walls=["hege"])
    with pytest.raises(OptionError, match="not a projection in metres"):
        read_osm(file, crs=4326)
    with pytest.raises(OptionError, match="pyproj does not know"):
        read_osm(file, crs="here")
    with pytest.raises(OptionError, match="assumed_storeys is 0"):
        read_osm(file, assumed_storeys=0)
