import json
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from belay.aws.cloudformation import Stacks
from belay.documents import plain
from belay.errors import AccessDenied, AwsFault, InvalidRequest, Throttled
from belay.release.names import change_set_name, client_request_token
from belay.rollback.plan import Action, Step
from belay.rollback.planner import plan_rollback
from belay.rollback.situation import Situation, StackSeen
from belay.stack.baseline import Baseline, TemplatePointer
from belay.stack.status import StackStatus

ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-network/6a7e8fe0-b491-11ee-8cf7-0a1b2c3d4e5f"
NESTED = ID.replace("orders-network", "orders-network-Child")
CHANGE_SET = "arn:aws:cloudformation:eu-west-1:111122223333:changeSet/belay-1/6a7e8fe0"
ROLE = "arn:aws:iam::111122223333:role/belay/orders"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)

Stubbed = Callable[[str], tuple[Any, Stubber]]


# -- a stack's life, simulated by moto ---------------------------------------------------------------------------------

TEMPLATE = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})


def test_a_stack_is_made_looked_at_and_deleted(simulated: Callable[[str], Any]) -> None:
    stacks = Stacks(simulated("cloudformation"))
    assert stacks.describe_stack("orders-network") is None
    arguments = {
        "StackName": "orders-network",
        "ChangeSetName": "belay-1",
        "ChangeSetType": "CREATE",
        "TemplateBody": TEMPLATE,
    }
    change_set_id, stack_id = stacks.create_change_set(arguments)
    change_set = stacks.describe_change_set(change_set_id)
    assert change_set is not None
    assert change_set.ready
    assert [(change.logical_id, change.action) for change in change_set.changes] == [("Topic", "Add")]
    stacks.execute_change_set(change_set_id, "deploy-1")
    description = stacks.describe_stack(stack_id) or {}
    assert (description["StackId"], description["StackStatus"]) == (stack_id, "CREATE_COMPLETE")
    assert json.loads(stacks.get_template(stack_id)) == json.loads(TEMPLATE)
    assert [each["ResourceType"] for each in stacks.resources_by_stack(stack_id)[stack_id]] == ["AWS::SNS::Topic"]
    assert [each["StackName"] for each in stacks.describe_stacks()] == ["orders-network"]
    stacks.delete_stack(stack_id, "delete-1", ROLE)
    assert stacks.describe_stack("orders-network") is None


# -- reading -----------------------------------------------------------------------------------------------------------


