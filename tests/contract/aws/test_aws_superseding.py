"""A newer release takes the turn of a waiting older one, whatever it waits for, on an AWS simulated by moto."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from modules import step
from simulated_ledger import accepted, bring, end, end_stage, remembered
from test_aws_unfinished import MANIFEST, STAGE, House

from belay.approval.asked import AskedApproval, GivenAnswer
from belay.approval.seal import Seal
from belay.aws.gateways import Aws, own_aws
from belay.aws.stepfunctions import Executions
from belay.control.stage import StageContext
from belay.control.stage_locks import StageLocks
from belay.control.superseding import Superseding
from belay.errors import ReleaseSuperseded
from belay.home import Home, HomeSettings
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import OpenAttempt
from belay.release.life import State
from belay.release.lock import Claim
from belay.release.records import Outcome, ReleaseReference, upload_of
from belay.settings import read
from belay.stack.plan import Progress

NOW, LATER = "2026-01-01T10:00:00.000+00:00", "2026-01-08T10:00:00.000+00:00"
WHY = "1.1.0 is newer than 1.0.0 and came to production while that waited there"
DATABASE = "database: {changes: migrations, engine: mysql}\n"


@pytest.fixture
def house(simulated: Callable[[str], Any]) -> House:
    own_aws.cache_clear()
    return House(simulated)


@pytest.fixture
def waiting(stubbed: Callable[[str], tuple[Any, Stubber]]) -> tuple[Executions, Stubber]:
    client, stub = stubbed("stepfunctions")
    return Executions(client), stub


def release(
    house: House,
    version: str,
    state: State | None,
    *,
    stage: str = "production",
    more: str = "",
    asks: str = "",
    now: str = NOW,
) -> ReleaseReference:
    """Accept a release and bring it to a state of a stage."""
    upload = upload_of("orders", "releases-bucket", f"releases/orders/{version}.zip", "v1", 4711)
    found = accepted(house.ledger, upload, version, now=now)
    text = MANIFEST.replace("1.0.0", version) + more
    files = {"migrations/1.sql": "b" * 64} if "migrations" in more else {}
    if files:
        text = text.replace("digests: {", f"digests: {{migrations/1.sql: {'b' * 64}, ")
    stages = {"test": STAGE + "ephemeral: true\n", "production": STAGE + asks}
    document = AcceptedRelease.of("orders", text, "stages: [test, production]\n", stages, {"network.yaml": {}})
    house.artifacts.put_json(found.document_key, document.to_dict())
    if state is not None:
        bring(house.ledger, found, stage, state)
    return found


def ask(house: House, found: ReleaseReference) -> None:
    times = {"requested_at": NOW, "expires_at": LATER}
    asked = AskedApproval("production", found.attempt, "token", **times, four_eyes=False, digest="d", seal=Seal({}))
    house.ledger.approvals.ask(found, asked)


def hears(stub: Stubber, why: str = WHY) -> None:
    stub.add_response("send_task_failure", {}, {"taskToken": "token", "error": "ReleaseSuperseded", "cause": why})


def superseding(house: House, waiting: tuple[Executions, Stubber]) -> Superseding:
    return Superseding(house.ledger, house.artifacts, waiting[0])


def refused(found: ReleaseReference) -> str:
    """The error of a stage's step that must not continue."""
    with pytest.raises(ReleaseSuperseded) as caught:
        StageContext.enter({"release": found.to_dict(), "stage": "production"}, *remembered()).refuse_superseded()
    return str(caught.value)


def test_an_approval_that_is_waited_for_ends_when_a_newer_release_comes(
    house: House, waiting: tuple[Executions, Stubber]
) -> None:
    older, newer = release(house, "1.0.0", State.AWAITING_APPROVAL), release(house, "1.1.0", State.REHEARSED)
    ask(house, older)
    hears(waiting[1])
    assert superseding(house, waiting).arrive(newer, "production") == ["1.0.0"]
    assert house.ledger.approvals.asked() == [], "nobody is reminded of it"
    assert refused(older) == WHY


def test_of_two_images_that_wait_the_one_that_was_uploaded_later_goes_on(
    house: House, waiting: tuple[Executions, Stubber]
) -> None:
    older = release(house, "1.0.0+image-42", State.AWAITING_APPROVAL)
    newer = release(house, "1.0.0+image-43", State.REHEARSED, now=LATER)
    ask(house, older)
    assert superseding(house, waiting).arrive(older, "production") == [], "it comes to the stage once more"
    hears(waiting[1], WHY.replace("1.0.0", "1.0.0+image-42").replace("1.1.0", "1.0.0+image-43"))
    assert superseding(house, waiting).arrive(newer, "production") == ["1.0.0+image-42"]


