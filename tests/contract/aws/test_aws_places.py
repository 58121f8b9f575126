"""Stages in other accounts and regions, simulated by moto: what is read where, and what cannot be reached."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from modules import function
from moto.cloudformation.models import cloudformation_backends
from moto.core.botocore_stubber import MockRawResponse
from simulated_ledger import accepted, end_stage
from test_aws_unfinished import MACHINE, MANIFEST, RELEASE, STAGE, House

from belay.approval.seal import Seal
from belay.aws.database_copies import DatabaseCopies
from belay.aws.gateways import Aws, own_aws
from belay.aws.iam import Roles
from belay.aws.s3 import ArtifactBucket
from belay.aws.sessions import Session
from belay.control.failed_stacks import FailedStacks
from belay.control.places import Places, Placing
from belay.control.registrations import RegistrationsReadOnce
from belay.control.rehearsal import RehearsedRoles
from belay.control.revalidations import Revalidations
from belay.control.sealing import sealed_now
from belay.control.spokes import SeenThere, Spokes, _refused, uses
from belay.control.stack_claims import StackClaims
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.control.unfinished import Unfinished
from belay.database.copy import FoundCopy
from belay.database.executor import ChangeDocument
from belay.errors import (
    AccessDenied,
    AwsFault,
    CopiesNotDeleted,
    InvalidRegistration,
    MissingDocument,
    ServiceUnavailable,
)
from belay.ledger.incidents import IncidentRecord
from belay.policy.verdict import Report
from belay.release.accepted import AcceptedRelease
from belay.release.place import PlaceRoles, Power, StagePlace, artifact_key
from belay.release.reason import from_document
from belay.release.records import Upload, upload_of
from belay.release.registration import Application, Stage, parse_application, parse_stage
from belay.release.stack_claim import claims_of
from belay.release.verification import DeployedStage
from belay.sql.changes import Format
from belay.stack.plan import StagePlan
from belay.stack.status import StackStatus
from belay.subject.incident import Incident
from belay.subject.subjects import ReleaseAttempt

SPOKE, REGION = "111111111111", "eu-central-1"
PLACE = StagePlace("aws", SPOKE, REGION, PlaceRoles.named_alike("aws", SPOKE))
ELSEWHERE = STAGE.replace("123456789012", SPOKE) + f"account: {SPOKE}\nregion: {REGION}\n"
QUEUE = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
FILES = "belay-files-123456789012-eu-central-1"


def there(service: str, account: str = SPOKE, region: str = REGION) -> Any:
    """A client in another account of moto's: a session of a role is in the role's account."""
    role = f"arn:aws:iam::{account}:role/belay-look"
    keys = boto3.client("sts", region_name=region).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return boto3.client(  # type: ignore[call-overload]
        service,
        region_name=region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def stack(name: str, status: StackStatus, account: str = SPOKE, region: str = REGION) -> str:
    """Create a stack elsewhere with a status. Returns its id."""
    made = there("cloudformation", account, region).create_stack(StackName=name, TemplateBody=QUEUE)
    cloudformation_backends[account][region].stacks[made["StackId"]].status = status.value
    return str(made["StackId"])


@pytest.fixture
def house(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A Belay whose application has its production in another account and region."""
    own_aws.cache_clear()
    house = House(simulated)
    house.ssm.put_parameter(
        Name="/belay/applications/orders/production", Value=ELSEWHERE, Type="String", Overwrite=True
    )
    monkeypatch.setenv("ROLLBACK_STAGE_MACHINE_ARN", MACHINE)
    yield house
    own_aws.cache_clear()


@pytest.fixture
def failed_stacks(house: House) -> FailedStacks:
    aws = Aws()
    registrations = RegistrationsReadOnce(aws.parameters, house.artifacts)
    return FailedStacks(house.ledger, house.incidents, registrations, Places(aws, Power.LOOK, "sweep"))


def release_of(manifest: str, *declared: str) -> AcceptedRelease:
    """A release to production alone, whose template declares these parameters."""
    parameters = {"network.yaml": dict.fromkeys(declared, False)}
    return AcceptedRelease.of("orders", manifest, "stages: [production]", {"production": ELSEWHERE}, parameters)


