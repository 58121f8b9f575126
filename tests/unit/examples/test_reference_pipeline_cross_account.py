"""With production in another account, exactly the roles that need it reach the pipeline's resources, and back."""

import fnmatch
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from reference_pipeline import CROSS_ACCOUNT, FOLDER, GIVEN, STRATEGIES, actions, stack, stages

from belay.policy.declared import root_scope
from belay.template.conditions import truth
from belay.template.nodes import MappingNode, ScalarNode, SequenceNode
from belay.template.world import Budget, World

PRODUCTION = CROSS_ACCOUNT["ProductionAccountId"]
ROLES = f"arn:aws:iam::{PRODUCTION}:role"
ACTION_ROLE, STACK_ROLE, REVIEW_ROLE = (f"{ROLES}/hello-delivery-{each}" for each in ("actions", "stack", "review"))
TASKS, INSTANCES = (f"{ROLES}/hello-production-{each}-*" for each in ("ExecutionRole", "InstanceRole"))
BOUNDARY = f"arn:aws:iam::{PRODUCTION}:policy/boundary"


def pipeline(**parameters: str) -> dict[str, dict[str, Any]]:
    return stack("template.yaml", **CROSS_ACCOUNT, **parameters)


def production(**parameters: str) -> dict[str, dict[str, Any]]:
    return stack("production_account.yaml", **{"AWS::AccountId": PRODUCTION, **parameters})


def allowed(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each for each in document["Statement"] if each["Effect"] == "Allow"]


