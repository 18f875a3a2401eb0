"""A city file to checked tables and a walking network, beside pyrosm and OSMnx.

Every run is a process of its own, and the runs of all libraries take turns; pyrosm keeps results
on disk, so each of its runs gets an empty temporary folder. Times count from after the import of
the library; what it loads only when it is used counts. pyrosm loads pandana and igraph where they
are installed, so it is run twice: among all libraries, and, with --peers-python, where it lives
alone. Writes read.json beside itself.

    python benchmarks/bench_read.py [--reps 5] [--peers-python PATH]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "shared" / "data"
CITY = DATA / "las_palmas" / "las_palmas_20230221.osm.pbf"
TOWN = DATA / "porto_alegre" / "poa_osm.pbf"

CLOCK = """
import json, resource, sys, time, warnings
warnings.filterwarnings("ignore")
{imports}
wall, cpu = time.perf_counter(), time.process_time()
{work}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({{
    "wall_s": wall, "cpu_s": cpu, "process_cpu_s": usage.ru_utime + usage.ru_stime,
    "peak_mb": usage.ru_maxrss / 1024, "rows": {rows}}}))
"""
OURS_IMPORT = "import geopandas; import communityplan as cp"
OURS = """
osm = cp.read_osm(sys.argv[1])
network = cp.WalkNetwork.from_streets(osm.streets, walls=osm.walls, gates=osm.gates)
"""
OURS_ROWS = "[len(osm.streets), len(osm.buildings), len(osm.places), len(network.edges)]"
PYROSM_IMPORT = "import geopandas; import pyrosm"
PYROSM = """
osm = pyrosm.OSM(sys.argv[1])
streets = osm.get_network("walking"{nodes})
buildings, places = osm.get_buildings(), osm.get_pois()
"""
CITY_ROWS = "[len(streets), len(buildings), len(places)]"
NODES_ROWS = "[len(streets[0]), len(streets[1]), len(buildings), len(places)]"
LINES, NODES = PYROSM.format(nodes=""), PYROSM.format(nodes=", nodes=True")
OSMNX = """
graph = osmnx.graph_from_xml(sys.argv[2], bidirectional=True, retain_all=True)
nodes, edges = osmnx.graph_to_gdfs(graph)
"""
JOBS = {
    # name: file, imports, work, rows, whether it runs in the peers' own environment
    "city, communityplan": (CITY, OURS_IMPORT, OURS, OURS_ROWS, False),
    "city, pyrosm, lines": (CITY, PYROSM_IMPORT, LINES, CITY_ROWS, False),
    "city, pyrosm, nodes and edges": (CITY, PYROSM_IMPORT, NODES, NODES_ROWS, False),
    "city, pyrosm alone, lines": (CITY, PYROSM_IMPORT, LINES, CITY_ROWS, True),
    "city, pyrosm alone, nodes and edges": (CITY, PYROSM_IMPORT, NODES, NODES_ROWS, True),
    "town, communityplan": (TOWN, OURS_IMPORT, OURS, OURS_ROWS, False),
    "town, OSMnx": (TOWN, "import geopandas, osmnx", OSMNX, "[len(nodes), len(edges)]", False),
}


def as_xml(source: Path, folder: Path) -> Path:
    """The same objects as XML, which is all that OSMnx reads."""
    import osmium

    target = folder / "town.osm"
    with osmium.SimpleWriter(str(target)) as writer:
        for item in osmium.FileProcessor(str(source)):
            writer.add(item)
    return target


def run(job: str, python: str, xml: Path) -> dict[str, float]:
    """One run in a process of its own."""
    path, imports, work, rows, _ = JOBS[job]
    code = CLOCK.format(imports=imports, work=work, rows=rows)
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            [python, "-c", code, str(path), str(xml)],
            env={**os.environ, "TMPDIR": empty},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}  # type: ignore[dict-item]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def median(runs: list[dict[str, float]], name: str) -> float:
    return round(statistics.median(run[name] for run in runs), 3)


def summary(runs: list[dict[str, float]]) -> dict[str, object]:
    failed = [run for run in runs if "failed" in run]
    if failed:
        return {"failed": failed[0]["failed"]}
    names = ("wall_s", "cpu_s", "process_cpu_s", "peak_mb")
    return {
        **{name: median(runs, name) for name in names},
        "least_cpu_s": round(min(run["cpu_s"] for run in runs), 3),
        "rows": runs[0]["rows"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--peers-python", help="an interpreter that has pyrosm and little else")
    options = parser.parse_args()
    if not CITY.is_file():
        raise SystemExit(f"the city is not here: {CITY}")
    runs: dict[str, list[dict[str, float]]] = {job: [] for job in JOBS}
    with tempfile.TemporaryDirectory() as folder:
        xml = as_xml(TOWN, Path(folder))
        for _ in range(options.reps):
            for job, (*_, apart) in JOBS.items():
                python = options.peers_python if apart else sys.executable
                if python is not None:
                    runs[job].append(run(job, python, xml))
    found = {job: summary(each) for job, each in runs.items() if each}
    for job, figures in found.items():
        print(f"{job:32s}", figures)
    machine = {"python": platform.python_version(), "processor": platform.processor()}
    names = ("geopandas", "numpy", "shapely", "osmium", "pyrosm", "osmnx")
    libraries = {name: version(name) for name in names}
    told = {"machine": machine, "libraries": libraries, "reps": options.reps, "jobs": found}
    (HERE / "read.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
