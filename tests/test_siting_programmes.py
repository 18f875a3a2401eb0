"""Programme fit: storeys, former uses, tenure, sets of services against brute force, centres."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from communityplan.errors import DataError, OptionError
from communityplan.siting import programme_fit, programmes, read_rules
from communityplan.standards import Service
from towns import points

ELDER = Service("elder_care", min_floor_area_m2=350, verified=True)
CHILD = Service("childcare", min_floor_area_m2=200, verified=False)
CANTEEN = Service("canteen", min_floor_area_m2=200, verified=True)
HEALTH = Service("health", min_floor_area_m2=120, verified=True)
ALL = [ELDER, CHILD, CANTEEN, HEALTH]


def buildings(**columns):
    count = len(columns["floor_area_m2"])
    return points([(0, 0)] * count, building_id=[f"b{at}" for at in range(count)], **columns)


def codes(table, services, **options):
    return programme_fit(table, services=services, **options)["reason_codes"].tolist()


def test_a_service_fits_on_the_storeys_it_may_use():
    # childcare up to storey 2: 2/4 of 400 m2 are enough, 2/5 of 400 m2 are 160
    idle = buildings(floor_area_m2=[400.0, 400.0, 400.0], storeys=[4, 5, None])
    fit = programme_fit(idle, services=[CHILD])
    assert fit["reason_codes"].tolist() == ["", "too_small_below", ""]
    assert fit["reason"].iloc[1] == "floor area 160 m2 up to storey 2 is below 200 m2"
    assert fit["reason_zh"].iloc[1].endswith("（依据未核实）")
    assert fit["unchecked"].str.contains("storeys").tolist() == [False, False, True]


def test_a_space_on_one_storey():
    idle = buildings(floor_area_m2=[900.0] * 4, storey=[1, 4, 0, -1])
    assert codes(idle, [ELDER]) == ["", "too_high", "basement", "basement"]
    assert codes(idle, [CANTEEN]) == ["", "", "", ""]
    assert codes(buildings(floor_area_m2=[900.0], storeys=[0]), [ELDER]) == ["basement"]


def test_former_use_tenure_and_hazards():
    idle = buildings(
        floor_area_m2=[900.0] * 3,
        former_use=["Petrol station", "office", None],
        tenure_route=["lease", "disputed", ""],
        hazards=["", "", "asbestos;roof"],
    )
    fit = programme_fit(idle, services=[CANTEEN])
    assert fit["reason_codes"].tolist() == ["former_use", "tenure", "hazard"]
    assert fit["verified"].tolist() == [False, False, True]
    assert fit["reason_zh"].iloc[2] == "存在安全隐患：asbestos、roof"
    assert fit["unchecked"].tolist() == ["", "", "former_use;tenure_route"]


def test_rules_of_your_own(tmp_path):
    file = tmp_path / "rules.toml"
    file.write_text(
        '[hazards]\nmendable = ["asbestos"]\n'
        "[floor]\nusable_share = 0.5\n"
        "[storeys]\n"
        '[[not_allowed]]\nformer_use = ["office"]\nservices = ["canteen"]\n'
        "[centre]\nfunctions_min = 2\n",
        encoding="utf-8",
    )
    rules = read_rules(file)
    assert rules.centre.functions_min == 2
    assert rules.centre.floor_area_min_m2 == 600
    assert not rules.centre.verified
    idle = buildings(
        floor_area_m2=[390.0, 900.0], former_use=["shop", "office"], hazards=["asbestos", "roof"]
    )
    assert codes(idle, [CANTEEN], rules=file) == ["too_small", "hazard;former_use"]
    assert codes(idle, [CANTEEN], rules=rules) == ["too_small", "hazard;former_use"]


def test_everything_wrong_with_a_file_of_rules_at_once(tmp_path):
    file = tmp_path / "rules.toml"
    file.write_text(
        "[floor]\nusable_share = 1.5\n[roof]\n[storeys.canteen]\nhigest = 3\n"
        '[[not_allowed]]\nformer_use = "office"\n',
        encoding="utf-8",
    )
    with pytest.raises(DataError) as caught:
        read_rules(file)
    said = str(caught.value)
    for part in ("1.5", "[roof]", "higest", "services is missing", "'office'"):
        assert part in said
    with pytest.raises(OptionError, match="there is no file"):
        read_rules(tmp_path / "none.toml")


def test_largest_sets_by_hand():
    # of 480 m2: 350 + 120, 200 + 200, 200 + 120; three do not fit together
    sets = programmes(buildings(floor_area_m2=[480.0]), services=ALL)
    assert sets["services"].tolist() == [
        "childcare;canteen", "elder_care;health", "childcare;health", "canteen;health",
    ]  # fmt: skip
    assert sets["floor_area_used_m2"].tolist() == [400, 470, 320, 320]


@pytest.mark.parametrize(
    ("area_m2", "status", "centre_codes"),
    [(870.0, "preferred", ""), (790.0, "met", ""), (590.0, "no", "area;functions")],
)
def test_centre(area_m2, status, centre_codes):
    idle = buildings(floor_area_m2=[area_m2])
    best = programmes(idle, services=[ELDER, CHILD, CANTEEN]).iloc[0]
    assert (best["is_centre"], best["centre_reason_codes"]) == (status, centre_codes)
    assert best["centre_verified"]


def test_a_centre_needs_core_services():
    other = [HEALTH, Service("community"), Service("toilet")]
    best = programmes(buildings(floor_area_m2=[900.0]), services=other).iloc[0]
    assert (best["n_services"], best["centre_reason_codes"]) == (3, "core")
    assert best["centre_reason_en"] == "0 of the core services, fewer than 2"


def test_a_building_that_fits_nothing_keeps_its_reasons():
    sets = programmes(buildings(floor_area_m2=[100.0]), services=[CANTEEN, HEALTH])
    assert sets["services"].tolist() == [""]
    assert sets["reason_codes"].iloc[0] == "canteen: too_small; health: too_small"
    assert sets["reason_zh"].iloc[0].startswith("社区食堂：可用面积 100 平方米")


def test_sets_are_those_of_brute_force():
    # equal storeys in sixths of a storey: a set fits if some filling of them works
    rng = np.random.default_rng(3)
    areas, storeys = rng.integers(200, 1500, 60), rng.integers(1, 8, 60)
    idle = buildings(floor_area_m2=areas.astype(float), storeys=storeys)
    found = programmes(idle, services=ALL, every_set=True)
    highest = {"elder_care": 3, "childcare": 2}
    for at, (area, count) in enumerate(zip(areas, storeys, strict=True)):
        expected = {""}
        for size in (1, 2, 3, 4):
            for chosen in itertools.combinations(ALL, size):
                room = [area / count] * int(count)
                # those that may lie nowhere else first, each from the ground up
                for one in sorted(chosen, key=lambda one: highest.get(one.name, 99)):
                    need = one.min_floor_area_m2
                    for level in range(min(int(count), highest.get(one.name, 99))):
                        taken = min(need, room[level])
                        room[level] -= taken
                        need -= taken
                    if need > 1e-6:
                        break
                else:
                    expected.add(";".join(one.name for one in chosen))
        assert set(found.loc[found["building_id"] == f"b{at}", "services"]) == expected


def test_too_many_services_for_every_set():
    with pytest.raises(OptionError, match="at most 12"):
        programmes(buildings(floor_area_m2=[1.0]), services=[Service(f"s{at}") for at in range(13)])
    with pytest.raises(OptionError, match="names one twice"):
        programmes(buildings(floor_area_m2=[1.0]), services=["canteen", CANTEEN])
