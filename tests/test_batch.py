"""Batches: the same bytes however they are run, whole files only, and nothing is lost."""

from __future__ import annotations

import errno
import json
import math
import multiprocessing
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import communityplan as cp
from batch_projects import BROKEN, write_tiny
from communityplan._search import engine
from communityplan.batch import cut_tiles, least_overlap_m, project_files, read_batch, run_batch
from communityplan.batch.folder import opened
from communityplan.batch.jobs import as_jobs
from communityplan.cli import main
from communityplan.errors import DataError, OptionError
from communityplan.project import Project
from towns import grid_streets

pytest.importorskip("pyarrow", reason="batches need pyarrow")
pytest.importorskip("filelock", reason="batches need filelock")

TINY = 4


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("projects")
    for number in range(TINY):
        write_tiny(folder / f"t{number}", number)
    return folder


@pytest.fixture(scope="module")
def whole(inputs, tmp_path_factory) -> dict[str, bytes]:
    """The files of a run without any further process."""
    out = tmp_path_factory.mktemp("whole") / "out"
    status = run_batch(inputs, out, workers=0)
    assert status["state"].tolist() == ["done"] * TINY
    return files(out)


def files(folder: Path) -> dict[str, bytes]:
    """Every table by its place; the states hold seconds, which differ."""
    found = [file for file in folder.rglob("*.parquet") if file.name != "status.parquet"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in found}


def strays(folder: Path) -> list[str]:
    return [str(file) for file in folder.rglob(".*") if file.name != ".lock"]


def test_every_table_of_every_project_is_there(whole):
    tables = {Path(name).parent.name for name in whole}
    assert tables == {"ledger", "access", "areas", "ranking", "chosen"}
    assert {Path(name).stem for name in whole} == {f"t{number}" for number in range(TINY)}


def test_two_processes_both_killed_once_give_the_same_bytes(inputs, whole, tmp_path):
    told = []

    def kill_all(progress):
        told.append(progress)
        if len(told) == 2:
            for child in multiprocessing.active_children():
                os.kill(child.pid, 9)

    status = run_batch(inputs, tmp_path / "out", workers=2, tell=kill_all)
    assert status["state"].tolist() == ["done"] * TINY
    assert files(tmp_path / "out") == whole
    assert (told[-1].done, told[-1].total, told[-1].left_s) == (TINY, TINY, 0.0)
    assert not multiprocessing.active_children()


class Deadly:
    """Ends the process that receives it."""

    def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
        return os._exit, (9,)


def test_a_project_that_ends_its_process_fails_and_the_others_do_not(inputs, whole, tmp_path):
    tiny = cp.load_project(inputs / "t0")
    deadly = replace(tiny, network_options={"at": Deadly()})
    given = {"t0": inputs / "t0", "deadly": deadly, "t1": inputs / "t1"}
    status = run_batch(given, tmp_path / "out", workers=1).set_index("project")
    assert status["state"].to_dict() == {"t0": "done", "deadly": "failed", "t1": "done"}
    assert "twice (exit code 9)" in status.loc["deadly", "error"]
    found = files(tmp_path / "out")
    assert found == {name: data for name, data in whole.items() if Path(name).stem in ("t0", "t1")}


def test_one_thread_two_threads_and_either_engine_give_the_same_bytes(tmp_path, monkeypatch):
    demo = cp.load_project("demo")
    asked = replace(demo, services=demo.services[:2], ranked=demo.ranked[:1], budget_yuan=None,
                    weights={}, standards=(), steps={})  # fmt: skip
    found = {}
    for way, price_s, threads in (("plain", np.inf, 1), ("one", -1.0, 1), ("two", -1.0, 2)):
        monkeypatch.setattr(engine, "_state", engine._State())
        monkeypatch.setattr(engine, "_price_s", lambda price_s=price_s: price_s)
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        status = run_batch({"demo": asked}, tmp_path / way, workers=0)
        assert set(status["state"]) == {"done"}
        found[way] = files(tmp_path / way)
    assert found["plain"] == found["one"] == found["two"]


@pytest.mark.filterwarnings("ignore")
def test_two_dask_workers_give_the_same_bytes(inputs, whole, tmp_path):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options, local_directory=str(tmp_path)) as cluster,
        distributed.Client(cluster) as client,
    ):
        status = run_batch(inputs, tmp_path / "out", client=client)
    assert status["state"].tolist() == ["done"] * TINY
    assert files(tmp_path / "out") == whole


