"""What template.yaml promises: settings, dead-letter queues, encryption, least privilege."""

import ast
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from project import (
    LAYER,
    NESTED,
    ROOT,
    function_modules,
    functions,
    logical_id,
    nested,
    parsed,
    resources,
    step_modules,
    template,
    walked,
)

from belay.aws.s3 import UNNEEDED
from belay.release.origin import PLANS
from statemachines.functions import PAGE, TEMPLATES, page

GLOBALS = template()["Globals"]["Function"]
OF_EVERY_FUNCTION = set(GLOBALS["Environment"]["Variables"])
READS = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}


def environment(function: str) -> set[str]:
    """The variables of a single function."""
    return set(functions()[function].get("Environment", {}).get("Variables", {}))


def settings_of(function: str) -> set[str]:
    """The environment variables for the ``Settings`` of a function's steps."""
    return set().union(*map(declared_in, step_modules(function).values()))


def declared_in(module: Path, name: str = "Settings") -> set[str]:
    """The environment variables of a module's own settings, and of those that it imports from ``belay.settings``."""
    imported = {
        alias.name
        for node in parsed(module).body
        if isinstance(node, ast.ImportFrom) and node.module == "belay.settings"
        for alias in node.names
    }
    return {
        field.target.id.upper()
        for path, names in ((module, {name}), (LAYER / "settings.py", imported))
        for node in parsed(path).body
        if isinstance(node, ast.ClassDef) and node.name in names
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }


def used_in(module: Path) -> set[str]:
    return {
        node.attr.upper()
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "settings"
    }


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of the policies of functions and machines, with the resource they belong to."""
    for kind in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine"):
        for name, properties in resources(kind).items():
            for policy in properties["Policies"]:
                assert isinstance(policy, dict), f"{name}: {policy} grants more than what is written here"
                for statement in policy["Statement"]:
                    yield name, statement


def actions(statement: dict[str, Any]) -> list[str]:
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)


def test_functions_of_a_nested_stack_are_like_the_others() -> None:
    assert nested("database_changes.yaml")["Globals"]["Function"] == GLOBALS


@pytest.mark.parametrize("name", NESTED)
def test_a_nested_stack_is_given_what_it_asks_for(name: str) -> None:
    (given,) = [
        each["Parameters"] for each in resources("AWS::CloudFormation::Stack").values() if each["TemplateURL"] == name
    ]
    assert set(given) == set(template(name)["Parameters"])


def test_every_function_is_deployed_under_its_own_name() -> None:
    assert set(functions()) == set(function_modules())
    assert {logical_id(name) for name in functions()} == set(resources("AWS::Serverless::Function"))


OF_HOME = declared_in(LAYER / "home.py", "HomeSettings")
"""What a step that opens its home needs."""


def test_every_function_is_told_where_its_home_is() -> None:
    assert OF_HOME
    assert OF_HOME <= OF_EVERY_FUNCTION


@pytest.mark.parametrize("function", function_modules())
def test_a_step_leaves_to_its_home_what_that_asks_for(function: str) -> None:
    assert not settings_of(function) & OF_HOME


@pytest.mark.parametrize("function", function_modules())
def test_a_function_is_told_what_it_asks_for(function: str) -> None:
    assert settings_of(function) <= environment(function) | OF_EVERY_FUNCTION


@pytest.mark.parametrize("function", function_modules())
def test_a_function_asks_for_what_it_alone_is_told(function: str) -> None:
    assert environment(function) <= settings_of(function)


@pytest.mark.parametrize("function", function_modules())
def test_a_step_uses_every_setting_it_asks_for(function: str) -> None:
    for module in step_modules(function).values():
        assert used_in(module) == declared_in(module), module


@pytest.mark.parametrize("function", function_modules())
def test_a_function_has_a_table_of_just_its_steps(function: str) -> None:
    steps = set(step_modules(function))
    if steps == {function}:
        return
    (table,) = [
        node.value
        for node in parsed(function_modules()[function]).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "STEPS"
    ]
    assert isinstance(table, ast.Dict)
    written = {
        ast.literal_eval(key): ast.unparse(value) for key, value in zip(table.keys, table.values, strict=True) if key
    }
    assert written == {step: f"{step}.handler" for step in steps}


def test_what_reads_uploads_has_no_power_over_stacks_and_databases() -> None:
    services = {
        action.split(":")[0] for name, each in statements() for action in actions(each) if name == "ReadReleaseFunction"
    }
    assert services == {"dynamodb", "kms", "lambda", "s3", "sns", "ssm"}


@pytest.mark.parametrize(
    ("power", "held_by"),
    [
        ("cloudformation:ExecuteChangeSet", {"ChangeStacks", "RecoverStacks"}),
        ("cloudformation:DeleteStack", {"ChangeStacks", "RecoverStacks"}),
        ("cloudformation:CreateChangeSet", {"PrepareStage", "RecoverStacks"}),
        ("rds:RestoreDBInstanceFromDBSnapshot", {"RecoverDatabases", "ForecastChanges"}),
        ("rds:ModifyDBInstance", {"RecoverDatabases"}),
        ("rds:DeleteDBSnapshot", {"CleanSnapshots"}),
        ("rds:DeleteDBInstance", {"CleanCopies", "DeleteCopies"}),
        ("rds:DeleteDBCluster", {"CleanCopies", "DeleteCopies"}),
        ("ecs:UpdateService", {"RecoverStacks"}),
        ("kms:GenerateMac", {"PrepareStage", "RequestApproval"}),
        ("kms:Encrypt", {"ReadRelease"}),
    ],
)
def test_a_power_is_held_by_few(power: str, held_by: set[str]) -> None:
    found = {name.removesuffix("Function") for name, each in statements() if power in actions(each)}
    assert found == held_by


def test_whoever_reads_parameters_for_cloudformation_reads_none_of_belay_s() -> None:
    """CreateChangeSet reads what a template names with its caller's permissions."""
    reading = [(name, each) for name, each in statements() if "ssm:GetParameters" in actions(each)]
    allowed, denied = ({name for name, each in reading if each["Effect"] == effect} for effect in ("Allow", "Deny"))
    assert allowed == denied == {"PrepareStageFunction", "RecoverStacksFunction"}
    resources_denied = [str(each["Resource"]) for _, each in reading if each["Effect"] == "Deny"]
    assert all(":parameter/belay/*" in resource for resource in resources_denied)


