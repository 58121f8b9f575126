from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from simulated_ledger import empty_ledger

from belay.approval.asked import AskedApproval, AwaitedApproval, GivenAnswer, Word
from belay.approval.seal import Seal
from belay.aws.clock import lease
from belay.aws.dynamodb import Table
from belay.documents import written
from belay.errors import InvalidRequest, LockLost, ServiceUnavailable, Throttled, UnreadableRecord
from belay.ledger.incidents import IncidentRecord, OpenIncident
from belay.ledger.ledger import Ledger
from belay.ledger.operations import Operation, Purpose, Submitted
from belay.ledger.pipelines import GoodExecution
from belay.ledger.threads import MOST_KEYS
from belay.release.applied import AppliedChange, AppliedOutcome, ChangedDatabase
from belay.release.lock import Claim, Lock
from belay.release.place import AccountRegion
from belay.release.reason import from_document
from belay.release.records import Outcome, ReleaseReference
from belay.rollback.noted import Noted
from belay.rollback.plan import Action, Kind
from belay.rollback.question import AskedQuestion
from belay.rollback.taken import StepTaken
from belay.stack.baseline import Baseline
from belay.subject.incident import Incident
from belay.subject.subjects import ReleaseAttempt

NOW, LATER = "2026-01-01T10:00:00.000+00:00", "2026-01-01T10:05:00.000+00:00"
TABLE = "ledger"


@pytest.fixture
def dynamodb(simulated: Callable[[str], Any]) -> Any:
    return simulated("dynamodb")


@pytest.fixture
def ledger(dynamodb: Any) -> Ledger:
    return empty_ledger(dynamodb)


def release(attempt: str = "aaaaaaaaaaaa", digest: str = "d1", version: str = "1.0.0") -> ReleaseReference:
    return ReleaseReference("orders", version, digest, attempt)


# -- database changes --------------------------------------------------------------------------------------------------


HERE = AccountRegion("aws", "123456789012", "eu-west-1")


def everywhere(_: ReleaseReference) -> bool:
    return True


def change(name: str, position: int, **more: Any) -> AppliedChange:
    outcome = more.pop("outcome", AppliedOutcome.APPLIED)
    return AppliedChange(name, "ann", f"db/{name}.sql", position, "d" * 64, release(), NOW, LATER, outcome, **more)


def test_what_was_last_done_with_each_change_is_kept_for_each_database(ledger: Ledger) -> None:
    orders = ChangedDatabase("orders", "production", HERE, "orders-db")
    made, filled = change("0002-make", 0, schema_version="4"), change("0001-fill", 1)
    ledger.database_changes.record(orders, [made, filled])
    ledger.database_changes.record(replace(orders, stage="test"), [replace(made, outcome=AppliedOutcome.FAILED)])
    assert ledger.database_changes.of(orders, everywhere) == (made, filled)

    undone = replace(filled, outcome=AppliedOutcome.UNDONE, ended=LATER)
    ledger.database_changes.record(orders, [undone])
    assert ledger.database_changes.of(orders, everywhere) == (made, undone)
    assert ledger.database_changes.of(replace(orders, database="crm"), everywhere) == ()


def test_a_database_of_the_same_name_in_another_account_or_region_is_another_one(ledger: Ledger) -> None:
    orders = ChangedDatabase("orders", "production", HERE, "orders-db")
    moved = [replace(HERE, account="111111111111"), replace(HERE, region="eu-central-1")]
    ledger.database_changes.record(orders, [change("0001-make", 0)])
    for where in moved:
        there = replace(orders, where=where)
        assert ledger.database_changes.of(there, everywhere) == ()
        ledger.database_changes.record(there, [change("0001-make", 0, outcome=AppliedOutcome.UNDONE)])
    (made,) = ledger.database_changes.of(orders, everywhere)
    assert made.outcome is AppliedOutcome.APPLIED


