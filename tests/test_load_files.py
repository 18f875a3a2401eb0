"""Files as planners have them are read: formats, encodings, headings, units, datums."""

import copy
import gzip
import shutil
import struct
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from communityplan.coordinates import convert_datum
from communityplan.errors import DataError, OptionError, TableError
from communityplan.load.files import read_table
from communityplan.tables import HOMES, TABLES, check, find_problems

DATA = Path(__file__).parents[2] / "shared" / "data"

HOMES_CSV = """楼栋编号,小区名称,居住人数,老年人数,层数,有无电梯,经度,纬度
1栋,花园新村,120,31,6,否,121.4400,31.1300
2栋,花园新村,85,40,6,是,121.4410,31.1310
3栋,花园新村,60,12,11,有,121.4420,31.1320
"""


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def noted(table):
    return table.attrs["communityplan"]


def homes_layer():
    points = [shapely.Point(121.44 + i * 0.001, 31.13 + i * 0.001) for i in range(3)]
    data = {
        "楼栋编号": ["1栋", "2栋", "3栋"],
        "小区名称": ["花园新村"] * 3,
        "居住人数": [120, 85, 60],
        "有无电梯": ["否", "是", "有"],
    }
    return gpd.GeoDataFrame(data, geometry=points, crs=4326)


def assert_is_the_estate(table):
    check(table, HOMES)
    assert table["home_id"].tolist() == ["1栋", "2栋", "3栋"]
    assert table["community_id"].tolist() == ["花园新村"] * 3
    assert table["residents"].sum() == 265
    assert table["has_lift"].tolist() == [False, True, True]
    assert table.crs.to_epsg() == 32651


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_csv_in_every_encoding(tmp_path, encoding, found, packed):
    path = write(tmp_path, "homes.csv", HOMES_CSV, encoding)
    if packed:
        data = path.read_bytes()
        path = tmp_path / "homes.csv.gz"
        path.write_bytes(gzip.compress(data))
    table = read_table(path, "homes", datum="wgs84")
    assert_is_the_estate(table)
    assert noted(table)["encoding"] == found
    assert noted(table)["encoding_how"] in ("detected", "byte-order mark")
    expected = Transformer.from_crs(4326, 32651, always_xy=True).transform(121.44, 31.13)
    assert (table.geometry[0].x, table.geometry[0].y) == pytest.approx(expected, abs=1e-6)
    assert list(table.columns[:5]) == ["home_id", "community_id", "residents", "elderly", "storeys"]


def test_encoding_can_be_given(tmp_path):
    for encoding in ("gbk", "GB2312", "gb18030"):
        path = write(tmp_path, "homes.csv", HOMES_CSV, encoding)
        table = read_table(path, "homes", datum="wgs84", encoding=encoding)
        assert_is_the_estate(table)
        assert (noted(table)["encoding"], noted(table)["encoding_how"]) == (encoding, "given")
    text = "home_id,community_id,residents,lon,lat\n1,花園新村,5,121.44,31.13\n"
    path = write(tmp_path, "homes.csv", text, "big5")
    with pytest.raises(DataError, match="neither UTF-8 nor Chinese"):
        read_table(path, "homes", datum="wgs84")
    table = read_table(path, "homes", datum="wgs84", encoding="big5")
    assert table["community_id"][0] == "花園新村"


def test_a_short_gbk_table_with_english_headings(tmp_path):
    text = "home_id,community_id,residents,lon,lat\n1,甲,5,121.44,31.13\n"
    table = read_table(write(tmp_path, "homes.csv", text, "gbk"), "homes", datum="wgs84")
    assert table["community_id"][0] == "甲"


@pytest.mark.parametrize("delimiter", ["\t", ";", "|", "，"])
def test_other_delimiters(tmp_path, delimiter):
    path = write(tmp_path, "homes.txt", HOMES_CSV.replace(",", delimiter))
    table = read_table(path, "homes", datum="wgs84")
    assert_is_the_estate(table)
    assert noted(table)["delimiter"] == delimiter


def test_titles_above_and_empty_rows_between(tmp_path):
    lines = HOMES_CSV.splitlines()
    text = "\n".join(["花园新村楼栋表,,,,,,,", "", *lines[:2], "", *lines[2:], "", ""])
    table = read_table(write(tmp_path, "homes.csv", text), "homes", datum="wgs84")
    assert_is_the_estate(table)
    assert noted(table)["heading_row"] == 3
    assert noted(table)["changes"] == [
        {"row": 1, "column": None, "found": "花园新村楼栋表", "became": "a title, left out"},
        {"row": 5, "column": None, "found": "an empty row", "became": "left out"},
    ]


