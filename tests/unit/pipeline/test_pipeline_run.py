"""How an execution ends for the release that it deploys, and which rollback of a stage is possible."""

from datetime import UTC, datetime
from typing import Any

import pytest

from belay.pipeline.execution import ActionExecution, ActionStatus, PipelineExecution, PipelineStatus
from belay.pipeline.run import RollbackCandidate, outcome_of, rollback_target
from belay.release.records import Outcome
from belay.release.registration import Pipeline

AT = datetime(2026, 3, 2, 8, 3, 2, tzinfo=UTC)
REGISTERED = Pipeline("orders-pipeline", "Deploy", start=True)


def execution(status: PipelineStatus, *actions: tuple[str, str, ActionStatus]) -> PipelineExecution:
    made = tuple(
        ActionExecution(f"{stage}-1", stage, "Orders", category, "", done, AT, AT, {})
        for stage, category, done in actions
    )
    return PipelineExecution("orders-pipeline", "failed", status, version=3, actions=made)


REJECTED = ("Review", "Approval", ActionStatus.FAILED)
FAILED_BUILD = ("Build", "Build", ActionStatus.FAILED)
DEPLOYED = ("Deploy", "Deploy", ActionStatus.SUCCEEDED)
FAILED_DEPLOY = ("Deploy", "Deploy", ActionStatus.FAILED)


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (execution(PipelineStatus.IN_PROGRESS), None),
        (execution(PipelineStatus.STOPPING, DEPLOYED), None),
        (execution(PipelineStatus.SUCCEEDED, DEPLOYED), Outcome.DEPLOYED),
        (execution(PipelineStatus.STOPPED), Outcome.ABORTED),
        (execution(PipelineStatus.CANCELLED), Outcome.ABORTED),
        (execution(PipelineStatus.SUPERSEDED, FAILED_BUILD), Outcome.ABORTED),
        (execution(PipelineStatus.STOPPED, DEPLOYED), None),
        (execution(PipelineStatus.FAILED, REJECTED), Outcome.ABORTED),
        (execution(PipelineStatus.FAILED, DEPLOYED, REJECTED), None),
        (execution(PipelineStatus.FAILED, FAILED_BUILD), None),
        (execution(PipelineStatus.FAILED, FAILED_DEPLOY), None),
    ],
)
def test_the_end_of_an_execution_is_the_release_s(seen: PipelineExecution, outcome: Outcome | None) -> None:
    assert outcome_of(seen, REGISTERED, rolling_back=False) is outcome


def test_a_rollback_that_succeeded_is_no_deployment() -> None:
    assert outcome_of(execution(PipelineStatus.SUCCEEDED), REGISTERED, rolling_back=True) is Outcome.ROLLED_BACK


def structure(category: str = "Deploy") -> dict[str, Any]:
    return {"version": 3, "stages": [{"name": "Deploy", "actions": [{"actionTypeId": {"category": category}}]}]}


@pytest.mark.parametrize(
    ("candidates", "target"),
    [
        ([], None),
        ([RollbackCandidate("good", 3, False)], "good"),
        ([RollbackCandidate("failed", 3, False), RollbackCandidate("good", 3, False)], "good"),
        ([RollbackCandidate("back", 3, True), RollbackCandidate("good", 3, False)], "good"),
        ([RollbackCandidate("old", 2, False)], None),
        ([RollbackCandidate("unknown", None, False)], None),
    ],
)
def test_only_a_legal_target_is_rolled_back_to(candidates: list[RollbackCandidate], target: str | None) -> None:
    failed = execution(PipelineStatus.FAILED, FAILED_DEPLOY)
    assert rollback_target(structure(), "Deploy", failed, candidates) == target


def test_a_source_stage_is_never_rolled_back() -> None:
    failed = execution(PipelineStatus.FAILED, FAILED_DEPLOY)
    assert rollback_target(structure("Source"), "Deploy", failed, [RollbackCandidate("good", 3, False)]) is None