# -- sessions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidClientTokenId"])
def test_a_session_that_was_refused_something_is_forgotten(house: House, code: str) -> None:
    home, session = Aws(), Session("orders", "production", "sweep")
    old = home.at(PLACE, Power.LOOK, session)
    assert old.stacks.describe_stack("orders-network") is None
    assert home.at(PLACE, Power.LOOK, session) is old

    def refuse(request: Any, **_: Any) -> AWSResponse:
        body = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"
        return AWSResponse(request.url, 403, {}, MockRawResponse(body))

    old.client("cloudformation").meta.events.register_first("before-send", refuse)
    with pytest.raises(AwsFault):
        old.stacks.describe_stack("orders-network")

    renewed = home.at(PLACE, Power.LOOK, session)
    assert renewed is not old
    assert renewed.stacks.describe_stack("orders-network") is None


# -- failed stacks -----------------------------------------------------------------------------------------------------


def event(stack_id: str, account: str = SPOKE, region: str = REGION) -> dict[str, Any]:
    return {
        "id": "e-1",
        "source": "aws.cloudformation",
        "detail-type": "CloudFormation Stack Status Change",
        "account": account,
        "region": region,
        "time": "2026-01-01T10:00:00Z",
        "detail": {"stack-id": stack_id, "status-details": {"status": "UPDATE_ROLLBACK_COMPLETE"}},
    }


@pytest.fixture
def react() -> Any:
    return function("react_to_failed_stack")


def test_a_stack_that_failed_elsewhere_is_its_stage_s(house: House, react: ModuleType) -> None:
    failed = stack("orders-network", StackStatus.UPDATE_ROLLBACK_COMPLETE)
    (incident,) = [react.handler(event(failed), None)["incident"] for _ in range(2)][:1]
    assert incident is not None
    record = house.ledger.incidents.get("orders", incident)
    assert record is not None
    assert (record.incident.stage, record.incident.place) == ("production", PLACE)
    assert house.recoveries() == [incident], "told twice, recovered once"


@pytest.mark.parametrize(
    ("account", "region"), [("123456789012", "eu-west-1"), (SPOKE, "eu-west-1"), ("222222222222", REGION)]
)
def test_a_stack_of_the_same_name_in_another_place_is_nobody_s(
    house: House, react: ModuleType, account: str, region: str
) -> None:
    failed = stack("orders-network", StackStatus.UPDATE_ROLLBACK_COMPLETE, account, region)
    assert react.handler(event(failed, account, region), None) == {"incident": None}
    assert house.recoveries() == []


@pytest.mark.parametrize(("account", "region"), [("222222222222", REGION), (SPOKE, "us-east-1")])
def test_an_event_cannot_speak_of_another_account_or_region_than_it_comes_from(
    house: House, react: ModuleType, account: str, region: str, caplog: pytest.LogCaptureFixture
) -> None:
    forged = event(stack("orders-network", StackStatus.UPDATE_ROLLBACK_COMPLETE), account, region)
    assert react.handler(forged, None) == {"incident": None}
    assert house.recoveries() == []
    assert "refused: the event names a stack of another account or region" in caplog.text