def test_what_was_recorded_without_an_account_and_region_counts_where_its_release_was_deployed(
    ledger: Ledger, dynamodb: Any
) -> None:
    orders = ChangedDatabase("orders", "production", HERE, "orders-db")
    made, filled = change("0001-make", 0), change("0002-fill", 1)
    for each in (made, filled):
        pk = "DATABASE#orders#production#orders-db"
        Table(dynamodb, TABLE).put({"PK": pk, "SK": f"CHANGE#{each.id}", "change": written(each)})
    assert ledger.database_changes.of(orders, lambda release: release == made.release) == (made, filled)
    assert ledger.database_changes.of(orders, lambda release: release != made.release) == ()
    undone = replace(filled, outcome=AppliedOutcome.UNDONE)
    ledger.database_changes.record(orders, [undone])
    assert ledger.database_changes.of(orders, everywhere) == (made, undone)


def test_changes_with_long_names_are_told_apart(ledger: Ledger) -> None:
    orders = ChangedDatabase("orders", "production", HERE, "orders-db")
    long = [change(f"{'x' * 1000}{number}", number) for number in range(2)]
    ledger.database_changes.record(orders, long)
    assert ledger.database_changes.of(orders, everywhere) == tuple(long)


def test_a_record_of_a_change_that_is_damaged_is_named(ledger: Ledger, dynamodb: Any) -> None:
    orders = ChangedDatabase("orders", "production", HERE, "orders-db")
    pk = "DATABASE#orders#production#123456789012/eu-west-1/orders-db"
    broken = {"PK": pk, "SK": "CHANGE#0001", "change": {"id": "0001"}}
    Table(dynamodb, TABLE).put(broken)
    with pytest.raises(UnreadableRecord, match=f"{pk} CHANGE#0001: expected author"):
        ledger.database_changes.of(orders, everywhere)


# -- approvals, incidents, locks ---------------------------------------------------------------------------------------


def test_what_was_asked_is_waited_for_with_another_token(ledger: Ledger) -> None:
    ledger.approvals.ask(release(), approval())
    ledger.approvals.ask_no_more(release(), "production")
    before = ledger.approvals.asked_of(release(), "production")
    assert before == approval()
    assert ledger.approvals.asked_of(release("bbbbbbbbbbbb"), "production") is None
    assert ledger.approvals.asked_of(release(), "test") is None
    ledger.approvals.ask_on(release(), approval(), "another token")
    assert ledger.approvals.asked_of(release(), "production") == replace(approval(), task_token="another token")
    waits = AwaitedApproval(release(), "production", approval().requested_at, approval().expires_at)
    assert ledger.approvals.asked() == [waits]


def approval(attempt: str = "aaaaaaaaaaaa", **changed: Any) -> AskedApproval:
    known = {"requested_at": NOW, "expires_at": LATER, "four_eyes": False, "digest": "d", "seal": Seal({"all": "d"})}
    return AskedApproval("production", attempt, "token", **{**known, **changed})


def answered(word: Word, by: str) -> GivenAnswer:
    return GivenAnswer(word, by, LATER)


def test_what_is_asked_of_people_is_kept_with_its_attempt(ledger: Ledger) -> None:
    ledger.approvals.ask(release(), approval())
    assert ledger.approvals.asked_of(release(), "production") == approval()
    assert ledger.approvals.of_attempt(release()) == [approval()]
    assert ledger.approvals.asked() == [AwaitedApproval(release(), "production", NOW, LATER)]


def test_an_approval_is_answered_once(ledger: Ledger) -> None:
    ledger.approvals.ask(release(), approval())
    assert ledger.approvals.answer(release(), "production", answered("approve", "maria"))
    assert not ledger.approvals.answer(release(), "production", answered("reject", "jo"))
    assert ledger.approvals.asked_of(release(), "production") == approval(answer=answered("approve", "maria"))


def test_an_answer_to_one_attempt_is_none_to_another_and_stays(ledger: Ledger) -> None:
    earlier, later = release(), release("bbbbbbbbbbbb")
    ledger.approvals.ask(earlier, approval())
    assert not ledger.approvals.answer(later, "production", answered("approve", "maria")), "it did not ask"
    assert ledger.approvals.answer(earlier, "production", answered("approve", "maria"))
    ledger.approvals.ask(later, approval("bbbbbbbbbbbb"))
    assert ledger.approvals.of_attempt(later) == [approval("bbbbbbbbbbbb")]
    assert ledger.approvals.answer(later, "production", answered("reject", "jo"))
    assert ledger.approvals.of_attempt(earlier) == [approval(answer=answered("approve", "maria"))]
    assert ledger.approvals.of_attempt(later) == [approval("bbbbbbbbbbbb", answer=answered("reject", "jo"))]


