"""The templates of the reference executors: they set exactly the environment variables that the code reads."""

from dataclasses import fields
from typing import Any

import pytest
import yaml
from modules import ROOT

from packs.any_engine import app as any_engine
from packs.postgresql import app as postgresql


class Loader(yaml.CSafeLoader):
    """Reads CloudFormation's tags as their content."""


def _untagged(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]


Loader.add_multi_constructor("!", _untagged)


def template(pack: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load((ROOT / "packs" / pack / "template.yaml").read_text(), Loader)
    return document


def names(*settings: type) -> set[str]:
    return {each.name.upper() for kind in settings for each in fields(kind)}


def variables_of_project(document: dict[str, Any]) -> set[str]:
    project = document["Resources"]["WorkerProject"]["Properties"]
    return {each["Name"] for each in project["Environment"]["EnvironmentVariables"]}


def test_postgresql_is_told_what_it_asks() -> None:
    document = template("postgresql")
    expected = names(postgresql.Settings)
    assert set(document["Globals"]["Function"]["Environment"]["Variables"]) == expected
    assert variables_of_project(document) == expected


def test_any_engine_is_told_what_it_asks() -> None:
    document = template("any_engine")
    function = document["Resources"]["ExecutorFunction"]["Properties"]["Environment"]["Variables"]
    assert set(function) == names(any_engine.Settings)
    project = document["Resources"]["WorkerProject"]["Properties"]
    commands = project["Source"]["BuildSpec"]
    known = variables_of_project(document)
    made_by_the_build = {"CA_BUNDLE", "TOOL_COMMAND"}
    assert names(any_engine.Settings, any_engine.ToolSettings) <= known | made_by_the_build
    assert all(f"{name}=" in commands for name in made_by_the_build)
    assert all(f"${name}" in commands for name in known - names(any_engine.Settings, any_engine.ToolSettings))


@pytest.mark.parametrize("pack", ["postgresql", "any_engine"])
def test_a_handler_that_a_template_names_is_there(pack: str) -> None:
    code = {"postgresql": postgresql, "any_engine": any_engine}[pack]
    for resource in template(pack)["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            module, _, handler = resource["Properties"]["Handler"].rpartition(".")
            assert module == code.__name__
            assert callable(getattr(code, handler))


@pytest.mark.parametrize("pack", ["postgresql", "any_engine"])
def test_only_what_knows_no_resource_is_allowed_on_all(pack: str) -> None:
    everywhere = set()
    for resource in template(pack)["Resources"].values():
        for statement in statements(resource):
            if statement["Resource"] == "*":
                everywhere |= set(statement["Action"])
    assert everywhere
    assert {action.partition(":")[0] for action in everywhere} == {"ec2"}


@pytest.mark.parametrize(("pack", "read"), [("postgresql", ["attempts"]), ("any_engine", ["attempts", "releases"])])
def test_it_reads_what_is_of_its_application_also_where_belay_is_elsewhere(pack: str, read: list[str]) -> None:
    """Liquibase and Flyway read the release's files; below an account's name only this account reads."""
    found = [each for each in statements(template(pack)["Resources"]) if "s3:GetObjectVersion" in each["Action"]]
    (reading,) = [each["Resource"] for each in found]
    resources = reading if isinstance(reading[0], list) else [reading]
    files = "arn:${AWS::Partition}:s3:::${ArtifactBucketName}/${Below}"
    below = {"Below": ["Elsewhere", "spokes/${AWS::AccountId}/", ""]}
    assert resources == [[f"{files}{each}/${{Application}}/*", below] for each in read]


def statements(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict) and "Action" in value and "Resource" in value:
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for each in inner for found in statements(each)]
