"""Belay as its users have it: deployed, and used only through the AWS APIs."""

import itertools
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from small_releases import Release, setting, settings

from belay.aws.dynamodb import Table
from belay.aws.function_url import post_signed
from belay.aws.stepfunctions import Executions
from belay.events.s3 import object_created
from belay.ledger.ledger import Ledger
from belay.notify.message import MessageKind
from belay.notify.told import in_words
from belay.release.attempt import Attempt
from belay.release.records import upload_of
from local.demo_inbox import Inbox, Received
from local.engine import ACCOUNT, REGION, ROOT, EmbeddedEngine, HeldCalls
from local.spokes import EmbeddedSpoke

WAIT_SCALE = "0.1"
"""A second of a machine's waiting takes this many on the engine."""
PATIENCE_SECONDS = 90.0
LOOK_EVERY_SECONDS = 0.25
CLOCK_SECONDS = 1.0
"""What a start in a list of executions may be rounded by."""
EXECUTIONS_A_PAGE = 50
MACHINES = ("deploy_release", "deploy_stage", "forecast_changes", "plan_release", "rollback_stage")

Seen = TypeVar("Seen")
_PLAIN, _TYPED = TypeDeserializer(), TypeSerializer()


def until(look: Callable[[], Seen], done: Callable[[Seen], object] = bool) -> Seen:
    """Poll until the observation is ``done``; on timeout, fail with the last one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done(seen := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"still waiting after {PATIENCE_SECONDS:.0f} s; seen last: {seen!r}")
        time.sleep(LOOK_EVERY_SECONDS)
    return seen


def _as_told(attempt: Attempt | None) -> dict[str, Any]:
    return {} if attempt is None else {**asdict(attempt), "attempt": attempt.id, "reason": in_words(attempt.reason)}


def _in_order(executions: Iterable["Execution"]) -> list["Execution"]:
    return sorted(executions, key=lambda each: each.started)


@dataclass(frozen=True)
class Uploaded:
    """One version of one object in the release bucket."""

    application: str
    key: str
    version_id: str


@dataclass(frozen=True)
class Execution:
    """One execution of one of the machines. ``states`` are those it has entered, in order."""

    arn: str
    machine: str
    application: str
    version: str | None
    stage: str | None
    status: str
    started: float
    states: tuple[str, ...]


@dataclass
class Belay:
    """A deployed Belay. ``outputs`` are those of its stack; stages are in ``spoke``, or in Belay's own account and
    region.
    """

    engine: EmbeddedEngine
    outputs: Mapping[str, str]
    spoke: EmbeddedSpoke | None = None
    applications: list["Application"] = field(default_factory=list)
    _functions: dict[str, str] = field(default_factory=dict)
    _begun: dict[str, float] = field(default_factory=dict)
    _inputs: dict[str, Any] = field(default_factory=dict)
    _ended: dict[str, Execution] = field(default_factory=dict)
    _clients: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    _users: dict[str, Credentials] = field(default_factory=dict)

    def aws(self, service: str) -> Any:
        """A client of Belay's own account and region; cached."""
        return self._client(service, ACCOUNT, REGION)

    def there(self, service: str) -> Any:
        """A client of the stages' account and region."""
        return self._client(service, self.account, self.region)

    @property
    def environment_there(self) -> dict[str, str]:
        """The environment of a user with credentials of the stages' account."""
        return {**self.engine.environment, **({"AWS_ACCESS_KEY_ID": self.account} if self.spoke else {})}

    @property
    def account(self) -> str:
        """The stages' account."""
        return self.spoke.account if self.spoke else ACCOUNT

    @property
    def region(self) -> str:
        """The stages' region."""
        return self.spoke.region if self.spoke else REGION

    @property
    def place(self) -> dict[str, str]:
        """The place keys of a stage's registration."""
        role = {"service_role": f"arn:aws:iam::{self.account}:role/belay/deployer"}
        return {**role, "account": self.account, "region": self.region} if self.spoke else role

    def _client(self, service: str, account: str, region: str) -> Any:
        key = (service, account, region)
        if key not in self._clients:
            # Faults are for Belay: the test's own calls are retried.
            config = Config(retries={"mode": "standard"})
            self._clients[key] = self.engine.client(service, account=account, region=region, config=config)
        return self._clients[key]

    # -- what operators and authors do ------------------------------------------------------------------------------

    def upload(self, release: Release | bytes, application: str = "", key: str = "") -> Uploaded:
        """Put a release, or any bytes, where Belay expects releases."""
        if isinstance(release, Release):
            application = application or release.application
            key = key or f"releases/{application}/{release.version}.zip"
            data = release.archive()
        else:
            data, key = release, key or f"releases/{application}/release.zip"
        answer = self.aws("s3").put_object(Bucket=self.outputs["ReleaseBucketName"], Key=key, Body=data)
        return Uploaded(application, key, answer["VersionId"])

    def plan(self, release: Release | bytes, *stages: str, application: str = "") -> str:
        """Upload a release for a dry run, and start it; return the ARN of the execution."""
        if isinstance(release, Release):
            application = application or release.application
        name = release.version if isinstance(release, Release) else "plan"
        uploaded = self.upload(release, application, f"plans/{application}/{name}.zip")
        upload = upload_of(application, self.outputs["ReleaseBucketName"], uploaded.key, uploaded.version_id, 1)
        size = self.aws("s3").head_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)
        upload = replace(upload, size=size["ContentLength"])
        event = object_created(upload, etag="e", at=datetime.now(UTC), account=ACCOUNT, region=REGION)
        return self.start_plan(upload.attempt, {"upload": event, "stages": [*stages]})

    def start_plan(self, name: str, document: Mapping[str, Any]) -> str:
        """Start an execution of plan_release, as a permitted user; return its ARN."""
        machine = self.outputs["PlanReleaseStateMachineArn"]
        started = self.aws("stepfunctions").start_execution(
            stateMachineArn=machine, name=name, input=json.dumps(document)
        )
        return str(started["executionArn"])

    def planned(self, execution: str) -> dict[str, Any]:
        """Wait for the end of a successful dry run; return its output."""
        states = self.aws("stepfunctions")
        found = until(
            lambda: states.describe_execution(executionArn=execution), lambda each: each["status"] != "RUNNING"
        )
        assert found["status"] == "SUCCEEDED", found
        return dict(json.loads(found["output"]))

    def pause(self, *, paused: bool) -> None:
        """Set the switch that holds new releases."""
        self.aws("ssm").put_parameter(Name="/belay/paused", Value=str(paused).lower(), Overwrite=True)

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Invoke one of Belay's functions (``SweepFunction``) as its trigger would, and wait for its response."""
        answer = self.aws("lambda").invoke(FunctionName=self.function(function), Payload=json.dumps(event).encode())
        payload = json.load(answer["Payload"])
        assert "FunctionError" not in answer, payload
        return payload

    def fail(self, task: str, error: str = "Refused", *, times: int = 1) -> None:
        """Make the next tries of a machine's task (``CopyRelease``) fail before its function runs."""
        self.engine.inject("lambda", "Invoke", error, times=times, only_if=self.invoked_by(task))

    def held(self, task: str, *, after: bool = False) -> HeldCalls:
        """Hold a machine in a task before its function runs, or ``after``, until the test releases it."""
        return self.engine.hold("lambda", "Invoke", only_if=self.invoked_by(task), after=after)

    def invoked_by(self, task: str) -> dict[str, str]:
        """What identifies the invocations by a machine's task: the step, or the function if it has only one."""
        step = re.sub(r"(?<!^)(?=[A-Z])", "_", task).lower()
        if (ROOT / "functions" / step / "app.py").exists():
            return {"FunctionName": self.function(f"{task}Function")}
        assert [*ROOT.glob(f"functions/*/{step}.py")], f"no function has the step {step}"
        return {"Payload.step": step}

    @contextmanager
    def unheard(self, function: str) -> Iterator[None]:
        """Keep events from a function during the block, as if EventBridge were late."""
        events = self.aws("events")
        rules = events.list_rule_names_by_target(TargetArn=self.function(function))["RuleNames"]
        assert rules, f"expected a rule that invokes {function}, found none"
        for rule in rules:
            events.disable_rule(Name=rule)
        yield
        for rule in rules:
            events.enable_rule(Name=rule)

    def deliver(
        self,
        source: str,
        detail_type: str,
        detail: Mapping[str, Any],
        resources: Sequence[str] = (),
        *,
        there: bool = False,
    ) -> None:
        """Deliver an event to Belay's bus, or to the stages', once more, as AWS does."""
        entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": [*resources]}
        events = self.there("events") if there else self.aws("events")
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def function(self, name: str) -> str:
        """The ARN of a function by its name in the template."""
        if name not in self._functions:
            physical = self.resource(name)
            found = self.aws("lambda").get_function(FunctionName=physical)["Configuration"]["FunctionArn"]
            self._functions[name] = found
        return self._functions[name]

    def resource(self, name: str) -> str:
        """The physical id of a resource by its name in the template, or in the one that it nests."""
        cloudformation, stack = self.aws("cloudformation"), "belay"
        if name in self._nested():
            found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId="DatabaseChanges")
            stack = found["StackResourceDetail"]["PhysicalResourceId"]
        found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=name)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    @staticmethod
    def _nested() -> set[str]:
        """The logical ids of the nested template's resources that SAM makes of each function."""
        names = re.findall(r"^  (\w+Function):$", (ROOT / "database_changes.yaml").read_text(), re.MULTILINE)
        return {f"{name}{made}" for name in names for made in ("", "Role")}

    # -- what the ledger says ---------------------------------------------------------------------------------------

    @property
    def ledger(self) -> Ledger:
        """The ledger, as Belay reads it."""
        return Ledger(Table(self.aws("dynamodb"), self.outputs["LedgerTableName"]))

    def item(self, pk: str, sk: str) -> dict[str, Any]:
        """One item of the ledger; empty if it does not exist."""
        key = {"PK": {"S": pk}, "SK": {"S": sk}}
        table = self.outputs["LedgerTableName"]
        found = self.aws("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return {name: _PLAIN.deserialize(value) for name, value in found.items()}

    def items(self, pk: str, prefix: str = "") -> list[dict[str, Any]]:
        """The ledger's items of one partition."""
        pages = (
            self.aws("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.outputs["LedgerTableName"],
                KeyConditionExpression="PK = :pk",
                ExpressionAttributeValues={":pk": {"S": pk}},
                ConsistentRead=True,
            )
        )
        found = (
            {name: _PLAIN.deserialize(value) for name, value in i.items()} for page in pages for i in page["Items"]
        )
        return [item for item in found if item["SK"].startswith(prefix)]

    def applied(self, application: str, database: str) -> list[str]:
        """What was last done with each change in the database of an application's production."""
        found = self.items(f"DATABASE#{application}#production#{self.account}/{self.region}/{database}", "CHANGE#")
        return [f"{each['change']['id']} {each['change']['outcome']}" for each in found]

    def release(self, application: str, version: str = "1.0.0") -> dict[str, Any]:
        """The newest attempt that was accepted as a release; empty if there is none."""
        return _as_told(self.ledger.attempts.current(application, version))

    def uploaded(self, upload: Uploaded) -> dict[str, Any]:
        """An upload's attempt; empty if there is none."""
        bucket = self.outputs["ReleaseBucketName"]
        return _as_told(
            self.ledger.attempts.get(upload_of(upload.application, bucket, upload.key, upload.version_id, 0))
        )

    def last_known_good(self, application: str, stage: str = "production") -> str | None:
        """The version that a stage runs, as far as Belay knows."""
        runs = self.ledger.stages.runs(application, stage)
        return None if runs is None else runs.release.version

    def lock(self, application: str, stage: str = "production") -> dict[str, Any]:
        """A stage's lock."""
        return self.item("LOCK", f"{application}#{stage}")

    def incidents(self, application: str) -> list[dict[str, Any]]:
        """Every incident of an application."""
        return self.items(f"APPLICATION#{application}", "INCIDENT#")

    def written(self, application: str) -> Iterator[str]:
        """Everything that Belay stores: an application's documents, and the whole ledger."""
        s3, bucket = self.aws("s3"), self.outputs["ArtifactBucketName"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"attempts/{application}/"):
            for each in page["Contents"]:
                yield s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read().decode()
        for page in self.aws("dynamodb").get_paginator("scan").paginate(TableName=self.outputs["LedgerTableName"]):
            yield from map(str, page["Items"])

    def transitions(self, application: str, version: str = "1.0.0") -> list[str]:
        """A release's transitions, in order."""
        attempts = self.ledger.attempts.of_version(application, version)
        return [each.words for attempt in attempts for each in self.ledger.attempts.history(attempt)]

    def open_ones(self, application: str) -> list[str]:
        """The attempts and incidents of an application that have not ended, or whose end was not announced."""
        attempts = [one.upload for one in self.ledger.attempts.open_ones()]
        return [
            *(each.key for each in attempts if each.application == application),
            *(each.incident for each in self.ledger.incidents.open_ones() if each.application == application),
        ]

    # -- how it ended -----------------------------------------------------------------------------------------------

    def ended(self, upload: Uploaded) -> dict[str, Any]:
        """Wait for the outcome of an upload and for its application's executions; return the upload's record."""
        until(lambda: self.uploaded(upload), lambda record: record.get("announced"))
        self.at_rest(upload.application)
        return self.uploaded(upload)

    def at_rest(self, application: str) -> list[Execution]:
        """Wait until no execution of an application is running; return all there were."""

        def look() -> list[Execution]:
            found = [] if self._running(application) else self.executions(application)
            # One may have started in between.
            return [] if any(each.status == "RUNNING" for each in found) else found

        return until(look)

    def _running(self, application: str) -> bool:
        states = self.aws("stepfunctions")
        running = (
            listed
            for machine in MACHINES
            for listed in states.list_executions(stateMachineArn=self.machine(machine), statusFilter="RUNNING")[
                "executions"
            ]
        )
        return any(self._application(each["executionArn"]) == application for each in running)

    def _application(self, arn: str) -> str:
        if arn not in self._inputs:
            self._inputs[arn] = json.loads(self.aws("stepfunctions").describe_execution(executionArn=arn)["input"])
        document = self._inputs[arn]
        if "clean" in document:
            return str(document["clean"]["application"])
        document = document.get("upload", document)
        continued = document.get("continues", {}).get("release")
        about = document if "incident" in document else document.get("release") or continued or {}
        return str(about.get("application") or document["detail"]["object"]["key"].split("/")[1])

    def executions(self, application: str, machine: str | None = None) -> list[Execution]:
        """The executions that an application's releases started, oldest first."""
        machines = MACHINES if machine is None else (machine,)
        found = (each for name in machines for each in self._executions(name, self._begun.get(application, 0.0)))
        return _in_order(each for each in found if each.application == application)

    def begins(self, application: str) -> None:
        """Remember when an application was first registered: none of its executions is older."""
        self._begun.setdefault(application, time.time() - CLOCK_SECONDS)

    def in_state(self, application: str, version: str, state: str) -> Execution:
        """Wait until a release's execution of ``deploy_stage`` is in a state that it stays in; return it."""

        def look() -> list[Execution]:
            found = self.executions(application, "deploy_stage")
            return [each for each in found if each.version == version and each.states[-1:] == (state,)]

        return until(look)[-1]

    def entered(self, application: str, version: str, state: str) -> None:
        """Wait until a release's execution of ``deploy_stage`` has entered a state, whatever its current one."""
        until(
            lambda: [
                each
                for each in self.executions(application, "deploy_stage")
                if each.version == version and state in each.states
            ]
        )

    def states(self, application: str, machine: str) -> list[str]:
        """The states that the executions of one machine entered for an application, in order."""
        return [state for each in self.executions(application, machine) for state in each.states]

    def steps(self, application: str) -> set[tuple[str, str, str]]:
        """Which machine went from which state to which one, for an application."""
        return {
            (each.machine, *step) for each in self.executions(application) for step in itertools.pairwise(each.states)
        }

    def all_executions(self) -> list[Execution]:
        """Every execution there ever was, oldest first."""
        return _in_order(each for machine in MACHINES for each in self._executions(machine))

    def _executions(self, machine: str, since: float = 0.0) -> Iterator[Execution]:
        """A machine's executions, newest first, until one that started before ``since``."""
        asked = {"stateMachineArn": self.machine(machine), "PaginationConfig": {"PageSize": EXECUTIONS_A_PAGE}}
        for page in self.aws("stepfunctions").get_paginator("list_executions").paginate(**asked):
            for listed in page["executions"]:
                if listed["startDate"].timestamp() < since:
                    return
                yield self._execution(machine, listed)

    def machine(self, machine: str) -> str:
        """A machine's ARN."""
        return self.outputs["DeployStageStateMachineArn"].replace("deploy-stage", machine.replace("_", "-"))

    def _execution(self, machine: str, listed: Mapping[str, Any]) -> Execution:
        arn = listed["executionArn"]
        if arn in self._ended:
            return self._ended[arn]
        application, document = self._application(arn), self._inputs[arn]
        version, stage = (document.get("release") or {}).get("version"), document.get("stage")
        states = tuple(each["stateEnteredEventDetails"]["name"] for each in self._entered(arn))
        started = listed["startDate"].timestamp()
        found = Execution(arn, machine, application, version, stage, listed["status"], started, states)
        if found.status != "RUNNING":
            self._ended[arn] = found
        return found

    def input_of(self, execution: Execution) -> dict[str, Any]:
        """The document an execution was started with."""
        return dict(self._inputs[execution.arn])

    def stop(self, execution: Execution) -> None:
        """Stop an execution, as a person may."""
        self.aws("stepfunctions").stop_execution(executionArn=execution.arn, error="Stopped", cause="by hand")

    def history(self, arn: str, suffix: str = "") -> list[dict[str, Any]]:
        """An execution's events whose type ends in ``suffix``, oldest first."""
        pages = self.aws("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"] if event["type"].endswith(suffix)]

    def _entered(self, arn: str) -> Iterator[Mapping[str, Any]]:
        """An execution's entered states, oldest first, without their inputs."""
        events = Executions(self.aws("stepfunctions")).history(arn)
        return (each for each in events if each["type"].endswith("StateEntered"))

    def write_lock(self, application: str, **values: Any) -> None:
        """Overwrite a lock, as no one should."""
        self.write_item("LOCK", f"{application}#production", **values)

    def write_item(self, pk: str, sk: str, **values: Any) -> None:
        """Overwrite an item of the ledger."""
        self.aws("dynamodb").update_item(
            TableName=self.outputs["LedgerTableName"],
            Key={"PK": {"S": pk}, "SK": {"S": sk}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={f":{name}": _TYPED.serialize(value) for name, value in values.items()},
        )

    def supersede(self, application: str, version: str, newer: str) -> None:
        """Record that a newer release has taken an attempt's turn in production, as the newer one does."""
        attempt = str(self.release(application, version)["attempt"])
        self.aws("dynamodb").update_item(
            TableName=self.outputs["LedgerTableName"],
            Key={"PK": {"S": f"APPLICATION#{application}"}, "SK": {"S": f"ATTEMPT#{attempt}"}},
            UpdateExpression="SET #superseded = :newer",
            ExpressionAttributeNames={"#superseded": "superseded#production"},
            ExpressionAttributeValues={":newer": {"S": newer}},
        )

    def asked(self, application: str, version: str = "1.0.0") -> dict[str, Any]:
        """Wait for a release to request approval; return the ledger's record of it."""
        return until(lambda: self.of_attempt(application, "APPROVAL#production", version))

    def of_attempt(self, application: str, sk: str, version: str = "1.0.0") -> dict[str, Any]:
        """An item of the newest attempt that was accepted as a release; empty where there is none.

        Earlier versions of Belay stored it with the version.
        """
        attempt = self.release(application, version).get("attempt", "")
        before = self.item(f"RELEASE#{application}#{version}", sk)
        return self.item(f"ATTEMPT#{application}#{attempt}", sk) or (before if before.get("attempt") == attempt else {})

    def task_token(self, application: str, version: str = "1.0.0") -> str:
        """Wait for a release to request approval; return the token of the waiting task."""
        return str(self.asked(application, version)["task_token"])

    def approve(self, application: str, version: str = "1.0.0") -> None:
        """Approve a release once it requests that."""
        self.asked(application, version)
        status, answer = self.decide({"decision": "approve"}, application, version)
        assert status == 200, answer

    def decide(
        self, decision: Mapping[str, str], application: str, version: str = "1.0.0", *, user: str = "approver"
    ) -> tuple[int, Any]:
        """Send a decision about a release in production as a user; return the status and the answer."""
        about = {"application": application, "version": version, "stage": "production"}
        return post_signed(self.outputs["DecisionUrl"], {**about, **decision}, self.credentials(user), REGION)

    def credentials(self, user: str) -> Credentials:
        """The access key of a new user who may decide and request rollbacks."""
        if user not in self._users:
            self.aws("iam").create_user(UserName=user)
            for policy in ("DeciderPolicyArn", "RollbackPolicyArn"):
                self.aws("iam").attach_user_policy(UserName=user, PolicyArn=self.outputs[policy])
            made = self.aws("iam").create_access_key(UserName=user)["AccessKey"]
            self._users[user] = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
        return self._users[user]

    # -- stacks -----------------------------------------------------------------------------------------------------

    def status(self, stack: str) -> str | None:
        """A stack's status; None if it does not exist."""
        try:
            found = self.there("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return None
        return str(found[0]["StackStatus"])

    def stacks(self, prefix: str) -> dict[str, str]:
        """The status of every stack with this name prefix."""
        return {
            each["StackName"]: each["StackStatus"]
            for page in self.there("cloudformation").get_paginator("describe_stacks").paginate()
            for each in page["Stacks"]
            if each["StackName"].startswith(prefix) and each["StackStatus"] != "DELETE_COMPLETE"
        }

    def setting(self, stack: str, name: str = "Setting") -> str:
        """The actual value of a stack's ``Setting``, or another parameter."""
        resource = self.there("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=name)
        name = resource["StackResourceDetail"]["PhysicalResourceId"]
        return str(self.there("ssm").get_parameter(Name=name)["Parameter"]["Value"])

    def change_sets(self, stack: str) -> list[str]:
        """The names of a stack's change sets that were not executed."""
        listed = self.there("cloudformation").list_change_sets(StackName=stack)["Summaries"]
        return [each["ChangeSetName"] for each in listed if each["ExecutionStatus"] != "EXECUTE_COMPLETE"]


@dataclass
class Application:
    """One registered application, with its own on-call subscriber."""

    belay: Belay
    name: str
    _inbox: Inbox | None = None
    _received: list[Received] = field(default_factory=list)

    def register(
        self,
        stages: Mapping[str, Mapping[str, Any]] | None = None,
        order: Mapping[str, Any] | None = None,
        **defaults: Any,
    ) -> None:
        """Register: ``production`` alone unless told, each stage with its stacks ``first`` and ``second``.

        ``order`` replaces keys of the application, such as its ``stages`` in waves; else they are one after the other.
        """
        self.belay.begins(self.name)
        registered = stages or {"production": {}}
        document = {"stages": list(registered), **(order or {}), "defaults": {**self.belay.place, **defaults}}
        self._put("", document)
        for stage, more in registered.items():
            stacks = {name: {"name": self.stack(name, stage)} for name in ("first", "second")}
            self._put(f"/{stage}", {"stacks": stacks, **more})

    def _put(self, suffix: str, document: Mapping[str, Any]) -> None:
        name = f"/belay/applications/{self.name}{suffix}"
        self.belay.aws("ssm").put_parameter(Name=name, Type="String", Value=json.dumps(document), Overwrite=True)

    def unregister(self) -> None:
        """Delete the registration."""
        name = f"/belay/applications/{self.name}"
        for suffix in ("", "/test", "/production"):
            self.belay.aws("ssm").delete_parameters(Names=[name + suffix])

    def stack(self, name: str, stage: str = "production") -> str:
        """The real name of a registered stack."""
        return f"{self.name}-{stage}-{name}"

    def subscribe(self) -> None:
        """Subscribe the application's on-call engineer to its messages, and nothing else."""
        topic = self.belay.outputs["NotificationTopicArn"]
        sns = self.belay.aws("sns")
        self._inbox = Inbox.subscribe(self.belay.aws("sqs"), sns, topic, self.name)
        pages = sns.get_paginator("list_subscriptions").paginate()
        mine = [s for page in pages for s in page["Subscriptions"] if s["Endpoint"].endswith(f":{self.name}")]
        sns.set_subscription_attributes(
            SubscriptionArn=mine[0]["SubscriptionArn"],
            AttributeName="FilterPolicy",
            AttributeValue=json.dumps({"application": [self.name]}),
        )

    def received(self) -> list[Received]:
        """Every message received so far, in the order in which they were sent."""
        assert self._inbox is not None
        self._received += self._inbox.receive("", -1)
        return sorted(self._received, key=lambda message: message.sent)

    def told(self, *outcomes: str) -> list[Received]:
        """Wait for as many messages as ``outcomes``, check that they are these, and return them.

        A message without an outcome is named by its ``kind``; the start of a recovery counts only if expected.
        """
        begun = MessageKind.RECOVERY_STARTED
        wanted = [kind.value for kind in MessageKind if kind != begun or begun in outcomes]
        found = until(
            lambda: [each for each in self.received() if each.attributes["kind"] in wanted],
            lambda messages: len(messages) >= len(outcomes),
        )
        assert [m.attributes.get("outcome") or m.attributes["kind"] for m in found] == list(outcomes)
        return found

    def held_stack(self, name: str, stage: str = "production") -> Callable[[], None]:
        """Wait until a stack of the template ``holding`` waits for its signal; return a function that sends it."""
        cloudformation, stack = self.belay.there("cloudformation"), self.stack(name, stage)

        def reached() -> bool:
            events = self.belay.status(stack) and cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
            return any(each["LogicalResourceId"] == "Held" for each in events or ())

        until(reached)
        return lambda: cloudformation.signal_resource(
            StackName=stack, LogicalResourceId="Held", UniqueId="go-on", Status="SUCCESS"
        )

    # -- shortcuts --------------------------------------------------------------------------------------------------

    def release(self, version: str = "1.0.0", value: str | None = None, **more: Any) -> Release:
        """A release of the stack ``first`` alone, whose ``Setting`` is ``value``, the version unless given."""
        return Release(self.name, version, **{"stacks": {"first": setting(value or version)}, **more})

    def deploy(self, version: str = "1.0.0", **more: Any) -> None:
        """Deploy a release, as a test's starting point."""
        record = self.run(self.release(version, **more))
        assert record["outcome"] == "DEPLOYED", record

    def run(self, release: Release) -> dict[str, Any]:
        """Upload a release and wait for its end; return the upload's record."""
        return self.belay.ended(self.belay.upload(release))


def stop_when(app: Application, look: HeldCalls, taken: Callable[[], object]) -> None:
    """Let a recovery continue until its next action is ``taken``; stop it before the following step."""
    look.reached()
    while not taken():
        look.let_go()
        look.reached()
    (recovery,) = [each for each in app.belay.executions(app.name, "rollback_stage") if each.status == "RUNNING"]
    app.belay.stop(recovery)


def stuck(app: Application, *, times: int, reason: str = "A fault was injected.") -> Release:
    """Deploy a release and return the next one, whose update fails, and its rollback as many times as given."""
    app.deploy("1.0.0", stacks={"first": settings(Setting="1.0.0", Later="1.0.0")})
    name = app.stack("first")
    app.belay.engine.fail_resource("Later", "update", stack=name, stack_status="UPDATE_IN_PROGRESS")
    app.belay.engine.fail_resource(
        "Setting", "update", reason, stack=name, stack_status="UPDATE_ROLLBACK_IN_PROGRESS", times=times
    )
    return app.release("1.1.0", stacks={"first": settings(Setting="1.1.0", Later="1.1.0")})
