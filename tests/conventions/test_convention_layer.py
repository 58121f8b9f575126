"""What the layer carries: the models of the services that the code calls, and the packages it was tested with."""

import ast
import re
import tomllib

from project import ROOT, function_modules, layer_modules, parsed, template

from belay import VERSION

LAYER = ROOT / "layers" / "belay"


def clients_asked_for() -> set[str]:
    asked = set()
    for path in [*layer_modules().values(), *function_modules().values()]:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "client":
                service, *_ = node.args
                assert isinstance(service, ast.Constant), f"{path}: services.txt can list only services written out"
                asked.add(str(service.value))
    return asked


def pinned(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Packages with their versions and digests, of a compiled requirements file."""
    found = {}
    for block in re.split(r"\n(?=\S)", text):
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", block)
        if match:
            found[match[1].lower()] = (match[2], frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})", block)))
    return found


def test_the_layer_carries_the_models_of_the_services_that_are_called() -> None:
    listed = (LAYER / "services.txt").read_text().split()
    assert listed == sorted(listed)
    # botocore reads the model of STS for credentials of some kinds.
    assert set(listed) == clients_asked_for() | {"sts"}


def test_packages_are_pinned_with_digests_and_tested_as_they_are_shipped() -> None:
    shipped = pinned((LAYER / "requirements.txt").read_text())
    tested = pinned((ROOT / "requirements" / "dev.txt").read_text())
    assert {"boto3", "aws-lambda-powertools", "pyyaml"} <= set(shipped)
    for package, (version, digests) in shipped.items():
        assert digests, f"{package} has no digest"
        assert tested[package][0] == version, package


def test_the_layer_ships_what_it_asks_for_and_nothing_else() -> None:
    asked = re.findall(r"^([A-Za-z][\w.-]*)", (ROOT / "requirements" / "layer.in").read_text(), re.MULTILINE)
    shipped = (LAYER / "requirements.txt").read_text()
    assert sorted(name.lower() for name in asked) == sorted(
        re.match(r"[\w.-]+", block)[0].lower()  # type: ignore[index]
        for block in re.split(r"\n(?=\S)", shipped)
        if "-r layer.in" in block
    )


def test_the_version_is_the_same_wherever_it_stands() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {project["version"], VERSION, template()["Outputs"]["Version"]["Value"]} == {VERSION}
