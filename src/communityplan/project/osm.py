"""A project from an OpenStreetMap file alone."""

from __future__ import annotations

from dataclasses import replace

from communityplan.demand import homes_from_buildings
from communityplan.errors import DataError, Problem
from communityplan.load.osm import OsmLayers
from communityplan.project import Project
from communityplan.standards import named_service

__all__ = ["project_from_osm"]


def project_from_osm(
    layers: OsmLayers,
    *,
    services: tuple[str, ...],
    minutes: tuple[float, ...] = (5.0, 10.0, 15.0),
    residents: float | None = None,
    m2_per_person: float | None = None,
    untagged_gates: str = "open",
    name: str = "",
) -> Project:
    """A project from an OpenStreetMap file alone.

    Parameters
    ----------
    layers : OsmLayers
        As from `read_osm`.
    services : tuple of str
        What to evaluate.
    minutes : tuple of float
        Limits [min].
    residents : float, optional
        People in the area; spread over residential buildings by floor area.
    m2_per_person : float, optional
        Floor area per person where `residents` is not given (`demand.M2_PER_PERSON`).
    untagged_gates : {"open", "residents", "closed"}
        What a gate without tags is taken for.
    name : str
        What to call it.

    Returns
    -------
    Project
        Everyone counts, for every service: the file does not know ages.

    Raises
    ------
    DataError
        Where the file has no streets or no residential buildings.
    """
    options = {} if m2_per_person is None else {"m2_per_person": m2_per_person}
    homes = homes_from_buildings(
        layers.buildings, communities=layers.communities, residents=residents, **options
    )
    problems = []
    if not len(layers.streets):
        problems.append(Problem(name or "file", "no walkable street", "Give a larger extract"))
    if not len(homes):
        todo = "Give homes in a project file"
        problems.append(Problem(name or "file", "no residential building", todo))
    if problems:
        raise DataError(problems)
    chosen = [replace(named_service(service), group="residents") for service in services]
    return Project(
        name=name,
        name_en=name,
        communities=layers.communities,
        homes=homes,
        facilities=layers.places,
        streets=layers.streets,
        walls=layers.walls if len(layers.walls) else None,
        gates=layers.gates if len(layers.gates) else None,
        services=tuple(chosen),
        minutes=minutes,
        network_options={"untagged_gates": untagged_gates},
        note="人口按居住建筑面积分摊，为假定值",
        note_en="People are spread over residential buildings by floor area, an assumption",
        from_osm=True,
        source=name,
    )
