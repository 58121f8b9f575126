"""A stage's resources are reached in the stage's account and region: never in Belay's own by default."""

import ast
import re
from functools import cached_property
from pathlib import Path

import pytest
from project import FUNCTIONS, LAYER, ROOT, functions, parsed

from belay.aws.gateways import Aws
from belay.release.place import Power

HOME = {"region", "account", "partition", "here", "buckets", "executions", "notifications", "parameters"}
"""Belay's own: its uploads, executions, topics and registrations."""

STAGES = {name for name, value in vars(Aws).items() if isinstance(value, cached_property)} - HOME
"""The gateways to a stage's resources."""

ONLY_HOME = {
    "rollback_action": "a stage elsewhere is refused",
    "snapshot_databases_action": "a stage elsewhere is refused",
    "validate_stack_action": "a stage elsewhere is refused",
}
"""Functions that never work elsewhere, and why."""

MODULES = sorted([*FUNCTIONS.rglob("*.py"), *(LAYER / "control").rglob("*.py")])
MODULES = [path for path in MODULES if path.parent.name not in ONLY_HOME]

GIVES_A_PLACE = {"_there", "at", "of", "of_incident", "of_claim"}
TAKES_HOME = {
    "at",
    "kept_by",
    "put_together",
    "read_tables",
    "examined",
    "copies",
    "Places",
    "Placing",
    "Vaults",
}
"""What is given Belay's own account and region, and looks up a stage's place itself."""

TAKES_A_WHOLE_PLACE = {
    "places.Places": "a stage, an incident or a claim says which place",
    "places.Placing": "a stage's registration says which place",
    "vaults.Vaults": "a copy says which vault",
    "stage_files.StageFiles": "a stage's place says in which region its bucket is",
    "stage.StageContext": "a stage says which place",
    "recovery.Recovery": "an incident says which place",
    "copies.CopiesEverywhere": "a function that is done in each place",
    "retention.SnapshotsEverywhere": "a function that is done in each place",
    "failed_stacks.FailedStacks": "a stack's ARN says which place",
    "live.live_stages": "a stage says which further regions it has",
    "live.live_region": "puts its gateways together for every region",
    "stack_values.StackValues": "puts its gateways together for every function that records or compares values",
    "situations.Situations": "puts its gateways together for every function that plans a rollback",
    "stage_stacks.StageStacks": "puts its gateways together for every step on a stage's stacks",
    "pipeline_runs.PipelineRuns": "puts its gateways together for every step on a stage's pipeline",
}
"""What takes, keeps or returns an account and region with all its gateways, and why: anything else takes the gateways
that it uses."""


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)


def is_home(value: ast.expr) -> bool:
    """Whether an expression is Belay's own account and region, by its name: ``aws``, ``self.home``, ``own_aws()``."""
    return ast.unparse(value).rpartition(".")[2] in ("aws", "_aws", "home", "_home", "own_aws()")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_stage_is_reached_where_it_lies(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute) and node.attr in STAGES:
            assert not is_home(node.value), f"line {node.lineno}: {ast.unparse(node)} is not where the stage lies"
        if isinstance(node, ast.Call) and called(node) not in TAKES_HOME:
            given = [*node.args, *(each.value for each in node.keywords)]
            assert not any(map(is_home, given)), f"line {node.lineno}: {ast.unparse(node)} is given the wrong place"
        if isinstance(node, ast.Assign) and "there" in map(ast.unparse, node.targets):
            assert isinstance(node.value, ast.Call), ast.unparse(node)
            assert called(node.value) in GIVES_A_PLACE, ast.unparse(node)


def powers(function: str) -> set[str]:
    """The powers named by a function's steps."""
    return {
        node.attr.lower()
        for path in (FUNCTIONS / function).glob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Power"
    }


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_has_one_power_elsewhere_and_its_role_says_which(function: str) -> None:
    properties = functions()[function]
    assumed = [
        (statement["Action"], statement["Resource"])
        for policy in properties.get("Policies", [])
        for statement in policy["Statement"]
        if "sts:AssumeRole" in statement["Action"]
    ]
    if function == "copy_to_vault":
        assert powers(function) == set(), "it works in vaults, where no stage lies"
        return
    named = powers(function)
    assert len(named) <= 1, "each function is trusted with one role of an account"
    if not named:
        assert (properties.get("RolePath"), assumed) == (None, [])
        return
    power = Power(*named)
    assert properties.get("RolePath") == f"/belay/{power}/"
    role = f"arn:${{AWS::Partition}}:iam::*:role/*{power.role_name}"
    assert assumed == [(["sts:AssumeRole", "sts:TagSession"], {"Fn::Sub": role})]


def test_functions_that_stay_at_home_have_no_power_elsewhere() -> None:
    assert ONLY_HOME.keys() <= functions().keys()
    assert [name for name in ONLY_HOME if powers(name)] == []
    assert {power for name in functions() for power in powers(name)} == {*map(str, Power)}


ASKS_FOR_A_PLACE = {
    "control/alone.py": 2,  # the place of a fault
    "control/copies.py": 1,  # and of a copy
    "control/places.py": 1,
    "control/registrations.py": 1,  # the place of an event's stack
    "control/rehearsal.py": 1,  # roles of a place
    "control/retention.py": 1,
    "control/spokes.py": 2,  # ARNs of a place
    "control/stage_files.py": 4,  # buckets of a place
    "control/stack_values.py": 1,  # of a dynamic reference
    "aws/gateways.py": 1,
    "cli/spoke_template.py": 1,  # the account of a place
    "release/accepted.py": 1,
    "release/registration.py": 3,
}
"""How often each file looks whether there is a place. A stage is asked ``at_home``, ``Aws`` ``elsewhere``."""


def test_whether_a_stage_is_at_home_is_asked_of_the_stage_or_of_aws() -> None:
    found: dict[str, int] = {}
    for path in [*LAYER.rglob("*.py"), *(ROOT / "cli").rglob("*.py"), *FUNCTIONS.rglob("*.py")]:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Compare) and re.search(r"\bplace is (not )?None$", ast.unparse(node)):
                name = str(path.relative_to(LAYER if path.is_relative_to(LAYER) else ROOT))
                found[name] = found.get(name, 0) + 1
    assert found == ASKS_FOR_A_PLACE


MADE_ONLY_IN = {
    "Incident": "subject/incident.py",  # its place is the stage's
    "Unhealthy": "control/closing.py",
    "Closing": "",
}
"""What is put together from the same parts wherever it is needed, and the one file of the layer that does so."""


@pytest.mark.parametrize(("made", "where"), MADE_ONLY_IN.items())
def test_what_is_put_together_in_several_places_is_put_together_in_one_way(made: str, where: str) -> None:
    found = {
        str(path.relative_to(LAYER))
        for path in LAYER.rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == made
    }
    assert found <= {where}


def takes_a_whole_place(part: ast.AST) -> bool:
    """Whether an annotation in it, of a field, a parameter or a result, names ``Aws``."""
    annotations = [
        getattr(node, name)
        for node in ast.walk(part)
        for name in ("annotation", "returns")
        if getattr(node, name, None) is not None
    ]
    return any(isinstance(each, ast.Name) and each.id == "Aws" for one in annotations for each in ast.walk(one))


def test_what_works_on_a_stage_takes_the_gateways_that_it_uses() -> None:
    found = {
        f"{path.stem}.{part.name}"
        for path in (LAYER / "control").rglob("*.py")
        for part in parsed(path).body
        if isinstance(part, ast.ClassDef | ast.FunctionDef) and takes_a_whole_place(part)
    }
    assert found == {*TAKES_A_WHOLE_PLACE}
