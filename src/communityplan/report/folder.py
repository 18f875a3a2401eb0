"""A folder of results: every file of it is written, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from communityplan.errors import DataError, Problem

__all__ = ["handed_over"]

TODO = "Close the files in it, or choose another folder (--out)"


@contextmanager
def handed_over(folder: str | Path) -> Iterator[Path]:
    """A place to write in; what was written there is moved into the folder when all is done.

    Parameters
    ----------
    folder : str or Path
        Made where it is not there; files of the same names in it are replaced, others stay.

    Yields
    ------
    Path
        An empty folder beside it.

    Raises
    ------
    DataError
        Where the folder cannot be written; it is then as it was before.
    """
    target = Path(folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        yield made
        _move(made, target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _unwritable(target: Path, error: OSError) -> DataError:
    return DataError([Problem(str(target), f"cannot be written ({error})", TODO)])


def _move(made: Path, target: Path) -> None:
    """Every file to its place, or none: what was replaced comes back where one cannot be moved."""
    files = sorted(made.iterdir())
    target.mkdir(exist_ok=True)
    kept = Path(tempfile.mkdtemp(dir=made))
    moved: list[Path] = []
    try:
        for file in files:
            place = target / file.name
            if place.is_dir():
                raise IsADirectoryError(f"{place} is a folder")
            if place.exists():
                os.replace(place, kept / file.name)
            moved.append(place)
            os.replace(file, place)
    except OSError:
        for place in moved:
            place.unlink(missing_ok=True)
            if (kept / place.name).exists():
                os.replace(kept / place.name, place)
        raise
