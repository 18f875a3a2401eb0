"""What was read, decided, assumed and left out, counted and told in two languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from communityplan.load.osm_rules import Rule
from communityplan.load.osm_squares import Notes

__all__ = ["REMARKS", "report_table"]

REMARKS = {
    "steps_without_incline": (
        "steps with a number but no direction: taken to go up along the way",
        "有级数而无方向的台阶：按沿线上行计",
    ),
    "incline_too_steep": ("incline too steep to be true, not used", "坡度过大，未采用"),
    "square_crossed": ("squares crossed by straight links", "可直线穿行的广场"),
    "square_too_many_joins": (
        "squares joined by too many streets: outline only",
        "接入道路过多的广场：仅沿边界通行",
    ),
    "square_without_joins": (
        "squares joined at fewer than two points: outline only",
        "接入点少于两个的广场：仅沿边界通行",
    ),
    "not_for_people_on_foot": ("kerbs and the like: no gates", "路缘石等：不作为大门"),
    "hours_not_understood": (
        "hours kept as text: not one span for every day",
        "开放时间非每日单一时段：仅保留文字",
    ),
    "on_no_street": ("gates on no street that people walk", "不在步行道路上的大门"),
    "ignored": ("not in use, or no building: left out by a rule", "非建筑或未使用：按规则略去"),
    "outline_of_relation": (
        "outlines of areas that are there themselves: counted once",
        "与所属多边形关系重复的外轮廓：只计一次",
    ),
    "encloses_nothing": ("ways that enclose nothing: left out", "不能围合的线：略去"),
    "does_not_close": (
        "areas that do not close in the file: left out",
        "文件内不闭合的区域：略去",
    ),
    "open_way_as_point": ("open ways, read as a point", "未闭合的线：按点读取"),
    "merged_with_area": (
        "places inside an area of the same service and name: merged with it",
        "位于同名同类区域内的设施：合并",
    ),
    "not_asked_for": ("walls of a kind that was not asked for", "未要求读取的围墙类型"),
    "nodes_without_place": ("tagged nodes without coordinates: left out", "无坐标的节点：略去"),
    "ways_without_two_nodes": (
        "ways with fewer than two nodes in the file: left out",
        "文件内节点不足两个的线：略去",
    ),
    "ways_with_nodes_missing": (
        "ways with nodes missing in the file: read as far as they go",
        "文件内缺少节点的线：按现有部分读取",
    ),
    "areas_with_parts_missing": (
        "areas with ways or nodes missing in the file",
        "文件内缺少线或节点的区域",
    ),
    "read": ("rows of this kind", "此类条数"),
}
"""What every remark says, in English and in Chinese."""

_KIND_COLUMNS = {
    "streets": "kind",
    "buildings": "building",
    "places": "service",
    "gates": "kind",
    "walls": "kind",
    "communities": "named",
    "doors": "kind",
}


def report_table(
    layers: Mapping[str, pd.DataFrame],
    told: Mapping[str, Notes],
    counts: Mapping[str, int],
    rules: Mapping[str, tuple[Rule, ...]],
) -> pd.DataFrame:
    """One row for each kind of thing that was read, decided, assumed or left out.

    Parameters
    ----------
    layers : mapping of str to DataFrame
        The tables by name.
    told : mapping of str to Counter
        What their readers counted: pairs of what was done and the remark or rule.
    counts : mapping of str to int
        What was incomplete in the file, by remark.
    rules : mapping of str to tuple of Rule
        The rules that were used.

    Returns
    -------
    DataFrame
        ``layer``, ``what`` (read, decided by, left out, assumed, merged, noted, incomplete),
        ``item``, ``count``, ``en``, ``zh``, ``verified`` (False for a rule from memory).
    """
    meaning = {
        (layer, rule.id): (rule.en, rule.zh, rule.verified)
        for layer, ordered in _by_table(rules).items()
        for rule in ordered
    }
    rows: list[tuple[Any, ...]] = []
    for layer, table in layers.items():
        lines = [("read", kind, count) for kind, count in _counted(table[_KIND_COLUMNS[layer]])]
        if "rule" in table:
            lines += [("decided by", rule, count) for rule, count in _counted(table["rule"])]
        noted = told.get(layer, Counter())
        lines += [(what, item, count) for (what, item), count in noted.items() if count]
        for what, item, count in lines:
            remark = (*REMARKS.get("read" if what == "read" else item, ("", "")), True)
            rows.append((layer, what, item, count, *meaning.get((layer, item), remark)))
    rows += [
        ("file", "incomplete", item, count, *REMARKS[item], True)
        for item, count in counts.items()
        if count
    ]
    columns = ["layer", "what", "item", "count", "en", "zh", "verified"]
    return pd.DataFrame(rows, columns=columns)


def _counted(column: pd.Series[Any]) -> list[tuple[str, int]]:
    """Each value as text and how often it is there, the most frequent first."""
    code, values = pd.factorize(column, use_na_sentinel=False)
    found = zip(map(str, values), np.bincount(code).tolist(), strict=True)
    return sorted(found, key=lambda pair: -pair[1])


def _by_table(rules: Mapping[str, tuple[Rule, ...]]) -> dict[str, tuple[Rule, ...]]:
    """Rules by the table that they decide: services are places."""
    return {"places" if layer == "services" else layer: each for layer, each in rules.items()}
