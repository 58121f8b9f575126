"""The reference pipeline is valid for CodePipeline, each strategy creates its own resources, each role is minimal."""

import fnmatch
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from iam_decisions import decided
from reference_pipeline import CROSS_ACCOUNT, FOLDER, GIVEN, STRATEGIES, actions, stack, stages

from belay.pipeline.actions import notify_action, snapshot_action, stack_action, template_action
from belay.policy.gate import check_template
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Verdict
from belay.release.registration import Application, Stage, parse_application, parse_stage

TEXT = (FOLDER / "template.yaml").read_text()
TEMPLATES = ("template.yaml", "production_account.yaml", "templates/ecs.yaml", "templates/ec2.yaml")
EXECUTION = "11111111-2222-3333-4444-555555555555"
ECS = [name for name in STRATEGIES if name.startswith("Ecs")]
IN_PLACE = [name for name in STRATEGIES if name.startswith("CodeDeploy")]

ACTIONS: Mapping[tuple[str, str], tuple[range, range, set[str], set[str]]] = {
    ("Source", "S3"): (range(1), range(1, 2), {"S3Bucket", "S3ObjectKey"}, {"PollForSourceChanges"}),
    ("Build", "CodeBuild"): (range(1, 6), range(6), {"ProjectName"}, {"EnvironmentVariables"}),
    ("Deploy", "CodeDeploy"): (range(1, 2), range(1), {"ApplicationName", "DeploymentGroupName"}, set()),
    ("Approval", "Manual"): (range(1), range(1), set(), {"NotificationArn", "CustomData", "ExternalEntityLink"}),
    ("Invoke", "Lambda"): (range(6), range(6), {"FunctionName"}, {"UserParameters"}),
}
"""How many artifacts go in and come out, required and other configuration keys that are used, by category and provider
(https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html)."""

MODES: Mapping[str, set[str]] = {
    "CREATE_UPDATE": {"RoleArn", "TemplatePath"},
    "REPLACE_ON_FAILURE": {"RoleArn", "TemplatePath"},
    "DELETE_ONLY": {"RoleArn"},
    "CHANGE_SET_REPLACE": {"RoleArn", "TemplatePath", "ChangeSetName"},
    "CHANGE_SET_EXECUTE": {"ChangeSetName"},
}
"""What each of CloudFormation's action modes requires beside the stack's name
(https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html).
"""

MODEL = {"elasticloadbalancing": "elbv2", "tag": "resourcegroupstaggingapi"}
"""botocore's name of a service, where that is not the prefix of its actions."""

NAMED_OTHERWISE = {
    "iam:PassRole",
    "lambda:InvokeFunction",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionTagging",
    "s3:ListBucket",
    "s3:ListTagsForResource",
    "s3:TagResource",
}
"""Actions that are the permission for an operation with another name."""

STACK_POLICIES = ("ApplicationPolicy", "TaskPolicy", "InstancePolicy")
"""What the roles with which CloudFormation creates the application's stacks may do."""

NOT_READ = {"kms:DescribeKey", "managed-fleets:Get*"}
"""Permissions of read handlers for what no template here has: keys of a cluster's, instances of a managed fleet's."""

