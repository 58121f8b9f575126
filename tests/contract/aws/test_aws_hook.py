"""The CloudFormation Hook with invocations of the documented shape, on an AWS simulated by moto."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import boto3
import pytest
import yaml
from modules import ROOT

from belay.aws.clock import now, timestamp
from belay.aws.cloudformation import Stacks
from belay.aws.gateways import own_aws
from belay.aws.ssm import ParameterStore
from belay.control.registrations import ReadRegistrations, Registrations
from belay.errors import AccessDenied
from belay.ledger.ledger import Ledger
from belay.ledger.operations import Purpose
from belay.release.origin import Origin
from belay.release.place import PlaceRoles, StagePlace
from belay.stack.change_set import ChangeSet, parse_change_set
from packs.hook import answering, app, invocation, judging

FIXTURES = ROOT / "tests" / "fixtures" / "hook"
STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-network/1a2345b6-0000-00a0-a123-00abc0abc000"
CHANGE_SET = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/by-hand/1a2345b6-0000-00a0-a123-00abc0abc001"
OWN = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/belay-orders/1a2345b6-0000-00a0-a123-00abc0abc002"
ORIGIN = Origin("orders", "1.0.0", "attempt")


SSH: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}


def open_to(cidr: Any) -> str:
    """A template with a group that allows a network in by SSH."""
    group = {"GroupDescription": "web", "SecurityGroupIngress": [SSH | {"CidrIp": cidr}]}
    return json.dumps(
        {
            "Parameters": {"Cidr": {"Type": "String", "Default": "10.0.0.0/8"}},
            "Resources": {"Web": {"Type": "AWS::EC2::SecurityGroup", "Properties": group}},
        }
    )


BAD, GOOD, EITHER = open_to("0.0.0.0/0"), open_to("10.0.0.0/8"), open_to({"Ref": "Cidr"})


class Shown(Stacks):
    """CloudFormation with one stack, its status and its root, and one change set."""

    def __init__(self) -> None:
        self.standing = "UPDATE_IN_PROGRESS"
        self.root: str | None = None
        self.head: dict[str, Any] = {}

    def describe_stack(self, stack: str) -> dict[str, Any]:
        return {"StackId": stack, "StackStatus": self.standing} | ({"RootId": self.root} if self.root else {})

    def describe_change_set(self, change_set_id: str) -> ChangeSet:
        head = {"StackId": STACK, "StackName": "orders-network", "ChangeSetId": change_set_id, "ChangeSetName": "x"}
        return parse_change_set([{**head, "Status": "CREATE_COMPLETE", **self.head}])


@dataclass(frozen=True)
class Context:
    """The part of Lambda's context that is used."""

    milliseconds: int = 25_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass
class World:
    """The Hook's surroundings: the registration, what Belay submitted, and the template to be checked."""

    ledger: Ledger
    ssm: Any
    stacks: Shown
    template: str = GOOD

    def register(self, more: str = "", *, application: str = "orders", stack: str = "orders-network") -> None:
        role = "arn:aws:iam::123456789012:role/deployer"
        stage = f"service_role: {role}\nstacks: {{network: {{name: {stack}}}}}\n{more}"
        for name, text in {application: "stages: [production]\n", f"{application}/production": stage}.items():
            self.ssm.put_parameter(Name=f"/belay/applications/{name}", Value=text, Type="String", Overwrite=True)

    def submit(self, template: str = "", *, stack: str = STACK, change_set: str = OWN, at: str = "") -> None:
        """Make Belay begin an operation."""
        self.ledger.operations.record(
            stack,
            "token",
            ORIGIN,
            "production",
            purpose=Purpose.RECOVER,
            now=at or timestamp(),
            change_set_id=change_set,
            templates=(sha256(template.encode()).hexdigest(),),
        )

    def answer(self, fixture: str, context: Context | None = None, **other: Any) -> dict[str, Any]:
        event = json.loads((FIXTURES / f"{fixture}.json").read_text()) | other
        return app.handler(event, context or Context())


