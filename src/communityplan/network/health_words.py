"""The words of a health report in Chinese."""

from __future__ import annotations

import re

import pandas as pd

__all__ = ["CHINESE", "in_chinese"]

CHINESE = {
    # what
    "walkable street": "可步行道路",
    "connected part": "连通部分",
    "part cut off": "与主路网断开的部分",
    "gap under 2 m": "不足 2 米的断口",
    "duplicate edge": "重复路段",
    "overlapping edges": "重叠路段",
    "crossing without a junction": "相交而未连接",
    "dead end": "断头路",
    "steps": "台阶",
    "steps of unknown height": "高度不详的台阶",
    "crossing where people wait": "需等候的过街处",
    "way in one direction only": "单向步行路段",
    "private way kept for residents": "保留给居民的内部道路",
    "closed way": "关闭的道路",
    "street of no length left out": "已舍去的零长度道路",
    "street cut by a barrier": "被围墙截断的道路",
    "wall": "围墙",
    "boundary of an enclosed community": "封闭小区边界",
    "gate": "出入口",
    "untagged gate taken for": "通行对象不详的出入口按此处理",
    "gate decided by rule": "按规则判定的出入口",
    "gate of kind": "出入口类型",
    "gate with opening hours": "有开放时间的出入口",
    "residents' gate of no community, taken for closed": "不属于任何小区的居民出入口，按关闭处理",
    "gate on no street": "不在道路上的出入口",
    "gate that joins nothing": "未连通任何道路的出入口",
    "gate far from every wall": "远离围墙的出入口",
    "elevation raster": "高程栅格",
    "coarse elevation raster": "高程栅格过粗",
    "unit of heights not told, taken for metres": "高程未注明单位，按米计",
    "cell with a height off the earth, taken for no data": "高程超出地球范围的格网，按无数据处理",
    "edge with climb from the elevation raster": "由高程栅格取得爬升的路段",
    "edge with climb from the streets": "由道路数据取得爬升的路段",
    "bridge or tunnel kept straight": "按直线处理的桥梁或隧道",
    "steps the elevation raster does not see": "高程栅格无法分辨的台阶",
    "edge outside the elevation raster": "无高程数据的路段",
    "steep edge": "过陡的路段",
    "edge split where its slope changes": "因坡度变化而分段的路段",
    "way from door to street": "出入口到道路的距离",
    "home on a smaller part": "位于次要部分的住宅",
    "home on no street": "未接入道路的住宅",
    # detail
    "same level": "同一层面",
    "another level": "不同层面",
    "no gate there": "该处无出入口",
    "everyone": "所有人可通行",
    "residents": "仅居民可通行",
    "closed": "关闭",
    "median": "中位数",
    "90 %": "90%",
    "99 %": "99%",
    "longest": "最长",
    "far from every street": "远离所有道路",
    "behind a wall": "被围墙隔开",
    "fence": "栅栏",
    "hedge": "绿篱",
    "railway": "铁路",
    "water": "水体",
    "river": "河流",
}
"""What is said in Chinese for the words of the report; keys and names are not translated."""

_NUMBERED = (
    (re.compile(r"part (\d+)"), r"第 \1 部分"),
    (re.compile(r"smaller parts: (\d+)"), r"其余 \1 个部分"),
)


def in_chinese(table: pd.DataFrame) -> pd.DataFrame:
    """The table with ``zh`` and ``detail_zh`` beside ``what`` and ``detail``.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.network.health_words import in_chinese
    >>> said = in_chinese(pd.DataFrame({"what": ["connected part"], "detail": ["part 2"]}))
    >>> said.iloc[0].tolist()
    ['connected part', 'part 2', '连通部分', '第 2 部分']
    """
    said = {column: table[column].map(_said) for column in ("what", "detail")}
    return table.assign(zh=said["what"].astype(object), detail_zh=said["detail"].astype(object))


def _said(words: str) -> str:
    for pattern, chinese in _NUMBERED:
        if pattern.fullmatch(words):
            return pattern.sub(chinese, words)
    return CHINESE.get(words, words)
