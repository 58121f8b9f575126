"""Checks templates against the operator's cfn-guard rules under ``rules/`` in the artifact bucket."""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
from comparison import check

RULES = "rules/"


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Check every template in ``{"bucket": ..., "templates": {path: key of its JSON}}`` with every file of rules."""
    s3 = boto3.client("s3")
    rules = dict(rule_files(s3, event["bucket"]))
    templates = {path: read(s3, event["bucket"], key) for path, key in event["templates"].items()}
    return {"answers": [check(name, rules[name], path, data) for path, data in templates.items() for name in rules]}


def rule_files(s3: Any, bucket: str) -> Iterator[tuple[str, str]]:
    """Yield every file of rules with its key."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=RULES):
        for found in page.get("Contents", []):
            if found["Key"].endswith(".guard"):
                yield found["Key"], read(s3, bucket, found["Key"])


def read(s3: Any, bucket: str, key: str) -> str:
    """Return an object's text."""
    return str(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