@pytest.mark.parametrize("function", function_modules())
def test_a_function_says_what_it_does(function: str) -> None:
    assert len(functions()[function]["Description"]) <= 256


def test_the_page_of_the_functions_is_current() -> None:
    assert PAGE.read_text() == page(*((ROOT / name).read_text() for name in TEMPLATES)), "run make docs"


def test_no_secret_is_in_an_environment() -> None:
    names = OF_EVERY_FUNCTION.union(*map(environment, function_modules()))
    assert names
    assert not [name for name in names if re.search(r"SECRET|PASSWORD|TOKEN|CREDENTIAL|API_KEY|PRIVATE", name)]
    own = [properties.get("Environment", {}).get("Variables", {}) for properties in functions().values()]
    for name, value in [
        pair for variables in [*own, GLOBALS["Environment"]["Variables"]] for pair in variables.items()
    ]:
        assert isinstance(value, dict), f"{name}: a value written into the template is no setting"
        assert "{{resolve:" not in str(value)


def test_logs_go_to_one_group_that_is_ours() -> None:
    assert GLOBALS["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": {"Ref": "LogGroup"}}
    assert not [name for name, properties in functions().items() if "LoggingConfig" in properties]
    (group,) = resources("AWS::Logs::LogGroup").values()
    assert "RetentionInDays" in group
    for machine in resources("AWS::Serverless::StateMachine").values():
        destination = machine["Logging"]["Destinations"][0]["CloudWatchLogsLogGroup"]["LogGroupArn"]
        assert destination == {"Fn::GetAtt": "LogGroup.Arn"}
        assert machine["Logging"]["IncludeExecutionData"] is False


