"""Facilities and idle buildings: what they are, and where beside a street they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.random import Generator
from shapely import Point, Polygon, affinity, box

from demo_maker import plan
from demo_maker.homes import Slot

# service, place on the sheet, capacity, floor area, opening hours, name, name in English; the
# places are uneven on purpose: much at Mill Lane and across the river, nothing in the largest estate
FACILITIES = [
    (
        "elder_care",
        (1106, 1140),
        45,
        420,
        "08:00-20:00",
        "纺织巷养老服务驿站",
        "Mill Lane Elder Care Station",
    ),
    (
        "elder_care",
        (1640, 1135),
        80,
        1260,
        "00:00-24:00",
        "河东养老照料中心",
        "Hedong Elder Care Centre",
    ),
    (
        "elder_care",
        (55, 1100),
        30,
        360,
        "08:00-18:00",
        "西园老年人日间照料中心",
        "Xiyuan Day Care Centre for Older People",
    ),
    ("childcare", (1104, 1085), 40, 380, "07:30-18:30", "小种子托育园", "Little Seed Nursery"),
    ("childcare", (1660, 600), 30, 260, "07:30-18:30", "河畔托育中心", "Riverside Nursery"),
    (
        "childcare",
        (1020, 1590),
        20,
        210,
        "07:30-18:00",
        "教师新村托儿所",
        "Teachers' Village Nursery",
    ),
    (
        "canteen",
        (1102, 1040),
        120,
        340,
        "06:30-19:30",
        "纺织巷社区食堂",
        "Mill Lane Community Canteen",
    ),
    (
        "canteen",
        (560, 1217),
        80,
        260,
        "06:30-18:30",
        "机床厂老年食堂",
        "Machine Works Canteen for Older People",
    ),
    ("canteen", (1000, 446), 30, 120, "10:30-13:30", "红旗助餐点", "Hongqi Meal Point"),
    (
        "health",
        (418, 1470),
        260,
        2100,
        "08:00-20:00",
        "北营社区卫生服务中心",
        "Beiying Community Health Centre",
    ),
    (
        "health",
        (636, 1190),
        50,
        150,
        "08:00-17:30",
        "机床厂社区卫生服务站",
        "Machine Works Health Station",
    ),
    ("health", (1160, 556), 60, 180, "08:00-17:30", "红旗社区卫生服务站", "Hongqi Health Station"),
    (
        "health",
        (1580, 1395),
        60,
        210,
        "08:00-18:00",
        "东园社区卫生服务站",
        "Dongyuan Health Station",
    ),
    ("market", (1175, 795), 900, 1350, "06:00-19:00", "红旗菜市场", "Hongqi Food Market"),
    ("market", (860, 95), 1200, 1900, "05:00-17:00", "南沙农贸市场", "Nansha Farmers' Market"),
    ("market", (950, 1398), 500, 820, "07:00-21:30", "北营生鲜超市", "Beiying Fresh Food Store"),
    (
        "community",
        (452, 600),
        60,
        320,
        "08:30-17:30",
        "青松里社区服务站",
        "Qingsong Li Community Station",
    ),
    (
        "community",
        (965, 700),
        60,
        280,
        "08:30-17:30",
        "红旗北里社区服务站",
        "Hongqi Beili Community Station",
    ),
    (
        "community",
        (1695, 760),
        80,
        640,
        "08:30-18:00",
        "河畔社区服务站",
        "Riverside Community Station",
    ),
    (
        "community",
        (700, 1012),
        40,
        210,
        "08:30-17:30",
        "机床厂社区服务站",
        "Machine Works Community Station",
    ),
    ("toilet", (320, 700), 8, 48, "00:00-24:00", "青松西巷公厕", "Qingsong West Lane Toilet"),
    ("toilet", (1096, 925), 10, 60, "00:00-24:00", "纺织巷公厕", "Mill Lane Toilet"),
    ("toilet", (500, 400), 8, 42, "00:00-24:00", "南营街公厕", "Nanying Street Toilet"),
    ("toilet", (1040, 1410), 8, 45, "00:00-24:00", "北营街公厕", "Beiying Street Toilet"),
    ("toilet", (310, 1270), 6, 36, "06:00-21:00", "青榆山公园公厕", "Qingyu Hill Park Toilet"),
]


@dataclass(frozen=True)
class Idle:
    """One idle state-owned building; `where` is a community (a free place in it) or a place."""

    name: str
    name_en: str
    where: str | tuple[float, float]
    floor_area_m2: int
    storeys: int
    former_use: str
    owner: int
    tenure_route: str
    available_year: int
    hazards: str = ""
    allowed_services: str = ""


# owner, in English, level
OWNERS = [
    ("市机关事务管理局", "Municipal Offices Administration", "city"),
    ("区房屋管理中心", "District Housing Centre", "district"),
    ("省纺织资产经营公司", "Provincial Textile Assets Company", "province"),
    ("机床集团公司", "Machine Tool Group", "state-owned enterprise"),
    ("铁路实业公司", "Railway Enterprise Company", "state-owned enterprise"),
    ("市供热集团", "Municipal Heating Group", "state-owned enterprise"),
    ("区教育局", "District Education Bureau", "district"),
    ("街道办事处", "Sub-district Office", "district"),
]

# floor areas add up to 7,692 m2: the mean of the 104 houses with 32,000 m2 revived in Hangzhou
IDLE = [
    Idle("青松旧浴室", "Old Qingsong Bathhouse", "C1", 480, 1, "bathhouse", 1, "integration", 2026),
    Idle(
        "青松一号自行车棚",
        "Qingsong Bicycle Shed 1",
        "C1",
        110,
        1,
        "bicycle shed",
        1,
        "integration",
        2025,
    ),
    Idle(
        "青松二号自行车棚",
        "Qingsong Bicycle Shed 2",
        "C1",
        85,
        1,
        "bicycle shed",
        1,
        "integration",
        2025,
    ),
    Idle(
        "原青松锅炉房",
        "Former Qingsong Boiler Room",
        "C1",
        640,
        2,
        "boiler room",
        5,
        "infill",
        2026,
        "asbestos",
    ),
    Idle(
        "原房管所办公楼",
        "Former Housing Office",
        (452, 570),
        820,
        3,
        "office",
        0,
        "property swap",
        2026,
    ),
    Idle("青松副食店", "Qingsong Grocery", (250, 660), 220, 1, "shop", 1, "lease", 2025),
    Idle("南营街粮店", "Nanying Street Grain Shop", (700, 405), 180, 1, "shop", 1, "lease", 2025),
    Idle(
        "原西园幼儿园",
        "Former Xiyuan Kindergarten",
        (60, 560),
        610,
        2,
        "kindergarten",
        6,
        "integration",
        2026,
        "",
        "childcare;elder_care;community",
    ),
    Idle("粮库值班楼", "Granary Duty House", (110, 645), 160, 2, "office", 7, "lease", 2026),
    Idle("长岩苑门房", "Changyan Court Gatehouse", (545, 1398), 50, 1, "office", 1, "infill", 2025),
    Idle(
        "机床厂单身宿舍底层",
        "Machine Works Hostel, ground floor",
        "C6",
        380,
        1,
        "dormitory",
        3,
        "lease",
        2025,
    ),
    Idle(
        "机床厂工具库",
        "Machine Works Tool Store",
        (640, 1130),
        300,
        1,
        "warehouse",
        3,
        "expropriation",
        2027,
    ),
    Idle(
        "原机床厂厂部楼",
        "Former Machine Works Head Office",
        (810, 1290),
        960,
        3,
        "office",
        3,
        "property swap",
        2027,
    ),
    Idle("纺织厂女工浴室", "Mill Women's Bathhouse", "C3", 350, 1, "bathhouse", 2, "lease", 2026),
    Idle(
        "纺织厂配电房",
        "Mill Switch House",
        (1100, 1000),
        65,
        1,
        "warehouse",
        2,
        "infill",
        2026,
        "electrical",
    ),
    Idle(
        "工人俱乐部排练厅",
        "Workers' Club Rehearsal Hall",
        (1150, 1320),
        520,
        2,
        "club",
        2,
        "lease",
        2026,
    ),
    Idle(
        "红旗一号自行车棚",
        "Hongqi Bicycle Shed 1",
        "C7",
        130,
        1,
        "bicycle shed",
        1,
        "integration",
        2025,
    ),
    Idle("红旗招待所", "Hongqi Guest House", (1142, 500), 420, 2, "office", 0, "lease", 2026),
    Idle(
        "供暖厂值班室",
        "Heating Plant Duty Room",
        (1230, 540),
        90,
        1,
        "boiler room",
        5,
        "infill",
        2026,
        "structural",
    ),
    Idle("红旗理发店", "Hongqi Barber Shop", (870, 632), 72, 1, "shop", 1, "lease", 2025),
    Idle(
        "铁路装卸工休息室",
        "Railway Loaders' Rest House",
        (400, 340),
        260,
        1,
        "dormitory",
        4,
        "lease",
        2026,
    ),
    Idle(
        "货场一号库办公间",
        "Goods Yard Shed 1 Offices",
        (960, 338),
        320,
        2,
        "warehouse",
        4,
        "lease",
        2027,
        "",
        "canteen;market;community",
    ),
    Idle(
        "教师新村车库",
        "Teachers' Village Garage",
        "C8",
        80,
        1,
        "bicycle shed",
        6,
        "integration",
        2025,
    ),
    Idle("苗圃办公室", "Nursery Garden Office", (600, 1565), 240, 1, "office", 7, "lease", 2025),
    Idle("西园巡检房", "Xiyuan Inspection House", (64, 1250), 150, 1, "office", 7, "lease", 2025),
]

COST_YUAN_M2 = {
    "office": 1800, "bathhouse": 3200, "boiler room": 3600, "bicycle shed": 2400, "shop": 1500,
    "warehouse": 2600, "kindergarten": 1400, "dormitory": 1900, "club": 2100,
}  # fmt: skip
"""Invented costs of conversion by former use [yuan/m2]; no published figures were found."""

RENT_YUAN_M2 = {
    "lease": 420,
    "integration": 0,
    "property swap": 150,
    "expropriation": 0,
    "infill": 120,
}
"""Invented rents by way of obtaining the use [yuan/m2 a year]."""

INVENTED = "合成数据，费用为虚构 synthetic, costs are invented"


def beside(
    streets: Sequence[shapely.Geometry], at: tuple[float, float], setback: float
) -> tuple[Point, float]:
    """A place this far from the street nearest to a point of the sheet, on its side of it.

    Returns the place on the ground and the direction of the street there [degrees].
    """
    wanted = plan.lay(Point(at))
    street = min(streets, key=wanted.distance)
    along = street.project(wanted)
    foot = street.interpolate(along)
    ahead, behind = street.interpolate(along + 2.0), street.interpolate(max(along - 2.0, 0.0))
    dx, dy = ahead.x - behind.x, ahead.y - behind.y
    left = dx * (wanted.y - foot.y) - dy * (wanted.x - foot.x) > 0
    scale = (setback if left else -setback) / float(np.hypot(dx, dy))
    return Point(foot.x - dy * scale, foot.y + dx * scale), float(np.degrees(np.arctan2(dy, dx)))


def facilities(streets: Sequence[shapely.Geometry]) -> list[dict[str, object]]:
    """The facilities, each 5 m from its street."""
    return [
        {
            "facility_id": f"F{number:02d}",
            "service": service,
            "name": name,
            "name_en": name_en,
            "capacity": capacity,
            "floor_area_m2": area,
            "opens": opens,
            "geometry": beside(streets, at, 5.0)[0],
        }
        for number, (service, at, capacity, area, opens, name, name_en) in enumerate(FACILITIES, 1)
    ]


def _footprint(idle: Idle) -> Polygon:
    """A level rectangle about the origin, at most 11 m deep."""
    ground = idle.floor_area_m2 / idle.storeys
    deep = min(11.0, (ground / 1.7) ** 0.5)
    return box(-ground / deep / 2, -deep / 2, ground / deep / 2, deep / 2)


def footprint(
    idle: Idle, streets: Sequence[shapely.Geometry], free: dict[str, list[Polygon]]
) -> Polygon:
    """The building on the ground: in a free slot of its community, or beside a street."""
    shape = _footprint(idle)
    if isinstance(idle.where, str):
        slot = free[idle.where].pop(0)
        corners = np.array(shapely.minimum_rotated_rectangle(slot).exterior.coords)
        sides = np.diff(corners, axis=0)[:2]
        dx, dy = max(sides, key=lambda side: float(np.hypot(*side)))
        middle, turn = slot.centroid, float(np.degrees(np.arctan2(dy, dx)))
    else:
        deep = shape.bounds[3]
        middle, turn = beside(streets, idle.where, deep + 5.0)
    turned = affinity.rotate(shape, turn, origin=(0, 0))
    return affinity.translate(turned, middle.x, middle.y)


def idle_buildings(
    streets: Sequence[shapely.Geometry], free: dict[str, list[Polygon]], rng: Generator
) -> list[dict[str, object]]:
    """The register of idle buildings; costs are invented."""
    rows = []
    for number, idle in enumerate(IDLE, 1):
        owner, owner_en, level = OWNERS[idle.owner]
        cost = idle.floor_area_m2 * COST_YUAN_M2[idle.former_use] * (0.85 + 0.3 * rng.random())
        rent = idle.floor_area_m2 * RENT_YUAN_M2[idle.tenure_route] * (0.8 + 0.4 * rng.random())
        rows.append(
            {
                "building_id": f"B{number:02d}",
                "name": idle.name,
                "name_en": idle.name_en,
                "floor_area_m2": idle.floor_area_m2,
                "storeys": idle.storeys,
                "former_use": idle.former_use,
                "owner": owner,
                "owner_en": owner_en,
                "owner_level": level,
                "tenure_route": idle.tenure_route,
                "available_year": idle.available_year,
                "conversion_cost_yuan": int(round(cost, -4)),
                "annual_rent_yuan": int(round(rent, -3)),
                "hazards": idle.hazards,
                "allowed_services": idle.allowed_services,
                "note": INVENTED,
                "geometry": footprint(idle, streets, free),
            }
        )
    return rows


def others_in(community: plan.Community) -> int:
    """How many idle buildings stand on free slots of a community."""
    return sum(idle.where == community.key for idle in IDLE)


def free_shapes(slots: Sequence[tuple[str, Slot, Polygon]]) -> dict[str, list[Polygon]]:
    """The slots kept for other buildings, by community, as they lie on the ground."""
    free: dict[str, list[Polygon]] = {}
    for key, slot, shape in slots:
        if slot.use == "other":
            free.setdefault(key, []).append(shape)
    return free
