"""What the console and the command show of stages, stacks and releases, from records alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from belay.ledger.incidents import IncidentRecord
from belay.release.attempt import Attempt, StageDeployment, TakenBack, Transition
from belay.release.life import State
from belay.release.manifest import Manifest, ManifestStack
from belay.release.reason import Statement, Why
from belay.release.records import Outcome, ReleaseReference, Upload
from belay.release.version import Version
from belay.subject.incident import Incident
from belay.subject.subjects import ReleaseAttempt
from cli.views.differences import Changed, compare
from cli.views.history import lines
from cli.views.measures import WEEKS, measured
from cli.views.stacks import of_operation
from cli.views.stage_track import track

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/1"
UPLOAD = Upload("orders", "releases", "releases/orders/orders-1.0.0.zip", "v1", 1)


def at(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat(timespec="milliseconds")


def reference(version: str, attempt: str) -> ReleaseReference:
    return ReleaseReference("orders", version, "d" * 64, attempt)


# -- how far a release has come ----------------------------------------------------------------------------------------


def history(*states: State, stage: str = "production", outcome: Outcome | None = None) -> list[Transition]:
    found = [Transition(at(60 - number), state, stage) for number, state in enumerate(states)]
    return found if outcome is None else [*found, Transition(at(0), State.STAGE_ENDED, stage, "", outcome)]


@pytest.mark.parametrize(
    ("states", "outcome", "stands"),
    [
        ([], None, "later later later later later"),
        ([State.PLANNING], None, "now later later later later"),
        ([State.PLANNING, State.REHEARSED], None, "done now later later later"),
        ([State.PLANNING, State.REHEARSED, State.AWAITING_APPROVAL], None, "done now later later later"),
        ([State.PLANNING, State.REHEARSED, State.EXECUTING], None, "done passed passed now later"),
        (
            [State.PLANNING, State.REHEARSED, State.APPROVED, State.SNAPSHOTS_TAKEN, State.EXECUTING, State.VALIDATED],
            None,
            "done done done done now",
        ),
        ([State.PLANNING, State.REHEARSED, State.EXECUTING, State.RECOVERING], None, "done passed passed failed later"),
        ([State.PLANNING, State.REHEARSED, State.VALIDATED], Outcome.DEPLOYED, "done passed passed done passed"),
        ([State.PLANNING], Outcome.ABORTED, "failed later later later later"),
    ],
)
def test_a_stage_shows_which_steps_are_done(states: list[State], outcome: Outcome | None, stands: str) -> None:
    found = track(history(*states, outcome=outcome), "production")
    assert [each.stands for each in found.steps] == stands.split()
    assert found.outcome is outcome
    assert (found.ended is None) is (outcome is None)


def test_a_stage_shares_the_outcome_of_an_attempt_that_ended_in_it() -> None:
    found = track(history(State.PLANNING, State.REHEARSED, State.EXECUTING), "production", Outcome.ROLLED_BACK)
    assert (found.tone, found.words, found.steps[3].stands) == ("back", "ROLLED_BACK", "failed")
    assert track(history(State.PLANNING, stage="test"), "production").tone == "empty"


# -- a stack's operation -----------------------------------------------------------------------------------------------


def event(name: str, status: str, minutes: float, token: str = "ours", **more: Any) -> dict[str, Any]:
    physical = STACK if name == "orders" else f"{name}-1"
    known = {"LogicalResourceId": name, "PhysicalResourceId": physical, "StackId": STACK, "ResourceType": "AWS::X::Y"}
    return {
        **known,
        "ResourceStatus": status,
        "ClientRequestToken": token,
        "Timestamp": NOW - timedelta(minutes=minutes),
        **more,
    }


def test_a_stack_s_operation_is_told_resource_by_resource() -> None:
    events = [
        event("orders", "UPDATE_COMPLETE", 1, "somebody's"),
        event("Service", "UPDATE_FAILED", 6, ResourceStatusReason="no image"),
        event("Queue", "UPDATE_IN_PROGRESS", 7),
        event("Service", "UPDATE_IN_PROGRESS", 8),
        event("orders", "UPDATE_IN_PROGRESS", 9),
        event("Queue", "CREATE_COMPLETE", 90, "earlier"),
    ]
    service, queue = of_operation(events, STACK, "ours")
    assert (service.name, service.status, service.reason, service.tone) == (
        "Service",
        "UPDATE_FAILED",
        "no image",
        "call",
    )
    assert (service.began, service.ended) == (at(8), at(6))
    assert (queue.name, queue.ended, queue.tone) == ("Queue", None, "going")
    assert of_operation(events, STACK, "nobody's") == []


# -- a stage over time -------------------------------------------------------------------------------------------------

FIRST, SECOND = reference("1.0.0", "a" * 12), reference("1.1.0", "b" * 12)
ANA = "arn:aws:iam::111122223333:user/ana"
DEPLOYMENTS = [
    StageDeployment("production", FIRST, at(5000)),
    StageDeployment("production", SECOND, at(300), None, TakenBack(at(100), "incident-1", ANA)),
    StageDeployment("production", FIRST, at(100), "incident-1"),
]


def attempt(release: ReleaseReference, minutes: float) -> Attempt:
    return replace(Attempt(UPLOAD, "arn", at(minutes)), version=release.version, digest=release.digest)


def test_history_says_who_how_long_and_what_stands() -> None:
    transitions = {
        SECOND.attempt: [
            Transition(at(320), State.PLANNING, "production"),
            Transition(at(310), State.APPROVED, "production", detail="approved by ben"),
        ]
    }
    attempts = {SECOND.attempt: attempt(SECOND, 360)}
    back, second, first = lines(DEPLOYMENTS, attempts, transitions, {"incident-1": at(110)}, "production")
    assert (back.version, back.incident, back.by, back.seconds, back.runs) == ("1.0.0", "incident-1", ANA, 600, True)
    assert (second.by, second.seconds, second.lead_seconds) == ("approved by ben", 20 * 60, 60 * 60)
    assert (second.stands, second.runs) == (False, False)
    assert (first.seconds, first.lead_seconds, first.by) == (None, None, None)


def test_the_four_measures() -> None:
    failed = ReleaseAttempt(reference("1.2.0", "c" * 12), "production", None)
    incident = Incident("incident-2", failed, Statement(Why.TOLD, "it failed"), "role")
    restored = IncidentRecord(incident, at(60), outcome=Outcome.ROLLED_BACK, ended_at=at(40))
    abandoned = replace(restored, incident=replace(incident, name="incident-3"), outcome=Outcome.NEEDS_OPERATOR)
    old = replace(restored, incident=replace(incident, name="incident-4"), opened_at=at(60 * 24 * 7 * (WEEKS + 1)))
    attempts = [
        replace(attempt(FIRST, 5060), upload=replace(UPLOAD, version_id="1")),
        replace(attempt(SECOND, 360), upload=replace(UPLOAD, version_id="2")),
    ]
    deployments = [
        replace(each, release=replace(each.release, attempt=attempts[0 if each.release is FIRST else 1].id))
        for each in DEPLOYMENTS
    ]
    found = measured(("orders", "production"), deployments, attempts, [restored, abandoned, old], NOW)
    assert (found.deployments, found.per_week) == (2, 2 / WEEKS)  # a rollback is no deployment
    assert found.lead_seconds == 60 * 60
    assert (found.failures, found.failure_rate) == (2, 2 / 3)  # one rolled back, one never deployed
    assert (found.restore_seconds, found.not_restored) == (20 * 60, 1)
    assert len(found.weeks) == WEEKS
    assert sum(each.deployments for each in found.weeks) == 2
    nothing = measured(("orders", "production"), [], [], [], NOW)
    assert (nothing.failure_rate, nothing.lead_seconds, nothing.restore_seconds) == (None, None, None)


# -- two releases ------------------------------------------------------------------------------------------------------


def manifest(version: str, *stacks: ManifestStack, **digests: str) -> Manifest:
    return Manifest("orders", Version.parse(version), f"Version {version}", False, stacks, None, digests)


def stack(name: str, template: str, **parameters: str) -> ManifestStack:
    return ManifestStack(name, template, parameters, (), ())


def test_two_releases_are_compared_side_by_side() -> None:
    before = manifest(
        "1.0.0",
        stack("network", "network"),
        stack("service", "service", Size="small"),
        stack("old", "old"),
        network="1",
        service="1",
        old="1",
        site="1",
    )
    after = manifest(
        "1.1.0",
        stack("network", "network"),
        stack("service", "service", Size="large"),
        stack("new", "new"),
        network="1",
        service="2",
        new="1",
        site="2",
        more="1",
    )
    templates = {"service": (b"a: 1\nb: 2\n", b"a: 1\nb: 3\n"), "old": (b"x: 1\n", None), "new": (None, None)}
    found = compare(before, after, templates)
    network, service, new, old = found.stacks
    assert network.same
    assert [f"{each.sign}{each.text}" for each in service.lines] == ["@@ -1,2 +1,2 @@", " a: 1", "-b: 2", "+b: 3"]
    assert service.parameters == (Changed("Size", "small", "large"),)
    assert (new.unread, new.same) == (True, False)  # its template is no longer stored, which is not "the same"
    assert [f"{each.sign}{each.text}" for each in old.lines] == ["@@ -1 +0,0 @@", "-x: 1"]
    assert found.files == (Changed("more", None, "1"), Changed("site", "1", "2"))
    assert found.more == (Changed("description", "Version 1.0.0", "Version 1.1.0"),)
