import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def bucket(aws, unique):
    name = unique("bucket")
    aws("s3").create_bucket(Bucket=name)
    aws("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def code_of(call, **arguments):
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    return failed.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("asked", "body", "content_range"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-4", b"6789", "bytes 6-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
    ],
)
def test_a_part_of_one_version_is_read(*, aws, bucket, asked, body, content_range):
    s3 = aws("s3")
    version = s3.put_object(Bucket=bucket, Key="release.zip", Body=b"0123456789")["VersionId"]
    s3.put_object(Bucket=bucket, Key="release.zip", Body=b"something else altogether")

    answer = s3.get_object(Bucket=bucket, Key="release.zip", VersionId=version, Range=asked)

    assert (answer["Body"].read(), answer["ContentRange"], answer["VersionId"]) == (body, content_range, version)


def test_what_is_not_there_is_told_apart(aws, bucket):
    s3 = aws("s3")
    s3.put_object(Bucket=bucket, Key="there", Body=b"0123")
    deleted = s3.delete_object(Bucket=bucket, Key="there")

    assert deleted["DeleteMarker"] is True
    assert code_of(s3.get_object, Bucket=bucket, Key="never") == "NoSuchKey"
    assert code_of(s3.get_object, Bucket=bucket, Key="there") == "NoSuchKey"
    assert code_of(s3.get_object, Bucket="nobodys-bucket-at-all", Key="x") == "NoSuchBucket"
    assert code_of(s3.head_object, Bucket=bucket, Key="never") == "404"
    s3.put_object(Bucket=bucket, Key="short", Body=b"0123")
    assert code_of(s3.get_object, Bucket=bucket, Key="short", Range="bytes=10-20") == "InvalidRange"
    version = s3.put_object(Bucket=bucket, Key="short", Body=b"4567")["VersionId"]
    assert code_of(s3.get_object, Bucket=bucket, Key="short", VersionId=version, Range="bytes=4-") == "InvalidRange"
    missing = "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"
    assert code_of(s3.get_object, Bucket=bucket, Key="short", VersionId=missing) in ("NoSuchVersion", "InvalidArgument")


def test_an_object_may_be_written_only_if_there_is_none(aws, bucket):
    s3 = aws("s3")
    s3.put_object(Bucket=bucket, Key="claim", Body=b"first", IfNoneMatch="*")

    assert code_of(s3.put_object, Bucket=bucket, Key="claim", Body=b"second", IfNoneMatch="*") == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="claim")["Body"].read() == b"first"


def test_a_multipart_upload_is_put_together_or_forgotten(aws, bucket):
    s3 = aws("s3")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big", ContentType="application/zip")["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=number, Body=body)["ETag"],
        }
        for number, body in ((1, b"a" * 5 * 1024 * 1024), (2, b"b"))
    ]
    s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload={"Parts": parts})
    other = s3.create_multipart_upload(Bucket=bucket, Key="forgotten")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="forgotten", UploadId=other)

    assert s3.head_object(Bucket=bucket, Key="big")["ContentLength"] == 5 * 1024 * 1024 + 1
    assert s3.get_object(Bucket=bucket, Key="big", Range="bytes=-2")["Body"].read() == b"ab"
    assert code_of(s3.head_object, Bucket=bucket, Key="forgotten") == "404"


def test_a_stack_takes_its_template_from_a_bucket_by_a_url_of_amazons(aws, bucket, stacks, unique):
    aws("s3").put_object(
        Bucket=bucket, Key="templates/topic.json", Body=b'{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    )
    urls = [
        f"https://s3.us-east-1.amazonaws.com/{bucket}/templates/topic.json",
        f"https://{bucket}.s3.us-east-1.amazonaws.com/templates/topic.json",
        f"https://{bucket}.s3.amazonaws.com/templates/topic.json",
    ]

    for url in urls:
        name = unique("stack")
        aws("cloudformation").create_stack(StackName=name, TemplateURL=url)
        assert stacks.settled(name)["StackStatus"] == "CREATE_COMPLETE"


def test_a_stack_takes_the_version_of_a_template_that_its_url_names(aws, bucket, stacks, unique):
    s3, name = aws("s3"), unique("stack")
    first = s3.put_object(Bucket=bucket, Key="t.json", Body=b'{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}')
    s3.put_object(Bucket=bucket, Key="t.json", Body=b"no template any more")

    url = f"https://s3.amazonaws.com/{bucket}/t.json?versionId={first['VersionId']}"
    aws("cloudformation").create_stack(StackName=name, TemplateURL=url)

    assert stacks.settled(name)["StackStatus"] == "CREATE_COMPLETE"