ALWAYS = {
    "ApplicationPolicy",
    "ApprovalTopic",
    "ArtifactBucket",
    "ArtifactBucketPolicy",
    "ArtifactKey",
    "AssetBucket",
    "AssetBucketPolicy",
    "AssetProject",
    "AssetRole",
    "BuildProject",
    "BuildRole",
    "DeadLetterQueue",
    "DeadLetterQueuePolicy",
    "EventsRole",
    "InstancePolicy",
    "LogGroup",
    "Pipeline",
    "PipelineRole",
    "ProductionStackRole",
    "ProjectPolicy",
    "ReleaseUploaded",
    "ReviewProject",
    "ReviewRole",
    "SelfUpdateRole",
    "SourceBucket",
    "SourceBucketPolicy",
    "TaskPolicy",
    "TestStackRole",
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_policies_find_nothing_that_stops_a_release(template: str) -> None:
    files = {template: (FOLDER / template).read_bytes()}
    report = check_template(files, template, {}, PolicySettings(), date(2026, 11, 21))
    assert report.verdict is Verdict.PASS


PRINCIPAL = "${aws:PrincipalTag/stack}"
MADE, HERS = {"aws:RequestTag/stack": "shop-test"}, {"aws:RequestTag/stack": "shop-production"}


@pytest.mark.parametrize("template", ["template.yaml", "production_account.yaml"])
@pytest.mark.parametrize(
    ("kind", "action"), [("security-group", "CreateSecurityGroup"), ("launch-template", "CreateLaunchTemplate")]
)
@pytest.mark.parametrize(
    ("context", "allowed"),
    [
        ({**MADE, "ec2:CreateAction": "made"}, True),
        ({**HERS, "ec2:CreateAction": "made"}, False),
        ({**MADE, "ec2:CreateAction": "RunInstances"}, False),
        (MADE, False),
        ({**MADE, "aws:ResourceTag/stack": "shop-production"}, False),
        ({**MADE, "aws:ResourceTag/stack": "shop-test"}, True),
        ({"aws:RequestTag/team": "shop", "aws:ResourceTag/stack": "shop-test"}, True),
        ({**HERS, "aws:ResourceTag/stack": "shop-test"}, False),
    ],
)
def test_a_stack_s_role_cannot_make_another_stack_s_resources_its_own_by_a_tag(
    template: str, kind: str, action: str, context: dict[str, str], allowed: bool
) -> None:
    if context.get("ec2:CreateAction") == "made":
        context = {**context, "ec2:CreateAction": action}
    made = stack(template)
    # The evaluator does not know variables.
    policies = [
        json.loads(json.dumps(made[name]["Properties"]["PolicyDocument"]).replace(PRINCIPAL, "shop-test"))
        for name in ("ApplicationPolicy", "InstancePolicy")
    ]
    account, region = GIVEN["AWS::AccountId"], GIVEN["AWS::Region"]
    resource = f"arn:aws:ec2:{region}:{account}:{kind}/x-1"

    found = decided(policies, "ec2:CreateTags", resource, region=region, context=context, account=account)
    assert (found == "Allow") is allowed


# -- the pipeline ------------------------------------------------------------------------------------------------------


def test_the_stages_come_in_order() -> None:
    assert list(stages()) == [
        "Source",
        "Validation",
        "Build",
        "UpdatePipeline",
        "Assets",
        "PreDeployment",
        "Test",
        "Review",
        "Deployment",
    ]


def test_the_actions_come_in_order() -> None:
    assert list(actions(DeploymentStrategy="CodeDeployRollingOne", SigningKey="true")) == [
        "Source",
        "ValidateApplication",
        "ValidatePipeline",
        "Build",
        "UpdatePipeline",
        "PublishAssets",
        "CreateSigningKey",
        "SnapshotDatabases",
        "CreateTestStack",
        "ValidateTestStack",
        "ApproveTestStack",
        "DeleteTestStack",
        "CreateChangeSet",
        "DescribeChangeSet",
        "ApproveChangeSet",
        "ExecuteChangeSet",
        "ConfirmStack",
        "DeployToInstances",
        "ValidateStack",
        "NotifyEngineers",
    ]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("given", [{}, {"SigningKey": "true", "AutomaticRollback": "Belay"}, CROSS_ACCOUNT])
def test_botocore_takes_the_pipeline(strategy: str, given: dict[str, str]) -> None:
    made = stack("template.yaml", DeploymentStrategy=strategy, **given)
    properties = made["Pipeline"]["Properties"]
    model = botocore.session.get_session().get_service_model("codepipeline")
    assert properties.pop("RestartExecutionOnUpdate") == "true"
    request = {"pipeline": {"version": 1, **as_api(properties)}}
    report = ParamValidator().validate(request, model.operation_model("CreatePipeline").input_shape)
    assert report.generate_report() == ""


def as_api(value: Any, name: str = "") -> Any:
    """CloudFormation's properties of a pipeline as CodePipeline's API has them."""
    if isinstance(value, dict) and name != "Configuration":
        return {key[0].lower() + key[1:]: as_api(item, key) for key, item in value.items()}
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return [as_api(item) for item in value]
    return int(value) if name == "RunOrder" else value


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("given", [{"SigningKey": "true"}, CROSS_ACCOUNT])
def test_every_action_is_configured_as_its_type_asks(strategy: str, given: dict[str, str]) -> None:
    for name, action in actions(DeploymentStrategy=strategy, **given).items():
        kind = action["ActionTypeId"]
        assert (kind["Owner"], kind["Version"]) == ("AWS", "1")
        given = action["Configuration"]
        if kind["Provider"] == "CloudFormation":
            inputs, outputs, required, others = range(11), range(2), {"ActionMode", "StackName"}, set[str]()
            required = required | MODES[given["ActionMode"]]
            others = {"TemplateConfiguration", "Capabilities"} if "TemplatePath" in required else set()
        else:
            inputs, outputs, required, others = ACTIONS[kind["Category"], kind["Provider"]]
        assert len(action.get("InputArtifacts", [])) in inputs, name
        assert len(action.get("OutputArtifacts", [])) in outputs, name
        assert required <= set(given) <= required | others, name
        assert all(isinstance(value, str) and 1 <= len(value) <= 1000 for value in given.values()), name


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("given", [{"SigningKey": "true"}, CROSS_ACCOUNT])
def test_artifacts_and_variables_are_made_before_they_are_used(strategy: str, given: dict[str, str]) -> None:
    made: set[str] = set()
    namespaces = {"codepipeline"}
    for stage in stages(DeploymentStrategy=strategy, **given).values():
        orders = sorted({int(each.get("RunOrder", "1")) for each in stage["Actions"]})
        for order in orders:
            now = [each for each in stage["Actions"] if int(each.get("RunOrder", "1")) == order]
            for action in now:
                assert {each["Name"] for each in action.get("InputArtifacts", [])} <= made, action["Name"]
                used = set(re.findall(r"#\{([\w@-]+)\.\w+\}", json.dumps(action["Configuration"])))
                assert used <= namespaces, action["Name"]
                given = action["Configuration"]
                paths = {
                    given[key].partition("::")[0] for key in ("TemplatePath", "TemplateConfiguration") if key in given
                }
                assert paths <= {each["Name"] for each in action.get("InputArtifacts", [])}, action["Name"]
            for action in now:
                outputs = {each["Name"] for each in action.get("OutputArtifacts", [])}
                assert not outputs & (made | namespaces)
                made |= outputs
                if "Namespace" in action:
                    assert action["Namespace"] not in made | namespaces
                    namespaces.add(action["Namespace"])


def test_only_the_first_stage_has_sources_and_nothing_else() -> None:
    first, *others = stages().values()
    assert {each["ActionTypeId"]["Category"] for each in first["Actions"]} == {"Source"}
    assert not {each["ActionTypeId"]["Category"] for stage in others for each in stage["Actions"]} & {"Source"}


@pytest.mark.parametrize("who", ["CodePipeline", "Belay"])
def test_the_change_set_that_is_approved_is_the_one_that_is_executed(who: str) -> None:
    found = actions(AutomaticRollback=who)
    assert list(found).index("ApproveChangeSet") + 1 == list(found).index("ExecuteChangeSet")
    names = {found[each]["Configuration"]["ChangeSetName"] for each in ("CreateChangeSet", "ExecuteChangeSet")}
    assert names == {"release-#{codepipeline.PipelineExecutionId}"}
    (described,) = json.loads(found["DescribeChangeSet"]["Configuration"]["EnvironmentVariables"])
    assert {described["value"]} == names
    assert "#{ChangeSet.CHANGE_SET_ID}" in found["ApproveChangeSet"]["Configuration"]["ExternalEntityLink"]


def test_a_stage_is_rolled_back_only_where_its_actions_can_be_repeated() -> None:
    rolled_back = {name for name, stage in stages().items() if stage.get("OnFailure", {}).get("Result") == "ROLLBACK"}
    assert rolled_back == {"Deployment"}
    modes = {each["Configuration"].get("ActionMode") for each in stages()["Deployment"]["Actions"]}
    assert "CHANGE_SET_EXECUTE" not in modes
    assert "CREATE_UPDATE" in modes


def test_belay_and_codepipeline_never_both_go_back() -> None:
    assert not any("OnFailure" in stage for stage in stages(AutomaticRollback="Belay").values())


def test_belay_goes_back_from_the_stage_that_changes_the_stack() -> None:
    deployment = {each["Name"]: each for each in stages(AutomaticRollback="Belay")["Deployment"]["Actions"]}
    assert list(deployment) == ["ExecuteChangeSet", "ValidateStack", "NotifyEngineers"]
    assert deployment["ExecuteChangeSet"]["Configuration"]["ActionMode"] == "CHANGE_SET_EXECUTE"


def test_the_pipeline_runs_in_a_mode_that_can_be_rolled_back() -> None:
    declared = yaml.load(TEXT, Loader=Short)["Parameters"]["ExecutionMode"]
    assert set(declared["AllowedValues"]) == {"QUEUED", "SUPERSEDED"}
    properties = stack("template.yaml")["Pipeline"]["Properties"]
    assert (properties["PipelineType"], properties["ExecutionMode"]) == ("V2", "QUEUED")


def test_an_upload_starts_the_pipeline_with_its_own_version() -> None:
    made = stack("template.yaml")
    (target,) = made["ReleaseUploaded"]["Properties"]["Targets"]
    template = target["InputTransformer"]["InputTemplate"]
    assert json.loads(template.replace("<version>", '"v1"')) == {
        "sourceRevisions": [{"actionName": "Source", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "v1"}]
    }
    assert actions()["Source"]["Configuration"]["PollForSourceChanges"] == "false"
    assert made["SourceBucket"]["Properties"]["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": "true"}
    }


