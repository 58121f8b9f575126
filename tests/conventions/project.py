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


class _TemplateLoader(yaml.CSafeLoader):
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


NESTED = ("database_changes.yaml", "plans.yaml")
"""The templates with functions and machines that template.yaml nests."""


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type in template.yaml and its nested templates, by logical id.

    They read as if in one template: a nested template's parameter is its given value.
    """
    every = dict(_parent()["Resources"])
    for name in NESTED:
        every |= nested(name)["Resources"]
    return {name: resource.get("Properties", {}) for name, resource in every.items() if resource["Type"] == kind}


@cache
def nested(name: str) -> dict[str, Any]:
    """A nested template with its parameters replaced by their given values."""
    ((_, stack),) = _stacks_of(name)
    return dict(_read_through(_given(template(name), stack["Parameters"])))


def _stacks_of(name: str) -> list[tuple[str, dict[str, Any]]]:
    """The resources of template.yaml that nest a template, by logical id."""
    found = ((logical_id, each.get("Properties", {})) for logical_id, each in template()["Resources"].items())
    return [(logical_id, each) for logical_id, each in found if each.get("TemplateURL") == name]


@cache
def _parent() -> dict[str, Any]:
    """template.yaml with the nested templates' resources in place of their outputs."""
    return dict(_read_through(template()))


@cache
def _outputs() -> dict[str, Any]:
    """The values of the nested templates' outputs, by ``<stack>.Outputs.<output>``."""
    return {
        f"{stack}.Outputs.{output}": each["Value"]
        for name in NESTED
        for stack, _ in _stacks_of(name)
        for output, each in template(name).get("Outputs", {}).items()
    }


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


def _read_through(value: Any) -> Any:
    if isinstance(value, list):
        return [_read_through(each) for each in value]
    if not isinstance(value, dict):
        return value
    known = _outputs().get(str(value.get("Fn::GetAtt", "")))
    return known if known is not None else {key: _read_through(each) for key, each in value.items()}


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
    return dict(yaml.load((MACHINES / machine / "definition.asl.yaml").read_text(), yaml.CSafeLoader))


def tracked_files() -> list[Path]:
    """Every file that belongs to the project."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return [p for p in ROOT.rglob("*") if p.is_file() and not _IGNORED & set(p.relative_to(ROOT).parts)]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


@cache
def layer_modules() -> Mapping[str, Path]:
    """Every module of the layer by its dotted name."""
    return {
        ".".join(path.relative_to(LAYER.parent).with_suffix("").parts): path for path in sorted(LAYER.rglob("*.py"))
    }


@cache
def function_modules() -> Mapping[str, Path]:
    """The modules of each function that Lambda calls."""
    return {path.parent.name: path for path in sorted(FUNCTIONS.glob("*/app.py"))}


def step_modules(function: str) -> dict[str, Path]:
    """The modules of a function's steps; one without a table is its only step itself."""
    steps = {path.stem: path for path in sorted((FUNCTIONS / function).glob("*.py")) if path.name != "app.py"}
    return steps or {function: function_modules()[function]}


@cache
def imported(tree: ast.Module) -> tuple[str, ...]:
    """The dotted names of the modules that a module imports, at any level."""
    return tuple(_imported(tree))


def _imported(tree: ast.Module) -> Iterator[str]:
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
