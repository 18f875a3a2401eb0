"""Reach where it is easily wrong: ties, saddles, islands with lakes, loops, several owners."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import shapely

import communityplan as cp
from communityplan.reach import tracing
from scenario_towns import compound_town
from towns import lines, points

PLAIN = cp.Walker("plain", 1.0)


def whole_numbers(seed: int, *, size: int = 14) -> np.ndarray:
    """A field of few values, so that many corners lie on the level and many squares are saddles."""
    field = np.random.default_rng(seed).integers(0, 5, (size, size)).astype(float)
    field[[0, -1]] = field[:, [0, -1]] = 9.0
    return field


@pytest.mark.parametrize("seed", range(6))
def test_both_loops_trace_ties_and_saddles_alike(seed):
    pytest.importorskip("numba")
    from communityplan.reach import _field

    field = whole_numbers(seed)
    xy, following = tracing.crossings(field, 2.0, (3.0, 5.0))
    fast_xy, fast_following = _field.crossings(field, 2.0, (3.0, 5.0), tracing.SEGMENT_TABLE)
    np.testing.assert_array_equal(xy, fast_xy)
    np.testing.assert_array_equal(following, fast_following)


@pytest.mark.parametrize("seed", range(6))
def test_rings_hold_every_corner_within_the_level_and_no_other(seed):
    field = whole_numbers(seed, size=20)
    xy, following = tracing.crossings(field, 2.0, (0.0, 0.0))
    order, first, area = tracing.follow(xy, following)
    ring, part = tracing.sort_rings(xy[order], first, area)
    rings = [xy[order][first[one] : first[one + 1]] for one in ring]
    parts = [
        shapely.Polygon(rings[start], rings[start + 1 : stop])
        for start, stop in itertools.pairwise(part)
    ]
    assert len(parts) > 1
    for shape in parts:
        outer = shapely.Polygon(shape.exterior)
        assert all(outer.covers(shapely.Point(hole.coords[0])) for hole in shape.interiors)
    row, column = np.indices(field.shape)
    corners = shapely.points(column.ravel(), row.ravel())
    inside = np.array([shapely.distance(shape, corners) < 1e-4 for shape in parts]).any(axis=0)
    np.testing.assert_array_equal(inside.reshape(field.shape), field <= 2.0)


@pytest.mark.parametrize(("home", "metres"), [((0, 30), 30), ((30, 0), 30), ((100, 60), 160)])
def test_a_way_that_leaves_a_loop_by_either_end(home, metres):
    loop = [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]
    network = cp.WalkNetwork.from_streets(lines(loop, [(0, 0), (-200, 0)]))
    start, shop = points([home], home_id=["h"]), points([(-200, 0)], facility_id=["f"])
    walk = cp.walks(network, start, shop, walker=PLAIN, within_min=60)
    way = cp.route(network, start, shop, walker=PLAIN)
    assert walk["walk_min"].iloc[0] * 60 == pytest.approx(metres + 200)
    assert way["seconds"].sum() == pytest.approx(metres + 200)
    assert way.geometry.length.sum() == pytest.approx(metres + 200)


@pytest.mark.parametrize("seed", range(8))
def test_homes_of_several_owners_are_answered_as_alone(seed):
    tables, options = compound_town(seed)
    barriers = {name: tables[name] for name in ("walls", "gates", "communities")}
    options = {**options, "enclosed": "all", "untagged_gates": "residents"}
    network = cp.WalkNetwork.from_streets(tables["streets"], **barriers, **options)
    homes, shops = tables["homes"], tables["facilities"]
    asked = {"walker": PLAIN, "within_min": 60}
    together = cp.walks(network, homes, shops, **asked)
    alone = [cp.walks(network, homes.iloc[[row]], shops, **asked) for row in range(len(homes))]
    pd.testing.assert_frame_equal(together, pd.concat(alone, ignore_index=True), check_exact=True)


def test_a_street_of_less_than_a_second_is_reached_in_part():
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (0.8, 0)]))
    start = points([(0, 0)], home_id=["h"])
    found = cp.reached_streets(network, start, walker=PLAIN, within_min=0.4 / 60)
    assert found["length_m"].sum() == pytest.approx(0.4)
