"""The templates of accounts/, deployed into an account and region of an engine that enforces permissions."""

import json
import re
import subprocess
import textwrap

import pytest
from botocore.exceptions import ClientError

from local.deployment import sam_environment
from local.engine import ACCOUNT, REGION, ROOT, EmbeddedEngine
from local.spokes import SPOKE_ACCOUNT, SPOKE_REGION, join

STRANGER, VAULT_ACCOUNT = "333333333333", "222222222222"
TAGS = [{"Key": f"belay:{name}", "Value": "orders"} for name in ("application", "stage", "release")]


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    with EmbeddedEngine.start(directory=tmp_path_factory.mktemp("strict"), permissions=True) as running:
        yield running


@pytest.fixture(scope="module")
def spoke(strict):
    return join(strict, ["orders"])


@pytest.fixture(scope="module")
def functions(strict):
    """``functions("look")`` makes clients with the credentials of a function of Belay's with this power."""
    iam, made = strict.client("iam"), {}
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    assumes = {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Resource": "arn:aws:iam::*:role/belay-*",
    }

    def of(power):
        if power not in made:
            role = iam.create_role(
                RoleName=f"function-{power}",
                Path=f"/belay/{power}/",
                AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            )["Role"]["Arn"]
            policy = json.dumps({"Version": "2012-10-17", "Statement": [assumes]})
            iam.put_role_policy(RoleName=f"function-{power}", PolicyName="assumes", PolicyDocument=policy)
            made[power] = assumed(strict, strict.client("sts"), role)
        return made[power]

    return of


def assumed(strict, sts, role, **asked):
    found = sts.assume_role(RoleArn=role, RoleSessionName="orders-1.0.0", **asked)["Credentials"]
    keys = {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }
    return lambda service, region=REGION: strict.client(service, region=region, **keys)


@pytest.fixture(scope="module")
def there(strict, spoke, functions):
    """``there("look", application="orders")`` makes clients of the spoke's role with this power."""

    def of(power, *, by=None, external_id="orders", tags=TAGS):
        role = f"arn:aws:iam::{SPOKE_ACCOUNT}:role/belay-{power}"
        clients = assumed(strict, functions(by or power)("sts"), role, ExternalId=external_id, Tags=tags)
        return lambda service: clients(service, region=SPOKE_REGION)

    return of


def refused(call, code="AccessDenied"):
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["Error"]["Code"].startswith(code), error.value


TOPIC = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})


def test_each_role_is_assumed_by_functions_of_its_power_for_an_application_of_the_account(there):
    for power in ("look", "deploy", "recover", "clean"):
        assert there(power)("sts").get_caller_identity()["Account"] == SPOKE_ACCOUNT
        refused(lambda power=power: there(power, by="look" if power != "look" else "deploy"))
        refused(lambda power=power: there(power, external_id="payments"))
        refused(lambda power=power: there(power, tags=[{"Key": "belay:application", "Value": "payments"}]))
        refused(lambda power=power: there(power, tags=[*TAGS, {"Key": "another", "Value": "tag"}]))


def test_who_looks_creates_nothing_and_who_deploys_recovers_nothing(there):
    look, deploy = there("look")("cloudformation"), there("deploy")("cloudformation")
    change = {"StackName": "orders", "ChangeSetName": "create", "ChangeSetType": "CREATE", "TemplateBody": TOPIC}

    assert look.describe_stacks()["Stacks"]
    refused(lambda: look.create_change_set(**change))
    made = deploy.create_change_set(**change)
    deploy.execute_change_set(ChangeSetName=made["Id"])
    refused(lambda: deploy.rollback_stack(StackName=made["StackId"]))
    refused(lambda: there("clean")("cloudformation").describe_stacks(StackName=made["StackId"]))