@pytest.fixture
def sweep(house: House, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """``sweep()`` runs the function, with the event's content."""
    app = function("sweep")
    for name in ("RELEASE_BUCKET", "NOTIFICATION_TOPIC_ARN", "PAUSE_PARAMETER", "DEPLOY_RELEASE_MACHINE_ARN"):
        monkeypatch.setenv(name, house.topic if "TOPIC" in name else "none")
    monkeypatch.setenv("PLAN_RELEASE_MACHINE_ARN", "none")
    return lambda **event: dict(app.handler(event, None))


def register(house: House, application: str, stage: str) -> None:
    """Register an application whose production has its own network."""
    name = f"/belay/applications/{application}"
    text = stage.replace("orders-network", f"{application}-network")
    house.ssm.put_parameter(Name=name, Value="stages: [production]", Type="String")
    house.ssm.put_parameter(Name=f"{name}/production", Value=text, Type="String")


def bar(monkeypatch: pytest.MonkeyPatch, fault: AwsFault, *regions: str) -> list[str]:
    """Make these regions unreachable. Returns the applications for which they were tried."""
    at, tried = Aws.at, list[str]()

    def barred(aws: Aws, place: StagePlace | None, power: Power, session: Session) -> Aws:
        if place is not None and place.region in regions:
            tried.append(session.application)
            raise fault
        return at(aws, place, power, session)

    monkeypatch.setattr(Aws, "at", barred)
    return tried


def test_an_account_that_cannot_be_reached_stops_no_other_stage_s_work(
    house: House, sweep: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(house, "billing", STAGE)
    house.stands(house.stack("billing-network"), StackStatus.UPDATE_ROLLBACK_COMPLETE)
    refused = AccessDenied("STS.AssumeRole", "AccessDenied", "it does not trust Belay's account")
    bar(monkeypatch, refused, REGION)
    swept = sweep()
    assert len(swept["failed_stacks"]) == 1
    assert f"AccessDenied: {refused}" in swept["faults"]


def test_a_region_that_is_down_is_tried_once_and_the_others_are_looked_at(
    house: House, sweep: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for application in ("billing", "carts"):
        register(house, application, ELSEWHERE)
    register(house, "zebras", ELSEWHERE.replace(REGION, "us-west-2"))
    stack("zebras-network", StackStatus.UPDATE_ROLLBACK_COMPLETE, region="us-west-2")
    down = ServiceUnavailable(
        "CloudFormation.DescribeStacks", "EndpointConnectionError", "could not connect", answered=False
    )
    tried = bar(monkeypatch, down, REGION)
    swept = sweep()
    assert tried == ["billing"], "the two other applications there would wait as long"
    assert len(swept["failed_stacks"]) == 1
    assert [each for each in swept["faults"] if "could not connect" in each] == [f"ServiceUnavailable: {down}"]


def test_what_there_is_no_time_for_elsewhere_is_told_and_the_rest_is_done(
    house: House, sweep: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(house, "billing", STAGE)
    house.stands(house.stack("billing-network"), StackStatus.UPDATE_ROLLBACK_COMPLETE)
    tried = bar(monkeypatch, AccessDenied("a", "b", "c"), REGION)
    context = SimpleNamespace(function_name="sweep", get_remaining_time_in_millis=lambda: 60_000)
    swept = function("sweep").handler({}, context)
    assert len(swept["failed_stacks"]) == 1
    told = [each for each in swept["faults"] if "NoTimeLeft" in each]
    assert told == [f"ServiceUnavailable: Belay answered NoTimeLeft: nothing was checked in {REGION}"]
    assert tried == []


def test_of_the_dead_incidents_of_a_region_that_is_down_one_is_tried(
    house: House, sweep: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reason, tried = from_document("it failed"), list[str]()
    for name, place in (("down-1", PLACE), ("down-2", PLACE), ("here", None)):
        subject = ReleaseAttempt(RELEASE, "production", None)
        incident = Incident(name, subject, reason, "role", place=place)
        house.ledger.incidents.open(incident, "2026-01-01T10:00:00.000+00:00")

    def recover(_: Unfinished, record: IncidentRecord) -> str:
        tried.append(record.incident.name)
        if record.incident.place is not None:
            raise ServiceUnavailable("CloudFormation.DescribeStacks", "ReadTimeoutError", "no answer", answered=False)
        return record.incident.name

    monkeypatch.setattr(Unfinished, "recover", recover)
    assert sweep()["taken_up"] == ["here"]
    assert tried == ["down-1", "here"]


def test_an_event_that_comes_after_the_sweep_opens_nothing_more(
    house: House, sweep: Callable[..., dict[str, Any]], react: ModuleType
) -> None:
    failed = stack("orders-network", StackStatus.UPDATE_ROLLBACK_COMPLETE)
    (incident,) = sweep()["failed_stacks"]
    assert react.handler(event(failed), None) == {"incident": incident}
    assert house.recoveries() == [incident]


def test_a_stage_that_cannot_be_reached_keeps_no_other_from_being_validated(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(house, "billing", ELSEWHERE)
    register(house, "zebras", STAGE)
    for application in ("billing", "zebras"):
        upload = upload_of(application, "releases-bucket", f"releases/{application}/1.0.0.zip", "v1", 1)
        release = accepted(house.ledger, upload, "1.0.0")
        end_stage(house.ledger, release)
        house.artifacts.put_json(release.document_key, release_of(MANIFEST).to_dict())
    bar(monkeypatch, AccessDenied("STS.AssumeRole", "AccessDenied", "it does not trust Belay's account"), REGION)
    places, validated = Places(Aws(), Power.LOOK, "revalidation"), list[str]()

    def looked(_: object, deployed: DeployedStage, __: object) -> tuple[None, Report]:
        validated.append(deployed.stage.application)
        return None, Report()

    monkeypatch.setattr("belay.control.revalidations.look", looked)
    registrations = RegistrationsReadOnce(Aws().parameters, house.artifacts)
    revalidations = Revalidations(
        house.ledger, house.artifacts, registrations, places, sns=Aws().notifications, default_topic=house.topic
    )
    revalidations.revalidate_each(registrations.all.stages, date(2026, 1, 1))
    (problem,) = revalidations.alone.problems
    assert re.match("billing/production: STS.AssumeRole answered AccessDenied: .*does not trust", problem)
    assert validated == ["zebras"]


def test_what_failed_elsewhere_is_found_without_an_event(house: House, failed_stacks: FailedStacks) -> None:
    failed = stack("orders-network", StackStatus.UPDATE_ROLLBACK_COMPLETE)
    house.stands(house.stack("orders-network"), StackStatus.UPDATE_ROLLBACK_FAILED)
    found = [each for stages in failed_stacks.stages_by_place() for each in failed_stacks.registered(stages)]
    assert [each.description["StackId"] for each in found] == [failed], "the stack here has its name, and is nobody's"
    assert len([failed_stacks.take_up_failed(each) for each in found]) == len(house.recoveries()) == 1


# -- claims ------------------------------------------------------------------------------------------------------------


def test_two_stages_may_have_stacks_of_one_name_in_different_places(house: House) -> None:
    here = Stage("orders", "test", "arn:aws:iam::123456789012:role/orders", {})
    found = RegistrationsReadOnce(Aws().parameters, house.artifacts).all.stages
    (production,) = [each for each in found if each.name == "production"]
    same = replace(here, stacks=production.stacks)
    keys = {claim.key for stage in (same, production) for claim in claims_of(stage, "eu-west-1", "")}
    assert keys == {"123456789012/eu-west-1/orders-network", f"{SPOKE}/{REGION}/orders-network"}


def test_a_claim_elsewhere_ends_when_its_stack_is_gone_there(house: House) -> None:
    claims = StackClaims(house.ledger, house.artifacts, "eu-west-1")
    places = Places(Aws(), Power.LOOK, "sweep")
    accepted = release_of(MANIFEST)
    claims.claim(accepted)
    (claim,) = house.ledger.stack_claims.every().values()
    house.stack("orders-network")
    failed = stack("orders-network", StackStatus.CREATE_COMPLETE)

    def freed(*stages: Stage) -> str | None:
        place = places.of_claim(claim, stages)
        return claims.free_if_gone(claim, places.at(place, claim.application, claim.stage).stacks)

    assert freed(*accepted.stages.values()) is None
    there("cloudformation").delete_stack(StackName=failed)
    assert freed() == f"{SPOKE}/{REGION}/orders-network"


def test_an_accepted_release_says_where_its_stages_lie_and_their_files(house: House) -> None:
    found = Placing(Aws(), "belay-files-123456789012-").placed(release_of(MANIFEST))
    assert found.files_of("production", "artifacts", "releases/orders") == (FILES, f"spokes/{SPOKE}/releases/orders")
    assert AcceptedRelease.from_dict(found.to_dict()).stages["production"].place == PLACE
    home = ELSEWHERE.replace(SPOKE, "123456789012").replace(REGION, "eu-west-1")
    texts = "stages: [production]", {"production": home}, {"network.yaml": {}}
    found = Placing(Aws(), "belay-files-123456789012-").placed(AcceptedRelease.of("orders", MANIFEST, *texts))
    assert (found.stages["production"].place, found.buckets) == (None, {}), "Belay's own account needs no roles"


def test_no_stage_lies_in_another_partition(house: House) -> None:
    china = ELSEWHERE.replace("arn:aws:", "arn:aws-cn:").replace(REGION, "cn-north-1")
    accepted = AcceptedRelease.of(
        "orders", MANIFEST, "stages: [production]", {"production": china}, {"network.yaml": {}}
    )
    with pytest.raises(InvalidRegistration, match=r"production: account .* another partition than Belay, .* in aws$"):
        Placing(Aws(), "belay-files-123456789012-").placed(accepted)


def test_a_region_of_another_partition_is_refused_whatever_its_roles(house: House) -> None:
    texts = {"production": ELSEWHERE.replace(REGION, "us-gov-west-1")}
    accepted = AcceptedRelease.of("orders", MANIFEST, "stages: [production]", texts, {"network.yaml": {}})
    with pytest.raises(InvalidRegistration, match="region us-gov-west-1 is in another partition"):
        Placing(Aws(), "belay-files-123456789012-").placed(accepted)


def test_a_service_role_of_another_account_needs_a_stage_there(house: House) -> None:
    foreign = STAGE.replace("123456789012", SPOKE)
    accepted = AcceptedRelease.of(
        "orders", MANIFEST, "stages: [production]", {"production": foreign}, {"network.yaml": {}}
    )
    with pytest.raises(InvalidRegistration, match=r"service_role: expected one where Belay is .* registers account"):
        Placing(Aws(), "belay-files-123456789012-").placed(accepted)


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(house: House) -> StageFiles:
    """The files of a release in production, where there are none yet."""
    template = b"Resources: {}\n"
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket=FILES, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=FILES, VersioningConfiguration={"Status": "Enabled"})
    manifest = MANIFEST.replace("a" * 64, hashlib.sha256(template).hexdigest())
    document = release_of(manifest, "ReleaseBucket", "ReleasePrefix")
    house.artifacts.put_json(RELEASE.document_key, replace(document, buckets={"production": FILES}).to_dict())
    house.artifacts.put_bytes(RELEASE.member_key("network.yaml"), template)
    release = {"release": RELEASE.to_dict(), "stage": "production", "fencing": None}
    return StageFiles.kept_by(Aws(), StageContext.enter(release, house.ledger, house.artifacts))


def versions() -> list[str]:
    found = boto3.client("s3", region_name=REGION).list_object_versions(Bucket=FILES)
    return [each["Key"] for each in found.get("Versions", [])]


def test_files_are_brought_once_to_where_the_account_may_read_them(files: StageFiles) -> None:
    key = f"spokes/{SPOKE}/{RELEASE.prefix}/network.yaml"
    assert not files.copy(lambda: False), "there was no time"
    assert versions() == []
    assert [files.copy(lambda: True) for _ in range(2)] == [True, True]
    assert versions() == [key]
    assert files.url("network.yaml") == f"https://s3.{REGION}.amazonaws.com/{FILES}/{key}"


def test_a_copy_that_somebody_swaps_breaks_the_seal_of_what_was_approved(files: StageFiles, house: House) -> None:
    house.s3.put_bucket_versioning(Bucket="artifacts", VersioningConfiguration={"Status": "Enabled"})
    files.copy(lambda: True)
    files.run.save(StagePlan(()))
    stacks = Aws().at(PLACE, Power.LOOK, Session("orders", "production", "1.0.0")).stacks
    approved, again = (Seal.of(sealed_now(files, stacks, date(2026, 1, 1))) for _ in range(2))
    assert approved == again
    (key,) = set(versions())
    boto3.client("s3", region_name=REGION).put_object(Bucket=FILES, Key=key, Body=b"Resources: {Queue: {}}\n")
    assert approved.broken_by(Seal.of(sealed_now(files, stacks, date(2026, 1, 1)))) == ("the release's files",)


def test_a_file_that_is_not_what_was_accepted_is_not_brought(files: StageFiles, house: House) -> None:
    house.artifacts.put_bytes(RELEASE.member_key("network.yaml"), b"Resources: {Queue: {Type: AWS::SQS::Queue}}\n")
    with pytest.raises(MissingDocument, match=r"but .* was accepted: upload the release again"):
        files.copy(lambda: True)
    assert versions() == []


def test_a_file_that_is_gone_is_told(files: StageFiles, house: House) -> None:
    house.s3.delete_object(Bucket="artifacts", Key=RELEASE.member_key("network.yaml"))
    with pytest.raises(MissingDocument, match="no longer exists: upload the release again"):
        files.copy(lambda: True)


def test_templates_are_told_where_the_files_lie(files: StageFiles) -> None:
    run = files.run
    (network,) = run.accepted.manifest.stacks
    given = run.accepted.parameters("production", network, RELEASE.attempt, "artifacts", RELEASE.prefix)
    assert given == {"ReleaseBucket": FILES, "ReleasePrefix": f"spokes/{SPOKE}/{RELEASE.prefix}"}


def test_a_baseline_s_template_is_where_it_can_be_read_again(files: StageFiles, house: House) -> None:
    pointer = files.keep(RELEASE.stage_key("production", "baselines/network.template"), b"Resources: {}")
    assert pointer.bucket == FILES
    assert pointer.url(REGION).startswith(f"https://s3.{REGION}.amazonaws.com/{FILES}/spokes/{SPOKE}/attempts/orders/")
    bucket = ArtifactBucket(boto3.client("s3", region_name=REGION), FILES)
    kept = [
        bucket.get_version(pointer.key, str(pointer.version_id)),
        house.artifacts.get_bytes(artifact_key(pointer.key)),
    ]
    assert kept == [b"Resources: {}"] * 2


CHANGES = ChangeDocument("orders", "production", "1.4.0", RELEASE.attempt, Format.PLAIN, "network.yaml", ())


def test_an_executor_is_handed_what_its_account_may_read(files: StageFiles) -> None:
    assert files.copy(lambda: True)

    stored = files.hand_over("changes.json", CHANGES)

    assert (stored.bucket, stored.key) == (FILES, f"spokes/{SPOKE}/{RELEASE.stage_key('production', 'changes.json')}")
    assert files.handed(stored) == CHANGES
    ((path, member),) = files.below("network.yaml")
    assert (path, member.bucket, member.key) == ("network.yaml", FILES, f"spokes/{SPOKE}/{RELEASE.prefix}/network.yaml")
    assert member.sha256 == hashlib.sha256(b"Resources: {}\n").hexdigest()
    assert list(files.below("network")) == []
    boto3.client("s3", region_name=REGION).delete_object(Bucket=FILES, Key=stored.key, VersionId=stored.version_id)
    with pytest.raises(MissingDocument, match=f"s3://{FILES}/spokes/.* no longer exists"):
        files.handed(stored)


def test_what_is_only_planned_is_handed_to_nobody(files: StageFiles, house: House) -> None:
    house.s3.put_bucket_versioning(Bucket="artifacts", VersioningConfiguration={"Status": "Enabled"})
    plan = replace(files.run, release=replace(RELEASE, attempt="plan-1f0c2d3e4b5a"))
    planned = StageFiles.kept_by(Aws(), plan)

    stored = planned.hand_over("changes.json", CHANGES)

    assert (stored.bucket, stored.key) == ("artifacts", plan.release.stage_key("production", "changes.json"))
    assert planned.handed(stored) == CHANGES
    assert versions() == []


def test_a_pipeline_there_is_given_the_one_copy_of_the_upload(files: StageFiles, house: House) -> None:
    house.s3.create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    house.s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Enabled"})
    first, _ = (house.s3.put_object(Bucket="uploads", Key="releases/orders/o.zip", Body=b) for b in (b"1", b"2"))
    uploaded = Upload("orders", "uploads", "releases/orders/o.zip", first["VersionId"], 1)

    copy, again = files.upload(uploaded), files.upload(uploaded)

    key = f"spokes/{SPOKE}/{RELEASE.stage_key('production', 'release.zip')}"
    assert (copy, copy.bucket, copy.key) == (again, FILES, key)
    found = boto3.client("s3", region_name=REGION).get_object(Bucket=FILES, Key=key, VersionId=copy.version_id)
    assert found["Body"].read() == b"1", "the version that was uploaded, not the newest"
    stage = replace(files.run.stage, place=None)
    assert replace(files, run=replace(files.run, stage=stage)).upload(uploaded) == uploaded, "at home it stays"


# -- copies of databases -----------------------------------------------------------------------------------------------

FORECASTS = "arn:aws:states:eu-west-1:123456789012:execution:belay-forecast-changes:"


def copy_of(database: str, execution: str) -> str:
    """Create a copy of a database elsewhere, left by an execution. Returns its name."""
    tags = {"copy-of": database, "execution": execution, "delete-after": "2999-01-01T00:00:00+00:00"}
    name = f"{database}-belay-copy-1"
    there("rds").create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        Tags=[{"Key": f"belay:{key}", "Value": value} for key, value in tags.items()],
    )
    return name


def databases() -> list[str]:
    return [each["DBInstanceIdentifier"] for each in there("rds").describe_db_instances()["DBInstances"]]


def test_the_copy_of_a_forecast_elsewhere_is_deleted_there(
    house: House, files: StageFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = copy_of("orders-db", f"{FORECASTS}a1"), copy_of("billing-db", f"{FORECASTS}b1")
    event = {"release": RELEASE.to_dict(), "stage": "production", "execution": f"{FORECASTS}a1"}
    assert mine in databases()

    said = [function("delete_copies").handler(event, None)["gone"] for _ in range(2)]

    assert (said, databases()) == ([False, True], [other])


@pytest.fixture
def cleaned(house: House, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Clean copies up, with a database registered in production."""
    registered = f"{ELSEWHERE}databases: [{{instance: orders-db}}]\n"
    house.ssm.put_parameter(
        Name="/belay/applications/orders/production", Value=registered, Type="String", Overwrite=True
    )
    monkeypatch.setenv("FORECAST_EXECUTIONS", FORECASTS)
    return lambda: function("clean_copies").handler({}, None)


def test_copies_that_were_left_elsewhere_are_deleted(cleaned: Callable[[], Any]) -> None:
    left = copy_of("orders-db", f"{FORECASTS}long-gone")
    others = copy_of("billing-db", FORECASTS.replace("belay-", "other-"))

    assert cleaned() == {"deleted": [f"{left} (account {SPOKE}, region {REGION})"]}
    assert databases() == [others]


def test_an_account_whose_copies_cannot_be_seen_is_told_and_stops_no_other(
    cleaned: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Aws, role: str, session: Session) -> Any:
        raise AccessDenied("STS.AssumeRole", "AccessDenied", f"{role} for {session.application}")

    monkeypatch.setattr(Aws, "_assume", refused)

    with pytest.raises(CopiesNotDeleted, match=f"account {SPOKE}, region {REGION}: .*role/belay-clean for orders"):
        cleaned()


def test_a_copy_that_cannot_be_deleted_keeps_no_other_from_that(
    cleaned: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, other = (copy_of(f"{name}-db", f"{FORECASTS}long-gone") for name in ("orders", "zebras"))
    delete = DatabaseCopies.delete

    def refused(copies: DatabaseCopies, copy: FoundCopy) -> None:
        if copy.name == stuck:
            raise AccessDenied("RDS.DeleteDBInstance", "AccessDenied", "an SCP forbids it")
        delete(copies, copy)

    monkeypatch.setattr(DatabaseCopies, "delete", refused)
    with pytest.raises(CopiesNotDeleted, match=f"{stuck}: RDS.DeleteDBInstance answered AccessDenied: an SCP"):
        cleaned()
    assert databases() == [stuck]
    assert other not in databases()


def test_what_fails_at_home_keeps_no_copy_elsewhere(
    cleaned: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_of("orders-db", f"{FORECASTS}long-gone")
    found = DatabaseCopies.all

    def refused(copies: DatabaseCopies) -> list[FoundCopy]:
        if copies._client.meta.region_name != REGION:
            raise AccessDenied("RDS.DescribeDBInstances", "AccessDenied", "not at home")
        return found(copies)

    monkeypatch.setattr(DatabaseCopies, "all", refused)
    with pytest.raises(CopiesNotDeleted, match=r"^RDS\.DescribeDBInstances answered AccessDenied: not at home$"):
        cleaned()
    assert databases() == []


def test_an_account_that_lets_one_application_in_has_its_copies_deleted_for_it(
    house: House, cleaned: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(house, "zebras", f"{ELSEWHERE}databases: [{{instance: zebras-db}}]\n")
    left, assume = copy_of("orders-db", f"{FORECASTS}long-gone"), Aws._assume

    def refused(self: Aws, role: str, session: Session) -> Any:
        if session.application == "zebras":
            raise AccessDenied("STS.AssumeRole", "AccessDenied", "zebras is not let in")
        return assume(self, role, session)

    monkeypatch.setattr(Aws, "_assume", refused)
    assert cleaned() == {"deleted": [f"{left} (account {SPOKE}, region {REGION})"]}


# -- what protects Belay there -----------------------------------------------------------------------------------------


def test_a_rehearsal_elsewhere_is_of_the_roles_there() -> None:
    home = RehearsedRoles.of(None, "stacks", "databases", "dynamodb:PutItem=arn:table s3:PutObject=arn:bucket/a=b")
    assert home.protected == [("dynamodb:PutItem", "arn:table"), ("s3:PutObject", "arn:bucket/a=b")]
    elsewhere = RehearsedRoles.of(PLACE, "stacks", "databases", "")
    assert (elsewhere.stacks, elsewhere.databases) == (PLACE.roles.recover, PLACE.roles.recover)
    assert {resource for _, resource in elsewhere.protected} == {PLACE.roles.of(power) for power in Power}


# -- what an account needs ---------------------------------------------------------------------------------------------


def test_what_is_seen_in_an_account_is_what_it_lacks_for_an_application(
    house: House, sweep: Callable[..., dict[str, Any]]
) -> None:
    iam, events = there("iam"), there("events")
    for power in ("look", "deploy", "recover"):
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::123456789012:role/belay/{power}/*"},
                "StringEquals": {"sts:ExternalId": "billing" if power == "recover" else "orders"},
            },
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName=f"belay-{power}", AssumeRolePolicyDocument=document)
    bus = "arn:aws:events:eu-west-1:123456789012:event-bus/belay-spokes"
    events.put_rule(Name="belay-forward", EventPattern='{"source": ["aws.cloudformation"]}')
    events.put_targets(Rule="belay-forward", Targets=[{"Id": "hub", "Arn": bus}])

    (seen,) = sweep(examine=True)["spokes"]

    assert (seen["application"], seen["account"], seen["region"]) == ("orders", SPOKE, REGION)
    trusting = [power for power, lacks in seen["roles"].items() if not lacks]
    assert trusting == ["look", "deploy"]
    assert seen["roles"]["recover"] == ["its parameter Applications does not include orders"]
    assert seen["roles"]["clean"] == ["it does not exist"]
    assert [*seen["roles"]] == ["look", "deploy", "recover", "clean"], "no stage there has forecasts or a pipeline"
    assert seen["pipelines_to"] is None
    assert seen["forwards_to"] == [bus]
    events.disable_rule(Name="belay-forward")
    assert sweep(examine=True)["spokes"][0]["forwards_to"] == []


def test_what_a_stage_registers_and_its_account_does_not_let_belay_use_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    lambdas = "arn:aws:lambda:eu-central-1:111111111111:function"
    refused = {"arn:aws:codepipeline:eu-central-1:111111111111:orders", f"{lambdas}:verify"}
    asked: list[tuple[str, str]] = []

    def simulated_refusal(_: Roles, role: str, actions: list[str], resource: str) -> list[str]:
        asked.append((role.rpartition("/")[2], resource))
        return [each for each in actions if resource in refused]

    monkeypatch.setattr(Roles, "refused", simulated_refusal)
    application = parse_application("orders", "stages: [production]")
    assert isinstance(application, Application)
    more = (
        f"verify: {{function: '{lambdas}:verify'}}\npipeline: {{name: orders, deployment_stage: Deploy}}\n"
        f"databases: [{{instance: orders-db, executor: '{lambdas}:executor', database: orders}}]\n"
    )
    stage = parse_stage(application, "production", ELSEWHERE + more)
    assert isinstance(stage, Stage)

    told = {power: _refused(Aws().roles, PLACE.roles.of(power), uses([stage, stage], power)) for power in Power}

    assert told[Power.LOOK] == [
        f"its parameter VerifyFunctionArns does not include {lambdas}:verify (lambda:InvokeFunction is refused)"
    ]
    assert "its parameter PipelineArns does not include arn:aws:codepipeline" in told[Power.PIPELINE][0]
    assert told[Power.DEPLOY] == told[Power.FORECAST] == told[Power.RECOVER] == told[Power.CLEAN] == []
    assert ("belay-deploy", f"{lambdas}:executor") in asked
    assert len(asked) == 3, "each once, and a stage without forecasts has none tried"


def test_what_cannot_be_seen_in_an_account_is_said(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = AccessDenied("STS.AssumeRole", "AccessDenied", "it does not trust Belay's account")
    bar(monkeypatch, refused, REGION)
    (seen,) = Spokes(Places(Aws(), Power.LOOK, "doctor")).seen(
        RegistrationsReadOnce(Aws().parameters, house.artifacts).all.stages
    )
    assert seen == SeenThere("orders", SPOKE, REGION, fault=f"AccessDenied: {refused}")


def test_of_a_region_that_is_silent_one_application_is_looked_at_and_a_bug_is_one_place_s(
    house: House, sweep: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for application, region in (("billing", REGION), ("carts", "us-west-2")):
        register(house, application, ELSEWHERE.replace(REGION, region))
    silent = ServiceUnavailable("STS.AssumeRole", "ConnectTimeoutError", "no answer", answered=False)
    tried, at = bar(monkeypatch, silent, REGION), Spokes._looked

    def broken(spokes: Spokes, place: StagePlace, stages: Any) -> Any:
        return {}["trust"] if place.region == "us-west-2" else at(spokes, place, stages)

    monkeypatch.setattr(Spokes, "_looked", broken)
    seen = {each["application"]: each["fault"] for each in sweep(examine=True)["spokes"]}
    assert seen == {
        "billing": f"ServiceUnavailable: {silent}",
        "orders": f"ServiceUnavailable: {silent}",
        "carts": "KeyError: 'trust'",
    }
    assert tried == ["billing"]
