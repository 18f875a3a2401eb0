"""Cells and headings: every way of writing a number gives that number, or is refused."""

import json
import math
import tomllib
from importlib.resources import files

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from communityplan.load.cells import coerce
from communityplan.load.files import read_table
from communityplan.load.headings import POSITION, known_headings, plain, units_of
from communityplan.tables import HOMES, IDLE_BUILDINGS, TABLES, Column

PEOPLE = HOMES.columns["residents"]
AREA = HOMES.columns["floor_area_m2"]
YEAR = TABLES["communities"].columns["built_year"]
FLAG = HOMES.columns["has_lift"]
TIME = TABLES["gates"].columns["open_from"]
BOOK = tomllib.loads(files("communityplan.load").joinpath("headings.toml").read_text("utf-8"))


def one(cell, column, name="residents", **options):
    done = coerce(pd.Series([cell], dtype=object), name, column, **options)
    return done.cells[0], done.changed, done.refused


@given(st.integers(0, 10**9), st.sampled_from(["", "人", " 人", "people", "位"]), st.booleans())
def test_whole_numbers_in_every_dress(number, unit, wide):
    for text in (f"{number}", f"{number:,}", f"{number}.0", f" {number} ", f"+{number}"):
        dressed = text + unit
        if wide:
            dressed = "".join(chr(ord(s) + 0xFEE0) if "0" <= s <= "9" else s for s in dressed)
        value, changed, refused = one(dressed, PEOPLE)
        assert not refused
        assert value == number
        is_plain = dressed.strip() in (f"{number}", f"{number}.0")
        assert bool(changed) is not is_plain


@given(st.floats(0, 1e12, allow_nan=False))
def test_python_writes_it_and_we_read_it(number):
    assert one(repr(number), PEOPLE)[0] == number
    assert one(number, PEOPLE)[0] == number


@given(st.text(max_size=8))
def test_any_text_is_a_number_or_refused_or_empty(text):
    value, _, refused = one(text, PEOPLE)
    if refused:
        assert value == text
    else:
        assert isinstance(value, float)
        # nothing but digits, signs and a unit makes a number
        assert math.isnan(value) or any(sign.isnumeric() for sign in text)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1.2万平方米", 12000), ("3公顷", 30000), ("500㎡", 500), ("500 m²", 500),
        ("1,200.5", 1200.5), ("−3", -3), ("2e3", 2000), ("'17", 17), (17, 17), (17.5, 17.5),
    ],
)  # fmt: skip
def test_areas(cell, value):
    assert one(cell, AREA)[0] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "cell",
    ["约120", "1,5", "12,34", "1 200", "一百", "6+1", "1-2", "3/4", "12%", "0x10", "1_000", "无",
     "1e999", "5亩左右", "1.2.3", "1,2345", True, pd.Timestamp("2020-01-01"), "#REF!", "٣٤x"],
)  # fmt: skip
def test_refused_numbers(cell):
    value, changed, refused = one(cell, AREA)
    assert refused
    assert not changed
    assert value is cell


@pytest.mark.parametrize(
    "cell", [None, "", "  ", float("nan"), "-", "—", "/", "不详", "N/A", pd.NaT]
)
def test_empty_cells(cell):
    value, _, refused = one(cell, AREA)
    assert math.isnan(value)
    assert not refused


def test_a_unit_in_the_cell_goes_before_that_of_the_heading():
    cost = IDLE_BUILDINGS.columns["conversion_cost_yuan"]
    cells = pd.Series(["150", "80万元", "9000元", None], dtype=object)
    done = coerce(cells, "conversion_cost_yuan", cost, factor=1e4)
    assert done.cells[:3].tolist() == [1_500_000, 800_000, 9000]
    # 0.07 times ten thousand is 700, not 700.0000000000001
    assert one("0.07", cost, factor=1e4)[0] == 700.0


@pytest.mark.parametrize(
    ("cell", "year"),
    [("1994", 1994), ("1994年", 1994), ("1994-05", 1994), ("1994年5月", 1994), ("1994/5/1", 1994),
     ("1994.05", 1994), (1994, 1994), (1994.0, 1994), (pd.Timestamp("1994-05-01"), 1994),
     ("1994年5月1日", 1994), ("１９９４", 1994)],
)  # fmt: skip
def test_years(cell, year):
    assert one(cell, YEAR)[0] == year


@pytest.mark.parametrize(
    "cell", ["80年代", "94", "1994-1996", "19940", "1694", "1994年13月", 34455]
)
def test_refused_years(cell):
    assert one(cell, YEAR)[2]


@pytest.mark.parametrize(
    "cell", ["是", "有", "√", "Y", "yes", "TRUE", "1", 1, True, "已加装", " 是 "]
)
def test_yes(cell):
    assert one(cell, FLAG)[0]


@pytest.mark.parametrize("cell", ["否", "无", "×", "N", "no", "False", "0", 0, False, "未加装"])
def test_no(cell):
    assert not one(cell, FLAG)[0]


