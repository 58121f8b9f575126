"""Changing any sealed part breaks the seal, which names the part."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from asked import CHANGE_PLAN

from belay.approval.seal import Seal, Sealed
from belay.database.forecast import DatabaseForecast
from belay.policy.verdict import Finding, Report, Severity, Verdict
from belay.release.accepted import AcceptedRelease
from belay.release.change_plan import PendingChange
from belay.release.records import ReleaseReference
from belay.stack.change_set import Change, ChangeSet, Detail
from belay.stack.plan import Progress, StackPlan, StagePlan

MANIFEST = f"""
application: orders
version: 1.2.0
stacks:
  - {{name: network, template: network.yaml}}
  - {{name: service, template: service.yaml, depends_on: [network], parameters: {{Size: small}}}}
digests: {{network.yaml: {"0" * 64}, service.yaml: {"1" * 64}}}
"""
APPLICATION = "stages: [production]\ndefaults: {service_role: 'arn:aws:iam::111122223333:role/belay/orders'}"
STAGE = "approval: {required: true}\nstacks: {network: {name: orders-network}, service: {name: orders-service}}"
DECLARED = {"network.yaml": {}, "service.yaml": {"Size": False, "ReleaseVersion": False}}
ID = "arn:aws:cloudformation:eu-west-1:111122223333:changeSet/one/0123"
DETAIL = Detail(
    "Properties", "CidrBlock", "Always", "Static", "DirectModification", None, None, "10.0.0.0/16", "10.1/16"
)
CHANGE = Change("Vpc", "AWS::EC2::VPC", "Modify", "True", "vpc-1", ("Properties",), "Delete", (DETAIL,))
NESTED = ChangeSet("stack/2", "child", "child-set", "n", "CREATE_COMPLETE", "AVAILABLE", None, {}, {}, (CHANGE,))
PARENT = Change("Child", "AWS::CloudFormation::Stack", "Modify", "False", nested_change_set="child-set")
CHANGE_SET = ChangeSet(
    stack_id="stack/1",
    stack_name="orders-network",
    change_set_id=ID,
    name="one",
    status="CREATE_COMPLETE",
    execution_status="AVAILABLE",
    reason=None,
    parameters={"Size": "small"},
    resolved={"Image": "ami-1"},
    changes=(CHANGE, PARENT),
    tags={"belay:stage": "production"},
    capabilities=("CAPABILITY_IAM",),
    rollback_configuration={"RollbackTriggers": [{"Arn": "alarm", "Type": "AWS::CloudWatch::Alarm"}]},
    nested=(NESTED,),
)
FINDING = Finding("network", "Vpc", "stateful-replacement", Verdict.REVIEW, Severity.HIGH, 0, 0, "", "m", "f")
REPORT = Report((FINDING,), (("network", ("stateful-replacement",)),))
PLAN = StagePlan(
    (
        StackPlan("network", "orders-network", progress=Progress.PLANNED, change_set_id=ID, stack_id="stack/1"),
        StackPlan("service", "orders-service", ("network",)),
    )
)


def accepted(manifest: str = MANIFEST, application: str = APPLICATION, stage: str = STAGE) -> AcceptedRelease:
    return AcceptedRelease.of("orders", manifest, application, {"production": stage}, DECLARED)


FORECAST_OF_CHANGES = DatabaseForecast("instance orders-db", "copy")
SEALED = Sealed(
    release=ReleaseReference("orders", "1.2.0", "d" * 64, "a" * 12),
    accepted=accepted(),
    stage="production",
    artifact_bucket="artifacts",
    files={"releases/orders/1.2.0/dddd/service.yaml": "v1"},
    static=Report(checked=(("service.yaml", ("ssh-open",)),)),
    plan=PLAN,
    change_sets={"network": CHANGE_SET},
    reports={"network": REPORT},
    database_changes=CHANGE_PLAN,
    forecast=FORECAST_OF_CHANGES,
)


def with_change_set(**changed: Any) -> Callable[[Sealed], Sealed]:
    return lambda sealed: replace(sealed, change_sets={"network": replace(CHANGE_SET, **changed)})


def with_change(**changed: Any) -> Callable[[Sealed], Sealed]:
    return with_change_set(changes=(replace(CHANGE, **changed), PARENT))


def with_plan(**changed: Any) -> Callable[[Sealed], Sealed]:
    return lambda sealed: replace(sealed, plan=PLAN.with_stack(replace(PLAN.stacks[0], **changed)))


def with_accepted(**texts: str) -> Callable[[Sealed], Sealed]:
    return lambda sealed: replace(sealed, accepted=accepted(**texts))


def with_report(**changed: Any) -> Callable[[Sealed], Sealed]:
    return lambda sealed: replace(sealed, reports={"network": Report((replace(FINDING, **changed),), REPORT.checked)})


def with_changes(*pending: PendingChange, **changed: Any) -> Callable[[Sealed], Sealed]:
    kept = pending or CHANGE_PLAN.pending
    return lambda sealed: replace(sealed, database_changes=replace(CHANGE_PLAN, pending=kept, **changed))


DATABASE = "the database changes"
FORECAST = "the forecast of the database changes"
CHANGE_SET_OF_NETWORK = "the change set of network"
TAMPERED: dict[str, tuple[Callable[[Sealed], Sealed], set[str]]] = {
    "another forecast": (
        lambda sealed: replace(sealed, forecast=replace(FORECAST_OF_CHANGES, note="another")),
        {FORECAST},
    ),
    "no forecast any more": (lambda sealed: replace(sealed, forecast=None), {FORECAST}),
    "another attempt": (
        lambda sealed: replace(sealed, release=replace(sealed.release, attempt="b" * 12)),
        {"the release"},
    ),
    "other content": (
        lambda sealed: replace(sealed, release=replace(sealed.release, digest="e" * 64)),
        {"the release"},
    ),
    "the manifest": (with_accepted(manifest=MANIFEST + "description: other\n"), {"the release"}),
    "a file written again": (
        lambda sealed: replace(sealed, files={next(iter(sealed.files)): "v2"}),
        {"the release's files"},
    ),
    "a file more": (
        lambda sealed: replace(sealed, files={**sealed.files, "releases/more": "v1"}),
        {"the release's files"},
    ),
    "the application's registration": (
        with_accepted(application=APPLICATION + "\ntopic: 'arn:aws:sns:eu-west-1:111122223333:other'"),
        {"the registration"},
    ),
    "the stage's registration": (with_accepted(stage=STAGE + "\nrecover_foreign: true"), {"the registration"}),
    "a registered parameter": (
        with_accepted(
            stage=STAGE.replace("{name: orders-service}", "{name: orders-service, parameters: {Size: large}}")
        ),
        {"the registration", "the parameters of service"},
    ),
    "a parameter of the release": (
        with_accepted(manifest=MANIFEST.replace("Size: small", "Size: large")),
        {"the release", "the parameters of service"},
    ),
    "the bucket that parameters name": (
        lambda sealed: replace(
            sealed,
            artifact_bucket="other",
            accepted=AcceptedRelease.of(
                "orders",
                MANIFEST,
                APPLICATION,
                {"production": STAGE},
                {**DECLARED, "service.yaml": {"Size": False, "ReleaseVersion": False, "ReleaseBucket": False}},
            ),
        ),
        {"the registration", "the parameters of service"},
    ),
    "the static verdict": (
        lambda sealed: replace(sealed, static=REPORT),
        {"the policies' verdicts on the templates"},
    ),
    "the static report gone": (
        lambda sealed: replace(sealed, static=None),
        {"the policies' verdicts on the templates"},
    ),
    "a finding's verdict": (
        with_report(verdict=Verdict.FAIL),
        {"the policies' verdicts on the change set of network"},
    ),
    "a waiver that ended": (
        with_report(waiver="maria until 2026-03-01"),
        {"the policies' verdicts on the change set of network"},
    ),
    "a database change more": (with_changes(*CHANGE_PLAN.pending, replace(CHANGE_PLAN.pending[0], id="9")), {DATABASE}),
    "a database change less": (with_changes(CHANGE_PLAN.pending[0]), {DATABASE}),
    "database changes in another order": (with_changes(*reversed(CHANGE_PLAN.pending)), {DATABASE}),
    "a database change's content": (
        with_changes(replace(CHANGE_PLAN.pending[0], digest="e" * 64), CHANGE_PLAN.pending[1]),
        {DATABASE},
    ),
    "another executor": (with_changes(executor=replace(CHANGE_PLAN.executor, function="other")), {DATABASE}),
    "changes applied later": (with_changes(apply=None), {DATABASE}),
    "a change set gone": (lambda sealed: replace(sealed, change_sets={"network": None}), {CHANGE_SET_OF_NETWORK}),
    "a change set obsolete": (with_change_set(execution_status="OBSOLETE"), {CHANGE_SET_OF_NETWORK}),
    "a change set that does the same under another id": (with_plan(change_set_id=f"{ID}4"), {CHANGE_SET_OF_NETWORK}),
    "a plan for another stack": (with_plan(stack_name="payments-network"), {CHANGE_SET_OF_NETWORK}),
    "a plan that is done": (with_plan(progress=Progress.EXECUTED), {CHANGE_SET_OF_NETWORK}),
    "a dependency more": (with_plan(depends_on=("service",)), {CHANGE_SET_OF_NETWORK}),
    "a change more": (
        with_change_set(changes=(CHANGE, PARENT, replace(CHANGE, logical_id="B"))),
        {CHANGE_SET_OF_NETWORK},
    ),
    "a change less": (with_change_set(changes=(PARENT,)), {CHANGE_SET_OF_NETWORK}),
    "an action": (with_change(action="Remove"), {CHANGE_SET_OF_NETWORK}),
    "a replacement": (with_change(replacement="False"), {CHANGE_SET_OF_NETWORK}),
    "another resource": (with_change(physical_id="vpc-2"), {CHANGE_SET_OF_NETWORK}),
    "a deletion policy": (with_change(policy_action="Retain"), {CHANGE_SET_OF_NETWORK}),
    "a property's value": (with_change(details=(replace(DETAIL, after="10.2/16"),)), {CHANGE_SET_OF_NETWORK}),
    "a change of the nested stack": (with_change_set(nested=(replace(NESTED, changes=()),)), {CHANGE_SET_OF_NETWORK}),
    "a parameter of the change set": (with_change_set(parameters={"Size": "large"}), {CHANGE_SET_OF_NETWORK}),
    "a resolved parameter": (with_change_set(resolved={"Image": "ami-2"}), {CHANGE_SET_OF_NETWORK}),
    "a capability": (with_change_set(capabilities=("CAPABILITY_NAMED_IAM",)), {CHANGE_SET_OF_NETWORK}),
    "a tag": (with_change_set(tags={}), {CHANGE_SET_OF_NETWORK}),
    "a rollback trigger": (with_change_set(rollback_configuration={}), {CHANGE_SET_OF_NETWORK}),
}


def test_the_same_is_sealed_alike() -> None:
    again = replace(SEALED, files=dict(reversed([*SEALED.files.items()])))
    assert Seal.of(again).digest == Seal.of(SEALED).digest
    assert Seal.of(SEALED).broken_by(Seal.of(again)) == ()


def test_a_release_that_belay_changes_no_database_for_is_sealed_as_before_it_did() -> None:
    without = Seal.of(replace(SEALED, database_changes=None, forecast=None))
    assert set(Seal.of(SEALED).parts) - set(without.parts) == {DATABASE, FORECAST}


def test_what_the_approval_does_not_show_of_database_changes_breaks_nothing() -> None:
    read = replace(CHANGE_PLAN, read_as="read-7", operation="op", recorded={"0041": "f" * 64}, remarks=())
    assert Seal.of(replace(SEALED, database_changes=read)) == Seal.of(SEALED)


def test_a_seal_is_read_as_it_was_written() -> None:
    seal = Seal.of(SEALED)
    assert Seal.from_dict(seal.to_dict()) == seal
    assert seal.to_dict()["digest"] == seal.digest
    assert len(seal.digest) == 64


@pytest.mark.parametrize("tampered", TAMPERED)
def test_whatever_changes_breaks_the_seal_and_is_named(tampered: str) -> None:
    change, parts = TAMPERED[tampered]
    found = Seal.of(change(SEALED))
    assert set(Seal.of(SEALED).broken_by(found)) == parts
    assert found.digest != Seal.of(SEALED).digest


def test_every_part_is_tampered_with_by_a_test() -> None:
    # Dependencies on a change set not created yet are part of the existing one.
    later = {
        "the change set of service",
        "the policies' verdicts on the change set of service",
        "the parameters of network",
    }
    assert set().union(*(parts for _, parts in TAMPERED.values())) == set(Seal.of(SEALED).parts) - later


def test_a_part_that_came_or_went_is_named() -> None:
    assert Seal({"a": "1", "b": "2"}).broken_by(Seal({"b": "2", "c": "3"})) == ("a", "c")
