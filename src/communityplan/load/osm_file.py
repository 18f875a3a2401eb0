"""One OpenStreetMap file to flat arrays: what the rules look at, and nothing else."""

from __future__ import annotations

from pathlib import Path

from communityplan.errors import DataError, MissingLibraryError, TooLargeError
from communityplan.load.osm_blocks import read_blocks
from communityplan.load.osm_data import Interest, OsmData
from communityplan.load.osm_format import bad_file, format_of
from communityplan.load.osm_library import read_objects
from communityplan.load.osm_pbf import has_zero_in_text
from communityplan.load.osm_varints import OddBlockError

__all__ = ["read_file"]

MEMORY_PER_BYTE = {"pbf": 50.0, "osm": 4.0, "osm.bz2": 40.0, "osm.gz": 40.0}
"""Peak memory over the size of the file, by kind: rough, measured on districts and one city."""


def read_file(path: Path, interest: Interest, most_memory_gb: float) -> OsmData:
    """Read the objects of interest.

    Parameters
    ----------
    path : Path
        ``.osm.pbf``, ``.osm`` or ``.osm.bz2``; the content decides, not the name.
    interest : Interest
        What to look for.
    most_memory_gb : float
        A file that would take more memory than this is refused [GB].

    Returns
    -------
    OsmData
        Coordinates in degrees (WGS-84).

    Raises
    ------
    DataError
        The file is missing, empty, broken off, or of another kind.
    TooLargeError
        The file would take more memory than `most_memory_gb`.
    """
    kind = format_of(path)
    size = path.stat().st_size
    needed_gb = size * MEMORY_PER_BYTE[kind] / 1e9
    if needed_gb > most_memory_gb:
        raise TooLargeError(
            f"{path}: {size / 1e6:.0f} MB would take about {needed_gb:.0f} GB of memory, more than "
            f"most_memory_gb={most_memory_gb:g}. Cut out the district, for example with "
            "osmium extract --bbox W,S,E,N, or raise most_memory_gb"
        )
    if kind == "pbf":
        try:
            return read_blocks(path, interest)
        except OddBlockError:
            # osmium knows more kinds of blocks, and says what is wrong with broken ones
            if has_zero_in_text(path):
                todo = "Download it again"
                raise bad_file(path, "is damaged (a zero byte inside a text)", todo) from None
    return _by_osmium(path, kind, interest)


def _by_osmium(path: Path, kind: str, interest: Interest) -> OsmData:
    try:
        import osmium
        import osmium.geom
    except ImportError as error:
        raise MissingLibraryError(
            "reading OpenStreetMap files needs osmium: pip install osmium"
        ) from error
    source = osmium.io.File(str(path), kind)
    damaged = (RuntimeError, ValueError, OSError, OverflowError, osmium.InvalidLocationError)
    try:
        if osmium.io.Reader(source, osmium.osm.NOTHING).header().has_multiple_object_versions:
            todo = "Cut out one day, for example with osmium time-filter"
            raise bad_file(path, "holds the history of the map", todo)
        return read_objects(osmium, source, interest)
    except DataError:
        raise
    except damaged as error:
        raise bad_file(
            path,
            f"breaks off or is damaged ({error})",
            "Download it again, or make the extract again",
        ) from error