def test_fifty_projects_broken_in_different_ways_give_fifty_clear_rows(tmp_path):
    for number, (damage, _) in enumerate(BROKEN.values()):
        damage(write_tiny(tmp_path / "in" / f"b{number:02d}", number))
    names = [f"b{number:02d}" for number in range(len(BROKEN))]
    whole = [write_tiny(tmp_path / "in" / f"ok{number}", number) for number in range(2)]
    given = [tmp_path / "in" / name / "project.toml" for name in names]
    status = run_batch([whole[0], *given, whole[1]], tmp_path / "out", workers=0)
    status = status.set_index("project")
    assert len(BROKEN) >= 50
    assert status.loc[["ok0", "ok1"], "state"].tolist() == ["done", "done"]
    assert (status.loc[names, "state"] == "failed").all()
    errors = status.loc[names, "error"]
    wanted = [word for _, word in BROKEN.values()]
    assert not [error for error, word in zip(errors, wanted, strict=True) if word not in error]
    assert not errors.str.contains("should not happen").any()
    assert errors.is_unique


def test_only_what_changed_or_was_damaged_is_done_again(inputs, tmp_path):
    shutil.copytree(inputs, tmp_path / "in")
    out = tmp_path / "out"

    def states() -> list[str]:
        return run_batch(tmp_path / "in", out, workers=0)["state"].tolist()

    assert states() == ["done"] * TINY
    before = files(out)
    assert states() == ["skipped"] * TINY
    # an input that is not the project file itself
    file = tmp_path / "in" / "t1" / "homes.geojson"
    file.write_text(file.read_text(encoding="utf-8").replace('"elderly": 6', '"elderly": 16'))
    # half of a table, half of an entry, and what an interrupted run leaves
    part = out / "ledger" / "t2.parquet"
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    entry = out / "status" / "t3.json"
    entry.write_text(entry.read_text(encoding="utf-8")[:40], encoding="utf-8")
    (out / "access" / ".unfinished-t0.parquet").write_bytes(b"PAR1")
    (out / "access" / "t9.parquet").write_bytes(b"PAR1")
    (out / "mine").mkdir()
    (out / "mine" / "t9.parquet").write_bytes(b"of the user")
    assert states() == ["skipped", "done", "done", "done"]
    assert not strays(out)
    assert (out / "mine" / "t9.parquet").exists()
    shutil.rmtree(out / "mine")
    after = files(out)
    assert after.keys() == before.keys()
    changed = {Path(name).stem for name in after if after[name] != before[name]}
    assert changed == {"t1"}


def test_a_project_that_fails_later_leaves_no_old_tables(inputs, tmp_path):
    shutil.copytree(inputs / "t0", tmp_path / "in" / "t0")
    run_batch(tmp_path / "in", tmp_path / "out", workers=0)
    (tmp_path / "in" / "t0" / "homes.geojson").unlink()
    for _ in range(2):
        status = run_batch(tmp_path / "in", tmp_path / "out", workers=0)
        assert status["state"].tolist() == ["failed"]
        assert not files(tmp_path / "out")


def test_a_full_disk_ends_in_one_error_and_the_next_run_goes_on(
    inputs, whole, tmp_path, monkeypatch
):
    left = [8]
    sync = os.fsync

    def full(number):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="No space left on device"):
        run_batch(inputs, tmp_path / "out", workers=0)
    monkeypatch.setattr(os, "fsync", sync)
    assert not strays(tmp_path / "out")
    status = run_batch(inputs, tmp_path / "out", workers=0)
    assert set(status["state"]) <= {"done", "skipped"}
    assert files(tmp_path / "out") == whole


def test_an_interrupted_run_goes_on(inputs, whole, tmp_path):
    def interrupt(progress):
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(inputs, tmp_path / "out", workers=0, tell=interrupt)
    assert not strays(tmp_path / "out")
    status = run_batch(inputs, tmp_path / "out", workers=0)
    assert status["state"].tolist() == ["skipped"] * 2 + ["done"] * 2
    assert files(tmp_path / "out") == whole


def test_a_second_run_in_the_folder_is_refused(inputs, tmp_path):
    with opened(tmp_path / "out"), pytest.raises(DataError, match=f"process {os.getpid()} on"):
        run_batch(inputs, tmp_path / "out", workers=0)


