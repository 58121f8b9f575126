"""Objects no longer needed are tagged, and none that a rollback may need is, however old."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from modules import function
from simulated_ledger import accepted, bring, end, end_stage
from test_aws_unfinished import House

from belay.aws.gateways import own_aws
from belay.aws.s3 import ArtifactBucket, ReleaseBucket
from belay.control.unneeded import Unneeded
from belay.errors import AwsFault, CopiesNotTagged, ServiceUnavailable, UnreadableRecord
from belay.ledger.stages import StageRecords
from belay.release.attempt import StackLeft
from belay.release.life import State
from belay.release.reason import Statement, Why
from belay.release.records import Outcome, ReleaseReference, Upload, upload_of
from belay.subject.incident import Incident
from belay.subject.subjects import PipelineDeployment

BUCKET = "releases-bucket"
LATER = datetime.now(UTC) + timedelta(days=1)


class Buckets(House):
    """Releases of every kind, with an object for each of their documents, files and zips."""

    def __init__(self, simulated: Callable[[str], Any]) -> None:
        super().__init__(simulated)
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        for bucket in ("artifacts", BUCKET):
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(self, key: str, bucket: str = "artifacts") -> str:
        return str(self.s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"])

    def upload(self, version: str) -> Upload:
        key = f"releases/orders/{version}.zip"
        return upload_of("orders", BUCKET, key, self.put(key, BUCKET), 1)

    def release(self, version: str, outcome: Outcome | None = None) -> ReleaseReference:
        """A release that has an outcome, or none yet, with all its objects."""
        release = accepted(self.ledger, self.upload(version), version, version.replace(".", "") * 8)
        if outcome is Outcome.DEPLOYED:
            bring(self.ledger, release, "production", State.PLANNING)
            end_stage(self.ledger, release, now=f"2026-01-01T10:{version[-1]}0:00.000+00:00")
        if outcome is not None:
            end(self.ledger, release, outcome)
            attempt = self.ledger.attempts.get(release)
            assert attempt is not None
            self.ledger.attempts.announced(attempt)
        for key in (release.document_key, release.stage_key("production", "plan.json"), release.member_key("a.yaml")):
            self.put(key)
        return release

    def tag(self, before: datetime = LATER, *, most: int = 1000) -> tuple[int, bool]:
        left = iter(range(most))
        unneeded = Unneeded(self.ledger, ArtifactBucket(self.s3, "artifacts"), ReleaseBucket(self.s3, BUCKET))
        tagged, whole = unneeded.tag(before, lambda: next(left, None) is not None)
        assert unneeded.alone.problems == []
        return tagged, whole

    def tagged(self) -> set[str]:
        """The keys whose every version has the lifecycle rules' tag; no other key has it on any."""
        found: dict[str, set[bool]] = {}
        for bucket in ("artifacts", BUCKET):
            for each in self.s3.list_object_versions(Bucket=bucket).get("Versions", []):
                where = {"Bucket": bucket, "Key": each["Key"], "VersionId": each["VersionId"]}
                tags = self.s3.get_object_tagging(**where)["TagSet"]
                found.setdefault(each["Key"], set()).add(tags == [{"Key": "belay:unneeded", "Value": "true"}])
        assert all(len(answers) == 1 for answers in found.values())
        return {key for key, answers in found.items() if answers == {True}}


@pytest.fixture
def buckets(simulated: Callable[[str], Any]) -> Iterator[Buckets]:
    own_aws.cache_clear()
    yield Buckets(simulated)
    own_aws.cache_clear()


def of(release: ReleaseReference) -> set[str]:
    documents = {release.document_key, release.stage_key("production", "plan.json")}
    return {*documents, release.member_key("a.yaml"), f"releases/orders/{release.version}.zip"}


def test_what_a_refused_release_left_goes_in_all_its_versions(buckets: Buckets) -> None:
    refused = buckets.release("1.0.0", Outcome.REJECTED)
    buckets.put(refused.document_key)
    assert buckets.tag() == (5, True)
    assert buckets.tagged() == of(refused)