# -- asynchronous edges ------------------------------------------------------------------------------------------------


def triggers() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (name, event, source)
        for kind in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
        for name, properties in resources(kind).items()
        for event, source in properties.get("Events", {}).items()
    ]


@pytest.mark.parametrize(("name", "event", "source"), [each for each in triggers() if each[2]["Type"] == "Schedule"])
def test_a_schedule_sends_a_constant_input(name: str, event: str, source: dict[str, Any]) -> None:
    assert isinstance(json.loads(source["Properties"]["Input"]), dict)


def test_there_are_triggers() -> None:
    assert {event for _, event, _ in triggers()} == {
        "ReleaseUploaded",
        "UploadRecorded",
        "FailedStack",
        "FailedExecution",
        "PipelineChanged",
        "BuildChanged",
        "DeploymentChanged",
        "EveryFiveMinutes",
        "EveryQuarterHour",
        "EveryDay",
        "Told",
    }


@pytest.mark.parametrize(("name", "event", "source"), triggers())
def test_an_event_that_finds_no_target_is_kept(name: str, event: str, source: dict[str, Any]) -> None:
    properties = source["Properties"]
    if source["Type"] == "SNS":
        assert properties["RedrivePolicy"] == {"deadLetterTargetArn": {"Fn::GetAtt": "DeadLetterQueue.Arn"}}
        return
    assert properties["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": "DeadLetterQueue.Arn"}}
    assert properties["RetryPolicy"]["MaximumRetryAttempts"] <= 185
    assert 60 <= properties["RetryPolicy"].get("MaximumEventAgeInSeconds", 86400) <= 86400


@pytest.mark.parametrize("name", [name for name, properties in functions().items() if properties.get("Events")])
def test_an_event_that_a_function_failed_on_is_kept(name: str) -> None:
    queue = {"Type": "SQS", "TargetArn": {"Fn::GetAtt": "DeadLetterQueue.Arn"}}
    assert functions()[name]["DeadLetterQueue"] == queue


def test_the_dead_letter_queue_keeps_for_two_weeks_and_takes_from_eventbridge_and_topics() -> None:
    (queue,) = resources("AWS::SQS::Queue").values()
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 60 * 60
    (policy,) = resources("AWS::SQS::QueuePolicy").values()
    statements = policy["PolicyDocument"]["Statement"]
    assert {each["Principal"]["Service"] for each in statements} == {"events.amazonaws.com", "sns.amazonaws.com"}
    senders = {"events.amazonaws.com": "events:{}:rule/*", "sns.amazonaws.com": "sns:{}:*"}
    for statement in statements:
        assert statement["Action"] == "sqs:SendMessage"
        sender = senders[statement["Principal"]["Service"]].format("${AWS::Region}:${AWS::AccountId}")
        # The key that both document; a statement with one that a service does not send loses events silently.
        assert statement["Condition"] == {
            "ArnLike": {"aws:SourceArn": {"Fn::Sub": f"arn:${{AWS::Partition}}:{sender}"}}
        }


# -- storage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", resources("AWS::S3::Bucket"))
def test_buckets_are_encrypted_versioned_private_and_kept(name: str) -> None:
    properties = resources("AWS::S3::Bucket")[name]
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"AES256", "aws:kms"}
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    assert kept(name)
    denied = [
        statement
        for policy in resources("AWS::S3::BucketPolicy").values()
        if policy["Bucket"] == {"Ref": name}
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    ]
    assert denied


@pytest.mark.parametrize("name", ["ReleaseBucket", "ArtifactBucket"])
def test_what_expires_is_what_was_tagged(name: str) -> None:
    rules = resources("AWS::S3::Bucket")[name]["LifecycleConfiguration"]["Rules"]
    expiring = [each for each in rules if {"ExpirationInDays", "NoncurrentVersionExpiration"} & each.keys()]
    plans, tagged = expiring
    assert plans["Prefix"] == PLANS
    assert tagged["TagFilters"] == [{"Key": UNNEEDED, "Value": "true"}]


