"""A ledger that many releases went through, and the DynamoDB requests made while something is done.

One release goes through the ledger's own writes; its items are copied for all the others, each with its own names and
times.
"""

import io
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import boto3
from botocore import handlers
from modules import function
from moto.dynamodb.models import Table, dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item
from simulated_ledger import bring, end, end_stage
from test_aws_command import Office
from untraced import untraced

from belay.approval.asked import AskedApproval, GivenAnswer
from belay.approval.principal import Principal
from belay.approval.seal import Seal
from belay.aws.rds import Databases
from belay.control.retention import SnapshotRetention
from belay.control.superseding import Superseding
from belay.control.unneeded import Unneeded
from belay.database.instance import INSTANCE
from belay.database.kinds import KINDS
from belay.database.snapshots import snapshot_tags
from belay.ledger.ledger import Ledger
from belay.ledger.operations import Purpose
from belay.notify.sent import SentMessage
from belay.policy.verdict import Finding, Severity, Verdict
from belay.release.dry_run import DryRun
from belay.release.life import State
from belay.release.lock import Claim
from belay.release.reason import Statement, Why, from_document
from belay.release.records import Outcome, ReleaseReference, Upload, upload_of
from belay.release.registration import Database
from belay.rollback.request import RollbackRange, RollbackRequest, rollback_range
from belay.subject.incident import Incident
from belay.subject.names import incident_of
from belay.subject.subjects import ReleaseAttempt
from cli.__main__ import main
from cli.account import Account, Where
from cli.views.measures import read_measures
from cli.views.overview import read_overview

PAGE_BYTES = 1_000_000
"""What DynamoDB reads at once is 1 MB at most; moto pages at the same size."""

STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-network/6a7e8fe0"
EXECUTIONS = "arn:aws:states:eu-west-1:123456789012:execution:belay-deploy-stage:"
MACHINES = "arn:aws:states:eu-west-1:123456789012:stateMachine:"
OTHER_VERSION = "9.9.9"
LIFE = "2026-01-01T10:00"
"""The minute of the one release from which the others are copied."""


