"""The state machines, checked against Amazon States Language, the functions they call and the template."""

import ast
import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import jsonata  # type: ignore[import-untyped]
import pytest
import yaml
from cfnlint.api import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]
from project import (
    MACHINES,
    definition,
    function_modules,
    functions,
    logical_id,
    machines,
    parsed,
    resources,
    step_modules,
    walked,
)
from reach import operations

from belay import errors
from statemachines.document import flattened, readme

LAMBDA = "arn:${Partition}:states:::lambda:invoke"
EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
SUBSTITUTION = re.compile(r"\$\{([^}]*)\}")
JSONPATH_FIELDS = {"InputPath", "OutputPath", "Parameters", "ResultPath", "ResultSelector", "ItemsPath", "SecondsPath"}
State = Mapping[str, Any]


def states(*types: str) -> list[tuple[str, str]]:
    return [
        (machine, name)
        for machine in machines()
        for name, state in flat(machine)["States"].items()
        if not types or state["Type"] in types
    ]


def flat(machine: str) -> dict[str, Any]:
    """A machine's definition with the states of its Maps beside them."""
    return flattened(definition(machine))


def state_of(machine: str, name: str) -> dict[str, Any]:
    return dict(flat(machine)["States"][name])


def lambda_tasks() -> list[tuple[str, str]]:
    return [each for each in states("Task") if state_of(*each)["Resource"].startswith(LAMBDA)]


def called(state: State) -> str:
    """The directory of the function that a task invokes: ``${ReadReleaseFunctionArn}`` is ``read_release``."""
    arn = state["Arguments"]["FunctionName"]
    return next(name for name in functions() if arn == f"${{{logical_id(name)}Arn}}")


def step_of(state: State) -> Path:
    """The module of the step that a task takes."""
    steps = step_modules(called(state))
    return steps[state["Arguments"]["Payload"]["step"]] if called(state) not in steps else steps[called(state)]


