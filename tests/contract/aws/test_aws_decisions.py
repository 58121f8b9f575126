"""Decisions are recorded once and delivered to the waiting execution; undelivered ones are delivered again."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber
from simulated_ledger import accepted, bring, end

from belay.approval.asked import AskedApproval, GivenAnswer
from belay.approval.decision import Decision
from belay.approval.principal import Principal
from belay.approval.request import ApprovalText
from belay.approval.seal import Seal
from belay.aws.s3 import ArtifactBucket
from belay.aws.sns import Notifications
from belay.aws.stepfunctions import Executions
from belay.control.approvals import Approvals
from belay.control.decisions import Decisions
from belay.control.endings import Endings
from belay.events.function_url import Refusal
from belay.ledger.ledger import Ledger
from belay.release.life import State
from belay.release.reason import PersonDecided, from_document, to_dict
from belay.release.records import Outcome, ReleaseReference, Upload
from belay.subject.incident import Incident
from belay.subject.subjects import ReleaseAttempt

ASKED_AT, NOW = "2026-03-01T12:00:00.000+00:00", "2026-03-02T12:00:00.000+00:00"
EXPIRES_AT = "2026-03-08T12:00:00.000+00:00"
UPLOAD = Upload("orders", "releases-bucket", "releases/orders/1.2.0.zip", "v1", 4711)
RELEASE = ReleaseReference("orders", "1.2.0", "d1", UPLOAD.attempt)
JO, MARIA = (Principal(f"arn:aws:iam::111122223333:user/{name}", f"AIDA{name}") for name in ("jo", "maria"))
APPROVE = Decision("approve", "orders", "1.2.0", "production", comment="looks right")
REJECT = Decision("reject", "orders", "1.2.0", "production", comment="not on a Friday")
OVERRIDE = Decision("override", "orders", "1.2.0", "production", comment="hotfix")
RESTORE = Decision("approve", "orders", incident="orders-production-1", question="restore")


@pytest.fixture
def ledger(ledger: Ledger) -> Ledger:
    accepted(ledger, UPLOAD, "1.2.0", now=ASKED_AT)
    bring(ledger, RELEASE, "production", State.AWAITING_APPROVAL, now=ASKED_AT)
    return ledger


@pytest.fixture
def waiting(stubbed: Callable[[str], tuple[Any, Stubber]]) -> tuple[Executions, Stubber]:
    client, stub = stubbed("stepfunctions")
    return Executions(client), stub


def ask(ledger: Ledger, *, four_eyes: bool = False) -> None:
    asked = AskedApproval(
        "production",
        RELEASE.attempt,
        "token",
        requested_at=ASKED_AT,
        expires_at=EXPIRES_AT,
        four_eyes=four_eyes,
        digest="0123456789abcdef",
        seal=Seal({}),
    )
    ledger.approvals.ask(RELEASE, asked)


def will_go_on(stub: Stubber, by: Principal = JO) -> None:
    output = json.dumps({"by": by.arn, "seal": "0123456789abcdef"})
    stub.add_response("send_task_success", {}, {"taskToken": "token", "output": output})


def test_an_approval_is_recorded_with_who_gave_it_and_delivered(
    ledger: Ledger, waiting: tuple[Executions, Stubber]
) -> None:
    ask(ledger)
    will_go_on(waiting[1])
    answer = Decisions(ledger, waiting[0]).take(APPROVE, JO, NOW)
    assert isinstance(answer, GivenAnswer)
    assert [each.answer for each in ledger.approvals.of_attempt(RELEASE)] == [answer]
    assert (answer.by, answer.seal, answer.comment) == (JO.arn, "0123456789abcdef", "looks right")
    assert ledger.approvals.asked() == []
    attempt = ledger.attempts.get(RELEASE)
    assert attempt is not None
    assert attempt.under_way[0].state is State.APPROVED
    assert ledger.attempts.history(attempt)[-1].detail == f"approved by {JO.arn}: looks right"


def test_a_rejection_fails_the_task_with_the_answer(ledger: Ledger, waiting: tuple[Executions, Stubber]) -> None:
    ask(ledger)
    cause = json.dumps(to_dict(PersonDecided(JO.arn, "rejected it", "not on a Friday")))
    failed = {"taskToken": "token", "error": "ApprovalDenied", "cause": cause}
    waiting[1].add_response("send_task_failure", {}, failed)
    assert isinstance(Decisions(ledger, waiting[0]).take(REJECT, JO, NOW), GivenAnswer)


def test_the_first_answer_stands(ledger: Ledger, waiting: tuple[Executions, Stubber]) -> None:
    ask(ledger)
    will_go_on(waiting[1])
    decisions = Decisions(ledger, waiting[0])
    decisions.take(APPROVE, JO, NOW)
    second = decisions.take(REJECT, MARIA, NOW)
    assert isinstance(second, Refusal)
    assert (second.status, second.error) == (409, "AlreadyAnswered")


def test_the_same_said_twice_is_delivered_twice(ledger: Ledger, waiting: tuple[Executions, Stubber]) -> None:
    ask(ledger)
    will_go_on(waiting[1])
    will_go_on(waiting[1])
    decisions = Decisions(ledger, waiting[0])
    assert decisions.take(APPROVE, JO, NOW) == decisions.take(APPROVE, JO, "2026-03-02T13:00:00.000+00:00")


def test_the_same_said_after_the_release_went_on_is_answered_alike(
    ledger: Ledger, waiting: tuple[Executions, Stubber]
) -> None:
    ask(ledger)
    will_go_on(waiting[1])
    decisions = Decisions(ledger, waiting[0])
    first = decisions.take(APPROVE, JO, NOW)
    waiting[1].add_client_error("send_task_success", "TaskTimedOut")
    assert decisions.take(APPROVE, JO, "2026-03-02T13:00:00.000+00:00") == first
    end(ledger, RELEASE, Outcome.ABORTED, "stopped", now=NOW)
    waiting[1].add_client_error("send_task_success", "TaskTimedOut")
    stopped = decisions.take(APPROVE, JO, NOW)
    assert isinstance(stopped, Refusal)
    assert (stopped.status, stopped.error) == (410, "Ended")


def test_an_answer_that_nobody_waits_for_is_refused(ledger: Ledger, waiting: tuple[Executions, Stubber]) -> None:
    ask(ledger)
    waiting[1].add_client_error("send_task_success", "TaskTimedOut")
    refused = Decisions(ledger, waiting[0]).take(APPROVE, JO, NOW)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.error) == (410, "Ended")


def test_an_answer_that_comes_after_the_stage_has_ended_moves_nothing(
    ledger: Ledger, waiting: tuple[Executions, Stubber]
) -> None:
    ask(ledger)
    assert ledger.attempts.end_stage(RELEASE, "production", Outcome.ABORTED, good=False, fencing=None, now=NOW)
    waiting[1].add_client_error("send_task_success", "TaskTimedOut")
    refused = Decisions(ledger, waiting[0]).take(APPROVE, JO, NOW)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.error) == (410, "Ended")
    attempt = ledger.attempts.get(RELEASE)
    assert attempt is not None
    assert attempt.standing == "STAGE ABORTED"


def test_what_nobody_asked_is_unknown(ledger: Ledger, waiting: tuple[Executions, Stubber]) -> None:
    for decision in (APPROVE, Decision("override", "orders", "9.9.9", "production", comment="x"), RESTORE):
        refused = Decisions(ledger, waiting[0]).take(decision, JO, NOW)
        assert isinstance(refused, Refusal)
        assert refused.status == 404


def test_whoever_uploaded_does_not_approve_with_four_eyes(ledger: Ledger, waiting: tuple[Executions, Stubber]) -> None:
    ask(ledger, four_eyes=True)
    decisions = Decisions(ledger, waiting[0])
    unknown = decisions.take(APPROVE, JO, NOW)
    ledger.uploads.record_uploader(UPLOAD, JO, NOW)
    own = decisions.take(APPROVE, JO, NOW)
    will_go_on(waiting[1], MARIA)
    other = decisions.take(APPROVE, MARIA, NOW)
    assert isinstance(unknown, Refusal)
    assert isinstance(own, Refusal)
    assert (unknown.error, own.error) == ("UploaderUnknown", "FourEyes")
    assert isinstance(other, GivenAnswer)


def test_an_incident_s_question_is_answered_once(ledger: Ledger, waiting: tuple[Executions, Stubber]) -> None:
    subject = ReleaseAttempt(RELEASE, "production", None)
    ledger.incidents.open(Incident("orders-production-1", subject, from_document("it failed"), "role"), NOW)
    ledger.decisions.ask("orders", "orders-production-1", "restore", "Restore orders?", NOW)
    decisions = Decisions(ledger, waiting[0])
    first = decisions.take(RESTORE, JO, NOW)
    again = decisions.take(RESTORE, JO, "2026-03-02T13:00:00.000+00:00")
    other = decisions.take(Decision("reject", "orders", incident=RESTORE.incident, question="restore"), MARIA, NOW)
    recorded = ledger.decisions.get("orders", "orders-production-1", "restore")
    assert recorded is not None
    assert (recorded.answer, recorded.by) == ("approved", JO.arn)
    assert isinstance(first, GivenAnswer)
    assert isinstance(again, GivenAnswer)
    assert first.at == again.at == NOW
    assert isinstance(other, Refusal)
    assert other.error == "AlreadyAnswered"


def test_a_held_release_is_let_through(ledger: Ledger, waiting: tuple[Executions, Stubber]) -> None:
    decisions = Decisions(ledger, waiting[0])
    assert isinstance(decisions.take(OVERRIDE, JO, NOW), GivenAnswer), "before it is held"
    ledger.holds.hold(RELEASE, "production", task_token="held", reason="a freeze", until=EXPIRES_AT, now=NOW)
    waiting[1].add_response("send_task_success", {}, {"taskToken": "held", "output": "{}"})
    decisions.take(OVERRIDE, JO, NOW)
    refused = decisions.take(OVERRIDE, MARIA, NOW)
    assert isinstance(refused, Refusal)
    override = ledger.holds.override(RELEASE, "production")
    assert override is not None
    assert override.comment == "hotfix"


# -- the sweep ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def approvals(ledger: Ledger, simulated: Callable[[str], Any]) -> tuple[Approvals, Callable[[], list[str]]]:
    """Approvals, and the subjects of messages since the last call."""
    s3, sns, sqs = simulated("s3"), simulated("sns"), simulated("sqs")
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    topic = sns.create_topic(Name="belay")["TopicArn"]
    queue = sqs.create_queue(QueueName="on-call")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    bucket = ArtifactBucket(s3, "artifacts")
    told = ApprovalText(what="w", until="u", changes=(), more={}, answers={"Approve": "belay approve x"}, report="r")
    bucket.put_json(RELEASE.stage_key("production", "approval.json"), told.to_dict())

    def subjects() -> list[str]:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"])["Subject"] for message in messages]

    return Approvals(ledger, bucket, Endings(ledger, bucket, Notifications(sns), topic)), subjects


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_people_are_reminded_once_a_day_before_it_is_too_late(
    ledger: Ledger, waiting: tuple[Executions, Stubber], approvals: tuple[Approvals, Callable[[], list[str]]]
) -> None:
    ask(ledger)
    (see, told), decisions = approvals, Decisions(ledger, waiting[0])
    reminded = [
        see.follow_up(ledger.approvals.asked()[0], decisions, moment)
        for moment in (at(2), at(7, 11), at(7, 13), at(7, 14))
    ]
    assert reminded == [False, False, True, False]
    assert told() == ["STILL WAITING FOR APPROVAL: orders 1.2.0 in production"]


@pytest.mark.parametrize("why", ["expired", "ended", "overtaken"])
def test_what_nobody_can_answer_any_more_is_forgotten(
    ledger: Ledger, waiting: tuple[Executions, Stubber], approvals: tuple[Approvals, Callable[[], list[str]]], why: str
) -> None:
    ask(ledger)
    if why != "expired":
        end(ledger, RELEASE, Outcome.ABORTED, "stopped", now=NOW)
    if why == "overtaken":
        accepted(ledger, replace(UPLOAD, version_id="v2"), "1.2.0", "d2", execution="e2", now=NOW)
    see, told = approvals
    assert not see.follow_up(
        ledger.approvals.asked()[0], Decisions(ledger, waiting[0]), at(9) if why == "expired" else at(7, 13)
    )
    assert ledger.approvals.asked() == []
    assert told() == []


def test_an_answer_that_did_not_arrive_is_delivered_again(
    ledger: Ledger, waiting: tuple[Executions, Stubber], approvals: tuple[Approvals, Callable[[], list[str]]]
) -> None:
    ask(ledger)
    answer = GivenAnswer("approve", JO.arn, NOW, seal="0123456789abcdef")
    ledger.approvals.answer(RELEASE, "production", answer)
    will_go_on(waiting[1])
    assert not approvals[0].follow_up(ledger.approvals.asked()[0], Decisions(ledger, waiting[0]), at(7, 13))
    assert ledger.approvals.asked() == []
    attempt = ledger.attempts.get(RELEASE)
    assert attempt is not None
    assert attempt.under_way[0].state is State.APPROVED


class Continued(Executions):
    """The requesting execution is stopped, and its successor's task waits, as soon as an answer is sent or before."""

    def __init__(self, ledger: Ledger, *, old_one_waits: bool = False) -> None:
        self._ledger = ledger
        self._old_one_waits = old_one_waits
        self.sent: list[str] = []

    def send_task_success(self, task_token: str, output: Mapping[str, Any]) -> bool:
        self.sent.append(task_token)
        if task_token == "token":
            self.continue_it()
        return task_token != "token" or self._old_one_waits

    def continue_it(self) -> None:
        asked = self._ledger.approvals.asked_of(RELEASE, "production")
        assert asked is not None
        self._ledger.approvals.ask_on(RELEASE, asked, "the successor's")


