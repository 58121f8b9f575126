"""How a pipeline's source is set before it is started for a release."""

import re
from pathlib import Path
from typing import Any

import pytest

from belay.errors import InvalidRegistration
from belay.pipeline.source import _OURS, refuse_invoke_actions
from belay.release.registration import Pipeline

REGISTERED = Pipeline("orders", "Deploy")


def action(name: str, function: str, category: str = "Invoke", provider: str = "Lambda") -> dict[str, Any]:
    return {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": {"FunctionName": function},
    }


def test_a_pipeline_that_invokes_belay_s_functions_is_told_which_of_its_actions_do() -> None:
    structure = {
        "stages": [
            {"name": "Prepare", "actions": [action("Snapshot", "belay-SnapshotDatabasesActionFunction-1QX")]},
            {"name": "Deploy", "actions": [action("Tell", "belay-NotifyActionFunction"), action("Own", "smoke-test")]},
        ]
    }
    with pytest.raises(
        InvalidRegistration, match="its actions Prepare/Snapshot, Deploy/Tell invoke functions of Belay's"
    ):
        refuse_invoke_actions(structure, REGISTERED)


def test_a_pipeline_with_functions_of_its_own_is_started() -> None:
    named = action("Notify", "NotifyActionFunction", "Deploy", "ECS")
    no_function: dict[str, Any] = {**action("Approve", ""), "configuration": {}}
    refuse_invoke_actions(
        {"stages": [{"name": "Deploy", "actions": [action("Own", "x"), named, no_function]}]}, REGISTERED
    )


def test_every_function_that_the_stack_names_for_invoke_actions_is_known() -> None:
    template = (Path(__file__).parents[3] / "template.yaml").read_text()
    found = re.findall(r"^  (\w+ActionFunction):", template, re.MULTILINE)
    assert len(found) == 5
    assert all(_OURS.fullmatch(each) for each in found)
