"""An account for the console, simulated by moto: a Belay whose ledger several applications' releases went through.

The browser tests use it, and the documentation's pictures are taken of it. Everything is written through the ledger's
own writes and the documents' own classes. Nothing is deployed; only the engine does that.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import boto3
from moto import mock_aws
from moto.dynamodb.models.table import Table as PlayedTable
from samtranslator.yaml_helper import yaml_parse

from belay.approval.asked import AskedApproval, GivenAnswer
from belay.approval.principal import Principal
from belay.approval.seal import Seal
from belay.aws.cloudformation import Stacks
from belay.aws.dynamodb import Table
from belay.aws.s3 import ArtifactBucket
from belay.ledger.ledger import Ledger
from belay.notify.incidents import incident_acknowledged, recovery_started
from belay.notify.message import Message, in_thread
from belay.notify.publication import publish_arguments
from belay.notify.releases import release_ended
from belay.notify.sent import as_sent
from belay.policy.verdict import Finding, Report, Severity, Verdict
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import StackLeft
from belay.release.left_to_do import Choice, LeftToDo
from belay.release.life import State
from belay.release.lock import Claim
from belay.release.reason import FoundInStages, PersonDecided, PolicyFindings, Reason, StackFailure
from belay.release.records import Outcome, ReleaseReference, Upload, upload_of
from belay.rollback.plan import Action, Kind, Risk, RollbackPlan, Step
from belay.rollback.taken import StepTaken
from belay.stack.cause import Cause
from belay.stack.plan import Progress, StackPlan, StagePlan
from belay.subject.incident import Incident
from belay.subject.names import incident_of
from belay.subject.subjects import AskedRollback, ReleaseAttempt
from cli.account import Account, Where

ROOT: Final = Path(__file__).parents[1]
REGION: Final = "eu-west-1"
ROLE: Final = "arn:aws:iam::123456789012:role/belay/deployer"
ANA, BEN = (f"arn:aws:sts::123456789012:assumed-role/engineer/{name}@example.com" for name in ("ana", "ben"))
TOPIC: Final = f"arn:aws:sns:{REGION}:123456789012:belay"
_MACHINE: Final = f"arn:aws:states:{REGION}:123456789012:stateMachine:belay-{{}}"
_HOME: Final = "123456789012"
_ACCOUNT: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "HISTORY_DAYS": "4000",
}
_APPROVAL: Final = "approval: {required: true, four_eyes: true}\n"
_NETWORK: Final = (("SecurityGroup", "AWS::EC2::SecurityGroup"),)
_SERVICE: Final = (
    ("TaskDefinition", "AWS::ECS::TaskDefinition"),
    ("Queue", "AWS::SQS::Queue"),
    ("Service", "AWS::ECS::Service"),
)
_FAILS: Final = 2
"""Which of four releases fails."""

_WAYS: Final = (
    State.PLANNING,
    State.REHEARSED,
    State.SNAPSHOTS_TAKEN,
    State.EXECUTING,
    State.VALIDATED,
    State.VERIFIED,
)
"""The states of a release in a stage without approval."""

Said = Callable[[str], str]
"""Transforms a text that a release or a person chose; a test of hostile text makes it hostile."""


@contextmanager
def played(now: datetime, said: Said = str) -> Iterator[Scene]:
    """Simulate an account that contains only a Belay without applications."""
    # moto copies every table before a transaction, to restore it on failure: none fails here.
    as_it_is = patch.object(PlayedTable, "__deepcopy__", lambda table, _: table, create=True)
    with patch.dict(os.environ, _ACCOUNT), as_it_is, mock_aws():
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "BELAY_STACK"):
            os.environ.pop(name, None)
        scene = Scene(now, said)
        with patch.object(Stacks, "events", scene.events_of):
            yield scene


@dataclass(frozen=True)
class Put:
    """A release that was accepted, and when."""

    release: ReleaseReference
    upload: Upload
    at: datetime

    @property
    def version(self) -> str:
        """Its version."""
        return self.release.version


class Scene:
    """The simulated account. Times are given in minutes before ``now``."""

    def __init__(self, now: datetime, said: Said) -> None:
        self.now, self.said = now, said
        client: Callable[..., Any] = boto3.Session(region_name=REGION).client
        self.dynamodb, self.s3, self.ssm, self.states = (
            client(each) for each in ("dynamodb", "s3", "ssm", "stepfunctions")
        )
        self.cloudformation = client("cloudformation")
        table = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["Ledger"]["Properties"]
        keys = {name: table[name] for name in ("AttributeDefinitions", "KeySchema", "BillingMode")}
        self.dynamodb.create_table(TableName="ledger", **keys)
        for bucket in ("artifacts", "releases"):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.ssm.put_parameter(Name="/belay/paused", Value="false", Type="String")
        definition = json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}})
        machines = {name: _MACHINE.format(name) for name in ("deploy-release", "deploy-stage", "rollback-stage")}
        for name in machines:
            self.states.create_state_machine(name=f"belay-{name}", definition=definition, roleArn=ROLE)
        outputs = {
            "LedgerTableName": "ledger",
            "ArtifactBucketName": "artifacts",
            "ReleaseBucketName": "releases",
            "PauseParameterName": "/belay/paused",
            "SweepFunctionName": "belay-sweep",
            "DecisionUrl": "https://decide.example/",
            "RollbackUrl": "https://rollback.example/",
            **{f"{_camel(name)}StateMachineArn": arn for name, arn in machines.items()},
        }
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        self.cloudformation.create_stack(StackName="belay", TemplateBody=json.dumps(template))
        self.ledger = Ledger(Table(self.dynamodb, "ledger"))
        self.artifacts = ArtifactBucket(self.s3, "artifacts")
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._registered: dict[str, tuple[str, dict[str, str]]] = {}
        self._elsewhere: dict[tuple[str, str], tuple[str, str]] = {}

    def account(self) -> Account:
        """Return the stack as a command finds it."""
        return Account.of(Where(region=REGION))

    def at(self, minutes: float) -> str:
        """Return the time this many minutes ago, in the ledger's format."""
        return (self.now - timedelta(minutes=minutes)).isoformat(timespec="milliseconds")

    def events_of(self, stack_id: str, most: int = 0) -> Iterator[dict[str, Any]]:
        """Yield a stack's events, newest first: moto's have no client request token."""
        return iter(self._events.get(stack_id, ()))

    def happens(self, stack_id: str, token: str, minutes: float, *resources: tuple[str, str, str, str]) -> None:
        """Make a stack's operation have touched resources: the name, the type, the result and the reason."""
        began = self.now - timedelta(minutes=minutes)
        own = {"LogicalResourceId": stack_id.split("/")[1], "PhysicalResourceId": stack_id, "StackId": stack_id}
        events = [{**own, "ResourceStatus": "UPDATE_IN_PROGRESS", "Timestamp": began}]
        for number, (name, kind, status, why) in enumerate(resources):
            known = {"LogicalResourceId": self.said(name), "ResourceType": kind, "StackId": stack_id}
            known |= {"PhysicalResourceId": f"{name}-1"}
            at = began + timedelta(seconds=5 + 20 * number)
            events.append({**known, "ResourceStatus": "UPDATE_IN_PROGRESS", "Timestamp": at})
            if not status.endswith("_IN_PROGRESS"):
                ends = at + timedelta(seconds=31)
                events.append({**known, "ResourceStatus": status, "ResourceStatusReason": why, "Timestamp": ends})
        told = [{"EventId": str(number), "ClientRequestToken": token, **each} for number, each in enumerate(events)]
        self._events[stack_id] = told[::-1]

    # -- what operators and authors do ---------------------------------------------------------------------------

    def register(
        self,
        application: str,
        stages: Sequence[str],
        *,
        ephemeral: Sequence[str] = (),
        order: str = "",
        elsewhere: Mapping[str, tuple[str, str]] | None = None,
        **more: str,
    ) -> None:
        """Register an application, each stage with the stacks ``network`` and ``service``; ``more`` by stage.

        ``order`` are the waves of stages if not one by one, as registered; ``elsewhere`` has the account and the region
        of stages that are not at home.
        """
        self._elsewhere.update({(application, stage): place for stage, place in (elsewhere or {}).items()})
        texts = {
            stage: f"{self._place_of(application, stage)}stacks:\n  network: {{name: {application}-{stage}-network}}\n"
            f"  service: {{name: {application}-{stage}-service, parameters: {{Size: large}}}}\n"
            + ("ephemeral: true\n" if stage in ephemeral else "")
            + more.get(stage, "")
            for stage in stages
        }
        text = f"stages: [{order or ', '.join(stages)}]\n"
        self._registered[application] = text, texts
        for name, value in {application: text, **{f"{application}/{each}": texts[each] for each in texts}}.items():
            self.ssm.put_parameter(Name=f"/belay/applications/{name}", Value=value, Type="String")

    def _place_of(self, application: str, stage: str) -> str:
        """A stage's service role, and its place if it is not at home."""
        account, region = self._elsewhere.get((application, stage), (_HOME, REGION))
        role = f"service_role: {ROLE.replace(_HOME, account)}\n"
        return role if account == _HOME else f'{role}account: "{account}"\nregion: {region}\n'

    def _stack_id(self, application: str, stage: str, stack: str) -> str:
        account, region = self._elsewhere.get((application, stage), (_HOME, REGION))
        name = f"{application}-{stage}-{stack}"
        unique = hashlib.sha256(name.encode()).hexdigest()
        path = f"{name}/{unique[:8]}-{unique[8:12]}-{unique[12:16]}"
        return f"arn:aws:cloudformation:{region}:{account}:stack/{path}"

    def upload(self, application: str, version: str, minutes: float) -> Upload:
        """Upload a zip, claimed by an execution."""
        key = f"releases/{application}/{application}-{version}.zip"
        answer = self.s3.put_object(Bucket="releases", Key=key, Body=f"{application} {version} {minutes}".encode())
        upload = upload_of(application, "releases", key, answer["VersionId"], 48_213)
        execution = f"{_MACHINE.format('deploy-release').replace('stateMachine', 'execution')}:{upload.attempt}"
        self.ledger.attempts.claim(upload, execution, self.at(minutes))
        self.ledger.uploads.record_uploader(upload, Principal(ANA, "AROAEXAMPLE:ana"), self.at(minutes))
        return upload

    def accept(self, application: str, version: str, minutes: float, **parameters: str) -> Put:
        """Upload a release and accept it: a minute for the policies."""
        upload = self.upload(application, version, minutes)
        self.ledger.attempts.note_version(upload, version)
        template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Metadata": {"version": version}}}}
        body = json.dumps(template, indent=2).encode()
        manifest = json.dumps(
            {
                "application": application,
                "version": version,
                "description": self.said(f"{application.capitalize()} {version}: smaller baskets load faster."),
                "stacks": [
                    {"name": "network", "template": "network.json"},
                    {
                        "name": "service",
                        "template": "service.json",
                        "depends_on": ["network"],
                        "parameters": {"Image": self.said(f"{application}:{version}"), **parameters},
                    },
                ],
                "digests": {
                    "network.json": hashlib.sha256(b"{}").hexdigest(),
                    "service.json": hashlib.sha256(body).hexdigest(),
                    "assets/site.tar": hashlib.sha256(version.encode()).hexdigest(),
                },
            }
        )
        digest = hashlib.sha256(manifest.encode()).hexdigest()
        release = ReleaseReference(application, version, digest, upload.attempt)
        text, stages = self._registered[application]
        declared = {
            "network.json": {},
            "service.json": {"Image": False, "Size": False, **dict.fromkeys(parameters, False)},
        }
        accepted = AcceptedRelease.of(application, manifest, text, stages, declared)
        self.ledger.attempts.accept(release, upload, accepted.application.waves, self.at(minutes - 0.1))
        self.artifacts.put_json(release.document_key, accepted.to_dict())
        self.artifacts.put_bytes(release.member_key("network.json"), b"{}")
        self.artifacts.put_bytes(release.member_key("service.json"), body)
        self.ledger.attempts.record(release, State.CHECKED, self.at(minutes - 1))
        return Put(release, upload, self.now - timedelta(minutes=minutes))

    # -- what Belay does -----------------------------------------------------------------------------------------

    def plan(self, put: Put, stage: str, *progress: Progress) -> None:
        """Write a stage's plan and the policies' reports; ``progress`` of the network and of the service."""
        application = put.release.application
        names = [f"{application}-{stage}-{each}" for each in ("network", "service")]
        said = self.said
        stacks = (
            StackPlan(
                "network",
                names[0],
                progress=progress[0],
                stack_id=self._stack_id(application, stage, "network"),
                generation=1,
                token="t-network",
                changes=(said("changes SecurityGroup (AWS::EC2::SecurityGroup) in place: SecurityGroupIngress"),),
            ),
            StackPlan(
                "service",
                names[1],
                depends_on=("network",),
                progress=progress[1],
                stack_id=self._stack_id(application, stage, "service"),
                generation=1,
                token="t-service",
                changes=(
                    said("REPLACES TaskDefinition (AWS::ECS::TaskDefinition): ContainerDefinitions"),
                    said("changes Service (AWS::ECS::Service) in place: TaskDefinition"),
                    said("adds Queue (AWS::SQS::Queue)"),
                ),
            ),
        )
        ends = {Progress.EXECUTED: "UPDATE_COMPLETE", Progress.EXECUTING: "UPDATE_IN_PROGRESS"}
        for stack, kinds in zip(stacks, (_NETWORK, _SERVICE), strict=True):
            if stack.progress in ends and stack.stack_id and stack.token:
                last = [(*kinds[-1], ends[stack.progress], "")]
                first = [(*each, "UPDATE_COMPLETE", "") for each in kinds[:-1]]
                self.happens(stack.stack_id, stack.token, 6, *first, *last)
        key = put.release.stage_key
        self.artifacts.put_json(key(stage, "plan.json"), StagePlan(stacks).to_dict())
        finding = Finding(
            "service.json",
            said("Queue"),
            "queue-encrypted",
            Verdict.REVIEW,
            Severity.MEDIUM,
            42,
            7,
            said("KmsMasterKeyId"),
            said("The queue's key comes from a parameter that is known only at deployment."),
            said("Name the key."),
        )
        report = Report(
            (
                finding,
                replace(finding, verdict=Verdict.FAIL, policy="group-open", waiver=said("accepted by ben until 2027")),
            )
        )
        self.artifacts.put_json(key(stage, "static-report.json"), report.to_json())
        self.artifacts.put_json(key(stage, "live-report.json"), Report().to_json())

    def through(self, put: Put, stage: str, minutes: float, took: float, until: State = State.VERIFIED) -> None:
        """Take a release through a stage's states, up to ``until``."""
        states = _WAYS[: _WAYS.index(until) + 1]
        for number, state in enumerate(states):
            about = "service" if state is State.EXECUTING else ""
            at = self.at(minutes - took * number / len(_WAYS))
            self.ledger.attempts.record(put.release, state, at, stage=stage, about=about)

    def deploy(self, put: Put, stage: str, minutes: float, took: float = 6) -> None:
        """Deploy a release to a stage without approval."""
        self.plan(put, stage, Progress.EXECUTED, Progress.EXECUTED)
        self.through(put, stage, minutes, took)
        self.ledger.attempts.end_stage(
            put.release, stage, Outcome.DEPLOYED, good=True, fencing=None, now=self.at(minutes - took)
        )

    def end(self, put: Put, outcome: Outcome, minutes: float, reason: Reason | None = None) -> None:
        """End a release, and announce it."""
        attempt = self.ledger.attempts.get(put.release)
        assert attempt is not None
        self.ledger.attempts.close(attempt, outcome, reason, self.at(minutes))
        self.ledger.attempts.announced(attempt)

    def ask(self, put: Put, stage: str, minutes: float) -> str:
        """Request a release's approval; return the seal's digest."""
        said = self.said
        self.plan(put, stage, Progress.PLANNED, Progress.WAITING)
        for state in (State.PLANNING, State.REHEARSED, State.AWAITING_APPROVAL):
            self.ledger.attempts.record(put.release, state, self.at(minutes), stage=stage)
        told = {
            "schema": 1,
            "what": said(
                f"{put.release.application} {put.version} is ready to deploy to {stage} and would replace 1, change 2, "
                "add 1 of its resources."
            ),
            "until": "tomorrow",
            "changes": [
                said("service: REPLACES TaskDefinition (AWS::ECS::TaskDefinition): ContainerDefinitions"),
                said("network: changes SecurityGroup (AWS::EC2::SecurityGroup) in place: SecurityGroupIngress"),
                said("service: changes Service (AWS::ECS::Service) in place: TaskDefinition"),
                said("service: adds Queue (AWS::SQS::Queue)"),
            ],
            "more": {
                "Policies": [
                    "REVIEW for the templates, PASS for the change sets",
                    said("REVIEW, for you to decide: service.json:42 Queue: the key is known only at deployment"),
                ],
                "Databases": [
                    "a snapshot of payments-db is taken after the approval; a restore needs a separate approval"
                ],
                "Rollback": ["The rollback is ready. Checked: stacks, databases, alarms."],
                "While it waits": [
                    "no lock is held and no snapshot is taken before the approval, so waiting loses no data"
                ],
            },
            "answers": {},
            "report": "",
        }
        self.artifacts.put_json(put.release.stage_key(stage, "approval.json"), told)
        seal = Seal({"the release": hashlib.sha256(put.release.digest.encode()).hexdigest()})
        until = (self.now + timedelta(days=2)).isoformat(timespec="milliseconds")
        asked = AskedApproval(
            stage, put.release.attempt, "token", self.at(minutes), until, four_eyes=True, digest=seal.digest, seal=seal
        )
        self.ledger.approvals.ask(put.release, asked)
        return seal.digest

    def approved(self, put: Put, stage: str, minutes: float) -> None:
        """Make a person approve it."""
        asked = self.ledger.approvals.asked_of(put.release, stage)
        assert asked is not None
        answer = GivenAnswer(
            "approve", BEN, self.at(minutes), self.said("Checked the plan with Ana."), "AROAEXAMPLE:ben", asked.digest
        )
        self.ledger.approvals.answer(put.release, stage, answer)
        self.ledger.attempts.record(put.release, State.APPROVED, answer.at, stage=stage, detail=answer.in_words)
        self.ledger.approvals.delivered(put.release, stage, "token")

    def fail(self, put: Put, stage: str, minutes: float, steps: int = 2) -> str:
        """Make a release fail in a stage, and begin its rollback; return the incident's name."""
        stack = self._stack_id(put.release.application, stage, "service")
        failed = self.now - timedelta(minutes=minutes)
        why = self.said(
            'Resource handler returned message: "The image orders:latest does not exist" (HandlerErrorCode: NotFound)'
        )
        cause = Cause(("Service",), "AWS::ECS::Service", "UPDATE_FAILED", why, failed, stack)
        reason = StackFailure(stack, "UPDATE_ROLLBACK_FAILED", cause)
        self.plan(put, stage, Progress.EXECUTED, Progress.EXECUTING)
        failed_at = ("Service", "AWS::ECS::Service", "UPDATE_FAILED", why)
        self.happens(stack, "t-service", minutes + 1, (*_SERVICE[0], "UPDATE_COMPLETE", ""), failed_at)
        incident = Incident(
            incident_of(put.release.origin, stage), ReleaseAttempt(put.release, stage, None), reason, ROLE
        )
        self.ledger.incidents.open(incident, self.at(minutes))
        self.ledger.attempts.record(
            put.release, State.RECOVERING, self.at(minutes), stage=stage, detail=self.said("Service failed")
        )
        taken = (
            StepTaken(
                Action.WAIT, Kind.STACK, "service", "wait until CloudFormation has rolled it back", self.at(minutes), 74
            ),
            StepTaken(
                Action.CONTINUE_UPDATE_ROLLBACK,
                Kind.STACK,
                "service",
                self.said("continue its stuck rollback"),
                self.at(minutes - 2),
                41,
            ),
            StepTaken(
                Action.UPDATE_TO_BASELINE,
                Kind.STACK,
                "network",
                "bring it back to its state before the release",
                self.at(minutes - 4),
                None,
            ),
        )
        for number, step in enumerate(taken[:steps]):
            self.ledger.incidents.record_step(incident, step, number)
        self.artifacts.put_json(put.release.stage_key(stage, "rollback.json"), self._rollback().to_dict())
        return incident.name

    def _rollback(self, *left: LeftToDo) -> RollbackPlan:
        steps = (
            _step(
                Action.UPDATE_TO_BASELINE,
                "network",
                self.said("bring the stack back to its state before the release"),
                Risk.DOWNTIME,
            ),
            _step(Action.RESTART_SERVICE, "orders/api", "replace every task of the service with a new one", Risk.NONE),
        )
        return RollbackPlan(() if left else steps, left)

    def question(self, put: Put, stage: str, minutes: float) -> None:
        """Make an incident ask a question."""
        application, name = put.release.application, incident_of(put.release.origin, stage)
        text = self.said(
            f"may the stack network ({application}-{stage}-network) be updated back to its earlier template? That "
            "deletes or replaces Table with the data in it, unless a deletion policy keeps it."
        )
        self.ledger.decisions.ask(application, name, "update-network", text, self.at(minutes))
        self.ledger.decisions.announced(application, name, "update-network")

    def give_up(self, put: Put, stage: str, minutes: float) -> None:
        """Leave an incident to a person, with a stack that was not rolled back."""
        application, said = put.release.application, self.said
        record = self.ledger.incidents.get(application, incident_of(put.release.origin, stage))
        assert record is not None
        name = f"{application}-{stage}-service"
        left = LeftToDo(
            "service",
            said(f"finish the rollback of {name}: it is UPDATE_ROLLBACK_FAILED"),
            said("its rollback is stuck on Topic, which does not exist any more, and was continued twice"),
            look=f"aws cloudformation describe-stack-events --stack-name {name}",
            choices=(
                Choice(
                    "create the topic again, then continue the rollback",
                    said("nothing is lost"),
                    f"aws cloudformation continue-update-rollback --stack-name {name}",
                ),
                Choice(
                    "continue the rollback without Topic",
                    "the topic stays as it is, and its subscriptions are lost",
                    f"aws cloudformation continue-update-rollback --stack-name {name} --resources-to-skip Topic",
                ),
            ),
        )
        self.artifacts.put_json(put.release.stage_key(stage, "rollback.json"), self._rollback(left).to_dict())
        claim = Claim(application, stage, put.release.attempt, put.version, "execution", record.incident.name)
        seen = self.ledger.locks.get(application, stage)
        fencing = self.ledger.locks.acquire(claim, expires_at=2_000_000_000, seen=seen, now=self.at(minutes + 1))
        self.ledger.stages.leave(application, stage, [StackLeft("service", name, put.version)])
        self.ledger.incidents.leave(record.incident)
        self.end(put, Outcome.NEEDS_OPERATOR, minutes, record.incident.reason)
        self.ledger.incidents.close(record.incident, Outcome.NEEDS_OPERATOR, record.incident.reason, self.at(minutes))
        self.ledger.incidents.watch(record.incident, [self._stack_id(application, stage, "service")], more=False)
        self.ledger.incidents.announced(record.incident)
        self.ledger.locks.release(application, stage, fencing or 0)
        told = record.incident.subject.told_as
        ended = release_ended(Outcome.NEEDS_OPERATOR, told, reason=record.incident.reason, left_to_do=[left])
        self.tell(recovery_started(told, reason=record.incident.reason, steps=[said("service: roll it back")]), minutes)
        self.tell(ended, minutes)
        answer = GivenAnswer("acknowledge", BEN, self.at(minutes - 3), said("The topic is being created again."))
        self.ledger.incidents.acknowledge(record.incident, answer)
        self.tell(
            incident_acknowledged(told, record.incident.name, by=BEN, at=answer.at, comment=answer.comment), minutes - 3
        )

    def tell(self, message: Message, minutes: float) -> None:
        """Record a message as sent."""
        numbered = in_thread(message, self.ledger.threads.number(message.thread, message.key))
        bodies = publish_arguments(numbered, TOPIC)["Message"]
        self.ledger.messages.keep(message.thread, as_sent(message, bodies, TOPIC, self.at(minutes)))

    def rolled_back(self, put: Put, stage: str, minutes: float) -> None:
        """Make a rollback succeed."""
        record = self.ledger.incidents.get(put.release.application, incident_of(put.release.origin, stage))
        assert record is not None
        self.artifacts.put_json(put.release.stage_key(stage, "rollback.json"), RollbackPlan(()).to_dict())
        self.end(put, Outcome.ROLLED_BACK, minutes, record.incident.reason)
        self.ledger.incidents.close(record.incident, Outcome.ROLLED_BACK, record.incident.reason, self.at(minutes))
        self.ledger.decisions.close(put.release.application, record.incident.name, self.at(minutes))
        self.ledger.incidents.announced(record.incident)

    def take_back(self, put: Put, target: Put, stage: str, minutes: float, took: float = 9) -> None:
        """Make a person roll a stage back to an earlier release."""
        release = replace(put.release, attempt=hashlib.sha256(f"{put}{minutes}".encode()).hexdigest()[:12])
        subject = AskedRollback(release, stage, None, asked_by=BEN, target=target.release, stood_on=put.release.attempt)
        reason = PersonDecided(
            BEN, f"requested a rollback from {put.version} to {target.version}", self.said("Checkout is slow.")
        )
        incident = Incident(incident_of(release.origin, stage), subject, reason, ROLE)
        self.ledger.incidents.open(incident, self.at(minutes))
        self.ledger.stages.went_back(
            put.release.application, stage, target.release, incident.name, BEN, self.at(minutes - took)
        )
        self.ledger.incidents.close(incident, Outcome.ROLLED_BACK, reason, self.at(minutes - took))
        self.ledger.incidents.announced(incident)

    def refuse(self, application: str, version: str, minutes: float) -> Put:
        """Upload a release that a policy refuses."""
        put = self.accept(application, version, minutes)
        finding = Finding(
            "service.json",
            self.said("WebGroup"),
            "ssh-open",
            Verdict.FAIL,
            Severity.CRITICAL,
            12,
            5,
            "SecurityGroupIngress",
            self.said("SSH is open to 0.0.0.0/0."),
            "Name the networks that may use it.",
        )
        self.end(put, Outcome.REJECTED, minutes - 1.2, PolicyFindings((FoundInStages(finding, ("production",)),)))
        return put