def test_an_answer_reaches_the_task_that_waits_when_it_is_sent(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(ledger)
    executions, answer = Continued(ledger), ledger.approvals.answer

    def continued_first(*arguments: Any) -> bool:
        executions.continue_it()
        return answer(*arguments)

    monkeypatch.setattr(ledger.approvals, "answer", continued_first)
    assert isinstance(Decisions(ledger, executions).take(APPROVE, JO, NOW), GivenAnswer)
    assert (executions.sent, ledger.approvals.asked()) == (["the successor's"], [])


def test_an_answer_whose_task_was_continued_meanwhile_is_sent_to_the_new_one(ledger: Ledger) -> None:
    ask(ledger)
    executions = Continued(ledger)
    assert isinstance(Decisions(ledger, executions).take(APPROVE, JO, NOW), GivenAnswer)
    assert (executions.sent, ledger.approvals.asked()) == (["token", "the successor's"], [])


def test_an_answer_that_only_the_old_task_received_is_sent_to_the_new_one_later(
    ledger: Ledger, approvals: tuple[Approvals, Callable[[], list[str]]]
) -> None:
    ask(ledger)
    executions = Continued(ledger, old_one_waits=True)
    decisions = Decisions(ledger, executions)
    assert isinstance(decisions.take(APPROVE, JO, NOW), GivenAnswer)
    assert not approvals[0].follow_up(ledger.approvals.asked()[0], decisions, at(3))
    assert (executions.sent, ledger.approvals.asked()) == (["token", "the successor's"], [])


def test_an_answer_that_no_task_received_is_not_forgotten_before_it_is_too_late(
    ledger: Ledger, waiting: tuple[Executions, Stubber], approvals: tuple[Approvals, Callable[[], list[str]]]
) -> None:
    ask(ledger)
    decisions = Decisions(ledger, waiting[0])
    waiting[1].add_client_error("send_task_success", "TaskTimedOut")
    assert isinstance(decisions.take(APPROVE, JO, NOW), Refusal)
    waiting[1].add_client_error("send_task_success", "TaskTimedOut")
    approvals[0].follow_up(ledger.approvals.asked()[0], decisions, at(3))
    assert len(ledger.approvals.asked()) == 1
    waiting[1].add_client_error("send_task_success", "TaskTimedOut")
    approvals[0].follow_up(ledger.approvals.asked()[0], decisions, at(9))
    assert ledger.approvals.asked() == []


def test_an_answer_with_which_the_release_went_on_is_forgotten(
    ledger: Ledger, waiting: tuple[Executions, Stubber], approvals: tuple[Approvals, Callable[[], list[str]]]
) -> None:
    ask(ledger)
    ledger.approvals.answer(RELEASE, "production", GivenAnswer("approve", JO.arn, NOW, seal="0123456789abcdef"))
    bring(ledger, RELEASE, "production", State.SNAPSHOTS_TAKEN, now=NOW)
    waiting[1].add_client_error("send_task_success", "TaskTimedOut")
    approvals[0].follow_up(ledger.approvals.asked()[0], Decisions(ledger, waiting[0]), at(3))
    assert ledger.approvals.asked() == []


def test_whoever_made_a_release_does_not_approve_it_because_another_tried_it_again(
    ledger: Ledger, waiting: tuple[Executions, Stubber]
) -> None:
    ask(ledger, four_eyes=True)
    first = replace(UPLOAD, version_id="the-first-try")
    ledger.attempts.claim(first, "arn:aws:states:eu-west-1:111122223333:execution:deploy:first", NOW)
    ledger.attempts.note_version(first, "1.2.0")
    ledger.uploads.record_uploader(first, JO, NOW)
    ledger.uploads.record_uploader(UPLOAD, MARIA, NOW)
    decisions = Decisions(ledger, waiting[0])
    for each in (JO, MARIA):
        refused = decisions.take(APPROVE, each, NOW)
        assert isinstance(refused, Refusal)
        assert refused.error == "FourEyes"
