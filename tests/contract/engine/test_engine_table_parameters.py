"""The example of parameters in a table: its page's commands, and a stack that takes a version and returns to it."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.deployment import BIN, deploy, sam_environment
from local.engine import ROOT, EmbeddedEngine

Aws = Callable[[str], Any]
FOLDER = ROOT / "examples" / "table_parameters"


def commands(program: str) -> list[list[str]]:
    """The page's commands of one program."""
    lines = re.findall(r"^    (\S.*)", (FOLDER / "README.md").read_text(), re.MULTILINE)
    return [shlex.split(line) for line in lines if line.startswith(f"{program} ")]


def ran(engine: EmbeddedEngine, *command: str) -> str:
    """Run a command as on the page, with the engine's credentials; return its output."""
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env=sam_environment(engine),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_stack_takes_a_version_and_goes_back_to_it(
    engine: EmbeddedEngine, aws: Aws, stacks: Any, unique: Callable[[str], str], tmp_path: Path
) -> None:
    (table,), (publish,) = commands("aws"), commands("python")
    ran(engine, *table)
    made = deploy(engine, template=FOLDER / "lookup.yaml", stack_name="orders-lookup", parameters={"Team": "orders"})
    assert "orders/production orders version 1 is published" in ran(engine, *publish)
    name, template = unique("orders"), (FOLDER / "release" / "service.yaml").read_text()
    given = {"Stage": "production", "LookUpTableFunctionArn": made["LookUpTableFunctionArn"]}

    def settled(operate: Any, version: str) -> str:
        """Create or update the stack; return its final status."""
        values = {**given, "TableVersion": version}
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
        operate(StackName=name, TemplateBody=template, Parameters=parameters)
        return str(stacks.settled(name)["StackStatus"])

    def queue() -> tuple[str, str]:
        (url,) = [each["OutputValue"] for each in stacks.describe(name)["Outputs"]]
        found = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return found["MessageRetentionPeriod"], found["VisibilityTimeout"]

    create, update = aws("cloudformation").create_stack, aws("cloudformation").update_stack
    assert settled(create, "1") == "CREATE_COMPLETE"
    assert queue() == ("345600", "60")
    (tmp_path / "orders.json").write_text(json.dumps({"RetentionSeconds": 86400, "Timeouts": {"Visibility": 30}}))
    assert "version 2 is published" in ran(engine, *publish[:-1], str(tmp_path / "orders.json"))
    assert settled(update, "2") == "UPDATE_COMPLETE"
    assert queue() == ("86400", "30")

    assert settled(update, "3") == "UPDATE_ROLLBACK_COMPLETE"
    events = aws("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    told = [each.get("ResourceStatusReason", "") for each in events if each["ResourceStatus"] == "UPDATE_FAILED"]
    assert any("orders/production orders has no version 3; it has 2, 1" in each for each in told), told
    assert queue() == ("86400", "30")
    assert settled(update, "1") == "UPDATE_COMPLETE"
    assert queue() == ("345600", "60")
