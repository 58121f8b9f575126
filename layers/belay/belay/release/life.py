"""The life of an attempt at a release, and its life in each stage: the states, and which of them may follow which.

Anything else that happens, such as a person's override, is an ``Occurrence`` in its history and changes no state. A
state's details (the stack that is executed, a verdict) and outcomes are separate fields.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """A state of an attempt or, from ``PLANNING`` to ``STAGE_ENDED``, of an attempt in one of its stages."""

    CLAIMED = "CLAIMED"
    """An execution opens the upload."""
    ACCEPTED = "ACCEPTED"
    """It is a release, and this attempt has claimed its version."""
    CHECKED = "CHECKED"
    """Its templates passed the policies."""
    REFUSED = "REFUSED BY POLICY"
    DEPLOYING = "DEPLOYING"
    """It has entered a stage: it has a state in each stage that it entered."""
    PLANNING = "PLANNING"
    REHEARSED = "REHEARSED"
    AWAITING_APPROVAL = "AWAITING APPROVAL"
    APPROVED = "APPROVED"
    APPROVAL_DENIED = "APPROVAL DENIED"
    HELD = "HELD"
    """Outside the stage's windows."""
    SNAPSHOTS_TAKEN = "SNAPSHOTS TAKEN"
    APPLYING = "APPLYING DATABASE CHANGES"
    EXECUTING = "EXECUTING"
    VALIDATED = "VALIDATED"
    VERIFIED = "VERIFIED"
    PIPELINE_STARTED = "PIPELINE STARTED"
    PIPELINE_ROLLING_BACK = "PIPELINE ROLLING BACK"
    """CodePipeline rolls the stage back."""
    RECOVERING = "RECOVERING"
    """The stage's incident is open."""
    STAGE_ENDED = "STAGE ENDED"
    """With the stage's outcome."""
    ENDED = "ENDED"
    """With the attempt's outcome."""

    @property
    def in_stage(self) -> bool:
        """Whether it is a state within an unfinished stage."""
        return self in _IN_STAGE

    @property
    def waits(self) -> bool:
        """Whether nothing of the stage was changed yet: a newer release may take its turn."""
        return self in _WAITING


class Occurrence(StrEnum):
    """What happens to an attempt without changing its state."""

    LET_THROUGH = "LET THROUGH"
    """A person let it continue outside the stage's windows."""
    ROLLBACK_ASKED = "ROLLBACK ASKED"
    """A person requested a rollback of what it deployed."""
    PIPELINE_SNAPSHOTS = "SNAPSHOTS FOR PIPELINE"
    """The snapshots that the stage's pipeline waits for before it deploys are available."""
    IN_VAULT = "SNAPSHOT IN VAULT"
    """The copy of a snapshot that was taken for it is available in the stage's vault."""
    NOT_IN_VAULT = "SNAPSHOT NOT IN VAULT"
    """The copy could not be made."""


ENTERING: Final = frozenset({State.PLANNING, State.PIPELINE_STARTED, State.RECOVERING, State.STAGE_ENDED})
"""The states in which a stage may be entered."""
_STAGE_MAY_END: Final = frozenset({State.RECOVERING, State.STAGE_ENDED})
_CHANGING: Final = _STAGE_MAY_END | {State.SNAPSHOTS_TAKEN, State.APPLYING, State.EXECUTING, State.VALIDATED}
"""What may follow once nothing is waited for: a stage without databases has no snapshots, one without changes nothing
to apply or to execute.
"""

_ASKED: Final = frozenset({State.AWAITING_APPROVAL, State.APPROVED, State.APPROVAL_DENIED})

FOLLOWS: Final[Mapping[State, frozenset[State]]] = {
    State.CLAIMED: frozenset({State.ACCEPTED, State.ENDED}),
    State.ACCEPTED: frozenset({State.CHECKED, State.REFUSED, State.ENDED}),
    State.CHECKED: frozenset({State.REFUSED, State.DEPLOYING, State.ENDED}),
    State.REFUSED: frozenset({State.CHECKED, State.ENDED}),
    State.DEPLOYING: frozenset({State.ENDED}),
    State.PLANNING: _STAGE_MAY_END | {State.REHEARSED},
    State.REHEARSED: _CHANGING | _ASKED | {State.HELD},
    State.AWAITING_APPROVAL: _CHANGING | _ASKED | {State.REHEARSED, State.HELD},
    State.APPROVED: _CHANGING | {State.REHEARSED, State.AWAITING_APPROVAL, State.HELD},
    State.APPROVAL_DENIED: _STAGE_MAY_END | {State.REHEARSED, State.AWAITING_APPROVAL},
    State.HELD: _CHANGING | {State.REHEARSED},
    State.SNAPSHOTS_TAKEN: _STAGE_MAY_END | {State.APPLYING, State.EXECUTING, State.VALIDATED},
    State.APPLYING: _STAGE_MAY_END | {State.EXECUTING, State.VALIDATED},
    State.EXECUTING: _STAGE_MAY_END | {State.APPLYING, State.VALIDATED},
    State.VALIDATED: _STAGE_MAY_END | {State.VERIFIED},
    State.VERIFIED: _STAGE_MAY_END,
    State.PIPELINE_STARTED: _STAGE_MAY_END | {State.PIPELINE_ROLLING_BACK},
    State.PIPELINE_ROLLING_BACK: _STAGE_MAY_END,
    State.RECOVERING: frozenset({State.STAGE_ENDED}),
    State.STAGE_ENDED: frozenset(),
    State.ENDED: frozenset(),
}
"""Which states may follow which. A state may always be repeated, with other details: a retried step records it again;
only an end is final.

An attempt is in the stages of one wave at a time, in each with a state of its own; a stage is entered once every stage
of the waves before has ended DEPLOYED. The attempt may end from any state: an execution may die. An approval is
requested again if the request itself has to be sent again, which an answer may overtake. The successor of a waiting
release (``control.successors``) rehearses again, but does not ask again.
"""

_IN_STAGE: Final = frozenset(State) - {
    State.CLAIMED,
    State.ACCEPTED,
    State.CHECKED,
    State.REFUSED,
    State.DEPLOYING,
    State.STAGE_ENDED,
    State.ENDED,
}

_WAITING: Final = _ASKED | {State.PLANNING, State.REHEARSED, State.HELD}


def before(state: State) -> frozenset[State]:
    """Return the states that a state may follow, including itself if it may be repeated."""
    found = frozenset(each for each, after in FOLLOWS.items() if state in after)
    return found if state in (State.STAGE_ENDED, State.ENDED) else found | {state}
