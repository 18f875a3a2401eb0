"""The folder of a batch: whole files only, one run at a time, and what of it is still good."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from communityplan.batch.encode import TABLE_FOLDERS
from communityplan.batch.evaluate import Outcome
from communityplan.errors import DataError, MissingLibraryError, Problem

__all__ = ["Folder", "opened"]

MARK = "batch.json"
LOCK = ".lock"
UNFINISHED = ".unfinished-"
FORMAT = 1
TODO = "Make room or mend the rights of the folder, then give the same command: it goes on"


@dataclass(frozen=True)
class Folder:
    """A folder that this run has for itself; made by `opened`.

    Attributes
    ----------
    path : Path
        ``status/NAME.json`` says what came of a project, ``TABLE/NAME.parquet`` are its tables.
    """

    path: Path

    def entry(self, name: str) -> dict[str, Any] | None:
        """What is known of a project; None where nothing is, or the entry is damaged."""
        try:
            found = json.loads((self.path / "status" / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("project") == name else None

    def holds(self, name: str, fingerprint: str) -> bool:
        """Whether a project was done with the same inputs and all its files are whole."""
        entry = self.entry(name)
        if entry is None or entry.get("state") != "done" or entry.get("inputs") != fingerprint:
            return False
        parts: dict[str, str] = entry.get("parts", {})
        return all(_sum(self.part(table, name)) == whole for table, whole in parts.items())

    def part(self, table: str, name: str) -> Path:
        """Where a table of a project is."""
        return self.path / table / f"{name}.parquet"

    def keep(self, outcome: Outcome, *, source: str, fingerprint: str) -> dict[str, Any]:
        """Write what came of a project: the old entry goes first, the new one comes last.

        Returns
        -------
        dict
            The entry.
        """
        entry = {
            "project": outcome.name,
            "source": source,
            "state": outcome.state,
            "error": outcome.error,
            "notes": outcome.notes,
            "communities": [list(pair) for pair in outcome.communities],
            "seconds": round(outcome.seconds, 3),
            "processor_s": round(outcome.processor_s, 3),
            "peak_mb": None if outcome.peak_mb is None else round(outcome.peak_mb),
            "inputs": fingerprint,
            "parts": {
                table: hashlib.sha256(part).hexdigest() for table, part in outcome.parts.items()
            },
        }
        place = self.path / "status" / f"{outcome.name}.json"
        try:
            place.unlink(missing_ok=True)
            for old in self._parts_of(outcome.name):
                if old.parent.name not in outcome.parts:
                    old.unlink()
            for table, part in outcome.parts.items():
                self.write(self.part(table, outcome.name), part)
            self.write(place, _json(entry))
        except OSError as error:
            raise _unwritable(self.path, error) from error
        return entry

    def write(self, place: Path, content: bytes) -> None:
        """A file with this content, or as it was before; never a part of it."""
        place.parent.mkdir(exist_ok=True)
        # nobody else writes here, so one name is enough
        unfinished = place.with_name(f"{UNFINISHED}{place.name}")
        try:
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, place)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        _sync(place.parent)

    def write_status(self, content: bytes) -> None:
        """The table of all projects, ``status.parquet``."""
        try:
            self.write(self.path / "status.parquet", content)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def sweep(self) -> None:
        """Take away what an interrupted run left: unfinished files, tables without an entry."""
        for left in (*self.path.glob(f"{UNFINISHED}*"), *self.path.glob(f"*/{UNFINISHED}*")):
            left.unlink(missing_ok=True)
        named: dict[str, set[str]] = {}
        for part in self.path.glob("*/[!.]*.parquet"):
            if part.parent.name not in TABLE_FOLDERS:
                continue
            if part.stem not in named:
                named[part.stem] = set((self.entry(part.stem) or {}).get("parts", {}))
            if part.parent.name not in named[part.stem]:
                part.unlink()

    def _parts_of(self, name: str) -> list[Path]:
        parts = (self.part(table, name) for table in sorted(TABLE_FOLDERS))
        return [part for part in parts if part.exists()]


@contextmanager
def opened(path: str | Path) -> Iterator[Folder]:
    """A folder for this run alone, as the last whole file left it.

    Parameters
    ----------
    path : str or Path
        New, empty, or of an earlier batch.

    Yields
    ------
    Folder

    Raises
    ------
    DataError
        Where another run has the folder, other files are in it, or it cannot be written.
    MissingLibraryError
        Without filelock.
    """
    try:
        from filelock import FileLock, Timeout
    except ImportError as error:
        raise MissingLibraryError(
            'a batch locks its folder: pip install "communityplan[batch]"'
        ) from error
    place = Path(path)
    lock = FileLock(place / LOCK, timeout=0)
    folder = Folder(place)
    try:
        place.mkdir(parents=True, exist_ok=True)
        _refuse_strangers(place)
        lock.acquire()
        folder.sweep()
        folder.write(place / MARK, _json(_run()))
    except Timeout:
        found = _other_run(place)
        raise DataError([Problem(str(place), found, "Wait for it, or end it")]) from None
    except OSError as error:
        lock.release()
        raise _unwritable(place, error) from error
    try:
        yield folder
    finally:
        lock.release()


def _run() -> dict[str, Any]:
    """Who has the folder."""
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    return {"format": FORMAT, "process": os.getpid(), "host": socket.gethostname(), "begun": begun}


def _refuse_strangers(place: Path) -> None:
    """Only a new folder or that of a batch: others may hold tables of the same names."""
    if (place / MARK).exists():
        return
    others = sorted(file.name for file in place.iterdir() if not _is_ours(file.name))
    if others:
        found = f"holds other files ({', '.join(others[:3])})"
        raise DataError([Problem(str(place), found, "Give a new folder for the batch")])


def _is_ours(name: str) -> bool:
    return name == LOCK or name.startswith(UNFINISHED)


def _other_run(place: Path) -> str:
    try:
        told = json.loads((place / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        told = {}
    who = f"process {told.get('process', '?')} on {told.get('host', '?')}"
    return f"another batch writes there ({who}, since {told.get('begun', '?')})"


def _unwritable(place: Path, error: OSError) -> DataError:
    return DataError([Problem(str(place), f"cannot be written ({error})", TODO)])


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _sum(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _sync(folder: Path) -> None:
    """Have the names of a folder on disk too, where the system can."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(number)
    except OSError:
        return
    finally:
        os.close(number)
