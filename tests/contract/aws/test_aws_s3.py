import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from belay.aws.s3 import ArtifactBucket, Buckets, ReleaseFiles, UploadedObject
from belay.errors import AccessDenied, InvalidRelease, MissingDocument, Throttled

BUCKET = "artifacts"
KEY = "releases/orders/1.0.0.zip"
MIB = 1024 * 1024


@pytest.fixture
def s3(simulated: Callable[[str], Any]) -> Any:
    client = simulated("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture
def artifacts(s3: Any) -> ArtifactBucket:
    return ArtifactBucket(s3, BUCKET)


# -- the upload --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "length", "read"),
    [
        (0, 4, b"0123"),
        (3, 1, b"3"),
        (8, 2, b"89"),
        (0, 10, b"0123456789"),
        (7, 100, b"789"),
        (10, 5, b""),
        (4, 0, b""),
    ],
)
def test_ranges_of_an_upload_are_read(s3: Any, offset: int, length: int, read: bytes) -> None:
    version = s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"0123456789")["VersionId"]
    assert UploadedObject(s3, BUCKET, KEY, version, 10).read(offset, length) == read


def test_a_version_stays_what_it_was(s3: Any) -> None:
    version = s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"the first")["VersionId"]
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"the second")
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    assert UploadedObject(s3, BUCKET, KEY, version, 9).read(0, 9) == b"the first"


def test_an_upload_that_is_gone_is_no_release(s3: Any) -> None:
    version = s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"x")["VersionId"]
    s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=version)
    with pytest.raises(InvalidRelease, match="the uploaded object no longer exists; upload it again"):
        UploadedObject(s3, BUCKET, KEY, version, 1).read(0, 1)


@pytest.mark.parametrize(("code", "fault"), [("AccessDenied", AccessDenied), ("SlowDown", Throttled)])
def test_an_upload_that_cannot_be_read_now_may_still_be_a_release(
    stubbed: Callable[[str], tuple[Any, Stubber]], code: str, fault: type[Exception]
) -> None:
    client, stub = stubbed("s3")
    where = {"Bucket": BUCKET, "Key": KEY, "VersionId": "v1", "Range": "bytes=5-7"}
    stub.add_client_error("get_object", code, expected_params=where)
    with pytest.raises(fault):
        UploadedObject(client, BUCKET, KEY, "v1", 10).read(5, 3)


# -- documents ---------------------------------------------------------------------------------------------------------


def test_documents_are_kept_and_versions_told(artifacts: ArtifactBucket) -> None:
    artifacts.put_json("a.json", {"b": [1, None], "a": "ü"})
    assert artifacts.get_json("a.json") == {"a": "ü", "b": [1, None]}
    first, second = artifacts.put_bytes("t", b"one"), artifacts.put_bytes("t", b"two")
    assert first is not None
    assert first != second
    assert artifacts.get_bytes("t") == b"two"
    assert artifacts.get_version("t", first) == b"one"


def test_whatever_is_written_again_has_another_version(artifacts: ArtifactBucket, s3: Any) -> None:
    artifacts.put_bytes("releases/orders/a", b"1")
    artifacts.put_bytes("releases/orders/b", b"1")
    artifacts.put_bytes("releases/orders-more/c", b"1")
    before = artifacts.versions("releases/orders")
    again = artifacts.put_bytes("releases/orders/a", b"1")
    s3.delete_object(Bucket=BUCKET, Key="releases/orders/b")
    assert set(before) == {"releases/orders/a", "releases/orders/b"}
    assert before["releases/orders/a"] != again
    assert artifacts.versions("releases/orders") == {"releases/orders/a": again}


def test_what_is_not_there_is_told_from_what_should_be(artifacts: ArtifactBucket) -> None:
    assert artifacts.get_json("a.json") is None
    assert artifacts.get_bytes("a.json") is None
    with pytest.raises(MissingDocument, match=r"s3://artifacts/a\.json no longer exists"):
        artifacts.require_json("a.json")