@pytest.fixture
def world(ledger: Ledger, simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    own_aws.cache_clear()
    values = {"STACKS": "REGISTERED", "UNDECIDED": "WARN"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    found = World(ledger, simulated("ssm"), Shown())
    found.register()
    monkeypatch.setattr(own_aws(), "stacks", found.stacks)
    monkeypatch.setattr(answering, "fetch_template", lambda url: found.template)
    yield found
    own_aws.cache_clear()


# -- what is checked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fixture", ["stack_create", "stack_update", "stack_change_set"])
def test_a_violation_is_held_with_each_finding(world: World, fixture: str) -> None:
    world.template = BAD
    answer = world.answer(fixture)
    assert (answer["hookStatus"], answer["errorCode"]) == ("FAILED", "NonCompliant")
    assert answer["clientRequestToken"] == "f8da6d11-b23f-48f4-814c-0fb6a667f50e"
    assert "FAIL ssh-open at Web: " in answer["message"]
    named = {each["annotationName"]: each for each in answer["annotations"]}
    assert (named["ssh-open"]["status"], named["ssh-open"]["severityLevel"]) == ("FAILED", "CRITICAL")
    assert named["ssh-open"]["remediationMessage"]


def test_what_keeps_the_policies_goes_on(world: World) -> None:
    assert world.answer("stack_update") == {
        "hookStatus": "SUCCESS",
        "message": "Belay's policies are kept.",
        "clientRequestToken": "f8da6d11-b23f-48f4-814c-0fb6a667f50e",
    }


def test_the_settings_and_waivers_are_those_of_the_stage(world: World) -> None:
    world.template = BAD
    waiver = "{policy: ssh-open, resource: Web, reason: bastion, owner: ann, expires: 2999-01-01}"
    world.register(f"policies: {{waivers: [{waiver}]}}\n")
    assert "ssh-open" not in world.answer("stack_update")["message"]
    world.template = GOOD
    world.register("trusted_networks: [192.168.0.0/16]\n")
    assert world.answer("stack_update")["hookStatus"] == "FAILED"


def test_what_cannot_be_deployed_is_held(world: World) -> None:
    world.template = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queu"}}})
    assert "FAIL template:F3006 at Queue" in world.answer("stack_update")["message"]


def test_an_operator_s_cfn_guard_rules_are_those_that_are_registered(
    world: World, simulated: Callable[[str], Any]
) -> None:
    rules = b"rule QUEUES_FIFO { AWS::SQS::Queue { Properties.FifoQueue == true } }"
    simulated("s3").create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    world.register(f"policies: {{guard_rules: {{rules/q.guard: {sha256(rules).hexdigest()}}}}}\n")
    world.template = json.dumps(
        {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 1}}}}
    )
    assert "rules/q.guard: expected rules with the SHA-256" in warned(world.answer("stack_update"))
    simulated("s3").put_object(Bucket="artifacts", Key="rules/q.guard", Body=rules)
    assert "FAIL guard:QUEUES_FIFO at Queue" in world.answer("stack_update")["message"]


@pytest.mark.parametrize(("undecided", "status"), [("WARN", "SUCCESS"), ("FAIL", "FAILED")])
def test_what_is_undecided_warns_unless_the_setting_says_otherwise(
    world: World, monkeypatch: pytest.MonkeyPatch, undecided: str, status: str
) -> None:
    monkeypatch.setenv("UNDECIDED", undecided)
    world.template = EITHER
    answer = world.answer("stack_update")
    assert answer["hookStatus"] == status
    assert answer["message"].startswith("Warning: ") is (status == "SUCCESS")
    assert "Belay's policies are undecided: REVIEW ssh-open at Web" in answer["message"]
    assert {each["status"] for each in answer["annotations"]} == {"SKIPPED"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([{"ParameterKey": "Cidr", "ParameterValue": "10.1.0.0/16"}], "kept"),
        ([{"ParameterKey": "Cidr", "ParameterValue": "0.0.0.0/0"}], "violated"),
        ([], "kept"),
        ([{"ParameterKey": "Cidr", "UsePreviousValue": True}], "undecided"),
        ([{"ParameterKey": "Cidr", "ParameterValue": "****"}], "undecided"),
    ],
)
def test_a_change_set_says_which_values_parameters_have(world: World, given: list[Any], said: str) -> None:
    world.template, world.stacks.head = EITHER, {"Parameters": given}
    assert f"policies are {said}" in world.answer("stack_change_set")["message"]


