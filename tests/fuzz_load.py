"""Thousands of damaged files: each ends in a clear error or in a table with the right total.

Run by itself: ``python tests/fuzz_load.py [--count 10000] [--seed 1] [--only CASE]``.
A case is damaged by a generator seeded with its number, so that `--only` repeats it. The cases run
in a process of their own, so that a crash or a hang of a reader is a finding and not the end.
"""

from __future__ import annotations

import argparse
import bz2
import collections
import csv
import gzip
import io
import json
import math
import multiprocessing
import random
import re
import signal
import sqlite3
import struct
import sys
import tempfile
import time
import traceback
import warnings
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import osmium
import pandas as pd
import rasterio
import shapely

from communityplan.demand import homes_from_raster, placement
from communityplan.errors import CommunityPlanError
from communityplan.load.files import read_table
from communityplan.load.osm import read_osm
from communityplan.tables import HOMES, find_problems
from osm_xml import GRID
from test_load_osm_files import TOWN, sound

SECONDS_PER_CASE = 20
ROWS = 25
HEADING = "居住人数"
BLOCKS = gpd.GeoDataFrame(
    {"residential": True, "floor_area_m2": [3000.0, 1000.0, 500.0]},
    geometry=[shapely.box(x, 510, x + 120, 540) for x in (310, 700, 1200)],
    crs=32650,
)
LINED = ("csv-utf8", "csv-bom", "csv-gbk", "geojson", "kml")


