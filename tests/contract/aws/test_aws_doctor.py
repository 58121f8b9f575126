"""``belay doctor``: what is in order, what is wrong with what to do, and what cannot be read."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from test_aws_command import Office
from test_aws_unfinished import RELEASE

from belay.aws.dynamodb import ParameterTables
from belay.aws.gateways import own_aws
from belay.aws.iam import Roles
from belay.aws.s3 import Buckets
from belay.control.places import Places
from belay.control.registrations import Registrations
from belay.control.spokes import SeenThere, Spokes
from belay.errors import AccessDenied
from belay.release.place import PlaceRoles, Power, StagePlace
from belay.release.table_values import TableAttribute
from belay.release.vault import Vault
from belay.release.vault_copy import VaultCopy
from cli.__main__ import main
from cli.account import Account, Where
from cli.examinations import hub, spokes
from cli.permissions import POLICIES, principal
from cli.problems import Refused

ROLE = "arn:aws:iam::123456789012:role/belay/orders"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


@pytest.fixture
def office(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Office:
    """An Office where everything is in order."""
    monkeypatch.delenv("BELAY_STACK", raising=False)
    made = Office(simulated)
    # moto does not return a bucket's EventBridge configuration.
    monkeypatch.setattr(Buckets, "tells_eventbridge", lambda self, bucket: True)
    topic = simulated("sns").create_topic(Name="on-call")["TopicArn"]
    queue = "arn:aws:sqs:eu-west-1:123456789012:on-call"
    simulated("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    monkeypatch.setattr(
        Account, "output", lambda self, name: {**self.outputs, "NotificationTopicArn": topic, **POLICY}[name]
    )
    simulated("iam").create_role(RoleName="orders", Path="/belay/", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam = simulated("iam")
    for name, statement in STATEMENTS.items():
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        iam.create_policy(PolicyName=f"belay-{name}", PolicyDocument=document)
    # moto does not simulate policies.
    monkeypatch.setattr(Roles, "refused", simulating({"dynamodb:PutItem"}))
    return made


STATEMENTS = {
    "ReaderPolicy": [
        {
            "Effect": "Allow",
            "Action": "dynamodb:Query",
            "Resource": "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger",
        }
    ],
    "OperatorPolicy": {
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:GetObject"],
        "Resource": ["arn:aws:s3:::a", "arn:aws:s3:::b"],
    },
    "DeciderPolicy": [
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:f",
            "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        }
    ],
    "RollbackPolicy": [
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunctionUrl",
            "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:g",
        }
    ],
    "PlannerPolicy": [
        {
            "Effect": "Allow",
            "Action": "states:StartExecution",
            "Resource": "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-plan-release",
        }
    ],
}
POLICY = {f"{name}Arn": f"arn:aws:iam::123456789012:policy/belay-{name}" for name in (*STATEMENTS, "ServiceRolePolicy")}
YOU = "arn:aws:sts::123456789012:user/moto"


def simulating(refused: set[str], asked: list[Any] | None = None) -> Callable[..., list[str] | None]:
    """IAM's simulation, which denies these actions to everybody; it knows the service role and the caller."""

    def simulate(_: Roles, role: str, actions: Sequence[str], resource: str, context: Any = None) -> list[str] | None:
        if asked is not None:
            asked.append((role, tuple(actions), resource, dict(context or {})))
        return [each for each in actions if each in refused] if role in (ROLE, YOU) else None

    return simulate


def examined(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, str]]]:
    status = main(["doctor", "--output", "json"])
    document = json.loads(capsys.readouterr().out)
    return status, {each["what"]: each for each in document["examined"]}