def test_folders_that_cannot_be_used(inputs, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be written"):
        run_batch(inputs, tmp_path / "file", workers=0)
    with pytest.raises(DataError, match=r"holds other files \(file\)"):
        run_batch(inputs, tmp_path, workers=0)
    with pytest.raises(DataError, match=r"no project\.toml"):
        project_files(tmp_path)


def test_names_tell_projects_apart(tmp_path):
    given = [tmp_path / "a" / "x", tmp_path / "b" / "x", tmp_path / "y.toml", tmp_path / "社 区"]
    assert [job.name for job in as_jobs(given)] == ["a-x", "b-x", "y", "社_区"]
    long = as_jobs({"长" * 300: tmp_path})[0].name
    assert len(f".unfinished-{long}.parquet".encode()) <= 255
    with pytest.raises(OptionError, match="more than once"):
        as_jobs([tmp_path / "x", tmp_path / "x"])
    with pytest.raises(OptionError, match="same as file names"):
        as_jobs({"a b": tmp_path, "a?b": tmp_path})
    with pytest.raises(OptionError, match="no project"):
        as_jobs([7])


def test_options_without_meaning(inputs, tmp_path):
    with pytest.raises(OptionError, match="workers is -1"):
        run_batch(inputs, tmp_path / "out", workers=-1)
    with pytest.raises(OptionError, match="one of the two"):
        run_batch(inputs, tmp_path / "out", workers=1, client=object())


def test_a_plan_that_would_not_fit_is_refused_with_what_would(inputs, tmp_path):
    status = run_batch(inputs / "t0", tmp_path / "out", workers=0, memory_mb=100)
    assert status["state"].tolist() == ["failed"]
    assert "estimated to take" in status["error"][0]
    assert status["community_id"].tolist() == ["c"]


def test_tables_are_read_back_with_every_column(tmp_path):
    write_tiny(tmp_path / "in" / "a", 1)
    other = write_tiny(tmp_path / "in" / "b", 2) / "idle.geojson"
    table = json.loads(other.read_text(encoding="utf-8"))
    table["features"][0]["properties"]["owner"] = "=1+1"
    other.write_text(json.dumps(table), encoding="utf-8")
    run_batch(tmp_path / "in", tmp_path / "out", workers=0)
    ranking = read_batch(tmp_path / "out", "ranking")
    assert ranking.crs.to_epsg() == 4326
    assert ranking["project"].tolist() == ["a", "b"]
    assert ranking["owner"].isna().tolist() == [True, False]
    single = gpd.read_parquet(tmp_path / "out" / "ranking" / "a.parquet")
    assert single.geometry.iloc[0].equals(ranking.geometry.iloc[0])
    # by hand: 117.00500 E, 30.00005 N
    assert shapely.get_coordinates(single.geometry)[0] == pytest.approx([117.005, 30.00005])
    assert len(read_batch(tmp_path / "out", "status")) == 2
    with pytest.raises(DataError, match="no such table"):
        read_batch(tmp_path / "out", "finance")


def long_town(seed: int) -> Project:
    """A town of 4 by 1 km with few shops, walls across it and communities with gates."""
    rng = np.random.default_rng(seed)
    streets = grid_streets(20, 100.0)
    streets = streets[streets.geometry.centroid.y.abs() < 550]
    streets = streets[rng.random(len(streets)) > 0.08].reset_index(drop=True)
    columns = [(x, y) for x in range(-2000, 2000, 400) for y in (-400, 0)]
    communities = gpd.GeoDataFrame(
        {
            "community_id": [f"c{row}" for row in range(len(columns))],
            "name": "院",
            "enclosed": rng.random(len(columns)) < 0.4,
        },
        geometry=[shapely.box(x + 30, y + 30, x + 370, y + 370) for x, y in columns],
        crs=streets.crs,
    )
    of = np.repeat(np.arange(len(columns)), 6)
    corners = np.array(columns)[of]
    at = corners + rng.uniform(40, 360, (len(of), 2))
    homes = gpd.GeoDataFrame(
        {
            "home_id": [f"h{row}" for row in range(len(of))],
            "community_id": communities["community_id"].to_numpy()[of],
            "residents": rng.integers(10, 90, len(of)),
            "storeys": rng.integers(1, 8, len(of)),
        },
        geometry=shapely.points(at),
        crs=streets.crs,
    )
    shops = rng.uniform((-2000, -450), (2000, 450), (9, 2))
    facilities = gpd.GeoDataFrame(
        {
            "facility_id": [f"f{row}" for row in range(9)],
            "service": ["market", "health", "canteen"] * 3,
        },
        geometry=shapely.points(shops),
        crs=streets.crs,
    )
    gates = gpd.GeoDataFrame(
        {"gate_id": [f"g{row}" for row in range(len(columns))], "who": "everyone"},
        geometry=[shapely.Point(x + 200, y + 30) for x, y in columns],
        crs=streets.crs,
    )
    walls = gpd.GeoDataFrame(
        {"wall_id": ["w1", "w2"]},
        geometry=[shapely.LineString([(x, -600), (x, 200)]) for x in (-750, 930)],
        crs=streets.crs,
    )
    asked = [replace(cp.named_service(name), group="residents", within_min=5.0)
             for name in ("market", "health", "canteen")]  # fmt: skip
    return Project(
        "长镇", communities, homes, facilities, streets, tuple(asked), walls=walls, gates=gates,
        minutes=(4.0, 6.0), standards=("gb50180",) if seed % 2 else (),
    )  # fmt: skip


def tiled(project: Project, folder: Path, **options: float) -> dict[str, pd.DataFrame]:
    tiles = cut_tiles(project, homes_per_tile=20, **options)
    status = run_batch(tiles, folder, workers=0)
    assert set(status["state"]) == {"done"}
    assert len(tiles) >= 4
    names = ["ledger", "access", *(["checkup"] if project.standards else [])]
    return {name: read_batch(folder, name) for name in names}


@pytest.mark.parametrize("seed", [1, 2])
def test_tiles_give_the_tables_of_the_whole(seed, tmp_path):
    project = long_town(seed)
    plan = cp.make_plan(project)
    key = ["community_id", "service", "group", "within_min"]
    ledger = plan.ledger.set_index(key).sort_index()
    home = plan.access.set_index(["service", "home_id"]).sort_index()
    everything = tiled(project, tmp_path / "all", overlap_m=math.inf)
    same = everything["ledger"].set_index(key).sort_index().drop(columns="project")
    pd.testing.assert_frame_equal(same, ledger, check_dtype=False)
    same = everything["access"].set_index(["service", "home_id"]).sort_index()
    pd.testing.assert_frame_equal(same.drop(columns="project"), home, check_dtype=False)
    # clauses ask for more than this town is long, so tiles without them show the overlap at work
    bare = replace(project, standards=())
    assert least_overlap_m(bare) < 1200
    near = tiled(bare, tmp_path / "near")
    found = near["ledger"].set_index(key).sort_index()
    exact = ["people", "covered", "covered_but_for_stairs"]
    pd.testing.assert_frame_equal(found[exact], ledger[exact], check_dtype=False)
    found = near["access"].set_index(["service", "home_id"]).sort_index()
    within = home["walk_min"] <= 6.0
    columns = ["walk_min", "facility_id"]
    pd.testing.assert_frame_equal(
        found.loc[within, columns], home.loc[within, columns], check_dtype=False
    )
    tile = cut_tiles(bare, homes_per_tile=20)[0].project()
    assert len(tile.streets) < 0.8 * len(project.streets)
    assert found["walk_min"].isna().sum() > home["walk_min"].isna().sum()
    if project.standards:
        same = everything["checkup"].sort_values(["community_id", "clause_id"], kind="stable")
        order = plan.checkup.sort_values(["community_id", "clause_id"], kind="stable")
        pd.testing.assert_frame_equal(
            same.drop(columns="project").reset_index(drop=True),
            order.reset_index(drop=True),
            check_dtype=False,
        )


def test_tiles_without_meaning(tmp_path):
    project = long_town(2)
    with pytest.raises(OptionError, match="homes_per_tile is 0"):
        cut_tiles(project, homes_per_tile=0)
    with pytest.raises(OptionError, match="give at least that"):
        cut_tiles(project, overlap_m=100)


def test_the_command_tells_what_failed_and_ends_with_1(inputs, tmp_path, capsys):
    broken = write_tiny(tmp_path / "broken")
    (broken / "homes.geojson").unlink()
    out = tmp_path / "out"
    given = [str(inputs / "t0"), str(broken), "--workers", "0", "--out", str(out)]
    assert main(["batch", *given, "--lang", "en"]) == 1
    said = capsys.readouterr()
    assert "2 projects: done 1, failed 1" in said.out
    assert "there is no file" in said.out
    assert "2/2 broken, 1 failed" in said.err
    assert main(["batch", str(inputs / "t0"), "--workers", "0", "--out", str(out)]) == 0