def test_a_role_that_is_deleted_takes_its_sessions_with_it_and_works_again_once_it_is_made_anew(spoke, there):
    old = there("clean")("sts")
    with spoke.without_role("belay-clean"):
        refused(old.get_caller_identity, "InvalidClientTokenId")
        refused(lambda: there("clean"))
    refused(old.get_caller_identity, "InvalidClientTokenId")
    assert there("clean")("sts").get_caller_identity()["Account"] == SPOKE_ACCOUNT


def test_a_function_whose_role_is_made_anew_is_trusted_as_before(strict, spoke):
    """An account's roles trust by ARN, not by the unique id of Belay's role."""
    iam, trust = strict.client("iam"), {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    ids = []
    for _ in range(2):
        role = iam.create_role(
            RoleName="made-anew",
            Path="/belay/look/",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]
        assumes = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [assumes]})
        iam.put_role_policy(RoleName="made-anew", PolicyName="assumes", PolicyDocument=policy)
        function = assumed(strict, strict.client("sts"), role["Arn"])
        look = f"arn:aws:iam::{SPOKE_ACCOUNT}:role/belay-look"
        looking = assumed(strict, function("sts"), look, ExternalId="orders", Tags=TAGS)
        assert looking("sts").get_caller_identity()["Account"] == SPOKE_ACCOUNT
        iam.delete_role_policy(RoleName="made-anew", PolicyName="assumes")
        iam.delete_role(RoleName="made-anew")
        ids.append(role["RoleId"])
    assert len({*ids}) == 2


def test_a_stage_s_files_are_read_by_its_account_alone(strict, spoke, there):
    files = strict.client("s3", region=SPOKE_REGION)
    bucket = f"belay-files-{ACCOUNT}-{SPOKE_REGION}"
    for account in (SPOKE_ACCOUNT, STRANGER):
        files.put_object(Bucket=bucket, Key=f"spokes/{account}/orders/service.json", Body=TOPIC)

    def change_set(power, account, name):
        url = f"https://{bucket}.s3.{SPOKE_REGION}.amazonaws.com/spokes/{account}/orders/service.json"
        asked = {"StackName": name, "ChangeSetName": "create", "ChangeSetType": "CREATE", "TemplateURL": url}
        return there(power)("cloudformation").create_change_set(**asked)

    assert change_set("deploy", SPOKE_ACCOUNT, "own")["Id"]
    refused(lambda: change_set("deploy", STRANGER, "foreign"), "ValidationError")
    s3 = there("deploy")("s3")
    assert s3.get_object(Bucket=bucket, Key=f"spokes/{SPOKE_ACCOUNT}/orders/service.json")["Body"].read()
    refused(lambda: s3.get_object(Bucket=bucket, Key=f"spokes/{STRANGER}/orders/service.json"))
    refused(lambda: s3.put_object(Bucket=bucket, Key=f"spokes/{SPOKE_ACCOUNT}/orders/service.json", Body=""))
    refused(lambda: there("look")("s3").get_object(Bucket=bucket, Key=f"spokes/{SPOKE_ACCOUNT}/orders/service.json"))


@pytest.fixture(scope="module")
def arrived(strict, spoke):
    """The hub's bus, from its template with a queue in place of the function; returns what has arrived."""
    sqs = strict.client("sqs")
    url = sqs.create_queue(QueueName="arrived")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    template = (ROOT / "spokes.yaml").read_text().partition("  FailedStackPermission:")[0]
    given = {
        "BelayName": "belay",
        "SpokeAccounts": SPOKE_ACCOUNT,
        "ReactToFailedStackFunctionArn": arn,
        "ReactToPipelineFunctionArn": arn,
        "DeadLetterQueueArn": arn,
    }
    strict.client("cloudformation").create_stack(
        StackName="spokes",
        TemplateBody=template,
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    )
    strict.client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName="spokes", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )

    def received():
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(each["Body"]) for each in found]

    return received