def test_where_all_is_in_order_nothing_is_wrong(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = examined(capsys)

    assert [each for each in found.values() if each["state"] != "ok"] == []
    assert status == 0
    assert found["registrations"]["detail"] == "Belay can read orders/test, orders/production"
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("Nothing is wrong.\n")


def test_a_command_of_another_version_is_a_problem(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "VERSION", "9.0.0")

    status, found = examined(capsys)

    assert (status, found["version"]["state"]) == (1, "problem")
    assert found["version"]["detail"].endswith("this command is 9.0.0")


def test_uploads_that_tell_nobody_are_a_problem(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Buckets, "tells_eventbridge", lambda self, bucket: False)

    status, found = examined(capsys)

    assert (status, found["upload events"]["state"]) == (1, "problem")


def test_nobody_on_call_is_a_problem(
    office: Office, capsys: pytest.CaptureFixture[str], simulated: Callable[[str], Any]
) -> None:
    sns = simulated("sns")
    for each in sns.list_subscriptions()["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])

    status, found = examined(capsys)

    assert (status, found["on call"]["state"]) == (1, "problem")
    assert found["on call"]["do"].startswith("aws sns subscribe --topic-arn")


def test_belay_s_own_relay_to_chat_is_nobody_on_call(
    office: Office, capsys: pytest.CaptureFixture[str], simulated: Callable[[str], Any]
) -> None:
    sns = simulated("sns")
    (person,) = [each for each in sns.list_subscriptions()["Subscriptions"] if each["TopicArn"].endswith(":on-call")]
    relay = "arn:aws:lambda:eu-west-1:123456789012:function:belay-RelayToChatFunction-1"
    sns.subscribe(TopicArn=person["TopicArn"], Protocol="lambda", Endpoint=relay)
    assert examined(capsys)[1]["on call"]["detail"].startswith("1 subscribed")
    sns.unsubscribe(SubscriptionArn=person["SubscriptionArn"])
    assert examined(capsys)[1]["on call"]["state"] == "problem"


def test_a_pause_is_a_problem_with_the_command_that_ends_it(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.ssm.put_parameter(Name="/belay/paused", Value="true", Overwrite=True)

    _, found = examined(capsys)

    assert (found["pause"]["state"], found["pause"]["do"]) == ("problem", "belay resume")


def test_a_registration_that_cannot_be_read_is_a_problem(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.ssm.put_parameter(Name="/belay/applications/orders/production", Value="stacks: 1", Overwrite=True)

    status, found = examined(capsys)

    assert (status, found["/belay/applications/orders/production"]["state"]) == (1, "problem")


def test_a_role_that_may_change_belay_is_a_problem_with_what_to_attach(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Roles, "refused", simulating(set()))

    status, found = examined(capsys)

    role = found["service role of orders/test, orders/production"]
    assert (status, role["state"]) == (1, "problem")
    assert role["do"] == f"aws iam attach-role-policy --role-name orders --policy-arn {POLICY['ServiceRolePolicyArn']}"


def test_a_role_that_nobody_can_assume_or_that_is_not_there_is_a_problem(
    office: Office,
    capsys: pytest.CaptureFixture[str],
    simulated: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = json.dumps(TRUST).replace("cloudformation", "ec2")
    simulated("iam").update_assume_role_policy(RoleName="orders", PolicyDocument=other)
    assert "cannot be assumed" in examined(capsys)[1]["service role of orders/test, orders/production"]["detail"]

    monkeypatch.setattr(Roles, "refused", lambda *_, **__: None)
    assert "does not exist" in examined(capsys)[1]["service role of orders/test, orders/production"]["detail"]


def test_what_may_not_be_looked_at_is_unknown_and_no_problem(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AccessDenied("IAM.SimulatePrincipalPolicy", "AccessDenied", "not you")

    monkeypatch.setattr(Roles, "refused", refuse)

    status, found = examined(capsys)

    assert (status, found["service roles"]["state"]) == (0, "unknown")
    assert "iam:SimulatePrincipalPolicy" in found["service roles"]["detail"]


# -- the caller's permissions ------------------------------------------------------------------------------------------


def test_every_command_is_told_of_with_the_policies_as_they_are_deployed(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(Roles, "refused", simulating({"dynamodb:PutItem"}, asked))

    _, found = examined(capsys)

    assert found[f"you may use {', '.join(POLICIES['DeciderPolicy'])}"]["detail"] == f"{YOU} has the permissions"
    assert (
        YOU,
        ("lambda:InvokeFunction",),
        "arn:aws:lambda:eu-west-1:123456789012:function:f",
        {"lambda:InvokedViaFunctionUrl": "true"},
    ) in asked
    assert [each[2] for each in asked if each[1] == ("s3:PutObject", "s3:GetObject")] == [
        "arn:aws:s3:::a",
        "arn:aws:s3:::b",
    ]
    assert any(each[1] == ("ssm:PutParameter",) for each in asked), "to register"


def test_what_the_caller_may_not_do_is_told_and_is_no_problem(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Roles, "refused", simulating({"dynamodb:PutItem", "lambda:InvokeFunctionUrl"}))

    status, found = examined(capsys)

    rollback = found["you may use rollback"]
    assert (status, rollback["state"]) == (0, "not allowed")
    assert rollback["detail"] == f"{YOU} may not lambda:InvokeFunctionUrl"
    assert rollback["do"] == f"attach {POLICY['RollbackPolicyArn']}"


def test_what_cannot_be_simulated_is_not_known(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AccessDenied("IAM.SimulatePrincipalPolicy", "AccessDenied", "not you")

    monkeypatch.setattr(Roles, "refused", refuse)

    assert examined(capsys)[1]["your permissions"]["state"] == "unknown"


@pytest.mark.parametrize(
    ("caller", "found"),
    [
        ("arn:aws:iam::123456789012:root", None),
        ("arn:aws:sts::123456789012:federated-user/ann", None),
        ("arn:aws:iam::123456789012:user/path/ann", "arn:aws:iam::123456789012:user/path/ann"),
        ("arn:aws:sts::123456789012:assumed-role/orders/ann@example.com", ROLE),
    ],
)
def test_the_caller_is_a_user_or_the_role_that_was_assumed(
    office: Office, monkeypatch: pytest.MonkeyPatch, caller: str, found: str | None
) -> None:
    monkeypatch.setattr(Account, "caller", lambda _: caller)
    assert principal(Account.of(Where(region="eu-west-1"))) == found


def test_a_rule_that_is_disabled_is_a_problem(
    office: Office, capsys: pytest.CaptureFixture[str], simulated: Callable[[str], Any]
) -> None:
    simulated("events").put_rule(Name="belay-uploads", EventPattern='{"source": ["aws.s3"]}', State="DISABLED")

    status, found = examined(capsys)

    assert (status, found["event rules"]["state"]) == (1, "problem")
    assert found["event rules"]["do"] == "aws events enable-rule --name belay-uploads"


def given_to_belay(monkeypatch: pytest.MonkeyPatch, **parameters: str) -> dict[str, str]:
    """Deploy Belay's stack with these parameters; they may change before the command runs."""
    found = Account.of
    monkeypatch.setattr(Account, "of", lambda where: replace(found(where), given=parameters))
    return parameters


# -- parameters from tables --------------------------------------------------------------------------------------------

TABLE_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/parameters-shared"
SOURCE = TableAttribute("parameters-shared", {"Owner": "orders/production", "Item": "orders"}, "Version")
VALUE = "TableVersion of orders/production, network"


@pytest.fixture
def tables(office: Office, monkeypatch: pytest.MonkeyPatch, simulated: Callable[[str], Any]) -> Any:
    """The same office, in which production takes a parameter from a table that exists, and that Belay may read."""
    read = Registrations.read

    def with_a_table(self: Registrations) -> Any:
        found = read(self)
        stages = [
            replace(each, stacks={"network": replace(each.stacks["network"], from_tables={"TableVersion": SOURCE})})
            if each.name == "production"
            else each
            for each in found.stages
        ]
        return replace(found, stages=stages)

    monkeypatch.setattr(Registrations, "read", with_a_table)
    client = simulated("dynamodb")
    names = {"Owner": "HASH", "Item": "RANGE"}
    client.create_table(
        TableName="parameters-shared",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
    )
    publish(client, Version={"N": "7"})
    return client, given_to_belay(monkeypatch, ParameterTableArns=f"arn:aws:dynamodb:*:1:table/a,{TABLE_ARN[:-4]}*")


def publish(client: Any, **attributes: Any) -> None:
    item = {"Owner": {"S": "orders/production"}, "Item": {"S": "orders"}, **attributes}
    client.put_item(TableName="parameters-shared", Item=item)


def test_a_value_in_a_table_that_belay_can_read_is_in_order(tables: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = examined(capsys)

    assert status == 0
    assert found[VALUE]["detail"].startswith("it is '7' now: Version of Item orders, Owner orders/production")


@pytest.mark.parametrize(
    ("change", "told", "do"),
    [
        (lambda client: client.delete_table(TableName="parameters-shared"), "there is no table", "create the table"),
        (
            lambda client: client.delete_item(
                TableName="parameters-shared", Key={"Owner": {"S": "orders/production"}, "Item": {"S": "orders"}}
            ),
            "expected an item Item orders, Owner orders/production in the table parameters-shared, found none",
            "publish it, or register where it is",
        ),
        (publish, "but the item has only Item, Owner", "publish it"),
        (lambda client: publish(client, Version={"L": []}), "to be a text or a number", "publish it"),
    ],
)
def test_a_value_that_is_not_there_is_a_problem(
    tables: Any, capsys: pytest.CaptureFixture[str], change: Callable[[Any], object], told: str, do: str
) -> None:
    change(tables[0])

    status, found = examined(capsys)

    assert (status, found[VALUE]["state"]) == (1, "problem")
    assert told in found[VALUE]["detail"]
    assert do in found[VALUE]["do"]


@pytest.mark.parametrize(
    ("given", "wanted"), [("", TABLE_ARN), ("arn:aws:dynamodb:eu-west-1:1:table/a", None), (TABLE_ARN[:-1], None)]
)
def test_a_table_that_belay_may_not_read_is_a_problem(
    tables: Any, capsys: pytest.CaptureFixture[str], given: str, wanted: str | None
) -> None:
    tables[1]["ParameterTableArns"] = given

    status, found = examined(capsys)

    assert (status, found[VALUE]["state"]) == (1, "problem")
    assert found[VALUE]["do"] == f"deploy Belay with ParameterTableArns={wanted or f'{given},{TABLE_ARN}'}"


def test_a_table_that_these_credentials_may_not_read_is_unknown(
    tables: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AccessDenied("DynamoDB.GetItem", "AccessDeniedException", "not you")

    monkeypatch.setattr(ParameterTables, "item", refuse)

    status, found = examined(capsys)

    assert (status, found[VALUE]["state"]) == (0, "unknown")


def test_a_table_elsewhere_is_unknown(tables: Any, elsewhere: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = examined(capsys)

    assert found[VALUE]["state"] == "unknown"
    assert "where only Belay's role reads it" in found[VALUE]["detail"]


# -- stages in other accounts ------------------------------------------------------------------------------------------

THERE = "account 111111111111, region eu-central-1"
FILES = "belay-files-123456789012-eu-central-1"
PLACE = ("orders", "111111111111", "eu-central-1")
BUS = "arn:aws:events:eu-west-1:123456789012:event-bus/belay-spokes"
SEEN = SeenThere(*PLACE, {"look": [], "deploy": [], "forecast": [], "recover": [], "clean": []}, [BUS])
"""Belay's response about an account that is ready."""


@pytest.fixture
def elsewhere(office: Office, monkeypatch: pytest.MonkeyPatch, simulated: Callable[[str], Any]) -> Any:
    """The same office with production in another account, for which everything is ready, and its files' bucket."""
    roles = PlaceRoles.named_alike("aws", "111111111111")
    place, read = StagePlace("aws", "111111111111", "eu-central-1", roles), Registrations.read

    def with_production_elsewhere(self: Registrations) -> Any:
        found = read(self)
        stages = [replace(each, place=place) if each.name == "production" else each for each in found.stages]
        return replace(found, stages=stages)

    monkeypatch.setattr(Registrations, "read", with_production_elsewhere)
    monkeypatch.setattr(spokes, "seen", lambda belay: [SEEN])
    given = given_to_belay(monkeypatch, SpokeAccounts="111111111111")
    s3 = boto3.client("s3", region_name="eu-central-1")
    s3.create_bucket(Bucket=FILES, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    let(s3, "111111111111")
    return s3, given


def test_a_stage_that_names_belay_s_own_account_and_region_is_at_home(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, read = "123456789012", Registrations.read
    place = StagePlace("aws", own, "eu-west-1", PlaceRoles.named_alike("aws", own))

    def with_its_place(self: Registrations) -> Any:
        found = read(self)
        return replace(found, stages=[replace(each, place=place) for each in found.stages])

    before = examined(capsys)
    monkeypatch.setattr(Registrations, "read", with_its_place)
    assert examined(capsys) == before
    assert "service role of orders/test, orders/production" in before[1]
    stages = Registrations(own_aws().parameters, office.artifacts).read().stages
    assert Spokes(Places(own_aws(), Power.LOOK, "doctor")).seen(stages) == []


def let(s3: Any, account: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "s3:GetObject", "Resource": "*"}
    s3.put_bucket_policy(Bucket=FILES, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def test_a_stage_elsewhere_is_in_order_where_its_account_is_ready(
    elsewhere: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = examined(capsys)

    assert status == 0
    assert found[f"events of {THERE}"]["state"] == found[f"files for {THERE}"]["state"] == "ok"
    assert found[f"rule of {THERE}"]["state"] == "ok"
    told = f"the roles for look, deploy, recover, clean of {THERE} trust Belay for orders"
    assert found["orders/production"]["detail"] == told
    # Its role cannot be read from here, the role of the stage at home can.
    assert "service role of orders/test" in found


def test_an_account_that_belay_s_bus_does_not_know_is_a_problem(
    elsewhere: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere[1]["SpokeAccounts"] = "222222222222"

    status, found = examined(capsys)

    told = found[f"events of {THERE}"]
    assert (status, told["state"]) == (1, "problem")
    assert told["do"] == "deploy Belay with SpokeAccounts=222222222222,111111111111"


def test_files_that_the_account_may_not_read_are_a_problem(elsewhere: Any, capsys: pytest.CaptureFixture[str]) -> None:
    let(elsewhere[0], "222222222222")
    assert "111111111111 may not read" in examined(capsys)[1][f"files for {THERE}"]["detail"]

    elsewhere[0].delete_bucket_policy(Bucket=FILES)
    elsewhere[0].delete_bucket(Bucket=FILES)

    status, found = examined(capsys)
    assert status == 1
    assert found[f"files for {THERE}"]["do"].startswith("deploy accounts/hub_region.yaml to eu-central-1")


@pytest.mark.parametrize(
    ("fault", "do"),
    [
        (
            "AccessDenied: the role belay-look cannot be assumed for orders/production",
            "belay spoke template --account 1",
        ),
        (
            "AwsFault: A region that is not enabled in the account answers so, and any region to a session",
            "aws account enable-region --region-name eu-central-1, in that account; if it is enabled: belay spoke",
        ),
    ],
)
def test_a_stage_that_belay_cannot_reach_is_a_problem_with_what_it_said(
    elsewhere: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, fault: str, do: str
) -> None:
    monkeypatch.setattr(spokes, "seen", lambda belay: [SeenThere(*PLACE, fault=fault)])

    status, found = examined(capsys)

    assert (status, found["orders/production"]["detail"]) == (1, fault)
    assert found["orders/production"]["do"].startswith(do)
    assert found[f"rule of {THERE}"]["state"] == "unknown"


def test_a_role_that_lacks_something_and_a_rule_that_is_not_there_are_problems(
    elsewhere: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = replace(SEEN, roles={**SEEN.roles, "recover": ["it does not exist"]}, forwards_to=[])
    monkeypatch.setattr(spokes, "seen", lambda belay: [lacking])

    status, found = examined(capsys)

    assert (status, found["orders/production"]["detail"]) == (1, "belay-recover: it does not exist")
    assert found["orders/production"]["do"].startswith(
        "belay spoke template --account 111111111111 --application orders > account.yaml"
    )
    assert found[f"rule of {THERE}"]["do"].startswith(
        "belay spoke template --account 111111111111 --in-region eu-central-1 > region.yaml"
    )


def test_a_role_that_no_stage_needs_is_no_problem_and_pipelines_need_their_rule(
    elsewhere: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = replace(SEEN, roles={**SEEN.roles, "forecast": ["it does not exist"]}, pipelines_to=[])
    monkeypatch.setattr(spokes, "seen", lambda belay: [lacking])

    status, found = examined(capsys)

    assert found["orders/production"]["state"] == "ok"
    rule = found[f"rule of {THERE}"]
    assert (status, rule["state"]) == (1, "problem")
    assert rule["detail"].startswith("no rule belay-forward-pipelines sends pipeline events to arn:aws:events")


def test_what_belay_sees_there_is_read_from_its_answer(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [{"spokes": [asdict(SEEN)]}, {"errorMessage": "it could not read the registrations"}]

    class Functions:
        def invoke(self, **given: Any) -> dict[str, Any]:
            assert json.loads(given["Payload"]) == {"examine": True}
            return {"Payload": io.BytesIO(json.dumps(answers.pop(0)).encode())}

    belay = Account.of(Where())
    # It reads every place before it responds, which takes longer than most calls, and must not be retried.
    monkeypatch.setattr(belay.aws, "client", lambda service, patient=False: Functions() if patient else None)

    assert spokes.seen(belay) == [SEEN]
    with pytest.raises(Refused, match="it could not read the registrations"):
        spokes.seen(belay)


# -- vaults ------------------------------------------------------------------------------------------------------------


def test_a_copy_that_a_vault_refuses_is_a_problem(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    key = "/belay/applications/orders/production"
    text = office.ssm.get_parameter(Name=key)["Parameter"]["Value"]
    vault = "databases: [{instance: orders-db}]\nvault: {account: '222222222222', region: eu-west-1}\n"
    office.ssm.put_parameter(Name=key, Value=text + vault, Overwrite=True)
    copy = VaultCopy(
        RELEASE.origin,
        "production",
        kind="instance",
        database="orders-db",
        name="belay-1",
        source="arn:aws:rds:eu-central-1:123456789012:snapshot:belay-1",
        gibibytes=20,
        execution="x",
        vault=Vault("aws", "222222222222", "eu-west-1"),
        topic=None,
        since=datetime(2026, 1, 1, tzinfo=UTC),
    )
    details = []
    for waiting in (None, copy, replace(copy, failing="RDS.CopyDBSnapshot answered KMSKeyNotAccessibleFault: no")):
        if waiting is not None:
            office.ledger.vault_copies.enter(waiting)
            office.ledger.vault_copies.note_failing(waiting)
        details.append(examined(capsys)[1]["vault of orders/production"])
    assert [each["state"] for each in details] == ["ok", "ok", "problem"]
    assert [each["detail"].rpartition(": ")[2] for each in details[:2]] == [
        "nothing waits to be copied",
        "1 being copied",
    ]
    assert "belay-1 of orders-db (20 GiB allocated) is not copied: RDS.CopyDBSnapshot" in details[2]["detail"]