def test_copies_for_another_account_go_and_stay_as_what_they_are_copies_of(buckets: Buckets) -> None:
    runs, refused = buckets.release("1.0.0", Outcome.DEPLOYED), buckets.release("1.1.0", Outcome.REJECTED)
    buckets.s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    buckets.s3.put_bucket_versioning(Bucket="files", VersioningConfiguration={"Status": "Enabled"})
    for release in (runs, refused):
        for key in (release.member_key("a.yaml"), release.stage_key("production", "baselines/a.template")):
            buckets.s3.put_object(Bucket="files", Key=f"spokes/111111111111/{key}", Body=b"{}")
    files = ArtifactBucket(buckets.s3, "files")
    before = datetime.now(UTC) + timedelta(days=1)
    Unneeded(buckets.ledger, ArtifactBucket(buckets.s3, "artifacts"), ReleaseBucket(buckets.s3, BUCKET), [files]).tag(
        before, lambda: True
    )
    kept = {
        each["Key"]
        for each in buckets.s3.list_object_versions(Bucket="files")["Versions"]
        if not buckets.s3.get_object_tagging(Bucket="files", Key=each["Key"], VersionId=each["VersionId"])["TagSet"]
    }
    prefix = "spokes/111111111111"
    baseline = runs.stage_key("production", "baselines/a.template")
    assert kept == {f"{prefix}/{runs.member_key('a.yaml')}", f"{prefix}/{baseline}"}


def test_what_a_stage_runs_and_can_go_back_to_stays(buckets: Buckets) -> None:
    for number in range(3):
        buckets.release(f"1.0.{number}", Outcome.DEPLOYED)
    buckets.tag()
    assert buckets.tagged() == set()


def test_what_left_a_stack_behind_stays(buckets: Buckets) -> None:
    failed = buckets.release("1.1.0", Outcome.NEEDS_OPERATOR)
    buckets.ledger.stages.leave("orders", "production", [StackLeft("network", "orders-network", failed.version)])
    buckets.tag()
    assert buckets.tagged() == set()


def test_files_that_a_refused_release_shares_with_one_that_runs_stay(buckets: Buckets) -> None:
    runs = buckets.release("1.0.0", Outcome.DEPLOYED)
    again = accepted(buckets.ledger, buckets.upload("again"), "1.0.0", runs.digest)
    end(buckets.ledger, again, Outcome.ABORTED)
    attempt = buckets.ledger.attempts.get(again)
    assert attempt is not None
    buckets.ledger.attempts.announced(attempt)
    buckets.put(again.document_key)
    buckets.tag()
    assert again.document_key in buckets.tagged()
    assert not of(runs) & buckets.tagged()


def test_what_has_not_ended_stays(buckets: Buckets) -> None:
    buckets.release("1.0.0")
    held = buckets.upload("1.1.0")
    buckets.ledger.uploads.hold(held, {}, "2026-01-01T10:00:00.000+00:00")
    buckets.tag()
    assert buckets.tagged() == set()


@pytest.mark.parametrize("watched", [False, True])
def test_what_an_incident_needs_stays_until_its_stacks_are_stable(buckets: Buckets, watched: bool) -> None:
    subject = PipelineDeployment("orders", "production", None, "orders-pipeline", "e-1")
    incident = Incident("i-1", subject, Statement(Why.TOLD, "it failed"), "role")
    key = subject.origin.stage_key("production", "baselines/network.json")
    buckets.put(key)
    if watched:
        buckets.ledger.incidents.watch(incident, ["arn:stack"], more=False)
    else:
        buckets.ledger.incidents.open(incident, "2026-01-01T10:00:00.000+00:00")
    buckets.tag()
    assert buckets.tagged() == set()
    buckets.ledger.incidents.watch_no_more(incident)
    buckets.ledger.incidents.close(incident, Outcome.ROLLED_BACK, incident.reason, "2026-01-01T11:00:00.000+00:00")
    buckets.ledger.incidents.announced(incident)
    buckets.tag()
    assert buckets.tagged() == {key}


def test_what_operators_put_there_is_theirs(buckets: Buckets) -> None:
    for key in ("registrations/orders.yaml", "rules/ours.guard", "anything.txt"):
        buckets.put(key)
    buckets.put("releases/orders/notes.txt", BUCKET)
    assert buckets.tag() == (0, True)


def test_what_is_young_stays(buckets: Buckets) -> None:
    buckets.release("1.0.0", Outcome.REJECTED)
    assert buckets.tag(datetime.now(UTC) - timedelta(days=1)) == (0, True)


def test_what_there_was_no_time_for_is_left_to_the_next_day(buckets: Buckets) -> None:
    buckets.release("1.0.0", Outcome.REJECTED)
    assert buckets.tag(most=1) == (2, False)
    assert buckets.tag() == (4, True)


