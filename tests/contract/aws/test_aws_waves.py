"""A release whose stages are deployed together: how each ends, the effects on the others, and the notifications."""

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from modules import step
from simulated_ledger import accepted, bring
from test_aws_unfinished import MACHINE, MANIFEST, NOW, STAGE, House

from belay.aws.dynamodb import Item, Table
from belay.aws.gateways import Aws, own_aws
from belay.control.closing import ended
from belay.control.recovery import Recovery
from belay.control.successors import Successors
from belay.control.superseding import Superseding
from belay.errors import Throttled
from belay.ledger.incidents import IncidentRecord
from belay.notify.told import in_words
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt
from belay.release.ending import Close
from belay.release.life import State
from belay.release.lock import Claim
from belay.release.reason import Reason, Statement, Why, from_document
from belay.release.records import Outcome, ReleaseReference, upload_of
from belay.release.waves import Waves
from belay.stack.plan import Progress, StackPlan, StagePlan
from belay.subject.names import incident_of
from belay.subject.subjects import AskedRollback
from cli.views.followed import Follower

WAVES: Waves = (("eu", "us"), ("production",))
LATER = "2026-01-01T11:00:00.000+00:00"
UPLOAD = {"detail": {"object": {"key": "releases/orders/1.1.0.zip"}}}
NOT_VERIFIED = Statement(Why.NOT_VERIFIED, "it does not answer")


class World:
    """A House with the stages ``eu`` and ``us`` in one wave, before ``production``."""

    def __init__(self, house: House) -> None:
        self.house, self.ledger = house, house.ledger

    def accept(self, version: str, wave_failure: str = "stage") -> ReleaseReference:
        upload = upload_of("orders", "releases-bucket", f"releases/orders/{version}.zip", "v1", 4711)
        release = accepted(self.ledger, upload, version, "d" * 64, execution=f"release:{upload.attempt}", waves=WAVES)
        text = f"stages: [[eu, us], production]\nwave_failure: {wave_failure}\n"
        manifest = MANIFEST.replace("version: 1.0.0", f"version: {version}")
        stages = {each: STAGE.replace("orders-network", f"orders-{each}") for each in ("eu", "us", "production")}
        document = AcceptedRelease.of("orders", manifest, text, stages, {"network.yaml": {}})
        self.house.artifacts.put_json(release.document_key, document.to_dict())
        return release

    def deploy(self, release: ReleaseReference, *stages: str, at: str = NOW) -> None:
        for stage in stages:
            if self.attempt(release).in_stage(stage) is None:
                bring(self.ledger, release, stage, State.EXECUTING, now=at)
            plan = StagePlan((StackPlan("network", f"orders-{stage}", progress=Progress.EXECUTED, stack_id="arn:s"),))
            self.house.artifacts.put_json(release.stage_key(stage, "plan.json"), plan.to_dict())
            done = {"good": True, "fencing": None, "now": at}
            assert self.ledger.attempts.end_stage(release, stage, Outcome.DEPLOYED, **done)

    def fail(self, release: ReleaseReference, stage: str, outcome: Outcome = Outcome.ROLLED_BACK) -> None:
        """Make a stage fail and be recovered."""
        if self.attempt(release).in_stage(stage) is None:
            bring(self.ledger, release, stage, State.EXECUTING)
        name = self.house.incidents.open_for_release(release, stage, from_document(f"{stage} is bad"))
        self.recover(name, outcome)

    def recover(self, incident: str, outcome: Outcome = Outcome.ROLLED_BACK) -> None:
        recovery = Recovery(self.record(incident), self.house.artifacts, self.ledger)
        self.house.closing.close(recovery, ended(recovery, outcome, None))

    def record(self, incident: str) -> IncidentRecord:
        record = self.ledger.incidents.get("orders", incident)
        assert record is not None
        return record

    def attempt(self, release: ReleaseReference) -> Attempt:
        attempt = self.ledger.attempts.get(release)
        assert attempt is not None
        return attempt

    def conclude(self, release: ReleaseReference) -> Close | None:
        document = self.house.artifacts.require_json(release.document_key)
        return self.house.waves.conclude(self.attempt(release), AcceptedRelease.from_dict(document))

    def rollbacks(self) -> list[IncidentRecord]:
        """The open incidents of requested rollbacks."""
        open_ones = (self.record(each.incident) for each in self.ledger.incidents.open_ones())
        return [each for each in open_ones if isinstance(each.incident.subject, AskedRollback)]


