"""Tables that a scenario is changing, and what has to be told about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.errors import Problem
from communityplan.network.edges import words
from communityplan.scenario.words import both
from communityplan.tables import as_flags

__all__ = ["NATURAL", "Draft", "appended", "meets_near", "no_such"]

Shapes = NDArray[np.object_]

NATURAL = ("river", "railway", "canal", "water", "stream", "cliff", "retaining wall")
"""Kinds of wall that are not taken down along with a wall that runs beside them, and where no
opening is proposed: what is needed there is a bridge, a crossing or steps."""


@dataclass(frozen=True)
class Draft:
    """Tables under change.

    Attributes
    ----------
    tables : mapping of str to GeoDataFrame or None
        Never changed in place.
    options : mapping
        Options of the network.
    label : str
        The measure that is being looked at, for messages.
    only_opens : bool
        Whether nothing was shut or narrowed so far.
    problems : tuple of Problem
    effects : tuple of dict
        ``has_effect``, ``zh`` and ``en`` of each measure.
    gone : frozenset of str
        Gates that went with their wall.
    start : Draft or None
        The tables before any measure.
    """

    tables: Mapping[str, gpd.GeoDataFrame | None]
    options: Mapping[str, Any]
    label: str = ""
    only_opens: bool = True
    problems: tuple[Problem, ...] = ()
    effects: tuple[dict[str, Any], ...] = field(default=())
    gone: frozenset[str] = frozenset()
    start: Draft | None = None

    def table(self, name: str) -> gpd.GeoDataFrame:
        """A table that has to be there."""
        table = self.tables[name]
        if table is None:
            return gpd.GeoDataFrame(geometry=[], crs=self.crs)
        return table

    @property
    def crs(self) -> Any:
        """Coordinate system of all tables."""
        streets = self.tables["streets"]
        return None if streets is None else streets.crs

    def having(self, **tables: gpd.GeoDataFrame | None) -> Draft:
        """With other tables."""
        return replace(self, tables={**self.tables, **tables})

    def wrong(self, found: str, todo: str) -> Draft:
        """With one more problem of the measure that is being looked at."""
        problem = Problem(self.label, found, todo)
        return replace(self, problems=(*self.problems, problem))

    def told(self, key: str, *, has_effect: bool = True, **values: Any) -> Draft:
        """With what became of the measure that is being looked at."""
        effect = {"has_effect": has_effect, **both("effect", key, **values)}
        return replace(self, effects=(*self.effects, effect))

    def shuts(self) -> Draft:
        """No longer a draft that only opens."""
        return replace(self, only_opens=False)

    @property
    def enclosed(self) -> NDArray[np.bool_]:
        """Which communities are enclosed, by the options of the network."""
        communities = self.table("communities")
        how = self.options["enclosed"]
        if how == "as_given" and "enclosed" in communities.columns:
            return np.asarray(as_flags(communities["enclosed"]))
        return np.full(len(communities), how == "all")

    @property
    def barriers(self) -> tuple[Shapes, NDArray[np.object_]]:
        """Lines that cannot be crossed and their kinds; boundaries have none."""
        walls = self.table("walls")
        kinds = words(walls["kind"]) if "kind" in walls.columns else np.full(len(walls), "")
        compounds = self.table("communities").geometry.to_numpy()[self.enclosed]
        lines = np.concatenate([walls.geometry.to_numpy(), shapely.boundary(compounds)])
        return lines, np.concatenate([kinds, np.full(len(compounds), "")]).astype(object)


def no_such(draft: Draft, what: str, name: str, known: Iterable[Any]) -> Draft:
    """A name that is not in its table, with those that come near it."""
    names = [str(key) for key in known]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    near += [key for key in names if key.lower() == name.lower() and key not in near]
    if near:
        return draft.wrong(f"no {what} {name!r}", f"Did you mean {' or '.join(near)}?")
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return draft.wrong(f"no {what} {name!r}", f"There are {shown}" if names else "There is none")


def meets_near(draft: Draft, point: shapely.Point, *, within_m: float) -> Shapes:
    """Where streets meet barriers near a point: points or lines, none where they do not."""
    lines, _ = draft.barriers
    streets = draft.table("streets").geometry.to_numpy()
    near_walls = lines[np.asarray(shapely.distance(lines, point) <= within_m, dtype=bool)]
    near_streets = streets[np.asarray(shapely.distance(streets, point) <= within_m, dtype=bool)]
    if not len(near_walls) or not len(near_streets):
        return np.zeros(0, dtype=object)
    # as the network does: a vertex that rounding left a hair beside a wall still meets it
    zone = shapely.buffer(shapely.union_all(near_walls), 0.001)
    met = shapely.get_parts(shapely.intersection(near_streets, zone))
    return np.asarray(met[shapely.distance(met, point) <= within_m], dtype=object)


def appended(
    table: gpd.GeoDataFrame, rows: Sequence[Mapping[str, Any]], shapes: Sequence[shapely.Geometry]
) -> gpd.GeoDataFrame:
    """The table with some rows more; columns that they do not name are empty there."""
    name = table.geometry.name
    columns = [column for column in table.columns if column != name]
    columns += [key for row in rows for key in row if key not in columns]
    columns = list(dict.fromkeys(columns))
    old = {c: list(table[c]) if c in table.columns else [None] * len(table) for c in columns}
    data = {c: [*old[c], *(row.get(c) for row in rows)] for c in columns}
    numbers = [label for label in table.index if isinstance(label, int | np.integer)]
    first = max(numbers, default=-1) + 1 if len(numbers) == len(table) else len(table)
    index = pd.Index([*table.index, *range(first, first + len(rows))])
    geometry = np.array([*table.geometry.to_numpy(), *shapes], dtype=object)
    made = gpd.GeoDataFrame(data, geometry=geometry, crs=table.crs, index=index)
    return made if name == "geometry" else made.rename_geometry(name)
