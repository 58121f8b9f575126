"""Gap: CloudFormation and Lambda find no object in another account's bucket.

On AWS they read a template or a function's code with the caller's permission, which for another account's bucket its
policy grants
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html).
It can be removed once ministack does the same.
"""

from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import s3


def install() -> None:
    """Read in the account of the bucket's owner, if the bucket's policy allows the caller's account."""
    read: Any = s3._get_object_data

    def read_anywhere(bucket: str, key: str, version_id: str | None = None) -> Any:
        owner = s3._bucket_owner_account(bucket)
        if owner in (None, get_account_id()):
            return read(bucket, key, version_id)
        query = {"versionId": [version_id]} if version_id else {}
        if not s3._foreign_bucket_allows(owner, bucket, key, "GET", query, get_account_id()):
            return None
        with request_scope(owner, get_region()):
            return read(bucket, key, version_id)

    s3._get_object_data = read_anywhere
