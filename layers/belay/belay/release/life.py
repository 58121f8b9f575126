"""The life of an attempt at a release: its states, and which of them may follow which.

A state is where an attempt stands. What happens beside it, such as a person's override, is an ``Occurrence`` of its
history and moves nothing. What a state is about (the stack that is executed, a verdict) and how something ended are
fields of their own.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where an attempt stands; those from ``PLANNING`` to ``STAGE_ENDED`` are in a stage."""

    CLAIMED = "CLAIMED"
    """An execution opens the upload."""
    ACCEPTED = "ACCEPTED"
    """It is a release, and this attempt is the one on its way under its version."""
    CHECKED = "CHECKED"
    """The policies let its templates pass."""
    REFUSED = "REFUSED BY POLICY"
    PLANNING = "PLANNING"
    REHEARSED = "REHEARSED"
    AWAITING_APPROVAL = "AWAITING APPROVAL"
    APPROVED = "APPROVED"
    APPROVAL_DENIED = "APPROVAL DENIED"
    HELD = "HELD"
    """Outside of the stage's windows."""
    SNAPSHOTS_TAKEN = "SNAPSHOTS TAKEN"
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
        """Whether it is a state in a stage, whose end is not reached."""
        return self in _IN_STAGE


class Occurrence(StrEnum):
    """What happens beside an attempt's states."""

    LET_THROUGH = "LET THROUGH"
    """A person let it go on outside of the stage's windows."""
    ROLLBACK_ASKED = "ROLLBACK ASKED"
    """A person asked that what it deployed be taken back."""


_ENTERING: Final = frozenset({State.PLANNING, State.PIPELINE_STARTED, State.RECOVERING, State.STAGE_ENDED})
_STAGE_MAY_END: Final = frozenset({State.RECOVERING, State.STAGE_ENDED, State.ENDED})
_CHANGING: Final = _STAGE_MAY_END | {State.SNAPSHOTS_TAKEN, State.EXECUTING, State.VALIDATED}
"""What may come once nobody is waited for: a stage without databases has no snapshots, one without changes nothing to
execute."""

_ASKED: Final = frozenset({State.AWAITING_APPROVAL, State.APPROVED, State.APPROVAL_DENIED})

FOLLOWS: Final[Mapping[State, frozenset[State]]] = {
    State.CLAIMED: frozenset({State.ACCEPTED, State.ENDED}),
    State.ACCEPTED: frozenset({State.CHECKED, State.REFUSED, State.ENDED}),
    State.CHECKED: _ENTERING | {State.REFUSED, State.ENDED},
    State.REFUSED: frozenset({State.CHECKED, State.ENDED}),
    State.PLANNING: _STAGE_MAY_END | {State.REHEARSED},
    State.REHEARSED: _CHANGING | _ASKED | {State.HELD},
    State.AWAITING_APPROVAL: _CHANGING | _ASKED | {State.REHEARSED, State.HELD},
    State.APPROVED: _CHANGING | {State.REHEARSED, State.AWAITING_APPROVAL, State.HELD},
    State.APPROVAL_DENIED: _STAGE_MAY_END | {State.REHEARSED, State.AWAITING_APPROVAL},
    State.HELD: _CHANGING | {State.REHEARSED},
    State.SNAPSHOTS_TAKEN: _STAGE_MAY_END | {State.EXECUTING, State.VALIDATED},
    State.EXECUTING: _STAGE_MAY_END | {State.VALIDATED},
    State.VALIDATED: _STAGE_MAY_END | {State.VERIFIED},
    State.VERIFIED: _STAGE_MAY_END,
    State.PIPELINE_STARTED: _STAGE_MAY_END | {State.PIPELINE_ROLLING_BACK},
    State.PIPELINE_ROLLING_BACK: _STAGE_MAY_END,
    State.RECOVERING: frozenset({State.ENDED}),
    State.STAGE_ENDED: _ENTERING | {State.ENDED},
    State.ENDED: frozenset(),
}
"""Which states may follow which. The same state may always come again, with other details: a step that is tried again
records what it records; only an end stands as it is.

An attempt stays in its stage until the stage has ended with DEPLOYED; then the next one may be entered. It may end from
anywhere: an execution may die. An approval is asked for again where the request itself has to be sent again, which an
answer may overtake. Who
continues a release that waits (``control.successors``) rehearses again; what was asked before is not asked again.
"""

_IN_STAGE: Final = frozenset(State) - {
    State.CLAIMED,
    State.ACCEPTED,
    State.CHECKED,
    State.REFUSED,
    State.STAGE_ENDED,
    State.ENDED,
}


def before(state: State) -> frozenset[State]:
    """Return the states that a state may follow, itself where it may come again."""
    found = frozenset(each for each, after in FOLLOWS.items() if state in after)
    return found if state in (State.STAGE_ENDED, State.ENDED) else found | {state}