def furnish(scene: Scene) -> dict[str, Put]:
    """Simulate a month of releases of seven applications; return those still active."""
    day = 24 * 60
    scene.register("orders", ("test", "production"), ephemeral=("test",))
    scene.register("payments", ("test", "staging", "production"), ephemeral=("test",), production=_APPROVAL)
    scene.register("catalogue", ("test", "production"), ephemeral=("test",))
    scene.register("search", ("staging", "production"))
    begins, ends = (f"{scene.now + timedelta(days=days):%Y-%m-%d}" for days in (0, 3))
    why = json.dumps(scene.said("Stocktaking"))
    freeze = f'freezes: [{{from: "{begins}", until: "{ends}", reason: {why}}}]\n'
    scene.register("billing", ("test", "production"), ephemeral=("test",), production=freeze)
    scene.register("mail", ("staging", "production"))
    scene.register(
        "basket",
        ("test", "eu", "us", "asia"),
        ephemeral=("test",),
        order="test, [eu, us, asia]",
        elsewhere={"eu": ("444455556666", "eu-central-1"), "asia": ("777788889999", "ap-southeast-2")},
    )

    for application, minors in {
        "search": 2,
        "billing": 2,
        "mail": 2,
        "catalogue": 2,
        "payments": 3,
        "orders": 6,
    }.items():
        _past(scene, application, minors, day)

    found = {}
    found["refused"] = scene.refuse("orders", "1.20.0", 5 * 60)
    orders = scene.accept("orders", "1.21.0", 95)
    scene.deploy(orders, "test", 93)
    scene.through(orders, "production", 84, 12, State.EXECUTING)
    scene.fail(orders, "production", 74)
    scene.give_up(orders, "production", 62)
    found["operator"] = orders

    payments = scene.accept("payments", "1.20.0", 50, Currency="EUR")
    scene.deploy(payments, "test", 48)
    scene.deploy(payments, "staging", 40)
    scene.ask(payments, "production", 31)
    found["approval"] = payments

    catalogue = scene.accept("catalogue", "1.20.0", 14)
    scene.deploy(catalogue, "test", 13, 5)
    scene.plan(catalogue, "production", Progress.EXECUTED, Progress.EXECUTING)
    scene.through(catalogue, "production", 7, 8, State.EXECUTING)
    found["going"] = catalogue

    basket = scene.accept("basket", "1.20.0", 22)
    scene.deploy(basket, "test", 21, 5)
    scene.deploy(basket, "eu", 15)
    scene.plan(basket, "us", Progress.EXECUTED, Progress.EXECUTING)
    scene.through(basket, "us", 14, 12, State.EXECUTING)
    scene.plan(basket, "asia", Progress.EXECUTED, Progress.EXECUTED)
    scene.through(basket, "asia", 13, 10, State.EXECUTING)
    scene.fail(basket, "asia", 4, 2)
    found["wave"] = basket

    search = scene.accept("search", "1.20.0", 40)
    scene.deploy(search, "staging", 38)
    scene.through(search, "production", 30, 12, State.EXECUTING)
    scene.fail(search, "production", 21, 3)
    scene.question(search, "production", 12)
    found["question"] = search
    return found


