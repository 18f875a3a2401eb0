"""Consent: whether owners' votes and residents' surveys pass the gates that a plan must pass.

Every comparison is made in exact fractions: an area is the decimal that is written in the table,
a share is a `fractions.Fraction`, so a vote of exactly four fifths is four fifths.
"""

from communityplan.consent.ballots import CHOICES, vote_problems
from communityplan.consent.gaps import consent_gaps
from communityplan.consent.gates import GATES, Gate
from communityplan.consent.papers import read_owners, read_votes
from communityplan.consent.sentences import consent_sentences
from communityplan.consent.stages import consent_stages, consent_states
from communityplan.consent.status import as_numbers, consent_status

__all__ = [
    "CHOICES",
    "GATES",
    "Gate",
    "as_numbers",
    "consent_gaps",
    "consent_sentences",
    "consent_stages",
    "consent_states",
    "consent_status",
    "read_owners",
    "read_votes",
    "vote_problems",
]