def inline(role: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a role's own policy allows."""
    (policy,) = role["Properties"]["Policies"]
    return allowed(policy["PolicyDocument"])


def as_set(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else set(value)


def readers(statements: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Who in production's account is allowed which actions, by ARN or ARN pattern."""
    found: dict[str, set[str]] = {}
    for each in statements:
        if each["Principal"].get("AWS") == f"arn:aws:iam::{PRODUCTION}:root":
            for who in as_set(each["Condition"]["ArnLike"]["aws:PrincipalArn"]):
                found[who] = found.get(who, set()) | as_set(each["Action"])
    return found


# -- what the pipeline does there --------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_touches_production_is_done_by_the_action_role_and_nothing_else(strategy: str) -> None:
    found = actions(DeploymentStrategy=strategy, **CROSS_ACCOUNT)
    touching = {
        name
        for name, each in found.items()
        if each["Configuration"].get("StackName") == "hello-production"
        or each["ActionTypeId"]["Provider"] == "CodeDeploy"
    }
    assert {name: each["RoleArn"] for name, each in found.items() if "RoleArn" in each} == dict.fromkeys(
        touching, ACTION_ROLE
    )
    assert {"CreateChangeSet", "ExecuteChangeSet", "ConfirmStack"} <= touching


def test_cloudformation_there_is_given_a_role_of_that_account() -> None:
    given = {
        name: each["Configuration"]["RoleArn"]
        for name, each in actions(**CROSS_ACCOUNT).items()
        if "RoleArn" in each["Configuration"]
    }
    assert given == {
        "UpdatePipeline": "${SelfUpdateRole.Arn}",
        "CreateTestStack": "${TestStackRole.Arn}",
        "DeleteTestStack": "${TestStackRole.Arn}",
        "CreateChangeSet": STACK_ROLE,
        "ConfirmStack": STACK_ROLE,
    }


def test_in_the_pipeline_s_own_account_no_action_assumes_a_role() -> None:
    assert not any("RoleArn" in each for each in actions().values())
    assert "sts:AssumeRole" not in json.dumps([inline(stack("template.yaml")[name]) for name in ASSUMING])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_belay_is_not_asked_about_an_account_that_it_does_not_see(strategy: str) -> None:
    here = set(actions(DeploymentStrategy=strategy))
    there = set(actions(DeploymentStrategy=strategy, **CROSS_ACCOUNT))
    assert here - there == {"SnapshotDatabases", "ValidateStack"}
    assert there <= here


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_stage_is_empty(strategy: str) -> None:
    found = stages(DeploymentStrategy=strategy, **CROSS_ACCOUNT)
    assert all(stage["Actions"] for stage in found.values())
    assert set(stages()) - set(found) == (set() if strategy.startswith("Ecs") else {"PreDeployment"})


def test_production_has_a_network_and_a_boundary_of_its_own() -> None:
    def built(**parameters: str) -> dict[str, str]:
        project = stack("template.yaml", PermissionsBoundaryArn="arn:aws:iam::123456789012:policy/here", **parameters)
        variables = project["BuildProject"]["Properties"]["Environment"]["EnvironmentVariables"]
        return {each["Name"]: each["Value"] for each in variables}

    names = ("VPC_ID", "SUBNET_IDS", "SERVICE_NETWORK", "PERMISSIONS_BOUNDARY_ARN")
    here, there = built(), built(**CROSS_ACCOUNT, ProductionPermissionsBoundaryArn=BOUNDARY)
    assert [here[f"PRODUCTION_{name}"] for name in names] == [here[name] for name in names]
    assert [there[name] for name in names] == [here[name] for name in names]
    assert [there[f"PRODUCTION_{name}"] for name in names] == [*list(CROSS_ACCOUNT.values())[1:], BOUNDARY]
    assert built(**CROSS_ACCOUNT)["PRODUCTION_PERMISSIONS_BOUNDARY_ARN"] == ""
    checked = json.loads(actions(**CROSS_ACCOUNT)["ValidateApplication"]["Configuration"]["UserParameters"])
    assert checked["parameters"]["ServiceNetwork"] == CROSS_ACCOUNT["ProductionServiceNetwork"]


# -- permissions -------------------------------------------------------------------------------------------------------

ASSUMING = {"PipelineRole": ACTION_ROLE, "ReviewRole": REVIEW_ROLE}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_role_assumes_exactly_one_and_touches_nothing_of_production_here(strategy: str) -> None:
    made = pipeline(DeploymentStrategy=strategy)
    for name, assumed in ASSUMING.items():
        statements = inline(made[name])
        assuming = [each["Resource"] for each in statements if "sts:AssumeRole" in as_set(each["Action"])]
        assert assuming == [assumed]
        resources = {resource for each in statements for resource in as_set(each["Resource"])}
        assert not {each for each in resources if "hello-production" in each or ":codedeploy:" in each}
    assert not {"ProductionStackRole", "CodeDeployApplication", "DeploymentGroup", "CodeDeployRole"} & set(made)


def test_the_roles_that_the_pipeline_names_are_those_that_are_made_there() -> None:
    named = set(re.findall(rf"{ROLES}/hello-delivery-\w+", json.dumps(pipeline())))
    made = {
        f"{ROLES}/{each['Properties']['RoleName']}"
        for each in production().values()
        if "RoleName" in each["Properties"]
    }
    assert named == made == {ACTION_ROLE, STACK_ROLE, REVIEW_ROLE}


def test_each_role_there_is_trusted_by_one_and_no_other() -> None:
    made = production(DeploymentStrategy="CodeDeployAllAtOnce")
    trusted = {
        name: [each["Principal"] for each in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]]
        for name, role in made.items()
        if role["Type"] == "AWS::IAM::Role"
    }
    assert trusted == {
        "ActionRole": [{"AWS": GIVEN["PipelineRoleArn"]}],
        "ReviewRole": [{"AWS": GIVEN["ReviewRoleArn"]}],
        "StackRole": [{"Service": "cloudformation.amazonaws.com"}],
        "CodeDeployRole": [{"Service": "codedeploy.amazonaws.com"}],
    }


def test_the_action_role_passes_the_stack_role_to_cloudformation_and_nothing_else() -> None:
    (passing,) = [each for each in inline(production()["ActionRole"]) if each["Action"] == "iam:PassRole"]
    assert passing["Resource"] == "${StackRole.Arn}"
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}


def test_the_stack_role_can_change_none_of_these_roles() -> None:
    made = production()
    (tag,) = made["StackRole"]["Properties"]["Tags"]
    assert tag == {"Key": "stack", "Value": "hello-production"}
    assert not fnmatch.filter([ACTION_ROLE, STACK_ROLE, REVIEW_ROLE], f"{ROLES}/{tag['Value']}-*")
    changing = re.compile("iam:((Create|Delete|Pass)Role|(Put|Delete|Attach|Detach)RolePolicy)")
    changeable = {
        resource
        for each in allowed(made["ApplicationPolicy"]["Properties"]["PolicyDocument"])
        if any(changing.fullmatch(action) for action in as_set(each["Action"]))
        for resource in as_set(each["Resource"])
    }
    assert changeable == {f"{ROLES}/${{aws:PrincipalTag/stack}}-*"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_both_sides_let_the_same_roles_read_the_same(strategy: str) -> None:
    made = pipeline(DeploymentStrategy=strategy)
    in_place = strategy.startswith("CodeDeploy")
    objects, bucket, decryption = (
        {"s3:GetObject", "s3:GetObjectVersion"},
        {"s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketVersioning"},
        {"kms:Decrypt"},
    )
    artifacts = allowed(made["ArtifactBucketPolicy"]["Properties"]["PolicyDocument"])
    key = allowed(made["ArtifactKey"]["Properties"]["KeyPolicy"])
    assets = allowed(made["AssetBucketPolicy"]["Properties"]["PolicyDocument"])
    assert readers(artifacts) == {ACTION_ROLE: objects | bucket} | ({INSTANCES: objects} if in_place else {})
    assert readers(key) == {ACTION_ROLE: decryption} | ({INSTANCES: decryption} if in_place else {})
    assert readers(assets) == ({INSTANCES: {"s3:GetObject"}} if in_place else {})
    through_s3 = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}
    assert all(
        each["Condition"]["StringEquals"] == through_s3 for each in key if PRODUCTION in json.dumps(each["Principal"])
    )

    theirs = {
        action
        for each in inline(production(DeploymentStrategy=strategy)["ActionRole"])
        for action in as_set(each["Action"])
        if action.startswith(("s3:", "kms:"))
    }
    assert theirs == objects | bucket | decryption


def test_nobody_of_another_account_is_let_in_without_the_option() -> None:
    for strategy in STRATEGIES:
        made = stack("template.yaml", DeploymentStrategy=strategy)
        assert "RepositoryPolicyText" not in made.get("ImageRepository", {"Properties": {}})["Properties"]
        assert set(re.findall(r"arn:aws:iam::(\w+):", json.dumps(made))) == {GIVEN["AWS::AccountId"]}


def test_production_s_tasks_pull_images_and_do_no_more() -> None:
    policy = pipeline()["ImageRepository"]["Properties"]["RepositoryPolicyText"]
    pulling = {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
    assert readers(allowed(policy)) == {TASKS: pulling}


def test_the_roles_that_a_release_makes_are_called_as_the_policies_say() -> None:
    tasks, instances = stack("templates/ecs.yaml"), stack("templates/ec2.yaml")
    assert tasks["TaskDefinition"]["Properties"]["ExecutionRoleArn"] == "${ExecutionRole.Arn}"
    assert instances["InstanceProfile"]["Properties"]["Roles"] == ["${InstanceRole}"]
    # CloudFormation names a role <stack>-<logical id>-<random> if the template names none.
    assert "RoleName" not in tasks["ExecutionRole"]["Properties"] | instances["InstanceRole"]["Properties"]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("boundary", ["", BOUNDARY])
def test_what_is_in_both_templates_says_the_same(strategy: str, boundary: str) -> None:
    given = {"DeploymentStrategy": strategy, "PermissionsBoundaryArn": boundary, "AWS::AccountId": PRODUCTION}
    here, there = stack("template.yaml", **given), production(**given)
    for name in ("ApplicationPolicy", "TaskPolicy", "InstancePolicy", "DeploymentGroup", "CodeDeployRole"):
        assert there.get(name, {}).get("Properties") == here.get(name, {}).get("Properties")
    both = {"AssumeRolePolicyDocument", "ManagedPolicyArns", "PermissionsBoundary", "Tags"}
    mine, theirs = here["ProductionStackRole"]["Properties"], there["StackRole"]["Properties"]
    assert {name: theirs.get(name) for name in both} == {name: mine.get(name) for name in both}


def test_with_a_boundary_no_role_there_is_without_it() -> None:
    made = production(PermissionsBoundaryArn=BOUNDARY, DeploymentStrategy="CodeDeployAllAtOnce")
    roles = [each["Properties"] for each in made.values() if each["Type"] == "AWS::IAM::Role"]
    assert {each["PermissionsBoundary"] for each in roles} == {BOUNDARY}


def test_codedeploy_there_is_called_as_the_pipeline_calls_it() -> None:
    made = production(DeploymentStrategy="CodeDeployRollingOne")
    asked = actions(DeploymentStrategy="CodeDeployRollingOne", **CROSS_ACCOUNT)["DeployToInstances"]["Configuration"]
    assert asked == {
        "ApplicationName": made["CodeDeployApplication"]["Properties"]["ApplicationName"],
        "DeploymentGroupName": made["DeploymentGroup"]["Properties"]["DeploymentGroupName"],
    }


# -- refusals ----------------------------------------------------------------------------------------------------------


def refused(**parameters: str) -> list[str]:
    """The parameters that the template's rules refuse."""
    files = {"template.yaml": (FOLDER / "template.yaml").read_bytes()}
    scope = root_scope(files, "template.yaml", {**GIVEN, **parameters}, defaults_apply=True)
    world = World({}, Budget())
    found = []
    for rule in scope.document.section("Rules").entries.values():
        assert isinstance(rule, MappingNode)
        if not truth(rule.entries["RuleCondition"], scope, world):
            continue
        assertions = rule.entries["Assertions"]
        assert isinstance(assertions, SequenceNode)
        for each in assertions.items:
            assert isinstance(each, MappingNode)
            description = each.entries["AssertDescription"]
            assert isinstance(description, ScalarNode)
            if not truth(each.entries["Assert"], scope, world):
                found.append(description.text.partition(":")[0])
    return found


@pytest.mark.parametrize("given", [{}, {"AutomaticRollback": "Belay", "SigningKey": "true"}, CROSS_ACCOUNT])
def test_what_can_be_is_not_refused(given: dict[str, str]) -> None:
    assert refused(**given) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ProductionAccountId", GIVEN["AWS::AccountId"]),
        ("ProductionVpcId", ""),
        ("ProductionSubnetIds", ""),
        ("AutomaticRollback", "Belay"),
        ("SigningKey", "true"),
    ],
)
def test_what_cannot_be_across_accounts_is_refused(name: str, value: str) -> None:
    assert refused(**{**CROSS_ACCOUNT, name: value}) == [name]
