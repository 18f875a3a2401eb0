"""Idle buildings -> which services fit, whom they would newly serve, and in which order to look.

A building is judged by the people who reach it within the service's limit and reach no facility of
that service within it today. A building that cannot take a service says why.
"""

from communityplan.siting.criteria import CRITERIA, Criterion
from communityplan.siting.fit import programme_fit
from communityplan.siting.gains import newly_covered
from communityplan.siting.programmes import programmes
from communityplan.siting.ranking import rank_sites
from communityplan.siting.rules import CentreRule, Rules, StoreyRule, UseRule, read_rules

__all__ = [
    "CRITERIA",
    "CentreRule",
    "Criterion",
    "Rules",
    "StoreyRule",
    "UseRule",
    "newly_covered",
    "programme_fit",
    "programmes",
    "rank_sites",
    "read_rules",
]