@pytest.fixture
def world(simulated: Callable[[str], Any]) -> World:
    return World(House(simulated))


def words(reason: Reason | None) -> list[str]:
    return in_words(reason).splitlines()


# -- that stage alone --------------------------------------------------------------------------------------------------


def test_a_stage_that_is_recovered_ends_nothing_while_another_goes_on(world: World) -> None:
    release = world.accept("1.1.0")
    bring(world.ledger, release, "us", State.EXECUTING)

    world.fail(release, "eu")

    assert world.house.told() == [("stage-ended", "ROLLED_BACK")]
    assert world.attempt(release).outcome is None
    assert world.conclude(release) is None
    world.deploy(release, "us")
    concluded = world.conclude(release)
    assert concluded is not None
    assert concluded.outcome is Outcome.ROLLED_BACK
    assert words(concluded.reason) == ["eu ROLLED_BACK: eu is bad", "us DEPLOYED"]
    assert world.rollbacks() == []


def test_the_last_stage_that_is_recovered_ends_the_release_and_tells_of_each(world: World) -> None:
    release = world.accept("1.1.0")
    world.deploy(release, "us")

    world.fail(release, "eu", Outcome.NEEDS_OPERATOR)

    (message,) = world.house.messages()
    assert (message["kind"], message["outcome"], message["stage"]) == ("release-ended", "NEEDS_OPERATOR", "eu")
    assert message["cause"]["what"] == "eu NEEDS_OPERATOR: eu is bad; us DEPLOYED"
    assert "us runs 1.1.0" in message["what"]
    assert world.conclude(release) == Close(Outcome.NEEDS_OPERATOR, world.attempt(release).reason)


def test_the_end_of_a_wave_says_which_of_its_stages_are_left_to_a_person(world: World) -> None:
    release = world.accept("1.1.0")
    bring(world.ledger, release, "us", State.EXECUTING)
    world.fail(release, "eu", Outcome.NEEDS_OPERATOR)
    world.deploy(release, "us")
    concluded = world.conclude(release)
    assert concluded is not None
    world.house.messages()

    world.house.endings.close(world.attempt(release), concluded.outcome, reason=concluded.reason)

    (message,) = world.house.messages()
    (left,) = message["left_to_do"]
    assert (left["subject"], left["what"], left["why"]) == ("eu", "do the remaining work there", "eu is bad")


def test_what_is_left_in_a_stage_is_told_even_if_another_has_ended_the_release_meanwhile(world: World) -> None:
    release = world.accept("1.1.0")
    names = {}
    for stage in ("eu", "us"):
        bring(world.ledger, release, stage, State.EXECUTING)
        names[stage] = world.house.incidents.open_for_release(release, stage, from_document(f"{stage} is bad"))
    how = {"good": False, "fencing": None, "now": LATER, "recovered": True}
    assert world.ledger.attempts.end_stage(release, "eu", Outcome.NEEDS_OPERATOR, NOT_VERIFIED, **how)
    world.recover(names["us"])
    assert world.house.told() == [("release-ended", "NEEDS_OPERATOR")]

    world.recover(names["eu"], Outcome.NEEDS_OPERATOR)

    (message,) = world.house.messages()
    assert (message["kind"], message["outcome"], message["stage"]) == ("stage-ended", "NEEDS_OPERATOR", "eu")
    assert "The release has ended NEEDS_OPERATOR." in message["what"]


