"""When a person may acknowledge or close an incident, depending on its state."""

import pytest

from belay.approval.asked import GivenAnswer
from belay.approval.decision import Decision
from belay.approval.on_call import refuse_acknowledgement, refuse_closing
from belay.release.records import Outcome
from belay.subject.life import IncidentState, state_of

ON_IT = Decision("acknowledge", "orders", incident="orders-production-1")
DONE = Decision("close", "orders", incident="orders-production-1", comment="restored by hand")
CLOSED = GivenAnswer("close", "arn:ann", "2026-03-02T10:00:00.000+00:00", "restored by hand")
LEFT, RECOVERING, OVER = IncidentState.LEFT_TO_A_PERSON, IncidentState.RECOVERING, IncidentState.CLOSED


@pytest.mark.parametrize(
    ("outcome", "left", "closed", "state"),
    [
        (None, False, False, RECOVERING),
        (None, True, False, RECOVERING),
        (Outcome.NEEDS_OPERATOR, True, False, LEFT),
        (Outcome.NEEDS_OPERATOR, False, False, OVER),
        (Outcome.NEEDS_OPERATOR, True, True, OVER),
        (Outcome.ROLLED_BACK, False, False, OVER),
        (Outcome.ROLLED_BACK, True, False, OVER),
    ],
)
def test_an_incident_is_left_to_a_person_until_it_is_closed(
    outcome: Outcome | None, left: bool, closed: bool, state: IncidentState
) -> None:
    assert state_of(outcome, left=left, closed=closed) is state
    assert state.is_open is (state is not OVER)


@pytest.mark.parametrize(("state", "error"), [(None, "Unknown"), (OVER, "Ended"), (LEFT, None), (RECOVERING, None)])
def test_an_open_incident_is_acknowledged_and_no_other(state: IncidentState | None, error: str | None) -> None:
    refusal = refuse_acknowledgement(ON_IT, state)
    assert (refusal and refusal.error) == error


@pytest.mark.parametrize(
    ("stands", "error", "said"),
    [
        ((None, None, None, []), "Unknown", "orders has no incident orders-production-1"),
        ((RECOVERING, None, None, []), "Recovering", "is still being rolled back"),
        ((OVER, Outcome.ROLLED_BACK, None, []), "Ended", "ROLLED_BACK"),
        ((OVER, Outcome.NEEDS_OPERATOR, None, []), "Ended", "has been deployed to or rolled back since"),
        ((OVER, Outcome.NEEDS_OPERATOR, CLOSED, []), "AlreadyClosed", "closed by arn:ann: restored by hand, at 2026"),
        ((LEFT, Outcome.NEEDS_OPERATOR, None, ["orders-service"]), "Unstable", "cannot be updated: orders-service"),
    ],
)
def test_only_what_is_left_to_a_person_is_closed_by_one(
    stands: tuple[IncidentState | None, Outcome | None, GivenAnswer | None, list[str]], error: str, said: str
) -> None:
    refusal = refuse_closing(DONE, *stands)
    assert refusal is not None
    assert refusal.error == error
    assert said in refusal.message


def test_what_is_left_to_a_person_whose_stacks_are_stable_is_closed() -> None:
    assert refuse_closing(DONE, LEFT, Outcome.NEEDS_OPERATOR, None, []) is None