def test_the_ledger_is_encrypted_recoverable_and_kept() -> None:
    properties = resources("AWS::DynamoDB::Table")["Ledger"]
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert kept("Ledger")


def test_the_topic_is_encrypted_with_a_key_that_alarms_may_use() -> None:
    for topic in resources("AWS::SNS::Topic").values():
        assert topic["KmsMasterKeyId"] == {"Ref": "MessageKey"}
    key = resources("AWS::KMS::Key")["MessageKey"]
    assert key["EnableKeyRotation"] is True
    (services,) = [s["Principal"]["Service"] for s in key["KeyPolicy"]["Statement"] if "Service" in s["Principal"]]
    assert "cloudwatch.amazonaws.com" in services


def test_the_queue_is_encrypted_and_its_writers_need_no_key() -> None:
    """A function's dead letters are sent with its role, which SAM gives the queue but no key."""
    (queue,) = resources("AWS::SQS::Queue").values()
    assert queue["SqsManagedSseEnabled"] is True
    assert "KmsMasterKeyId" not in queue


def kept(name: str) -> bool:
    resource = template()["Resources"][name]
    return bool(resource["UpdateReplacePolicy"] == "Retain" and resource["DeletionPolicy"].startswith("Retain"))


def test_a_first_deployment_that_fails_leaves_nothing_that_it_can_delete() -> None:
    policies = {
        name: each["DeletionPolicy"] for name, each in template()["Resources"].items() if "DeletionPolicy" in each
    }
    # A resource that cannot be deleted would make the rollback of the deployment fail.
    undeletable = {"Ledger", "TrailBucket"}
    assert resources("AWS::DynamoDB::Table")["Ledger"]["DeletionProtectionEnabled"] is True
    assert {name for name, policy in policies.items() if policy == "Retain"} == undeletable
    assert {policy for name, policy in policies.items() if name not in undeletable} == {"RetainExceptOnCreate"}


# -- least privilege ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_star_says_why(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    stars = [n for n, line in enumerate(lines) if re.search(r"Resource: \"?\*", line) and not in_key_policy(lines, n)]
    assert stars
    for number in stars:
        start = number
        while "Effect: " not in lines[start]:
            start -= 1
        assert lines[start - 1].lstrip().startswith("# "), f"{name}:{number + 1}: say above it why it is a star"


def in_key_policy(lines: list[str], number: int) -> bool:
    """A key's own policy applies only to the key, which it names by a star."""
    above = [line for line in lines[:number] if re.match(r"  \w+:$", line)]
    return above[-1].strip() in ("MessageKey:", "LinkKey:", "ValueKey:", "DigestKey:")


def test_nothing_is_granted_by_a_star_in_an_action() -> None:
    assert not [(name, action) for name, each in statements() for action in actions(each) if "*" in action]


PASSED_TO = {
    "cloudformation.amazonaws.com": {"Ref": "ServiceRoleArns"},
    # A restored database gets its earlier roles back: only RDS can assume them.
    "rds.amazonaws.com monitoring.rds.amazonaws.com": {
        "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*"
    },
}
"""The services that a function may pass roles to, and which roles."""


def test_roles_are_passed_to_cloudformation_and_to_rds_alone() -> None:
    passing = [(name, each) for name, each in statements() if "iam:PassRole" in actions(each)]
    assert {name for name, each in passing if each["Resource"] != {"Ref": "ServiceRoleArns"}} == {
        "RecoverDatabasesFunction"
    }
    for name, statement in passing:
        assert actions(statement) == ["iam:PassRole"], name
        services = statement["Condition"]["StringEquals"]["iam:PassedToService"]
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": services}}, name
        passed_to = services if isinstance(services, str) else " ".join(services)
        assert statement["Resource"] == PASSED_TO[passed_to], name