def test_xlsx_with_title_dates_times_and_several_sheets(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "说明"
    book.active.append(["填表说明"])
    sheet = book.create_sheet("小区")
    sheet.append(["老旧小区基本情况表"])
    sheet.append(["小区编号", "小区名称", "建成年代", "总户数（户）", "是否封闭", "边界", "备注"])
    outline = "POLYGON ((121.44 31.13, 121.45 31.13, 121.45 31.14, 121.44 31.13))"
    sheet.append([1, "甲", pd.Timestamp("1994-05-01"), "3,605户", "是", outline, None])
    sheet.append([2.0, "乙", "1987年", 224, "√", outline, "x"])
    hidden = book.create_sheet("旧表")
    hidden.sheet_state = "hidden"
    path = tmp_path / "communities.xlsx"
    book.save(path)
    table = read_table(path, "communities", datum="wgs84")
    assert table["community_id"].tolist() == ["1", "2"]
    assert table["built_year"].tolist() == [1994, 1987]
    assert table["households"].tolist() == [3605, 224]
    assert table["enclosed"].tolist() == [True, True]
    assert noted(table)["sheet"] == "小区"
    assert noted(table)["heading_row"] == 2
    assert noted(table)["changes"][1:] == [
        {"row": 3, "column": "built_year", "found": "1994-05-01 00:00:00", "became": 1994.0},
        {"row": 4, "column": "built_year", "found": "1987年", "became": 1987.0},
        {"row": 3, "column": "households", "found": "3,605户", "became": 3605.0},
    ]
    with pytest.raises(OptionError, match="no sheet '房屋'; it has 说明, 小区"):
        read_table(path, "communities", datum="wgs84", sheet="房屋")


def test_layers_of_every_kind(tmp_path):
    layer = homes_layer()
    layer.to_file(tmp_path / "homes.geojson")
    layer.to_file(tmp_path / "homes.gpkg", layer="楼栋")
    layer.to_file(tmp_path / "homes.kml", driver="KML")
    shapefile(tmp_path, "utf-8", "UTF-8")
    layer.to_parquet(tmp_path / "homes.parquet")
    with gzip.open(tmp_path / "homes.geojson.gz", "wb") as file:
        file.write((tmp_path / "homes.geojson").read_bytes())
    for name in ("geojson", "gpkg", "kml", "shp", "parquet", "geojson.gz"):
        table = read_table(tmp_path / f"homes.{name}", "homes")
        assert_is_the_estate(table)
        assert noted(table)["source_crs"] == "EPSG:4326"
        assert noted(table)["changes"] == []


def test_plain_parquet_for_a_table_without_geometry(tmp_path):
    walks = pd.DataFrame({"from_id": ["a"], "to_id": ["b"], "walk_min": [4.5]})
    walks.to_parquet(tmp_path / "walks.parquet")
    table = read_table(tmp_path / "walks.parquet", "walks")
    assert type(table) is pd.DataFrame
    assert table["walk_min"].tolist() == [4.5]


def dbf(table, encoding, *, language=0):
    """A dBase table of text and whole numbers, as GIS programs write it: names cut at 10 bytes."""
    fields, records = b"", [b" "] * len(table)
    for name in table:
        is_text = isinstance(table[name].iloc[0], str)
        width = 40 if is_text else 12
        cut = str(name).encode(encoding)[:10]
        kind = b"C" if is_text else b"N"
        fields += cut.ljust(11, b"\0") + kind + bytes(4) + bytes([width, 0]) + bytes(14)
        for row, cell in enumerate(table[name]):
            data = str(cell).encode(encoding)
            records[row] += data[:width].ljust(width) if is_text else data.rjust(width)
    sizes = struct.pack("<iHH", len(table), 33 + len(fields), len(records[0]))
    head = b"\x03\x7e\x0b\x16" + sizes + bytes(17) + bytes([language]) + bytes(2)
    return head + fields + b"\r" + b"".join(records) + b"\x1a"


def shapefile(folder, encoding, declared, table=None):
    layer = homes_layer() if table is None else table
    layer[["geometry"]].assign(n=0).to_file(folder / "homes.shp", encoding="utf-8")
    (folder / "homes.cpg").unlink()
    if declared:
        (folder / "homes.cpg").write_text(declared)
    (folder / "homes.dbf").write_bytes(dbf(layer.drop(columns="geometry"), encoding))
    return folder / "homes.shp"


@pytest.mark.parametrize(
    ("encoding", "declared", "found", "how"),
    [
        ("gbk", None, "gb18030", "detected"),
        ("gbk", "GBK", "gb18030", "declared"),
        ("gbk", "936", "gb18030", "declared"),
        ("gbk", "UTF-8", "gb18030", "detected, although declared as UTF-8"),
        ("utf-8", None, "utf-8", "detected"),
        ("utf-8", "UTF-8", "UTF-8", "declared"),
    ],
)
def test_shapefiles_without_or_with_a_wrong_cpg(tmp_path, encoding, declared, found, how):
    path = shapefile(tmp_path, encoding, declared)
    table = read_table(path, "homes")
    assert_is_the_estate(table)
    assert (noted(table)["encoding"], noted(table)["encoding_how"]) == (found, how)


def test_headings_that_a_shapefile_cut_short(tmp_path):
    names = {"楼栋编号": "home_id", "小区名称": "community_id"}
    layer = homes_layer().rename(columns=names).assign(floor_area_m2=[100, 200, 300])
    table = read_table(shapefile(tmp_path, "gbk", None, layer), "homes")
    assert table["floor_area_m2"].tolist() == [100, 200, 300]
    assert noted(table)["headings"]["community_"] == "community_id"
    # in utf-8 a Chinese character takes three bytes, and the fourth one is cut
    table = read_table(shapefile(tmp_path, "utf-8", None), "homes")
    assert noted(table)["headings"]["楼栋编"] == "home_id"


def test_zipped_shapefile(tmp_path):
    shapefile(tmp_path, "gbk", None)
    with zipfile.ZipFile(tmp_path / "homes.zip", "w") as archive:
        for ending in ("shp", "shx", "dbf", "prj"):
            archive.write(tmp_path / f"homes.{ending}", f"数据/homes.{ending.upper()}")
    table = read_table(tmp_path / "homes.zip", "homes")
    assert_is_the_estate(table)


def test_deleted_rows_of_a_shapefile_stay_out(tmp_path):
    path = shapefile(tmp_path, "gbk", None)
    data = bytearray(path.with_suffix(".dbf").read_bytes())
    start, width = int.from_bytes(data[8:10], "little"), int.from_bytes(data[10:12], "little")
    data[start + width] = ord("*")
    path.with_suffix(".dbf").write_bytes(data)
    table = read_table(path, "homes")
    assert table["home_id"].tolist() == ["1栋", "3栋"]
    assert table["residents"].tolist() == [120, 60]


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_datum_of_tables_and_of_geojson_in_disguise(tmp_path, datum):
    truth = homes_layer()
    moved = convert_datum(truth, source="wgs84", target=datum)
    moved.to_file(tmp_path / "homes.geojson", COORDINATE_PRECISION=12)
    frame = pd.DataFrame(moved.drop(columns="geometry"))
    frame["location"] = [f"{p.x:.9f},{p.y:.9f}" for p in moved.geometry]
    frame.to_csv(tmp_path / "homes.csv", index=False)
    moved.to_crs(32651).to_file(tmp_path / "homes.gpkg")
    expected = truth.to_crs(32651)
    for name in ("homes.geojson", "homes.csv", "homes.gpkg"):
        table = read_table(tmp_path / name, "homes", datum=datum)
        assert table.distance(expected).max() < 0.001
        assert noted(table)["datum"] == datum


def test_geojson_is_wgs84_unless_told(tmp_path):
    homes_layer().to_file(tmp_path / "homes.geojson")
    plain = read_table(tmp_path / "homes.geojson", "homes")
    shifted = read_table(tmp_path / "homes.geojson", "homes", datum="bd09")
    assert plain.distance(shifted).between(900, 1400).all()


def test_a_datum_that_has_no_effect_is_told(tmp_path):
    text = "home_id,community_id,residents,lon,lat\n1,a,5,-15.43,28.1\n"
    table = read_table(write(tmp_path, "homes.csv", text), "homes", datum="gcj02")
    assert noted(table)["datum_without_effect"] == 1


def test_heading_that_contradicts_the_datum_warns(tmp_path):
    text = HOMES_CSV.replace("经度,纬度", "百度经度,百度纬度")
    path = write(tmp_path, "homes.csv", text)
    with pytest.warns(UserWarning, match="speaks of bd09, but datum='gcj02'"):
        read_table(path, "homes", datum="gcj02")
    assert len(read_table(path, "homes", datum="bd09")) == 3


@pytest.mark.parametrize("prefixed", [True, False])
@pytest.mark.parametrize("swapped", [True, False])
def test_cgcs2000_in_metres(tmp_path, prefixed, swapped):
    # zone 40, central meridian 120: EPSG 4528 with, 4549 without the number of the zone
    code = 4528 if prefixed else 4549
    points = homes_layer().to_crs(code)
    frame = pd.DataFrame(points.drop(columns="geometry"))
    x, y = ("Y坐标", "X坐标") if swapped else ("X坐标", "Y坐标")
    frame[x], frame[y] = points.geometry.x, points.geometry.y
    path = tmp_path / "homes.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(OptionError, match="Xi'an 1980"):
        read_table(path, "homes")
    options = {"datum": "cgcs2000"} if prefixed else {"source_crs": code}
    table = read_table(path, "homes", **options)
    assert table.distance(points.to_crs(table.crs)).max() < 0.001
    assert noted(table).get("axes_swapped", False) is swapped
    # a metric system that is true to scale is kept
    assert table.crs.to_epsg() == code


def test_crs_is_kept_when_metric_and_chosen_when_asked(tmp_path):
    homes_layer().to_crs(4549).to_file(tmp_path / "homes.gpkg")
    assert read_table(tmp_path / "homes.gpkg", "homes").crs.to_epsg() == 4549
    assert read_table(tmp_path / "homes.gpkg", "homes", crs=32651).crs.to_epsg() == 32651
    homes_layer().to_crs(3857).to_file(tmp_path / "mercator.gpkg")
    assert read_table(tmp_path / "mercator.gpkg", "homes").crs.to_epsg() == 32651
    homes_layer().to_crs(4490).to_file(tmp_path / "degrees.gpkg")
    table = read_table(tmp_path / "degrees.gpkg", "homes")
    assert table.distance(homes_layer().to_crs(32651)).max() < 0.001


def test_degrees_minutes_seconds(tmp_path):
    text = "home_id,community_id,residents,lon,lat\n"
    text += "1,a,5,121°26′24″,31°7'48\"N\n2,a,5,东经121.44°,北纬31.13°\n3,a,5,121度26.4分,31.13\n"
    path = write(tmp_path, "homes.csv", text.replace("31°7'48\"N", '"31°7\'48""N"'))
    table = read_table(path, "homes", datum="wgs84")
    expected = gpd.GeoSeries([shapely.Point(121.44, 31.13)], crs=4326).to_crs(32651)[0]
    assert table.distance(expected).max() < 0.001


def test_units_in_headings_and_cells(tmp_path):
    text = "房屋编号,建筑面积（万㎡）,改造费用万元,年租金(万元/年),层数,经度,纬度\n"
    text += 'a,0.32,150,12.5,3层,121.44,31.13\nb,1.2万平方米,"1,200元",,２,121.44,31.13\n'
    table = read_table(write(tmp_path, "idle.csv", text), "idle_buildings", datum="wgs84")
    assert table["floor_area_m2"].tolist() == [3200, 12000]
    assert table["conversion_cost_yuan"].tolist() == [1_500_000, 1200]
    assert table["annual_rent_yuan"].tolist()[0] == 125_000
    assert np.isnan(table["annual_rent_yuan"][1])
    assert table["storeys"].tolist() == [3, 2]
    changed = {(c["row"], c["column"]) for c in noted(table)["changes"]}
    assert (None, "floor_area_m2") in changed
    assert (3, "storeys") in changed


def test_keys_are_made_only_when_asked(tmp_path):
    text = "service,name,lon,lat\nchildcare,甲,121.44,31.13\nhealth,乙,121.45,31.13\n"
    path = write(tmp_path, "places.csv", text)
    with pytest.raises(TableError, match="make_keys=True"):
        read_table(path, "facilities", datum="wgs84")
    table = read_table(path, "facilities", datum="wgs84", make_keys=True)
    assert table["facility_id"].tolist() == ["facility-2", "facility-3"]
    assert noted(table)["changes"][0] == {
        "row": 2, "column": "facility_id", "found": None, "became": "facility-2",
    }  # fmt: skip


def test_columns_can_be_mapped_and_left_aside(tmp_path):
    text = HOMES_CSV.replace("居住人数", "摸底人数").replace("老年人数", "人数")
    path = write(tmp_path, "homes.csv", text)
    columns = {"摸底人数": "residents", "人数": None}
    table = read_table(path, "homes", datum="wgs84", columns=columns)
    assert table["residents"].sum() == 265
    assert table["人数"].tolist() == ["31", "40", "12"]
    book = write(tmp_path, "own.toml", '[homes]\nresidents = ["摸底人数"]\nelderly = ["人数"]\n')
    table = read_table(path, "homes", datum="wgs84", columns=book)
    assert table["elderly"].sum() == 83


def test_the_columns_own_name_goes_before_a_synonym(tmp_path):
    text = "home_id,编号,community_id,residents,lon,lat\nh1,17,a,5,121.44,31.13\n"
    table = read_table(write(tmp_path, "homes.csv", text), "homes", datum="wgs84")
    assert table["home_id"].tolist() == ["h1"]
    assert table["编号"].tolist() == ["17"]


def test_doors_move_with_their_table(tmp_path):
    text = "home_id,community_id,residents,lon,lat,door\n"
    text += '1,a,5,121.44,31.13,POINT (121.44 31.1301)\n2,a,5,121.44,31.13,"121.44,31.1302"\n'
    text += "3,a,5,121.44,31.13,\n"
    path = write(tmp_path, "homes.csv", text)
    table = read_table(path, "homes", datum="bd09")
    doors = gpd.GeoSeries.from_wkt(table["door"][:2], crs=table.crs)
    # a ten-thousandth of a degree of latitude is 11.1 m
    away = doors.distance(table.geometry[:2])
    assert away.tolist() == pytest.approx([11.1, 22.2], abs=0.1)
    assert table["door"].isna().tolist() == [False, False, True]


def test_gates_times_and_users(tmp_path):
    text = "大门编号,通行对象,开门时间,关门时间,等候时间(分钟),经度,纬度\n"
    text += "a,居民,7：30,22点30,0.5,121.44,31.13\nb,所有人,,,,121.44,31.13\n"
    table = read_table(write(tmp_path, "gates.csv", text), "gates", datum="wgs84")
    assert table["who"].tolist() == ["residents", "everyone"]
    assert table["open_from"].tolist()[0] == "07:30"
    assert table["open_until"].tolist()[0] == "22:30"
    assert table["wait_s"].tolist()[0] == 30
    assert find_problems(table, TABLES["gates"]) == []


def test_heights_and_single_multipoints(tmp_path):
    layer = homes_layer()
    layer["geometry"] = [shapely.MultiPoint([shapely.Point(p.x, p.y, 5.0)]) for p in layer.geometry]
    layer.to_file(tmp_path / "homes.gpkg")
    table = read_table(tmp_path / "homes.gpkg", "homes")
    assert set(table.geom_type) == {"Point"}
    assert not table.has_z.any()
    assert noted(table)["heights_left_out"] == 3
    assert len(noted(table)["changes"]) == 3


def test_areas_are_mended_only_when_asked(tmp_path):
    bow = "POLYGON ((121.44 31.13, 121.45 31.14, 121.45 31.13, 121.44 31.14, 121.44 31.13))"
    path = write(tmp_path, "c.csv", f'community_id,name,wkt\n1,a,"{bow}"\n')
    with pytest.raises(TableError, match=r"row 2: geometry is not valid.*mend=True"):
        read_table(path, "communities", datum="wgs84")
    table = read_table(path, "communities", datum="wgs84", mend=True)
    assert table.geometry.is_valid.all()
    assert noted(table)["changes"][0]["became"].startswith("mended, ")


def test_layers_are_chosen_by_name(tmp_path):
    homes_layer().to_file(tmp_path / "all.gpkg", layer="homes")
    homes_layer().to_file(tmp_path / "all.gpkg", layer="other", mode="a")
    assert noted(read_table(tmp_path / "all.gpkg", "homes"))["layer"] == "homes"
    assert noted(read_table(tmp_path / "all.gpkg", "homes", layer="other"))["layer"] == "other"
    with pytest.raises(OptionError, match="several layers: homes, other"):
        read_table(tmp_path / "all.gpkg", "facilities")
    with pytest.raises(OptionError, match="no layer 'x'"):
        read_table(tmp_path / "all.gpkg", "homes", layer="x")


def test_a_heading_that_is_there_twice_is_not_chosen_in_silence(tmp_path):
    path = tmp_path / "homes.csv"
    head = "楼栋编号,小区编号,居住人数,居住人数,经度,纬度\n"
    path.write_text(head + "1,a,10,11,121.44,31.13\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"'居住人数' and '居住人数 \(2\)' both mean residents"):
        read_table(path, "homes", datum="wgs84")
    homes = read_table(path, "homes", datum="wgs84", columns={"居住人数 (2)": None})
    assert homes["residents"].tolist() == [10]


def test_a_slip_in_a_heading_of_positions_is_suggested(tmp_path):
    path = tmp_path / "homes.csv"
    path.write_text("楼栋编号,小区编号,居住人数,经渡,纬度\n1,a,10,121.44,31.13\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"Is it columns=\{'经渡': 'lon', '纬度': 'lat'\}\?"):
        read_table(path, "homes", datum="wgs84")
    columns = {"经渡": "lon", "纬度": "lat"}
    assert len(read_table(path, "homes", datum="wgs84", columns=columns)) == 1


def test_rare_characters_of_gb18030_are_read(tmp_path):
    path = tmp_path / "homes.csv"
    text = "楼栋编号,小区编号,居住人数,经度,纬度,户主\n1,a,10,121.44,31.13,𠮷䶮㐂\n"
    path.write_bytes(text.encode("gb18030"))
    homes = read_table(path, "homes", datum="wgs84")
    assert homes["户主"].tolist() == ["𠮷䶮㐂"]
    assert homes.attrs["communityplan"]["encoding"] == "gb18030"


def test_near_misses_are_suggested(tmp_path):
    text = HOMES_CSV.replace("居住人数", "居住人口数量").replace("老年人数", "老年人口数量")
    path = write(tmp_path, "homes.csv", text)
    with pytest.raises(TableError, match=r"Is it '居住人口数量'\? Then give columns="):
        read_table(path, "homes", datum="wgs84")
    table = read_table(path, "homes", datum="wgs84", columns={"居住人口数量": "residents"})
    assert noted(table)["unmapped"] == {"老年人口数量": "elderly"}
    with pytest.raises(OptionError, match="did you mean 'residents'"):
        read_table(path, "homes", datum="wgs84", columns={"居住人口数量": "resident"})
    with pytest.raises(OptionError, match=r"no heading '居住人口' .near: '居住人口数量'."):
        read_table(path, "homes", datum="wgs84", columns={"居住人口": "residents"})


def test_notes_are_shared_and_not_copied(tmp_path):
    table = read_table(write(tmp_path, "h.csv", HOMES_CSV), "homes", datum="wgs84")
    changes = noted(table)["changes"]
    assert noted(table.head(1))["changes"] is changes
    assert copy.deepcopy(changes) is changes


def test_a_table_written_by_us_is_read_again(tmp_path):
    first = read_table(write(tmp_path, "h.csv", HOMES_CSV), "homes", datum="bd09")
    first.to_file(tmp_path / "again.gpkg", layer="homes")
    second = read_table(tmp_path / "again.gpkg", "homes")
    assert second.crs == first.crs
    assert second.distance(first).max() < 1e-6
    pd.testing.assert_frame_equal(
        pd.DataFrame(first.drop(columns="geometry")),
        pd.DataFrame(second.drop(columns="geometry")),
        check_dtype=False,
    )


def test_real_files():
    folder = DATA / "shanghai"
    if not folder.exists():
        pytest.skip("real data is not here")
    places = read_table(
        folder / "shanghai_poi_health_education_wgs84.csv.gz",
        "facilities",
        datum="wgs84",
        columns={"group": "service"},
        make_keys=True,
    )
    assert len(places) == 13_664
    estates = read_table(
        folder / "shanghai_estate_polygons_bd09.geojson",
        "communities",
        datum="bd09",
        columns={"id": "name"},
        make_keys=True,
        mend=True,
    )
    assert len(estates) == 2905
    streets = read_table(DATA / "wuhan" / "wuhan_fua_streets_neatnet_utm50n.parquet", "streets")
    assert len(streets) == 92_667
    assert noted(streets)["crs"] == "EPSG:32650"


def test_nothing_is_left_behind(tmp_path):
    path = shapefile(tmp_path, "gbk", None)
    copy_of = tmp_path / "copy"
    shutil.copytree(tmp_path, copy_of, ignore=lambda *_: ["copy"])
    before = sorted(p.name for p in copy_of.iterdir())
    read_table(copy_of / path.name, "homes")
    assert sorted(p.name for p in copy_of.iterdir()) == before
