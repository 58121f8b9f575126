"""The reference pipeline's templates, resolved by the rooms that read every template."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from belay.template.resolver import force, items, read
from belay.template.root import root_scope
from belay.template.scope import ListValue, MapValue
from belay.template.sections import resources
from belay.template.texts import as_text
from belay.template.values import NO_VALUE
from belay.template.world import Budget, World

FOLDER = Path("examples/pipeline")
STRATEGIES = (
    "CodeDeployAllAtOnce",
    "CodeDeployRollingHalf",
    "CodeDeployRollingOne",
    "EcsCanary",
    "EcsLinear",
    "EcsBlueGreen",
)
CROSS_ACCOUNT = {
    "ProductionAccountId": "210987654321",
    "ProductionVpcId": "vpc-0fedcba9876543210",
    "ProductionSubnetIds": "subnet-1123456789abcdef0,subnet-1fedcba9876543210",
    "ProductionServiceNetwork": "10.1.0.0/16",
}
"""The parameters with which production is in another account."""
GIVEN = {
    "Application": "hello",
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetIds": "subnet-0123456789abcdef0,subnet-0fedcba9876543210",
    "AWS::StackName": "hello-pipeline",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    # Those of production_account.yaml alone.
    "PipelineRoleArn": "arn:aws:iam::123456789012:role/hello-pipeline-PipelineRole-EXAMPLE",
    "ReviewRoleArn": "arn:aws:iam::123456789012:role/hello-pipeline-ReviewRole-EXAMPLE",
    "ArtifactBucketName": "hello-pipeline-artifactbucket-example",
    "ArtifactKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
}


def stack(path: str, **parameters: str) -> dict[str, dict[str, Any]]:
    """The resources that a template of the pipeline makes with these parameters, by logical id."""
    return made(FOLDER / path, {**GIVEN, **parameters})


def made(path: Path, parameters: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The resources that a template creates with these parameters, by logical id: type, attributes and properties.

    What only a running stack determines is shown as ``${...}``.
    """
    scope = root_scope({path.name: path.read_bytes()}, path.name, parameters, defaults_apply=True)
    world = World({}, Budget())
    resources_made = {}
    for found in resources(scope, {}):
        assert isinstance(found.body, MapValue), found.name
        resources_made[found.name] = plain(found.body, world)
    return resources_made


def plain(value: Any, world: World) -> Any:
    value = force(value, world)
    if isinstance(value, ListValue):
        return [plain(item, world) for item in items(value, world)]
    if isinstance(value, MapValue):
        found = read(value, world)
        if not isinstance(found, Mapping):
            return as_text(found)
        return {name: plain(item, world) for name, item in found.items() if item is not NO_VALUE}
    return as_text(value)


def stages(**parameters: str) -> dict[str, dict[str, Any]]:
    """The pipeline's stages by name, in order."""
    found = stack("template.yaml", **parameters)["Pipeline"]["Properties"]["Stages"]
    return {stage["Name"]: stage for stage in found}


def actions(**parameters: str) -> dict[str, dict[str, Any]]:
    """The pipeline's actions by name, in the order in which they are run."""
    return {
        action["Name"]: action
        for stage in stages(**parameters).values()
        for action in sorted(stage["Actions"], key=lambda each: int(each.get("RunOrder", "1")))
    }
