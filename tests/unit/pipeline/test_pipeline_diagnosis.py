"""Why an execution failed, in words, for each kind of action; secrets never get through."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from belay.pipeline.diagnosis import Evidence, diagnose, last_lines_that_matter
from belay.pipeline.execution import ActionExecution, ActionStatus, PipelineExecution, PipelineStatus
from belay.pipeline.known_failures import KNOWN_FAILURES, document, known_failure
from belay.stack.cause import Cause

ROOT = Path(__file__).parents[3]
BEGAN = datetime(2026, 3, 2, 8, 3, 2, tzinfo=UTC)
EXECUTION = "12345678-1234-5678-abcd-12345678abcd"


def action(provider: str, *, minutes: int = 6, **more: Any) -> ActionExecution:
    given: dict[str, Any] = {
        "id": "47f821c5",
        "stage": "Deploy",
        "action": "Orders",
        "category": "Deploy",
        "status": ActionStatus.FAILED,
        "configuration": {},
    }
    return ActionExecution(provider=provider, started=BEGAN, updated=BEGAN + timedelta(minutes=minutes), **given | more)


def execution(*actions: ActionExecution, **more: Any) -> PipelineExecution:
    return PipelineExecution("orders-pipeline", EXECUTION, PipelineStatus.FAILED, actions=actions, **more)


BUILD = {
    "id": "orders:8745a7a9",
    "projectName": "orders",
    "buildStatus": "FAILED",
    "phases": [
        {"phaseType": "INSTALL", "phaseStatus": "SUCCEEDED", "contexts": []},
        {
            "phaseType": "BUILD",
            "phaseStatus": "FAILED",
            "contexts": [
                {
                    "statusCode": "COMMAND_EXECUTION_ERROR",
                    "message": "Error while executing command: make test. Reason: exit status 2",
                }
            ],
        },
        {"phaseType": "COMPLETED"},
    ],
}
LOG = (
    "[Container] 2026/03/02 08:09:30 Entering phase BUILD",
    "[Container] 2026/03/02 08:09:30 Running command make test",
    "export DB_PASSWORD=hunter2",
    "tests/test_orders.py ..F",
    "FAILED tests/test_orders.py::test_total - assert 3 == 4",
    "make: *** [Makefile:12: test] Error 1",
    "[Container] 2026/03/02 08:09:40 Phase complete: BUILD State: FAILED",
)


def test_a_build_is_told_by_its_phase_and_the_lines_that_matter() -> None:
    found = diagnose(execution(action("CodeBuild", stage="Build", action="Test")), Evidence(build=BUILD, log=LOG))

    assert found.cause == (
        "Build/Test: in the build of orders, the phase BUILD is FAILED: COMMAND_EXECUTION_ERROR: Error while executing "
        "command: make test. Reason: exit status 2"
    )
    assert found.evidence == (
        "export DB_PASSWORD=****",
        "tests/test_orders.py ..F",
        "FAILED tests/test_orders.py::test_total - assert 3 == 4",
        "make: *** [Makefile:12: test] Error 1",
    )
    assert found.look == (
        "aws codebuild batch-get-builds --ids orders:8745a7a9",
        "aws codepipeline list-action-executions --pipeline-name orders-pipeline "
        f"--filter pipelineExecutionId={EXECUTION}",
    )


def test_a_log_without_an_error_shows_its_end() -> None:
    assert last_lines_that_matter([f"line {number}" for number in range(40)]) == tuple(
        f"line {number}" for number in range(25, 40)
    )
    assert last_lines_that_matter([]) == ()


def test_a_build_whose_log_cannot_be_read_says_so() -> None:
    unread = "more could not be read: Logs.GetLogEvents answered AccessDeniedException: no"
    found = diagnose(execution(action("CodeBuild")), Evidence(build=BUILD, unread=(unread,)))
    assert found.evidence == (unread,)


def instance(name: str, minute: int, **diagnostics: str) -> dict[str, Any]:
    event = {
        "lifecycleEventName": "ValidateService",
        "status": "Failed",
        "endTime": BEGAN + timedelta(minutes=minute),
        "diagnostics": diagnostics,
    }
    before = {"lifecycleEventName": "AfterInstall", "status": "Succeeded"}
    return {
        "deploymentTargetType": "InstanceTarget",
        "instanceTarget": {"targetId": name, "status": "Failed", "lifecycleEvents": [before, event]},
    }


def test_a_deployment_is_told_by_its_first_failing_target() -> None:
    deployment = {
        "applicationName": "orders",
        "deploymentGroupName": "production",
        "deploymentId": "d-ABCDEF123",
        "errorInformation": {
            "code": "HEALTH_CONSTRAINTS",
            "message": "too many individual instances failed deployment",
        },
    }
    timed_out = {
        "errorCode": "ScriptTimedOut",
        "scriptName": "scripts/validate.sh",
        "message": "Script at specified location: scripts/validate.sh failed to complete in 300 seconds",
        "logTail": "LifecycleEvent - ValidateService\n[stderr]curl: (7) Failed to connect\n[stderr]token=abc123def",
    }
    targets = (instance("i-2", 9, errorCode="ScriptFailed"), instance("i-1", 7, **timed_out))

    found = diagnose(execution(action("CodeDeploy")), Evidence(deployment=deployment, targets=targets))

    assert found.cause == (
        "Deploy/Orders: the deployment d-ABCDEF123 to orders/production failed: ValidateService failed on i-1 in the "
        "script scripts/validate.sh: ScriptTimedOut: Script at specified location: scripts/validate.sh failed to "
        "complete in 300 seconds"
    )
    assert found.evidence == (
        "CodeDeploy: HEALTH_CONSTRAINTS: too many individual instances failed deployment",
        "ValidateService failed on i-1 in the script scripts/validate.sh: ScriptTimedOut: Script at specified "
        "location: scripts/validate.sh failed to complete in 300 seconds",
        "  LifecycleEvent - ValidateService",
        "  [stderr]curl: (7) Failed to connect",
        "ValidateService failed on i-2: ScriptFailed",
    )
    assert found.known == "script-timed-out"


def test_a_deployment_without_targets_is_told_by_its_error() -> None:
    deployment = {"deploymentId": "d-1", "errorInformation": {"code": "NO_INSTANCES", "message": "none found"}}
    found = diagnose(execution(action("CodeDeploy")), Evidence(deployment=deployment))
    assert found.cause.endswith("failed: NO_INSTANCES: none found")
    assert found.known == "no-instances"


def test_a_stack_is_told_by_its_first_failing_resource() -> None:
    cause = Cause(
        ("Service",),
        "AWS::ECS::Service",
        "UPDATE_FAILED",
        "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.",
        BEGAN,
        "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-production-service/6a7e",
    )
    found = diagnose(execution(action("CloudFormation")), Evidence(stack=cause))
    assert found.cause.startswith(
        "Deploy/Orders: in the stack orders-production-service, Service (AWS::ECS::Service) could not be updated at "
        "08:03:02 UTC:"
    )
    assert found.known == "ecs-health-check"
    assert found.look[0].startswith("aws cloudformation describe-stack-events")


def test_a_rejected_approval_is_told_with_who_and_why() -> None:
    mary = "arn:aws:sts::111122223333:assumed-role/approvers/mary"
    rejected = action("Manual", category="Approval", stage="Review", updated_by=mary, summary="not before Monday")
    found = diagnose(execution(rejected), Evidence())
    assert found.cause == f"the approval Orders in Review was rejected by {mary}: not before Monday"
    assert found.known == "approval-rejected"


@pytest.mark.parametrize(
    ("minutes", "span"), [(7 * 1440, "7 days"), (1440, "1 day"), (180, "3 hours"), (60, "1 hour"), (5, "5 minutes")]
)
def test_an_approval_that_nobody_touched_expired(minutes: int, span: str) -> None:
    expired = action("Manual", category="Approval", stage="Review", minutes=minutes)
    found = diagnose(execution(expired), Evidence())
    assert found.cause == f"the approval Orders in Review expired: nobody answered within {span}"
    assert found.known == "approval-expired"


def test_a_missing_artifact_is_told_by_the_action() -> None:
    failed = action(
        "S3",
        error_code="InvalidArtifact",
        error_message="Unable to access the artifact with Amazon S3 object key 'orders/BuildOut/AbC'",
    )
    found = diagnose(execution(failed), Evidence())
    assert found.cause == (
        "Deploy/Orders (S3) failed: InvalidArtifact: Unable to access the artifact with Amazon S3 object key "
        "'orders/BuildOut/AbC'"
    )
    assert found.known == "missing-artifact"


def test_the_first_failure_of_the_last_round_counts() -> None:
    earlier = action("CodeBuild", id="first", minutes=1)
    retried = action("CodeBuild", id="second", minutes=2)
    other = action("CodeDeploy", id="other", action="Other", minutes=9)
    assert diagnose(execution(earlier, retried, other), Evidence()).failure == "second"


def test_an_execution_that_failed_by_itself_is_told() -> None:
    found = diagnose(execution(status_summary="the pipeline's role could not be assumed"), Evidence())
    assert found.cause == "the execution failed without a failed action: the pipeline's role could not be assumed"


def test_no_secret_is_told() -> None:
    failed = action("Lambda", error_code="JobFailed", error_message="refused https://a:hunter2@db and password=hunter2")
    assert "hunter2" not in str(diagnose(execution(failed), Evidence(unread=("token: hunter2",))))


# -- the well-known ones -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", KNOWN_FAILURES, ids=lambda known: known.slug)
def test_a_well_known_failure_is_found_by_what_aws_says(known: Any) -> None:
    found = {known_failure(provider, known.example) for provider in known.providers or ("AnyOther",)}
    assert found == {known}
    assert known.link.startswith("https://docs.aws.amazon.com/")


def test_names_are_used_once() -> None:
    slugs = [known.slug for known in KNOWN_FAILURES]
    assert len(slugs) == len(set(slugs))


def test_other_words_are_no_known_failure() -> None:
    assert known_failure("CodeBuild", "assert 3 == 4") is None
    assert known_failure("ECS", "YAML file does not exist") is None


def test_the_page_is_the_table() -> None:
    page = (ROOT / "docs" / "pipeline-failures.md").read_text()
    assert page == document(), "run: python -m cli.pipeline_failures"