def transitions(state: State) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where a state may lead, and the expressions assigned on the way."""
    if state["Type"] == "Choice":
        for choice in state["Choices"]:
            yield choice["Next"], choice.get("Assign", {})
        yield state["Default"], state.get("Assign", {})
    elif "Next" in state:
        yield state["Next"], state.get("Assign", {})
    for catch in state.get("Catch", []):
        yield catch["Next"], catch.get("Assign", {})


def _every_state(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for state in document["States"].values():
        yield state
        yield from _every_state(state["ItemProcessor"]) if "ItemProcessor" in state else ()


def findings(document: Mapping[str, Any]) -> list[str]:
    """What cfn-lint, which carries a JSON schema of Amazon States Language, says about a definition."""
    document = copy.deepcopy(dict(document))
    for state in _every_state(document):
        # The schema does not know that a timeout may be a JSONata expression; the specification allows it.
        if EXPRESSION.fullmatch(str(state.get("TimeoutSeconds", ""))):
            state["TimeoutSeconds"] = 1
        # The template determines the machine's partition.
        if "Resource" in state:
            state["Resource"] = state["Resource"].replace("${Partition}", "aws")
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": "arn:aws:iam::111122223333:role/machine", "Definition": document},
    }
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": machine}}
    return [match.message for match in lint(json.dumps(template), config=ManualArgs(regions=["us-east-1"]))]


@pytest.mark.parametrize("machine", machines())
def test_a_definition_is_amazon_states_language(machine: str) -> None:
    assert findings(definition(machine)) == []


@pytest.mark.parametrize(
    ("field", "value"), [("Nxt", "LockStage"), ("ResultPath", "$.x"), ("Retry", [{"ErrorEquals": "States.ALL"}])]
)
def test_what_is_not_amazon_states_language_is_found(field: str, value: object) -> None:
    document = copy.deepcopy(definition("rollback_stage"))
    document["States"]["LockStage"][field] = value
    assert findings(document)


@pytest.mark.parametrize("machine", machines())
def test_a_definition_says_everything_where_it_stands(machine: str) -> None:
    tokens = yaml.scan((MACHINES / machine / "definition.asl.yaml").read_text())
    assert not [t for t in tokens if isinstance(t, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken)]


@pytest.mark.parametrize("machine", machines())
def test_a_machine_speaks_jsonata_and_has_a_time_limit(machine: str) -> None:
    document = definition(machine)
    assert document["QueryLanguage"] == "JSONata"
    assert document["TimeoutSeconds"] > 0
    assert document["Comment"].endswith(".")
    # A function's payload may have any keys.
    fields = {path.rsplit(".", 1)[-1] for path, _ in walked(document) if ".Arguments." not in path}
    assert not fields & JSONPATH_FIELDS


def expressions(document: Any) -> Iterator[str]:
    for path, text in walked(document):
        if isinstance(text, str) and ("{%" in text or "%}" in text):
            matched = EXPRESSION.fullmatch(text)
            assert matched, f"{path}: an expression is the whole text, from {{% to %}}: {text}"
            yield matched[1]


def variables_in(document: Any) -> set[str]:
    names = {
        name for text in expressions(document) for name in re.findall(r"\$([A-Za-z_]\w*)\b(?!\()", without_texts(text))
    }
    return names - {"states"}


def without_texts(expression: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"", "''", expression)


@pytest.mark.parametrize("machine", machines())
def test_expressions_are_jsonata(machine: str) -> None:
    for expression in expressions(definition(machine)):
        jsonata.Jsonata(expression)
        for function in re.findall(r"\$(\w+)\(", without_texts(expression)):
            # Step Functions has all of JSONata's own functions but $eval
            # (https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html).
            assert function != "eval"
            assert jsonata.Jsonata(f"$exists(${function})").evaluate({}), f"{function} in {expression}"


def definitely_assigned(document: Mapping[str, Any]) -> dict[str, set[str]]:
    """The variables that have a value whenever a state is entered, on every path."""
    every = {name for path, value in walked(document) if path.endswith("Assign") for name in value}
    entered = {name: set(every) for name in document["States"]}
    entered[document["StartAt"]] = set()
    changed = True
    while changed:
        changed = False
        for name, state in document["States"].items():
            for target, assigned in transitions(state):
                known = entered[target] & (entered[name] | set(assigned))
                changed = changed or known != entered[target]
                entered[target] = known
    return entered


@pytest.mark.parametrize(("machine", "name"), states())
def test_variables_are_assigned_on_every_way_to_where_they_are_used(machine: str, name: str) -> None:
    used = variables_in(state_of(machine, name))
    assert used <= definitely_assigned(flat(machine))[name]


@pytest.mark.parametrize(("machine", "name"), states())
def test_a_state_can_be_reached_and_leads_to_states_that_exist(machine: str, name: str) -> None:
    document = flat(machine)
    reached, waiting = {document["StartAt"]}, [document["StartAt"]]
    while waiting:
        for target, _ in transitions(document["States"][waiting.pop()]):
            assert target in document["States"]
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    assert name in reached


@pytest.mark.parametrize(("machine", "name"), states())
def test_an_end_can_be_reached_from_every_state(machine: str, name: str) -> None:
    document = flat(machine)
    seen, waiting = {name}, [name]
    while waiting:
        state = document["States"][waiting.pop()]
        if state["Type"] in ("Succeed", "Fail"):
            return
        new = {target for target, _ in transitions(state)} - seen
        seen |= new
        waiting += new
    pytest.fail(f"{name} never ends")


@pytest.mark.parametrize("machine", machines())
def test_the_page_of_a_machine_is_current(machine: str) -> None:
    written = (MACHINES / machine / "README.md").read_text()
    assert written == readme(machine), "run python -m statemachines.document"


@pytest.mark.parametrize(("machine", "name"), states("Succeed", "Fail"))
def test_every_end_is_documented(machine: str, name: str) -> None:
    assert state_of(machine, name)["Comment"].endswith(".")
    assert f"| {name} | " in (MACHINES / machine / "README.md").read_text()


# -- faults ------------------------------------------------------------------------------------------------------------


WEATHER = {
    # https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Throttled",
    "ServiceUnavailable",
}
"""Throttles and outages: transient, but may last an hour."""

OF_A_MOMENT = {"Lambda.ClientExecutionTimeoutException", "Lambda.Unknown", "Sandbox.Timedout"}

LOOKING = ("Describe", "Get", "List", "Head", "Simulate", "BatchGet", "Detect", "Encrypt", "Decrypt", "GenerateMac")
RECORDING = {"S3.PutObject", "SNS.Publish", "Lambda.Invoke", "STS.AssumeRole"}
"""Calls that store a document, notify people, call a function of the operator's, or reach an account."""


def changes(state: State) -> set[str]:
    """What a task's step may change in AWS, besides the ledger and the documents in the artifact bucket."""
    step = step_of(state)
    name = called(state) if step.name == "app.py" else step.stem
    called_there = {operation for _, operation in operations(called(state), name)} - RECORDING
    return {each for each in called_there if not each.split(".")[1].startswith(LOOKING) and "DynamoDB" not in each}


def mean_seconds(retrier: Mapping[str, Any]) -> float:
    """How long a retrier waits in all, on average: with full jitter half of every delay."""
    assert retrier["JitterStrategy"] == "FULL"
    delays = (retrier["IntervalSeconds"] * retrier["BackoffRate"] ** each for each in range(retrier["MaxAttempts"]))
    return sum(min(delay, retrier.get("MaxDelaySeconds", delay)) for delay in delays) / 2