def test_a_change_set_is_judged_by_what_it_will_do(world: World) -> None:
    after = {"Properties": {"GroupDescription": "web", "SecurityGroupIngress": [SSH | {"CidrIp": "0.0.0.0/0"}]}}
    group = {"Action": "Add", "LogicalResourceId": "Web", "ResourceType": "AWS::EC2::SecurityGroup"}
    table = {"Action": "Remove", "LogicalResourceId": "Data", "ResourceType": "AWS::DynamoDB::Table"}
    previous = [{"ParameterKey": "Cidr", "UsePreviousValue": True}]
    world.template = EITHER
    for change, said in (({**group, "AfterContext": json.dumps(after)}, "FAIL ssh-open"), (table, "stateful-deletion")):
        world.stacks.head = {"Parameters": previous, "Changes": [{"Type": "Resource", "ResourceChange": change}]}
        assert said in world.answer("stack_change_set")["message"]


def test_a_nested_stack_is_judged_as_its_root_is_registered(world: World) -> None:
    world.template, world.stacks.root = BAD, STACK
    nested = STACK.replace("stack/orders-network/", "stack/orders-network-Web-1ABC/")
    assert world.answer("stack_update", stackId=nested)["hookStatus"] == "FAILED"
    world.stacks.root = STACK.replace("orders-network", "elsewhere")
    assert "no stage registers this stack" in world.answer("stack_update", stackId=nested)["message"]


# -- what is not checked -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fixture", "why"),
    [
        ("stack_delete", "a deletion opens nothing"),
        ("change_set", "its target is CHANGE_SET"),
        ("resource", "its target is AWS::EC2::SecurityGroup"),
        ("cloud_control", "its target is RESOURCE"),
    ],
)
def test_other_operations_and_targets_are_passed_over(world: World, fixture: str, why: str) -> None:
    world.template = BAD
    answer = world.answer(fixture)
    assert answer["hookStatus"] == "SUCCESS"
    assert answer["message"].startswith(f"Not judged by Belay: {why}")


def test_stacks_that_nobody_registers_are_judged_if_all_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.template, other = BAD, STACK.replace("orders-network", "billing")
    assert "no stage registers this stack" in world.answer("stack_update", stackId=other)["message"]
    monkeypatch.setenv("STACKS", "ALL")
    assert world.answer("stack_update", stackId=other)["hookStatus"] == "FAILED"


def test_a_stack_of_this_name_in_another_account_is_not_the_registered_one(world: World) -> None:
    world.template = BAD
    answer = world.answer("stack_update", stackId=STACK.replace("123456789012", "210987654321"))
    assert "no stage registers this stack" in answer["message"]


@pytest.mark.parametrize(("region", "holds"), [("ap-south-1", False), ("eu-west-1", True)])
def test_a_stack_of_this_name_in_another_region_is_not_the_registered_one(
    world: World, monkeypatch: pytest.MonkeyPatch, region: str, holds: bool
) -> None:
    (stage,) = Registrations(ParameterStore(world.ssm), own_aws().artifacts("artifacts")).read().stages
    place = StagePlace("aws", "123456789012", region, PlaceRoles.named_alike("aws", "123456789012"))
    there = ReadRegistrations(stages=[replace(stage, place=place)])
    monkeypatch.setattr(Registrations, "read", lambda _: there)
    world.template = BAD
    answer = world.answer("stack_update")
    assert (answer["hookStatus"] == "FAILED") is holds
    assert ("no stage registers this stack" in answer["message"]) is not holds


def test_another_application_s_waivers_do_not_count(world: World) -> None:
    waiver = "{policy: ssh-open, resource: Web, reason: bastion, owner: ann, expires: 2999-01-01}"
    world.register(f"policies: {{waivers: [{waiver}]}}\n", application="billing", stack="billing-network")
    world.register(f"policies: {{waivers: [{waiver}]}}\n", application="zoo", stack="orders-network")
    world.template = BAD
    assert "ssh-open" not in world.answer("stack_update", stackId=STACK.replace("orders", "billing"))["message"]
    assert "FAIL ssh-open" in world.answer("stack_update")["message"], "orders registers it too, and comes first"


def test_the_name_that_counts_is_the_one_in_the_stack_s_id(world: World) -> None:
    """Forged or not: only CloudFormation creates the id."""
    world.template = BAD
    event = json.loads((FIXTURES / "stack_update.json").read_text())
    event["requestData"]["targetLogicalId"] = "somebody-else-s"
    assert app.handler(event, Context())["hookStatus"] == "FAILED"


# -- Belay's own -------------------------------------------------------------------------------------------------------