def test_an_incident_that_meets_another_write_to_its_attempt_is_opened_whole_or_not_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = world.accept("1.1.0")
    for stage in ("eu", "us"):
        bring(world.ledger, release, stage, State.EXECUTING)

    def conflict(*_: Any, **__: Any) -> None:
        raise Throttled("DynamoDB.TransactWriteItems", "TransactionCanceledException", "TransactionConflict")

    with monkeypatch.context() as busy:
        busy.setattr(Table, "transact", conflict)
        with pytest.raises(Throttled):
            world.house.incidents.open_for_release(release, "eu", NOT_VERIFIED)
    assert world.ledger.incidents.open_ones() == []

    name = world.house.incidents.open_for_release(release, "eu", NOT_VERIFIED)

    assert name is not None
    world.recover(name)
    assert world.attempt(release).outcome is None, "the other stage goes on"
    assert [each.outcome for each in world.attempt(release).stages] == [Outcome.ROLLED_BACK, None]
    world.house.incidents.open_for_release(release, "eu", NOT_VERIFIED)
    assert [each.stage for each in world.attempt(release).under_way] == ["us"]


def test_a_stage_that_is_deployed_in_the_instant_in_which_its_execution_dies_has_no_incident(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = world.accept("1.1.0")
    for stage in ("eu", "us"):
        bring(world.ledger, release, stage, State.EXECUTING)
    read = world.house.artifacts.require_json

    def deployed_meanwhile(key: str) -> Any:
        if world.attempt(release).may_recover("eu"):
            world.deploy(release, "eu")
        return read(key)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(world.house.artifacts, "require_json", deployed_meanwhile)
        world.house.waves.recover(release, "eu", NOT_VERIFIED)

    assert world.ledger.incidents.open_ones() == []
    assert [each.outcome for each in world.attempt(release).stages] == [Outcome.DEPLOYED, None]
    world.deploy(release, "us")
    assert world.conclude(release) == Close(Outcome.DEPLOYED, None)


def test_a_stage_whose_incident_is_open_is_not_deployed_any_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    release = world.accept("1.1.0")
    for stage in ("eu", "us"):
        bring(world.ledger, release, stage, State.EXECUTING)
    transact, ended_well = Table.transact, []

    def finishing_right_after(table: Table, *changes: Item) -> bool:
        done = transact(table, *changes)
        if done and any("INCIDENT#" in json.dumps(each) for each in changes) and not ended_well:
            how = {"good": True, "fencing": None, "now": NOW}
            ended_well.append(None)
            ended_well[:] = [world.ledger.attempts.end_stage(release, "eu", Outcome.DEPLOYED, **how)]
        return done

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Table, "transact", finishing_right_after)
        name = world.house.incidents.open_for_release(release, "eu", NOT_VERIFIED)

    assert ended_well == [False]
    assert world.ledger.stages.runs("orders", "eu") is None
    assert name is not None
    world.recover(name)
    assert [each.outcome for each in world.attempt(release).stages] == [Outcome.ROLLED_BACK, None]
    assert world.attempt(release).outcome is None, "the other stage goes on"


def test_an_incident_of_a_stage_that_has_ended_otherwise_does_not_end_the_release_of_its_wave(world: World) -> None:
    release = world.accept("1.1.0")
    for stage in ("eu", "us"):
        bring(world.ledger, release, stage, State.AWAITING_APPROVAL)
    denied = Statement(Why.NOT_VERIFIED, "it was denied")
    assert world.ledger.attempts.end_stage(release, "eu", Outcome.ABORTED, denied, good=False, fencing=None, now=LATER)
    name = world.house.incidents.open_for_release(release, "eu", NOT_VERIFIED)
    assert name is not None

    world.recover(name)

    assert world.house.told() == [("stage-ended", "ROLLED_BACK")]
    assert world.attempt(release).outcome is None, "the other stage goes on"
    world.deploy(release, "us")
    concluded = world.conclude(release)
    assert concluded is not None
    assert concluded.outcome is Outcome.ABORTED


def test_a_wave_that_is_deployed_is_told_to_the_machine_alone(world: World) -> None:
    release = world.accept("1.1.0")
    world.deploy(release, "eu", "us")
    assert world.conclude(release) == Close(Outcome.DEPLOYED, None)
    assert world.house.told() == []


