"""Comprehensive renovation or management upgrading, at every edge of the rule."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest

import communityplan as cp
from communityplan.checkup.prongs import PRONGS, ProngRule, read_prong_rule, two_pronged
from communityplan.errors import DataError, TableError


def found(statuses, *, scope="yes", compulsory=True, verified=True):
    """m is met, s short, x missing, u unknown, n not applicable."""
    words = {"m": "met", "s": "short", "x": "missing", "u": "unknown", "n": "not_applicable"}
    return pd.DataFrame(
        {
            "community_id": "c",
            "community": "某小区",
            "in_scope": scope,
            "status": [words[letter] for letter in statuses],
            "compulsory": compulsory,
            "verified": verified,
        }
    )


HALF = ProngRule(Fraction(1, 2), least_judged=Fraction(1, 2))


@pytest.mark.parametrize(
    ("statuses", "scope", "prong"),
    [
        ("mmss", "yes", "comprehensive"),  # 2 of 4 is exactly 1/2
        ("mmmsx", "yes", "management"),  # 2 of 5
        ("mmmm", "yes", "management"),
        ("xx", "no", "not_in_scope"),
        ("xx", "unknown", "unknown"),
        ("mxuu", "yes", "comprehensive"),  # 2 of 4 judged is exactly 1/2
        ("mxuuu", "yes", "unknown"),
        ("mxnnnn", "yes", "comprehensive"),  # what does not apply does not count
        ("uu", "yes", "unknown"),
        ("nn", "yes", "unknown"),
    ],
)
def test_every_edge_by_hand(statuses, scope, prong):
    row = two_pronged(found(statuses, scope=scope), rule=HALF).iloc[0]
    assert row["prong"] == prong
    assert row["prong"] in PRONGS
    assert row["zh"].startswith("某小区：")
    assert row["en"].startswith("某小区: ")
    assert not row["verified"]
    assert ("阈值" in row["zh"]) == (prong in PRONGS[:2])


def test_compulsory_clauses_alone_can_decide():
    rule = ProngRule(compulsory_lacking=2, source="street office", verified=True)
    assert two_pronged(found("mmmmxx"), rule=rule)["prong"].iloc[0] == "comprehensive"
    assert two_pronged(found("mmmmx"), rule=rule)["prong"].iloc[0] == "management"
    kinds = two_pronged(found("mmmmxx", compulsory=[True] * 5 + [None]), rule=rule)
    assert kinds["prong"].iloc[0] == "management"
    assert "阈值" not in kinds["zh"].iloc[0]
    only = ProngRule(Fraction(1, 2), only_verified=True)
    seen = two_pronged(found("mmxxx", verified=[True, True, True, False, False]), rule=only)
    assert seen[["judged", "lacking"]].values.tolist() == [[3, 1]]


def test_a_rule_from_a_file(tmp_path):
    path = tmp_path / "rule.toml"
    path.write_text(
        '[rule]\nlacking_share = "60%"\ncompulsory_lacking = 4\nsource = "街道办"\n', "utf-8"
    )
    rule = read_prong_rule(path)
    assert (rule.lacking_share, rule.compulsory_lacking, rule.source) == (
        Fraction(3, 5), 4, "街道办",
    )  # fmt: skip
    path.write_text('[rule]\nlacking_share = "7/5"\ncompulsory_lacking = 0\nshare = 1\n', "utf-8")
    with pytest.raises(DataError) as raised:
        read_prong_rule(path)
    assert len(raised.value.problems) == 3
    for text, words in (
        ("[rule]\nname = 'x'", "nothing says"),
        ("x = 1", "no table"),
        ("[", "cannot be read"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(DataError, match=words):
            read_prong_rule(path)
    with pytest.raises(TableError, match="no column 'in_scope'"):
        two_pronged(pd.DataFrame({"community_id": ["a"]}))


def test_the_demo_is_classified_and_says_that_the_threshold_is_assumed():
    project = cp.load_project("demo")
    checked = cp.checkup(
        project.network(), project.communities, project.homes, project.facilities,
        standard="gb50437", surveyed=["elder_care"],
    )  # fmt: skip
    kinds = two_pronged(checked, communities=project.communities)
    assert kinds["en"].iloc[0].startswith("Qingsong Li: ")
    assert kinds["zh"].iloc[0].startswith("青松里：")
    assert kinds["community_id"].tolist() == project.communities["community_id"].tolist()
    assert kinds.set_index("community_id").loc["C5", "prong"] == "not_in_scope"
    assert not kinds["verified"].any()
    assert "an assumption" in kinds["source"].iloc[0]