def test_belay_s_own_change_set_goes_on_whatever_it_says(world: World) -> None:
    """A rollback may return to something that violates today's policies."""
    world.template = BAD
    world.submit(change_set=CHANGE_SET, at="2020-01-01T00:00:00.000+00:00")
    assert "an operation of Belay's own" in world.answer("stack_change_set")["message"]


def test_a_stack_nested_in_what_belay_executes_goes_on(world: World) -> None:
    world.template = BAD
    world.stacks.root, world.stacks.head = STACK, {"RootChangeSetId": OWN}
    world.submit()
    nested = STACK.replace("stack/orders-network/", "stack/orders-network-Web-1ABC/")
    assert "an operation of Belay's own" in world.answer("stack_change_set", stackId=nested)["message"]
    world.stacks.head = {"RootChangeSetId": CHANGE_SET}
    assert world.answer("stack_change_set", stackId=nested)["hookStatus"] == "FAILED"


def test_an_ephemeral_stage_s_stack_goes_on_where_all_are_judged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKS", "ALL")
    world.template, made = BAD, STACK.replace("orders-network", "orders-network-1-0-0-attempt")
    world.submit(stack=made, change_set=CHANGE_SET)
    assert "an operation of Belay's own" in world.answer("stack_change_set", stackId=made)["message"]


def test_belay_s_own_template_goes_on_where_no_change_set_is_named(world: World) -> None:
    world.template = BAD
    world.submit(BAD)
    assert "an operation of Belay's own" in world.answer("stack_update")["message"]


@pytest.mark.parametrize(
    "other",
    [BAD + "\n", BAD.replace("web", "Web"), BAD.replace("22", "3389")],
)
def test_a_template_that_is_nearly_belay_s_is_judged(world: World, other: str) -> None:
    world.submit(BAD)
    world.template = other
    assert world.answer("stack_update")["hookStatus"] == "FAILED"


def test_a_person_s_own_change_set_with_belay_s_template_is_judged(world: World) -> None:
    world.template = BAD
    world.submit(BAD)
    assert world.answer("stack_change_set")["hookStatus"] == "FAILED"


def test_belay_s_template_is_judged_when_somebody_submits_it_later(world: World) -> None:
    world.template = BAD
    world.submit(BAD, at=(now() - timedelta(minutes=11)).isoformat())
    assert world.answer("stack_update")["hookStatus"] == "FAILED"


def test_what_belay_submitted_to_another_stack_says_nothing_of_this_one(world: World) -> None:
    world.template = BAD
    world.submit(BAD, stack=STACK.replace("1a2345b6", "9a2345b6"), change_set=CHANGE_SET)
    assert world.answer("stack_update")["hookStatus"] == "FAILED"
    assert world.answer("stack_change_set")["hookStatus"] == "FAILED"


def test_what_belay_did_before_a_pipeline_did_something_says_nothing(world: World) -> None:
    world.template = BAD
    world.submit(BAD, change_set=CHANGE_SET)
    world.ledger.operations.record(STACK, "other", ORIGIN, "production", purpose=Purpose.PIPELINE, now=timestamp())
    assert world.answer("stack_change_set")["hookStatus"] == "FAILED"


def test_what_cloudformation_rolls_back_goes_on(world: World) -> None:
    world.template, world.stacks.standing = BAD, "UPDATE_ROLLBACK_IN_PROGRESS"
    assert "rolling back" in world.answer("stack_update")["message"]


# -- faults of its own -------------------------------------------------------------------------------------------------


def warned(answer: dict[str, Any]) -> str:
    assert answer["hookStatus"] == "SUCCESS"
    assert answer["message"].startswith("Warning: not judged by Belay's policies: ")
    return str(answer["message"])


def test_a_ledger_that_cannot_be_reached_warns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_TABLE", "another")
    assert "ResourceNotFoundException" in warned(world.answer("stack_update"))


def test_a_registration_that_cannot_be_read_warns_about_what_may_be_its_stack(world: World) -> None:
    world.template = BAD
    world.ssm.put_parameter(Name="/belay/applications/billing", Value="stages: 3", Type="String")
    other = STACK.replace("orders-network", "billing")
    assert "/belay/applications/billing: " in warned(world.answer("stack_update", stackId=other))
    assert world.answer("stack_update")["hookStatus"] == "FAILED", "this one is known to be another's"


