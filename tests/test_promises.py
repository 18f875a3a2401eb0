"""What the package promises, one by one, on random towns and on real streets.

Towns have walls, enclosed communities, gates with users, one-way and private ways, steps, slopes,
islands, storeys and lifts; see `scenario_towns`. Where a second implementation is needed it is a
naive one; see `naive`.
"""

from __future__ import annotations

import inspect
import itertools
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import communityplan as cp
from communityplan.scenario import Scenario, apply, nearest_by_home, situation
from communityplan.walker import storey_seconds
from naive import best_set, crossed, nearest_of, shares_of
from scenario_towns import compound_town, random_openings
from test_reach import naive_walks
from towns import points

SEEDS = st.integers(0, 5_000)
FEW = settings(max_examples=6, deadline=None, derandomize=True, database=None)
SOME = settings(max_examples=12, deadline=None, derandomize=True, database=None)
WALKER = cp.Walker(
    "older", 0.8, slope="tobler", storey_up_s=13, storey_down_s=11, lift_wait_s=30,
    crossing_wait_s=20,
)  # fmt: skip
WHEELS = replace(WALKER, name="wheels", may_use_steps=False, storey_up_s=np.inf,
                 storey_down_s=np.inf)  # fmt: skip
MINUTES = [2.0, 5.0, 11.0]
Tables = dict[str, gpd.GeoDataFrame]


@cache
def town(seed: int) -> tuple[cp.WalkNetwork, Tables]:
    """A network with its tables."""
    tables, options = compound_town(seed)
    barriers = {name: tables[name] for name in ("walls", "gates", "communities")}
    return cp.WalkNetwork.from_streets(tables["streets"], **barriers, **options), tables


