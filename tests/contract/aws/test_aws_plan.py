"""Dry runs on an AWS simulated by moto: they claim nothing, record nothing and leave nothing."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from simulated_ledger import accepted, end_stage, remembered
from test_aws_sweep import PLAN
from test_aws_sweep import house as house  # noqa: PLC0414
from test_aws_sweep import sweep as sweep  # noqa: PLC0414
from test_aws_unfinished import ROLE, STAGE, UPLOAD, House

from belay.approval.stage_preview import PREVIEW, PlanOutcome, StagePreview
from belay.aws.cloudformation import Stacks
from belay.aws.gateways import Aws
from belay.aws.s3 import Buckets
from belay.aws.ssm import ParameterStore
from belay.aws.stepfunctions import Executions
from belay.control.admission import Admission
from belay.control.dry_runs import DryRuns, planned_upload
from belay.control.places import Placing
from belay.control.reasons import read_reason
from belay.control.registrations import Registrations
from belay.control.release_copies import ReleaseCopies
from belay.control.stack_claims import StackClaims
from belay.control.stack_values import StackValues
from belay.control.stage import StageContext
from belay.control.stage_previews import preview
from belay.control.stage_stacks import StageStacks
from belay.errors import AwsFault, InvalidRegistration, InvalidRelease
from belay.events.s3 import ObjectCreated, object_created
from belay.notify.told import in_words
from belay.release.dry_run import DryRun
from belay.release.life import State
from belay.release.lock import Claim
from belay.release.names import change_set_name
from belay.release.records import ReleaseReference, Upload, upload_of
from belay.release.registration import parse_stage
from belay.release.stack_claim import StackClaim
from belay.stack.plan import Progress
from belay.stack.status import StackStatus

BUCKET = "releases-bucket"
TEMPLATE = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}}).encode()
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:belay-plan-release:"
SINCE = "2026-03-02T09:00:00.000+00:00"


def archive(version: str = "1.0.0", template: bytes = TEMPLATE) -> bytes:
    manifest = {
        "application": "orders",
        "version": version,
        "stacks": [{"name": "network", "template": "network.yaml"}],
        "digests": {"network.yaml": hashlib.sha256(template).hexdigest()},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archived:
        archived.writestr("release.yaml", json.dumps(manifest))
        archived.writestr("network.yaml", template)
    return buffer.getvalue()


def uploaded(house: House, data: bytes, key: str = "plans/orders/orders.zip") -> Upload:
    version = house.s3.put_object(Bucket=BUCKET, Key=key, Body=data)["VersionId"]
    return upload_of("orders", BUCKET, key, version, len(data))


class Key:
    """A key for which nothing is secret."""

    def encrypt(self, value: str, place: Any) -> str:
        raise AssertionError("the release has no secrets")


@pytest.fixture
def admission(house: House) -> Admission:
    claims = StackClaims(house.ledger, house.artifacts, "eu-west-1")
    registrations = Registrations(ParameterStore(house.ssm), house.artifacts)
    known = house.ledger, house.artifacts, registrations
    placing = Placing(Aws(), "belay-files-123456789012-")
    return Admission(*known, Key(), claims, Aws().buckets, placing)  # type: ignore[arg-type]


def items(house: House) -> list[tuple[str, str]]:
    found = house.dynamodb.scan(TableName="ledger")["Items"]
    return sorted((each["PK"]["S"], each["SK"]["S"]) for each in found)


@pytest.fixture
def release(house: House, admission: Admission) -> ReleaseReference:
    """A release that was opened for a dry run."""
    return admission.preview(uploaded(house, archive()), [])[0]


def dry_run(release: ReleaseReference, execution: str = "e1") -> DryRun:
    return DryRun(release, "production", EXECUTION + execution, SINCE)


# -- opening -----------------------------------------------------------------------------------------------------------


def test_what_is_planned_claims_and_records_nothing(house: House, admission: Admission) -> None:
    before, upload = items(house), uploaded(house, archive())

    release, stages = admission.preview(upload, [])

    assert (release.version, stages, release.is_plan) == ("1.0.0", ("production",), True)
    assert items(house) == before
    assert release.document_key == f"plans/orders/{upload.attempt}/release.json"
    assert house.artifacts.get_json(release.document_key) is not None
    house.ledger.attempts.record(release, State.CHECKED, SINCE)
    assert items(house) == before


def test_an_ephemeral_stage_is_planned_for_who_asks(house: House, admission: Admission) -> None:
    upload = uploaded(house, archive())
    assert admission.preview(upload, ["production", "test"])[1] == ("test", "production")
    with pytest.raises(InvalidRelease) as caught:
        admission.preview(upload, ["staging", "nowhere"])
    told = in_words(read_reason(house.artifacts, json.loads(str(caught.value))))
    assert told.splitlines() == [
        "orders has no stage staging: it has test, production",
        "orders has no stage nowhere: it has test, production",
    ]


def test_a_stack_of_another_stage_is_not_planned(house: House, admission: Admission) -> None:
    claim = StackClaim("123456789012", "eu-west-1", "orders-network", "billing", "production", SINCE)
    house.ledger.stack_claims.claim(claim)
    with pytest.raises(InvalidRegistration):
        admission.preview(uploaded(house, archive()), [])


def test_a_plan_names_an_upload_to_be_planned_and_is_named_after_it() -> None:
    upload = upload_of("orders", BUCKET, "plans/orders/a.zip", "v", 1)

    def created(upload: Upload) -> ObjectCreated:
        at = datetime(2026, 3, 2, tzinfo=UTC)
        return ObjectCreated.from_event(object_created(upload, etag="e", at=at, account="1", region="eu-west-1"))

    assert upload.attempt.startswith("plan-")
    assert planned_upload(created(upload), BUCKET, EXECUTION + upload.attempt) == upload
    for wrong in (
        replace(upload, key="releases/orders/a.zip"),
        replace(upload, key="plans/orders/a.txt"),
        replace(upload, key="plans/../releases/orders/a.zip"),
        replace(upload, bucket="elsewhere"),
    ):
        with pytest.raises(InvalidRelease, match="expected an upload to s3://releases-bucket/plans/"):
            planned_upload(created(wrong), BUCKET, EXECUTION + wrong.attempt)
    with pytest.raises(InvalidRelease, match="is named plan-"):
        planned_upload(created(upload), BUCKET, EXECUTION + "another")


# -- copies ------------------------------------------------------------------------------------------------------------


def test_copies_for_a_plan_expire_and_are_no_release_s(house: House, release: ReleaseReference) -> None:
    upload, key, sha256 = uploaded(house, archive()), release.member_key("network.yaml"), hashlib.sha256(TEMPLATE)
    copies = ReleaseCopies(house.ledger, house.artifacts, Buckets(house.s3))

    assert copies.copy(release, 0, lambda: True, upload) == (1, True)

    assert house.artifacts.get_bytes(key) == TEMPLATE
    tags = house.s3.get_object_tagging(Bucket="artifacts", Key=key)["TagSet"]
    assert tags == [{"Key": "belay:unneeded", "Value": "true"}]
    assert house.artifacts.has_any_member(key, sha256.hexdigest())
    assert not house.artifacts.has_member(key, sha256.hexdigest()), "a release makes a copy of its own"


def test_a_release_s_copies_stay_as_they_are(house: House, release: ReleaseReference) -> None:
    upload, key, sha256 = uploaded(house, archive()), release.member_key("network.yaml"), hashlib.sha256(TEMPLATE)
    house.artifacts.put_member(key, [TEMPLATE], sha256.hexdigest())
    before = house.s3.head_object(Bucket="artifacts", Key=key)

    ReleaseCopies(house.ledger, house.artifacts, Buckets(house.s3)).copy(release, 0, lambda: True, upload)

    after = house.s3.head_object(Bucket="artifacts", Key=key)
    assert (after["LastModified"], after["Metadata"]) == (before["LastModified"], before["Metadata"])
    assert house.s3.get_object_tagging(Bucket="artifacts", Key=key)["TagSet"] == []
    with pytest.raises(AwsFault, match="PreconditionFailed"):
        house.artifacts.lend_member(key, [b"other"], "0" * 64)
    assert house.artifacts.get_bytes(key) == TEMPLATE


# -- the stage ---------------------------------------------------------------------------------------------------------


def test_a_plan_has_the_place_of_a_stage_while_nobody_else_does_anything_there(
    house: House, release: ReleaseReference
) -> None:
    runs, wanted = DryRuns(house.ledger, Executions(house.states)), dry_run(release)
    claim = Claim("orders", "production", "a1", "1.2.0", "deploying")

    fencing = house.ledger.locks.acquire(claim, expires_at=10**10, seen=None, now=SINCE)
    assert runs.enter(wanted).startswith("1.2.0 has the lock of production since")
    assert fencing is not None
    house.ledger.locks.release("orders", "production", fencing)

    assert (runs.enter(wanted), runs.enter(wanted)) == ("", "")
    assert runs.enter(dry_run(release, "e2")).startswith("a plan of 1.0.0 is made in production since")
    assert house.ledger.locks.free("orders", "production") == fencing, "the lock is not touched"
    house.ledger.dry_runs.leave("orders", "production", EXECUTION + "e2")
    assert house.ledger.dry_runs.of("orders", "production") == wanted
    house.ledger.dry_runs.leave("orders", "production", wanted.execution)
    assert house.ledger.dry_runs.every() == []


def test_the_place_of_a_plan_that_expired_is_free_and_taken_by_one(
    house: House, release: ReleaseReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, forgotten = DryRuns(house.ledger, Executions(house.states)), dry_run(release, "forgotten")
    with monkeypatch.context() as long_ago:
        long_ago.setattr("belay.ledger.dry_runs._FORGOTTEN_SECONDS", -1)
        assert runs.enter(forgotten) == ""
    assert runs.enter(dry_run(release)) == ""
    assert house.ledger.dry_runs.of("orders", "production") == dry_run(release)
    assert runs.enter(dry_run(release, "e2")).startswith("a plan of 1.0.0 is made in production since")


def test_only_what_an_ended_execution_left_is_taken_up(house: House, release: ReleaseReference) -> None:
    runs, wanted = DryRuns(house.ledger, Executions(house.states)), dry_run(release)
    assert runs.take_up("orders", "production", "cleaner") is None

    definition = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9, "End": True}}})
    machine = house.states.create_state_machine(name="waits", definition=definition, roleArn=ROLE)["stateMachineArn"]
    execution = house.states.start_execution(stateMachineArn=machine, name="e")["executionArn"]
    alive = replace(wanted, execution=execution)
    runs.enter(alive)
    assert runs.take_up("orders", "production", "cleaner") is None
    house.states.stop_execution(executionArn=execution)

    taken = runs.take_up("orders", "production", "cleaner")
    assert taken == replace(alive, execution="cleaner")
    assert house.ledger.dry_runs.of("orders", "production") == taken
    assert not house.ledger.dry_runs.take_up(alive, "somebody")


def test_the_sweep_has_what_was_left_deleted_once_an_hour(
    house: House, sweep: ModuleType, release: ReleaseReference
) -> None:
    house.ledger.dry_runs.enter(dry_run(release))
    one, two = (sweep.handler({}, None)["plans_cleaned"] for _ in range(2))
    assert one == two
    (started,) = house.states.list_executions(stateMachineArn=PLAN)["executions"]
    found = house.states.describe_execution(executionArn=started["executionArn"])
    assert json.loads(found["input"]) == {"clean": {"application": "orders", "stage": "production"}}


# -- showing and withdrawing -------------------------------------------------------------------------------------------


class Shown(Stacks):
    """One stack, ``orders-network``, with the change sets of the names that it is given."""

    def __init__(self, *names: str, stuck: bool = False, status: StackStatus = StackStatus.REVIEW_IN_PROGRESS) -> None:
        self.made, self.stuck, self.there = list(names), stuck, status
        self.deleted: list[str] = []

    def describe_stack(self, stack: str) -> dict[str, Any] | None:
        gone = self.there is StackStatus.DELETE_COMPLETE
        return None if gone else {"StackId": "arn/orders-network/1", "StackStatus": self.there.value}

    def list_change_sets(self, stack_id: str) -> list[str]:
        return [f"arn:changeSet/{name}/1" for name in self.made]

    def delete_change_set(self, change_set_id: str) -> None:
        self.deleted.append(change_set_id.split("/")[1])
        self.made = [each for each in self.made if self.stuck or each != change_set_id.split("/")[1]]

    def delete_stack(self, stack_id: str, token: str, role_arn: str) -> None:
        self.deleted.append(stack_id)
        self.there = StackStatus.DELETE_COMPLETE


@pytest.fixture
def run(release: ReleaseReference) -> Iterator[StageContext]:
    return StageContext.enter({"release": release.to_dict(), "stage": "production"}, *remembered())  # type: ignore[return-value]


def named(release: ReleaseReference, generation: int = 1) -> str:
    return change_set_name("orders", "production", "1.0.0", "network", f"{release.attempt}-{generation}")


def withdrawn(run: StageContext, stacks: Shown) -> list[str]:
    return StageStacks(run, stacks, StackValues(stacks, None, None, run.ledger)).withdraw()  # type: ignore[arg-type]


def test_even_a_change_set_that_no_step_noted_is_deleted_with_its_empty_stack(run: StageContext) -> None:
    stacks = Shown(named(run.release))
    assert withdrawn(run, stacks) == []
    assert stacks.deleted == [named(run.release), "arn/orders-network/1"]
    assert withdrawn(run, stacks) == []


def test_what_another_made_stays(run: StageContext) -> None:
    stacks = Shown("of-a-release", named(run.release, 2))
    assert withdrawn(run, stacks) == []
    assert (stacks.made, stacks.deleted) == (["of-a-release", named(run.release, 2)], [])

    deployed = Shown(named(run.release), status=StackStatus.UPDATE_COMPLETE)
    assert withdrawn(run, deployed) == []
    assert deployed.deleted == [named(run.release)]


def test_what_cloudformation_is_still_creating_is_left_for_the_next_look(run: StageContext) -> None:
    assert withdrawn(run, Shown(named(run.release), stuck=True)) == ["network"]


@pytest.mark.parametrize("progress", [Progress.EXECUTING, Progress.EXECUTED])
def test_what_was_executed_is_not_withdrawn(run: StageContext, progress: Progress) -> None:
    plan = run.plan()
    run.save(replace(plan, stacks=tuple(replace(each, progress=progress) for each in plan.stacks)))
    stacks = Shown(named(run.release), status=StackStatus.UPDATE_COMPLETE)
    assert withdrawn(run, stacks) == []
    assert stacks.deleted == []


def planned(run: StageContext, lock_seen: int | None) -> None:
    plan = run.plan()
    (stack,) = plan.stacks
    run.save(replace(plan, stacks=(replace(stack, generation=1, progress=Progress.UNCHANGED),), lock_seen=lock_seen))


def test_what_is_shown_is_kept_for_whoever_asked(run: StageContext) -> None:
    planned(run, 0)
    found = preview(run, Shown(), datetime(2026, 3, 2, tzinfo=UTC), PlanOutcome.REFUSED, "a <b>policy</b>")
    assert (found.outcome, found.unplanned, found.runs) == (PlanOutcome.REFUSED, ("network: no change",), None)
    kept = run.artifacts.require_json(run.release.stage_key("production", PREVIEW))
    assert StagePreview.from_dict(kept) == found
    page = run.artifacts.get_bytes(run.release.stage_key("production", "preview.html")) or b""
    assert b"a &lt;b&gt;policy&lt;/b&gt;" in page


def test_what_was_found_while_somebody_took_the_stage_says_nothing(run: StageContext, house: House) -> None:
    planned(run, 0)
    claim = Claim("orders", "production", "a1", "1.2.0", "deploying")
    house.ledger.locks.acquire(claim, expires_at=10**10, seen=None, now=SINCE)
    found = preview(run, Shown(), datetime(2026, 3, 2, tzinfo=UTC), PlanOutcome.PLANNED, "")
    assert found.outcome is PlanOutcome.BUSY
    assert found.why == "1.2.0, in deploying, took production while it was planned: plan again when that has ended"


def test_what_else_a_release_would_meet_is_remarked(run: StageContext) -> None:
    planned(run, 0)
    stack = run.plan().stacks[0]
    run.save(replace(run.plan(), stacks=(replace(stack, progress=Progress.WAITING),)))
    freeze = '{from: "2026-03-01", until: "2026-03-09", reason: a fair}'
    text = STAGE + f"approval: {{required: true}}\nfreezes: [{freeze}]\n"
    asks = replace(run, stage=parse_stage(run.accepted.application, "production", text))
    end_stage(run.ledger, accepted(run.ledger, UPLOAD, "1.0.0"))

    found = preview(asks, Shown(), datetime(2026, 3, 2, tzinfo=UTC), PlanOutcome.PLANNED, "")

    assert found.remarks == (
        "1.0.0 was deployed with other content: to release this, give it a new version",
        "a release would ask for approval in production",
        "a release would wait in production until 2026-03-09 00:00 (UTC)",
    )