def test_an_older_image_that_waits_is_overtaken_by_a_newer_one_that_is_deployed(
    house: House, waiting: tuple[Executions, Stubber]
) -> None:
    older = release(house, "1.0.0+image-42", State.AWAITING_APPROVAL)
    newer = release(house, "1.0.0+image-43", State.EXECUTING, now=LATER)
    (held_open,) = [each for each in house.ledger.attempts.open_ones() if each.upload.attempt == older.attempt]
    assert superseding(house, waiting).follow_up(held_open) is None
    end_stage(house.ledger, newer, "production")
    ask(house, older)
    hears(waiting[1], WHY.replace("1.0.0", "1.0.0+image-42").replace("1.1.0", "1.0.0+image-43"))
    assert superseding(house, waiting).follow_up(held_open) == "1.0.0+image-42"


def test_a_window_that_is_waited_for_too(house: House, waiting: tuple[Executions, Stubber]) -> None:
    older, newer = release(house, "1.0.0", State.HELD), release(house, "1.1.0", State.REHEARSED)
    house.ledger.holds.hold(older, "production", task_token="token", reason="a freeze", until=LATER, now=NOW)
    hears(waiting[1])
    assert superseding(house, waiting).arrive(newer, "production") == ["1.0.0"]
    assert refused(older) == WHY


@pytest.mark.parametrize(
    ("version", "state", "stage"),
    [
        ("1.2.0", State.AWAITING_APPROVAL, "production"),
        ("1.0.0", State.EXECUTING, "production"),
        ("1.0.0", State.RECOVERING, "production"),
        ("1.0.0", State.AWAITING_APPROVAL, "test"),
        ("1.0.0", None, "production"),
    ],
)
def test_what_is_newer_elsewhere_or_at_work_is_let_alone(
    house: House, waiting: tuple[Executions, Stubber], version: str, state: State | None, stage: str
) -> None:
    release(house, version, state, stage=stage)
    assert superseding(house, waiting).arrive(release(house, "1.1.0", State.REHEARSED), "production") == []


@pytest.mark.parametrize("free", [True, False])
def test_who_waits_for_the_lock_hears_of_it_though_the_lock_is_free(
    house: House, waiting: tuple[Executions, Stubber], free: bool
) -> None:
    older, newer = release(house, "1.0.0", State.REHEARSED), release(house, "1.1.0", State.REHEARSED)
    locks, claim = StageLocks(house.ledger, Executions(house.states)), Claim.of_release(older, "production", "e1")
    if not free:
        other = Claim("orders", "production", "other", "0.9.0", "e0")
        house.ledger.locks.acquire(other, expires_at=9_999_999_999, seen=None, now=NOW)
        assert locks.take(claim) is None
    superseding(house, waiting).arrive(newer, "production")
    with pytest.raises(ReleaseSuperseded, match=WHY):
        locks.take(claim)
    assert house.ledger.locks.queues() == []


def test_of_two_in_the_queue_the_newer_gets_the_lock_whoever_asks_first(house: House) -> None:
    older, newer = (release(house, version, State.REHEARSED) for version in ("1.0.0", "1.1.0"))
    claims = [Claim.of_release(each, "production", each.version) for each in (older, newer)]
    locks = StageLocks(house.ledger, Executions(house.states))
    other = Claim("orders", "production", "other", "0.9.0", "e0")
    fencing = house.ledger.locks.acquire(other, expires_at=9_999_999_999, seen=None, now=NOW)
    assert fencing is not None
    assert locks.take(claims[1]) is None
    house.ledger.locks.release("orders", "production", fencing)
    with pytest.raises(ReleaseSuperseded, match=WHY):
        locks.take(claims[0])
    assert locks.take(claims[1]) == fencing + 1


def test_who_was_stopped_in_the_queue_is_in_nobody_s_way(house: House) -> None:
    older, newer = (release(house, version, State.REHEARSED) for version in ("1.0.0", "1.1.0"))
    house.ledger.locks.wait(Claim.of_release(newer, "production", "e2"), 9_999_999_999)
    end(house.ledger, newer, Outcome.ABORTED)
    assert StageLocks(house.ledger, Executions(house.states)).take(Claim.of_release(older, "production", "e1")) == 1