def homes() -> gpd.GeoDataFrame:
    """Homes of a made-up estate, with the troubles that real tables have."""
    data = {
        "楼栋编号": [f"{i}栋" for i in range(1, ROWS + 1)],
        "小区名称": ["花园新村"] * ROWS,
        HEADING: [100 + i for i in range(ROWS)],
        "老年人数": [20 + i for i in range(ROWS)],
        "层数": [6] * ROWS,
        "有无电梯": ["否", "是", "无", "有", "否"] * (ROWS // 5),
        "建筑面积": [3605.5 + i for i in range(ROWS)],
        "备注": ["", "一楼,临街", '标"危"', "东侧\n有墙", "正常"] * (ROWS // 5),
    }
    points = [shapely.Point(121.44 + i * 1e-4, 31.13 + i * 1e-4) for i in range(ROWS)]
    return gpd.GeoDataFrame(data, geometry=points, crs=4326)


def sources(folder: Path) -> dict[str, dict[str, bytes]]:
    """Sound files by name of the case family: the parts of each, the one to read first."""
    table = homes()
    plain = pd.DataFrame(table.drop(columns="geometry"))
    plain["经度"], plain["纬度"] = table.geometry.x, table.geometry.y
    plain[HEADING] = [f"{n}人" if n % 7 == 0 else str(n) for n in plain[HEADING]]
    text = plain.to_csv(index=False)
    found = {
        "csv-utf8": {"homes.csv": text.encode()},
        "csv-bom": {"homes.csv": text.encode("utf-8-sig")},
        "csv-gbk": {"homes.csv": text.encode("gb18030")},
        "csv-utf16": {"homes.csv": text.encode("utf-16")},
        "csv-gz": {"homes.csv.gz": gzip.compress(text.encode(), mtime=0)},
    }
    plain.to_excel(folder / "homes.xlsx", index=False)
    found["xlsx"] = {"homes.xlsx": (folder / "homes.xlsx").read_bytes()}
    found["xlsx-inner"] = dict(found["xlsx"])
    table.to_file(folder / "homes.geojson")
    found["geojson"] = {"homes.geojson": (folder / "homes.geojson").read_bytes()}
    table.to_file(folder / "homes.kml", driver="KML")
    found["kml"] = {"homes.kml": (folder / "homes.kml").read_bytes()}
    table.to_file(folder / "homes.gpkg", layer="homes")
    found["geopackage"] = {"homes.gpkg": (folder / "homes.gpkg").read_bytes()}
    table.to_parquet(folder / "homes.parquet")
    found["geoparquet"] = {"homes.parquet": (folder / "homes.parquet").read_bytes()}
    table.to_file(folder / "layer.shp", encoding="gb18030")
    (folder / "layer.cpg").unlink()
    names = [f"layer.{ending}" for ending in ("shp", "shx", "dbf", "prj")]
    parts = {name: (folder / name).read_bytes() for name in names}
    found["shapefile"] = parts
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    found["zip"] = {"homes.zip": packed.getvalue()}
    found["zip-inner"] = dict(found["zip"])
    return found | maps_and_rasters(folder)


def maps_and_rasters(folder: Path) -> dict[str, dict[str, bytes]]:
    """OpenStreetMap files, their blocks packed and not, and a raster of people."""
    (folder / "town.osm").write_bytes(TOWN)
    found = {"osm": {"town.osm": TOWN}, "osm-bz2": {"town.osm.bz2": bz2.compress(TOWN)}}
    for family, packing in (("osm-pbf", "zlib"), ("osm-pbf-plain", "none")):
        target = folder / f"{family}.osm.pbf"
        writer = osmium.SimpleWriter(osmium.io.File(str(target), f"pbf,pbf_compression={packing}"))
        for item in osmium.FileProcessor(str(folder / "town.osm")):
            writer.add(item)
        writer.close()
        found[family] = {target.name: target.read_bytes()}
    place = rasterio.Affine(100, 0, 0, 0, -100, 2000)
    with rasterio.open(
        folder / "people.tif", "w", driver="GTiff", height=20, width=20, count=1,
        dtype="float32", crs=32650, transform=place, nodata=-200,
    ) as file:  # fmt: skip
        file.write(np.arange(400, dtype=np.float32).reshape(1, 20, 20) % 7)
    return found | {"raster": {"people.tif": (folder / "people.tif").read_bytes()}}


TOKENS = [
    b'"', b",", b"\n", b"\r", b"\t", b";", b"\x00", b"-", b"e9", b"1e999", b"NaN", b"Infinity",
    "合计".encode(), "合计".encode("gbk"), "，".encode(), "１２".encode(), b"99999999999999999999",
    b"{", b"}", b"[", b"]", b"null", b"true", b"<", b">", b"&", b"<!DOCTYPE a>", b"&#0;", b"'",
    b"0", b".", b"\xff", b"\xfe", b"\xef\xbb\xbf", b" ", "人".encode(), "万".encode(),
    b"PK\x03\x04", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"=1+1", b"#REF!",
    b"1,200",
]  # fmt: skip


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, in one to four places."""
    body = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        at = rng.randrange(len(body) + 1)
        size = rng.choice([1, 1, 2, 4, 16, 64, 300])
        kind = rng.randrange(9)
        if kind == 0 and at < len(body):
            body[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(body):
            body[at] = rng.randrange(256)
        elif kind == 2:
            body[at:at] = rng.choice(TOKENS)
        elif kind == 3:
            token = rng.choice(TOKENS)
            body[at : at + len(token)] = token
        elif kind == 4:
            del body[at : at + size]
        elif kind == 5:
            body[at:at] = body[at : at + size]
        elif kind == 6:
            del body[at:]
        elif kind == 7:
            other = rng.randrange(len(body) + 1)
            body[at : at + size] = body[other : other + size]
        else:
            body[at:at] = bytes(rng.randrange(256) for _ in range(min(size, 16)))
    return bytes(body)


def rearranged(data: bytes, rng: random.Random) -> bytes:
    """Lines or cells of a text moved, doubled, dropped or cut."""
    lines = data.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(6)
    if kind == 0:
        lines.insert(at, lines[other])
    elif kind == 1:
        del lines[at]
    elif kind == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 3:
        cells = lines[at].split(b",")
        rng.shuffle(cells)
        lines[at] = b",".join(cells)
    elif kind == 4:
        cells = lines[at].split(b",")
        cells[rng.randrange(len(cells))] = rng.choice(TOKENS)
        lines[at] = b",".join(cells)
    else:
        lines[at] = b""
    return b"\n".join(lines)


def repacked(data: bytes, rng: random.Random) -> bytes:
    """An archive with one member damaged inside and packed soundly again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    name = rng.choice(sorted(members))
    if rng.random() < 0.7 and "xl/worksheets/sheet1.xml" in members:
        name = "xl/worksheets/sheet1.xml"
    members[name] = damaged(members[name], rng)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, body in members.items():
            archive.writestr(member, body)
    return packed.getvalue()


def mutate(family: str, parts: dict[str, bytes], rng: random.Random) -> dict[str, bytes]:
    mutated = dict(parts)
    name = rng.choice(sorted(mutated))
    if family.endswith("-inner"):
        mutated[name] = repacked(mutated[name], rng)
    elif (
        family.startswith(("csv-utf8", "csv-bom", "csv-gbk", "geojson", "kml"))
        and rng.random() < 0.4
    ):
        mutated[name] = rearranged(mutated[name], rng)
    else:
        mutated[name] = damaged(mutated[name], rng)
    return mutated


# the naive reading: rows and the cells of one column, by other means than the package's


def naive_csv(data: bytes, facts: dict) -> tuple[int, list]:
    encoding = {"utf-8": "utf-8-sig"}.get(facts["encoding"], facts["encoding"])
    text = data.decode(encoding).removeprefix("\ufeff")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=facts["delimiter"]))
    top = facts["heading_row"] - 1
    names = [name.strip() for name in rows[top]]
    body = [row for row in rows[top + 1 :] if any(cell.strip() for cell in row)]
    return len(body), [row[names.index(heading_of(facts))] for row in body]