def test_the_machine_is_told_how_its_wave_ended_with_the_document_that_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_aws.cache_clear()
    monkeypatch.setenv("ROLLBACK_STAGE_MACHINE_ARN", MACHINE)
    release = world.accept("1.1.0")
    world.deploy(release, "us")
    bring(world.ledger, release, "eu", State.EXECUTING)

    def concluded() -> dict[str, Any]:
        event = {"release": release.to_dict(), "stages": ["eu", "us"]}
        return dict(step("follow_incident", "conclude_wave").handler(event, None))

    assert concluded() == {"outcome": None, "reason": None, "wait_seconds": 15}
    (incident,) = world.house.recoveries()
    world.ledger.attempts.end_stage(
        release, "eu", Outcome.ROLLED_BACK, NOT_VERIFIED, good=False, fencing=None, now=LATER, recovered=True
    )
    told = concluded()
    assert told["outcome"] is Outcome.ROLLED_BACK
    assert world.house.recoveries() == [incident]
    kept = from_document(world.house.artifacts.require_json(told["reason"]["document"]))
    assert words(kept) == ["eu ROLLED_BACK: it does not answer", "us DEPLOYED"]
    own_aws.cache_clear()


# -- its wave ----------------------------------------------------------------------------------------------------------


def failed(world: World) -> ReleaseReference:
    """A release on top of another that is deployed in ``us`` and failed in ``eu``, which rolls back its wave."""
    first = world.accept("1.0.0")
    world.deploy(first, "eu", "us")
    release = world.accept("1.1.0", "wave")
    world.deploy(release, "us", at=LATER)
    world.fail(release, "eu")
    assert world.house.told() == [("stage-ended", "ROLLED_BACK")]
    return release


def test_what_was_deployed_is_rolled_back_once_with_a_stage_of_its_wave(world: World) -> None:
    release = failed(world)

    assert world.conclude(release) is None
    assert world.conclude(release) is None

    (asked,) = world.rollbacks()
    subject = asked.incident.subject
    assert isinstance(subject, AskedRollback)
    assert (subject.stage, subject.asked_by) == ("us", world.attempt(release).execution)
    assert subject.target is not None
    assert subject.target.version == "1.0.0"
    assert "eu failed, and its wave is rolled back with it" in in_words(asked.incident.reason)

    world.recover(asked.incident.name)
    concluded = world.conclude(release)
    assert concluded is not None
    assert concluded.outcome is Outcome.ROLLED_BACK
    assert [each.split(":")[0] for each in words(concluded.reason)] == ["eu ROLLED_BACK", "us ROLLED_BACK"]
    runs = world.ledger.stages.runs("orders", "us")
    assert runs is not None
    assert runs.release.version == "1.0.0"


def test_what_a_wave_takes_back_is_followed_with_the_release(world: World) -> None:
    release = failed(world)
    world.conclude(release)
    belay: Any = SimpleNamespace(ledger=world.ledger, artifacts=world.house.artifacts, aws=Aws(), outputs={})

    seen = Follower(belay).attempt(world.attempt(release))

    assert [each.line.stage for each in seen.incidents] == ["eu", "us"]
    assert not seen.over


def test_a_rollback_with_the_wave_waits_for_the_stage_s_lock(world: World) -> None:
    release = failed(world)
    claim = Claim("orders", "us", "other", "1.2.0", "other-execution")
    assert world.ledger.locks.acquire(claim, expires_at=4102444800, seen=None, now=NOW) == 1
    assert world.conclude(release) is None
    assert world.rollbacks() == []
    world.ledger.locks.release("orders", "us", 1)
    assert world.conclude(release) is None
    assert len(world.rollbacks()) == 1


def test_a_stage_that_runs_something_newer_by_now_is_left_alone(world: World) -> None:
    release = failed(world)
    world.deploy(world.accept("1.2.0"), "us", at="2026-01-01T12:00:00.000+00:00")
    concluded = world.conclude(release)
    assert concluded is not None
    assert concluded.outcome is Outcome.ROLLED_BACK
    assert words(concluded.reason)[1] == "us DEPLOYED: not rolled back: us does not run 1.1.0 any more"
    assert world.rollbacks() == []