def test_a_stack_that_fails_there_is_told_to_belay_and_a_success_is_not(strict, spoke, arrived, until):
    cloudformation = spoke.client("cloudformation")
    cloudformation.create_stack(StackName="fine", TemplateBody=TOPIC)
    strict.fail_resource("Topic", "create", stack="failing")
    cloudformation.create_stack(StackName="failing", TemplateBody=TOPIC)

    seen = []
    until(lambda: seen.extend(arrived()) or seen, bool)
    assert {(each["account"], each["region"]) for each in seen} == {(SPOKE_ACCOUNT, SPOKE_REGION)}
    assert {each["detail"]["stack-id"].split("/")[1] for each in seen} == {"failing"}


def test_an_account_that_is_not_named_reaches_nothing(strict, arrived):
    events = strict.client("events", account=STRANGER)
    entry = {
        "Source": "aws.cloudformation",
        "DetailType": "CloudFormation Stack Status Change",
        "Detail": json.dumps({"status-details": {"status": "UPDATE_FAILED"}}),
        "EventBusName": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/belay-spokes",
    }
    refused(lambda: events.put_events(Entries=[entry]))
    refused(lambda: strict.client("events", account=SPOKE_ACCOUNT).put_events(Entries=[entry]))
    assert arrived() == []


# -- the guide ---------------------------------------------------------------------------------------------------------


def commands():
    """The guide's commands that prepare an account, ready to paste."""
    text = re.sub(r"```.*?```", "", (ROOT / "docs" / "accounts.md").read_text(), flags=re.DOTALL)
    blocks = re.findall(r"(?:^    .+\n)+", text, re.MULTILINE)
    return [textwrap.dedent(each) for each in blocks if "make deploy" not in each]


def test_the_commands_of_the_guide_prepare_an_account(engine, tmp_path):
    there = {"account": SPOKE_ACCOUNT, "region": SPOKE_REGION}
    engine.client("cloudformation").create_stack(StackName="belay", TemplateBody=TOPIC)
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    engine.client("iam", **there).create_role(
        RoleName="orders-deployment", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust})
    )
    for name in ("belay", "accounts", ".venv", "cli", "layers"):
        (tmp_path / name).symlink_to(ROOT / name)
    accounts = {"production": SPOKE_ACCOUNT, "vault": VAULT_ACCOUNT}
    profiles = [
        f"[{name}]\naws_access_key_id = {account}\naws_secret_access_key = test\n" for name, account in accounts.items()
    ]
    (tmp_path / "credentials").write_text("".join(profiles))
    environment = {**sam_environment(engine), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    environment |= {"AWS_CONFIG_FILE": str(tmp_path / "config"), "PYTHONPATH": str(ROOT)}
    (tmp_path / "config").write_text("[profile production]\nregion = eu-central-1\n")

    for block in commands():
        done = subprocess.run(
            ["bash", "-ec", block], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"

    iam = engine.client("iam", **there)
    assert {f"belay-{power}" for power in ("look", "deploy", "recover", "clean")} <= {
        each["RoleName"] for each in iam.list_roles()["Roles"]
    }
    attached = iam.list_attached_role_policies(RoleName="orders-deployment")["AttachedPolicies"]
    assert {each["PolicyName"] for each in attached} == {"belay-files", "belay-service-role"}
    (rule,) = engine.client("events", **there).list_rules()["Rules"]
    assert (rule["Name"], rule["State"]) == ("belay-forward", "ENABLED")
    vault = engine.client("iam", account=VAULT_ACCOUNT).get_role(RoleName="belay-vault")["Role"]
    assert f"arn:aws:iam::{ACCOUNT}:role/belay/vault/*" in json.dumps(vault["AssumeRolePolicyDocument"])
    kms = engine.client("kms", account=VAULT_ACCOUNT, region="eu-west-1")
    assert kms.describe_key(KeyId="alias/belay-vault")["KeyMetadata"]["KeyState"] == "Enabled"
    bucket = f"belay-files-{ACCOUNT}-{SPOKE_REGION}"
    policy = engine.client("s3", region=SPOKE_REGION).get_bucket_policy(Bucket=bucket)["Policy"]
    assert SPOKE_ACCOUNT in policy