def test_a_copy_that_may_be_about_to_expire_is_made_again(buckets: Buckets, monkeypatch: pytest.MonkeyPatch) -> None:
    artifacts = ArtifactBucket(buckets.s3, "artifacts")
    artifacts.put_member("m", [b"x"], "d1")
    assert artifacts.has_member("m", "d1")
    monkeypatch.setattr("belay.aws.s3.now", lambda: datetime.now(UTC) + timedelta(days=31))
    assert not artifacts.has_member("m", "d1")


FILES = "belay-files-123456789012-"


@pytest.fixture
def tag(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """``tag(days)`` runs the function that many days from now."""
    app = function("tag_unneeded")
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)

    def run(days: int = 121) -> dict[str, Any]:
        for name, value in {"RELEASE_BUCKET": BUCKET, "FILES_BUCKETS": FILES, "HISTORY_DAYS": "31"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(app, "now", lambda: datetime.now(UTC) + timedelta(days=days))
        return dict(app.handler({}, context))

    return run


def test_the_function_waits_for_history_days_and_for_every_pipeline(buckets: Buckets, tag: Any) -> None:
    buckets.release("1.0.0", Outcome.REJECTED)
    for days, tagged in ((32, 0), (121, 4)):
        assert tag(days) == {"tagged": tagged, "whole": True}


@pytest.fixture
def copies(buckets: Buckets) -> dict[str, str]:
    """A refused release's copy in two regions: the key by the bucket. No stage has a stack there."""
    refused, found = buckets.release("1.0.0", Outcome.REJECTED), {}
    for region in ("eu-central-1", "us-west-2"):
        name, s3 = f"{FILES}{region}", boto3.client("s3", region_name=region)
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item]
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        found[name] = f"spokes/111111111111/{refused.member_key('a.yaml')}"
        s3.put_object(Bucket=name, Key=found[name], Body=b"x")
    return found


def test_copies_are_found_wherever_a_bucket_has_some(buckets: Buckets, copies: dict[str, str], tag: Any) -> None:
    assert tag() == {"tagged": 6, "whole": True}
    for name, key in copies.items():
        assert buckets.s3.get_object_tagging(Bucket=name, Key=key)["TagSet"]


def test_a_region_that_cannot_be_reached_stops_no_other(
    buckets: Buckets, copies: dict[str, str], tag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ArtifactBucket.page

    def down(bucket: ArtifactBucket, *args: Any) -> Any:
        if bucket.name.endswith("eu-central-1"):
            raise ServiceUnavailable(
                "S3.ListObjectVersions", "EndpointConnectionError", "no route to eu-central-1", answered=False
            )
        return page(bucket, *args)

    monkeypatch.setattr(ArtifactBucket, "page", down)
    with pytest.raises(CopiesNotTagged, match=f"^{FILES}eu-central-1: .*no route to eu-central-1$"):
        tag()
    tags = [buckets.s3.get_object_tagging(Bucket=name, Key=key)["TagSet"] for name, key in copies.items()]
    assert [bool(each) for each in tags] == [False, True]


def test_an_object_that_cannot_be_tagged_stops_no_other(
    buckets: Buckets, copies: dict[str, str], tag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag_unneeded = ArtifactBucket.tag_unneeded

    def refuse(bucket: ArtifactBucket, key: str, version_id: str) -> None:
        if key.endswith("/release.json"):
            raise AwsFault("S3.PutObjectTagging", "InternalError", "again")
        tag_unneeded(bucket, key, version_id)

    monkeypatch.setattr(ArtifactBucket, "tag_unneeded", refuse)
    with pytest.raises(CopiesNotTagged, match=r"^artifacts: attempts/orders/[^/]+/release.json: S3.PutObjectTagging"):
        tag()
    assert len(buckets.tagged()) == 3, "the plan, the file and the upload"
    assert all(buckets.s3.get_object_tagging(Bucket=name, Key=key)["TagSet"] for name, key in copies.items())


def test_what_an_application_needs_stays_while_that_cannot_be_read(
    buckets: Buckets, tag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    buckets.release("1.0.0", Outcome.DEPLOYED)

    def unreadable(*_: Any) -> Any:
        raise UnreadableRecord("the ledger's item cannot be read")

    monkeypatch.setattr(StageRecords, "history", unreadable)
    with pytest.raises(CopiesNotTagged, match="UnreadableRecord: the ledger's item cannot be read"):
        tag()
    assert buckets.tagged() == set()
