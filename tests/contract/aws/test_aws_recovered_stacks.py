"""A step about a stack that CloudFormation refuses is recorded, and the rest of the plan continues."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber
from simulated_ledger import remembered
from test_aws_unfinished import INCIDENT, RELEASE, House

from belay.aws.cloudformation import ResourceDrift, Stacks
from belay.aws.gateways import own_aws
from belay.aws.secretsmanager import Secrets
from belay.aws.ssm import ParameterVersions
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.stack_values import StackValues
from belay.errors import AccessDenied, AwsFault, InvalidRequest, Throttled
from belay.ledger.operations import Purpose
from belay.release.reason import from_document
from belay.rollback import steps
from belay.rollback.noted import Noted
from belay.rollback.plan import Action, LeftToDo, Step
from belay.rollback.planner import plan_rollback
from belay.rollback.question import update_question
from belay.rollback.situation import Situation, StackSeen
from belay.rollback.stuck import repair_drift
from belay.rollback.taken import times_tried
from belay.stack.baseline import Baseline, TemplatePointer
from belay.stack.change_set import ChangeSet, parse_change_set
from belay.stack.plan import Progress, StackPlan, StagePlan
from belay.stack.status import StackStatus
from belay.stack.trace import UnprovedResource

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-network/1"
SEEN = StackSeen("network", "orders-network", STACK_ID, StackStatus.CREATE_COMPLETE, created_by_release=True)
SITUATION = Situation("orders", "production", "1.0.0", (SEEN,))
MADE = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/made/1"
SKIPPED = UnprovedResource("Topic", STACK_ID, "Topic", "AWS::SNS::Topic")


Stubbed = Callable[[str], tuple[Any, Stubber]]


class Refusing(Stacks):
    """CloudFormation refuses, and shows no event of an operation."""

    def __init__(self, fault: AwsFault) -> None:
        self.fault = fault

    def operation_status(self, stack_id: str, token: str) -> None:
        return None

    def perform(self, operation: str, parameters: Mapping[str, Any], token: str) -> None:
        raise self.fault


def recovered(stacks: Stacks, recovery: Recovery | None = None) -> RecoveredStacks:
    return looking(recovery or entered(), stacks, ResourceDrift(None))


def looking(recovery: Recovery, stacks: Stacks, drift: ResourceDrift) -> RecoveredStacks:
    """These stacks have no hidden values and none stored elsewhere."""
    values = StackValues(stacks, ParameterVersions(None), Secrets(None), recovery.ledger)
    return RecoveredStacks(recovery, stacks, drift, values)


@pytest.fixture
def house(simulated: Callable[[str], Any]) -> Iterator[House]:
    own_aws.cache_clear()
    house = House(simulated)
    house.in_stage()
    house.incidents.open_for_release(RELEASE, "production", from_document("it is bad"))
    yield house
    own_aws.cache_clear()


def entered() -> Recovery:
    event = {"application": "orders", "stage": "production", "incident": INCIDENT, "fencing": None}
    return Recovery.enter(event, *remembered())


@pytest.mark.parametrize(
    ("fault", "noted"),
    [
        (
            InvalidRequest(
                "CloudFormation.DeleteStack",
                "ValidationError",
                "Stack [orders-network] cannot be deleted while TerminationProtection is enabled",
            ),
            "TerminationProtection",
        ),
        (AccessDenied("CloudFormation.DeleteStack", "AccessDenied", "not authorized"), "not authorized"),
        (
            InvalidRequest(
                "CloudFormation.DeleteStack", "ValidationError", "Stack is in UPDATE_IN_PROGRESS state and can not be"
            ),
            None,
        ),
        (
            InvalidRequest(
                "CloudFormation.CancelUpdateStack",
                "ValidationError",
                "CancelUpdateStack cannot be called from current stack status",
            ),
            None,
        ),
        (
            InvalidRequest(
                "CloudFormation.DeleteStack",
                "ValidationError",
                f"Stack [{STACK_ID}] cannot be deleted while in status UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            ),
            None,
        ),
        (
            AwsFault(
                "CloudFormation.ExecuteChangeSet",
                "InvalidChangeSetStatus",
                f"ChangeSet [{MADE}] cannot be executed in its current execution status of [OBSOLETE]",
            ),
            None,
        ),
    ],
)
def test_a_refused_call_is_noted_unless_it_only_came_too_early(
    house: House, fault: AwsFault, noted: str | None
) -> None:
    recovery = entered()
    assert recovered(Refusing(fault), recovery).perform(steps.delete_stack(SEEN, SITUATION), 0) is False

    blocked = entered().blocked("network")
    assert (blocked is None) is (noted is None)
    assert (noted or "") in (blocked or "")
    record = entered().record
    assert [each.refused for each in record.tried] == [True]
    assert times_tried(record.tried) == {}, "what AWS refused was not tried"
    assert times_tried(record.tried * 11) == {(Action.DELETE_STACK, "network"): 2}, "but nothing is requested ever"


def test_a_throttle_is_made_again_by_the_machine(house: House) -> None:
    stacks = recovered(Refusing(Throttled("CloudFormation.DeleteStack", "Throttling", "slow down")))
    with pytest.raises(Throttled):
        stacks.perform(steps.delete_stack(SEEN, SITUATION), 0)


def told(second: int, name: str, status: str) -> dict[str, Any]:
    itself = name == "orders-network"
    kind = "AWS::CloudFormation::Stack" if itself else "AWS::SNS::Topic"
    return {
        "StackId": STACK_ID,
        "StackName": "orders-network",
        "EventId": f"{second}",
        "LogicalResourceId": name,
        "PhysicalResourceId": STACK_ID if itself else "topic",
        "ResourceType": kind,
        "ResourceStatus": status,
        "Timestamp": datetime(2026, 11, 28, 8, 0, second, tzinfo=UTC),
    }


ROLLING = "UPDATE_ROLLBACK_IN_PROGRESS"


class Showing(Stacks):
    """CloudFormation returns these events of the stack, which includes a topic, and no operation of Belay's."""

    def __init__(self, *events: tuple[str, str]) -> None:
        self.shown = [told(second, *each) for second, each in enumerate(events)]

    def operation_status(self, stack_id: str, token: str) -> None:
        return None

    def events(self, stack_id: str, most: int = 0) -> Iterator[dict[str, Any]]:
        return reversed(self.shown)

    def list_resources(self, stack_id: str) -> list[dict[str, Any]]:
        return [{**self.shown[1], "ResourceStatus": "UPDATE_COMPLETE"}]

    def describe_stack(self, stack: str) -> dict[str, Any]:
        hidden = {"ParameterKey": "Pin", "ParameterValue": "****"}
        known = {"StackId": STACK_ID, "StackName": "orders-network", "StackStatus": "UPDATE_ROLLBACK_COMPLETE"}
        return {**known, "Parameters": [hidden], "CreationTime": datetime(2026, 11, 1, tzinfo=UTC)}

    def get_template(self, stack_id: str, stage: str = "Original") -> bytes:
        return b"{}"