def test_no_stack_is_told_from_a_request_that_is_wrong(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    stub.add_client_error("describe_stacks", "ValidationError", "Stack with id orders does not exist")
    stub.add_client_error("describe_stacks", "ValidationError", "1 validation error detected")
    stub.add_client_error("describe_stacks", "AccessDenied", http_status_code=403)
    stacks = Stacks(client)
    assert stacks.describe_stack("orders") is None
    with pytest.raises(InvalidRequest):
        stacks.describe_stack("orders")
    with pytest.raises(AccessDenied):
        stacks.describe_stack("orders")


@pytest.mark.parametrize(
    "body", ["Resources: {}\n", '{"Resources":{},"Metadata":{"Version":1.10}}', '{ "a": 1, "a": 2 }']
)
def test_a_template_is_read_byte_by_byte_as_it_was_given(stubbed: Stubbed, body: str) -> None:
    client, stub = stubbed("cloudformation")
    stub.add_response("get_template", {"TemplateBody": body}, {"StackName": ID, "TemplateStage": "Original"})
    assert Stacks(client).get_template(ID) == body.encode()


def test_an_export_that_nobody_imports_has_no_importers(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    stub.add_response("list_imports", {"Imports": ["web"], "NextToken": "more"}, {"ExportName": "orders"})
    stub.add_response("list_imports", {"Imports": ["billing"]}, {"ExportName": "orders", "NextToken": "more"})
    assert Stacks(client).importers("orders") == ("web", "billing")
    stub.add_client_error("list_imports", "ValidationError", "Export 'orders' is not imported by any stack.")
    assert Stacks(client).importers("orders") == ()
    stub.add_client_error("list_imports", "AccessDenied", http_status_code=403)
    with pytest.raises(AccessDenied):
        Stacks(client).importers("orders")


def summary(resource_type: str, physical_id: str, status: str = "CREATE_COMPLETE") -> dict[str, Any]:
    return {
        "LogicalResourceId": "Some",
        "PhysicalResourceId": physical_id,
        "ResourceType": resource_type,
        "ResourceStatus": status,
        "LastUpdatedTimestamp": WHEN,
    }


def test_resources_are_listed_through_nested_stacks_that_exist(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    nested = "AWS::CloudFormation::Stack"
    first = [summary("AWS::SNS::Topic", "topic"), summary(nested, NESTED)]
    second = [summary(nested, "arn:gone", "DELETE_COMPLETE"), summary(nested, "")]
    stub.add_response("list_stack_resources", {"StackResourceSummaries": first, "NextToken": "more"}, {"StackName": ID})
    stub.add_response(
        "list_stack_resources", {"StackResourceSummaries": second}, {"StackName": ID, "NextToken": "more"}
    )
    stub.add_response(
        "list_stack_resources",
        {"StackResourceSummaries": [summary("AWS::EC2::SecurityGroup", "sg-1")]},
        {"StackName": NESTED},
    )
    found = Stacks(client).resources_by_stack(ID)
    assert {stack: [each["PhysicalResourceId"] for each in resources] for stack, resources in found.items()} == {
        ID: ["topic", NESTED, "arn:gone", ""],
        NESTED: ["sg-1"],
    }


def event(status: str, token: str | None, physical_id: str = ID, **more: Any) -> dict[str, Any]:
    stack_id = more.pop("StackId", ID)
    return {
        "StackId": stack_id,
        "StackName": stack_id.split("/")[1],
        "EventId": f"{physical_id}-{status}-{token}",
        "LogicalResourceId": "orders-network",
        "PhysicalResourceId": physical_id,
        "ResourceType": "AWS::CloudFormation::Stack",
        "Timestamp": WHEN,
        "ResourceStatus": status,
        **({} if token is None else {"ClientRequestToken": token}),
        **more,
    }


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("deploy-2", StackStatus.UPDATE_IN_PROGRESS),
        ("deploy-1", StackStatus.UPDATE_ROLLBACK_COMPLETE),
        ("deploy-3", None),
    ],
)
def test_an_operation_is_followed_by_its_token(stubbed: Stubbed, token: str, status: StackStatus | None) -> None:
    client, stub = stubbed("cloudformation")
    newest_first = [
        event("CREATE_COMPLETE", "deploy-2", "a-resource", ResourceType="AWS::SNS::Topic"),
        event("UPDATE_IN_PROGRESS", "deploy-2"),
        event("UPDATE_COMPLETE", None),
        event("UPDATE_ROLLBACK_COMPLETE", "deploy-1"),
        event("UPDATE_IN_PROGRESS", "deploy-1"),
    ]
    stub.add_response("describe_stack_events", {"StackEvents": newest_first[:2], "NextToken": "n"}, {"StackName": ID})
    if token != "deploy-2":
        older = {"StackEvents": newest_first[2:]}
        stub.add_response("describe_stack_events", older, {"StackName": ID, "NextToken": "n"})
    assert Stacks(client).operation_status(ID, token) is status, "and no page is read that need not be"


@pytest.mark.parametrize(("own", "nested", "still"), [(1, None, False), (13, 1, False), (13, 13, True)])
def test_a_stack_stands_still_when_those_nested_in_it_do(
    stubbed: Stubbed, own: int, nested: int | None, still: bool
) -> None:
    client, stub = stubbed("cloudformation")
    now = datetime(2026, 3, 2, 23, tzinfo=UTC)

    def heard(stack_id: str, hours: int) -> None:
        newest = {**event("UPDATE_IN_PROGRESS", "deploy-1"), "Timestamp": now - timedelta(hours=hours)}
        stub.add_response("describe_stack_events", {"StackEvents": [newest]}, {"StackName": stack_id})

    heard(ID, own)
    if nested is not None:
        child = {
            "LogicalResourceId": "Child",
            "ResourceType": "AWS::CloudFormation::Stack",
            "PhysicalResourceId": NESTED,
        }
        child |= {"ResourceStatus": "UPDATE_IN_PROGRESS", "LastUpdatedTimestamp": now}
        stub.add_response("list_stack_resources", {"StackResourceSummaries": [child]}, {"StackName": ID})
        stub.add_response("list_stack_resources", {"StackResourceSummaries": []}, {"StackName": NESTED})
        heard(ID, own)
        heard(NESTED, nested)
    assert Stacks(client).stands_still(ID, now) is still


def test_the_first_cause_is_found_in_the_nested_stack_that_failed(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    outer = [
        event(
            "UPDATE_ROLLBACK_IN_PROGRESS", "deploy-1", ResourceStatusReason="The following resource(s) failed: [Child]"
        ),
        event(
            "UPDATE_FAILED", "deploy-1", NESTED, LogicalResourceId="Child", ResourceStatusReason="Embedded stack failed"
        ),
        event("UPDATE_IN_PROGRESS", "deploy-1", NESTED, LogicalResourceId="Child"),
        event("UPDATE_IN_PROGRESS", "deploy-1"),
    ]
    inner = [
        event("UPDATE_FAILED", "deploy-1", NESTED, StackId=NESTED, ResourceStatusReason="failed: [Topic]"),
        event(
            "CREATE_FAILED",
            "deploy-1",
            "topic",
            StackId=NESTED,
            LogicalResourceId="Topic",
            ResourceType="AWS::SNS::Topic",
            ResourceStatusReason="Invalid parameter: Topic Name",
        ),
        event("UPDATE_IN_PROGRESS", "deploy-1", NESTED, StackId=NESTED),
    ]
    stub.add_response("describe_stack_events", {"StackEvents": outer}, {"StackName": ID})
    stub.add_response("describe_stack_events", {"StackEvents": inner}, {"StackName": NESTED})
    cause = Stacks(client).first_cause(ID, "deploy-1")
    assert cause is not None
    assert "Invalid parameter: Topic Name" in cause.in_words()


def test_the_newest_event_and_every_change_set_of_a_stack_are_found(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    stub.add_response("describe_stack_events", {"StackEvents": [event("UPDATE_COMPLETE", None), event("x", None)]})
    stub.add_response("describe_stack_events", {"StackEvents": []})
    stub.add_response(
        "list_change_sets", {"Summaries": [{"ChangeSetId": CHANGE_SET}], "NextToken": "n"}, {"StackName": ID}
    )
    stub.add_response("list_change_sets", {"Summaries": [{"ChangeSetId": "b"}]}, {"StackName": ID, "NextToken": "n"})
    stacks = Stacks(client)
    newest = stacks.newest_event(ID)
    assert newest is not None
    assert newest["ResourceStatus"] == "UPDATE_COMPLETE"
    assert stacks.newest_event(ID) is None
    assert stacks.list_change_sets(ID) == [CHANGE_SET, "b"]


# -- change sets -------------------------------------------------------------------------------------------------------


def described(**more: Any) -> dict[str, Any]:
    return {
        "ChangeSetName": "belay-1",
        "ChangeSetId": CHANGE_SET,
        "StackId": ID,
        "StackName": "orders-network",
        "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE",
        "CreationTime": WHEN,
        "Changes": [],
        **more,
    }


EARLY = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To troubleshoot Early "
    "Validation errors, use the DescribeEvents API for detailed failure information."
)
INVALID = {
    "EventType": "VALIDATION_ERROR",
    "LogicalResourceId": "Bucket",
    "ResourceType": "AWS::S3::Bucket",
    "ValidationFailureMode": "FAIL",
    "ValidationPath": "/Resources/Bucket/Properties/LifecycleConfiguration/Rules/2",
    "ValidationStatusReason": "extraneous key [Filter] is not permitted",
}
TOLD = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]: Bucket (AWS::S3::Bucket), "
    "property LifecycleConfiguration/Rules/2: extraneous key [Filter] is not permitted"
)