class Requests:
    """The requests to DynamoDB, by operation; a response larger than a page counts as its number of pages."""

    def __init__(self) -> None:
        self.by_operation: dict[str, int] = {}

    def note(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        """Count a response, from botocore's event ``after-call``."""
        size = sum(len(json.dumps(each, default=str)) for each in parsed.get("Items", ()))
        pages = max(1, math.ceil(size / PAGE_BYTES))
        self.by_operation[model.name] = self.by_operation.get(model.name, 0) + pages

    @property
    def total(self) -> int:
        return sum(self.by_operation.values())


_HEARD: list[Requests] = []


def _hear(**event: Any) -> None:
    for each in _HEARD:
        each.note(**event)


handlers.BUILTIN_HANDLERS.append(("after-call.dynamodb", _hear))  # of every session that is created from now on


@contextmanager
def requests_to_ledger() -> Iterator[Requests]:
    """Count the requests to DynamoDB by clients of sessions created after this module."""
    requests = Requests()
    _HEARD.append(requests)
    try:
        yield requests
    finally:
        _HEARD.remove(requests)


def upload_number(number: int) -> Upload:
    """The upload of one of the releases, which are numbered from 1."""
    return upload_of("orders", "releases-bucket", f"releases/orders/2.{number}.0.zip", "v1", 4711)


def rejected_number(number: int) -> Upload:
    """The upload before one of the releases that did not become one."""
    return upload_of("orders", "releases-bucket", "releases/orders/upload.zip", f"again-{number}-", 4711)


def release_number(number: int) -> ReleaseReference:
    """One of the releases."""
    return ReleaseReference("orders", f"2.{number}.0", "d" * 64, upload_number(number).attempt)


class GrownOffice(Office):
    """An Office whose ledger ``releases`` went through, the next a minute after the one before.

    Each was deployed and rolled back by a recovery that asked a question. Before each came an upload that did not
    become a release, always with the same file name and version. A snapshot of the first is kept.
    """

    def __init__(self) -> None:
        client: Callable[[str], Any] = boto3.Session(region_name="eu-west-1").client
        super().__init__(client)
        live(self.ledger)
        pages = self.dynamodb.get_paginator("scan").paginate(TableName="ledger")
        self.releases, self._life = 1, json.dumps([item for page in pages for item in page["Items"]])
        rds = client("rds")
        rds.describe_account_attributes = lambda: {"AccountQuotas": []}  # moto knows no quotas
        login = {"MasterUsername": "admin1", "MasterUserPassword": "not-a-secret-1"}
        rds.create_db_instance(
            DBInstanceIdentifier="orders-db", DBInstanceClass="db.t4g.micro", Engine="postgres", **login
        )
        self.databases = Databases(rds)
        tags = snapshot_tags("orders", "production", "2.1.0", f"{EXECUTIONS}1")
        self.databases.create_snapshot(Database(INSTANCE, "orders-db"), "orders-db-1", tags)
        self.account = Account.of(Where(region="eu-west-1"))
        self.environment = {
            "LEDGER_TABLE": "ledger",
            "ARTIFACT_BUCKET": "artifacts",
            "POLL_SECONDS": "15",
            "RELEASE_BUCKET": "releases-bucket",
            "FILES_BUCKETS": "belay-files-123456789012-",
            "NOTIFICATION_TOPIC_ARN": self.topic,
            "PAUSE_PARAMETER": "/belay/paused",
            "DEPLOY_RELEASE_MACHINE_ARN": MACHINES + "belay-deploy-release",
            "PLAN_RELEASE_MACHINE_ARN": MACHINES + "belay-plan-release",
            "ROLLBACK_STAGE_MACHINE_ARN": MACHINES + "belay-rollback-stage",
        }

    @untraced
    def grow(self, releases: int) -> None:
        """Add releases until there are this many."""
        table = dynamodb_backends["123456789012"]["eu-west-1"].tables["ledger"]
        for number in range(self.releases + 1, releases + 1):
            for item in json.loads(_of_another(self._life, number)):
                table.put_item(item)
        self.releases = releases

    def command(self, *words: str) -> None:
        """Run a ``belay`` command; all commands share the clients of the first one, which are slow to create."""
        with patch.object(Account, "of", return_value=self.account), redirect_stdout(io.StringIO()) as said:
            status = main([*words, "--output", "json"])
        assert status == 0, said.getvalue()

    def items(self) -> Counter[str]:
        """How many items of each kind there are, by the beginning of their sort keys."""
        table = dynamodb_backends["123456789012"]["eu-west-1"].tables["ledger"]
        return Counter(str(item.attrs["SK"].value).split("#")[0] for item in table.all_items())

    def measured(self) -> dict[str, Requests]:
        """The DynamoDB requests of each act."""
        found = {}
        for name, act in acts(self).items():
            # moto copies every table before a transaction, to restore it on failure: none fails here. And it sorts all
            # items for every query, by values that are converted again for each comparison.
            with (
                patch.object(Table, "__deepcopy__", _itself, create=True),
                patch.object(Table, "all_items", _in_order),
                requests_to_ledger() as found[name],
            ):
                act()
        return found


def live(ledger: Ledger) -> None:
    """Take the first release, and an upload that did not become one, through their lives."""
    rejected, upload, release = rejected_number(1), upload_number(1), release_number(1)
    assert ledger.attempts.claim(rejected, "execution-r1", f"{LIFE}:00.000+00:00")
    ledger.attempts.note_version(rejected, OTHER_VERSION)
    attempt = ledger.attempts.get(rejected)
    assert attempt is not None
    why = from_document("the archive has no release.yaml")
    assert ledger.attempts.close(attempt, Outcome.REJECTED, why, f"{LIFE}:01.000+00:00")
    ledger.attempts.announced(attempt)

    assert ledger.attempts.claim(upload, "execution-1", f"{LIFE}:02.000+00:00")
    ledger.attempts.note_version(upload, release.version)
    assert ledger.attempts.accept(release, upload, (("test",), ("production",)), f"{LIFE}:03.000+00:00") is None
    _on_the_way(ledger, upload, release)
    for second, stage in ((10, "test"), (20, "production")):
        bring(ledger, release, stage, State.VERIFIED, now=f"{LIFE}:{second}.000+00:00")
        ledger.operations.record(
            STACK, f"token-1-{stage}", release, stage, purpose=Purpose.DEPLOY, now=f"{LIFE}:{second}.500+00:00"
        )
        end_stage(ledger, release, stage, now=f"{LIFE}:{second + 5}.000+00:00")
    finding = Finding(
        "t.yaml", "Group", "ssh-open", Verdict.FAIL, Severity.CRITICAL, 3, 5, "P", "It is.", "Do.", "Group"
    )
    ledger.findings.open("orders", "production", f"finding-{release.attempt}", finding, f"{LIFE}:40.000+00:00")
    ledger.findings.close("orders", "production", f"finding-{release.attempt}")
    _recover(ledger, release)
    end(ledger, release, Outcome.DEPLOYED, now=f"{LIFE}:30.000+00:00")
    attempt = ledger.attempts.get(release)
    assert attempt is not None
    ledger.attempts.announced(attempt)


def _on_the_way(ledger: Ledger, upload: Upload, release: ReleaseReference) -> None:
    """Its other records: its uploader, its questions, its turn, its copies and its pipeline."""
    now, ann = f"{LIFE}:04.000+00:00", Principal("arn:aws:iam::123456789012:user/ann")
    ledger.uploads.record_uploader(upload, ann, now)
    ask = AskedApproval("production", release.attempt, "token", now, now, four_eyes=False, digest="d", seal=Seal({}))
    ledger.approvals.ask(release, ask)
    ledger.approvals.answer(release, "production", GivenAnswer("approve", ann.arn, now, "seen in test"))
    ledger.approvals.delivered(release, "production", "token")
    ledger.holds.hold(release, "production", task_token="token", reason="a freeze", until="tomorrow", now=now)
    ledger.holds.record_override(release, "production", GivenAnswer("override", ann.arn, now, "now"))
    claim = Claim.of_release(release, "production", "execution-1")
    ledger.locks.wait(claim, 1)
    ledger.locks.leave_queue(claim)
    fencing = ledger.locks.acquire(claim, expires_at=1, seen=ledger.locks.get("orders", "production"), now=now)
    ledger.locks.release("orders", "production", fencing or 0)
    plan = DryRun(release, "production", "execution-p", now)
    ledger.dry_runs.enter(plan)
    ledger.dry_runs.leave("orders", "production", plan.execution)
    ledger.pipelines.run(release, "production", "deploy", f"run-{release.attempt}", now)
    ledger.pipelines.follow("orders", "production", f"run-{release.attempt}", deploying=True)
    ledger.pipelines.unfollow("orders", "production", f"run-{release.attempt}")


def _recover(ledger: Ledger, release: ReleaseReference) -> None:
    subject = ReleaseAttempt(release, "production", None)
    incident = Incident(incident_of(release.origin, "production"), subject, from_document("it failed"), "role")
    assert ledger.incidents.open(incident, f"{LIFE}:41.000+00:00")
    assert ledger.decisions.ask("orders", incident.name, "restore", "Restore?", f"{LIFE}:42.000+00:00")
    ledger.decisions.close("orders", incident.name, f"{LIFE}:43.000+00:00")
    why = Statement(Why.INTERRUPTED, "it was taken back")
    assert ledger.incidents.close(incident, Outcome.ROLLED_BACK, why, f"{LIFE}:44.000+00:00")
    ledger.incidents.announced(incident)
    for key in range(3):
        ledger.threads.number(release.thread, f"message-{key}")
        document = {"sequence": key + 1, "thread": release.thread, "subject": "It ended", "text": "Nothing to do."}
        sent = SentMessage(f"{LIFE}:4{key}.000+00:00", "topic", document)
        ledger.messages.keep(release.thread, sent)


def _of_another(text: str, number: int) -> str:
    """The first release's items, with another one's names and times."""
    minute = datetime.fromisoformat(f"{LIFE}:00+00:00") + timedelta(minutes=number)
    for old, new in (
        (upload_number(1).attempt, upload_number(number).attempt),
        (rejected_number(1).attempt, rejected_number(number).attempt),
        ("2.1.0", f"2.{number}.0"),
        ("again-1-", f"again-{number}-"),
        ("token-1-", f"token-{number}-"),
        (LIFE, minute.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")),
    ):
        text = text.replace(old, new)
    return text


# -- operations with constant cost
# ---------------------------------------------------------------------------------------


def _itself(table: Table, _: object) -> Table:
    return table


def _in_order(table: Table) -> list[Item]:
    items = (item for of_key in table.items.values() for item in of_key.values())
    return sorted(items, key=lambda item: (item.hash_key.value, item.range_key.value))


def acts(office: GrownOffice) -> Mapping[str, Callable[[], object]]:
    """What people and functions do with the ledger, by name."""
    ledger, releases = office.ledger, office.releases
    newest = release_number(releases)
    snapshots = SnapshotRetention(ledger, office.databases)
    registered = office.account.registrations.read()

    def claim_and_close() -> None:
        upload = replace(upload_number(releases + 1), version_id="v9")
        now = "2025-01-01T10:00:00.000+00:00"
        assert ledger.attempts.claim(upload, "execution-new", now)
        ledger.attempts.note_version(upload, newest.version)
        attempt = ledger.attempts.get(upload)
        assert attempt is not None
        assert ledger.attempts.close(attempt, Outcome.REJECTED, None, now)
        ledger.attempts.announced(attempt)

    def rollback() -> None:
        history = ledger.stages.history("orders", "production")
        asked = RollbackRequest("orders", "production")
        assert isinstance(rollback_range(asked, history, None), RollbackRange)
        ledger.incidents.durations("orders", "production")

    def superseded() -> None:
        arrived = Superseding(ledger, office.account.artifacts, office.account.aws.executions)
        assert arrived.arrive(newest, "production") == []

    def turn() -> None:
        """Take a stage's lock as a release does, and release it."""
        claim = Claim.of_release(newest, "production", "execution-new")
        assert ledger.locks.queue(claim) == []
        seen = ledger.locks.get("orders", "production")
        fencing = ledger.locks.acquire(claim, expires_at=1, seen=seen, now=f"{LIFE}:00.000+00:00")
        assert fencing is not None
        ledger.locks.release("orders", "production", fencing)

    def planned() -> None:
        wanted = DryRun(newest, "production", "execution-p", f"{LIFE}:00.000+00:00")
        assert ledger.dry_runs.enter(wanted) == wanted
        ledger.dry_runs.leave("orders", "production", wanted.execution)

    def operation() -> None:
        ledger.operations.settled(STACK)
        assert ledger.operations.get(STACK, f"token-{releases}-production") is not None
        assert ledger.operations.get(STACK, "nobody's") is None

    return {
        "list": lambda: office.command("list"),
        "list APPLICATION": lambda: office.command("list", "orders"),
        "status": lambda: office.command("status"),
        "status APPLICATION": lambda: office.command("status", "orders"),
        "show APPLICATION": lambda: office.command("show", "orders"),
        "show RELEASE": lambda: office.command("show", f"orders/{newest.version}"),
        "show the oldest": lambda: office.command("show", "orders/2.1.0"),
        "show a version of many attempts": lambda: office.command("show", f"orders/{OTHER_VERSION}"),
        "show a file of many uploads": lambda: office.command("show", f"orders/{rejected_number(1).file}"),
        "incidents": lambda: office.command("incidents"),
        "messages RELEASE": lambda: office.command("messages", f"orders/{newest.version}"),
        "the console's overview": lambda: read_overview(ledger, registered, paused=False, now=datetime.now(UTC)),
        "the console's measures": lambda: read_measures(ledger, "orders", "production", datetime.now(UTC)),
        "an older release is superseded": superseded,
        "a stage's lock": turn,
        "a plan's place": planned,
        "a release's approvals": lambda: ledger.approvals.of_attempt(newest),
        "a pipeline's executions": lambda: ledger.pipelines.followed("orders", "production"),
        "who may have a stack": ledger.stack_claims.every,
        "what is to be copied to vaults": ledger.vault_copies.every,
        "objects that nothing needs": lambda: Unneeded(
            ledger, office.account.artifacts, office.account.aws.release_bucket("releases-bucket")
        ).tag(datetime.now(UTC), lambda: True),
        "sweep": lambda: function("sweep").handler({}, None),
        "rollback": rollback,
        "claim and close": claim_and_close,
        "whose an operation is": operation,
        "findings of a stage": lambda: ledger.findings.standing("orders", "production"),
        "snapshot retention": lambda: [snapshots.clean(each, EXECUTIONS, 1, dry_run=True) for each in KINDS.values()],
    }