def heading_of(facts: dict) -> str:
    return next(name for name, column in facts["headings"].items() if column == "residents")


def naive_xlsx(data: bytes, facts: dict) -> tuple[int, list]:
    sheet = openpyxl.load_workbook(io.BytesIO(data), data_only=True)[facts["sheet"]]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    top = facts["heading_row"] - 1
    names = [str(name).strip() for name in rows[top]]
    body = [row for row in rows[top + 1 :] if any(str(c).strip() for c in row if c is not None)]
    return len(body), [row[names.index(heading_of(facts))] for row in body]


def naive_geojson(data: bytes, facts: dict) -> tuple[int, list]:
    book = json.loads(data.decode(facts["encoding"]).removeprefix("\ufeff"))
    features = book.get("features", [book])
    heading = heading_of(facts)
    cells = [
        next((c for k, c in f["properties"].items() if k.strip() == heading), None)
        for f in features
    ]
    return len(features), cells


def naive_kml(data: bytes, facts: dict) -> tuple[int, list]:
    text = data.decode(facts["encoding"]).removeprefix("\ufeff").strip()
    root = ElementTree.fromstring(re.sub(r"^<\?xml[^>]*\?>", "", text).strip())
    places = [item for item in root.iter() if item.tag.endswith("Placemark")]
    heading = heading_of(facts)
    cells = []
    for place in places:
        # a field of the schema that strayed into a place is no cell
        cells_of = [i for i in place.iter() if i.tag.endswith("Data")]
        named = [i for i in cells_of if i.get("name") == heading]
        texts = ["".join(item.itertext()).strip() for item in named]
        cells.append(texts[-1] if texts else None)
    return len(places), cells


def naive_dbf(data: bytes, facts: dict) -> tuple[int, list]:
    rows, start, width = struct.unpack("<iHH", data[4:12])
    place, offset = 32, 1
    at = None
    while data[place] != 0x0D and place < start:
        name = data[place : place + 11].split(b"\x00")[0]
        if name.decode(facts["encoding"], "replace").strip() == heading_of(facts):
            at = (offset, data[place + 16])
        offset += data[place + 16]
        place += 32
    records = [data[start + i * width : start + (i + 1) * width] for i in range(rows)]
    kept = [record for record in records if record[:1] != b"*"]
    cells = [r[at[0] : at[0] + at[1]].decode(facts["encoding"], "replace").strip() for r in kept]
    return len(kept), cells


def naive_sqlite(path: Path, facts: dict) -> tuple[int, list]:
    base = sqlite3.connect(path)
    try:
        rows = base.execute(f'SELECT "{heading_of(facts)}" FROM "{facts["layer"]}"').fetchall()
    finally:
        base.close()
    return len(rows), [row[0] for row in rows]


def naive(family: str, path: Path, facts: dict) -> tuple[int, list]:
    data = path.read_bytes()
    kind = family.split("-", maxsplit=1)[0]
    if kind == "csv":
        return naive_csv(gzip.decompress(data) if path.suffix == ".gz" else data, facts)
    if kind == "shapefile":
        return naive_dbf(path.with_suffix(".dbf").read_bytes(), facts)
    if kind == "zip":
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dbf"))
            return naive_dbf(archive.read(name), facts)
    if kind == "geopackage":
        return naive_sqlite(path, facts)
    if kind == "geoparquet":
        table = pd.read_parquet(path, columns=[heading_of(facts)])
        return len(table), table.iloc[:, 0].tolist()
    return {"xlsx": naive_xlsx, "geojson": naive_geojson, "kml": naive_kml}[kind](data, facts)


def plain_number(cell: object) -> float | None:
    if isinstance(cell, bool) or cell is None:
        return None
    if isinstance(cell, int | float):
        return float(cell)
    text = str(cell).strip()
    return float(text) if re.fullmatch(r"[+-]?\d+(\.\d*)?|[+-]?\.\d+", text, re.ASCII) else None


def check_map(path: Path) -> str:
    """What is wrong with the tables of a map, empty if nothing."""
    try:
        sound(read_osm(path, crs=GRID))
    except AssertionError as error:
        return f"unsound tables: {str(error)[:200]}"
    return ""


def check_raster(path: Path) -> str:
    """Whether everybody in a raster is somewhere, once."""
    homes = homes_from_raster(BLOCKS, path, kind="count")
    facts = placement(homes).iloc[0]
    parts = facts["in_place"] + facts["moved"] + facts["unplaced"]
    if not math.isclose(facts["people"], parts, rel_tol=1e-9, abs_tol=1e-9):
        return f"{facts['people']} people became {parts}"
    held = facts["in_place"] + facts["moved"]
    if not math.isclose(homes["residents"].sum(), held, rel_tol=1e-9, abs_tol=1e-9):
        return f"{held} people became {homes['residents'].sum()}"
    return ""