def test_the_events_of_a_change_set_say_why_it_failed_also_in_a_nested_stack(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    inner = CHANGE_SET.replace("belay-1", "inner")
    nested = f"Nested change set {inner} was not successfully created: Currently in FAILED."
    failed = {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE"}
    stub.add_response("describe_change_set", described(**failed, StatusReason=nested))
    stub.add_response("describe_change_set", described(**failed, StatusReason=EARLY, ChangeSetId=inner))
    asked = {"ChangeSetName": inner, "Filters": {"FailedEvents": True}}
    stub.add_response("describe_events", {"OperationEvents": [], "NextToken": "n"}, asked)
    stub.add_response("describe_events", {"OperationEvents": [INVALID]}, {**asked, "NextToken": "n"})
    stacks = Stacks(client)
    change_set = stacks.describe_change_set(CHANGE_SET)
    assert change_set is not None
    assert stacks.why_failed(change_set) == TOLD


def test_that_events_cannot_be_read_is_said_and_a_throttle_is_raised(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    stub.add_response("describe_change_set", described(Status="FAILED", StatusReason=EARLY))
    stub.add_client_error("describe_events", "AccessDenied", "not authorized", http_status_code=403)
    stub.add_client_error("describe_events", "Throttling", "Rate exceeded")
    stacks = Stacks(client)
    change_set = stacks.describe_change_set(CHANGE_SET)
    assert change_set is not None
    why = stacks.why_failed(change_set)
    assert why.startswith(EARLY)
    assert "not authorized" in why
    with pytest.raises(Throttled):
        stacks.why_failed(change_set)


def test_an_operation_that_failed_validation_is_told_by_its_own_events(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    called = "Validation failed with 1 error(s). Call DescribeEvents to retrieve the full list of issues with details."
    events = [
        event("UPDATE_ROLLBACK_COMPLETE", "deploy-1"),
        event("UPDATE_FAILED", "deploy-1", ResourceStatusReason=called),
        event("UPDATE_IN_PROGRESS", "deploy-1"),
    ]
    stub.add_response("describe_stack_events", {"StackEvents": events}, {"StackName": ID})
    secret = {**INVALID, "ValidationStatusReason": "password=hunter2hunter2 is too short", "Timestamp": WHEN}
    yesterday = {**INVALID, "ValidationStatusReason": "yesterday's", "Timestamp": WHEN - timedelta(days=1)}
    found = {"OperationEvents": [yesterday, {**INVALID, "Timestamp": WHEN}, secret]}
    stub.add_response("describe_events", found, {"StackName": ID, "Filters": {"FailedEvents": True}})
    cause = Stacks(client).first_cause(ID, "deploy-1")
    assert cause is not None
    assert cause.reason.startswith(f"Validation failed with 1 error(s): {TOLD.partition(']: ')[2]}; ")
    assert "hunter2" not in cause.reason


def test_a_change_set_that_a_crash_left_is_ours(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    arguments = {"StackName": ID, "ChangeSetName": "belay-1", "ClientToken": "belay-1"}
    stub.add_client_error("create_change_set", "AlreadyExistsException", expected_params=arguments)
    stub.add_response("describe_change_set", described(), {"StackName": ID, "ChangeSetName": "belay-1"})
    assert Stacks(client).create_change_set(arguments) == (CHANGE_SET, ID)


@pytest.mark.parametrize("code", ["ValidationError", "InsufficientCapabilitiesException"])
def test_a_template_that_is_refused_is_an_invalid_request(stubbed: Stubbed, code: str) -> None:
    client, stub = stubbed("cloudformation")
    stub.add_client_error("create_change_set", code, "Template format error")
    with pytest.raises(InvalidRequest, match="Template format error"):
        Stacks(client).create_change_set({"StackName": "orders", "ChangeSetName": "belay-1"})


def change(logical_id: str, **more: Any) -> dict[str, Any]:
    resource = {
        "Action": "Modify",
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::SNS::Topic",
        "Replacement": "False",
    }
    return {"Type": "Resource", "ResourceChange": resource | more}


def test_a_change_set_is_read_with_all_its_pages_and_nested_ones(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    nested = CHANGE_SET.replace("belay-1", "belay-1-Child")
    asked = {"ChangeSetName": CHANGE_SET, "IncludePropertyValues": True}
    child = change("Child", ResourceType="AWS::CloudFormation::Stack", ChangeSetId=nested)
    stub.add_response("describe_change_set", described(Changes=[change("First")], NextToken="more"), asked)
    stub.add_response("describe_change_set", described(Changes=[child]), asked | {"NextToken": "more"})
    inner = described(ChangeSetId=nested, StackId=NESTED, Changes=[change("Inner")])
    stub.add_response("describe_change_set", inner, asked | {"ChangeSetName": nested})
    found = Stacks(client).describe_change_set(CHANGE_SET)
    assert found is not None
    assert [each.logical_id for each in found.changes] == ["First", "Child"]
    assert [each.logical_id for each in found.nested[0].changes] == ["Inner"]


@pytest.mark.parametrize(
    ("code", "message"),
    [("ChangeSetNotFound", "ChangeSet [belay-1] does not exist"), ("ValidationError", "Stack [orders] does not exist")],
)
def test_a_change_set_that_is_gone_is_none(stubbed: Stubbed, code: str, message: str) -> None:
    client, stub = stubbed("cloudformation")
    stub.add_client_error("describe_change_set", code, message, http_status_code=404)
    assert Stacks(client).describe_change_set(CHANGE_SET) is None


def test_a_change_set_that_is_gone_is_deleted_and_a_busy_one_is_left(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    stub.add_client_error("delete_change_set", "ChangeSetNotFound", http_status_code=404)
    stub.add_client_error("delete_change_set", "InvalidChangeSetStatus")
    stub.add_client_error("delete_change_set", "AccessDenied", http_status_code=403)
    for _ in range(2):
        Stacks(client).delete_change_set(CHANGE_SET)
    with pytest.raises(AccessDenied):
        Stacks(client).delete_change_set(CHANGE_SET)


def test_calls_that_change_a_stack_carry_their_token(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    executed = {"ChangeSetName": CHANGE_SET, "ClientRequestToken": "deploy-1"}
    stub.add_response("execute_change_set", {}, executed)
    stub.add_response("delete_stack", {}, {"StackName": ID, "ClientRequestToken": "delete-1", "RoleARN": ROLE})
    stub.add_response("rollback_stack", {}, {"StackName": ID, "ClientRequestToken": "back-1", "RoleARN": ROLE})
    stacks = Stacks(client)
    stacks.execute_change_set(CHANGE_SET, "deploy-1")
    stacks.delete_stack(ID, "delete-1", ROLE)
    stacks.perform("RollbackStack", {"StackName": ID, "RoleARN": ROLE}, "back-1")


EVENTS: dict[str, Any] = {"StackEvents": []}
"""CloudFormation's events of an operation that it accepted a moment ago."""


def test_a_token_that_was_taken_before_has_begun_its_operation(stubbed: Stubbed) -> None:
    client, stub = stubbed("cloudformation")
    stub.add_client_error("delete_stack", "TokenAlreadyExistsException", "A client request token already exists.")
    stub.add_client_error("delete_stack", "ValidationError", "not while TerminationProtection is enabled")
    stub.add_response("describe_stack_events", EVENTS)
    stacks = Stacks(client)
    with stacks.begun_once(ID, "delete-1"):
        stacks.delete_stack(ID, "delete-1", ROLE)
    with pytest.raises(InvalidRequest), stacks.begun_once(ID, "delete-1"):
        stacks.delete_stack(ID, "delete-1", ROLE)


@pytest.mark.parametrize(("status", "executed"), [("EXECUTE_IN_PROGRESS", True), ("OBSOLETE", False)])
def test_a_change_set_is_executed_once_although_no_event_tells_so_yet(
    stubbed: Stubbed, status: str, executed: bool
) -> None:
    client, stub = stubbed("cloudformation")
    stub.add_client_error("execute_change_set", "InvalidChangeSetStatus", f"it is {status}")
    described = {"StackId": ID, "StackName": "orders-network", "ChangeSetId": CHANGE_SET, "ChangeSetName": "belay-1"}
    stub.add_response("describe_change_set", {**described, "Status": "CREATE_COMPLETE", "ExecutionStatus": status})
    with nullcontext() if executed else pytest.raises(AwsFault):
        Stacks(client).execute_change_set(CHANGE_SET, "deploy-1")


# -- every call of a rollback plan -------------------------------------------------------------------------------------


def situations() -> Iterator[Situation]:
    baseline = Baseline(
        stack_name="orders-network",
        existed=True,
        stack_id=ID,
        template=TemplatePointer("artifacts", "attempts/orders/a/production/network.template", "v1", "d"),
        parameters={"Size": "large"},
        hidden=("Password",),
        tags={"team": "orders"},
        capabilities=("CAPABILITY_IAM",),
    )
    for status, created, changed, ours, allowed, role in product(
        [*StackStatus], [True, False], [True, False], [True, False], [True, False], [ROLE, None]
    ):
        seen = StackSeen(
            stack="network",
            name="orders-network",
            stack_id=ID,
            status=status,
            baseline=None if created else baseline,
            created_by_release=created,
            changed_by_release=changed,
            ours=ours,
            change_sets=(CHANGE_SET,),
            parameter_keys=("Size", "Password"),
        )
        yield Situation(
            application="orders",
            stage="production",
            version="1.3.0",
            stacks=(seen,),
            recover_foreign=allowed,
            role_arn=role,
        )


def planned_steps() -> list[Step]:
    steps = [step for situation in situations() for step in plan_rollback(situation).steps]
    return list({json.dumps(plain(step), sort_keys=True): step for step in steps}.values())


def test_every_step_that_can_be_planned_is_a_call_that_cloudformation_takes(no_account: None) -> None:
    """botocore checks the arguments against CloudFormation's model before the stubbed response is returned."""
    client = boto3.client("cloudformation", region_name="eu-west-1")
    sent: list[tuple[str, dict[str, Any]]] = []

    def answer(params: Any, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        sent.append((model.name, dict(params["body"])))
        ok = type("Response", (), {"status_code": 200})()
        return ok, {"Id": CHANGE_SET, "StackId": ID}

    client.meta.events.register("before-call.cloudformation", answer)  # type: ignore[arg-type]
    stacks = Stacks(client)
    steps = planned_steps()
    for step in steps:
        token = client_request_token("orders", "production", "1.3.0-rc.1+7", step.subject, step.action.lower(), "i-0")
        if step.action is Action.UPDATE_TO_BASELINE:
            name = change_set_name("orders", "production", "recover", step.subject, "i-0")
            stacks.create_change_set({**step.parameters, "ChangeSetName": name, "ClientToken": name})
            stacks.execute_change_set(CHANGE_SET, token)
        elif step.action is Action.DELETE_CHANGE_SET:
            stacks.delete_change_set(step.parameters["ChangeSetName"])
        elif step.action is not Action.WAIT:
            stacks.perform(step.call[1], step.parameters, token)
    assert {name for name, _ in sent} == {
        "CancelUpdateStack",
        "ContinueUpdateRollback",
        "CreateChangeSet",
        "DeleteChangeSet",
        "DeleteStack",
        "ExecuteChangeSet",
        "RollbackStack",
    }
    shapes = client.meta.service_model
    for name, body in sent:
        if name != "DeleteChangeSet":
            token = body.get("ClientRequestToken") or body["ClientToken"]
            shape = shapes.operation_model(name).input_shape
            assert shape is not None
            members = shape.members
            metadata = (members.get("ClientRequestToken") or members["ClientToken"]).metadata
            assert len(token) <= metadata["max"]
            assert re.fullmatch(metadata.get("pattern", "[a-zA-Z0-9][-a-zA-Z0-9]*"), token)