def test_a_stack_that_may_not_be_seen_warns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(stack: str) -> None:
        raise AccessDenied("CloudFormation.DescribeStacks", "AccessDenied", "not allowed")

    monkeypatch.setattr(world.stacks, "describe_stack", refuse)
    assert "not allowed" in warned(world.answer("stack_update", stackId=STACK.replace("orders-network", "other")))


def test_a_setting_that_is_missing_warns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNDECIDED")
    assert "UNDECIDED is not set" in warned(world.answer("stack_update"))


@pytest.mark.parametrize("event", [{}, {"requestData": None}, {"requestData": []}, [], None, {"stackId": 3}])
def test_an_invocation_of_no_known_shape_warns(world: World, event: Any) -> None:
    assert "UnreadableInvocation" in warned(app.handler(event, Context()))


@pytest.mark.parametrize("stack", ["", "orders-network", "arn:aws:s3:::orders-network", 7])
def test_what_is_no_stack_s_id_warns(world: World, stack: Any) -> None:
    assert "expected the id of a stack" in warned(world.answer("stack_update", stackId=stack))


def test_what_takes_too_long_warns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(*_: Any, **__: Any) -> None:
        while True:
            try:
                sum(range(100))
            except Exception as error:
                raise AssertionError("no fault of the judge's own") from error

    monkeypatch.setattr(judging.Judge, "answer", judge)
    assert "it takes too long" in warned(world.answer("stack_update", Context(milliseconds=3_050)))
    monkeypatch.undo()


