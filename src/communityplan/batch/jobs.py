"""What is to be done: one job for each project, with a name and the fingerprint of its inputs."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from communityplan.batch.tiles import Tile
from communityplan.errors import DataError, OptionError, Problem
from communityplan.project import Project, demo_folder
from communityplan.project.file import read_toml

__all__ = ["Given", "Job", "as_jobs", "fingerprint", "project_files"]

Given = str | Path | Project | Tile

LONGEST_NAME = 60
BLOCK = 1 << 20


@dataclass(frozen=True)
class Job:
    """One project of a batch.

    Attributes
    ----------
    name : str
        Unique in the batch, and fit for the name of a file.
    given : Path, Project or Tile
        Where the project is read from, or the project itself.
    """

    name: str
    given: Path | Project | Tile

    @property
    def source(self) -> str:
        """Where it comes from, for people."""
        return str(self.given) if isinstance(self.given, Path) else self.given.source


def project_files(folder: str | Path) -> list[Path]:
    """Every ``project.toml`` in a folder and the folders in it, in the order of their paths.

    Parameters
    ----------
    folder : str or Path
        A project file is given back as it is.

    Returns
    -------
    list of Path

    Raises
    ------
    DataError
        Where there is none.

    Examples
    --------
    >>> from communityplan.project import demo_folder
    >>> from communityplan.batch import project_files
    >>> [file.name for file in project_files(demo_folder())]
    ['project.toml']
    """
    place = Path(folder)
    if not place.is_dir():
        return [place]
    found = sorted(place.rglob("project.toml"))
    if not found:
        todo = "Give project files, or a folder that holds them"
        raise DataError([Problem(str(place), "there is no project.toml in it", todo)])
    return found


def as_jobs(projects: Given | Iterable[Given] | Mapping[str, Given]) -> list[Job]:
    """Projects as jobs, each with a name of its own.

    Parameters
    ----------
    projects : path, Project, Tile, iterable of these, or mapping of these by name
        A folder without a ``project.toml`` stands for all projects in it.

    Raises
    ------
    OptionError
        Where a project is given twice, or something is no project.
    """
    if isinstance(projects, Mapping):
        named = {str(name): _path_or_project(given) for name, given in projects.items()}
    else:
        one = isinstance(projects, str | Path | Project | Tile)
        listed: Iterable[Given] = [projects] if one else projects  # type: ignore[list-item, assignment]  # narrowed by `one`
        named = _named([found for given in listed for found in _spread(given)])
    jobs = [Job(_slug(name), given) for name, given in named.items()]
    _refuse_twins(jobs)
    return jobs


def _spread(given: Given) -> Iterator[Path | Project | Tile]:
    """The projects that one entry stands for."""
    known = _path_or_project(given)
    if isinstance(known, Path) and known.is_dir() and not (known / "project.toml").exists():
        yield from project_files(known)
    else:
        yield known


def _path_or_project(given: Any) -> Path | Project | Tile:
    if isinstance(given, Project | Tile):
        return given
    if not isinstance(given, str | Path):
        raise OptionError(f"{given!r} is no project: give paths or projects")
    if str(given) == "demo" and not Path(given).exists():
        return demo_folder()
    return Path(given)


def _named(given: list[Path | Project | Tile]) -> dict[str, Path | Project | Tile]:
    """Names from folders and files, as many folders above as are needed to tell them apart."""
    words = [_words(one) for one in given]
    depth = [1] * len(given)
    while True:
        names = ["-".join(parts[-count:]) for parts, count in zip(words, depth, strict=True)]
        often = Counter(_slug(name).casefold() for name in names)
        more = [
            row
            for row, name in enumerate(names)
            if often[_slug(name).casefold()] > 1 and depth[row] < len(words[row])
        ]
        if not more:
            break
        for row in more:
            depth[row] += 1
    if len(set(names)) < len(names):
        twins = ", ".join(name for name, count in Counter(names).items() if count > 1)
        raise OptionError(f"given more than once: {twins}; give each project once, or name them")
    return dict(zip(names, given, strict=True))


def _words(given: Path | Project | Tile) -> list[str]:
    if not isinstance(given, Path):
        return [given.name or "project"]
    place = given.absolute()
    if place.name == "project.toml":
        place = place.parent
    parts = [part for part in place.parts[1:-1] if part]
    return [*parts, place.stem if place.suffix == ".toml" else place.name]


def _slug(name: str) -> str:
    """Letters of any script, digits, dots and dashes; a long name keeps its end apart by a hash."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip("._") or "project"
    if len(plain) <= LONGEST_NAME:
        return plain
    return f"{plain[:LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _refuse_twins(jobs: list[Job]) -> None:
    often = Counter(job.name.casefold() for job in jobs)
    twins = sorted({job.name for job in jobs if often[job.name.casefold()] > 1})
    if twins:
        raise OptionError(f"names of projects that are the same as file names: {', '.join(twins)}")


def fingerprint(job: Job, options: Mapping[str, Any]) -> str:
    """What the results depend on: the content of every file, the options, the version.

    Parameters
    ----------
    job : Job
    options : mapping of str to object
        Options of the batch that change results.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    mark = hashlib.sha256()
    mark.update(f"{_version()} {sorted(options.items())!r}".encode())
    given = job.given
    if isinstance(given, Path):
        for part in _content(given):
            mark.update(part)
        return mark.hexdigest()
    if isinstance(given, Tile):
        mark.update(f"{given.owned!r} {given.overlap_m!r}".encode())
        given = given.whole
    for part in _project_content(given):
        mark.update(part)
    return mark.hexdigest()


def _version() -> str:
    try:
        return version("communityplan")
    except PackageNotFoundError:
        return ""


def _content(path: Path) -> Iterator[bytes]:
    """The project file and every file it names, by name and content."""
    file = path / "project.toml" if path.is_dir() else path
    yield from _file_content(file)
    try:
        # refuses what names another machine before any of it is tried as a file
        asked = read_toml(file)
    except DataError:
        return
    for name in sorted(set(_texts(asked))):
        for found in _with_companions(file.parent / name):
            yield from _file_content(found)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a project file; those that name a file are found by trying."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _with_companions(file: Path) -> list[Path]:
    """A file, with all that bear its name where it is a shapefile."""
    try:
        if not file.is_file():
            return []
    except (OSError, ValueError):
        return []
    if file.suffix.lower() != ".shp":
        return [file]
    return sorted(other for other in file.parent.glob(f"{file.stem}.*") if other.is_file())


def _file_content(file: Path) -> Iterator[bytes]:
    yield f"\0{file.name}\0".encode()
    try:
        with file.open("rb") as opened:
            while block := opened.read(BLOCK):
                yield block
    except OSError as error:
        yield f"{type(error).__name__}".encode()


def _project_content(project: Project) -> Iterator[bytes]:
    """The fields of a project that was not read from a file by the batch."""
    for field in fields(project):
        value = getattr(project, field.name)
        yield f"\0{field.name}\0".encode()
        if isinstance(value, pd.DataFrame):
            yield from _table_content(value)
        elif isinstance(value, Path):
            yield from _file_content(value)
        else:
            yield repr(value).encode()


def _table_content(table: pd.DataFrame) -> Iterator[bytes]:
    for name in table.columns:
        column = table[name]
        yield str(name).encode()
        if isinstance(column, gpd.GeoSeries):
            yield from (shape or b"" for shape in column.to_wkb())
        else:
            yield pd.util.hash_pandas_object(column.map(str), index=False).to_numpy().tobytes()
