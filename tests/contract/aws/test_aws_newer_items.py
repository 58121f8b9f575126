"""A field that a newer Belay adds to an item of the ledger is passed over, as one in a document is."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import v0_1
from boto3.dynamodb.types import TypeDeserializer
from grown_ledger import live, rejected_number, release_number, upload_number
from simulated_ledger import empty_ledger

from belay.approval.asked import AskedApproval, GivenAnswer
from belay.approval.seal import Seal
from belay.ledger import ledger as ledger_module
from belay.ledger.ledger import Ledger
from belay.ledger.operations import Purpose
from belay.ledger.pipelines import GoodExecution
from belay.pipeline.execution import PipelineExecution, PipelineStatus, Revision
from belay.policy.verdict import Finding, Severity, Verdict
from belay.release.applied import AppliedChange, AppliedOutcome, ChangedDatabase
from belay.release.attempt import StackLeft, UploadsLook
from belay.release.dry_run import DryRun
from belay.release.lock import Claim
from belay.release.place import AccountRegion
from belay.release.reason import Statement, Why
from belay.release.stack_claim import StackClaim
from belay.release.vault import Vault
from belay.release.vault_copy import VaultCopy
from belay.rollback.noted import Noted
from belay.rollback.plan import Action, Kind
from belay.rollback.taken import StepTaken
from belay.stack.baseline import Baseline
from belay.stack.values import KnownValues
from belay.subject.incident import Incident
from belay.subject.subjects import ReleaseAttempt

NOW: Final = "2026-01-01T10:00:00.000+00:00"
STACK: Final = "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-network/6a7e8fe0"
ANN: Final = GivenAnswer("close", "arn:aws:iam::123456789012:user/ann", NOW)
RELEASE, UPLOAD = release_number(1), upload_number(1)
DATABASE: Final = ChangedDatabase(
    "orders", "production", AccountRegion("aws", "123456789012", "eu-west-1"), "orders-db"
)
PIPELINE: Final = "arn:aws:codepipeline:eu-west-1:123456789012:deploy"
OPEN: Final = Incident(
    "open", ReleaseAttempt(RELEASE, "production", None), Statement(Why.INTERRUPTED, "it was interrupted"), "role"
)
BY_NAME: Final = {
    "parts",
    "noted",
    "blocked",
    "settled",
    "digests",
    "versions",
    "parameters",
    "resolved",
    "tags",
    "known",
}
"""Maps whose keys are names that come from elsewhere, not fields of ours."""


def filled(ledger: Ledger) -> None:
    """Store an item of every kind: those that a release leaves, and those that are there while something goes on."""
    live(ledger)
    ledger.attempts.claim(rejected_number(2), "execution-2", NOW)
    ledger.uploads.hold(rejected_number(2), {"detail": {}}, NOW)
    ledger.uploads.note_look(UploadsLook.first(datetime.fromisoformat(NOW)))
    ask = AskedApproval(
        "test", RELEASE.attempt, "token", NOW, NOW, four_eyes=False, digest="d", seal=Seal({"all": "d"})
    )
    ledger.approvals.ask(RELEASE, ask)
    ledger.stages.leave("orders", "production", [StackLeft("network", "orders-network", "1.0.0", back=True)])
    ledger.stages.went_back("orders", "test", None, "taken-back", ANN.by, NOW)
    incidents = ledger.incidents
    assert incidents.open(OPEN, NOW)
    incidents.record_step(OPEN, StepTaken(Action.ROLLBACK_STACK, Kind.STACK, "network", "it failed", NOW), 0)
    incidents.note(OPEN, "network", Noted(endangered=("Table",)))
    incidents.block(OPEN, "service", "it holds data")
    incidents.acknowledge(OPEN, ANN)
    incidents.leave(OPEN)
    incidents.watch(OPEN, [STACK], more=False)
    incidents.record_duration("orders", "production", "ROLLBACK_STACK", "network", 7, keep=5)
    ledger.decisions.ask("orders", OPEN.name, "restore", "Restore?", NOW)
    finding = Finding("t.yaml", "Group", "ssh-open", Verdict.FAIL, Severity.HIGH, 3, 5, "P", "It is.", "Do.", "Group")
    ledger.findings.open("orders", "production", "finding", finding, NOW)
    ledger.baselines.record(RELEASE.origin, "production", "network", Baseline("orders-network", existed=False))
    applied = AppliedChange("1", "ann", "1.sql", 0, "d" * 64, RELEASE, NOW, NOW, AppliedOutcome.APPLIED)
    ledger.database_changes.record(DATABASE, [applied])
    ledger.operations.record(
        STACK, "token", RELEASE, "production", purpose=Purpose.DEPLOY, now=NOW, change_set_id="arn", templates=["t"]
    )
    ledger.operations.note_settled(STACK, "UPDATE_COMPLETE")
    ledger.values.record(STACK, KnownValues("token", {"Password": "mac"}))
    ledger.stack_claims.claim(StackClaim("123456789012", "eu-west-1", "orders-network", "orders", "production", NOW))
    waits = Claim.of_release(RELEASE, "production", "execution-1")
    ledger.locks.wait(waits, 4_000_000_000)
    held = ledger.locks.get("orders", "production")
    ledger.locks.acquire(waits, expires_at=1, seen=held, now=NOW)
    ledger.dry_runs.enter(DryRun(RELEASE, "production", "execution-p", NOW))
    seen = PipelineExecution("deploy", "seen", PipelineStatus.SUCCEEDED)
    ledger.pipelines.record("orders", "production", seen, deploying=True, now=NOW)
    ledger.pipelines.follow("orders", "production", "seen", deploying=True)
    ledger.pipelines.watch("orders", "production", PIPELINE, NOW)
    good = GoodExecution("deploy", "seen", (Revision("Source", "3f2a"),), NOW, NOW, PIPELINE)
    ledger.pipelines.record_good("orders", "production", good)
    ledger.registrations.note_unreadable("/belay/applications/orders", "d", NOW)
    vault = Vault("aws", "210987654321", "eu-west-1")
    copied = ("instance", "orders-db", "orders-db-1", "arn:snapshot", 20, "execution-1", vault, None)
    ledger.vault_copies.enter(
        VaultCopy(RELEASE.origin, "production", *copied, datetime.fromisoformat(NOW), taken_by="execution-")
    )


def seen(ledger: Ledger, faults: list[Exception]) -> Mapping[str, object]:
    """What every reader of the ledger makes of the items."""
    here = ("orders", "production")
    attempts = [ledger.attempts.get(each) for each in (UPLOAD, rejected_number(1), rejected_number(2))]
    return {
        "attempts": attempts,
        "histories": [ledger.attempts.history(each) for each in attempts if each is not None],
        "newest attempts": ledger.attempts.newest("orders", 9),
        "attempts of a version": ledger.attempts.of_version("orders", RELEASE.version),
        "attempts of a file": ledger.attempts.of_file("orders", UPLOAD.file),
        "a version's head": ledger.attempts.head("orders", RELEASE.version),
        "open attempts": ledger.attempts.open_ones(faults),
        "held uploads": ledger.uploads.held(faults),
        "the look": ledger.uploads.look(),
        "an uploader": ledger.uploads.uploader(UPLOAD),
        "approvals": ledger.approvals.of_attempt(RELEASE),
        "awaited approvals": ledger.approvals.asked(faults),
        "holds": ledger.holds.of_attempt(RELEASE),
        "an override": ledger.holds.override(RELEASE, "production"),
        "what runs": [ledger.stages.runs("orders", stage) for stage in ledger.stages.of("orders")],
        "stages' histories": [ledger.stages.history("orders", stage) for stage in ("test", "production")],
        "mixed stages": ledger.stages.mixed(),
        "incidents": ledger.incidents.newest("orders", 9),
        "open incidents": ledger.incidents.open_ones(faults),
        "what incidents left": ledger.incidents.left(),
        "watched incidents": ledger.incidents.watched(faults),
        "durations": ledger.incidents.durations(*here),
        "questions": ledger.decisions.of_incident("orders", OPEN.name),
        "findings": ledger.findings.standing(*here),
        "baselines": ledger.baselines.of(RELEASE.origin, "production"),
        "database changes": ledger.database_changes.of(DATABASE, lambda _: False),
        "operations": [ledger.operations.get(STACK, token) for token in ("token", "token-1-test")],
        "the newest operation": (ledger.operations.submitted(STACK), ledger.operations.settled(STACK)),
        "values": ledger.values.of(STACK),
        "stack claims": ledger.stack_claims.every(faults),
        "locks": (ledger.locks.held(faults), ledger.locks.queues()),
        "plans": ledger.dry_runs.every(faults),
        "executions": [ledger.pipelines.get(*here, each) for each in ("seen", f"run-{RELEASE.attempt}")],
        "followed executions": ledger.pipelines.followed(*here),
        "the last good execution": ledger.pipelines.good(*here, PIPELINE),
        "the watch": ledger.pipelines.watch(*here, PIPELINE, NOW),
        "unreadable registrations": ledger.registrations.unreadable(faults),
        "vault copies": ledger.vault_copies.every(faults),
        "a thread": ledger.threads.number(RELEASE.thread, "message-0"),
        "messages": ledger.messages.of_thread(RELEASE.thread),
    }


def newer(value: Any, name: str = "") -> Any:
    """A value with a field more, in itself and in whatever it holds."""
    if isinstance(value, list):
        return [newer(each) for each in value]
    if not isinstance(value, dict) or name == "event":
        return value  # an event is AWS's
    more = {} if name in BY_NAME else {"newer": "unknown"}
    return {key: newer(each, key) for key, each in value.items()} | more


def items(dynamodb: Any) -> list[dict[str, Any]]:
    pages = dynamodb.get_paginator("scan").paginate(TableName="ledger")
    plain = TypeDeserializer().deserialize
    return [{name: plain(value) for name, value in item.items()} for page in pages for item in page["Items"]]


def kinds(found: list[dict[str, Any]]) -> set[str]:
    return {word for item in found for key in (item["PK"], item["SK"]) for word in key.split("#") if word.isupper()}


def test_a_field_that_a_newer_belay_wrote_is_passed_over(simulated: Callable[[str], Any]) -> None:
    dynamodb, faults = simulated("dynamodb"), list[Exception]()
    ledger = empty_ledger(dynamodb)
    filled(ledger)
    before = seen(ledger, faults)
    assert faults == []
    assert [name for name, value in before.items() if not value] == [], "every kind of item is read"
    listed = set(re.findall(r"(?:``|\.\.\.#)([A-Z]+)", str(ledger_module.__doc__))) - {"PK", "SK"}
    assert listed <= kinds(items(dynamodb)), "every kind of item is there"
    v0_1.put(dynamodb, "ledger", [newer(item) for item in items(dynamodb)])
    after = seen(ledger, faults)
    assert faults == []
    assert {name: value for name, value in after.items() if value != before[name]} == {}