def test_people_are_reminded_once_and_asked_no_more(ledger: Ledger) -> None:
    ledger.approvals.ask(release(), approval())
    (waiting,) = ledger.approvals.asked()
    ledger.approvals.reminded(waiting, LATER)
    assert [each.reminded_at for each in ledger.approvals.asked()] == [LATER]
    ledger.approvals.ask_no_more(release(), "production")
    ledger.approvals.reminded(waiting, LATER)
    assert ledger.approvals.asked() == []


def test_asking_no_more_for_an_earlier_attempt_leaves_what_a_later_one_asks(ledger: Ledger) -> None:
    earlier, later = release(), release("bbbbbbbbbbbb")
    ledger.approvals.ask(earlier, approval())
    ledger.approvals.ask(later, approval("bbbbbbbbbbbb"))
    ledger.approvals.ask_no_more(earlier, "production")
    assert [each.release for each in ledger.approvals.asked()] == [later]


def test_an_attempt_is_held_once_and_let_through(ledger: Ledger) -> None:
    held = {"reason": "a freeze", "until": LATER, "now": NOW}
    earlier, later = release(), release("bbbbbbbbbbbb")
    assert ledger.holds.hold(earlier, "production", task_token="one", **held)
    assert not ledger.holds.hold(earlier, "production", task_token="two", **held)
    assert ledger.holds.hold(later, "production", task_token="three", **held)
    assert [each.task_token for each in ledger.holds.of_attempt(earlier)] == ["two"]
    assert [each.task_token for each in ledger.holds.of_attempt(later)] == ["three"]
    assert ledger.holds.of(later, "test") is None
    assert ledger.holds.override(earlier, "production") is None
    ledger.holds.record_override(earlier, "production", answered("override", "maria"))
    assert ledger.holds.override(later, "production") is None
    ledger.holds.record_override(later, "production", answered("override", "jo"))
    assert ledger.holds.override(earlier, "production") == answered("override", "maria")


# -- pipelines ---------------------------------------------------------------------------------------------------------

DEPLOY = "arn:aws:codepipeline:eu-west-1:123456789012:deploy"
ELSEWHERE = "arn:aws:codepipeline:eu-west-1:111111111111:deploy"


def test_a_pipeline_of_the_same_name_in_another_account_is_watched_anew(ledger: Ledger) -> None:
    assert ledger.pipelines.watch("orders", "production", ELSEWHERE, NOW) == NOW
    assert ledger.pipelines.watch("orders", "production", DEPLOY, LATER) == LATER
    assert ledger.pipelines.watch("orders", "production", DEPLOY, "later still") == LATER


def test_a_watch_that_was_recorded_with_the_pipeline_s_name_goes_on(ledger: Ledger, dynamodb: Any) -> None:
    before = {"PK": "APPLICATION#orders", "SK": "PIPELINE#production", "watched": "deploy", "watched_since": NOW}
    Table(dynamodb, TABLE).put(before)
    assert ledger.pipelines.watch("orders", "production", DEPLOY, LATER) == NOW
    assert ledger.pipelines.watch("orders", "production", ELSEWHERE, LATER) == LATER


def test_what_a_pipeline_of_the_same_name_deployed_in_another_account_is_not_its_last_good(ledger: Ledger) -> None:
    ledger.pipelines.record_good("orders", "production", GoodExecution("deploy", "one", (), NOW, NOW, ELSEWHERE))
    assert ledger.pipelines.good("orders", "production", DEPLOY) is None
    here = GoodExecution("deploy", "two", (), LATER, LATER, DEPLOY)
    ledger.pipelines.record_good("orders", "production", here)
    assert ledger.pipelines.good("orders", "production", DEPLOY) == here


# -- locks -------------------------------------------------------------------------------------------------------------


def acquire(ledger: Ledger, attempt: str, seen: Lock | None, *, incident: str | None = None) -> int | None:
    claim = Claim("orders", "production", attempt, "1.0.0", f"e-{attempt}", incident)
    return ledger.locks.acquire(claim, expires_at=1_000, seen=seen, now=NOW)