def test_what_another_release_left_in_a_stage_is_not_rolled_back_in_its_place(world: World) -> None:
    release = failed(world)
    other = world.accept("1.2.0")
    world.fail(other, "us", Outcome.NEEDS_OPERATOR)
    incident = incident_of(other.origin, "us")
    claim = Claim("orders", "us", other.attempt, "1.2.0", "other-execution", incident)
    fencing = world.ledger.locks.acquire(claim, expires_at=4102444800, seen=None, now=NOW)
    assert fencing is not None
    world.ledger.locks.release("orders", "us", fencing)

    concluded = world.conclude(release)

    assert concluded is not None
    assert concluded.outcome is Outcome.NEEDS_OPERATOR
    assert "us NEEDS_OPERATOR: not rolled back: 1.2.0 failed in us and left something there" in in_words(
        concluded.reason
    )
    assert world.rollbacks() == []


def test_a_release_that_is_deployed_while_the_rollback_is_prepared_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = failed(world)
    newer, history = world.accept("1.2.0"), world.ledger.stages.history

    def later(application: str, stage: str) -> Any:
        if stage == "us" and world.attempt(newer).in_stage("us") is None:
            world.deploy(newer, "us", at="2026-01-01T12:00:00.000+00:00")
        return history(application, stage)

    monkeypatch.setattr(world.ledger.stages, "history", later)
    concluded = world.conclude(release)
    assert concluded is not None
    assert words(concluded.reason)[1] == "us DEPLOYED: not rolled back: us does not run 1.1.0 any more"
    assert world.rollbacks() == []


def test_a_first_release_that_cannot_be_rolled_back_with_its_wave_is_left_to_a_person(world: World) -> None:
    release = world.accept("1.1.0", "wave")
    world.deploy(release, "us")
    world.fail(release, "eu")
    concluded = world.conclude(release)
    assert concluded is not None
    assert concluded.outcome is Outcome.NEEDS_OPERATOR
    assert "us NEEDS_OPERATOR: not rolled back: 1.1.0 is the first release" in in_words(concluded.reason)


# -- executions that die -----------------------------------------------------------------------------------------------


def test_a_stage_whose_execution_died_is_recovered_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    release = world.accept("1.1.0")
    for stage in ("eu", "us"):
        bring(world.ledger, release, stage, State.EXECUTING)
    monkeypatch.setattr(type(world.house.incidents.executions), "running", lambda *_: True)
    document = {"release": release.to_dict(), "stage": "eu"}
    name = world.house.unfinished.take_up_execution("stage-execution", document)
    assert name == incident_of(release.origin, "eu")
    assert world.house.recoveries() == [name]
    world.house.waves.recover(release, "eu", NOT_VERIFIED)
    assert world.house.recoveries() == [name], "it is being recovered"


def test_a_stage_that_never_began_is_recovered_and_one_that_has_ended_is_not(world: World) -> None:
    release = world.accept("1.1.0")
    world.ledger.attempts.record(release, State.CHECKED, NOW)
    world.deploy(release, "us")
    for stage in ("eu", "us"):
        world.house.waves.recover(release, stage, NOT_VERIFIED)
    assert world.house.recoveries() == [incident_of(release.origin, "eu")]


def test_a_release_whose_execution_died_is_recovered_in_each_stage_and_taken_back_by_the_sweep(world: World) -> None:
    first = world.accept("1.0.0")
    world.deploy(first, "eu", "us")
    release = world.accept("1.1.0", "wave")
    world.deploy(release, "us", at=LATER)
    bring(world.ledger, release, "eu", State.EXECUTING)
    (held_open,) = [each for each in world.ledger.attempts.open_ones() if each.upload.attempt == release.attempt]

    assert world.house.unfinished.take_up(held_open) == incident_of(release.origin, "eu")
    world.recover(incident_of(release.origin, "eu"))
    world.house.unfinished.take_up(held_open)
    (asked,) = world.rollbacks()
    world.house.unfinished.take_up(held_open)
    assert world.attempt(release).outcome is None, "its wave is being rolled back"
    world.recover(asked.incident.name)
    world.house.unfinished.take_up(held_open)

    assert world.attempt(release).outcome is Outcome.ROLLED_BACK
    ends = [(each["kind"], each["outcome"]) for each in world.house.messages()]
    assert ends == [("stage-ended", "ROLLED_BACK"), ("release-ended", "ROLLED_BACK"), ("release-ended", "ROLLED_BACK")]


