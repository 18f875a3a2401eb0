"""Scenarios by hand: every measure, its effect, what is refused, inputs that stay as they are."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

import communityplan as cp
from communityplan.errors import DataError, OptionError, TableError
from communityplan.scenario import (
    Scenario,
    add_crossing,
    add_facility,
    add_gate,
    add_lift,
    add_path,
    apply,
    close_gate,
    compare,
    comparison_totals,
    nearest_by_home,
    open_gate,
    remove_wall,
    retime_gate,
    situation,
)
from scenario_towns import CRS, lines, points

PLAIN = cp.Walker("plain", 1.0)


def court(**changed: object) -> dict[str, gpd.GeoDataFrame]:
    """A court of 200 m by 100 m on a street, with a gate at each end; the way round is 600 m.

    The home stands 50 m inside the west gate, which is shut; the market 100 m outside of it.
    """
    tables = {
        "streets": lines(
            [(0, 0), (100, 0)],
            [(100, 0), (150, 0), (300, 0)],
            [(300, 0), (400, 0)],
            [(0, 0), (0, 100), (400, 100), (400, 0)],
            kind=["street"] * 4,
        ),
        "communities": gpd.GeoDataFrame(
            {"community_id": ["c"], "name": ["院"], "enclosed": ["yes"]},
            geometry=[shapely.box(100, -50, 300, 50)],
            crs=CRS,
        ),
        "gates": points([(100, 0), (300, 0)], gate_id=["west", "east"], who=["closed", "everyone"]),
        "homes": points([(150, 0)], home_id=["h"], community_id=["c"], residents=[10], storeys=[3]),
        "facilities": points([(0, 0)], facility_id=["m"], service=["market"]),
        "idle_buildings": points([(200, 0)], building_id=["b1"], floor_area_m2=[250.0]),
    }
    return {**tables, **changed}


MARKET = cp.SERVICES["market"]
AROUND_S, STRAIGHT_S = 150 + 100 + 600.0, 150.0


def seconds(now: object, service: str = "market", walker: cp.Walker = PLAIN) -> float:
    found = nearest_by_home(now, service=service, walker=walker)
    return float(found["walk_min"].iloc[0] * 60)


def after(*measures: object, **changed: object) -> object:
    return apply(Scenario("s", "s", measures), court(**changed))


def test_the_way_round_is_what_there_is_today():
    assert seconds(situation(court())) == pytest.approx(AROUND_S)


@pytest.mark.parametrize(
    "measure",
    [
        open_gate("west"),
        open_gate("west", who="residents"),
        remove_wall(community_id="c"),
        remove_wall(community_id="c", between=((100, -40), (100, 40))),
        remove_wall(community_id="c", between=("POINT (100 40)", shapely.Point(100, -40))),
        add_gate((100, 1)),
        add_gate((100, 0), who="residents"),
    ],
    ids=str,
)
def test_each_of_these_opens_the_west_side(measure):
    now = after(measure)
    assert seconds(now) == pytest.approx(STRAIGHT_S)
    assert now.only_opens
    assert now.effects["has_effect"].tolist() == [True]


def test_a_wall_away_from_the_street_opens_nothing():
    now = after(remove_wall(community_id="c", between=((140, 50), (180, 50))))
    assert seconds(now) == pytest.approx(AROUND_S)
    assert now.gates["gate_id"].tolist() == ["west", "east"]
    assert not now.communities["enclosed"].iloc[0]
    # 600 m around, less the 40 m that are gone, drawn 2 cm inside
    assert now.walls.length.sum() == pytest.approx(560, abs=0.3)


def test_a_gate_with_a_wait_costs_its_wait():
    assert seconds(after(add_gate((100, 0), wait_s=20))) == pytest.approx(STRAIGHT_S + 20)


def test_a_path_through_the_wall_needs_a_gate():
    # from the inner street at 150 straight up and over the north wall to the street at y = 100
    line = [(150, 1), (150, 99)]
    # home is at its foot: 100 m up, 150 m to the corner, 100 m down
    assert seconds(after(add_path(line, opens="everyone"))) == pytest.approx(100 + 150 + 100)
    shut = after(add_path(line))
    assert seconds(shut) == pytest.approx(AROUND_S)
    assert "cut by walls in 1 places" in shut.effects["en"].iloc[0]
    both = after(add_path(line), remove_wall(community_id="c"))
    assert seconds(both) == pytest.approx(150)
    # the ends were drawn 1 m short and have been joined
    assert both.streets.length.iloc[-1] == pytest.approx(100)


def test_steps_and_crossings_cost_what_they_cost():
    slow = cp.Walker("slow", 1.0, storey_up_s=14, storey_down_s=14, crossing_wait_s=30)
    line = [(150, 0), (150, 100)]
    opened = remove_wall(community_id="c", between=((140, 50), (160, 50)))
    plain = after(opened, add_path(line))
    crossing = after(opened, add_crossing(line))
    steps = after(opened, add_path(line, steps=True))
    assert seconds(plain, walker=slow) == pytest.approx(350)
    assert seconds(crossing, walker=slow) == pytest.approx(380)
    # 100 m of steps rise 67.3 m at 5 s a metre
    assert seconds(steps, walker=slow) == pytest.approx(100 * 0.175 / 0.26 * 5 + 250)
    wheels = cp.Walker("wheels", 1.0, may_use_steps=False)
    assert seconds(steps, walker=wheels) == pytest.approx(AROUND_S)


def test_a_residents_path_is_for_its_residents():
    line = [(150, 0), (150, 100)]
    opened = remove_wall(community_id="c", between=((140, 50), (160, 50)))
    now = after(opened, add_path(line, access="residents"))
    # in the court it is the court's own, beyond the wall it is everyone's
    assert now.streets["access"].tolist()[-2:] == ["residents", "everyone"]
    assert seconds(now) == pytest.approx(350)
    stranger = court()["homes"].assign(community_id="x")
    assert seconds(after(opened, add_path(line, access="residents"), homes=stranger)) == (
        pytest.approx(AROUND_S)
    )


def test_a_facility_at_a_point_or_in_a_building():
    now = after(add_facility((170, 0), "market", 12))
    assert seconds(now) == pytest.approx(20)
    assert now.facilities["facility_id"].tolist() == ["m", "new market"]
    assert now.facilities["capacity"].tolist()[1] == 12
    inside = after(add_facility("b1", "canteen"))
    assert seconds(inside, "canteen") == pytest.approx(50)
    added = inside.facilities.iloc[1]
    assert (added["facility_id"], added["floor_area_m2"]) == ("b1 canteen", 250)
    # the streets have not changed, so the network is the same
    assert inside.network is inside.start.network


def test_a_lift_saves_stairs():
    older = cp.Walker("older", 1.0, storey_up_s=12, storey_down_s=10, lift_wait_s=5)
    service = cp.standards.Service("market", walker="adult", within_min=14.2)
    now = after(add_lift("h"))
    assert now.homes["has_lift"].tolist() == [True]
    table = compare(court(), now, services=[service])
    # storeys 1, 2, 3 of an adult: 0, 7 and 14 s of stairs, all quicker than the wait for the lift
    assert table["minutes_saved"].tolist() == [0]
    walked = nearest_by_home(now, service="market", walker=older)
    assert walked["walk_min"].iloc[0] * 60 == pytest.approx(AROUND_S)
    slow = cp.WALKERS["older_75_plus"]
    service = cp.standards.Service("market", walker=slow.name, within_min=60)
    tall = court()["homes"].assign(storeys=8)
    before = {**court(), "homes": tall}
    saved = compare(before, apply(Scenario("l", "", (add_lift("h"),)), before), services=[service])
    # 11 s a storey down by stairs, at most 30 s by lift: 0 0 0 3 14 25 36 47 s saved in the mean
    by_hand = np.maximum(np.arange(8) * slow.storey_down_s - slow.lift_wait_s, 0).mean()
    assert saved["minutes_saved"].iloc[0] == pytest.approx(10 * by_hand / 60)


def test_before_and_after_by_hand():
    service = cp.standards.Service("market", walker="adult", within_min=10)
    before, now = court(), after(open_gate("west"))
    table = compare(before, now, services=[service], minutes=[2, 10, 30])
    speed = cp.WALKERS["adult"].speed_m_s
    assert table["within_min"].tolist() == [2, 10, 30]
    # 850 m take 11.8 min and 150 m take 2.1 min, stairs of at most 14 s besides
    assert table["covered_before"].tolist() == [0, 0, 10]
    assert table["covered_after"].tolist() == [0, 10, 10]
    assert table["gained"].tolist() == [0, 10, 0]
    assert table["lost"].tolist() == [0, 0, 0]
    saved = 10 * (AROUND_S - STRAIGHT_S) / speed / 60
    assert table["minutes_saved"].tolist() == pytest.approx([saved] * 3)
    totals = comparison_totals(table)
    assert totals["people"].tolist() == [10, 10, 10]
    assert table.attrs["communityplan"]["after"] == ["open_gate(gate_id='west', who='everyone')"]


def test_shutting_loses_and_says_so():
    now = after(close_gate("east"))
    assert not now.only_opens
    assert np.isnan(seconds(now))
    table = compare(court(), now, services=["market"], minutes=[60])
    assert table[["gained", "lost", "reachable_before", "reachable_after"]].values.tolist() == [
        [0, 10, 10, 0]
    ]
    assert table["minutes_saved"].tolist() == [0]
    # the other way round the same people are gained
    back = compare(now, now.start, services=["market"], minutes=[60])
    assert back[["gained", "lost"]].values.tolist() == [[10, 0]]


def test_hours_count_at_a_time_of_day():
    tables = court()
    noon = cp.WalkNetwork.from_streets(
        tables["streets"], gates=tables["gates"], communities=tables["communities"], at="12:00"
    )
    shut = Scenario("夜", "", (retime_gate("east", open_from="18:00", open_until="22:00"),))
    now = apply(shut, tables, network=noon)
    assert np.isnan(seconds(now))
    assert now.network.at_minute == 12 * 60
    any_time = apply(shut, tables)
    assert any_time.effects["has_effect"].tolist() == [False]
    # opening a gate opens it all day
    again = apply(Scenario("日", "", (open_gate("east"),)), {**tables, "gates": now.gates})
    assert seconds(again) == pytest.approx(AROUND_S)
    waits = apply(Scenario("候", "", (retime_gate("east", wait_s=9),)), tables)
    assert seconds(waits) == pytest.approx(AROUND_S + 9)


def test_narrowing_a_gate_is_not_opening():
    tables = court(homes=court()["homes"].assign(community_id="x"))
    now = apply(Scenario("n", "", (open_gate("east", who="residents"),)), tables)
    assert not now.only_opens
    assert np.isnan(seconds(now))


def test_scenarios_add_up():
    first = after(open_gate("west"))
    second = apply(Scenario("t", "t", (add_facility((170, 0), "market"),)), first)
    assert second.scenario.name == "s + t"
    assert second.start is first.start
    assert seconds(second) == pytest.approx(20)
    assert compare(first, second, services=["market"])["lost"].tolist() == [0]


def test_what_changes_nothing_says_so():
    now = after(
        open_gate("east"),
        retime_gate("east"),
        remove_wall(community_id="c"),
        add_gate((100, 0)),
        remove_wall(community_id="c"),
        open_gate("west"),
    )
    # the wall goes first, and with it its gates
    assert now.effects["has_effect"].tolist() == [False, False, True, False, False, False]
    assert now.effects["measure"].tolist() == [1, 2, 3, 4, 5, 6]
    assert "went with its wall" in now.effects["en"].iloc[5]
    assert now.effects["zh"].str.len().min() > 0
    assert len(now.gates) == 0


def test_walls_drawn_along_a_boundary_go_with_it():
    walls = lines(
        [(100, 50), (100, -50)], [(100.5, 20), (130, 20)], wall_id=["w", "x"], kind="wall"
    )
    # the second wall only meets the first
    tables = court(walls=walls)
    by_wall = apply(Scenario("w", "", (remove_wall("w"),)), tables)
    by_community = apply(
        Scenario("w", "", (remove_wall(community_id="c", between=((100, -50), (100, 50))),)), tables
    )
    for now in (by_wall, by_community):
        assert seconds(now) == pytest.approx(STRAIGHT_S)
        assert now.gates["gate_id"].tolist() == ["east"]
        assert "w" not in set(now.walls["wall_id"])
        assert now.walls.set_index("wall_id").length["x"] == 29.5
    river = walls.assign(kind=["river", "wall"])
    kept = apply(
        Scenario("w", "", (remove_wall(community_id="c", between=((100, -50), (100, 50))),)),
        court(walls=river),
    )
    assert "w" in set(kept.walls["wall_id"])


def test_every_wrong_name_is_told_at_once():
    with pytest.raises(DataError) as told:
        after(
            open_gate("wset"),
            close_gate("North"),
            remove_wall("w1"),
            remove_wall(community_id="C"),
            add_lift("h", "hh"),
            add_facility("b", "canteen"),
            add_gate((200, 0)),
            add_path([(200, 300), (250, 300)]),
            retime_gate("east", open_from="25:00"),
        )
    text = str(told.value)
    assert "9 problems" in text
    assert "no gate 'wset'. Did you mean west or east?" in text
    assert "no gate 'North'" in text
    assert "no wall 'w1'. There is none" in text
    assert "no community 'C'. Did you mean c?" in text
    assert "no home 'hh'. Did you mean h?" in text
    assert "no idle building 'b'. Did you mean b1?" in text
    assert "the gate would open nothing" in text
    assert "neither end lies within 5 m of a street" in text
    assert "measure 9, retime_gate" in text


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: open_gate("g", who="nobody"), "give everyone or residents"),
        (remove_wall, "a wall_id or a community_id"),
        (lambda: remove_wall("w", community_id="c"), "one of the two"),
        (lambda: add_gate("here"), "is not a point"),
        (lambda: add_gate((0, float("nan"))), "is not a point"),
        (lambda: add_gate((0, 0), wait_s=-1), "wait_s is -1"),
        (lambda: add_path([(0, 0)]), "is not a line"),
        (lambda: add_path([(0, 0), (0, 0)]), "has no length"),
        (lambda: add_path("POINT (0 0)"), "is not a line"),
        (lambda: add_facility((0, 0), "market", capacity=float("inf")), "capacity is inf"),
        (add_lift, "at least one home"),
        (lambda: Scenario("s", "", ("open the gate",)), "what is no measure"),
    ],
)
def test_nonsense_is_refused(make, match):
    with pytest.raises(OptionError, match=match):
        make()


def test_tables_that_are_missing_or_strange():
    tables = court()
    with pytest.raises(DataError, match="no table 'homes'"):
        situation({"streets": tables["streets"], "facilities": tables["facilities"]})
    with pytest.raises(DataError, match="unknown table 'gate'"):
        situation({**tables, "gate": None})
    now = after()
    with pytest.raises(OptionError, match="has its network already"):
        situation(now, network=situation(tables).network)
    with pytest.raises(TableError, match="no column 'elderly'"):
        compare(tables, now, services=["elder_care"])
    other = {**tables, "homes": tables["homes"].assign(home_id="k")}
    with pytest.raises(OptionError, match="other homes"):
        compare(other, now, services=["market"])
    with pytest.raises(OptionError, match="no service"):
        compare(tables, now, services=[])
    with pytest.raises(OptionError, match="direction is 'up'"):
        nearest_by_home(now, service="market", direction="up")


def test_inputs_stay_as_they_are():
    tables = court(walls=lines([(100, 50), (100, -50)], wall_id=["w"], kind="wall"))
    kept = {name: table.copy(deep=True) for name, table in tables.items()}
    everything = (
        remove_wall("w"),
        add_path([(150, 0), (150, 100)], opens="everyone"),
        open_gate("east"),
        close_gate("east"),
        add_facility("b1", "canteen"),
        add_lift("h"),
    )
    apply(Scenario("s", "", everything), tables)
    for name, table in tables.items():
        assert_geodataframe_equal(table, kept[name])


def test_a_renamed_geometry_and_an_index_of_its_own():
    tables = {
        name: table.rename_geometry("shape").set_index(
            np.array([f"{name} {row}" for row in range(len(table))], dtype=object)
        )
        for name, table in court().items()
    }
    measures = (
        remove_wall(community_id="c", between=((100, -40), (100, 40))),
        add_path([(150, 0), (150, 100)], opens="everyone"),
        add_facility((170, 0), "market"),
        add_lift("h"),
    )
    now = apply(Scenario("s", "", measures), tables)
    assert seconds(now) == pytest.approx(20)
    assert now.facilities.geometry.name == "shape"
    assert now.facilities.index[0] == "facilities 0"
    assert nearest_by_home(now, service="market").index.tolist() == ["homes 0"]


def test_today_equals_the_ledger():
    project = cp.load_project("demo")
    now = situation(project)
    nothing = apply(Scenario("无"), now)
    table = compare(project, nothing)
    assert (table["covered_before"] == table["covered_after"]).all()
    for service in project.services:
        ledger = cp.coverage(
            now.network,
            project.homes,
            project.facilities,
            minutes=[service.within_min],
            walker=service.walker,
            group=service.group,
            services=[service.name],
        ).set_index("community_id")
        own = table[table["service"] == service.name].set_index("community_id")
        assert own["covered_before"].to_dict() == pytest.approx(ledger["covered"].to_dict())
        reach = (ledger["people"] - ledger["unreachable"]).to_dict()
        assert own["reachable_before"].to_dict() == pytest.approx(reach)


def test_a_new_junction_changes_no_slope():
    project = cp.load_project("demo")
    now = situation(project)
    assert now.network.options["elevation"]
    edges = now.network.edges
    assert len(now.streets) == (edges["kind"] != "gate").sum()
    longest = int(edges["length_m"].idxmax())
    middle = edges.geometry.iloc[longest].interpolate(0.4, normalized=True)
    path = add_path([(middle.x, middle.y), (middle.x + 3, middle.y + 9)], join_within_m=0.5)
    changed = apply(Scenario("路", "", (path,)), now)
    assert len(changed.network.edges) >= len(edges) + 1
    old = nearest_by_home(now, service="market")["walk_min"]
    new = nearest_by_home(changed, service="market")["walk_min"]
    assert (new <= old + 1e-9).equals(old.notna())
    assert np.nansum(old - new) < 1


def test_a_project_comes_out_as_a_project():
    project = cp.load_project("demo")
    now = apply(Scenario("门", "", (open_gate("G04"), add_facility("B07", "canteen"))), project)
    assert now.project.gates is now.gates
    assert now.project.facilities is now.facilities
    assert now.project.services == project.services
    assert now.project.gates.set_index("gate_id").loc["G04", "who"] == "everyone"