def test_who_has_the_lock_already_is_told_where_it_can_be_freed(
    house: House, waiting: tuple[Executions, Stubber]
) -> None:
    older, newer = release(house, "1.0.0", State.REHEARSED), release(house, "1.1.0", State.REHEARSED)
    locks, claim = StageLocks(house.ledger, Executions(house.states)), Claim.of_release(older, "production", "e1")
    assert locks.take(claim) == 1
    superseding(house, waiting).arrive(newer, "production")
    assert locks.take(claim) == 1, "the answer was lost, and the step is taken again"
    assert refused(older) == WHY


def test_the_sweep_tells_who_did_not_hear_of_it(house: House, waiting: tuple[Executions, Stubber]) -> None:
    older, newer = release(house, "1.0.0", State.AWAITING_APPROVAL), release(house, "1.1.0", State.REHEARSED)
    sweep, open_ones = superseding(house, waiting), house.ledger.attempts.open_ones()
    sweep.arrive(newer, "production")
    ask(house, older)
    hears(waiting[1])
    assert [each for each in map(sweep.follow_up, open_ones) if each] == ["1.0.0"]


@pytest.mark.parametrize(("more", "ended"), [("", "1.0.0"), ("downgrade: true\n", None)])
def test_the_sweep_ends_what_a_deployed_one_overtook_unless_it_goes_back_on_purpose(
    house: House, waiting: tuple[Executions, Stubber], more: str, ended: str | None
) -> None:
    newer, older = release(house, "1.1.0", None), release(house, "1.0.0", State.AWAITING_APPROVAL, more=more)
    end_stage(house.ledger, newer)
    ask(house, older)
    if ended:
        hears(waiting[1])
    open_attempt = OpenAttempt(upload_of("orders", "releases-bucket", "releases/orders/1.0.0.zip", "v1", 4711), "e1")
    assert superseding(house, waiting).follow_up(open_attempt) == ended


@pytest.mark.parametrize(
    ("asks", "more", "progress", "asked"),
    [
        ("approval: {required: true, skip_unchanged: true}\n", "", Progress.UNCHANGED, False),
        ("approval: {required: true, skip_unchanged: true}\n", "", Progress.PLANNED, True),
        ("approval: {required: true, skip_unchanged: true}\n", "", Progress.WAITING, True),
        ("approval: {required: true, skip_unchanged: true}\n", DATABASE, Progress.UNCHANGED, True),
        ("approval: {required: true}\n", "", Progress.UNCHANGED, True),
        ("", "", Progress.PLANNED, False),
    ],
)
def test_what_changes_nothing_is_asked_about_unless_the_registration_says_otherwise(
    house: House, asks: str, more: str, progress: Progress, asked: bool
) -> None:
    found = release(house, "1.0.0", State.PLANNING, asks=asks, more=more)
    run = StageContext.enter({"release": found.to_dict(), "stage": "production"}, *remembered())
    run.save(run.plan().with_stack(replace(run.plan().stacks[0], progress=progress)))
    assert run.asks is asked


def test_a_damaged_item_of_another_application_stops_nobody(house: House, waiting: tuple[Executions, Stubber]) -> None:
    newer = release(house, "1.1.0", State.REHEARSED)
    table = boto3.resource("dynamodb").Table("ledger")
    table.put_item(Item={"PK": "OPEN", "SK": "UPLOAD#damaged", "application": "shop"})
    assert superseding(house, waiting).arrive(newer, "production") == []


@pytest.mark.parametrize("overridden", [True, False])
def test_an_override_that_came_before_the_wait_began_ends_it(
    house: House, waiting: tuple[Executions, Stubber], monkeypatch: pytest.MonkeyPatch, overridden: bool
) -> None:
    found = release(house, "1.0.0", State.REHEARSED)
    hold_release = step("follow_release", "hold_release")
    aws = Aws(
        make=lambda service, **more: waiting[0]._client if service == "stepfunctions" else boto3.client(service, **more)
    )
    monkeypatch.setattr(hold_release, "own_home", lambda: Home(aws, read(HomeSettings)))
    monkeypatch.setenv("NOTIFICATION_TOPIC_ARN", house.topic)
    if overridden:
        house.ledger.holds.record_override(found, "production", GivenAnswer("override", "arn:aws:iam::1:user/jo", NOW))
        waiting[1].add_response("send_task_success", {}, {"taskToken": "token", "output": "{}"})
    event = {"release": found.to_dict(), "stage": "production", "task_token": "token", "why": "a freeze"}

    hold_release.handler(event | {"until": LATER}, None)

    hold = house.ledger.holds.of(found, "production")
    assert hold is not None
    assert hold.task_token == "token"
