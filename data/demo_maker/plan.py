"""The hand-drawn plan: streets, communities, walls and gates on a sheet of 1,900 m x 1,750 m.

Sheet coordinates are metres, x to the east and y to the north, drawn almost square; `ground` bends
and turns them, so that no street stays straight. Nothing here is a real place. What is shaped on
published figures says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

Points = list[tuple[float, float]]

CORNER_E, CORNER_N = 470_000.0, 4_400_000.0
"""Where the sheet lies in EPSG:4548 [m]: round numbers, south-east of Beijing, between villages."""

TURN_DEG = -4.0
SHEET_MIDDLE = (950.0, 870.0)


def _bend(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = xy[:, 0], xy[:, 1]
    return np.column_stack(
        [
            x + 14 * np.sin(y / 183 + 0.6) + 5 * np.sin(y / 68 + 1.9),
            y + 13 * np.sin(x / 215 + 2.1) + 5 * np.sin(x / 81),
        ]
    )


def ground(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sheet coordinates to EPSG:4548: two gentle waves, a turn, a shift."""
    bent_x, bent_y = (_bend(xy) - SHEET_MIDDLE).T
    cos, sin = np.cos(np.radians(TURN_DEG)), np.sin(np.radians(TURN_DEG))
    east = cos * bent_x - sin * bent_y + SHEET_MIDDLE[0] + CORNER_E
    north = sin * bent_x + cos * bent_y + SHEET_MIDDLE[1] + CORNER_N
    return np.column_stack([east, north])


