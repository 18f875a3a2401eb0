"""What every table holds: its columns, their units, its geometry and its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "AREA",
    "COMMUNITIES",
    "FACILITIES",
    "GATES",
    "HOMES",
    "IDLE_BUILDINGS",
    "LINE",
    "POINT",
    "STREETS",
    "TABLES",
    "WALKS",
    "WALLS",
    "Column",
    "Table",
]

Kind = Literal["text", "number", "amount", "flag", "time"]

POINT = ("Point",)
AREA = ("Polygon", "MultiPolygon")
LINE = ("LineString", "MultiLineString", "LinearRing")


@dataclass(frozen=True)
class Column:
    """What one column holds.

    Attributes
    ----------
    meaning : str
        What it holds, in English.
    zh : str
        The same in Chinese, as a heading.
    unit : str
        Unit, empty for text and flags.
    kind : {"text", "number", "amount", "flag", "time"}
        An amount is a number that is never negative; a time is ``HH:MM``.
    """

    meaning: str
    zh: str
    unit: str = ""
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """The contract of one table.

    Attributes
    ----------
    name : str
        Name of the table, as in a project file.
    zh : str
        Its name in Chinese.
    geometry : tuple of str
        Geometry types that are allowed; empty for a plain table.
    required, optional : mapping of str to Column
        The columns that must and that may be there. Other columns are carried along.
    key : str or None
        The column that names a row, unique in the table.
    """

    name: str
    zh: str
    geometry: tuple[str, ...]
    required: Mapping[str, Column]
    optional: Mapping[str, Column] = field(default_factory=dict)
    key: str | None = None

    @property
    def columns(self) -> dict[str, Column]:
        """Every column of the contract, the required ones first."""
        return {**self.required, **self.optional}


_RESIDENTS = Column("people who live here", "居住人数", "people", "amount")
_ELDERLY = Column("of these, older people", "老年人数", "people", "amount")
_CHILDREN = Column("of these, small children", "婴幼儿人数", "people", "amount")
_HOUSEHOLDS = Column("households", "户数", "households", "amount")
_NAME = Column("name", "名称")
_STOREYS = Column("storeys above ground", "层数", "storeys", "amount")
_AREA = Column("floor area", "建筑面积", "m2", "amount")
_DOOR = Column("the door, a point in well-known text", "出入口")

COMMUNITIES = Table(
    "communities",
    "小区",
    AREA,
    key="community_id",
    required={"community_id": Column("key", "小区编号"), "name": _NAME},
    optional={
        "name_en": Column("name in English", "英文名"),
        "built_year": Column("year of construction", "建成年代", "year", "amount"),
        "households": _HOUSEHOLDS,
        "residents": _RESIDENTS,
        "elderly": _ELDERLY,
        "children": _CHILDREN,
        "enclosed": Column("its boundary is a wall, crossed only at gates", "是否封闭", "", "flag"),
    },
)
HOMES = Table(
    "homes",
    "住宅楼",
    POINT + AREA,
    key="home_id",
    required={
        "home_id": Column("key", "楼栋编号"),
        "community_id": Column("community it belongs to", "小区编号"),
        "residents": _RESIDENTS,
    },
    optional={
        "elderly": _ELDERLY,
        "children": _CHILDREN,
        "households": _HOUSEHOLDS,
        "storeys": _STOREYS,
        "has_lift": Column("has a lift", "有无电梯", "", "flag"),
        "storey": Column(
            "the storey these people live on, 1 at the ground", "所在楼层", "", "amount"
        ),
        "door": _DOOR,
        "floor_area_m2": _AREA,
    },
)
FACILITIES = Table(
    "facilities",
    "服务设施",
    POINT + AREA,
    key="facility_id",
    required={
        "facility_id": Column("key", "设施编号"),
        "service": Column("service offered", "服务类型"),
    },
    optional={
        "capacity": Column("places", "服务能力", "places", "amount"),
        "floor_area_m2": _AREA,
        "name": _NAME,
        "name_en": Column("name in English", "英文名"),
        "opens": Column("opening hours", "开放时间"),
        "door": _DOOR,
    },
)
IDLE_BUILDINGS = Table(
    "idle_buildings",
    "闲置房屋",
    POINT + AREA,
    key="building_id",
    required={"building_id": Column("key", "房屋编号"), "floor_area_m2": _AREA},
    optional={
        "name": _NAME,
        "name_en": Column("name in English", "英文名"),
        "owner": Column("owner", "产权单位"),
        "owner_level": Column("level of the owner", "产权层级"),
        "former_use": Column("former use", "原用途"),
        "storeys": _STOREYS,
        "tenure_route": Column("way to obtain the use", "取得方式"),
        "available_year": Column("year it can be had", "可用年份", "year", "amount"),
        "conversion_cost_yuan": Column("cost of conversion", "改造费用", "yuan", "amount"),
        "annual_rent_yuan": Column("rent a year", "年租金", "yuan", "amount"),
        "hazards": Column("hazards, separated by ;", "安全隐患"),
        "allowed_services": Column("services allowed, separated by ;", "可设服务"),
        "door": _DOOR,
    },
)
WALLS = Table(
    "walls",
    "围墙",
    LINE,
    key="wall_id",
    required={"wall_id": Column("key", "围墙编号")},
    optional={"kind": Column("wall, fence, railway, river ...", "类型")},
)
GATES = Table(
    "gates",
    "出入口",
    POINT,
    key="gate_id",
    required={"gate_id": Column("key", "大门编号")},
    optional={
        "who": Column("everyone, residents or closed; empty: not known", "通行对象"),
        "open_from": Column("opens at", "开门时间", "HH:MM", "time"),
        "open_until": Column("shuts at", "关门时间", "HH:MM", "time"),
        "wait_s": Column("mean time lost at the gate", "等候时间", "s", "amount"),
    },
)
STREETS = Table(
    "streets",
    "道路",
    LINE,
    required={},
    optional={
        "kind": Column("kind of street", "道路类型"),
        "access": Column("everyone, residents or closed; empty: everyone", "通行对象"),
        "steps": Column("a flight of steps", "是否台阶", "", "flag"),
        "crossing": Column("a crossing where people wait", "是否过街", "", "flag"),
        "climb_m": Column("height gained from first to last point", "爬升", "m", "number"),
        "oneway_foot": Column("on foot only from first to last point", "步行单向", "", "flag"),
    },
)
WALKS = Table(
    "walks",
    "步行",
    (),
    required={
        "from_id": Column("start", "起点"),
        "to_id": Column("end", "终点"),
        "walk_min": Column("time of the whole walk", "步行时间", "min", "amount"),
    },
    optional={
        "door_min": Column("of this, between doors and streets", "出入时间", "min", "amount"),
        "vertical_min": Column("of this, stairs and lift", "上下楼时间", "min", "amount"),
        "street_min": Column("of this, along streets", "道路时间", "min", "amount"),
        "wait_min": Column("of this, waiting at crossings and gates", "等候时间", "min", "amount"),
    },
)
TABLES = {
    table.name: table
    for table in (COMMUNITIES, HOMES, FACILITIES, IDLE_BUILDINGS, WALLS, GATES, STREETS, WALKS)
}
