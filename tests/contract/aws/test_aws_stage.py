"""What every function of a stage begins with, on an AWS simulated by moto."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from simulated_ledger import bring, remembered
from test_aws_unfinished import RELEASE, House

from belay.aws.clock import lease, now
from belay.aws.cloudformation import Stacks
from belay.aws.gateways import own_aws
from belay.control.reasons import read_reason
from belay.control.sealing import looked_up
from belay.control.stack_values import StackValues
from belay.control.stage import StageContext
from belay.control.stage_stacks import StageStacks
from belay.errors import LockLost, MissingDocument, StackFailed
from belay.notify.told import in_words
from belay.policy.verdict import Report
from belay.release.life import State
from belay.release.lock import Claim
from belay.stack.operation import OperationSeen, TakenOver
from belay.stack.plan import Progress
from belay.stack.status import StackStatus


@pytest.fixture
def house(simulated: Callable[[str], Any]) -> Iterator[House]:
    own_aws.cache_clear()
    house = House(simulated)
    house.accept()
    yield house
    own_aws.cache_clear()


def enter(stage: str = "production", fencing: int | None = None) -> StageContext:
    event = {"release": RELEASE.to_dict(), "stage": stage, "fencing": fencing}
    return StageContext.enter(event, *remembered())


def lock(house: House, execution: str = "e1", expires_at: int = 1_000) -> int:
    seen = house.ledger.locks.get("orders", "production")
    claim = Claim.of_release(RELEASE, "production", execution)
    taken = house.ledger.locks.acquire(claim, expires_at=expires_at, seen=seen, now="2026-03-02T09:00:00.000+00:00")
    assert taken is not None
    return taken


def test_a_stage_is_entered_as_it_was_registered_when_the_release_was_accepted(house: House) -> None:
    house.register("stages: [production]\n")
    run = enter()
    assert (run.release, run.stage.name, run.accepted.stages["test"].ephemeral) == (RELEASE, "production", True)


def test_entering_under_the_lock_extends_it(house: House) -> None:
    fencing = lock(house)
    before = lease(0)
    enter(fencing=fencing)
    assert [each.expires_at > before for each in house.ledger.locks.held()] == [True]


def test_who_lost_the_lock_gets_nothing_to_change_things_with(house: House) -> None:
    fencing = lock(house)
    lock(house, "e2")
    with pytest.raises(LockLost):
        enter(fencing=fencing)


def test_a_release_whose_document_is_gone_cannot_go_on(house: House) -> None:
    house.s3.delete_object(Bucket="artifacts", Key=RELEASE.document_key)
    with pytest.raises(MissingDocument):
        enter()


def test_at_first_every_stack_waits_for_its_turn(house: House) -> None:
    plan = enter().plan()
    assert [(each.stack, each.stack_name, each.progress) for each in plan.stacks] == [
        ("network", "orders-network", Progress.WAITING)
    ]
    assert enter("test").plan().stacks[0].stack_name.startswith("orders-network-"), "an ephemeral stage's own"


def test_a_plan_goes_on_where_the_last_step_left_it(house: House) -> None:
    run = enter()
    planned = run.plan().with_stack(replace(run.plan().stacks[0], progress=Progress.PLANNED, changes=("Add Topic",)))
    run.save(planned)
    assert enter().plan() == planned
    assert enter("test").plan() != planned


def test_a_change_set_that_became_obsolete_is_told_as_that(house: House, stubbed: Callable[[str], Any]) -> None:
    bring(house.ledger, RELEASE, "production", State.SNAPSHOTS_TAKEN)
    run = enter()
    stack_id = "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-network/1"
    planned = replace(run.plan().stacks[0], progress=Progress.PLANNED, stack_id=stack_id, change_set_id="made")
    run.save(run.plan().with_stack(planned))
    client, stub = stubbed("cloudformation")
    obsolete = "ChangeSet [made] cannot be executed in its current execution status of [OBSOLETE]"
    stub.add_response("describe_stack_events", {"StackEvents": []})
    stub.add_client_error("execute_change_set", "InvalidChangeSetStatus", obsolete)
    stub.add_client_error("describe_change_set", "ChangeSetNotFound")
    stub.add_response("describe_stack_events", {"StackEvents": []})

    with pytest.raises(StackFailed, match="was updated by others after its change set was created"):
        StageStacks(run, Stacks(client), StackValues.of(own_aws(), run.ledger)).advance(None)
    submitted = house.ledger.operations.submitted(stack_id)
    assert submitted is not None, "it is recorded before CloudFormation is asked"
    assert (submitted.change_set_id, submitted.templates) == ("made", (run.accepted.manifest.digests["network.yaml"],))


def test_what_cloudformation_looks_up_itself_is_told_to_the_approvers(house: House) -> None:
    template = b"Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: '{{resolve:ssm:/orders/topic}}'}}}"
    nested = b"Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: '{{resolve:ssm:/nested}}'}}}"
    run = enter()
    (stack,) = run.accepted.manifest.stacks
    manifest = replace(
        run.accepted.manifest,
        digests=dict.fromkeys(("network.yaml", "nested.yaml", "sql/0001-make.sql"), "0" * 64),
        stacks=(replace(stack, parameters={"Size": "{{resolve:ssm:/size}}", "Image": "{{resolve:ssm:/image:3}}"}),),
    )
    declared = {"network.yaml": {"Size": False, "Image": False}}
    run = replace(run, accepted=replace(run.accepted, manifest=manifest, declared=declared))
    house.artifacts.put_bytes(f"{RELEASE.prefix}/network.yaml", template)
    house.artifacts.put_bytes(f"{RELEASE.prefix}/nested.yaml", nested)
    house.artifacts.put_bytes(f"{RELEASE.prefix}/sql/0001-make.sql", b"CREATE TABLE refunds (id int PRIMARY KEY);")
    static = Report((), (("network.yaml", ()), ("nested.yaml", ()), ("sql/0001-make.sql", ())))
    assert looked_up(run, static) == [
        "network.yaml: {{resolve:ssm:/orders/topic}}",
        "nested.yaml: {{resolve:ssm:/nested}}",
        "the parameters of network: {{resolve:ssm:/size}}",
    ]


class Heard(Stacks):
    """CloudFormation, limited to one execution's events."""

    def __init__(self, seen: OperationSeen, *, stands_still: bool = False) -> None:
        self.seen = seen
        self.still = stands_still

    def operation(self, stack_id: str, token: str) -> OperationSeen:
        return self.seen

    def stands_still(self, stack_id: str, now: datetime) -> bool:
        return self.still

    def describe_stack(self, stack: str) -> dict[str, Any]:
        return {"StackStatus": "UPDATE_IN_PROGRESS"}


