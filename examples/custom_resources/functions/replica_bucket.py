"""``Custom::ReplicaBucket``: a bucket in another region, for a bucket of this stack to be replicated to.

``Region`` is where, ``Prefix`` what its name begins with. ``Fn::GetAtt`` finds ``Arn`` and ``Name``. With ``Retain``
``true``, the default, it outlives its resource; with ``false`` it is deleted if it is empty, otherwise the deletion
fails, as for CloudFormation's own buckets.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError
from custom_resource import BOUNDED, CustomResource, InvalidPropertiesError, Made, text

_PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{0,45}")


def put(properties: Mapping[str, Any], request: Mapping[str, Any]) -> Made:
    """Create the bucket, or complete what a first attempt created.

    Its name follows from the stack and the logical id, so a retry finds the same bucket and no other.
    """
    region, prefix = text(properties, "Region"), text(properties, "Prefix")
    _retain(properties)
    if not _PREFIX.fullmatch(prefix):
        raise InvalidPropertiesError(
            f"Prefix: expected at most 46 lower-case letters, digits and hyphens, found {prefix!r}"
        )
    origin = f"{request['StackId']}/{request['LogicalResourceId']}"
    name = f"{prefix}-{hashlib.sha256(origin.encode()).hexdigest()[:16]}"
    s3 = boto3.client("s3", region_name=region, config=BOUNDED)
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        s3.create_bucket(Bucket=name, **where)
        fresh = True
    except s3.exceptions.BucketAlreadyOwnedByYou:
        fresh = False
    arn = f"arn:{s3.meta.partition}:s3:::{name}"
    try:
        _protect(s3, name, arn)
    except ClientError:
        if fresh:
            s3.delete_bucket(Bucket=name)
        raise
    return Made(f"{region}/{name}", {"Arn": arn, "Name": name})


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    """Delete the bucket, unless it is retained or already deleted."""
    if _retain(properties):
        return
    region, name = physical_id.split("/")
    s3 = boto3.client("s3", region_name=region, config=BOUNDED)
    try:
        s3.delete_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def _protect(s3: Any, name: str, arn: str) -> None:
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(_only_over_tls(arn)))


def _retain(properties: Mapping[str, Any]) -> bool:
    found = text(properties, "Retain", "true")
    if found not in ("true", "false"):
        raise InvalidPropertiesError(f"Retain: expected true or false, found {found!r}")
    return found == "true"


def _only_over_tls(arn: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyOverTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


handler = CustomResource(put, delete)