def test_of_two_who_saw_a_free_lock_one_gets_it(ledger: Ledger) -> None:
    assert ledger.locks.get("orders", "production") is None
    assert acquire(ledger, "a", None) == 1
    assert acquire(ledger, "b", None) is None


def test_a_takeover_moves_the_fencing_token_on(ledger: Ledger) -> None:
    acquire(ledger, "a", None)
    seen = ledger.locks.get("orders", "production")
    assert acquire(ledger, "b", seen, incident="i") == 2
    assert acquire(ledger, "c", seen) is None, "what c saw is no longer so"
    with pytest.raises(LockLost, match="no longer has fencing token 1"):
        ledger.locks.check("orders", "production", 1, 2_000)
    ledger.locks.release("orders", "production", 1)
    ledger.locks.check("orders", "production", 2, 2_000)
    assert ledger.locks.get("orders", "production") == Lock(
        "orders", "production", True, "b", "1.0.0", "e-b", "i", fencing=2, expires_at=2_000, held_since=NOW
    )


def test_a_lock_that_was_given_back_is_nobody_s(ledger: Ledger) -> None:
    acquire(ledger, "a", None)
    assert [(lock.application, lock.stage) for lock in ledger.locks.held()] == [("orders", "production")]
    ledger.locks.release("orders", "production", 1)
    assert ledger.locks.held() == []
    with pytest.raises(LockLost):
        ledger.locks.check("orders", "production", 1, 2_000)
    assert acquire(ledger, "b", ledger.locks.get("orders", "production")) == 2


def test_a_lock_that_never_was_cannot_be_checked_or_given_back(ledger: Ledger) -> None:
    with pytest.raises(LockLost):
        ledger.locks.check("orders", "production", 1, 2_000)
    ledger.locks.release("orders", "production", 1)
    assert ledger.locks.get("orders", "production") is None


ACTORS = st.sampled_from("abc")
STEPS = st.lists(st.tuples(st.sampled_from(["look", "acquire", "give back"]), ACTORS), max_size=25)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_there_are_never_two_owners(no_account: None, steps: list[tuple[str, str]]) -> None:
    """Whatever was read, and however long ago: an outdated token changes nothing."""
    seen: dict[str, Any] = {}
    tokens: dict[str, int] = {}
    with mock_aws():
        ledger = empty_ledger(boto3.client("dynamodb", region_name="eu-west-1"))
        for step, actor in steps:
            if step == "look":
                seen[actor] = ledger.locks.get("orders", "production")
            elif step == "acquire":
                token = acquire(ledger, actor, seen.get(actor))
                if token is not None:
                    assert token not in tokens.values()
                    tokens[actor] = token
            elif actor in tokens:
                ledger.locks.release("orders", "production", tokens[actor])
            owners = [actor for actor, token in tokens.items() if holds(ledger, token)]
            assert len(owners) <= 1
            if owners:
                assert tokens[owners[0]] == max(tokens.values())


def holds(ledger: Ledger, token: int) -> bool:
    try:
        ledger.locks.check("orders", "production", token, 2_000)
    except LockLost:
        return False
    return True


def test_the_queue_shows_who_waits(ledger: Ledger) -> None:
    first = Claim.of_release(release("a", version="1.0.0"), "production", "e-a")
    second = Claim.of_release(release("b", version="1.1.0"), "production", "e-b")
    recovery = Claim("orders", "production", "c", "network", "e-c", incident="i")
    now = lease(0)
    ledger.locks.wait(first, now - 200)
    ledger.locks.wait(second, now - 100)
    ledger.locks.wait(recovery, now)
    queue = ledger.locks.queue(second)
    seen = [(each.version, each.seen_at) for each in queue]
    assert seen == [("1.0.0", now - 200), ("1.1.0", now - 100), (None, now)]
    ledger.locks.wait(Claim.of_release(release("d", version="1.2.0"), "test", "e-d"), 100)
    assert ledger.locks.queues() == queue, "one that died long ago is not shown, though it is not deleted yet"
    assert ledger.locks.held() == [], "a place in the queue is no lock"
    ledger.locks.leave_queue(first)
    assert [each.attempt for each in ledger.locks.queue(second)] == ["b", "c"]


# -- operations and incidents ------------------------------------------------------------------------------------------

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/6a7e8fe0"


