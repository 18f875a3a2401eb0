"""Funding by item: who pays, what nobody pays yet, and every mistake with its row."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from communityplan.errors import DataError
from communityplan.finance import PAYERS, ShareRule, share_rules, sources_and_uses
from communityplan.finance.shares import read_funding, read_share_rules
from communityplan.finance.sides import UNPAID, fund_items, funding_sentences, who_pays

USES = pd.DataFrame({"item": ["lift", "lamps"], "cost_yuan": [800_000.0, 200_000.0]})


def promises(*rows):
    return pd.DataFrame(list(rows))


def test_by_item_and_for_the_whole_by_hand():
    funding = promises(
        {"item": "lift", "payer": "居民", "share": "25%"},
        {"item": "lift", "payer": "政府", "amount_yuan": 400_000},
        {"item": None, "payer": "社会资本", "share": "1/10"},
    )
    items = fund_items(USES, funding)
    assert items["amount_yuan"].tolist() == [200_000, 400_000, 100_000]
    assert items["share"].tolist() == [0.25, 0.5, 0.1]
    paid = who_pays(USES, funding).set_index("payer")
    # 1,000,000 less 700,000
    assert paid["amount_yuan"].to_dict() == {
        "government": 400_000, "residents": 200_000, "social_capital": 100_000, "other": 0,
        UNPAID: 300_000,
    }  # fmt: skip
    assert paid["share"].sum() == pytest.approx(1)
    rules = [ShareRule("residents", least=0.25), ShareRule("government", most=0.5)]
    assert share_rules(paid.reset_index(), rules)["state"].tolist() == ["broken", "met"]
    said = funding_sentences(paid.reset_index())
    assert said["zh"].tolist()[-1] == "尚无来源：300,000元，占30.0%"


def test_the_rest_of_each_item_is_told():
    items = fund_items(USES, promises({"item": "lift", "payer": "政府", "share": "0.75"}))
    assert items[["item", "payer", "amount_yuan"]].values.tolist() == [
        ["lift", "government", 600_000], ["lift", UNPAID, 200_000], ["lamps", UNPAID, 200_000],
    ]  # fmt: skip
    full = fund_items(USES[:1], promises({"item": "lift", "payer": "政府", "share": "100%"}))
    assert UNPAID not in full["payer"].tolist()


def test_everything_wrong_in_one_error_with_rows(tmp_path):
    path = tmp_path / "funding.csv"
    rows = [
        "项目,出资方,出资金额,比例",
        "lift,政府,,60%",
        "lift,居民,,41%",
        "lamps,彩票,100,",
        "roof,政府,100,",
        ",其他,5,5%",
        ",其他,,",
        "lamps,政府,,130%",
        "lamps,居民,,-5%",
    ]
    path.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(DataError) as raised:
        fund_items(USES, read_funding(path))
    said = str(raised.value)
    for words in (
        f"{path}, rows 2, 3: the shares of item 'lift' add up to 101 %",
        "row 4: payer is '彩票'",
        "row 5: item 'roof' is not paid for",
        "row 6: both amount_yuan and share",
        "row 7: nothing is promised",
        "row 8: share is '130%'",
        "row 9: share is '-5%'",
    ):
        assert words in said, words
    assert len(raised.value.problems) == 7


def test_more_than_the_cost_is_told():
    over = promises({"item": "lamps", "payer": "政府", "amount_yuan": 200_000.02})
    with pytest.raises(
        DataError, match=r"row 1: the shares of item 'lamps' add up to 100\.00001 %"
    ):
        fund_items(USES, over)
    twice = promises(
        {"item": "lift", "payer": "政府", "share": "1"},
        {"item": None, "payer": "政府", "share": "0.3"},
    )
    with pytest.raises(DataError, match=r"rows 1, 2: 1,100,000\.00 yuan are paid in all"):
        fund_items(USES, twice)
    whole = promises({"payer": "政府", "share": "60%"}, {"payer": "居民", "share": "41%"})
    with pytest.raises(DataError, match="rows 1, 2: the shares of the whole add up to 101 %"):
        who_pays(USES, whole)


def test_amounts_that_are_not_known_stay_missing():
    uses = USES.assign(cost_yuan=[800_000.0, None])
    paid = who_pays(uses, promises({"item": "lamps", "payer": "政府", "share": "50%"}))
    assert paid["share"].isna().all()
    assert "数据不全" in funding_sentences(paid)["zh"].iloc[0]
    assert fund_items(uses, promises({"payer": "政府", "amount_yuan": 5})).attrs["communityplan"][
        "missing"
    ] == ["lamps"]


def test_the_printed_share_stands_beside_the_computed_one():
    # Jinsong: 30 of 76 million yuan are 39.5 %, 45 % was printed
    uses = pd.DataFrame({"item": ["renovation"], "cost_yuan": [76e6]})
    funding = promises(
        {"payer": "政府", "amount_yuan": 46e6, "stated_share": None},
        {"payer": "社会资本", "amount_yuan": 30e6, "stated_share": "45%"},
    )
    paid = who_pays(uses, funding).set_index("payer")
    assert paid.loc["social_capital", "differs"]
    assert paid.loc["social_capital", "share"] == pytest.approx(30 / 76)
    assert "45.0%" in funding_sentences(paid.reset_index())["zh"].iloc[2]


@given(st.lists(st.tuples(st.sampled_from(PAYERS), st.integers(0, 100)), min_size=1, max_size=5))
@settings(deadline=None, max_examples=60)
def test_against_sources_and_uses_where_all_is_paid(pairs):
    total = sum(amount for _, amount in pairs)
    if not total:
        return
    uses = pd.DataFrame({"item": ["a"], "cost_yuan": [float(total)]})
    funding = pd.DataFrame(pairs, columns=["payer", "amount_yuan"])
    paid = who_pays(uses, funding)
    pd.testing.assert_frame_equal(
        paid.drop(columns="differs"), sources_and_uses(uses, funding).drop(columns="differs")
    )
    less = who_pays(uses.assign(cost_yuan=total + 7.0), funding)
    assert less["amount_yuan"].iloc[-1] == pytest.approx(7)


def test_rules_from_a_file(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text(
        '[[rules]]\npayer = "居民"\nleast = "5%"\nsource = "街道办"\n'
        '[[rules]]\npayer = "government"\nmost = 0.8\nverified = true\n',
        encoding="utf-8",
    )
    rules = read_share_rules(path)
    assert [(rule.payer, rule.least, rule.most, rule.verified) for rule in rules] == [
        ("residents", 0.05, 1.0, False), ("government", 0.0, 0.8, True),
    ]  # fmt: skip
    path.write_text(
        '[[rules]]\npayer = "bank"\nleast = "150%"\n[[rules]]\npayer="居民"\nleast=0.5\nmost=0.2\n'
        "[[rules]]\npayer='其他'\nmore = 1\n",
        encoding="utf-8",
    )
    with pytest.raises(DataError) as raised:
        read_share_rules(path)
    assert len(raised.value.problems) == 4
    assert "rule 2: least is more than most" in str(raised.value)
    path.write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="there are no rules"):
        read_share_rules(path)