def test_flags_with_empty_cells_keep_them_empty():
    done = coerce(pd.Series(["是", None, "否"], dtype=object), "has_lift", FLAG)
    assert done.cells.isna().tolist() == [False, True, False]
    assert one("部分", FLAG)[2]


@pytest.mark.parametrize(
    ("cell", "time"),
    [("7:30", "07:30"), ("07：30", "07:30"), ("22点30分", "22:30"), ("6点", "06:00"),
     ("24:00", "24:00"), ("7:30:00", "07:30"),
     (0.3125, "07:30"), (pd.Timestamp("2020-01-01 06:05"), "06:05")],
)  # fmt: skip
def test_times(cell, time):
    assert one(cell, TIME, "open_from")[0] == time


@pytest.mark.parametrize("cell", ["25:00", "7:61", "早上", "24:30", "730"])
def test_refused_times(cell):
    assert one(cell, TIME, "open_from")[2]


def test_keys():
    key = HOMES.columns["home_id"]
    assert one(12.0, key, "home_id")[0] == "12"
    assert one(" Ａ－１ ", key, "home_id")[0] == "A-1"
    assert one("0012", key, "home_id")[0] == "0012"
    assert one(12, key, "home_id")[0] == "12"
    assert one("1.2E+17", key, "home_id")[2]
    assert one(1e17, key, "home_id")[2]
    assert one(1.5, key, "home_id")[2]


@pytest.mark.parametrize("table", [table for table in TABLES if table in BOOK])
def test_no_heading_means_two_columns(table):
    contract = TABLES[table]
    sections = [BOOK[table], BOOK["position"] if contract.geometry else {}]
    seen: dict[str, str] = {}
    for section in sections:
        for column, names in section.items():
            assert column in contract.columns or column in POSITION
            for name in names:
                assert seen.setdefault(plain(name), column) == column, name
    for name, column in contract.columns.items():
        headings = known_headings(contract, None)
        assert headings.column_of(name) == name
        assert headings.column_of(column.zh) == name


def test_every_unit_of_the_contracts_is_known():
    units = {c.unit for t in TABLES.values() for c in t.columns.values()} - {"", "1", "HH:MM"}
    assert all(units_of(unit) for unit in units)


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("居住人数", "residents"), ("居住人数（人）", "residents"), (" 居住 人数 ", "residents"),
        ("*居住人数", "residents"), ("Residents", "residents"), ("60岁及以上人口", "elderly"),
        ("６０岁以上", "elderly"), ("建筑面积(㎡)", "floor_area_m2"),
        ("建筑面积㎡", "floor_area_m2"), ("经度(必填)", "lon"), ("LNG", "lon"),
        ("备注", None), ("联系电话", None),
    ],
)  # fmt: skip
def test_headings(heading, column):
    assert known_headings(HOMES, None).column_of(heading) == column


def test_row_numbers_give_way_to_house_numbers(tmp_path):
    path = tmp_path / "homes.csv"
    path.write_text("序号,楼号,小区名称,常住人口,经度,纬度\n1,7栋,甲,5,121.44,31.13\n", "utf-8")
    table = read_table(path, "homes", datum="wgs84")
    assert table["home_id"].tolist() == ["7栋"]
    assert table["序号"].tolist() == ["1"]


def test_one_known_word_among_the_cells_does_not_make_headings(tmp_path):
    path = tmp_path / "places.csv"
    text = "a,b,c,d\n1,类型,121.44,31.13\n2,x,121.45,31.13\n"
    path.write_text(text, "utf-8")
    columns = {"a": "facility_id", "b": "service", "c": "lon", "d": "lat"}
    table = read_table(path, "facilities", datum="wgs84", columns=columns)
    assert table["service"].tolist() == ["类型", "x"]


def test_options_without_effect_are_told(tmp_path):
    path = tmp_path / "walks.csv"
    path.write_text("from_id,to_id,walk_min\na,b,3\n", "utf-8")
    table = read_table(path, "walks", datum="wgs84", sheet="x", crs=4549)
    record = table.attrs["communityplan"]
    assert record["without_effect"] == ["datum", "sheet", "crs"]
    json.dumps(record)


def test_the_record_can_be_written_to_a_file(tmp_path):
    path = tmp_path / "homes.csv"
    text = "楼号,小区,人口,有无电梯,经度,纬度\n1,甲,5人,已加装,121.44,31.13\n"
    path.write_text(text, "utf-8")
    table = read_table(path, "homes", datum="gcj02", crs="EPSG:4549")
    written = json.loads(json.dumps(table.attrs["communityplan"], ensure_ascii=False))
    assert written["changes"][0]["found"] == "5人"


def test_column_without_unit_takes_any_plain_number():
    assert one("12.5", Column("x", "y", "", "number"))[0] == 12.5
    assert one("12.5m", Column("x", "y", "", "number"))[2]