# -- its calls to Belay ------------------------------------------------------------------------------------------------


def asked(action: str, **parameters: str) -> dict[str, Any]:
    text = actions(**parameters)[action]["Configuration"]["UserParameters"]
    found: dict[str, Any] = json.loads(text.replace("#{codepipeline.PipelineExecutionId}", EXECUTION))
    return found


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_belay_s_actions_understand_what_they_are_asked(strategy: str) -> None:
    template = "templates/ecs.yaml" if strategy in ECS else "templates/ec2.yaml"
    checked = template_action(asked("ValidateApplication", DeploymentStrategy=strategy))
    assert checked.templates == (template,)
    assert checked.registered is not None
    assert (checked.registered.application, checked.registered.stage) == ("hello", "production")
    assert template_action(asked("ValidatePipeline")).templates == ("template.yaml",)
    assert stack_action(asked("ValidateTestStack")).stacks == ("hello-test",)
    assert stack_action(asked("ValidateStack")).stacks == ("hello-production",)
    assert snapshot_action(asked("SnapshotDatabases")).execution == EXECUTION
    assert notify_action(asked("NotifyEngineers")).execution == EXECUTION


def test_belay_exports_every_function_that_a_pipeline_may_invoke() -> None:
    imported = set(re.findall(r"\$\{BelayStackName\}-(\w+)", TEXT))
    belay = (FOLDER / "../../template.yaml").read_text()
    exported = set(re.findall(r'Export: \{Name: !Sub "\$\{AWS::StackName\}-(\w+)"\}', belay))
    assert len(imported) == 4
    assert imported <= exported
    assert set(re.findall(r"^  (\w+ActionFunctionName):$", belay, re.MULTILINE)) <= exported