def test_an_operation_is_ours_by_stack_and_token(ledger: Ledger) -> None:
    ledger.operations.record(STACK, "deploy-1", release(), "production", purpose=Purpose.DEPLOY, now=NOW)
    ledger.operations.record(STACK, "recover-1", release().origin, "production", purpose=Purpose.RECOVER, now=NOW)
    attempt = release().attempt
    deploy = Operation(attempt, "production", Purpose.DEPLOY, release())
    assert ledger.operations.get(STACK, "deploy-1") == deploy
    assert ledger.operations.get(STACK, "recover-1") == Operation(attempt, "production", Purpose.RECOVER)
    assert ledger.operations.get(STACK, "deploy-2") is None
    assert ledger.operations.get(f"{STACK}-2", "deploy-1") is None
    assert ledger.operations.get(STACK, "") is None, "an operation without a token is somebody else's"


def test_a_stack_s_newest_operation_is_known_when_all_others_are_forgotten(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HISTORY_DAYS", "31")
    for token in ("deploy-1", "deploy-2"):
        ledger.operations.record(
            STACK, token, release(), "production", purpose=Purpose.DEPLOY, now="2001-01-01T00:00:00.000+00:00"
        )
    assert ledger.operations.get(STACK, "deploy-1") is None
    assert ledger.operations.get(STACK, "deploy-2") == Operation(
        release().attempt, "production", Purpose.DEPLOY, release()
    )


def test_what_belay_submitted_is_known_until_the_next_operation_on_the_stack(ledger: Ledger) -> None:
    submits = {"change_set_id": "arn:change-set", "templates": ("ab" * 32,)}
    ledger.operations.record(STACK, "d", release(), "production", purpose=Purpose.DEPLOY, now=NOW, **submits)
    assert ledger.operations.submitted(STACK) == Submitted("arn:change-set", ("ab" * 32,), NOW)
    assert ledger.operations.submitted(f"{STACK}-2") is None
    ledger.operations.record(STACK, "p", release().origin, "production", purpose=Purpose.PIPELINE, now=NOW)
    assert ledger.operations.submitted(STACK) is None, "a pipeline's operation is the newest now"


def test_what_an_ended_incident_asked_is_forgotten_in_time(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HISTORY_DAYS", "31")
    ledger.decisions.ask("orders", "i", "restore", "Restore?", NOW)
    ledger.decisions.close("orders", "i", "2001-01-01T00:00:00.000+00:00")
    assert ledger.decisions.of_incident("orders", "i") == {}


def test_a_thread_remembers_its_last_messages_and_all_their_numbers(ledger: Ledger) -> None:
    for number in range(1, MOST_KEYS + 4):
        assert ledger.threads.number("orders-findings", f"m{number}").number_of(f"m{number}") == number
        ledger.threads.told("orders-findings", f"m{number}")
    thread = ledger.threads.number("orders-findings", f"m{MOST_KEYS + 3}")
    assert (len(thread.keys), thread.forgotten, "m3" in thread.told) == (MOST_KEYS, 3, False)


def test_an_expired_thread_that_is_still_there_begins_anew(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HISTORY_DAYS", "-1")
    for key in ("m1", "m2"):
        ledger.threads.number("registration/orders", key)
        ledger.threads.told("registration/orders", key)
    monkeypatch.setenv("HISTORY_DAYS", "31")
    thread = ledger.threads.number("registration/orders", "m2")
    assert (thread.keys, thread.told, thread.forgotten) == (("m2",), frozenset(), 0), "it is told again"


def test_what_has_expired_is_not_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HISTORY_DAYS", "-1")
    ledger.decisions.ask("orders", "i", "restore", "Restore?", NOW)
    ledger.decisions.close("orders", "i", "2001-01-01T00:00:00.000+00:00")
    assert ledger.decisions.get("orders", "i", "restore") is None
    ledger.pipelines.run(release(), "production", "deploy", "e-1", "2001-01-01T00:00:00.000+00:00")
    assert ledger.pipelines.get("orders", "production", "e-1") is None


def test_incidents_of_a_time_are_found_by_when_they_were_opened(ledger: Ledger) -> None:
    for day in ("01", "02", "03"):
        ledger.incidents.open(replace(incident(), name=f"i{day}"), f"2026-03-{day}T10:00:00.000+00:00")
    for begin in ("2026-02-01", "2026-03-02"):
        found = ledger.incidents.opened_since("orders", f"{begin}T00:00:00.000+00:00")
        expected = [day for day in ("01", "02", "03") if f"2026-03-{day}" >= begin]
        assert sorted(each.incident.name for each in found) == [f"i{day}" for day in expected]


def incident(reason: str = "it failed") -> Incident:
    return Incident("i", ReleaseAttempt(release(), "production", None), from_document(reason), "role")


def taken(action: Action, at: str = NOW, **known: Any) -> StepTaken:
    return StepTaken(action, Kind.STACK, "network", "w", at, **known)


def test_an_incident_is_opened_by_whoever_is_first(ledger: Ledger) -> None:
    assert ledger.incidents.open(incident(), NOW)
    assert not ledger.incidents.open(incident("seen again"), LATER)
    assert ledger.incidents.get("orders", "i") == IncidentRecord(incident(), NOW)
    assert ledger.incidents.open_ones() == [OpenIncident("orders", "i", "", NOW)]
    ledger.incidents.follow("i", "execution-1", LATER)
    assert ledger.incidents.open_ones() == [OpenIncident("orders", "i", "execution-1", LATER)]


def test_an_incident_remembers_what_was_tried_and_found(ledger: Ledger) -> None:
    ledger.incidents.open(incident(), NOW)
    first, second = taken(Action.DELETE_STACK, stack_id=STACK, token="t"), taken(Action.WAIT, LATER)
    ledger.incidents.record_step(incident(), first, number=0)
    ledger.incidents.record_step(incident(), taken(Action.DELETE_STACK, LATER), number=0)
    ledger.incidents.record_step(incident(), second, number=1)
    ledger.incidents.block(incident(), "my-stack.1", "it would delete Table")
    ledger.incidents.settle(incident(), "network")
    ledger.incidents.note(incident(), "network", Noted(endangered=("Table",)))
    assert ledger.incidents.get("orders", "i") == IncidentRecord(
        incident(),
        NOW,
        tried=(first, second),
        blocked={"my-stack.1": "it would delete Table"},
        settled=frozenset({"network"}),
        noted={"network": Noted(endangered=("Table",))},
    )


def test_an_incident_is_closed_once_and_followed_no_more(ledger: Ledger) -> None:
    ledger.incidents.open(incident(), NOW)
    assert ledger.incidents.close(incident(), Outcome.ROLLED_BACK, from_document("it failed"), NOW)
    assert len(ledger.incidents.open_ones()) == 1, "whoever recorded the end may have died before telling it"
    ledger.incidents.announced(incident())
    assert not ledger.incidents.close(incident(), Outcome.NEEDS_OPERATOR, from_document("it failed"), LATER)
    record = ledger.incidents.get("orders", "i")
    assert record is not None
    assert (record.outcome, record.ended_at, record.announced) == (Outcome.ROLLED_BACK, NOW, True)
    assert ledger.incidents.open_ones() == []
    ledger.incidents.follow("i", "execution-2", NOW)
    assert ledger.incidents.open_ones() == [], "a closed incident is not opened by following it"


def test_reruns_of_an_incident_are_counted(ledger: Ledger) -> None:
    ledger.incidents.open(incident(), NOW)
    assert [ledger.incidents.rerun(incident()) for _ in range(3)] == [1, 2, 3]


def test_a_baseline_that_was_captured_first_stands(ledger: Ledger) -> None:
    stood, gone = Baseline("orders", existed=True, tags={"n": "1"}), Baseline("orders", existed=False)
    ledger.baselines.record(release().origin, "production", "network", stood)
    ledger.baselines.record(release().origin, "production", "network", gone)
    ledger.baselines.record(release("bbbbbbbbbbbb").origin, "production", "service", gone)
    ledger.baselines.record(release().origin, "test", "service", gone)
    assert ledger.baselines.of(release().origin, "production") == {"network": stood}


# -- responses of DynamoDB that moto lacks -----------------------------------------------------------------------------


@pytest.mark.parametrize(("reasons", "times"), [(["None", "TransactionConflict"], 5), (["ThrottlingError", "None"], 1)])
def test_a_claim_that_always_meets_another_write_is_made_again_later(
    stubbed: Callable[[str], tuple[Any, Stubber]], reasons: list[str], times: int
) -> None:
    client, stub = stubbed("dynamodb")
    for _ in range(times):
        cancelled(stub, *reasons)
    with pytest.raises(Throttled):
        Ledger(Table(client, TABLE)).incidents.open(incident(), NOW)
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("opened", [True, False])
def test_a_claim_that_met_another_write_is_made_again_at_once(
    stubbed: Callable[[str], tuple[Any, Stubber]], opened: bool
) -> None:
    client, stub = stubbed("dynamodb")
    cancelled(stub, "None", "TransactionConflict")
    if opened:
        stub.add_response("transact_write_items", {})
    else:
        cancelled(stub, "ConditionalCheckFailed", "None")
    assert Ledger(Table(client, TABLE)).incidents.open(incident(), NOW) is opened
    stub.assert_no_pending_responses()


def cancelled(stub: Stubber, *reasons: str) -> None:
    stub.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": [{"Code": code} for code in reasons]},
    )


@pytest.mark.parametrize(
    ("code", "status", "fault"),
    [
        ("ProvisionedThroughputExceededException", 400, Throttled),
        ("TransactionConflictException", 400, Throttled),
        ("InternalServerError", 500, ServiceUnavailable),
        ("ValidationException", 400, InvalidRequest),
    ],
)
def test_a_fault_is_no_refusal(
    stubbed: Callable[[str], tuple[Any, Stubber]], code: str, status: int, fault: type[Exception]
) -> None:
    client, stub = stubbed("dynamodb")
    stub.add_client_error("update_item", code, http_status_code=status)
    with pytest.raises(fault):
        Ledger(Table(client, TABLE)).incidents.record_step(incident(), taken(Action.WAIT), 0)
    stub.add_client_error("transact_write_items", code, http_status_code=status)
    with pytest.raises(fault):
        Ledger(Table(client, TABLE)).incidents.open(incident(), NOW)


def test_a_question_is_put_once_and_its_first_answer_stands(ledger: Ledger) -> None:
    assert ledger.decisions.get("orders", "i", "delete-network") is None
    assert ledger.decisions.ask("orders", "i", "delete-network", "Delete it with its data?", NOW)
    assert not ledger.decisions.ask("orders", "i", "delete-network", "Delete it with its data?", LATER)
    ann, bob = (
        "arn:aws:sts::111122223333:assumed-role/on-call/ann",
        "arn:aws:sts::111122223333:assumed-role/on-call/bob",
    )
    assert ledger.decisions.decide(
        "orders", "i", "delete-network", approved=True, by=ann, at=LATER, comment="it was empty"
    )
    assert not ledger.decisions.decide("orders", "i", "delete-network", approved=False, by=bob, at=LATER)
    assert ledger.decisions.decide("orders", "i", "restore-orders", approved=False, by=bob, at=LATER)
    asked = {"text": "Delete it with its data?", "asked_at": NOW}
    answer = {"approved": True, "by": ann, "at": LATER, "comment": "it was empty"}
    assert ledger.decisions.get("orders", "i", "delete-network") == AskedQuestion("delete-network", **asked, **answer)
    assert set(ledger.decisions.of_incident("orders", "i")) == {"delete-network", "restore-orders"}
    assert ledger.decisions.of_incident("orders", "i2") == {}


def test_what_a_step_took_is_noted_once_and_the_last_runs_are_kept(ledger: Ledger) -> None:
    ledger.incidents.open(incident(), NOW)
    assert not ledger.incidents.end_step(incident(), 0, 40)
    ledger.incidents.record_step(incident(), taken(Action.DELETE_STACK), 0)
    assert ledger.incidents.end_step(incident(), 0, 40)
    assert not ledger.incidents.end_step(incident(), 0, 50)
    record = ledger.incidents.get("orders", "i")
    assert record is not None
    assert record.tried == (taken(Action.DELETE_STACK, seconds=40),)
    for seconds in (1, 2, 3):
        ledger.incidents.record_duration("orders", "production", "DELETE_STACK", "network", seconds, keep=2)
    assert ledger.incidents.durations("orders", "production") == {("DELETE_STACK", "network"): [2, 3]}
    assert ledger.incidents.durations("orders", "test") == {}
