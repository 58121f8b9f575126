"""Reading the project itself: its template, its state machines, its sources."""

import ast
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "belay" / "belay"
FUNCTIONS = ROOT / "functions"
MACHINES = ROOT / "statemachines"
_IGNORED = {".git", ".venv", ".aws-sam", "build", "__pycache__"}


class _TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, read as their long ones."""


def _long_form(loader: _TemplateLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_TemplateLoader.add_multi_constructor("!", _long_form)


@cache
def template(name: str = "template.yaml") -> dict[str, Any]:
    """One of the project's CloudFormation templates."""
    return dict(yaml.load((ROOT / name).read_text(), Loader=_TemplateLoader))


NESTED = "database_changes.yaml"
"""The template with functions and machines that template.yaml nests."""


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type in template.yaml and the one it nests, by logical id.

    They read as if they stood in one template: a parameter of the nested one is what it is given.
    """
    return {
        name: resource.get("Properties", {})
        for name, resource in {**_parent()["Resources"], **nested()["Resources"]}.items()
        if resource["Type"] == kind
    }


@cache
def nested() -> dict[str, Any]:
    """The nested template with what it is given in the place of its parameters."""
    (stack,) = [
        each["Properties"]
        for each in template()["Resources"].values()
        if each.get("Properties", {}).get("TemplateURL") == NESTED
    ]
    return dict(_given(template(NESTED), stack["Parameters"]))


@cache
def _parent() -> dict[str, Any]:
    """template.yaml with the nested template's resources in the place of its outputs."""
    outputs = {name: each["Value"] for name, each in nested().get("Outputs", {}).items()}
    return dict(_read_through(template(), outputs))


def _given(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_given(each, parameters) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Ref"}:
        return parameters.get(value["Ref"], value)
    if value.keys() == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
        text = value["Fn::Sub"]
        for name, given in parameters.items():
            ((_, meant),) = given.items() if isinstance(given, dict) else (("", ""),)
            text = text.replace(f"${{{name}}}", f"${{{meant}}}") if isinstance(meant, str) else text
        return {"Fn::Sub": text}
    return {key: _given(each, parameters) for key, each in value.items()}


def _read_through(value: Any, outputs: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_read_through(each, outputs) for each in value]
    if not isinstance(value, dict):
        return value
    _, of_nested, output = str(value.get("Fn::GetAtt", "")).partition("DatabaseChanges.Outputs.")
    return outputs[output] if of_nested else {key: _read_through(each, outputs) for key, each in value.items()}


def functions() -> dict[str, dict[str, Any]]:
    """The properties of every Lambda function, by the name of its directory."""
    found = resources("AWS::Serverless::Function").values()
    return {properties["Handler"].removesuffix(".app.handler"): properties for properties in found}


def logical_id(function: str) -> str:
    """The logical id of the function in ``functions/<function>``."""
    return "".join(word.capitalize() for word in function.split("_")) + "Function"


def machines() -> list[str]:
    return sorted(path.parent.name for path in MACHINES.glob("*/definition.asl.yaml"))


@cache
def definition(machine: str) -> dict[str, Any]:
    return dict(yaml.safe_load((MACHINES / machine / "definition.asl.yaml").read_text()))


def tracked_files() -> list[Path]:
    """Every file that belongs to the project."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return [p for p in ROOT.rglob("*") if p.is_file() and not _IGNORED & set(p.relative_to(ROOT).parts)]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def layer_modules() -> dict[str, Path]:
    """Every module of the layer by its dotted name."""
    return {
        ".".join(path.relative_to(LAYER.parent).with_suffix("").parts): path for path in sorted(LAYER.rglob("*.py"))
    }


def function_modules() -> dict[str, Path]:
    """What Lambda calls of each function."""
    return {path.parent.name: path for path in sorted(FUNCTIONS.glob("*/app.py"))}


def step_modules(function: str) -> dict[str, Path]:
    """The modules of a function's steps; one that has no table is its only step itself."""
    steps = {path.stem: path for path in sorted((FUNCTIONS / function).glob("*.py")) if path.name != "app.py"}
    return steps or {function: function_modules()[function]}


def imported(tree: ast.AST) -> Iterator[str]:
    """The dotted names of the modules that a module imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def walked(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a document with its path, parents first."""
    yield path, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from walked(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from walked(inner, f"{path}[{number}]")