def test_the_registration_names_the_pipeline_and_its_stages() -> None:
    application = parse_application("hello", (FOLDER / "registration/application.yaml").read_text())
    assert isinstance(application, Application)
    stage = parse_stage(application, "production", (FOLDER / "registration/production.yaml").read_text())
    assert isinstance(stage, Stage)
    assert stage.pipeline is not None
    assert stage.pipeline.name == GIVEN["AWS::StackName"]
    assert {stage.pipeline.pre_deployment_stage, stage.pipeline.deployment_stage} <= set(stages())
    assert {each.name for each in stage.stacks.values()} == {asked("ValidateStack")["stacks"][0]}


# -- strategies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("signing_key", ["true", "false"])
def test_a_strategy_makes_its_own_resources_and_no_other_s(strategy: str, signing_key: str) -> None:
    own = (
        {"ImageRepository", "ImageProject", "ImageRole"}
        if strategy in ECS
        else {"CodeDeployApplication", "DeploymentGroup", "CodeDeployRole"}
    )
    signing = {"SigningKeyEncryption", "SigningKeyProject", "SigningKeyRole"} if signing_key == "true" else set()
    made = stack("template.yaml", DeploymentStrategy=strategy, SigningKey=signing_key)
    assert set(made) == ALWAYS | own | signing


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("given", [{}, CROSS_ACCOUNT])
def test_nothing_refers_to_a_resource_that_is_not_made(strategy: str, given: dict[str, str]) -> None:
    made = stack("template.yaml", DeploymentStrategy=strategy, **given)
    declared = set(yaml.load(TEXT, Loader=Short)["Resources"])
    referred = set(re.findall(r"\$\{(\w+)[.}]", json.dumps(made))) & declared
    assert referred <= set(made)