def _past(scene: Scene, application: str, minors: int, day: int) -> None:
    """Simulate past releases, the last a day or two ago; every fourth failed and was rolled back."""
    before: Put | None = None
    stages = scene.account().registrations.texts(application)[1]
    for number in range(minors):
        begun = (minors - number) * 3 * day + len(application) * 37
        put = scene.accept(application, f"1.{number}.0", begun)
        *first, last = stages
        for place, stage in enumerate(first):
            scene.deploy(put, stage, begun - 3 - place * 20)
        at = begun - 70
        if number % 4 == _FAILS:
            scene.through(put, last, at, 12, State.EXECUTING)
            scene.fail(put, last, at - 9)
            scene.rolled_back(put, last, at - 30)
            continue
        scene.deploy(put, last, at, 9 + number % 5)
        scene.end(put, Outcome.DEPLOYED, at - 14)
        if number == minors - 1 and before is not None and application == "mail":
            scene.take_back(put, before, last, at - 400)
        before = put


def _step(action: Action, subject: str, why: str, risk: Risk) -> Step:
    kind = Kind.SERVICE if action is Action.RESTART_SERVICE else Kind.STACK
    call = ("ecs", "UpdateService") if kind is Kind.SERVICE else ("cloudformation", "ExecuteChangeSet")
    return Step(
        action,
        kind,
        subject,
        subject,
        call,
        {},
        why,
        "the stack takes updates in this status",
        risk,
        "the old tasks are stopped one by one",
        ("UPDATE_COMPLETE",),
        "the stack's status",
        95,
    )


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))
