"""Bad files: each one ends in one clear error that names the file, the row and what to do."""

import gzip
import io
import json
import os
import struct
import sys
import zipfile

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely

from communityplan.errors import (
    CommunityPlanError,
    DataError,
    MissingLibraryError,
    OptionError,
    TableError,
    TooLargeError,
)
from communityplan.load import raw
from communityplan.load.files import read_table

HEAD = "home_id,community_id,residents,elderly,lon,lat\n"
ROW = "1,a,120,31,121.44,31.13\n"
LAYER = gpd.GeoDataFrame(
    {"home_id": ["1", "2"], "community_id": ["a", "a"], "residents": [5, 6]},
    geometry=[shapely.Point(121.44, 31.13), shapely.Point(121.45, 31.13)],
    crs=4326,
)
FEATURE = {
    "type": "Feature",
    "properties": {"home_id": "1", "community_id": "a", "residents": 5},
    "geometry": {"type": "Point", "coordinates": [121.44, 31.13]},
}


def csv(text, name="homes.csv", encoding="utf-8"):
    def make(folder):
        (folder / name).write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        return folder / name

    return make


def rows(*lines, head=HEAD):
    return csv(head + "".join(f"{line}\n" for line in lines))


def geojson(*features, name="homes.geojson", **more):
    return csv(json.dumps({"type": "FeatureCollection", "features": list(features), **more}), name)


def point(*position, **properties):
    geometry = {"type": "Point", "coordinates": list(position)}
    return {**FEATURE, "geometry": geometry, "properties": {**FEATURE["properties"], **properties}}


def archive(name, **members):
    def make(folder):
        with zipfile.ZipFile(folder / name, "w") as file:
            for member, data in members.items():
                file.writestr(member, data)
        return folder / name

    return make


def zip_of(members, name="homes.zip"):
    return archive(name, **members)


def layer(ending, change=lambda data: data, **options):
    """A sound layer with the bytes of its main file changed."""

    def make(folder):
        path = folder / f"homes.{ending}"
        LAYER.to_file(path, **options)
        path.write_bytes(change(path.read_bytes()))
        return path

    return make


def parquet(change=lambda data: data, table=LAYER):
    def make(folder):
        table.to_parquet(folder / "homes.parquet")
        path = folder / "homes.parquet"
        path.write_bytes(change(path.read_bytes()))
        return path

    return make


def shapefile(drop=(), change=None, crs=4326):
    def make(folder):
        table = LAYER.rename(columns={"community_id": "community"})
        table.set_crs(crs, allow_override=True).to_file(folder / "homes.shp")
        for ending in drop:
            (folder / f"homes.{ending}").unlink()
        if change:
            ending, how = change
            path = folder / f"homes.{ending}"
            path.write_bytes(how(path.read_bytes()))
        return folder / "homes.shp"

    return make


def workbook(*lines, name="homes.xlsx", inner=None):
    def make(folder):
        book = openpyxl.Workbook()
        for line in lines:
            book.active.append(line)
        book.save(folder / name)
        if inner:
            member, how = inner
            with zipfile.ZipFile(folder / name) as file:
                parts = {info.filename: file.read(info) for info in file.infolist()}
            parts[member] = how(parts[member])
            with zipfile.ZipFile(folder / name, "w") as file:
                for part, data in parts.items():
                    file.writestr(part, data)
        return folder / name

    return make