@pytest.mark.parametrize(
    ("events", "value", "kept"),
    [
        ((("Topic", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_COMPLETE")), "new", []),
        ((("Topic", "UPDATE_FAILED"), ("Topic", "UPDATE_COMPLETE")), "new", ["the parameter Pin (NoEcho)"]),
        ((("Topic", "UPDATE_FAILED"), ("Topic", "UPDATE_COMPLETE")), "old", []),
    ],
    ids=["rolled back", "skipped", "skipped, but the value was the same"],
)
def test_what_was_skipped_may_have_the_hidden_values_of_the_release(
    house: House, events: tuple[tuple[str, str], ...], value: str, kept: list[str]
) -> None:
    template = TemplatePointer("artifacts", "t", "v1", "d")
    before = Baseline("orders-network", True, STACK_ID, template=template, hidden=("Pin",), known={"Pin": "old"})
    house.ledger.baselines.record(RELEASE.origin, "production", "network", before)
    executing = StackPlan("network", "orders-network", progress=Progress.EXECUTING, stack_id=STACK_ID, token="t")
    plan(house, replace(executing, digests={"Pin": value}))
    (seen,) = recovered(Showing(("orders-network", ROLLING), *events)).look()
    assert [each.what for each in seen.kept] == kept


def test_a_resource_that_may_not_be_read_is_left_to_a_person_with_the_reason(house: House, stubbed: Stubbed) -> None:
    (waiting, waits) = stubbed("cloudformation")
    waits.add_client_error("detect_stack_resource_drift", "AccessDenied", "may not sns:GetTopicAttributes")
    shown = Showing(("orders-network", ROLLING), ("Topic", "UPDATE_FAILED"), ("Topic", "UPDATE_COMPLETE"))
    looking(entered(), shown, ResourceDrift(waiting)).perform(steps.detect_drift(SEEN, SKIPPED), 0)

    (known,) = entered().noted("network").unproved
    seen = StackSeen(
        "network",
        "orders-network",
        STACK_ID,
        StackStatus.UPDATE_ROLLBACK_COMPLETE,
        unproved=(known,),
    )
    (left,) = repair_drift(seen, SITUATION)
    assert isinstance(left, LeftToDo)
    assert "sns:GetTopicAttributes" in str(left.why)


class Offering(Stacks):
    """CloudFormation has created the requested change set, which does this to a nested stack with a table in it.

    It can be deleted, but not executed.
    """

    def __init__(self, action: str, execution_status: str = "AVAILABLE") -> None:
        self.action = action
        self.execution_status = execution_status
        self.deleted: list[str] = []

    def operation_status(self, stack_id: str, token: str) -> None:
        return None

    def create_change_set(self, arguments: Mapping[str, Any]) -> tuple[str, str]:
        return "arn:change-set", STACK_ID

    def describe_change_set(self, change_set_id: str) -> ChangeSet:
        change = {
            "Action": self.action,
            "LogicalResourceId": "Data",
            "PhysicalResourceId": "arn:child",
            "ResourceType": "AWS::CloudFormation::Stack",
        }
        head = {"StackId": STACK_ID, "StackName": "orders-network", "ChangeSetId": "arn:change-set"}
        ready = {"ChangeSetName": "back", "Status": "CREATE_COMPLETE", "ExecutionStatus": self.execution_status}
        return parse_change_set([{**head, **ready, "Changes": [{"Type": "Resource", "ResourceChange": change}]}])

    def list_resources(self, stack_id: str) -> list[dict[str, Any]]:
        assert stack_id == "arn:child"
        table = {"LogicalResourceId": "Table", "ResourceType": "AWS::DynamoDB::Table"}
        return [{**table, "PhysicalResourceId": "orders", "ResourceStatus": "CREATE_COMPLETE"}]

    def delete_change_set(self, change_set_id: str) -> None:
        self.deleted.append(change_set_id)


class Executing(Offering):
    """Its change set can be executed."""

    def __init__(self, action: str) -> None:
        super().__init__(action)
        self.executed: list[str] = []

    def execute_change_set(self, change_set_id: str, token: str) -> None:
        self.executed.append(change_set_id)


TABLE = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def rollback_step(house: House) -> Step:
    """The step that returns the stack to its earlier state by a change set."""
    template = TemplatePointer("artifacts", "attempts/a/template", "v1", "d")
    baseline = Baseline("orders-network", True, STACK_ID, StackStatus.CREATE_COMPLETE, template)
    house.ledger.baselines.record(RELEASE.origin, "production", "network", baseline)
    house.s3.put_object(Bucket="artifacts", Key=template.key, Body=b"{}", Metadata={"sha256": "d"})
    seen = StackSeen("network", "orders-network", STACK_ID, StackStatus.UPDATE_COMPLETE, changed_by_release=True)
    return steps.update_to_baseline(seen, SITUATION, baseline, template)


def test_a_person_is_asked_before_data_is_removed_on_the_rollback_step(house: House) -> None:
    stacks = Offering("Remove")

    recovered(stacks).perform(rollback_step(house), 0)

    assert entered().noted("network") == Noted(endangered=("Data/Table",))
    assert entered().blocked("network") is None
    assert stacks.deleted == ["arn:change-set"]


@pytest.mark.parametrize(("named", "executed"), [(["Data/Table"], True), (["Other"], False)])
def test_what_a_person_approved_is_removed_and_nothing_else(house: House, named: list[str], executed: bool) -> None:
    stacks, asked = Executing("Remove"), update_question("network", "orders-network", STACK_ID, named)
    ask, now = house.ledger.decisions.ask, "2026-01-01T10:00:00.000+00:00"
    ask("orders", INCIDENT, asked.name, asked.text, now, endangers=asked.endangers)
    house.ledger.decisions.decide("orders", INCIDENT, asked.name, approved=True, by="ann", at="2026-01-01T10:01:00")

    recovered(stacks).perform(rollback_step(house), 0)

    assert stacks.executed == (["arn:change-set"] if executed else [])
    submitted = house.ledger.operations.submitted(STACK_ID)
    assert (submitted and (submitted.change_set_id, submitted.templates)) == (
        ("arn:change-set", ("d",)) if executed else None
    )
    assert ("were not asked about" in str(entered().blocked("network"))) is not executed


@pytest.mark.parametrize(
    ("policy", "before", "endangered"),
    [("", "{}", ("Table",)), ("", '{"Table": {"Type": "AWS::DynamoDB::Table"}}', ()), ("Retain", "{}", ())],
)
def test_a_plan_names_the_data_that_the_release_added_and_going_back_would_delete(
    house: House, policy: str, before: str, endangered: tuple[str, ...]
) -> None:
    table: dict[str, Any] = {"Type": "AWS::DynamoDB::Table", "Properties": TABLE}
    template = {"Resources": {"Table": table | ({"DeletionPolicy": policy} if policy else {})}}
    made = house.cloudformation.create_stack(StackName="orders-network", TemplateBody=json.dumps(template))
    body = f'{{"Resources": {before}}}'.encode()
    pointer = TemplatePointer("artifacts", "attempts/a/template", None, hashlib.sha256(body).hexdigest())
    baseline = Baseline("orders-network", True, made["StackId"], StackStatus.CREATE_COMPLETE, pointer)
    house.ledger.baselines.record(RELEASE.origin, "production", "network", baseline)
    house.s3.put_object(Bucket="artifacts", Key=pointer.key, Body=body)
    plan = StagePlan((StackPlan("network", "orders-network", progress=Progress.EXECUTED, stack_id=made["StackId"]),))
    house.artifacts.put_json(RELEASE.stage_key("production", "plan.json"), plan.to_dict())

    (seen,) = recovered(Stacks(house.cloudformation)).look()

    assert seen.endangered == endangered


def test_a_change_set_that_does_not_show_what_drifted_in_a_nested_stack_is_not_executed(house: House) -> None:
    skipped = UnprovedResource("Data/Topic", "arn:child", "Topic", "AWS::SNS::Topic", drift="MODIFIED")
    recovery = entered()
    recovery.note("network", Noted(unproved=(skipped,)))
    seen = StackSeen("network", "orders-network", STACK_ID, StackStatus.UPDATE_ROLLBACK_COMPLETE, unproved=(skipped,))
    (step,) = repair_drift(seen, SITUATION)
    assert isinstance(step, Step)
    assert step.parameters["IncludeNestedStacks"] is True
    stacks = Offering("Modify")

    assert recovered(stacks).perform(step, 0) is False

    (known,) = entered().noted("network").unproved
    assert "finds no drift to revert" in str(known.left)
    assert stacks.deleted == ["arn:change-set"]


# -- killed in between -------------------------------------------------------------------------------------------------


def test_a_change_set_that_the_stack_left_behind_since_a_crash_is_made_anew(house: House) -> None:
    stacks = Offering("Modify", execution_status="OBSOLETE")
    assert recovered(stacks).perform(rollback_step(house), 0) is True
    assert stacks.deleted == ["arn:change-set"]
    assert entered().blocked("network") is None


@pytest.mark.parametrize(
    ("code", "message", "noted"),
    [
        ("AccessDenied", "not authorized to perform: cloudformation:CreateChangeSet", True),
        ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]", True),
        ("SomethingElse", "as no page says", True),
        ("ValidationError", "Stack is in UPDATE_IN_PROGRESS state and can not be updated.", False),
    ],
)
def test_a_change_set_back_that_is_refused_keeps_no_other_stack(
    house: House, code: str, message: str, noted: bool
) -> None:
    with Stubber(house.cloudformation) as stub:
        stub.add_response("describe_stack_events", {"StackEvents": []})
        stub.add_client_error("create_change_set", code, message)
        assert recovered(Stacks(house.cloudformation)).perform(rollback_step(house), 0) is False

    assert (message in str(entered().blocked("network"))) is noted
    assert [each.action for each in entered().record.tried] == ["UPDATE_TO_BASELINE"]


PLANNED = StackPlan(
    "network", "orders-network", progress=Progress.PLANNED, stack_id=STACK_ID, change_set_id=MADE, generation=1
)


def plan(house: House, stack: StackPlan) -> None:
    house.artifacts.put_json(RELEASE.stage_key("production", "plan.json"), StagePlan((stack,)).to_dict())


def shell(house: House, change_sets: list[str]) -> StackSeen:
    """The observed state of a stack that is a shell for the release's change set, with these left on it."""
    plan(house, replace(PLANNED, creates=True))
    described = {"StackName": "orders-network", "StackId": STACK_ID, "CreationTime": "2026-01-01T10:00:00Z"}
    with Stubber(house.cloudformation) as stub:
        stub.add_response("describe_stacks", {"Stacks": [{**described, "StackStatus": "REVIEW_IN_PROGRESS"}]})
        stub.add_response("list_change_sets", {"Summaries": [{"ChangeSetId": each} for each in change_sets]})
        for _ in range(2):
            stub.add_response("describe_stack_events", {"StackEvents": []})
        (seen,) = recovered(Stacks(house.cloudformation)).look()
    return seen


@pytest.mark.parametrize(("left", "planned"), [([MADE], ["DELETE_CHANGE_SET", "DELETE_STACK"]), ([], ["DELETE_STACK"])])
def test_a_change_set_that_is_gone_is_not_deleted_again(house: House, left: list[str], planned: list[str]) -> None:
    seen = shell(house, left)
    way_on = plan_rollback(replace(SITUATION, stacks=(seen,)))
    assert [step.action for step in way_on.steps] == planned


def test_the_deletion_of_a_change_set_may_be_asked_for_twice(house: House) -> None:
    step = steps.delete_change_set(shell(house, [MADE]), MADE)
    with Stubber(house.cloudformation) as stub:
        for _ in range(2):
            stub.add_response("describe_stack_events", {"StackEvents": []})
            stub.add_client_error("delete_change_set", "ChangeSetNotFound", "it does not exist")
            assert recovered(Stacks(house.cloudformation)).perform(step, 0) is False
    assert entered().blocked("network") is None
    assert [each.action for each in entered().record.tried] == ["DELETE_CHANGE_SET"]


@pytest.mark.parametrize(
    ("execution_status", "unseen"), [("EXECUTE_IN_PROGRESS", True), ("AVAILABLE", False), ("EXECUTE_COMPLETE", False)]
)
def test_what_the_deployment_has_just_begun_is_waited_for(house: House, execution_status: str, unseen: bool) -> None:
    plan(house, PLANNED)
    token = RELEASE.origin.deployment_token("production", "network", PLANNED.generation)
    at = "2026-01-01T10:00:00+00:00"
    house.ledger.operations.record(STACK_ID, token, RELEASE, "production", purpose=Purpose.DEPLOY, now=at)
    found = {"StackId": STACK_ID, "StackName": "orders-network", "ChangeSetId": MADE, "ChangeSetName": "made"}
    with Stubber(house.cloudformation) as stub:
        stub.add_response("describe_stack_events", {"StackEvents": []})
        status = {"Status": "CREATE_COMPLETE", "ExecutionStatus": execution_status}
        stub.add_response("describe_change_set", {**found, **status, "Changes": []})
        assert recovered(Stacks(house.cloudformation)).operation_not_visible_yet() is unseen
