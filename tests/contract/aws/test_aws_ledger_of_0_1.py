"""Belay 0.1's ledger items about incidents, locks, people, pipelines and stacks can be read."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import v0_1
from simulated_ledger import empty_ledger, every_incident

from belay.approval.asked import GivenAnswer
from belay.ledger.ledger import Ledger
from belay.ledger.operations import Operation, Purpose
from belay.ledger.pipelines import ExecutionRecord, GoodExecution
from belay.pipeline.execution import PipelineStatus, Revision
from belay.release.lock import Lock, Waiter
from belay.release.origin import Origin
from belay.release.records import ReleaseReference
from belay.rollback.question import AskedQuestion
from belay.subject.subjects import AskedRollback, ForeignOperation, PipelineDeployment, ReleaseAttempt

ANN = "arn:aws:sts::123456789012:assumed-role/Approver/ann"
EXECUTION = "{}-4321-8765-dcba-87654321dcba"


@pytest.fixture
def ledger(simulated: Callable[[str], Any]) -> Ledger:
    dynamodb = simulated("dynamodb")
    found = empty_ledger(dynamodb)
    v0_1.put(dynamodb, "ledger", v0_1.all_items())
    return found


def test_incidents_of_every_kind_with_what_was_tried(ledger: Ledger) -> None:
    kept = v0_1.items("incident")
    read = [each for name in {item["application"] for item in kept} for each in every_incident(ledger, name)]
    assert {each.incident.name for each in read} == {item["incident"] for item in kept}
    kinds = {type(each.incident.subject) for each in read}
    assert kinds == {ReleaseAttempt, PipelineDeployment, ForeignOperation, AskedRollback}
    for item in kept:
        record = ledger.incidents.get(item["application"], item["incident"])
        assert record is not None
        assert [each.to_dict() for each in record.tried] == item["tried"]
        assert (record.blocked, record.settled) == (item["blocked"], set(item["settled"]))
        assert record.noted.keys() == item["noted"].keys()
        for subject, facts in item["noted"].items():
            noted = record.noted[subject]
            assert (noted.restarted, noted.stopped_from) == (facts.get("restarted"), facts.get("stopped_from"))
            assert (noted.verification.since if noted.verification else None) == facts.get("since")
        assert (record.outcome, record.announced) == (item.get("outcome"), item.get("announced", False))
        assert record.incident.subject.attempt == item["details"]["release"]["attempt"]


def test_open_and_watched_incidents(ledger: Ledger) -> None:
    kept = [item for item in v0_1.items("open") if item["SK"].startswith("INCIDENT#")]
    assert [(each.incident, each.execution) for each in ledger.incidents.open_ones()] == [
        (item["document"]["incident"], item["execution"]) for item in kept
    ]
    watched = {each.incident.name: [*each.stack_ids] for each in ledger.incidents.watched()}
    assert watched == {item["SK"]: item["stacks"] for item in v0_1.items("unhealthy")}
    kept_durations = [
        item
        for item in v0_1.items("duration")
        if (item["PK"], item["SK"].split("#")[1]) == ("APPLICATION#orders", "production")
    ]
    durations = {(item["action"], item["subject"]): item["seconds"] for item in kept_durations}
    assert ledger.incidents.durations("orders", "production") == durations


def test_operations_of_releases_and_of_others(ledger: Ledger) -> None:
    for item in v0_1.items("operation"):
        read = ledger.operations.get(item["PK"].removeprefix("STACK#"), item["SK"].removeprefix("OPERATION#"))
        release = ReleaseReference.from_dict(item["release"])
        of = release if release.digest else None
        assert read == Operation(release.attempt, item["stage"], Purpose(item["purpose"]), of)


def attempt_in(item: dict[str, Any]) -> ReleaseReference:
    """The attempt that an item of a release is about."""
    _, application, version = item["PK"].split("#")
    return ReleaseReference(application, version, "", item["attempt"])


def test_what_was_asked_of_people_and_answered(ledger: Ledger) -> None:
    for item in v0_1.items("approval"):
        (asked,) = ledger.approvals.of_attempt(attempt_in(item))
        assert asked == ledger.approvals.asked_of(attempt_in(item), item["SK"].removeprefix("APPROVAL#"))
        assert (asked.stage, asked.attempt, asked.digest) == ("production", item["attempt"], item["seal"]["digest"])
        assert asked.seal.parts == item["seal"]["parts"]
        assert (asked.answer and asked.answer.to_dict()) == item.get("answer")
    assert [each.release.version for each in ledger.approvals.asked()] == ["1.4.0", "1.5.0-rc.1"]
    (held,) = (attempt_in(each) for each in v0_1.items("hold") if each["PK"].endswith("held-by-window#1.4.3"))
    assert [each.reason for each in ledger.holds.of_attempt(held)] == ["no deployment window is open"]
    answer = GivenAnswer("override", ANN, "2026-11-02T09:40:00.000+00:00", "security fix", "AROAEXAMPLE:ann")
    overridden = ReleaseReference("held-by-window", "1.4.4", "", "41fa6a939ccd")
    assert ledger.holds.override(overridden, "production") == answer
    assert ledger.holds.override(replace(overridden, attempt="bbbbbbbbbbbb"), "production") is None
    questions = ledger.decisions.of_incident("release-incident", "release-incident-production-3c5daf915183")
    denied = {"approved": False, "by": ANN, "at": "2026-11-02T09:17:00.000+00:00", "comment": "it holds data"}
    assert questions["delete-network"] == AskedQuestion(
        "delete-network", "Delete the stack orders-network?", "2026-11-02T09:16:00.000+00:00", announced=True, **denied
    )
    assert questions["restore-orders-production"].answer is None


def test_a_question_is_answered_where_it_was_asked(ledger: Ledger) -> None:
    """A release that waited through the upgrade: its token changes, people are reminded, and one of them answers."""
    waits = next(each for each in ledger.approvals.asked() if each.release.version == "1.4.0")
    release, stage = waits.release, waits.stage
    asked = ledger.approvals.asked_of(release, stage)
    assert asked is not None
    ledger.approvals.ask_on(release, asked, "the successor's")
    ledger.approvals.reminded(waits, "now")
    listed = {each.release.version: each.reminded_at for each in ledger.approvals.asked()}
    assert (listed.keys(), listed["1.4.0"]) == ({"1.4.0", "1.5.0-rc.1"}, "now")
    answer = GivenAnswer("approve", ANN, "now", seal=asked.digest)
    assert ledger.approvals.answer(release, stage, answer)
    assert not ledger.approvals.answer(release, stage, answer)
    assert ledger.approvals.of_attempt(release) == [replace(asked, task_token="the successor's", answer=answer)]
    ledger.approvals.delivered(release, stage, "the successor's")
    assert [each.release.version for each in ledger.approvals.asked()] == ["1.5.0-rc.1"]


def test_a_later_attempt_leaves_what_an_earlier_one_was_asked(ledger: Ledger) -> None:
    waits = next(each for each in ledger.approvals.asked() if each.release.version == "1.4.0")
    earlier, later = waits.release, replace(waits.release, attempt="bbbbbbbbbbbb")
    asked = ledger.approvals.asked_of(earlier, waits.stage)
    assert asked is not None
    again = replace(asked, attempt=later.attempt)
    ledger.approvals.ask(later, again)
    assert (ledger.approvals.of_attempt(earlier), ledger.approvals.of_attempt(later)) == ([asked], [again])
    ledger.approvals.ask_no_more(earlier, waits.stage)
    assert [each.release for each in ledger.approvals.asked() if each.release.version == "1.4.0"] == [later]


def test_a_release_that_is_held_goes_on_waiting_with_another_token(ledger: Ledger) -> None:
    (release,) = (attempt_in(each) for each in v0_1.items("hold") if each["PK"].endswith("held-by-window#1.4.3"))
    before = ledger.holds.of(release, "production")
    assert before is not None
    known = {"reason": before.reason, "until": before.until, "now": before.at}
    assert not ledger.holds.hold(release, "production", task_token="the successor's", **known)
    assert ledger.holds.of_attempt(release) == [replace(before, task_token="the successor's")]


def test_locks_and_who_waits_for_them(ledger: Ledger) -> None:
    execution = "arn:aws:states:eu-west-1:123456789012:execution:belay-rollback-stage:billing-production-bbbbbbbbbbbb"
    assert ledger.locks.get("billing", "production") == Lock(
        "billing",
        "production",
        held=True,
        owner="bbbbbbbbbbbb",
        label="2.0.0",
        execution=execution,
        incident="billing-production-bbbbbbbbbbbb",
        fencing=1,
        expires_at=1793611500,
        held_since="2026-11-02T09:12:00.000+00:00",
    )
    assert [f"{each.application}/{each.stage}" for each in ledger.locks.held()] == [
        "billing/production",
        "locks/production",
    ]
    assert ledger.locks.queues() == [Waiter("locks", "production", "4486402c459a", "1.7.1", 1793611200)]


def test_executions_of_pipelines(ledger: Ledger) -> None:
    succeeded = EXECUTION.format("87654321")
    read = ledger.pipelines.get("pipelines", "production", succeeded)
    assert read == ExecutionRecord(PipelineStatus.SUCCEEDED)
    run = ledger.pipelines.get("pipelines", "production", EXECUTION.format("bbbbbbbb"))
    assert run is not None
    assert (run.status, run.release and run.release.version) == (None, "1.10.0")
    times = ("2026-11-02T09:06:00.000+00:00", "2026-11-02T09:09:00.000+00:00")
    good = GoodExecution("orders-pipeline", succeeded, (Revision("Source", "3sL4kqtJlcpXroDTDmJ"),), *times)
    pipeline = "arn:aws:codepipeline:eu-west-1:123456789012:orders-pipeline"
    assert ledger.pipelines.good("pipelines", "production", pipeline) == good
    assert good.kept_under("pipelines") == Origin("pipelines", f"{succeeded}-good", "42efb6496676")
    assert ledger.pipelines.followed("pipelines", "production") == {EXECUTION.format("aaaaaaaa"): True}


def test_stacks_as_they_were(ledger: Ledger) -> None:
    for item in v0_1.items("baseline"):
        _, application, version = item["PK"].split("#")
        _, stage, attempt, stack = item["SK"].split("#")
        found = ledger.baselines.of(Origin(application, version, attempt), stage)[stack]
        assert (found.stack_name, found.existed) == (item["baseline"]["stack_name"], item["baseline"]["existed"])


def test_findings_that_stand(ledger: Ledger) -> None:
    standing = ledger.findings.standing("findings", "production")["b4c5d9fd6698c2a6"]
    assert (standing.finding.policy, standing.first_seen) == ("ssh-open", "2026-11-02T09:00:00.000+00:00")
    assert standing.announced


def test_the_messages_of_a_thread(ledger: Ledger) -> None:
    thread = ledger.threads.number("orders-0123456789ab", "the-next")
    assert [thread.number_of(key) for key in ("started", "ended DEPLOYED", "the-next")] == [1, 2, 3]
    assert thread.told == {"started"}