# -- hostile templates -------------------------------------------------------------------------------------------------

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "template",
    [
        BOMB,
        "[" * 50_000,
        "{" * 50_000,
        "Resources: \ud800",
        "not: [a template",
        "x" * (2 * 1024 * 1024 + 1),
        "Resources: {Web: {Type: !Sub [}",
        "null",
    ],
)
def test_a_template_that_cannot_be_read_is_undecided(
    world: World, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    world.template = template
    assert world.answer("stack_update")["message"].startswith("Warning: Belay's policies are undecided: ")
    monkeypatch.setenv("UNDECIDED", "FAIL")
    assert world.answer("stack_update")["hookStatus"] == "FAILED"


def test_an_operation_without_a_template_is_passed_over(world: World) -> None:
    world.template = ""
    assert "it has no template" in world.answer("stack_update")["message"]


def test_a_message_is_as_long_as_cloudformation_keeps_it(world: World) -> None:
    groups = {f"Web{number}": json.loads(BAD)["Resources"]["Web"] for number in range(200)}
    world.template = json.dumps({"Resources": groups})
    answer = world.answer("stack_update")
    assert answer["hookStatus"] == "FAILED"
    assert len(answer["message"]) == 4096
    assert len(answer["annotations"]) == 50


# -- its template ------------------------------------------------------------------------------------------------------


class Loader(yaml.CSafeLoader):
    """Reads CloudFormation's tags as their content."""


def _untagged(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]


Loader.add_multi_constructor("!", _untagged)
TEMPLATE: dict[str, Any] = yaml.load((ROOT / "packs" / "hook" / "template.yaml").read_text(), Loader)["Resources"]
FUNCTION = TEMPLATE["HookFunction"]["Properties"]


def granted() -> set[str]:
    return {action for each in FUNCTION["Policies"][0]["Statement"] for action in each["Action"]}


def test_the_function_may_make_the_calls_that_it_makes_and_no_others(
    world: World, simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: set[str] = set()

    def note(model: Any, **_: Any) -> None:
        made.add(f"{model.service_model.endpoint_prefix}:{model.name}")

    own_aws.cache_clear()
    monkeypatch.setattr(boto3, "client", client_noting(note))
    s3, body = simulated("s3"), world.ssm.get_parameter(Name="/belay/applications/orders/production")["Parameter"]
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket="artifacts", VersioningConfiguration={"Status": "Enabled"})
    text = str(body["Value"]).encode()
    version = s3.put_object(Bucket="artifacts", Key="registrations/orders", Body=text)["VersionId"]
    where = {"bucket": "artifacts", "key": "registrations/orders", "version_id": version}
    pointer = json.dumps({"s3": {**where, "sha256": sha256(text).hexdigest()}})
    world.ssm.put_parameter(Name="/belay/applications/orders/production", Value=pointer, Overwrite=True)

    world.template = BAD
    made_by_hand = simulated("cloudformation").create_change_set(
        StackName="orders-network", ChangeSetName="by-hand", ChangeSetType="CREATE", TemplateBody=GOOD
    )
    answer = world.answer("stack_change_set", stackId=made_by_hand["StackId"], changeSetId=made_by_hand["Id"])

    assert answer["hookStatus"] == "FAILED", answer["message"]
    assert made == {
        "dynamodb:GetItem",
        "ssm:GetParametersByPath",
        "s3:GetObject",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStacks",
    }
    # A registration is read by its version, a rule of cfn-guard is not.
    assert granted() == made | {"s3:GetObjectVersion"}


def client_noting(note: Callable[..., None]) -> Callable[..., Any]:
    make = boto3.client

    def client(*given: Any, **named: Any) -> Any:
        found = make(*given, **named)
        found.meta.events.register("before-call", note)
        return found

    return client


def test_the_function_is_told_what_it_asks() -> None:
    expected = {each.name.upper() for each in fields(answering.Settings)}
    assert set(FUNCTION["Environment"]["Variables"]) == expected
    assert FUNCTION["Handler"] == f"{app.__name__}.handler"


def test_the_function_answers_within_the_hook_s_thirty_seconds() -> None:
    assert FUNCTION["Timeout"] < 30
    assert FUNCTION["Timeout"] > app.RESERVE


def test_the_alarm_looks_for_what_the_function_writes() -> None:
    assert TEMPLATE["UnjudgedFilter"]["Properties"]["FilterPattern"] == f'"{app.FAULT}"'


def test_the_hook_asks_about_creations_and_updates_of_stacks_and_never_about_belay_or_itself() -> None:
    hook = TEMPLATE["Hook"]["Properties"]
    assert (hook["TargetOperations"], hook["TargetFilters"]) == (["STACK"], {"Actions": ["CREATE", "UPDATE"]})
    assert hook["StackFilters"]["StackNames"] == {"Exclude": ["AWS::StackName", "BelayStackName"]}


# -- the payload -------------------------------------------------------------------------------------------------------

URL = "https://s3.eu-west-1.amazonaws.com/hooks/payload?X-Amz-Signature=0"


class S3:
    """An HTTPS connection that returns one response."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        self.asked: list[str] = []

    def __call__(self, host: str, timeout: float) -> "S3":
        self.asked.append(host)
        return self

    def request(self, method: str, path: str) -> None:
        self.asked.append(f"{method} {path}")

    def getresponse(self) -> "S3":
        return self

    def read(self, most: int) -> bytes:
        return self.body[:most]

    def close(self) -> None:
        self.asked.append("closed")


def test_the_template_is_the_one_that_the_payload_has(monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = S3(200, (FIXTURES / "payload.json").read_bytes())
    monkeypatch.setattr(invocation, "HTTPSConnection", s3)
    template = json.loads(invocation.fetch_template(URL))
    assert template["Resources"]["Bucket"]["Properties"] == {"ObjectLockEnabled": True}
    assert s3.asked == ["s3.eu-west-1.amazonaws.com", "GET /hooks/payload?X-Amz-Signature=0", "closed"]


@pytest.mark.parametrize("body", [b'{"template": "", "previousTemplate": ""}', b'{"template": null}', b"{}"])
def test_a_payload_may_have_no_template(body: bytes) -> None:
    assert invocation.read_payload(body) == ""


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (302, b"{}"),
        (403, b"<Error/>"),
        (200, b""),
        (200, b"[]"),
        (200, b'{"template": {"Resources": {}}}'),
        (200, b"[" * 100_000),
        (200, b" " * (16 * 1024 * 1024 + 1)),
    ],
)
def test_a_payload_of_no_known_shape_is_told(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> None:
    monkeypatch.setattr(invocation, "HTTPSConnection", S3(status, body))
    with pytest.raises(invocation.UnreadableInvocation):
        invocation.fetch_template(URL)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "http://s3.eu-west-1.amazonaws.com/hooks/payload",
        "https://s3.eu-west-1.amazonaws.com:8443/hooks/payload",
        "https://s3.eu-west-1.amazonaws.com.example.com/payload",
        "https://s3.eu-west-1.amazonaws.com@example.com/payload",
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
    ],
)
def test_no_other_host_than_s3_is_asked(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    s3 = S3(200, b"{}")
    monkeypatch.setattr(invocation, "HTTPSConnection", s3)
    with pytest.raises(invocation.UnreadableInvocation, match="expected a presigned URL of S3"):
        invocation.fetch_template(url)
    assert s3.asked == []