def test_nobody_may_assume_roles_or_change_permissions() -> None:
    granted = {action for _, each in statements() for action in actions(each)}
    harmless = {"iam:GetRole", "iam:PassRole", "iam:SimulatePrincipalPolicy"}
    # Of other accounts, one role for each function: test_convention_places.py says which.
    harmless |= {"sts:AssumeRole", "sts:TagSession"}
    assert not {action for action in granted if action.startswith(("iam:", "sts:"))} - harmless


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_name_that_a_template_leans_on_exists(name: str) -> None:
    urls = {f"{logical_id(name)}Url" for name, properties in functions().items() if "FunctionUrlConfig" in properties}
    roles = {f"{logical_id(name)}Role" for name in functions()}
    known = set(template(name)["Resources"]) | set(template(name)["Parameters"]) | urls | roles
    for path, value in walked(template(name)):
        if isinstance(value, dict) and len(value) == 1:
            for reference in referenced(value):
                assert reference in known or reference.startswith("AWS::"), path


def referenced(value: dict[str, Any]) -> list[str]:
    ((function, argument),) = value.items()
    if function == "Ref":
        return [argument]
    if function == "Fn::GetAtt":
        return [argument.split(".")[0]]
    if function == "Fn::Sub" and isinstance(argument, str):
        return [name.split(".")[0] for name in re.findall(r"\$\{([^}]+)\}", argument)]
    return []