@pytest.mark.parametrize(
    ("strategy", "configuration"),
    [
        ("CodeDeployAllAtOnce", "CodeDeployDefault.AllAtOnce"),
        ("CodeDeployRollingHalf", "CodeDeployDefault.HalfAtATime"),
        ("CodeDeployRollingOne", "CodeDeployDefault.OneAtATime"),
    ],
)
def test_in_place_strategies_are_codedeploy_s_own_and_go_back_on_alarms(strategy: str, configuration: str) -> None:
    group = stack("template.yaml", DeploymentStrategy=strategy)["DeploymentGroup"]["Properties"]
    assert group["DeploymentConfigName"] == configuration
    assert group["AutoRollbackConfiguration"]["Events"] == [
        "DEPLOYMENT_FAILURE",
        "DEPLOYMENT_STOP_ON_ALARM",
        "DEPLOYMENT_STOP_ON_REQUEST",
    ]
    (alarm,) = group["AlarmConfiguration"]["Alarms"]
    instances = stack("templates/ec2.yaml", **{"AWS::StackName": "hello-production"})
    assert alarm["Name"] == instances["Unhealthy"]["Properties"]["AlarmName"]
    (tag,) = group["Ec2TagFilters"]
    tags = instances["Fleet"]["Properties"]["Tags"]
    assert {"Key": tag["Key"], "Value": tag["Value"], "PropagateAtLaunch": "true"} in tags


