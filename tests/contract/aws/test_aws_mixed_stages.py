"""A stage whose stacks run different versions is shown stack by stack, on an AWS simulated by moto."""

from collections.abc import Callable
from typing import Any

import pytest
from simulated_ledger import accepted, bring, end_stage
from test_aws_unfinished import MANIFEST, NOW, ROLE, STAGE, House

from belay.control.closing import ended
from belay.control.recovery import Recovery
from belay.ledger.incidents import IncidentRecord
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import StackLeft
from belay.release.left_to_do import LeftToDo
from belay.release.life import State
from belay.release.reason import PersonDecided, from_document
from belay.release.records import Outcome, ReleaseReference, upload_of
from belay.rollback.plan import RollbackPlan
from belay.stack.plan import Progress, StackPlan, StagePlan
from belay.subject.incident import Incident
from belay.subject.names import incident_of
from belay.subject.subjects import AskedRollback, ReleaseAttempt, Subject

LEFT = StackLeft("service", "orders-service", "1.1.0")
MIXED = "1.0.0, but service (orders-service) was not brought back from 1.1.0"


@pytest.fixture
def house(simulated: Callable[[str], Any]) -> House:
    return House(simulated)


def release(house: House, version: str) -> ReleaseReference:
    """A release that changed two stacks of three."""
    upload = upload_of("orders", "releases-bucket", f"releases/orders/{version}.zip", "v1", 4711)
    found = accepted(house.ledger, upload, version)
    text = MANIFEST.replace("1.0.0", version)
    document = AcceptedRelease.of("orders", text, "stages: [production]\n", {"production": STAGE}, {"network.yaml": {}})
    house.artifacts.put_json(found.document_key, document.to_dict())
    progress = {"network": Progress.EXECUTED, "service": Progress.EXECUTING, "later": Progress.WAITING}
    plan = StagePlan(tuple(StackPlan(name, f"orders-{name}", progress=each) for name, each in progress.items()))
    house.artifacts.put_json(found.stage_key("production", "plan.json"), plan.to_dict())
    return found


def recovery(house: House, subject: Subject, plan: RollbackPlan | None) -> Recovery:
    reason = PersonDecided("ann", "asked") if isinstance(subject, AskedRollback) else from_document("no capacity")
    incident = Incident(incident_of(subject.origin, "production"), subject, reason, ROLE)
    house.ledger.incidents.open(incident, NOW)
    found = Recovery(IncidentRecord(incident, NOW), house.artifacts, house.ledger)
    if plan is not None:
        found.save(plan)
    return found


STUCK = RollbackPlan((), (LeftToDo("service", "bring it to a stable status"),))


def mixed(house: House) -> ReleaseReference:
    """1.0.0 is deployed; 1.1.0 failed, and one of the stacks that it changed could not be rolled back."""
    end_stage(house.ledger, release(house, "1.0.0"))
    failed = release(house, "1.1.0")
    bring(house.ledger, failed, "production", State.EXECUTING)
    found = recovery(house, ReleaseAttempt(failed, "production", None), STUCK)
    house.closing.close(found, ended(found, Outcome.NEEDS_OPERATOR, None))
    return failed


def test_what_could_not_be_taken_back_is_told_with_the_version_that_left_it(house: House) -> None:
    mixed(house)
    (message,) = house.messages()
    assert f"production runs {MIXED}." in message["what"]
    assert house.ledger.stages.in_words("orders", "production") == MIXED
    assert house.ledger.stages.mixed() == {("orders", "production"): (LEFT,)}


def test_a_recovery_that_never_looked_knows_of_no_stack_that_it_is_back(house: House) -> None:
    failed = release(house, "1.1.0")
    bring(house.ledger, failed, "production", State.EXECUTING)
    found = recovery(house, ReleaseAttempt(failed, "production", None), None)
    house.closing.close(found, ended(found, Outcome.NEEDS_OPERATOR, {"Error": "AccessDenied", "Cause": "no"}))
    assert [each.stack for each in house.ledger.stages.left("orders", "production")] == ["network", "service"]
    assert str(house.ledger.stages.in_words("orders", "production")).startswith("no release, but network")


def test_an_ephemeral_stage_runs_nothing_that_could_differ(house: House) -> None:
    failed = release(house, "1.1.0")
    bring(house.ledger, failed, "production", State.EXECUTING)
    found = recovery(house, ReleaseAttempt(failed, "production", None, ephemeral=True), STUCK)
    house.closing.close(found, ended(found, Outcome.NEEDS_OPERATOR, None))
    assert house.ledger.stages.mixed() == {}


def test_the_next_release_that_is_deployed_is_what_every_stack_runs(house: House) -> None:
    mixed(house)
    end_stage(house.ledger, release(house, "1.2.0"))
    assert house.ledger.stages.in_words("orders", "production") == "1.2.0"
    assert house.ledger.stages.mixed() == {}


def asked(house: House, undone: ReleaseReference, outcome: Outcome, plan: RollbackPlan) -> None:
    target = house.ledger.stages.history("orders", "production")[0].release
    subject = AskedRollback(undone, "production", None, "ann", target, undone.attempt)
    found = recovery(house, subject, plan)
    house.closing.close(found, ended(found, outcome, None))


def test_a_rollback_that_a_person_asked_for_and_that_was_not_finished_says_what_is_back(house: House) -> None:
    newer = [release(house, version) for version in ("1.0.0", "1.1.0")][-1]
    for version in ("1.0.0", "1.1.0"):
        current = house.ledger.attempts.current("orders", version)
        assert current is not None
        assert current.release is not None
        end_stage(house.ledger, current.release, now=f"2026-01-01T1{version[2]}:00:00.000+00:00")
    asked(house, newer, Outcome.NEEDS_OPERATOR, STUCK)
    (message,) = house.messages()
    assert "production runs 1.1.0, but network (orders-network) was brought back to 1.0.0." in message["what"]


def test_a_rollback_that_is_finished_leaves_nothing(house: House) -> None:
    asked(house, mixed(house), Outcome.ROLLED_BACK, RollbackPlan(()))
    assert house.ledger.stages.in_words("orders", "production") == "1.0.0"