@pytest.mark.parametrize(("machine", "name"), states("Task"))
def test_throttles_and_outages_are_waited_for_about_an_hour(machine: str, name: str) -> None:
    retrier, *others = state_of(machine, name)["Retry"]
    assert 3_000 <= mean_seconds(retrier) <= 4_500
    assert retrier["MaxDelaySeconds"] == 300
    assert all(mean_seconds(each) < 60 for each in others)


@pytest.mark.parametrize(("machine", "name"), lambda_tasks())
def test_every_function_is_called_with_the_same_patience(machine: str, name: str) -> None:
    state = state_of(machine, name)
    weather, moment = state["Retry"]
    looks = state["Resource"] == LAMBDA and not changes(state)
    # A change that hangs must be detected; if the time is a person's, its end has a meaning.
    assert set(weather["ErrorEquals"]) == WEATHER | ({"States.Timeout"} if looks else set())
    assert set(moment["ErrorEquals"]) == OF_A_MOMENT
    assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_what_a_step_changes_is_really_found() -> None:
    assert changes(state_of("deploy_stage", "ExecuteWave")) == {"CloudFormation.ExecuteChangeSet"}
    assert changes(state_of("deploy_stage", "ValidateStacks")) == set()
    assert "CloudFormation.{operation}" in changes(state_of("rollback_stage", "RecoverStacks"))


def test_the_start_of_an_execution_is_tried_again_under_each_of_its_faults_names() -> None:
    """AWS names them with ``Exception`` at the end in one place and as the service does in another."""
    retrier = state_of("deploy_release", "DeployStage")["Retry"][0]
    bare = {each.removeprefix("StepFunctions.").removesuffix("Exception") for each in retrier["ErrorEquals"]}
    service = botocore.session.get_session().get_service_model("stepfunctions")
    faults = service.operation_model("StartExecution").error_shapes
    modelled = {fault.name.removesuffix("Exception") for fault in faults}
    # https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html
    assert bare - modelled == {"Throttling", "ServiceUnavailable", "SdkClient"}
    assert {"ExecutionLimitExceeded", "KmsThrottling"} <= bare
    both = {f"StepFunctions.{each}{ending}" for each in bare - {"SdkClient"} for ending in ("", "Exception")}
    assert set(retrier["ErrorEquals"]) == both | {"StepFunctions.SdkClientException"}


@pytest.mark.parametrize(("machine", "name"), states("Task"))
def test_every_task_has_a_time_limit_and_catches_everything(machine: str, name: str) -> None:
    state = state_of(machine, name)
    assert "TimeoutSeconds" in state
    caught = [catch["ErrorEquals"] for catch in state["Catch"]]
    assert caught[-1] == ["States.ALL"]
    assert not any("States.ALL" in names for names in caught[:-1])


@pytest.mark.parametrize(("machine", "name"), lambda_tasks())
def test_a_machine_outwaits_its_function_by_a_minute(machine: str, name: str) -> None:
    state = state_of(machine, name)
    if state["Resource"] == LAMBDA:
        limit = functions()[called(state)].get("Timeout", 60)
        assert state["TimeoutSeconds"] == limit + 60


@pytest.mark.parametrize(("machine", "name"), states("Task"))
def test_faults_are_caught_by_names_that_exist(machine: str, name: str) -> None:
    state = state_of(machine, name)
    for handler in [*state.get("Retry", []), *state["Catch"]]:
        for error in handler["ErrorEquals"]:
            if error in {"States.ALL", "States.Timeout"} or error.startswith(("Lambda.", "Sandbox.")):
                continue
            if "states:startExecution" in state["Resource"] and error.startswith("StepFunctions."):
                continue
            # The answer of a person, sent with SendTaskFailure.
            if error == "ApprovalDenied" and "waitForTaskToken" in state["Resource"]:
                continue
            assert issubclass(getattr(errors, error), errors.BelayError)


@pytest.mark.parametrize(("index", "stages"), [(0, ["test"]), (1, ["eu", "us"])])
def test_the_stages_of_a_wave_are_a_list_also_where_there_is_one(index: int, stages: list[str]) -> None:
    items = jsonata.Jsonata(state_of("deploy_release", "DeployWave")["Items"][2:-2])
    items.assign("waves", [["test"], ["eu", "us"]])
    items.assign("index", index)

    assert items.evaluate({}) == stages


# -- functions ---------------------------------------------------------------------------------------------------------


def keys_read(step: Path) -> set[str]:
    """The keys that a step takes from its event without a default."""
    return {
        node.slice.value
        for node in ast.walk(parsed(step))
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "event"
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    }