# -- turns and upgrades ------------------------------------------------------------------------------------------------


def test_a_newer_release_takes_the_turn_in_each_stage_of_its_own(world: World) -> None:
    older = world.accept("1.1.0")
    bring(world.ledger, older, "eu", State.AWAITING_APPROVAL)
    bring(world.ledger, older, "us", State.EXECUTING)
    newer = world.accept("1.2.0")
    superseding = Superseding(world.ledger, world.house.artifacts, world.house.incidents.executions)

    assert superseding.arrive(newer, "us") == []
    assert superseding.arrive(newer, "eu") == ["1.1.0"]

    attempt = world.attempt(older)
    assert [(each.stage, each.version) for each in attempt.superseded] == [("eu", "1.2.0")]
    assert attempt.superseded_in("us") is None


def begun(world: World) -> tuple[ReleaseReference, Successors, tuple[str, str, str]]:
    """A release with its executions: its own, and those of ``eu`` and ``us``."""
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-deploy-release"
    states = world.house.states
    role = "arn:aws:iam::123456789012:role/machine"
    definition = json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}})
    for name in ("belay-deploy-release", "belay-deploy-stage"):
        states.create_state_machine(name=name, definition=definition, roleArn=role)
    release = world.accept("1.1.0")
    executions = world.house.incidents.executions
    parent = executions.start_execution(machine, release.attempt, UPLOAD)
    assert world.ledger.attempts.continue_in(release, world.attempt(release).execution, parent)
    own = machine.replace("release", "stage")
    document = {"release": release.to_dict(), "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": parent}
    eu, us = (
        executions.start_execution(own, f"{release.attempt}-{stage}", {**document, "stage": stage})
        for stage in ("eu", "us")
    )
    successors = Successors(world.ledger, world.house.artifacts, executions, machine)
    return release, successors, (parent, eu, us)


def test_a_wave_is_continued_when_all_of_it_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    release, successors, (parent, eu, us) = begun(world)
    executions = successors.executions
    bring(world.ledger, release, "eu", State.AWAITING_APPROVAL)
    assert successors.continue_stage(eu) is None, "the other stage was not entered yet"
    bring(world.ledger, release, "us", State.HELD)
    at = {us: "SnapshotDatabases"}
    monkeypatch.setattr(type(executions), "state", lambda _, execution: (at[execution], NOW))
    assert successors.continue_stage(eu) is None, "the other stage's window has opened, and it holds its lock"
    bring(world.ledger, release, "us", State.EXECUTING)
    assert successors.continue_stage(eu) is None, "the other stage is being changed"
    assert executions.running(parent)

    assert world.ledger.attempts.end_stage(release, "us", Outcome.DEPLOYED, good=True, fencing=None, now=LATER)
    successor = successors.continue_stage(eu)

    assert successor is not None
    continues = executions.input(successor)["continues"]
    assert continues["waves"] == [["eu"], ["production"]]
    assert continues == {**continues, "upload": UPLOAD, "suffix": "-2"}
    assert [executions.running(each) for each in (parent, eu, us)] == [False, False, False]
    bring(world.ledger, release, "eu", State.EXECUTING)
    assert successors.continue_stage(eu) == successor, "a rerun finds it done"
    assert replace(world.attempt(release), stages=()).execution == successor


def test_a_wave_is_continued_in_every_stage_that_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    release, successors, (parent, eu, us) = begun(world)
    bring(world.ledger, release, "eu", State.AWAITING_APPROVAL)
    bring(world.ledger, release, "us", State.HELD)
    executions = successors.executions
    monkeypatch.setattr(type(executions), "state", lambda *_: ("WaitForWindow", NOW))

    successor = successors.continue_stage(us)

    assert successor is not None
    assert executions.input(successor)["continues"]["waves"] == [["eu", "us"], ["production"]]
    assert [executions.running(each) for each in (parent, eu, us)] == [False, False, False]
    assert successors.continue_stage(eu) == successor