def check(family: str, path: Path, table: gpd.GeoDataFrame) -> str:
    """What is wrong with a table that was read, empty if nothing."""
    facts = table.attrs["communityplan"]
    broken = find_problems(table, HOMES)
    if broken:
        return f"the table breaks its contract: {broken[0]}"
    rows, cells = naive(family, path, facts)
    if rows != len(table):
        return f"{len(table)} rows, the file has {rows}"
    noted = {c["row"]: c["became"] for c in facts["changes"] if c["column"] == "residents"}
    naively = [plain_number(cell) for cell in cells]
    for row, (value, plain) in enumerate(zip(table["residents"], naively, strict=True)):
        if plain is None and value not in noted.values():
            return f"row {row}: {cells[row]!r} became {value} and nothing is noted"
        if plain is not None and not math.isclose(plain, value):
            return f"row {row}: {cells[row]!r} became {value}"
    return ""


def run_case(
    case: int, seed: int, files: dict[str, dict[str, bytes]], folder: Path
) -> tuple[str, str]:
    """Outcome of one case: "table", the name of our error, or "failure" with what happened."""
    rng = random.Random(f"{seed}/{case}")
    family = sorted(files)[case % len(files)]
    parts = mutate(family, files[family], rng)
    for old in folder.iterdir():
        old.unlink()
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    path = folder / next(iter(parts))
    datum = rng.choice(["wgs84", "gcj02", "bd09"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if family.startswith("osm"):
                wrong = check_map(path)
            elif family == "raster":
                wrong = check_raster(path)
            else:
                wrong = check(family, path, read_table(path, "homes", datum=datum))
    except CommunityPlanError as error:
        return type(error).__name__, "" if str(error).strip() else "an error without a word"
    except BaseException:
        return "failure", f"{family}: {traceback.format_exc(limit=-4)}"
    return ("failure", f"{family}: {wrong}") if wrong else ("table", family)


def work(cases: list[int], seed: int, pipe) -> None:
    """Run cases one after the other, telling each before and after."""

    def too_long(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS_PER_CASE} s")

    signal.signal(signal.SIGALRM, too_long)
    with tempfile.TemporaryDirectory() as sound, tempfile.TemporaryDirectory() as folder:
        files = sources(Path(sound))
        for case in cases:
            pipe.send((case, None, None))
            signal.alarm(SECONDS_PER_CASE)
            outcome, detail = run_case(case, seed, files, Path(folder))
            signal.alarm(0)
            pipe.send((case, outcome, detail))
    pipe.send(None)


def run(cases: list[int], seed: int, tell: Callable[[int, str, str], None]) -> None:
    """Run cases in a process of their own; after a crash the rest run in a new one."""
    left = list(cases)
    while left:
        here, there = multiprocessing.Pipe(duplex=False)
        worker = multiprocessing.Process(target=work, args=(left, seed, there), daemon=True)
        worker.start()
        there.close()
        current = None
        while True:
            try:
                # a reader stuck in compiled code does not hear the alarm
                message = here.recv() if here.poll(3 * SECONDS_PER_CASE) else "stuck"
            except EOFError:
                message = "crash"
            if message is None:
                return
            if isinstance(message, str):
                worker.kill()
                worker.join()
                if current is None:
                    sys.exit(f"the worker did not start: {message}")
                tell(current, "failure", message)
                left = left[left.index(current) + 1 :]
                break
            current, outcome, detail = message
            if outcome is not None:
                tell(current, outcome, detail)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    outcomes: collections.Counter[str] = collections.Counter()
    tables: collections.Counter[str] = collections.Counter()
    failures: list[tuple[int, str]] = []

    def tell(case: int, outcome: str, detail: str) -> None:
        if outcome not in ("failure", "table") and detail:
            outcome = "failure"
        outcomes[outcome] += 1
        if outcome == "table":
            tables[detail] += 1
        if outcome == "failure":
            failures.append((case, detail))
            print(f"case {case}: {detail}", flush=True)

    begun = time.perf_counter()
    cases = list(range(options.count)) if options.only is None else [options.only]
    run(cases, options.seed, tell)
    print("tables by kind of file:", dict(sorted(tables.items())))
    listed = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
    seconds = time.perf_counter() - begun
    print(
        f"fuzz_load: {sum(outcomes.values())} damaged files, seed {options.seed}: {listed}; "
        f"{len(failures)} failures, {seconds:.0f} s"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