def test_what_may_not_be_read_is_not_missing(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stub = stubbed("s3")
    stub.add_client_error("get_object", "AccessDenied", http_status_code=403)
    stub.add_client_error("head_object", "403", http_status_code=403)
    with pytest.raises(AccessDenied):
        ArtifactBucket(client, BUCKET).get_json("a.json")
    with pytest.raises(AccessDenied):
        ArtifactBucket(client, BUCKET).has_member("a", "d")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_the_url_for_cloudformation_is_path_style(no_account: None, region: str) -> None:
    url = ArtifactBucket(boto3.client("s3", region_name=region), BUCKET).url("releases/orders/t.yaml")
    assert url in {
        f"https://s3.{region}.amazonaws.com/artifacts/releases/orders/t.yaml",
        "https://s3.amazonaws.com/artifacts/releases/orders/t.yaml",
    }


# -- members -----------------------------------------------------------------------------------------------------------


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("size", [0, 1, 16 * MIB, 16 * MIB + 1, 40 * MIB])
def test_a_member_of_any_size_is_copied_whole(artifacts: ArtifactBucket, size: int) -> None:
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    sha256 = hashlib.sha256(data).hexdigest()
    artifacts.put_member("m", in_pieces(data, 3 * MIB + 7), sha256)
    assert artifacts.get_bytes("m") == data
    assert artifacts.has_member("m", sha256)
    assert not artifacts.has_member("m", "0" * 64)
    assert not artifacts.has_member("another", sha256)


def test_a_member_that_is_not_what_its_digest_says_leaves_nothing_behind(artifacts: ArtifactBucket, s3: Any) -> None:
    def wrong() -> Iterator[bytes]:
        for _ in range(5):
            yield b"x" * 8 * MIB
        raise InvalidRelease(["m: expected another digest"])

    with pytest.raises(InvalidRelease, match="expected another digest"):
        artifacts.put_member("m", wrong(), "0" * 64)
    assert artifacts.get_bytes("m") is None
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)


def test_a_small_member_that_is_wrong_is_never_written(artifacts: ArtifactBucket) -> None:
    def wrong() -> Iterator[bytes]:
        yield b"x"
        raise InvalidRelease(["m: expected another digest"])

    with pytest.raises(InvalidRelease):
        artifacts.put_member("m", wrong(), "0" * 64)
    assert artifacts.get_bytes("m") is None


def test_a_copy_that_fails_half_way_is_aborted(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stub = stubbed("s3")
    upload = {"Bucket": BUCKET, "Key": "m", "UploadId": "u"}
    stub.add_response("create_multipart_upload", {"UploadId": "u"})
    stub.add_client_error("upload_part", "SlowDown", http_status_code=503)
    stub.add_response("abort_multipart_upload", {}, upload)
    with pytest.raises(Throttled):
        ArtifactBucket(client, BUCKET).put_member("m", in_pieces(b"x" * 17 * MIB, MIB), "0" * 64)


def test_an_abort_that_fails_does_not_hide_why(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stub = stubbed("s3")
    stub.add_response("create_multipart_upload", {"UploadId": "u"})
    stub.add_client_error("upload_part", "AccessDenied", http_status_code=403)
    stub.add_client_error("abort_multipart_upload", "SlowDown", http_status_code=503)
    with pytest.raises(AccessDenied) as caught:
        ArtifactBucket(client, BUCKET).put_member("m", in_pieces(b"x" * 17 * MIB, MIB), "0" * 64)
    assert "S3.AbortMultipartUpload answered SlowDown" in caught.value.__notes__[0]


# -- the files of a release --------------------------------------------------------------------------------------------


def test_files_of_a_release_are_read_when_they_are_asked_for(artifacts: ArtifactBucket) -> None:
    files = ReleaseFiles(artifacts, "releases/orders/1", ["b.yaml", "a.yaml"])
    assert (list(files), len(files)) == (["a.yaml", "b.yaml"], 2)
    artifacts.put_bytes("releases/orders/1/a.yaml", b"one")
    assert files["a.yaml"] == b"one"
    artifacts.put_bytes("releases/orders/1/a.yaml", b"two")
    assert files["a.yaml"] == b"one", "read once"
    with pytest.raises(KeyError):
        files["../secrets"]
    with pytest.raises(MissingDocument, match=r"b\.yaml no longer exists"):
        files["b.yaml"]


@pytest.mark.parametrize("answer", [{}, {"EventBridgeConfiguration": {}}])
def test_whether_a_bucket_tells_eventbridge(
    stubbed: Callable[[str], tuple[Any, Stubber]], answer: dict[str, Any]
) -> None:
    client, stub = stubbed("s3")
    stub.add_response("get_bucket_notification_configuration", answer, {"Bucket": "releases"})
    assert Buckets(client).tells_eventbridge("releases") is bool(answer)