BEGUN = OperationSeen(StackStatus.UPDATE_IN_PROGRESS)
CANCELLED = TakenOver("t", "Console-CancelUpdateStack-1", StackStatus.UPDATE_ROLLBACK_IN_PROGRESS, now())


def follow(stacks: Stacks, asked: timedelta) -> StageContext:
    """Follow the execution of the one stack, which was requested some time ago."""
    run, at = enter(), (now() - asked).isoformat()
    executing = replace(
        run.plan().stacks[0], progress=Progress.EXECUTING, stack_id="arn:stack/orders-network/1", token="t", asked_at=at
    )
    run.save(run.plan().with_stack(executing))
    StageStacks(run, stacks, StackValues.of(own_aws(), run.ledger)).advance(None)
    return run


@pytest.mark.parametrize(("seen", "asked"), [(OperationSeen(None), timedelta(minutes=5)), (BEGUN, timedelta(hours=30))])
def test_an_execution_that_is_heard_of_or_was_just_asked_for_is_followed(
    house: House, seen: OperationSeen, asked: timedelta
) -> None:
    (stack,) = follow(Heard(seen), asked).plan().stacks
    assert stack.progress is Progress.EXECUTING


@pytest.mark.parametrize(
    ("stacks", "told"),
    [
        (Heard(OperationSeen(None)), "and CloudFormation shows none"),
        (Heard(BEGUN, stands_still=True), "CloudFormation has said nothing about it for 12 hours"),
        (Heard(replace(BEGUN, taken_over=CANCELLED)), "cancelled the update of the stack orders-network"),
    ],
)
def test_an_execution_that_falls_silent_ends_the_stage_with_what_is_seen(
    house: House, stacks: Stacks, told: str
) -> None:
    with pytest.raises(StackFailed) as failed:
        follow(stacks, timedelta(hours=2))
    reason = read_reason(house.artifacts, {"Error": "StackFailed", "Cause": str(failed.value)})
    assert told in in_words(reason)