COLUMNS = HEAD.strip().split(",")
AREA = '"POLYGON ((121.4 31.1, 121.41 31.1, 121.41 31.11, 121.4 31.1))"'
KML = (
    "<kml xmlns='http://www.opengis.net/kml/2.2'><Document><Placemark><name>1</name>"
    "<Point><coordinates>121.44,31.13</coordinates></Point></Placemark></Document></kml>"
)
CELL = "<Data name='residents'><value>5</value></Data>"
LAUGHS = (
    "<!DOCTYPE kml [<!ENTITY a 'ha'>"
    + "".join(
        f"<!ENTITY {y} '{f'&{x};' * 10}'>" for x, y in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + f"]>{KML.replace('>1<', '>&j;<')}"
)

# name: (file, error, what the message says, options)
BAD = {
    # not a file that can be read
    "absent": (lambda folder: folder / "none.csv", DataError, "no such file", {}),
    "folder": (lambda folder: folder, DataError, "a folder or a device", {}),
    "zero bytes": (csv(b""), DataError, r"0 bytes", {}),
    "only spaces": (csv("   \n \n"), DataError, "no cell is filled", {}),
    "web address": (lambda _: "https://example.com/homes.csv", OptionError, "not a local", {}),
    "virtual path": (lambda _: "/vsicurl/http://x/homes.shp", OptionError, "not a local", {}),
    "cloud path": (lambda _: "s3://bucket/homes.parquet", OptionError, "not a local file", {}),
    "share of another machine": (lambda _: r"\\host\homes.csv", OptionError, "not a local", {}),
    "zero in the path": (lambda _: "homes\0.csv", DataError, "no such file", {}),
    "device": (lambda _: os.devnull, DataError, "a folder or a device", {}),
    "no ending": (csv(HEAD + ROW, "homes"), DataError, "without an ending", {}),
    "pickle": (csv(b"\x80\x04.", "homes.pkl"), DataError, "Pickles can run programs", {}),
    "part of a shapefile": (csv(b"\x03", "homes.dbf"), DataError, "Give the .shp beside it", {}),
    "old Excel": (csv(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "h.xls"), DataError, r"\.xlsx", {}),
    "old Excel renamed": (
        csv(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9, "h.xlsx"), DataError, "holds old Excel", {}
    ),
    # of another kind than its name
    "workbook as csv": (
        lambda folder: workbook(COLUMNS, name="h.xlsx")(folder).rename(folder / "h.csv"),
        DataError, "holds an Excel workbook", {},
    ),
    "csv as workbook": (csv(HEAD + ROW, "h.xlsx"), DataError, "holds text such as CSV", {}),
    "web page as csv": (csv("<!DOCTYPE html><html>404", "h.csv"), DataError, "a web page", {}),
    "geojson as csv": (csv('{"type": "Feature"}', "h.csv"), DataError, "holds GeoJSON", {}),
    "parquet as gpkg": (csv(b"PAR1" * 9, "h.gpkg"), DataError, "but it holds Parquet", {}),
    "picture as csv": (csv(b"\x89PNG\r\n", "h.csv"), DataError, "holds picture", {}),
    "pdf as xlsx": (csv(b"%PDF-1.7", "h.xlsx"), DataError, "ask for the spreadsheet", {}),
    "zeros as csv": (csv(b"a,b\0\0\0", "h.csv"), DataError, "holds binary", {}),
    "gzip as csv": (csv(gzip.compress(b"a,b"), "h.csv"), DataError, "holds binary", {}),
    "archive without a shapefile": (zip_of({"a.txt": "x"}), DataError, "archive with no .shp", {}),
    "two shapefiles": (zip_of({"a.shp": "x", "b.shp": "x"}), DataError, "a.shp, b.shp", {}),
    "kmz": (zip_of({"doc.kml": KML}), DataError, "Unpack it and give the .kml", {}),
    # unsafe
    "member above its folder": (
        zip_of({"../../homes.shp": "x"}), DataError, r"'../../homes.shp' lies outside", {}
    ),
    "member at the root": (zip_of({"/etc/homes.shp": "x"}), DataError, "lies outside", {}),
    "member on a drive": (zip_of({"C:\\homes.shp": "x"}), DataError, "lies outside", {}),
    "billion laughs": (csv(LAUGHS, "homes.kml"), DataError, "defines XML entities", {}),
    "outer entity": (
        csv(f'<!DOCTYPE kml [<!ENTITY a SYSTEM "file:///etc/passwd">]>{KML}', "homes.kml"),
        DataError, "defines XML entities", {},
    ),
    "entities in a workbook": (
        workbook(
            COLUMNS, inner=("xl/worksheets/sheet1.xml", lambda xml: b"<!DOCTYPE a []>" + xml)
        ),
        DataError, r"sheet1.xml defines XML entities", {},
    ),
    # cut off or broken
    "gzip cut off": (
        csv(gzip.compress(HEAD.encode() + ROW.encode() * 99)[:60], "h.csv.gz"),
        DataError, "cut off", {},
    ),
    "gzip with a tail": (
        csv(gzip.compress(HEAD.encode()) + gzip.compress(ROW.encode()), "h.csv.gz"),
        DataError, "several parts", {},
    ),
    "broken zip": (csv(b"PK\x03\x04" + b"x" * 99, "h.zip"), DataError, "broken archive", {}),
    "geojson cut off": (
        layer("geojson", lambda data: data[:-30]), DataError, "broken JSON .* Export it again", {}
    ),
    "geopackage cut off": (
        layer("gpkg", lambda data: data[: len(data) // 2]), DataError, "the file is broken", {}
    ),
    "geopackage overwritten": (
        layer("gpkg", lambda data: data[:20_000] + b"x" * 30_000 + data[50_000:]),
        DataError, "the file is broken", {},
    ),
    "parquet cut off": (parquet(lambda data: data[:-50]), DataError, "the file is broken", {}),
    "shp cut off": (
        shapefile(change=("shp", lambda data: data[:-8])), DataError, "cut off or broken", {}
    ),
    "dbf cut off": (
        shapefile(change=("dbf", lambda data: data[:-40])), DataError, r"\.dbf is cut off", {}
    ),
    "index of another shapefile": (
        shapefile(change=("shx", lambda data: data + b"\0" * 8)), DataError, "broken", {}
    ),
    "number of a dbf with a foreign byte": (
        shapefile(change=("dbf", lambda data: data.replace(b" 5", b"5\xff"))),
        TableError, "row 1: residents is '5ÿ'", {},
    ),
    "dbf of a few bytes": (
        shapefile(change=("dbf", lambda data: data[:40])), DataError, r"\.dbf is cut off", {}
    ),
    "no dbf": (shapefile(drop=["dbf"]), DataError, r"its .dbf file is missing", {}),
    "no shx": (shapefile(drop=["shx"]), DataError, r"its .shx file is missing", {}),
    "kml cut off": (csv(KML[:-20], "homes.kml"), DataError, "broken XML", {}),
    "xml that is no kml": (csv("<gpx></gpx>", "homes.kml"), DataError, "XML, but not KML", {}),
    "json that is no geojson": (csv('{"a": 1}', "h.json"), DataError, "not a GeoJSON Feat", {}),
    "nested without end": (csv('{"a":' * 99_999, "h.json"), DataError, "broken JSON", {}),
    "not a number in json": (
        csv('{"type": "FeatureCollection", "features": [NaN]}', "h.json"), DataError, "NaN", {}
    ),
    "name twice in one feature": (
        csv(json.dumps(FEATURE).replace('"residents"', '"residents": 5, "residents"'), "h.json"),
        DataError, "'residents' stands twice", {},
    ),
    "cell twice in one placemark": (
        csv(KML.replace("<Point>", f"<ExtendedData>{CELL}{CELL}</ExtendedData><Point>"), "h.kml"),
        DataError, "row 1: 'residents' stands twice in one placemark", {},
    ),
    "no features": (geojson(), DataError, "holds no features", {}),
    "unknown system": (
        geojson(FEATURE, crs={"type": "name", "properties": {"name": "BD-09"}}),
        DataError, "coordinate system .* not known", {},
    ),
    "unclosed quotation mark": (
        rows('1,"a,5,1,121.44,31.13', "2,a,5,1,121.44,31.13"),
        DataError, "line 3: not proper CSV", {},
    ),
    "text after a quotation mark": (
        rows('1,"a"b,5,1,121.44,31.13'), DataError, "line 2: not proper CSV", {}
    ),
    "one cell too many": (
        rows("1,a,5,1,121.44,31.13", "2,a,1,200,1,121.44,31.13"),
        TableError, "row 3: 7 cells under 6 headings", {},
    ),
    "one cell too few": (rows("1,a,5,121.44,31.13"), TableError, "row 2: 5 cells under 6", {}),
    "headings only": (csv(HEAD), DataError, "no rows below the headings in row 1", {}),
    "neither utf-8 nor gbk": (
        csv(HEAD.encode() + b"1,caf\xe9 noir,5,1,121.44,31.13\n"),
        DataError, "line 2: the text is neither UTF-8 nor Chinese", {},
    ),
    "not the encoding given": (
        csv(HEAD + "1,甲,5,1,121.44,31.13\n", encoding="gbk"),
        DataError, "line 2: byte .* is not utf-8", {"encoding": "utf-8"},
    ),
    "no such encoding": (
        csv(HEAD + ROW), OptionError, "no text encoding 'chinese-simple'",
        {"encoding": "chinese-simple"},
    ),
    "formula without a result": (
        workbook(COLUMNS, [1, "a", "=60*2", 1, 121.44, 31.13]),
        TableError, "row 2: column 3 holds the formula =60.2 without a result", {},
    ),
    "broken workbook": (
        workbook(COLUMNS, inner=("xl/workbook.xml", lambda xml: xml[:99])),
        DataError, "a broken workbook", {},
    ),
    "cell in a row that is not its own": (
        workbook(
            COLUMNS, [1, "a", 5, 1, 121.44, 31.13],
            inner=("xl/worksheets/sheet1.xml", lambda xml: xml.replace(b'r="C2"', b'r="C3"')),
        ),
        DataError, "the cell C3 stands in row 2, out of place", {},
    ),
    # what the table says
    "no datum": (csv(HEAD + ROW), OptionError, "Give datum='wgs84' for GPS", {"datum": None}),
    "unknown datum": (csv(HEAD + ROW), OptionError, "no datum 'wgs-84'", {"datum": "wgs-84"}),
    "unknown table": (csv(HEAD + ROW), OptionError, "no table 'houses'", {"kind": "houses"}),
    "degrees wanted": (csv(HEAD + ROW), OptionError, "not projected in metres", {"crs": 4326}),
    "mercator wanted": (csv(HEAD + ROW), OptionError, "stretches lengths by 16", {"crs": 3857}),
    "no such system": (csv(HEAD + ROW), OptionError, "no coordinate system", {"crs": "EPSG:1"}),
    "metres without a system": (
        rows("1,a,5,1,353638.9,3445000", head=HEAD.replace("lon,lat", "x,y")),
        OptionError, "fit EPSG:4534, .* Xi'an 1980 .* cannot be guessed", {},
    ),
    "longitude and latitude swapped": (
        rows("1,a,5,1,31.13,121.44", "2,a,5,1,31.14,121.45"),
        TableError, r"look swapped: the middle is at \(31.135, 121.445\)", {},
    ),
    "one row swapped": (
        rows(ROW.strip(), "2,a,5,1,31.14,121.45", "3,a,5,1,121.45,31.14"),
        TableError, r"row 3: its longitude and latitude \(31.14.*\) are swapped", {},
    ),
    "one digit lost": (
        rows(ROW.strip(), "2,a,5,1,12.144,31.13", "3,a,5,1,121.45,31.14"),
        TableError, "row 3: .* lie far from the middle", {},
    ),
    "at zero": (rows(ROW.strip(), "2,a,5,1,0,0"), TableError, "row 3: .* both zero", {}),
    "off the globe": (
        rows(ROW.strip(), "2,a,5,1,200,31", "3,a,5,1,121.45,31.14"),
        TableError, "row 3: .* off the globe", {},
    ),
    "no longitude": (rows(ROW.strip(), "2,a,5,1,,31.13"), TableError, "row 3: lon is empty", {}),
    "longitude in words": (
        rows("1,a,5,1,about 121,31.13"), TableError, "row 2: lon is 'about 121'", {}
    ),
    "no place at all": (
        csv("home_id,community_id,residents\n1,a,5\n"), TableError, "where the rows lie", {}
    ),
    "wrong label of a layer": (
        shapefile(crs=4549), TableError, "said to be in metres .* source_crs=", {}
    ),
    "wrong zone": (
        lambda folder: (
            LAYER.to_crs(4549).set_crs(4528, allow_override=True).to_file(folder / "h.gpkg"),
            folder / "h.gpkg",
        )[1],
        TableError, "does not lie there.*EPSG:4549", {},
    ),
    "missing column": (
        csv(HEAD.replace("residents", "kitchen") + ROW),
        TableError, r"no column 'residents' .*居住人数.*map a heading", {},
    ),
    "two headings for one column": (
        csv("home_id,community_id,人口,人数,lon,lat\n" + ROW),
        TableError, "'人口' and '人数' both mean residents", {},
    ),
    "unknown unit in a heading": (
        csv("home_id,community_id,居住人数(百人),elderly,lon,lat\n" + ROW),
        TableError, "'百人' is no known unit of residents", {},
    ),
    "mapped to nothing": (
        csv(HEAD + ROW), OptionError, "did you mean 'elderly'", {"columns": {"elderly": "eldery"}}
    ),
    "mapping a heading that is not there": (
        csv(HEAD + ROW), OptionError, "has no heading '老人'", {"columns": {"老人": "elderly"}}
    ),
    "mapping file that is none": (
        csv(HEAD + ROW), DataError, "not a table of headings", {"columns": "none.toml"}
    ),
    "number in words": (
        rows("1,a,约120,31,121.44,31.13"), TableError, "row 2: residents is '约120'", {}
    ),
    "decimal comma": (
        rows('1,a,"1,5",31,121.44,31.13'), TableError, "row 2: residents is '1,5'", {}
    ),
    "unknown unit in a cell": (
        rows("1,a,12百人,31,121.44,31.13"), TableError, "row 2: residents is '12百人'", {}
    ),
    "negative people": (rows("1,a,-5,1,121.44,31.13"), TableError, "row 2: residents is -5", {}),
    "infinite people": (rows("1,a,1e999,1,121.44,31.13"), TableError, "finite", {}),
    "nobody counted": (rows("1,a,,1,121.44,31.13"), TableError, "row 2: residents is empty", {}),
    "spreadsheet error": (
        rows("1,a,#REF!,1,121.44,31.13"), TableError, "row 2: residents is '#REF!'.*formula", {}
    ),
    "yes instead of a number": (
        geojson(point(121.44, 31.13, residents=True)), TableError, "row 1: residents is True", {}
    ),
    "row of totals": (
        rows(ROW.strip(), "合计,,120,31,121.44,31.13"), TableError, "row 3: this row sums up", {}
    ),
    "key twice": (
        rows(ROW.strip(), "", ROW.strip()), TableError, "row 4: .*'1' is already in row 2", {}
    ),
    "key rounded by a spreadsheet": (
        rows("3.10105E+17,a,5,1,121.44,31.13"), TableError, "has rounded this key", {}
    ),
    "key missing": (rows(",a,5,1,121.44,31.13"), TableError, "row 2: home_id is empty", {}),
    "decade instead of a year": (
        csv(f"community_id,name,建成年代,wkt\n1,a,80年代,{AREA}\n"),
        TableError, r"row 2: 建成年代 \(built_year\) is '80年代'.*four digits",
        {"kind": "communities"},
    ),
    "neither yes nor no": (
        csv(HEAD.replace("elderly", "有无电梯") + "1,a,5,部分,121.44,31.13\n"),
        TableError, r"有无电梯 \(has_lift\) is '部分'.*yes or no", {},
    ),
    "no time": (
        csv("gate_id,open_from,lon,lat\na,早上,121.44,31.13\n"),
        TableError, "row 2: open_from is '早上'.*HH:MM", {"kind": "gates"},
    ),
    "broken well-known text": (
        csv("community_id,name,wkt\n1,a,POLYGON ((121\n"),
        TableError, "row 2: geometry .* no well-known text", {"kind": "communities"},
    ),
    "points for areas": (
        csv("community_id,name,lon,lat\n1,a,121.44,31.13\n"),
        TableError, "row 2: geometry is a Point. Give a Polygon", {"kind": "communities"},
    ),
    "position of one number": (geojson(point(121.44)), TableError, "row 1: .* no position", {}),
    "position in words": (geojson(point("121", "31")), TableError, "row 1: .*no position", {}),
    "infinite position": (
        csv(json.dumps(FEATURE).replace("121.44", "1e999"), "h.geojson"), TableError, "row 1", {}
    ),
    "feature that is none": (geojson(FEATURE, 5), TableError, "row 2: it is no Feature", {}),
    "geometry of geometries": (
        geojson({**FEATURE, "geometry": {"type": "GeometryCollection", "geometries": []}}),
        TableError, "its geometry is a GeometryCollection", {},
    ),
    "no geometry": (geojson({**FEATURE, "geometry": None}), TableError, "geometry is empty", {}),
    "door that is no point": (
        csv(HEAD.replace("elderly", "door") + "1,a,5,LINESTRING (0 0 1 1),121.44,31.13\n"),
        TableError, "row 2: ", {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_file(tmp_path, name):
    make, error, says, options = BAD[name]
    path = make(tmp_path)
    options = {"kind": "homes", "datum": "wgs84", **options}
    with pytest.raises(error, match=f"(?s){says}") as caught:
        read_table(path, options.pop("kind"), **options)
    assert isinstance(caught.value, CommunityPlanError)
    if isinstance(caught.value, DataError):
        for problem in caught.value.problems:
            assert problem.where
            assert problem.todo


def test_there_are_at_least_sixty():
    assert len(BAD) >= 60


def test_everything_wrong_is_told_at_once(tmp_path):
    text = "楼栋编号,小区,居住人数,层数,有无电梯,经度,纬度\n"
    text += "1,a,约五十,6,是,121.44,31.13\n,a,10,六,否,121.44,31.13\n1,,20,6,大概,31.13,121.44\n"
    path = tmp_path / "homes.csv"
    path.write_bytes(text.encode("gbk"))
    with pytest.raises(TableError) as caught:
        read_table(path, "homes", datum="gcj02")
    told = [str(problem).removeprefix(f"{path}, ") for problem in caught.value.problems]
    assert len(told) == 7
    assert told[0].startswith(
        "row 2: 居住人数 (residents) is '约五十'. Give a plain number of people"
    )
    assert told[1].startswith("row 3: 层数 (storeys) is '六'")
    assert told[2].startswith("row 3: 楼栋编号 (home_id) is empty")
    assert {line.split(":")[0] for line in told[3:]} == {"row 4"}
    assert any("already in row 2" in line for line in told[3:])
    assert any("are swapped" in line for line in told[3:])


def test_ten_million_vertices(tmp_path):
    path = tmp_path / "homes.geojson"
    ring = b"[1,2]," * 10_000_000
    path.write_bytes(b'{"type":"FeatureCollection","features":[{"coordinates":[' + ring + b"0]}]}")
    with pytest.raises(TooLargeError, match="10,000,000 vertices, at most 5,000,000 are read"):
        read_table(path, "homes")


@pytest.mark.parametrize("ending", ["geojson", "kml", "gpkg", "shp", "parquet", "csv"])
def test_too_many_vertices_in_every_format(tmp_path, monkeypatch, ending):
    for module in list(sys.modules):
        if module.startswith("communityplan.load.") and hasattr(
            sys.modules[module], "MOST_VERTICES"
        ):
            monkeypatch.setattr(sys.modules[module], "MOST_VERTICES", 1000)
            monkeypatch.setattr(sys.modules[module], "MOST_ROWS", 1000, raising=False)
    circle = shapely.Point(121.44, 31.13).buffer(0.001, 999)
    data = {"community": ["1"], "name": ["a"]}
    table = gpd.GeoDataFrame(data, geometry=[circle], crs=4326)
    path = tmp_path / f"c.{ending}"
    if ending == "parquet":
        table.to_parquet(path)
    elif ending == "csv":
        table.assign(wkt=table.geometry.to_wkt()).drop(columns="geometry").to_csv(path, index=False)
    else:
        table.to_file(path, **({"driver": "KML"} if ending == "kml" else {}))
    with pytest.raises(TooLargeError, match="at most"):
        read_table(path, "communities", datum="wgs84")


def test_too_many_rows(tmp_path, monkeypatch):
    from communityplan.load import texts, workbook

    path = tmp_path / "homes.csv"
    path.write_text(HEAD + ROW * 50)
    pd.read_csv(path).to_excel(tmp_path / "homes.xlsx", index=False)
    monkeypatch.setattr(texts, "MOST_ROWS", 20)
    monkeypatch.setattr(workbook, "MOST_ROWS", 20)
    for ending in ("csv", "xlsx"):
        with pytest.raises(TooLargeError, match="21 rows, at most 20"):
            read_table(tmp_path / f"homes.{ending}", "homes", datum="wgs84")


def test_archives_that_unpack_to_more_than_the_limit(tmp_path, monkeypatch):
    from communityplan.load import formats

    monkeypatch.setattr(formats, "MOST_BYTES", 100_000)
    (tmp_path / "homes.csv.gz").write_bytes(gzip.compress(b"0" * 200_000))
    with zipfile.ZipFile(tmp_path / "homes.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("homes.shp", b"\0" * 200_000)
    # the size in the directory says less than there is
    lie = bytearray((tmp_path / "homes.zip").read_bytes())
    at = lie.index(b"PK\x01\x02")
    lie[at + 24 : at + 28] = struct.pack("<I", 10)
    (tmp_path / "lie.zip").write_bytes(lie)
    for name in ("homes.csv.gz", "homes.zip", "lie.zip"):
        with pytest.raises((TooLargeError, DataError), match=r"at most 100,000|broken archive"):
            read_table(tmp_path / name, "homes", datum="wgs84")


def test_archive_with_a_password_or_a_link(tmp_path):
    info = zipfile.ZipInfo("homes.shp")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as file:
        file.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match=r"'homes.shp' is a link"):
        read_table(tmp_path / "link.zip", "homes")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("homes.shp", "x")
    data = bytearray(packed.getvalue())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(data)
    with pytest.raises(DataError, match="has a password"):
        read_table(tmp_path / "locked.zip", "homes")


@pytest.mark.parametrize(("library", "extra"), [("openpyxl", "excel"), ("pyarrow", "parquet")])
def test_missing_library_names_the_extra(tmp_path, monkeypatch, library, extra):
    path = (workbook(COLUMNS) if extra == "excel" else parquet())(tmp_path)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibraryError, match=rf"communityplan\[{extra}\]"):
        read_table(path, "homes", datum="wgs84")


def test_limits_are_as_documented():
    assert raw.MOST_BYTES == 500_000_000
    assert raw.MOST_ROWS == 1_000_000
    assert raw.MOST_VERTICES == 5_000_000
