"""Ranking of idle buildings: gains by hand, fit with reasons, weights, bad input."""

from __future__ import annotations

import numpy as np
import pytest

import communityplan as cp
from communityplan.errors import OptionError, TableError
from communityplan.siting import newly_covered, programme_fit
from communityplan.standards import Service
from towns import lines, points

PLAIN = cp.Walker("plain", 1.0)
CANTEEN = Service("canteen", group="elderly", walker="adult", within_min=5, min_floor_area_m2=200)
SHOP = Service("market", group="residents", walker="adult", within_min=5)


def town():
    """A street of 2,000 m, homes every 400 m; a canteen at 0; two idle buildings."""
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (2000, 0)]))
    homes = points(
        [(x, 0) for x in (0, 400, 800, 1200, 1600)],
        home_id=list("abcde"), community_id="c", residents=100, elderly=[1, 2, 4, 8, 16],
    )  # fmt: skip
    facilities = points([(0, 0)], facility_id=["k"], service=["canteen"])
    idle = points(
        [(800, 0), (1600, 0), (1600, 0)],
        building_id=["b2", "b1", "b0"],
        floor_area_m2=[300.0, 250.0, 90.0],
    )
    return network, homes, facilities, idle


def test_gains_by_hand():
    # an adult walks 360 m in 5 min: each building reaches one home alone
    network, homes, facilities, idle = town()
    ranked = cp.rank_sites(network, homes, facilities, idle, services=[CANTEEN])
    assert ranked["building_id"].tolist() == ["b1", "b2", "b0"]
    assert ranked["gain_canteen"].tolist()[:2] == [16, 4]
    assert ranked["rank"].tolist()[:2] == [1, 2]
    assert ranked["rank"].isna().tolist() == [False, False, True]
    assert ranked["reason"].iloc[2] == "canteen: floor area 90 m2 is below 200 m2"
    assert np.isnan(ranked["gain_canteen"].iloc[2])


def test_people_served_today_are_not_gained():
    network, homes, facilities, idle = town()
    at_800 = points([(0, 0), (700, 0)], facility_id=["k", "k2"], service=["canteen"] * 2)
    ranked = cp.rank_sites(network, homes, at_800, idle, services=[CANTEEN])
    assert ranked.set_index("building_id").loc["b2", "gain_canteen"] == 0
    gained = newly_covered(network, homes, facilities, idle, service=CANTEEN)
    assert gained["home_id"].tolist() == ["c", "e", "e"]


def test_only_the_storeys_not_served_yet_are_gained():
    network, homes, _facilities, idle = town()
    older = Service("canteen", group="elderly", walker="older_75_plus", within_min=5)
    tall = homes.assign(storeys=6, has_lift=False)
    near = points([(600, 0)], facility_id=["k"], service=["canteen"])
    # 200 m at 0.8 m/s leave 50 s: storeys 1 to 5; next door all six are in time
    ranked = cp.rank_sites(network, tall, near, idle, services=[older]).set_index("building_id")
    assert ranked.loc["b2", "gain_canteen"] == pytest.approx(4 / 6)


def test_weights_change_the_order_and_equal_scores_stand_by_key():
    network, homes, facilities, idle = town()
    both = [CANTEEN, SHOP]
    plain = cp.rank_sites(network, homes, facilities, idle, services=both)
    assert plain["people_gained"].tolist() == [116, 104, 100]
    only = cp.rank_sites(
        network, homes, facilities, idle, services=both, weights={"canteen": 0, "market": 2}
    )
    assert only["building_id"].tolist() == ["b0", "b1", "b2"]
    assert only["score"].tolist() == [200, 200, 200]
    assert only["services"].tolist() == ["market", "market;canteen", "market;canteen"]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"canteen": 0.0}, "all are 0"),
        ({"canteen": -1.0}, "canteen is -1"),
        ({"library": 1.0}, "no service library"),
    ],
)
def test_weights_that_cannot_be_used(weights, said):
    network, homes, facilities, idle = town()
    with pytest.raises(OptionError, match=said):
        cp.rank_sites(network, homes, facilities, idle, services=[CANTEEN], weights=weights)


def test_fit_tells_every_reason():
    *_, idle = town()
    idle = idle.assign(
        hazards=["", "asbestos; unsafe roof", None], allowed_services=["market;health", "", None]
    )
    fit = programme_fit(idle, services=[CANTEEN])
    assert fit["reason"].tolist() == [
        "only market, health allowed",
        "hazard: asbestos, unsafe roof",
        "floor area 90 m2 is below 200 m2",
    ]
    assert not fit["fits"].any()


def test_nothing_to_rank_for_and_missing_columns():
    network, homes, facilities, idle = town()
    with pytest.raises(OptionError, match="no service to rank for"):
        cp.rank_sites(network, homes, facilities, idle, services=[])
    with pytest.raises(TableError, match="no column 'elderly'"):
        cp.rank_sites(network, homes.drop(columns="elderly"), facilities, idle, services=[CANTEEN])


def test_no_building_in_reach_of_anybody():
    network, homes, facilities, _idle = town()
    away = points([(0, 9000)], building_id=["x"], floor_area_m2=[900.0])
    ranked = cp.rank_sites(network, homes, facilities, away, services=[CANTEEN])
    assert ranked["people_gained"].tolist() == [0]
    assert ranked["services"].tolist() == [""]
