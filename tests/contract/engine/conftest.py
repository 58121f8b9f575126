"""Shared by the engine's contract tests: waiting, stacks, functions, machines, and queues that catch events."""

from __future__ import annotations

import io
import json
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from local.engine import ACCOUNT, EmbeddedEngine

Aws = Callable[[str], Any]
Seen = TypeVar("Seen")

PATIENCE_SECONDS = 30.0
ROLE = f"arn:aws:iam::{ACCOUNT}:role/contract"
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"


def wait_until(look: Callable[[], Seen], done: Callable[[Seen], object]) -> Seen:
    """Poll until ``done``; on timeout, fail with the last observation."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done(seen := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"still waiting after {PATIENCE_SECONDS:.0f} s; seen last: {seen!r}")
        time.sleep(0.05)
    return seen


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], Any], Callable[[Any], object]], Any]:
    """``until(look, done)`` polls until the observation is done, and returns it."""
    return wait_until


@pytest.fixture
def unique() -> Callable[[str], str]:
    """``unique("orders")`` is a unique name: the engine is shared by the whole run."""
    return lambda name: f"{name}-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def alarm(aws: Aws, unique: Callable[[str], str]) -> Callable[[str], str]:
    """``alarm("OK")`` is the ARN of a new alarm in that state."""

    def made(state: str) -> str:
        name = unique("alarm")
        aws("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace="contract",
            MetricName="failures",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        aws("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="contract")
        return f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{name}"

    return made


@pytest.fixture(autouse=True)
def no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Faults that a test did not use up do not affect the next one."""
    yield
    if "engine" in request.fixturenames:
        request.getfixturevalue("engine").clear_faults()


@dataclass(frozen=True)
class Stacks:
    """Stack operations that wait for their end; a template is a mapping of resources, or a whole template."""

    cloudformation: Any

    def create(self, name: str, template: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        self.cloudformation.create_stack(StackName=name, TemplateBody=body(template), **options)
        return self.settled(name)

    def update(self, name: str, template: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        self.cloudformation.update_stack(StackName=name, TemplateBody=body(template), **options)
        return self.settled(name)

    def settled(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = wait_until(
            lambda: self.describe(name), lambda stack: not stack["StackStatus"].endswith("IN_PROGRESS")
        )
        return found

    def describe(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return found

    def change_set(self, stack: str, template: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """A created change set, described."""
        name = options.pop("ChangeSetName", f"change-{uuid.uuid4().hex[:8]}")
        self.cloudformation.create_change_set(
            StackName=stack, ChangeSetName=name, TemplateBody=body(template), **options
        )
        found: dict[str, Any] = wait_until(
            lambda: self.cloudformation.describe_change_set(StackName=stack, ChangeSetName=name),
            lambda change_set: change_set["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"),
        )
        return found


def body(template: Mapping[str, Any]) -> str:
    """A template's text; bare resources become a template."""
    return json.dumps(template if "Resources" in template else {"Resources": template})


@pytest.fixture(scope="session")
def stacks(aws: Aws) -> Stacks:
    return Stacks(aws("cloudformation"))


@pytest.fixture
def function(aws: Aws, unique: Callable[[str], str]) -> Callable[..., str]:
    """``function(source)`` is the ARN of a new function whose module ``app`` has that source and a ``handler``."""

    def create(source: str, **options: Any) -> str:
        return create_function(aws("lambda"), unique("function"), source, **options)

    return create


def create_function(client: Any, name: str, source: str, **options: Any) -> str:
    """Create a function whose module ``app`` has that source and a ``handler``; return its ARN."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", source)
    arn: str = client.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": packed.getvalue()},
        **{"Timeout": 20, **options},
    )["FunctionArn"]
    return arn


@dataclass(frozen=True)
class Machines:
    """State machines from definitions, run to their end."""

    states: Any
    unique: Callable[[str], str]

    def create(self, definition: Mapping[str, Any]) -> str:
        arn: str = self.states.create_state_machine(
            name=self.unique("machine"), definition=json.dumps({"QueryLanguage": "JSONata", **definition}), roleArn=ROLE
        )["stateMachineArn"]
        return arn

    def run(self, definition: Mapping[str, Any], data: Any = None) -> dict[str, Any]:
        """The description of an ended execution."""
        arn = self.create(definition)
        return self.ended(
            self.states.start_execution(stateMachineArn=arn, input=json.dumps(data or {}))["executionArn"]
        )

    def ended(self, execution: str) -> dict[str, Any]:
        found: dict[str, Any] = wait_until(
            lambda: self.states.describe_execution(executionArn=execution), lambda seen: seen["status"] != "RUNNING"
        )
        return found


@pytest.fixture
def machines(aws: Aws, unique: Callable[[str], str]) -> Machines:
    return Machines(aws("stepfunctions"), unique)


@pytest.fixture
def caught(aws: Aws, unique: Callable[[str], str]) -> Callable[[Mapping[str, Any]], Callable[[], list[dict[str, Any]]]]:
    """``caught(pattern)`` returns a function: the events that matched the pattern so far, in order of arrival."""
    sqs, events = aws("sqs"), aws("events")

    def catch(pattern: Mapping[str, Any]) -> Callable[[], list[dict[str, Any]]]:
        name = unique("caught")
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        seen: list[dict[str, Any]] = []

        def so_far() -> list[dict[str, Any]]:
            received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0)
            for message in received.get("Messages", []):
                seen.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return seen

        return so_far

    return catch


@pytest.fixture
def separate_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """A separate engine, for tests that reset or stop it."""
    with EmbeddedEngine.start(directory=tmp_path_factory.mktemp("engine")) as running:
        yield running