def test_only_a_signed_request_calls_a_function_by_its_url() -> None:
    urls = {name: each["FunctionUrlConfig"] for name, each in functions().items() if "FunctionUrlConfig" in each}
    open_to_all = {name: urls.pop(name) for name in ("answer_by_link",)}
    assert urls == {name: {"AuthType": "AWS_IAM"} for name in ("decide_approval", "start_rollback")}
    assert open_to_all == {"answer_by_link": {"AuthType": "NONE"}}
    assert template()["Resources"]["AnswerByLinkFunction"]["Condition"] == "LinksSwitchedOn"
    assert template()["Parameters"]["ApprovalLinks"]["Default"] == "false"
    # A public function can use no more of the account's concurrency than this.
    reserved = resources("AWS::Serverless::Function")["AnswerByLinkFunction"]["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["LinkConcurrencyReserved", {"Ref": "LinkConcurrency"}, {"Ref": "AWS::NoValue"}]}
    assert template()["Parameters"]["LinkConcurrency"]["Default"] == 5


def test_whoever_deploys_changes_nothing_of_belay_s() -> None:
    """Both policies deny what the rehearsal simulates; the boundary allows the rest, or it would grant nothing."""
    policies = {
        name: each["PolicyDocument"]["Statement"] for name, each in resources("AWS::IAM::ManagedPolicy").items()
    }
    denied, boundary = policies["ServiceRolePolicy"], policies["ReleaseBoundary"]
    assert {each["Effect"] for each in denied} == {"Deny"}
    (allowed,) = [each for each in boundary if each["Effect"] == "Allow"]
    assert (allowed["Action"], allowed["Resource"]) == ("*", "*")
    assert [each for each in boundary if each is not allowed] == denied[: len(boundary) - 1]
    (_, listed) = resources("AWS::Serverless::Function")["CheckStageFunction"]["Environment"]["Variables"]["PROTECTED"][
        "Fn::Join"
    ]
    for action in {each["Fn::Sub"].partition("=")[0] for each in listed}:
        assert any(fnmatch(action, each) for statement in boundary[1:] for each in actions(statement)), action


@pytest.mark.parametrize(
    ("policy", "function"),
    [("DeciderPolicy", "DecideApprovalFunction"), ("RollbackPolicy", "StartRollbackFunction")],
)
def test_whoever_decides_may_do_so_through_the_url_alone(policy: str, function: str) -> None:
    statements = resources("AWS::IAM::ManagedPolicy")[policy]["PolicyDocument"]["Statement"]
    calls = [each for each in statements if "lambda:" in str(each["Action"])]
    assert {each["Action"]: each["Condition"] for each in calls} == {
        "lambda:InvokeFunctionUrl": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
        "lambda:InvokeFunction": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
    }
    assert [each["Resource"] for each in calls] == [{"Fn::GetAtt": f"{function}.Arn"}] * 2


def test_people_may_do_what_their_policy_says_and_no_more() -> None:
    policies = resources("AWS::IAM::ManagedPolicy")
    people = {"DeciderPolicy", "RollbackPolicy", "ReaderPolicy", "OperatorPolicy", "PlannerPolicy"}
    assert set(policies) == people | {"ServiceRolePolicy", "ReleaseBoundary"}
    for policy in people:
        for statement in policies[policy]["PolicyDocument"]["Statement"]:
            assert statement["Resource"] != "*"
            assert not [action for action in actions(statement) if "*" in action]
    reads = {each for s in policies["ReaderPolicy"]["PolicyDocument"]["Statement"] for each in actions(s)}
    assert reads >= READS, "of the ledger"
    assert all(re.search(r":(Describe|Get|BatchGet|List|Query|Filter)", action) for action in reads)
    operates = {each["Sid"]: each for each in policies["OperatorPolicy"]["PolicyDocument"]["Statement"]}
    for sid, key in (("Unlock", "LOCK"), ("Unclaim", "STACKS")):
        assert operates[sid]["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [key]}}


# -- watching ----------------------------------------------------------------------------------------------------------


def test_the_alarms_are_given_what_they_watch() -> None:
    nested = template("alarms.yaml")
    given = resources("AWS::CloudFormation::Stack")["Alarms"]["Parameters"]
    assert set(given) == set(nested["Parameters"])
    alarms = [each for each in nested["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    watched = {
        (alarm["Properties"]["MetricName"], dimension["Value"]["Ref"])
        for alarm in alarms
        for dimension in alarm["Properties"]["Dimensions"]
        if isinstance(dimension["Value"], dict)
    }
    # A dry run that fails notifies its requester, and no one else.
    for machine in set(resources("AWS::Serverless::StateMachine")) - {"PlanReleaseStateMachine"}:
        assert ("ExecutionsFailed", f"{machine}Arn") in watched
        assert ("ExecutionsTimedOut", f"{machine}Arn") in watched
    assert ("ApproximateNumberOfMessagesVisible", "DeadLetterQueueName") in watched
    assert ("NumberOfNotificationsFailed", "NotificationTopicName") in watched
    for alarm in alarms:
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": "NotificationTopicArn"}]
        assert alarm["Properties"]["TreatMissingData"] == "notBreaching"


def test_whoever_deletes_databases_deletes_copies_of_its_own_executions_alone() -> None:
    deleting = [(name, each) for name, each in statements() if "rds:DeleteDBInstance" in actions(each)]
    assert deleting
    here = "${AWS::Region}:${AWS::AccountId}"
    own = {"Fn::Sub": f"arn:${{AWS::Partition}}:states:{here}:execution:${{AWS::StackName}}-forecast-changes:*"}
    copies = [{"Fn::Sub": f"arn:${{AWS::Partition}}:rds:{here}:{kind}:*-belay-copy-*"} for kind in ("db", "cluster")]
    for name, statement in deleting:
        assert actions(statement) == ["rds:DeleteDBInstance", "rds:DeleteDBCluster"], name
        assert statement["Resource"] == copies, name
        assert statement["Condition"] == {"StringLike": {"aws:ResourceTag/belay:execution": own}}, name


def test_what_anybody_can_call_writes_to_releases_alone() -> None:
    """The one URL without authorization: whatever its code does, it reaches no lock and nothing that is held."""
    (public,) = [
        properties
        for properties in functions().values()
        if properties.get("FunctionUrlConfig", {}).get("AuthType") == "NONE"
    ]
    reached = {
        action: next(iter(statement["Condition"].values()))["dynamodb:LeadingKeys"]
        for policy in public["Policies"]
        for statement in policy["Statement"]
        for action in actions(statement)
        if action.startswith("dynamodb:") and action not in READS
    }
    assert reached == {
        "dynamodb:PutItem": ["ATTEMPT#*"],
        "dynamodb:UpdateItem": ["ATTEMPT#*", "RELEASE#*", "APPLICATION#*"],
        "dynamodb:DeleteItem": ["ASKED"],
    }