@cache
def real(name: str) -> tuple[cp.WalkNetwork, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Some hundred metres of a real city, with homes and facilities scattered over it."""
    file = Path(__file__).parents[2] / "shared" / "data" / name
    if not file.exists():
        pytest.skip(f"the streets of {name} are not here")
    whole = gpd.read_parquet(file)
    middle = whole.geometry.iloc[len(whole) // 2].centroid
    near = whole[whole.intersects(middle.buffer(450))].reset_index(drop=True)
    streets = gpd.GeoDataFrame(geometry=near.geometry.explode(ignore_index=True), crs=near.crs)
    network = cp.WalkNetwork.from_streets(streets)
    rng = np.random.default_rng(5)
    at = rng.uniform(-450, 450, (40, 2)) + np.array([middle.x, middle.y])
    shapes = gpd.GeoSeries(shapely.points(at), crs=near.crs)
    names = [f"p{row}" for row in range(len(at))]
    homes = gpd.GeoDataFrame({"home_id": names[:25]}, geometry=shapes[:25].values, crs=near.crs)
    homes = homes.assign(community_id="c", residents=10, storeys=6, has_lift=False)
    shops = gpd.GeoDataFrame({"facility_id": names[25:]}, geometry=shapes[25:].values, crs=near.crs)
    return network, homes, shops.assign(service="market")


CITIES = ["wuhan/wuhan_fua_streets_neatnet_utm50n.parquet", "liege/liege_fua_streets.parquet"]


def naive_ledger(
    network: cp.WalkNetwork, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame, limit: float,
    walker: cp.Walker, direction: str,
) -> pd.DataFrame:  # fmt: skip
    """Storey by storey: covered, beyond and unreachable people of each community."""
    ground = cp.walks(network, homes, shops, walker=walker, within_min=1e6, direction=direction)
    best = ground.groupby("from_id")["walk_min"].min()
    rows = []
    for home in homes.itertuples():
        for storey in range(1, home.storeys + 1):
            lift, level = np.array([home.has_lift]), np.array([float(storey)])
            stairs = storey_seconds(walker, level, lift, direction=direction)[0] / 60
            minutes = best.get(home.home_id, np.inf) + stairs
            state = "unreachable" if np.isinf(minutes) else "beyond"
            state = "covered" if minutes <= limit + 1e-9 else state
            rows.append((home.community_id, state, home.residents / home.storeys))
    table = pd.DataFrame(rows, columns=["community_id", "state", "people"])
    wide = table.pivot_table(
        index="community_id", columns="state", values="people", aggfunc="sum", observed=True
    )
    return wide.reindex(columns=["covered", "beyond", "unreachable"]).fillna(0.0)


@SOME
@given(seed=SEEDS, wheels=st.booleans(), direction=st.sampled_from(["there", "back"]))
def test_1_one_ledger(seed, wheels, direction):
    network, tables = town(seed)
    homes, shops = tables["homes"], tables["facilities"]
    walker = WHEELS if wheels else WALKER
    ledger = cp.coverage(network, homes, shops, minutes=MINUTES, walker=walker, direction=direction)
    parts = ledger[["covered", "beyond", "unreachable"]]
    np.testing.assert_allclose(parts.sum(axis=1), ledger["people"], rtol=1e-12)
    assert (parts.to_numpy() >= 0).all()
    for (service, limit), rows in ledger.groupby(["service", "within_min"]):
        assert rows["people"].sum() == pytest.approx(homes["residents"].sum(), rel=1e-12)
        own = shops[shops["service"] == service]
        expected = naive_ledger(network, homes, own, limit, walker, direction)
        found = rows.set_index("community_id")[list(expected)]
        pd.testing.assert_frame_equal(
            found.sort_index(), expected, rtol=1e-9, atol=1e-9, check_names=False
        )


def longer(new: pd.DataFrame, old: pd.DataFrame) -> bool:
    """Whether any walk of before is gone or takes longer."""
    both = old.merge(new, on=["from_id", "to_id"], how="left", suffixes=("_old", "_new"))
    after = both["walk_min_new"].fillna(np.inf)
    return bool((after > both["walk_min_old"] * (1 + 1e-12) + 1e-9).any())


@SOME
@given(seed=SEEDS, faster=st.floats(1.01, 3), pick=st.integers(0, 40))
def test_2_monotone(seed, faster, pick):
    network, tables = town(seed)
    homes, shops = tables["homes"], tables["facilities"]
    quick = replace(WALKER, speed_m_s=WALKER.speed_m_s * faster)
    old = cp.walks(network, homes, shops, walker=WALKER, within_min=30)
    assert not longer(cp.walks(network, homes, shops, walker=quick, within_min=30), old)
    fewer = cp.coverage(network, homes, shops.iloc[:3], minutes=MINUTES, walker=WALKER)
    keys = ["community_id", "service", "within_min"]
    ledgers = [
        cp.coverage(network, homes, shops, minutes=MINUTES, walker=WALKER),
        cp.coverage(network, homes.assign(has_lift=True), shops, minutes=MINUTES, walker=WALKER),
    ]
    ledgers += [cp.coverage(network, homes, shops, minutes=MINUTES, walker=quick)]
    before = fewer.set_index(keys)["covered"]
    for ledger in ledgers:
        after = ledger.set_index(keys)["covered"].reindex(before.index)
        assert (after >= before - 1e-9).all()
    by_limit = ledgers[0].pivot_table(index=keys[:2], columns="within_min", values="covered")
    assert (by_limit.diff(axis=1).iloc[:, 1:] >= -1e-9).all(axis=None)
    # a gate, a path, a wall that goes, a facility or a lift
    measures = random_openings(seed, tables)
    now = situation(tables, network=network)
    then = apply(Scenario("s", "", (measures[pick % len(measures)],)), now)
    for walker in (WALKER, WHEELS):
        was, is_now = (
            nearest_by_home(state, service="market", walker=walker)["walk_min"].fillna(np.inf)
            for state in (now, then)
        )
        assert (is_now <= was + 1e-6).all()


def nested(network: cp.WalkNetwork, shops: gpd.GeoDataFrame, minutes: list[float]) -> None:
    """Areas lie in each other, and each is the one that is made alone."""
    together = cp.service_areas(network, shops, walker=WALKER, minutes=minutes)
    for limit in minutes:
        alone = cp.service_areas(network, shops, walker=WALKER, minutes=[limit])
        same = together[together["within_min"] == limit]
        apart = same.geometry.symmetric_difference(alone.geometry, align=False)
        # square metres; rings of several limits are nested by cutting them
        assert apart.area.max() < 1e-6
    for _, bands in together.groupby("facility_id"):
        shapes = bands.sort_values("within_min").geometry
        for smaller, larger in itertools.pairwise(shapes):
            assert smaller.difference(larger.buffer(1e-6)).area < 1e-6


@FEW
@given(seed=SEEDS)
def test_3_nested_whatever_else_was_asked(seed):
    network, tables = town(seed)
    nested(network, tables["facilities"], [3.0, 1.0, 6.5])


@pytest.mark.parametrize("city", CITIES)
def test_3_nested_in_real_streets(city):
    network, _, shops = real(city)
    nested(network, shops.iloc[:3], [2.0, 5.0])


def recounted(network: cp.WalkNetwork, shops: gpd.GeoDataFrame, limit: float) -> None:
    """What is stated of areas is what a count along all streets finds."""
    areas = cp.service_areas(network, shops, walker=WALKER, minutes=[limit])
    reached = cp.reached_streets(network, shops, walker=WALKER, within_min=limit)
    for row in areas.itertuples():
        own = reached[reached["point_id"] == row.facility_id]
        metres, inside, false = shares_of(network, own, row.geometry, every_m=2.0)
        assert row.street_km * 1000 == pytest.approx(own["length_m"].sum(), abs=1e-6)
        assert row.street_km * 1000 == pytest.approx(metres, rel=0.02, abs=8)
        if row.street_km > 0:
            tolerance = 0.01 + 10 / metres
            assert row.inside_share == pytest.approx(inside, abs=tolerance)
            assert row.false_share == pytest.approx(false, abs=tolerance)


@FEW
@given(seed=SEEDS)
def test_4_areas_are_checked_against_the_streets(seed):
    network, tables = town(seed)
    recounted(network, tables["facilities"].iloc[:2], 3.0)


@pytest.mark.parametrize("city", CITIES)
def test_4_areas_are_checked_against_real_streets(city):
    network, _, shops = real(city)
    recounted(network, shops.iloc[:1], 4.0)


@SOME
@given(seed=SEEDS)
def test_5_unreachable_is_missing_with_a_reason(seed):
    network, tables = town(seed)
    homes, shops = tables["homes"], tables["facilities"]
    every = cp.walks(network, homes, shops, walker=WALKER, within_min=1e6)
    assert np.isfinite(every["walk_min"]).all()
    for service in ("market", "canteen", "bank"):
        ids = set(shops.loc[shops["service"] == service, "facility_id"])
        got = set(every.loc[every["to_id"].isin(ids), "from_id"])
        access = cp.home_access(network, homes, shops, service=service, walker=WALKER)
        is_there = access["home_id"].isin(got)
        assert (access["walk_min"].notna() == is_there).all()
        assert ((access["reason"] == "") == is_there).all()
        assert access["facility_id"].notna().equals(is_there)


@FEW
@given(seed=SEEDS)
def test_6_never_across_a_wall_nor_by_a_gate_that_is_shut(seed):
    network, tables = town(seed)
    homes, shops, gates = (tables[name] for name in ("homes", "facilities", "gates"))
    given_as = network.options["enclosed"]
    communities = tables["communities"]
    closed = communities if given_as == "all" else communities[communities["enclosed"]]
    barriers = [*tables["walls"].geometry, *shapely.boundary(closed.geometry.to_numpy())]
    untagged = {"open": "everyone"}.get(
        network.options["untagged_gates"], network.options["untagged_gates"]
    )
    who = gates["who"].where(gates["who"].notna(), untagged)
    open_to = gates[who != "closed"]
    for home in range(0, len(homes), 2):
        way = cp.route(network, homes.iloc[[home]], shops.iloc[[home % 4]], walker=WALKER)
        xy = [shapely.get_coordinates(leg) for leg in way.geometry if leg is not None]
        if not xy:
            continue
        line = shapely.remove_repeated_points(shapely.LineString(np.concatenate(xy)), 1e-3)
        for spot in crossed(line, barriers):
            assert open_to.distance(spot).min() < network.options["gate_within_m"]


@pytest.mark.parametrize("city", CITIES)
def test_6_exact_along_real_streets(city):
    network, homes, shops = real(city)
    expected = naive_walks(network, homes, shops, WALKER)
    found = cp.walks(network, homes, shops, walker=WALKER, within_min=1e6)
    minutes = found.set_index(["from_id", "to_id"])["walk_min"].to_dict()
    assert minutes.keys() == expected.keys()
    assert len(minutes) > 50
    assert all(abs(minutes[pair] * 60 - expected[pair]) < 1e-6 for pair in expected)


@SOME
@given(seed=SEEDS, limit=st.floats(1, 40))
def test_7_conservation(seed, limit):
    network, tables = town(seed)
    found = cp.walks(network, tables["homes"], tables["facilities"], walker=WALKER, within_min=40)
    people = tables["homes"].set_index("home_id")["residents"].astype(float)
    places = pd.Series(
        {name: 7.0 + row for row, name in enumerate(tables["facilities"]["facility_id"])}
    )
    near = found[found["walk_min"] <= limit]
    reachable = sum(places[name] for name in set(near["to_id"]))
    for method in (cp.two_step_access, cp.three_step_access):
        access = method(found, people, places, within_min=limit)
        assert (access * people).sum() == pytest.approx(reachable, rel=1e-9, abs=1e-9)


@SOME
@given(seed=SEEDS, n_sites=st.integers(1, 3))
def test_9_optimisers_are_what_trying_every_set_finds(seed, n_sites):
    network, tables = town(seed)
    sites = points(
        [tuple(xy) for xy in np.random.default_rng(seed).uniform(0, 400, (6, 2))],
        facility_id=[f"s{row}" for row in range(6)],
    )
    found = cp.walks(network, tables["homes"], sites, walker=WALKER, within_min=15)
    people = tables["homes"].set_index("home_id")["residents"].astype(float)
    names = sorted(set(found["to_id"]))
    n_sites = min(n_sites, len(names))
    if not n_sites:
        return
    within = found[found["walk_min"] <= 6]

    def covered(chosen: tuple[str, ...]) -> float:
        return float(people[list(nearest_of(within, chosen))].sum())

    choice = cp.maximal_covering(found, people, n_sites=n_sites, within_min=6)
    assert choice.objective == pytest.approx(best_set(names, n_sites, covered))
    assert choice.objective == pytest.approx(covered(tuple(choice.sites)))
    greedy = cp.maximal_covering(found, people, n_sites=n_sites, within_min=6, method="greedy")
    best = best_set(names, n_sites, covered)
    assert greedy.objective <= best + 1e-9 <= greedy.bound + 2e-9
    assert choice.gap == 0
    assert choice.bound == pytest.approx(choice.objective)

    reached = set(found["from_id"])
    whole = found[found["from_id"].isin(reached)]

    def walked(chosen: tuple[str, ...]) -> float:
        own = nearest_of(whole, chosen)
        return -sum(people[name] * own.get(name, 60.0) for name in reached)

    median = cp.p_median(whole, people[sorted(reached)], n_sites=n_sites, unserved_min=60.0)
    assert median.objective == pytest.approx(-best_set(names, n_sites, walked), rel=1e-9)
    assert median.gap == 0
    covering = cp.set_covering(found, people, within_min=6)
    coverable = covered(tuple(names))
    fewest = next(
        count for count in range(7) if best_set(names, count, covered) >= coverable - 1e-9
    )
    assert len(covering.sites) == fewest
    assert covering.bound == pytest.approx(covering.objective)


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    """What functions ask for, by the names of their parameters, from the embedded district."""
    project = cp.load_project("demo")
    barriers = {"walls": project.walls, "gates": project.gates}
    network = cp.WalkNetwork.from_streets(
        project.streets, communities=project.communities, **barriers
    )
    walked = cp.walks(network, project.homes, project.facilities, walker="adult", within_min=15)
    supply = project.facilities.set_index("facility_id")["service"].map(lambda _: 10.0)
    return {
        "network": network,
        "homes": project.homes,
        "origins": project.homes,
        "facilities": project.facilities,
        "destinations": project.facilities,
        "points": project.facilities.iloc[:3],
        "table": project.homes,
        "origin": project.homes.iloc[[0]],
        "destination": project.facilities.iloc[[0]],
        "communities": project.communities,
        "idle_buildings": project.idle_buildings,
        "walks": walked,
        "demand": project.homes.set_index("home_id")["residents"].astype(float),
        "supply": supply,
        "start": project,
    }


ASKED: dict[str, dict[str, Any]] = {
    "attachment_table": {"walker": "adult", "key": "home_id"},
    "walks": {"walker": "adult", "within_min": 7.0, "direction": "back"},
    "nearest": {"walker": "adult", "within_min": 7.0, "k": 2, "direction": "worse"},
    "within_reach": {"walker": "adult", "minutes": [4.0], "weight": None, "direction": "back"},
    "route": {"walker": "adult"},
    "service_areas": {"walker": "adult", "minutes": [4.0], "margin_m": 30.0, "direction": "back"},
    "reached_streets": {"walker": "adult", "within_min": 4.0, "direction": "back"},
    "coverage": {"minutes": [4.0], "walker": "adult", "group": "elderly", "direction": "back",
                 "services": ["market"]},
    "storey_coverage": {"service": "market", "within_min": 4.0, "group": "elderly",
                        "walker": "adult", "direction": "back"},
    "home_access": {"service": "market", "walker": "adult", "direction": "back"},
    "two_step_access": {"within_min": 9.0},
    "three_step_access": {"within_min": 9.0},
    "balanced_access": {"within_min": 9.0},
    "cumulative_access": {"within_min": 9.0},
    "gravity_access": {"within_min": 9.0, "decay": cp.access.linear(20)},
    "spatial_availability": {"within_min": 9.0, "decay": cp.access.linear(20)},
    "places_per_1000": {"within_min": 9.0},
    "realised_service": {"within_min": 9.0},
    "checkup": {"standard": "complete_community", "share": 0.9, "direction": "back",
                "built_by": 1995.0},
    "checkup_figures": {"standard": "complete_community", "share": 0.9, "direction": "back"},
    "renovation_scope": {"built_by": 1995.0, "least_households": 10.0},
    "newly_covered": {"service": "market"},
    "rank_sites": {"services": ["market"], "normalise": "range", "groups": ("elderly",)},
    "rank_openings": {"services": ["market"], "within_m": 35.0, "every_m": 25.0, "k": 1},
    "programme_fit": {"services": ["market"]},
    "programmes": {"services": ["market"], "every_set": True},
    "centres_among": {"services": ["market"]},
}  # fmt: skip


SAID_AS = {("coverage", "walker"): "walkers"}

OTHERS = {
    "balance", "balancing_groups", "cash_flow", "choose_menu", "choose_programme", "choose_sites",
    "compare", "compare_versions", "consent_gaps", "consent_stages", "consent_status",
    "equity_table", "fill_indicators", "homes_from_buildings", "homes_from_counts",
    "homes_from_raster", "indicator_table", "maximal_covering", "menu_gains", "p_center",
    "p_median", "payback", "population_cells", "read_table", "repair_streets", "run_batch",
    "set_covering", "sources_and_uses", "two_pronged", "vote_problems",
}  # fmt: skip
"""Functions with options that ask for papers, files or rasters of their own: their rooms' tests
look at what they note."""


def test_8_every_function_with_options_is_looked_at_somewhere():
    with_options = set()
    for name in cp.__all__:
        thing = getattr(cp, name)
        if inspect.isfunction(thing):
            told = inspect.signature(thing)
            kinds = {parameter.kind for parameter in told.parameters.values()}
            returned = str(told.return_annotation)
            is_table = any(word in returned for word in ("Frame", "Series", "Choice"))
            if is_table and inspect.Parameter.KEYWORD_ONLY in kinds:
                with_options.add(name)
    assert with_options == {*ASKED, *OTHERS}


@pytest.mark.parametrize("name", ASKED)
def test_8_no_silent_option(demo, name):
    function, asked = getattr(cp, name), ASKED[name]
    wanted = inspect.signature(function).parameters.values()
    inputs = [demo[one.name] for one in wanted if one.kind is one.POSITIONAL_OR_KEYWORD]
    result = function(*inputs, **asked)
    noted = result.attrs["communityplan"]
    for option, value in asked.items():
        if option == "key" and value in result.columns:
            # the heading says it
            continue
        said = SAID_AS.get((name, option), option)
        assert said in noted, f"{option} is not among {sorted(noted)}"
        if isinstance(value, float):
            assert np.ravel(noted[said])[0] == value


SAME = """
import hashlib, sys
import numpy as np, pandas as pd
import communityplan as cp
project = cp.load_project("demo")
homes, shops = project.homes, project.facilities
if sys.argv[1] == "shuffled":
    homes, shops = (table.sample(frac=1, random_state=3) for table in (homes, shops))
network = cp.WalkNetwork.from_streets(
    project.streets, walls=project.walls, gates=project.gates, communities=project.communities
)
for walker in ("adult", "older_75_plus"):
    found = cp.walks(network, homes, shops, walker=walker, within_min=15)
    found = found.sort_values(["from_id", "to_id"])
    ledger = cp.coverage(network, homes, shops, minutes=[5, 10, 15], walker=walker)
    ledger = ledger.sort_values(["community_id", "service", "within_min"])
    areas = cp.service_areas(network, shops.iloc[:6], walker=walker, minutes=[5])
    areas = areas.sort_values("facility_id") if sys.argv[1] == "as they are" else None
    for table in (found, ledger, areas):
        if table is not None:
            text = table.to_csv(index=False, float_format="%.17g")
            print(hashlib.sha256(text.encode()).hexdigest())
"""


def hashes(threads: int, order: str) -> list[str]:
    """What a process of its own finds in the embedded district."""
    env = {**os.environ, "NUMBA_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", SAME, order]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_10_same_input_same_bytes_whatever_the_threads_and_the_order_of_rows():
    one, two, shuffled = hashes(1, "as they are"), hashes(2, "as they are"), hashes(2, "shuffled")
    assert len(one) == 6
    assert one == two
    # walks of both walkers; people are summed in the order of the homes, so to rounding only
    assert shuffled[::2] == one[::3]