@pytest.mark.parametrize("strategy", ["CANARY", "LINEAR", "BLUE_GREEN"])
def test_ecs_strategies_shift_between_two_target_groups_and_go_back_on_alarms(strategy: str) -> None:
    made = stack("templates/ecs.yaml", Strategy=strategy)
    service = made["Service"]["Properties"]
    how = service["DeploymentConfiguration"]
    assert how["Strategy"] == strategy
    assert ("CanaryConfiguration" in how, "LinearConfiguration" in how) == (strategy == "CANARY", strategy == "LINEAR")
    assert how["Alarms"] == {"AlarmNames": ["${ServerErrors}"], "Enable": "true", "Rollback": "true"}
    (balancer,) = service["LoadBalancers"]
    groups = {balancer["TargetGroupArn"], balancer["AdvancedConfiguration"]["AlternateTargetGroupArn"]}
    assert groups == {"${BlueTargets}", "${GreenTargets}"}
    (forward,) = made["ProductionRule"]["Properties"]["Actions"]
    (otherwise,) = made["Listener"]["Properties"]["DefaultActions"]
    assert {forward["Type"], otherwise["Type"]} == {"forward"}
    assert {each["TargetGroupArn"] for each in forward["ForwardConfig"]["TargetGroups"]} == groups


@pytest.mark.parametrize(("template", "group"), [("ecs", "TaskGroup"), ("ec2", "InstanceGroup")])
def test_s3_is_reached_by_a_gateway_where_one_is_named(template: str, group: str) -> None:
    def out_to(**parameters: str) -> list[str]:
        found = stack(f"templates/{template}.yaml", **parameters)[group]["Properties"]["SecurityGroupEgress"]
        return [each.get("CidrIp") or each["DestinationPrefixListId"] for each in found]

    assert out_to() == ["10.0.0.0/16"]
    assert out_to(S3PrefixListId="pl-6da54004") == ["10.0.0.0/16", "pl-6da54004"]


@pytest.mark.parametrize("strategy", ECS)
def test_the_build_hands_an_ecs_strategy_on(strategy: str) -> None:
    variables = build_variables(strategy)
    accepted = yaml.load((FOLDER / "templates/ecs.yaml").read_text(), Loader=Short)["Parameters"]["Strategy"]
    assert variables["PLATFORM"] == "ecs"
    assert variables["STRATEGY"] in accepted["AllowedValues"]
    assert variables["STRATEGY"].replace("_", "").casefold() == strategy.removeprefix("Ecs").casefold()


@pytest.mark.parametrize("strategy", IN_PLACE)
def test_the_build_knows_an_in_place_strategy(strategy: str) -> None:
    assert build_variables(strategy)["PLATFORM"] == "ec2"


def build_variables(strategy: str) -> dict[str, str]:
    project = stack("template.yaml", DeploymentStrategy=strategy)["BuildProject"]["Properties"]
    return {each["Name"]: each["Value"] for each in project["Environment"]["EnvironmentVariables"]}


# -- permissions -------------------------------------------------------------------------------------------------------


def statements() -> Iterator[tuple[int, str, str]]:
    """Every statement of every policy of the templates: its line, its text, and the line of words above it."""
    for path in TEMPLATES:
        lines = (FOLDER / path).read_text().splitlines()
        for number, line in enumerate(lines):
            if not re.match(r"\s*-? ?\{?(Sid: \w+|Effect: \w+)", line) or not line.lstrip().startswith("-"):
                continue
            indent = len(line) - len(line.lstrip())
            end = next(
                (
                    later
                    for later in range(number + 1, len(lines))
                    if lines[later].strip() and len(lines[later]) - len(lines[later].lstrip()) <= indent
                ),
                len(lines),
            )
            above = number - 1
            while re.match(r"\s*-? ?(!If|- \w+$|\w+$)", lines[above]) or lines[above].strip() in (
                "- CodeDeploy",
                "- Ecs",
            ):
                above -= 1
            yield number + 1, "\n".join(lines[number:end]), lines[above].strip()


def test_every_statement_is_seen() -> None:
    written = sum((FOLDER / path).read_text().count("Effect: ") for path in TEMPLATES)
    assert len(list(statements())) == written > 50


def test_a_star_has_a_reason() -> None:
    without = [
        number
        for number, text, above in statements()
        if (
            re.search(r"""Resource: ['"]?\*['"]?\s*([,}]|$)""", text, re.MULTILINE)
            or re.search(r"Action:.*\w+:\w*\*", text)
        )
        and not above.startswith("#")
    ]
    assert without == []