def sheet(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """EPSG:4548 back to sheet coordinates, by fixed-point iteration (the waves are gentle)."""
    cos, sin = np.cos(np.radians(TURN_DEG)), np.sin(np.radians(TURN_DEG))
    east, north = (xy - [CORNER_E + SHEET_MIDDLE[0], CORNER_N + SHEET_MIDDLE[1]]).T
    bent = np.column_stack([cos * east + sin * north, -sin * east + cos * north]) + SHEET_MIDDLE
    guess = bent.copy()
    for _ in range(25):
        guess += bent - _bend(guess)
    return guess


def lay(shape: shapely.Geometry) -> shapely.Geometry:
    """A shape of the sheet on the ground, with a vertex at least every 12 m so that it bends."""
    return shapely.transform(shapely.segmentize(shape, 12.0), ground)


@dataclass(frozen=True)
class Street:
    """One street of the sheet; `deck` lines pass over others without meeting them."""

    points: Points
    kind: str
    name: str = ""
    name_en: str = ""
    access: str = ""
    steps: bool = False
    deck: bool = False
    oneway: bool = False


@dataclass(frozen=True)
class Community:
    """One community: its counts, its outline and how its buildings stand."""

    key: str
    name: str
    name_en: str
    built: int
    outline: Points
    buildings: int
    households: int
    residents: int
    elderly: int
    children: int
    enclosed: bool
    lengths: tuple[float, ...]
    depth: float
    pitch: float
    storeys: tuple[int, ...]
    lifts_above: int = 99
    turn_deg: float = 0.0
    area_ha: float | None = None
    floor_area_m2: int | None = None
    paths_access: str = ""
    apart: Points = field(default_factory=list)


@dataclass(frozen=True)
class Gate:
    """One gate, near the place where a street meets the wall."""

    key: str
    at: tuple[float, float]
    who: str
    name: str
    name_en: str
    open_from: str = ""
    open_until: str = ""
    wait_s: float = 0.0


# -- arterials: carriageways nobody walks on, with a pavement on either side -----------------------
ARTERIALS = [
    Street(
        [(0, 905), (620, 900), (780, 895), (1400, 915), (1900, 920)],
        "primary",
        "青榆大街",
        "Qingyu Avenue",
    ),
    Street(
        [(770, 0), (765, 250), (775, 900), (790, 1400), (785, 1750)],
        "primary",
        "双槐路",
        "Shuanghuai Road",
    ),
]
PAVEMENT_M = 15.0
"""From the middle of an arterial to its pavements [m]."""

MID_BLOCK_CROSSINGS: Points = [(250, 903), (1200, 909), (1700, 918), (781, 1130), (786, 1560)]

# -- streets with names -----------------------------------------------------------------------------
STREETS = [
    Street(
        [(165, 395), (172, 640), (185, 905), (190, 1400), (200, 1700)],
        "secondary",
        "西营路",
        "Xiying Road",
    ),
    Street(
        [(0, 395), (165, 402), (455, 408), (770, 420), (1030, 440), (1290, 440)],
        "secondary",
        "南营街",
        "Nanying Street",
    ),
    Street(
        [(0, 1395), (190, 1400), (520, 1408), (787, 1405), (1085, 1400), (1335, 1395)],
        "secondary",
        "北营街",
        "Beiying Street",
    ),
    Street(
        [(1265, 345), (1290, 440), (1320, 915), (1335, 1395), (1360, 1700)],
        "secondary",
        "滨河西路",
        "Binhe West Road",
    ),
    Street(
        [(1480, 445), (1490, 915), (1500, 1400), (1520, 1640)],
        "secondary",
        "滨河东路",
        "Binhe East Road",
    ),
    Street(
        [(1480, 445), (1700, 455), (1872, 470)], "residential", "东园南街", "Dongyuan South Street"
    ),
    Street([(1872, 470), (1880, 920), (1868, 1395)], "residential", "东园路", "Dongyuan Road"),
    Street(
        [(1500, 1400), (1690, 1412), (1868, 1395)],
        "residential",
        "东园北街",
        "Dongyuan North Street",
    ),
    Street(
        [(0, 1680), (200, 1690), (785, 1700), (1120, 1685), (1360, 1695)],
        "residential",
        "北苑街",
        "Beiyuan Street",
    ),
    Street(
        [(60, 70), (400, 90), (768, 80), (1060, 110), (1230, 135)],
        "residential",
        "南沙路",
        "Nansha Road",
    ),
    Street([(40, 395), (48, 650), (55, 905)], "residential", "西园路", "Xiyuan Road"),
    Street(
        [(62, 905), (70, 1150), (75, 1395), (85, 1683)],
        "residential",
        "西园北路",
        "Xiyuan North Road",
    ),
    Street([(46, 655), (175, 660)], "service", "粮库巷", "Granary Lane"),
    Street([(70, 1160), (188, 1150)], "living_street", "煤场巷", "Coalyard Lane"),
    # the estate of 26 ha
    Street(
        [(455, 408), (460, 520), (440, 650), (470, 770), (465, 905), (466, 920)],
        "living_street",
        "青松中街",
        "Qingsong Middle Street",
    ),
    Street(
        [(172, 640), (310, 652), (440, 650), (620, 632), (757, 650)],
        "residential",
        "青松街",
        "Qingsong Street",
    ),
    Street(
        [(310, 408), (318, 520), (310, 652), (326, 770), (320, 890)],
        "living_street",
        "青松西巷",
        "Qingsong West Lane",
    ),
    Street(
        [(605, 414), (612, 520), (606, 634), (632, 760), (628, 886)],
        "living_street",
        "青松东巷",
        "Qingsong East Lane",
    ),
    Street([(318, 520), (460, 520)], "service"),
    Street([(460, 532), (612, 528)], "service"),
    Street([(470, 768), (633, 766)], "service"),
    Street([(178, 762), (324, 756)], "service"),
    Street([(612, 540), (690, 545), (759, 536)], "service"),
    # the machine works' yard and the hill
    Street([(466, 920), (480, 1010), (470, 1085), (480, 1222)], "service"),
    Street([(474, 1080), (620, 1072), (772, 1085)], "service", "机床厂路", "Machine Works Road"),
    Street([(620, 1072), (632, 1150), (625, 1222)], "service"),
    Street([(480, 1222), (560, 1226), (625, 1222)], "service"),
    Street([(480, 1010), (620, 1000), (700, 1004)], "footway"),
    Street([(620, 1000), (620, 1072)], "footway"),
    Street(
        [(187, 1085), (330, 1098), (438, 1092), (474, 1084)],
        "living_street",
        "山前巷",
        "Foothill Lane",
    ),
    Street([(188, 1235), (240, 1245)], "path", "青榆山公园", "Qingyu Hill Park"),
    Street([(240, 1245), (262, 1248)], "steps", "青榆山石阶", "Qingyu Hill Steps", steps=True),
    Street(
        [(262, 1248), (320, 1262), (352, 1250), (395, 1262)],
        "path",
        "青榆山公园",
        "Qingyu Hill Park",
    ),
    Street([(330, 1098), (318, 1150), (345, 1190)], "path", "青榆山公园", "Qingyu Hill Park"),
    Street([(345, 1190), (350, 1210)], "steps", "青榆山石阶", "Qingyu Hill Steps", steps=True),
    Street([(350, 1210), (352, 1250)], "path", "青榆山公园", "Qingyu Hill Park"),
    Street([(395, 1262), (415, 1330), (405, 1405)], "path", "青榆山公园", "Qingyu Hill Park"),
    Street([(320, 1262), (290, 1330), (300, 1404)], "path", "青榆山公园", "Qingyu Hill Park"),
    # the small court of 1994 on its terrace
    Street([(528, 1408), (528, 1383)], "footway"),
    Street([(528, 1383), (528, 1369)], "steps", "长岩苑台阶", "Changyan Court Steps", steps=True),
    Street([(528, 1369), (530, 1320), (526, 1249)], "footway"),
    Street(
        [(528, 1383), (585, 1376), (590, 1345), (532, 1338)],
        "service",
        "长岩苑坡道",
        "Changyan Court Ramp",
    ),
    # the textile mill, its dormitories and its lane
    Street(
        [(1088, 908), (1080, 1010), (1092, 1120), (1080, 1260), (1085, 1400)],
        "living_street",
        "纺织巷",
        "Mill Lane",
    ),
    Street([(1090, 1150), (1200, 1165), (1328, 1155)], "residential", "厂前街", "Millfront Street"),
    Street([(1082, 1010), (1150, 1015), (1210, 1000)], "service"),
    Street([(935, 908), (930, 1010), (935, 1110), (925, 1215)], "service"),
    Street([(782, 1015), (870, 1020), (930, 1010), (1030, 1015)], "service"),
    Street([(935, 1120), (1020, 1126), (1092, 1120)], "service"),
    Street(
        [(1082, 1300), (1190, 1312), (1332, 1300)], "service", "工人俱乐部巷", "Workers' Club Lane"
    ),
    Street([(785, 1300), (900, 1292), (1082, 1300)], "living_street", "医院巷", "Clinic Lane"),
    # the open estate in the south-east, its market and workshops
    Street(
        [(783, 652), (950, 640), (1120, 655), (1305, 650)], "residential", "红旗街", "Hongqi Street"
    ),
    Street(
        [(950, 433), (945, 540), (952, 640), (960, 760), (955, 908)],
        "living_street",
        "红旗中巷",
        "Hongqi Middle Lane",
    ),
    Street(
        [(1125, 440), (1122, 540), (1120, 655), (1132, 780), (1130, 910)],
        "living_street",
        "市场路",
        "Market Road",
    ),
    Street([(775, 545), (860, 540), (945, 540), (1040, 548), (1100, 544)], "service"),
    Street([(779, 765), (870, 772), (960, 760), (1040, 755)], "service"),
    Street(
        [(1132, 780), (1220, 775), (1313, 785)],
        "service",
        "红旗菜市场通道",
        "Hongqi Market Passage",
    ),
    Street([(1122, 545), (1200, 550), (1297, 545)], "service", "供暖厂巷", "Heating Plant Lane"),
    Street([(1220, 776), (1215, 715), (1218, 652)], "footway", oneway=True),
    # along and across the railway
    Street([(330, 405), (335, 330), (338, 262)], "service"),
    Street([(645, 415), (640, 335), (644, 286)], "service"),
    Street(
        [(90, 330), (180, 334), (335, 330), (490, 322), (640, 335), (767, 342)],
        "service",
        "铁路新村路",
        "Railway Village Road",
    ),
    Street([(90, 330), (92, 398)], "service", "货场西巷", "Goods Yard West Lane"),
    Street(
        [(768, 335), (900, 345), (1060, 352), (1182, 358), (1268, 352)],
        "service",
        "货场路",
        "Goods Yard Road",
    ),
    Street([(1030, 440), (1035, 351)], "service"),
    Street([(1182, 358), (1180, 322)], "steps", "货场天桥", "Goods Yard Footbridge", steps=True),
    Street([(1180, 322), (1172, 252)], "footway", "货场天桥", "Goods Yard Footbridge", deck=True),
    Street([(1172, 252), (1170, 220)], "steps", "货场天桥", "Goods Yard Footbridge", steps=True),
    Street([(1170, 220), (1165, 126)], "path"),
    # a footbridge over the arterial, its pavements and all
    Street([(738, 646), (739, 664)], "steps", "青松天桥", "Qingsong Footbridge", steps=True),
    Street([(739, 664), (803, 668)], "footway", "青松天桥", "Qingsong Footbridge", deck=True),
    Street([(803, 668), (803, 649)], "steps", "青松天桥", "Qingsong Footbridge", steps=True),
    # over the river on foot
    Street(
        [(1335, 1395), (1415, 1402), (1500, 1400)], "footway", "北营步行桥", "Beiying Footbridge"
    ),
    # the riverside estate of 2006
    Street(
        [(1488, 690), (1600, 700), (1680, 690), (1800, 698), (1876, 690)],
        "service",
        "河畔家园中路",
        "Riverside Gardens Road",
    ),
    Street([(1680, 690), (1690, 800), (1685, 918)], "service"),
    Street([(1680, 690), (1672, 590), (1680, 510)], "service"),
    # north
    Street([(400, 1406), (410, 1500), (405, 1696)], "residential", "卫生院路", "Clinic Road"),
    Street(
        [(1030, 1401), (1035, 1540), (1030, 1688)],
        "living_street",
        "教师新村东巷",
        "Teachers' Village East Lane",
    ),
    Street([(790, 1545), (900, 1550), (1034, 1540)], "service"),
    Street([(900, 1550), (905, 1656)], "service"),
    Street([(900, 1550), (895, 1434)], "service"),
    Street(
        [(1034, 1545), (1190, 1550), (1348, 1545)],
        "residential",
        "北苑南街",
        "Beiyuan South Street",
    ),
    Street(
        [(408, 1550), (600, 1555), (787, 1545)], "residential", "苗圃街", "Nursery Garden Street"
    ),
    Street(
        [(1495, 1160), (1640, 1150), (1874, 1165)],
        "residential",
        "东园中街",
        "Dongyuan Middle Street",
    ),
]

ISLAND = Street(
    [(1600, 205), (1660, 212), (1705, 190), (1700, 150)],
    "path",
    "道班路",
    "Crossing Keepers' Track",
)
"""A track between railway and river that no street leads to: its home is unreachable on purpose."""

# -- communities -------------------------------------------------------------------------------------
COMMUNITIES = [
    # Jinsong districts 1-2, Beijing: 26 ha, 43 buildings, 3,605 households, 39.6 % elderly
    # (bjcsgxlm.com/html/eee/jdal/zjsj/1738120500343406594.html); people per household assumed.
    # 3,624 of 9,151 residents are 39.60 %
    Community(
        "C1",
        "青松里",
        "Qingsong Li",
        1979,
        [
            (190, 422),
            (320, 420),
            (455, 424),
            (605, 430),
            (746, 436),
            (750, 640),
            (752, 880),
            (470, 882),
            (192, 884),
            (186, 650),
        ],
        43,
        3605,
        9151,
        3624,
        168,
        False,
        (56.0, 64.0, 72.0),
        11.6,
        33.5,
        (6, 6, 6, 6, 6, 5, 12),
        9,
        2.0,
        26.0,
    ),
    # Changshiyuan, Chongqing: built 1994, 7 buildings, 224 households, 25,000 m2 (seed report);
    # eight storeys, two stairs, two flats a landing make 32 households a building
    Community(
        "C2",
        "长岩苑",
        "Changyan Court",
        1994,
        [(440, 1240), (625, 1240), (622, 1388), (452, 1388)],
        7,
        224,
        574,
        186,
        13,
        True,
        (34.0,),
        13.1,
        29.0,
        (8,),
        99,
        -3.0,
        None,
        25_000,
    ),
    Community(
        "C3",
        "纺织厂宿舍",
        "Textile Mill Dormitories",
        1985,
        [(808, 932), (935, 932), (1062, 934), (1064, 1120), (1060, 1238), (812, 1236), (806, 1015)],
        20,
        968,
        2396,
        872,
        48,
        True,
        (42.0, 50.0),
        11.4,
        34.0,
        (6, 6, 5),
        99,
        1.0,
    ),
    Community(
        "C4",
        "铁路新村",
        "Railway New Village",
        1982,
        [
            (206, 238),
            (480, 256),
            (738, 272),
            (742, 345),
            (744, 392),
            (645, 386),
            (330, 380),
            (204, 378),
            (204, 334),
        ],
        16,
        612,
        1532,
        538,
        29,
        True,
        (40.0, 48.0),
        11.2,
        34.0,
        (5, 6, 6),
        99,
        0.0,
        apart=[(1640, 235), (1800, 70)],
    ),
    Community(
        "C5",
        "河畔家园",
        "Riverside Gardens",
        2006,
        [
            (1508, 505),
            (1680, 500),
            (1852, 508),
            (1856, 692),
            (1852, 892),
            (1686, 894),
            (1512, 892),
            (1506, 692),
        ],
        14,
        1180,
        3304,
        512,
        139,
        True,
        (30.0, 46.0),
        15.5,
        70.0,
        (11, 18, 18),
        7,
        3.0,
        paths_access="residents",
    ),
    Community(
        "C6",
        "机床厂南院",
        "Machine Works South Yard",
        1991,
        [
            (440, 932),
            (466, 932),
            (752, 928),
            (754, 1084),
            (756, 1240),
            (625, 1240),
            (440, 1240),
            (438, 1092),
        ],
        15,
        644,
        1610,
        526,
        34,
        True,
        (46.0, 54.0),
        11.6,
        36.0,
        (6,),
        99,
        4.0,
    ),
    Community(
        "C7",
        "红旗北里",
        "Hongqi Beili",
        1987,
        [(797, 455), (1106, 462), (1110, 655), (1112, 876), (955, 876), (800, 872)],
        26,
        1290,
        3200,
        1056,
        67,
        False,
        (52.0, 60.0),
        11.4,
        37.0,
        (6, 6, 6, 5),
        99,
        -2.0,
    ),
    Community(
        "C8",
        "教师新村",
        "Teachers' Village",
        1997,
        [(812, 1424), (1012, 1420), (1014, 1545), (1012, 1668), (814, 1670), (812, 1545)],
        9,
        396,
        1018,
        284,
        25,
        True,
        (44.0, 52.0),
        12.0,
        37.0,
        (6, 6, 7),
        7,
        -1.0,
        paths_access="residents",
    ),
]

RESERVED = {
    "青松小学 Qingsong Primary School": (550, 825),
    "青松园 Qingsong Garden": (530, 470),
}
"""Blocks without homes, by a point inside."""

# -- walls other than community walls ----------------------------------------------------------------
RIVER: Points = [(1360, 0), (1385, 430), (1405, 915), (1415, 1400), (1445, 1750)]
RAILWAY: Points = [(0, 190), (400, 225), (765, 245), (1180, 285), (1500, 330), (1900, 420)]
WALLS: dict[str, Points] = {
    # broken wall between the open estate and the workshops; passages are cut out where lanes run
    "fence": [(1114, 462), (1112, 655), (1116, 875)],
    "wall": [(1150, 1025), (1300, 1030), (1305, 1130), (1155, 1125), (1150, 1025)],
    "retaining wall": [(442, 1366), (470, 1368), (600, 1366)],
}

GATES = [
    Gate("G01", (528, 1388), "", "长岩苑北门", "Changyan Court north gate", wait_s=4),
    Gate(
        "G02",
        (935, 932),
        "everyone",
        "纺织厂宿舍南门",
        "Mill Dormitories south gate",
        "05:30",
        "23:30",
        5,
    ),
    Gate("G03", (806, 1015), "residents", "纺织厂宿舍西门", "Mill Dormitories west gate", wait_s=8),
    Gate("G04", (1064, 1122), "closed", "纺织厂宿舍东门", "Mill Dormitories east gate"),
    Gate(
        "G05",
        (330, 380),
        "everyone",
        "铁路新村北门",
        "Railway Village north gate",
        "06:00",
        "23:00",
        5,
    ),
    Gate(
        "G06",
        (645, 386),
        "residents",
        "铁路新村东北门",
        "Railway Village north-east gate",
        "06:00",
        "22:00",
        10,
    ),
    Gate("G07", (204, 334), "closed", "铁路新村西门", "Railway Village west gate"),
    Gate("G08", (742, 345), "", "铁路新村东门", "Railway Village east gate"),
    Gate("G09", (1506, 692), "residents", "河畔家园西门", "Riverside Gardens west gate", wait_s=10),
    Gate(
        "G10",
        (1686, 894),
        "everyone",
        "河畔家园北门",
        "Riverside Gardens north gate",
        "06:00",
        "24:00",
        15,
    ),
    Gate(
        "G11",
        (1856, 692),
        "residents",
        "河畔家园东门",
        "Riverside Gardens east gate",
        "07:00",
        "21:00",
        10,
    ),
    Gate(
        "G12", (466, 932), "residents", "机床厂南院南门", "Machine Works Yard south gate", wait_s=6
    ),
    Gate(
        "G13",
        (754, 1084),
        "everyone",
        "机床厂南院东门",
        "Machine Works Yard east gate",
        "05:00",
        "24:00",
        6,
    ),
    Gate("G14", (438, 1092), "", "机床厂南院西门", "Machine Works Yard west gate"),
    Gate(
        "G15",
        (812, 1545),
        "everyone",
        "教师新村西门",
        "Teachers' Village west gate",
        "05:30",
        "23:30",
        8,
    ),
    Gate("G16", (1014, 1545), "closed", "教师新村东门", "Teachers' Village east gate"),
]