def keys_returned(step: Path) -> set[str]:
    """The keys of the documents that a step's module returns."""
    return {
        key.value
        for node in ast.walk(parsed(step))
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


@pytest.mark.parametrize(("machine", "name"), lambda_tasks())
def test_a_step_is_given_what_it_reads(machine: str, name: str) -> None:
    state = state_of(machine, name)
    assert keys_read(step_of(state)) <= set(state["Arguments"]["Payload"])


@pytest.mark.parametrize(("machine", "name"), lambda_tasks())
def test_a_machine_takes_what_a_step_returns(machine: str, name: str) -> None:
    state = state_of(machine, name)
    taken = set(re.findall(r"\$states\.result\.Payload\.(\w+)", json.dumps(state)))
    assert taken <= keys_returned(step_of(state))


@pytest.mark.parametrize(("machine", "name"), lambda_tasks())
def test_a_task_has_the_name_of_the_step_it_takes(machine: str, name: str) -> None:
    state = state_of(machine, name)
    taken = step_of(state)
    words = (taken.parent.name if taken.name == "app.py" else taken.stem).split("_")
    # A state that waits for a person may be named after what it waits for.
    assert "".join(word.capitalize() for word in words) == name or state["Resource"].endswith(".waitForTaskToken")
    assert ("step" in state["Arguments"]["Payload"]) == (taken.name != "app.py")


def test_every_step_is_taken_by_a_machine() -> None:
    taken = {step_of(state_of(*each)) for each in lambda_tasks()}
    assert {
        path for name in function_modules() for path in step_modules(name).values() if path.name != "app.py"
    } <= taken


def test_every_function_is_called_or_triggered() -> None:
    invoked = {called(state_of(*each)) for each in lambda_tasks()}
    triggered = {name for name, each in functions().items() if each.get("Events") or "FunctionUrlConfig" in each}
    of_pipelines = {name for name in function_modules() if name.endswith("_action")}
    assert invoked | triggered | of_pipelines == set(function_modules())
    assert not invoked & triggered


# -- template ----------------------------------------------------------------------------------------------------------


def deployed(machine: str) -> dict[str, Any]:
    uri = f"statemachines/{machine}/definition.asl.yaml"
    (properties,) = [
        each for each in resources("AWS::Serverless::StateMachine").values() if each["DefinitionUri"] == uri
    ]
    return properties


def test_every_machine_is_deployed() -> None:
    assert len(resources("AWS::Serverless::StateMachine")) == len(machines()) == len([*map(deployed, machines())])


@pytest.mark.parametrize("machine", machines())
def test_substitutions_are_provided_and_used(machine: str) -> None:
    used = {
        name for _, text in walked(definition(machine)) if isinstance(text, str) for name in SUBSTITUTION.findall(text)
    }
    assert used == set(deployed(machine)["DefinitionSubstitutions"])


@pytest.mark.parametrize("machine", machines())
def test_a_substitution_is_the_arn_of_what_it_names(machine: str) -> None:
    for name, value in deployed(machine)["DefinitionSubstitutions"].items():
        resource = name.removesuffix("Arn")
        assert value in ({"Fn::GetAtt": f"{resource}.Arn"}, {"Ref": resource}, {"Ref": f"AWS::{resource}"})


@pytest.mark.parametrize("machine", machines())
def test_a_machine_works_in_every_partition(machine: str) -> None:
    assert "arn:aws" not in (MACHINES / machine / "definition.asl.yaml").read_text()


@pytest.mark.parametrize("machine", machines())
def test_a_machine_may_invoke_just_the_functions_it_calls(machine: str) -> None:
    granted = [
        arn["Fn::GetAtt"].removesuffix(".Arn")
        for policy in deployed(machine)["Policies"]
        for statement in policy["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
        for arn in statement["Resource"]
    ]
    assert sorted(granted) == sorted({logical_id(called(state_of(*e))) for e in lambda_tasks() if e[0] == machine})


@pytest.mark.parametrize("state", ["RecoverStacks", "RecoverDatabases"])
@pytest.mark.parametrize(("again", "pause"), [(False, 15), (True, 204)])
def test_after_a_long_wait_the_steps_of_a_recovery_follow_each_other_quickly(
    state: str, again: bool, pause: int
) -> None:
    """Some of them are taken while nothing is served: a database between two names, services without tasks."""
    taken = jsonata.Jsonata(state_of("rollback_stage", state)["Assign"]["pause"][2:-2])
    taken.assign("pause", 200)
    taken.assign("states", {"result": {"Payload": {"again": again, "wait_seconds": 15}}})

    assert taken.evaluate({}) == pause
