"""Gap: some resource types of the examples are unknown, because the engine does not have their services at all.

What a template says about them is checked against CloudFormation's own schema of the type, as bundled with cfn-lint,
and recorded; nothing is created. A type can be removed from the list once ministack has it.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jsonschema
from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners

Properties = Mapping[str, Any]
Recorded = tuple[str, dict[str, str]]

ARNS: dict[str, Callable[[Properties, str], str]] = {
    "AWS::CodeArtifact::Domain": lambda given, name: _arn("codeartifact", f"domain/{given['DomainName']}"),
    "AWS::CodeArtifact::PackageGroup": lambda given, name: _arn(
        "codeartifact", f"package-group/{given['DomainName']}{given['Pattern']}"
    ),
    "AWS::CodeArtifact::Repository": lambda given, name: _arn(
        "codeartifact", f"repository/{given['DomainName']}/{given['RepositoryName']}"
    ),
    "AWS::CodeCommit::Repository": lambda given, name: _arn("codecommit", given["RepositoryName"]),
    "AWS::CodeConnections::Connection": lambda given, name: _arn("codeconnections", f"connection/{name}"),
    "AWS::IAM::OIDCProvider": lambda given, name: (
        f"arn:aws:iam::{get_account_id()}:oidc-provider/{given['Url'].removeprefix('https://')}"
    ),
    "AWS::ImageBuilder::Component": lambda given, name: _built("component", given),
    "AWS::ImageBuilder::DistributionConfiguration": lambda given, name: _built("distribution-configuration", given),
    "AWS::ImageBuilder::ImagePipeline": lambda given, name: _built("image-pipeline", given),
    "AWS::ImageBuilder::ImageRecipe": lambda given, name: _built("image-recipe", given),
    "AWS::ImageBuilder::InfrastructureConfiguration": lambda given, name: _built("infrastructure-configuration", given),
}
"""The recorded types, each with the format of its ARN, which is what ``Ref`` returns unless listed below."""
REFERENCES = {"AWS::CodeCommit::Repository": "Id"}
"""The attribute that ``Ref`` returns, if it is not the ARN."""


def install() -> None:
    """Register the resource types."""
    for kind in ARNS:
        provisioners._RESOURCE_HANDLERS[kind] = {
            "create": _creating(kind),
            "update": _updating(kind),
            "update_with_logical_id": True,
            "delete": lambda physical_id, properties: None,
        }


def _creating(kind: str) -> Callable[[str, Properties, str], Recorded]:
    def create(logical_id: str, properties: Properties, stack: str) -> Recorded:
        _check(kind, properties)
        return _recorded(kind, properties, provisioners._physical_name(stack, logical_id, max_len=60))

    return create


def _updating(kind: str) -> Callable[[str, Properties, Properties, str, str], Recorded]:
    def update(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Recorded:
        _check(kind, new)
        changed = [name for name in _names(kind, "createOnlyProperties") if old.get(name) != new.get(name)]
        name = provisioners._physical_name(stack, logical_id, max_len=60) if changed else physical_id.rpartition("/")[2]
        return _recorded(kind, new, name)

    return update


@cache
def _schema(kind: str) -> Mapping[str, Any]:
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415 - a second, for a stack that has such a type

    schema: Mapping[str, Any] = _checkable(PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema)
    return schema


def _checkable(schema: Any) -> Any:
    """Return a schema without the patterns of ECMA 262 that Python cannot read, such as those with ``\\P{C}``."""
    if isinstance(schema, list):
        return [_checkable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _checkable(value) for key, value in schema.items() if not (key == "pattern" and _unreadable(str(value)))
    }


def _unreadable(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return True
    return False


def _names(kind: str, which: str) -> list[str]:
    return [path.removeprefix("/properties/") for path in _schema(kind).get(which, ())]


def _check(kind: str, properties: Properties) -> None:
    """Raise ``ValueError`` with everything that the type's schema does not allow; the stack fails with it."""
    validator = jsonschema.Draft7Validator(_schema(kind))
    problems = [
        f"{'/'.join(map(str, error.path)) or kind}: {error.message}" for error in validator.iter_errors(properties)
    ]
    problems += [f"{name}: read-only" for name in _names(kind, "readOnlyProperties") if name in properties]
    if problems:
        raise ValueError(f"Properties validation failed for resource of type {kind}: {'; '.join(sorted(problems))}")


def _recorded(kind: str, properties: Properties, name: str) -> Recorded:
    arn = ARNS[kind](properties, name)
    made = {"Arn": arn, "ConnectionArn": arn, "ConnectionStatus": "PENDING", "Id": name, "Owner": get_account_id()}
    made |= {"DomainOwner": get_account_id(), "OwnerAccountId": get_account_id(), "Name": arn.rpartition("/")[2]}
    if kind == "AWS::CodeCommit::Repository":
        place = f"git-codecommit.{get_region()}.amazonaws.com/v1/repos/{properties['RepositoryName']}"
        made |= {
            "Name": properties["RepositoryName"],
            "CloneUrlHttp": f"https://{place}",
            "CloneUrlSsh": f"ssh://{place}",
        }
    attributes = {each: made[each] for each in _names(kind, "readOnlyProperties") if each in made}
    return made.get(REFERENCES.get(kind, "Arn"), arn), attributes


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def _built(what: str, given: Properties) -> str:
    versioned = f"/{given['Version']}" if "Version" in given else ""
    return _arn("imagebuilder", f"{what}/{str(given['Name']).lower()}{versioned}")
