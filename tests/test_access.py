"""Access by floating catchments: published examples, naive oracles, conservation, bad input."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from communityplan import access as ac
from communityplan.errors import DataError, OptionError, TableError

SHARED = Path(__file__).parents[2] / "shared" / "data"


def walks_of(minutes: dict[tuple[str, str], float]) -> pd.DataFrame:
    rows = [(home, place, walk) for (home, place), walk in minutes.items()]
    table = pd.DataFrame(rows, columns=["from_id", "to_id", "walk_min"])
    return table.astype({"from_id": "object", "to_id": "object", "walk_min": "float64"})


# two homes share facility x, home b has y to itself, home c reaches nothing within 10 minutes
WALKS = walks_of({("a", "x"): 4, ("b", "x"): 9, ("b", "y"): 2, ("c", "y"): 11})
PEOPLE = pd.Series({"a": 30, "b": 10, "c": 7})
PLACES = pd.Series({"x": 20, "y": 5})


class TestByHand:
    def test_two_step(self):
        # x: 20 places / (30 + 10) people = 0.5; y: 5 / 10 = 0.5
        found = ac.two_step_access(WALKS, PEOPLE, PLACES, within_min=10)
        assert found.to_dict() == {"a": 0.5, "b": 1.0, "c": 0.0}
        assert found.name == "access"

    def test_limit_is_inclusive(self):
        found = ac.two_step_access(WALKS, PEOPLE, PLACES, within_min=9)
        assert found["b"] == 1.0
        assert ac.two_step_access(WALKS, PEOPLE, PLACES, within_min=8.999)["b"] == 0.5

    def test_enhanced_with_steps(self):
        # weights: a-x 1, b-x 0.68, b-y 1; x: 20 / (30 + 6.8) = 0.543478; y: 5 / 10
        found = ac.two_step_access(WALKS, PEOPLE, PLACES, within_min=15, decay=ac.step((5, 10, 15)))
        # c walks 11 minutes to y, in the third zone, so that y serves 10 + 0.22 * 7 people
        at_x, at_y = 20 / 36.8, 5 / 11.54
        assert found.to_dict() == pytest.approx(
            {"a": at_x, "b": 0.68 * at_x + at_y, "c": 0.22 * at_y}, rel=1e-15
        )

    def test_three_step(self):
        # b divides itself evenly: x 20 / (30 + 5), y 5 / 5
        found = ac.three_step_access(WALKS, PEOPLE, PLACES, within_min=10)
        assert found.to_dict() == pytest.approx({"a": 4 / 7, "b": 2 / 7 + 0.5, "c": 0})

    def test_balanced(self):
        # people allotted: x 30 + 5, y 5; x halves its level of service between a and b
        found = ac.balanced_access(WALKS, PEOPLE, PLACES, within_min=10)
        assert found.to_dict() == pytest.approx({"a": 2 / 7, "b": 2 / 7 + 1.0, "c": 0})

    def test_cumulative_and_gravity(self):
        found = ac.cumulative_access(WALKS, PEOPLE, PLACES, within_min=10)
        assert found.to_dict() == {"a": 20.0, "b": 25.0, "c": 0.0}
        # linear(12): a 20 * 8/12; b 20 * 3/12 + 5 * 10/12; c 5 * 1/12
        found = ac.gravity_access(WALKS, PEOPLE, PLACES, decay=ac.linear(12))
        assert found.to_dict() == pytest.approx({"a": 40 / 3, "b": 55 / 6, "c": 5 / 12})

    def test_places_per_1000(self):
        area = pd.Series({"a": "north", "b": "south", "c": "south"}, name="community_id")
        found = ac.places_per_1000(WALKS, PEOPLE, PLACES, within_min=10, by=area)
        assert found.index.name == "community_id"
        assert found["places"].to_dict() == {"north": 15.0, "south": 10.0}
        assert found["places_per_1000"].to_dict() == pytest.approx(
            {"north": 500.0, "south": 10_000 / 17}
        )
        whole = ac.places_per_1000(WALKS, PEOPLE, PLACES, within_min=10)
        assert whole.loc["all", "places_per_1000"] == pytest.approx(25_000 / 47)

    def test_the_order_of_rows_does_not_matter(self):
        mixed = WALKS.sample(frac=1, random_state=3)
        for measure in (ac.two_step_access, ac.three_step_access, ac.balanced_access):
            first = measure(WALKS, PEOPLE, PLACES, within_min=10)
            second = measure(mixed, PEOPLE[::-1], PLACES[::-1], within_min=10)
            pd.testing.assert_series_equal(first, second.reindex(first.index))


class TestPublished:
    """Worked examples of other libraries and papers, to the digits given there."""

    @pytest.mark.parametrize(
        ("inbound", "outbound", "between", "expected"),
        [
            (40, 40, 80, (0.331444117, 0.579828132, 7.286418170)),
            (20, 40, 80, (0.435340221, 0.683724236, 5.727976611)),
            (40, 20, 80, (0.331071913, 0.577857786, 7.299991939)),
            (20, 20, 40, (0.442568395, 0.666758280, 5.740524646)),
        ],
        ids=["s0", "s1", "s2", "s3"],
    )
    def test_hospitals(self, inbound, outbound, between, expected):
        people = pd.Series({"1": 100, "2": 50, "3": 10})
        doctors = pd.Series({"1": 15, "2": 20, "3": 100})
        walks = walks_of(
            {
                **{(tract, tract): 1 for tract in "123"},
                **{("1", "2"): between, ("2", "1"): between},
                **{("1", "3"): inbound, ("2", "3"): inbound},
                **{("3", "1"): outbound, ("3", "2"): outbound},
            }
        )
        found = ac.two_step_access(walks, people, doctors, within_min=61, decay=ac.power(1))
        assert found.round(9).tolist() == list(expected)
        assert (people * found).sum() == pytest.approx(135, rel=1e-12)

    def test_worked_example_of_five_cells(self):
        folder = SHARED / "access_worked_example"
        if not folder.exists():
            pytest.skip("the published worked example is not at hand")
        cells = ["89a88cdb57bffff", "89a88cdb597ffff", "89a88cdb5b3ffff", "89a88cdb5cfffff"]
        cells.append("89a88cd909bffff")
        land = pd.read_csv(folder / "land_use_data.csv", index_col="id").loc[cells]
        matrix = pd.read_csv(folder / "travel_matrix.csv.gz")
        walks = matrix.rename(columns={"travel_time": "walk_min"})
        tables = (walks, land["population"], land["jobs"])
        two_step = ac.two_step_access(*tables, within_min=45)
        assert two_step.round(4).tolist() == [0.0152, 0.1491, 0.1491, 0.1068, 0.0]
        balanced = ac.balanced_access(*tables, within_min=45)
        assert balanced.round(4).tolist() == [0.0094, 0.1993, 0.1993, 0.1147, 0.0]

    def test_spatial_availability(self):
        minutes = np.array([[15, 30, 100], [30, 15, 100], [100, 100, 15]])
        walks = walks_of({(str(i), str(j)): minutes[i, j] for i in range(3) for j in range(3)})
        people = pd.Series({"0": 50_000, "1": 150_000, "2": 10_000})
        jobs = pd.Series({"0": 100_000, "1": 100_000, "2": 10_000})
        found = ac.spatial_availability(
            walks, people, jobs, decay=lambda minutes: np.exp(-0.1 * minutes)
        )
        assert found.round().tolist() == [66833, 133203, 9963]
        assert found.sum() == pytest.approx(210_000, rel=1e-12)


class TestDecay:
    ALL = (
        ac.binary(15),
        ac.step((5, 10, 15)),
        ac.gaussian(15),
        ac.negative_exponential(0.1),
        ac.logistic(10, 3),
        ac.linear(15),
        ac.power(1.5),
    )

    @pytest.mark.parametrize("decay", ALL, ids=repr)
    def test_within_bounds_and_never_rising(self, decay):
        weights = decay(np.concatenate((np.linspace(0, 60, 601), [1e6])))
        assert weights[0] == 1.0
        assert ((weights >= 0) & (weights <= 1)).all()
        assert (np.diff(weights) <= 0).all()

    def test_values(self):
        # by hand from the formulas
        assert ac.gaussian(10)([5.0])[0] == pytest.approx(
            (math.exp(-0.125) - math.exp(-0.5)) / (1 - math.exp(-0.5))
        )
        assert ac.step((10, 20, 30))([10, 10.01, 30, 31]).tolist() == [1.0, 0.68, 0.22, 0.0]
        k = math.pi / (3 * math.sqrt(3))
        assert ac.logistic(10, 3)([12.0])[0] == pytest.approx(
            (1 + math.exp(-10 * k)) / (1 + math.exp(2 * k))
        )

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: ac.gaussian(0), "limit_min is 0"),
            (lambda: ac.power(math.nan), "exponent is nan"),
            (lambda: ac.step((5, 10)), "2 limits and 3 weights"),
            (lambda: ac.step((10, 5), (1, 0.5)), "rising minutes"),
            (lambda: ac.step((5, 10), (0.5, 1)), "never rising"),
        ],
    )
    def test_parameters_without_meaning(self, make, message):
        with pytest.raises(OptionError, match=message):
            make()

    def test_a_decay_that_leaves_its_bounds_is_refused(self):
        with pytest.raises(OptionError, match=r"leaves 0..1: 4 at 4 min, 9 at 9 min"):
            ac.two_step_access(WALKS, PEOPLE, PLACES, within_min=10, decay=lambda t: t)
        with pytest.raises(OptionError, match="array of minutes"):
            ac.two_step_access(WALKS, PEOPLE, PLACES, within_min=10, decay=lambda t: 1.0)


@st.composite
def towns(draw):
    """A few homes and facilities with walks of whole minutes, some of them missing."""
    homes = [f"h{i}" for i in range(draw(st.integers(1, 6)))]
    places = [f"f{i}" for i in range(draw(st.integers(1, 5)))]
    minute = st.one_of(st.none(), st.integers(0, 20))
    walks = {}
    for home in homes:
        for place in places:
            walk = draw(minute)
            if walk is not None:
                walks[(home, place)] = float(walk)
    amount = st.integers(0, 40)
    people = pd.Series({home: draw(amount) for home in homes}, dtype="float64")
    supply = pd.Series({place: draw(amount) for place in places}, dtype="float64")
    return walks_of(walks), people, supply


DECAYS = st.sampled_from([None, ac.gaussian(15), ac.step((5, 10, 15)), ac.power(1)])


def naive(walks, people, supply, within_min, decay, method):
    """The textbook, with dictionaries and loops."""
    weight = {}
    for row in walks.itertuples():
        if row.walk_min <= within_min:
            weight[row.from_id, row.to_id] = (
                1.0 if decay is None else float(decay(np.array([row.walk_min]))[0])
            )
    by_home = {h: sum(w for (a, _), w in weight.items() if a == h) for h in people.index}
    by_place = {p: sum(w for (_, b), w in weight.items() if b == p) for p in supply.index}
    access = dict.fromkeys(people.index, 0.0)
    for place in supply.index:
        rivals = 0.0
        pull = {}
        for home in people.index:
            w = weight.get((home, place), 0.0)
            if not w:
                continue
            pull[home] = {
                "two": w,
                "three": w * w / by_home[home],
                "balanced": w / by_place[place],
            }[method]
            rivals += people[home] * (w / by_home[home] if method == "balanced" else pull[home])
        for home, share in pull.items():
            access[home] += share * supply[place] / rivals if rivals else 0.0
    return pd.Series(access)


METHODS = {
    "two": ac.two_step_access,
    "three": ac.three_step_access,
    "balanced": ac.balanced_access,
}


class TestProperties:
    @given(town=towns(), decay=DECAYS, method=st.sampled_from(sorted(METHODS)))
    @settings(max_examples=80, deadline=None)
    def test_equal_to_the_textbook(self, town, decay, method):
        found = METHODS[method](*town, within_min=12, decay=decay)
        expected = naive(*town, 12, decay, method)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        assert list(found.index) == list(town[1].index)

    @given(town=towns(), decay=DECAYS, method=st.sampled_from(["two", "three", "places"]))
    @settings(max_examples=80, deadline=None)
    def test_every_place_that_anybody_reaches_is_shared_out_once(self, town, decay, method):
        walks, people, supply = town
        weigh = decay or ac.binary(12)
        if method == "places":
            shared = ac.spatial_availability(*town, within_min=12, decay=weigh).sum()
        else:
            shared = (METHODS[method](*town, within_min=12, decay=decay) * people).sum()
        near = walks[(walks["walk_min"] <= 12) & (weigh(walks["walk_min"].to_numpy()) > 0)]
        near = near[near["from_id"].map(people).to_numpy(dtype=float) > 0]
        reachable = supply.loc[sorted(set(near["to_id"]))].sum()
        assert shared == pytest.approx(reachable, rel=1e-9, abs=1e-9)

    @given(town=towns(), decay=DECAYS)
    @settings(max_examples=80, deadline=None)
    def test_balanced_keeps_people_and_level_of_service(self, town, decay):
        walks, people, supply = town
        weigh = decay or ac.binary(12)
        weight = pd.Series(weigh(walks["walk_min"].to_numpy()), index=walks.index)
        near = walks[(walks["walk_min"] <= 12) & (weight > 0)]
        share = weight[near.index] / weight[near.index].groupby(near["from_id"]).transform("sum")
        allotted = (near["from_id"].map(people).astype(float) * share).groupby(near["to_id"]).sum()
        with_one = people[people.index.isin(near["from_id"])].sum()
        assert allotted.sum() == pytest.approx(with_one, rel=1e-9)
        level = (supply.reindex(allotted.index) / allotted.where(allotted > 0)).sum()
        found = ac.balanced_access(*town, within_min=12, decay=decay).sum()
        assert found == pytest.approx(level, rel=1e-9)

    @given(town=towns(), decay=DECAYS)
    @settings(max_examples=60, deadline=None)
    def test_more_minutes_never_reach_fewer_places(self, town, decay):
        nearer = ac.cumulative_access(*town, within_min=8)
        farther = ac.cumulative_access(*town, within_min=12)
        assert (farther >= nearer).all()
        weighed = ac.gravity_access(*town, decay=decay or ac.linear(20), within_min=12)
        assert (weighed <= farther).all()


@pytest.fixture(scope="module")
def peer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("access.fca", reason="the access package is not installed")


class TestPeer:
    """Equal to the access package, which is not needed by ours."""

    @staticmethod
    def case(seed):
        rng = np.random.default_rng(seed)
        homes = [f"h{i}" for i in range(rng.integers(2, 25))]
        places = [f"f{i}" for i in range(rng.integers(1, 12))]
        # every home reaches something: the peer has no answer for one that does not
        walks = pd.DataFrame(
            [
                (home, place, rng.uniform(0.5, 14) if place == "f0" else rng.uniform(0.5, 40))
                for home in homes
                for place in places
            ],
            columns=["from_id", "to_id", "walk_min"],
        )
        people = pd.Series(rng.integers(1, 500, len(homes)), index=homes, name="people")
        supply = pd.Series(rng.integers(1, 90, len(places)), index=places, name="places")
        return walks, people, supply

    NAMES = {  # noqa: RUF012 (never written)
        "demand_index": True,
        "demand_name": "people",
        "supply_index": True,
        "supply_name": "places",
        "cost_origin": "from_id",
        "cost_dest": "to_id",
        "cost_name": "walk_min",
    }

    # the peer drops columns in a way that pandas 3 warns about
    @pytest.mark.filterwarnings("ignore:The inplace keyword")
    @pytest.mark.parametrize("seed", range(200))
    def test_two_hundred_random_towns(self, peer, seed):
        from access import weights

        walks, people, supply = self.case(seed)
        demand, places = people.to_frame().astype(float), supply.to_frame().astype(float)
        own, theirs = [
            (None, None),
            (ac.step((5, 10, 15)), weights.step_fn({5: 1, 10: 0.68, 15: 0.22})),
            (lambda t: np.exp(-(t**2) / 50), weights.gaussian(5)),
        ][seed % 3]
        two = peer.two_stage_fca(demand, places, walks, 15, weight_fn=theirs, **self.NAMES)
        found = ac.two_step_access(walks, people, supply, within_min=15, decay=own)
        np.testing.assert_allclose(found, two.reindex(found.index), rtol=1e-9)
        catchment = {"cost_source": "to_id", "cost_dest": "from_id", "cost_cost": "walk_min"}
        gravity = peer.weighted_catchment(
            places, walks, 15, loc_index=True, loc_value="places", weight_fn=theirs, **catchment
        )
        mine = ac.gravity_access(walks, people, supply, decay=own or ac.binary(15), within_min=15)
        np.testing.assert_allclose(mine, gravity.reindex(mine.index), rtol=1e-9)
        if theirs is not None:
            # the peer divides people over facilities beyond the limit too, so it sees none
            near = walks[walks["walk_min"] <= 15].reset_index(drop=True)
            three = peer.three_stage_fca(demand, places, near, 15, weight_fn=theirs, **self.NAMES)
            found = ac.three_step_access(walks, people, supply, within_min=15, decay=own)
            np.testing.assert_allclose(found, three.reindex(found.index), rtol=1e-9)


class TestTraps:
    def test_a_cell_with_no_people_and_no_places(self):
        walks = walks_of({("a", "a"): 1, ("b", "b"): 1})
        people, places = pd.Series({"a": 0, "b": 5}), pd.Series({"a": 0, "b": 10})
        for measure in METHODS.values():
            found = measure(walks, people, places, within_min=5)
            assert found.to_dict() == {"a": 0.0, "b": 2.0}
        found = ac.spatial_availability(walks, people, places, decay=ac.linear(5))
        assert found.to_dict() == {"a": 0.0, "b": 10.0}

    def test_places_that_only_empty_homes_reach_are_no_access(self):
        walks = walks_of({("a", "x"): 1})
        found = ac.two_step_access(walks, pd.Series({"a": 0}), pd.Series({"x": 10}), within_min=5)
        assert found.to_dict() == {"a": 0.0}

    @pytest.mark.parametrize("measure", METHODS.values())
    def test_nothing_in_reach_and_no_facility(self, measure):
        nobody = walks_of({})
        assert measure(nobody, PEOPLE, PLACES, within_min=10).tolist() == [0.0, 0.0, 0.0]
        none = pd.Series([], index=pd.Index([], dtype="object"), dtype="float64")
        assert measure(WALKS, PEOPLE, none, within_min=10).tolist() == [0.0, 0.0, 0.0]
        assert measure(WALKS, none, PLACES, within_min=10).tolist() == []

    def test_the_record_says_what_was_used(self):
        found = ac.two_step_access(
            WALKS, PEOPLE[["a", "b"]], PLACES, within_min=10, decay=ac.gaussian(10)
        )
        noted = found.attrs["communityplan"]
        assert noted["method"] == "E2SFCA"
        assert noted["decay"] == "gaussian(limit_min=10)"
        assert noted["unit"] == "places/person"
        assert noted["walks_of_other_homes_or_facilities"] == 1

    def test_inputs_are_not_changed(self):
        walks, people, places = WALKS.copy(), PEOPLE.copy(), PLACES.copy()
        ac.two_step_access(walks, people, places, within_min=10, decay=ac.linear(10))
        ac.realised_service(walks, people, places, within_min=10)
        pd.testing.assert_frame_equal(walks, WALKS)
        pd.testing.assert_series_equal(people, PEOPLE)
        pd.testing.assert_series_equal(places, PLACES)


class TestBadInput:
    def test_every_wrong_number_is_told_at_once(self):
        people = pd.Series({"a": 30, "b": -1, "c": np.nan})
        with pytest.raises(DataError) as told:
            ac.two_step_access(WALKS, people, PLACES, within_min=10)
        assert "2 problems" in str(told.value)
        assert "demand, b: it is -1" in str(told.value)
        assert "demand, c: it is empty" in str(told.value)

    def test_missing_capacity(self):
        with pytest.raises(DataError, match="supply, y: it is empty"):
            ac.two_step_access(WALKS, PEOPLE, pd.Series({"x": 20, "y": None}), within_min=10)

    def test_no_capacity_is_no_error_and_is_told(self):
        found = ac.two_step_access(WALKS, PEOPLE, pd.Series({"x": 20, "y": 0}), within_min=10)
        assert found.to_dict() == {"a": 0.5, "b": 0.5, "c": 0.0}
        assert found.attrs["communityplan"]["facilities_without_places"] == 1

    def test_repeated_keys_and_walks(self):
        people = pd.Series([1, 2], index=["a", "a"])
        with pytest.raises(DataError, match="'a' is there more than once"):
            ac.two_step_access(WALKS, people, PLACES, within_min=10)
        twice = pd.concat([WALKS, WALKS.iloc[[1]]])
        with pytest.raises(DataError, match="walks, row 5: b to x is there before"):
            ac.two_step_access(twice, PEOPLE, PLACES, within_min=10)

    def test_broken_walks(self):
        with pytest.raises(TableError, match="walks, row 1: walk_min is -4"):
            ac.two_step_access(
                WALKS.assign(walk_min=[-4.0, 9, 2, 11]), PEOPLE, PLACES, within_min=10
            )
        with pytest.raises(TableError, match="no column 'walk_min'"):
            ac.two_step_access(WALKS[["from_id", "to_id"]], PEOPLE, PLACES, within_min=10)

    def test_numbers_for_keys_that_are_text(self):
        people = pd.Series({1: 30, 2: 10})
        with pytest.raises(DataError, match="are never the from_id of the walks"):
            ac.two_step_access(WALKS, people, PLACES, within_min=10)

    @pytest.mark.parametrize("limit", [-1, math.nan])
    def test_limit_without_meaning(self, limit):
        with pytest.raises(OptionError, match="within_min"):
            ac.two_step_access(WALKS, PEOPLE, PLACES, within_min=limit)

    def test_a_table_in_place_of_a_series(self):
        with pytest.raises(OptionError, match="demand is a DataFrame"):
            ac.two_step_access(WALKS, PEOPLE.to_frame(), PLACES, within_min=10)

    def test_area_missing(self):
        with pytest.raises(DataError, match="by, c: this home has no area"):
            ac.places_per_1000(
                WALKS, PEOPLE, PLACES, within_min=10, by=pd.Series({"a": "n", "b": "s"})
            )