def documents(made: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, resource in made.items():
        if resource["Type"] == "AWS::IAM::Role":
            yield name, [each["PolicyDocument"] for each in resource["Properties"].get("Policies", [])]
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            yield name, resource["Properties"]["PolicyDocument"]


def granted() -> set[str]:
    """Every action that a role of any strategy is granted."""
    return {
        action
        for strategy in ("EcsCanary", "CodeDeployAllAtOnce")
        for made in (
            stack("template.yaml", DeploymentStrategy=strategy, SigningKey="true"),
            stack("template.yaml", DeploymentStrategy=strategy, **CROSS_ACCOUNT),
            stack("production_account.yaml", DeploymentStrategy=strategy),
        )
        for _, found in documents(made)
        for document in as_list(found)
        for statement in document["Statement"]
        for action in as_list(statement["Action"])
    }


def test_no_role_may_do_everything_of_a_service() -> None:
    assert {action for action in granted() if action.endswith(":*")} == set()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_policies_are_as_short_as_iam_asks(strategy: str) -> None:
    boundary = "arn:aws:iam::123456789012:policy/a-rather-long-name-of-a-boundary"
    made = stack(
        "template.yaml",
        DeploymentStrategy=strategy,
        SigningKey="true",
        PermissionsBoundaryArn=boundary,
        Application="abcdefghijklmn",
    )
    for name, found in documents(made):
        most = 6144 if made[name]["Type"] == "AWS::IAM::ManagedPolicy" else 10240
        assert len(json.dumps(found, separators=(",", ":"))) < most, name


def test_every_action_that_a_role_is_granted_is_an_operation_that_aws_has() -> None:
    session = botocore.session.get_session()
    unknown = set()
    for action in granted():
        prefix, name = action.split(":")
        service = session.get_service_model(MODEL.get(prefix, prefix))
        if action not in NAMED_OTHERWISE and not fnmatch.filter(service.operation_names, name):
            unknown.add(action)
    assert unknown == set()


def handlers(made: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The registry's schema of each type that has handlers; CodeBuild's projects alone are made another way."""
    for kind in sorted({each["Type"] for each in made}):
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region="us-east-1", resource_type=kind).schema
        if "handlers" in schema:
            yield kind, schema


def asked_for(schema: Mapping[str, Any]) -> set[str]:
    """What a type's handlers always need: to read it back, and to tag it if CloudFormation does."""
    create, read = (
        set(schema["handlers"].get(each, {"permissions": []})["permissions"]) for each in ("create", "read")
    )
    tagged = schema["tagging"].get("cloudFormationSystemTags", False)
    return read - NOT_READ | {each for each in create if tagged and re.search(":(TagResource|AddTags)$", each)}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_cloudformation_s_roles_may_what_its_resource_types_ask_for(strategy: str) -> None:
    """As the CloudFormation registry's schemas say, of which cfn-lint has a copy
    (https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html)."""
    made = stack("template.yaml", DeploymentStrategy=strategy, SigningKey="true")
    found = dict(documents(made))
    may_self = {each for document in found["SelfUpdateRole"] for each in actions_of(document)}
    may_stack = {each for name in STACK_POLICIES for each in actions_of(found[name])}
    for may, built in (
        (may_self, made),
        (may_stack, stack("templates/ecs.yaml")),
        (may_stack, stack("templates/ec2.yaml")),
    ):
        for kind, schema in handlers(built.values()):
            missing = {
                each
                for each in asked_for(schema)
                if not any(fnmatch.fnmatchcase(each.casefold(), granted.casefold()) for granted in may)
            }
            assert missing == set(), kind


def actions_of(document: Mapping[str, Any]) -> set[str]:
    return {action for statement in document["Statement"] for action in as_list(statement["Action"])}


def test_the_stacks_roles_have_the_policies_of_every_strategy() -> None:
    for made, names in (
        (stack("template.yaml"), ("TestStackRole", "ProductionStackRole")),
        (stack("production_account.yaml"), ("StackRole",)),
    ):
        for name in names:
            assert made[name]["Properties"]["ManagedPolicyArns"] == [f"${{{each}}}" for each in STACK_POLICIES]


def test_the_test_stack_s_role_is_told_apart_from_production_s() -> None:
    made = stack("template.yaml")
    tags = {name: made[name]["Properties"]["Tags"] for name in ("TestStackRole", "ProductionStackRole")}
    assert tags == {
        "TestStackRole": [{"Key": "stack", "Value": "hello-test"}],
        "ProductionStackRole": [{"Key": "stack", "Value": "hello-production"}],
    }
    policies = [made[name]["Properties"]["PolicyDocument"] for name in STACK_POLICIES]
    changing = [
        statement
        for document in policies
        for statement in document["Statement"]
        if "${aws:PrincipalTag/stack}" not in json.dumps(statement)
    ]
    granted = {action for statement in changing for action in as_list(statement["Action"])}
    assert {each for each in granted if not re.search(r":(Describe|Get|List)", each)} == {
        "ec2:CreateSecurityGroup",
        "ec2:RunInstances",
        "ecs:DeregisterTaskDefinition",
        "iam:CreateServiceLinkedRole",
    }


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_with_a_boundary_no_role_is_without_it() -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    made = stack("template.yaml", PermissionsBoundaryArn=boundary, SigningKey="true")
    roles = [each["Properties"] for each in made.values() if each["Type"] == "AWS::IAM::Role"]
    assert {each["PermissionsBoundary"] for each in roles} == {boundary}
    makers = [
        statement
        for name in ("SelfUpdateRole", "ApplicationPolicy")
        for document in as_list(dict(documents(made))[name])
        for statement in document["Statement"]
        if "iam:CreateRole" in as_list(statement["Action"])
    ]
    assert [each["Condition"] for each in makers] == [{"StringEquals": {"iam:PermissionsBoundary": boundary}}] * 2
    assert "DeleteRolePermissionsBoundary" not in TEXT


def test_the_signing_key_s_maker_cannot_read_a_key_back() -> None:
    role = json.dumps(stack("template.yaml", SigningKey="true")["SigningKeyRole"])
    assert "secretsmanager:CreateSecret" in role
    assert "GetSecretValue" not in TEXT
    assert "PutSecretValue" not in TEXT


def test_everything_that_is_kept_is_encrypted_with_the_pipeline_s_key() -> None:
    made = stack("template.yaml")
    buckets = {name: each["Properties"] for name, each in made.items() if each["Type"] == "AWS::S3::Bucket"}
    assert set(buckets) == {"SourceBucket", "ArtifactBucket", "AssetBucket"}
    for bucket in buckets.values():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": "${ArtifactKey.Arn}",
        }
    store = made["Pipeline"]["Properties"]["ArtifactStore"]
    assert store["EncryptionKey"] == {"Type": "KMS", "Id": "${ArtifactKey.Arn}"}


def test_no_secret_stands_in_it() -> None:
    suspicious = re.compile(
        r"AKIA[0-9A-Z]{16}|-----BEGIN|(?i:(?:password|secret|token|private_?key)\s*[:=]\s*['\"]?[A-Za-z0-9/+]{12,})"
    )
    texts = {path: path.read_text() for path in FOLDER.rglob("*") if path.is_file()}
    assert len(texts) > 20
    assert [str(path) for path, text in texts.items() if suspicious.search(text)] == []


class Short(yaml.CSafeLoader):
    """Reads a template as YAML: what a short form stands for does not matter here."""


Short.add_multi_constructor("!", lambda loader, suffix, node: None)  # type: ignore[no-untyped-call]
