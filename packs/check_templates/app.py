"""Checks templates for what cannot be deployed, and against the operator's cfn-guard rules.

It is separate from the layer: cloudformation-validate is large, and needs glibc 2.34, which came with Python 3.12.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

import boto3
from validator import Validator

MOST_DIAGNOSTICS = 500
"""How many findings of a template are returned, most severe first: Lambda's response holds 6 MB."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Check templates and return the result for each.

    ``{"bucket": ..., "rules": {key: SHA-256}, "templates": [{"path": ..., "key": ..., "sha256": ..., "parameters":
    {...}}]}``; every object is in this bucket, and one with another digest is not used.
    """
    s3, bucket = boto3.client("s3"), event["bucket"]
    rules = {key: read(s3, bucket, key, digest).decode() for key, digest in event["rules"].items()}
    validator = validator_with(tuple(rules.items()))
    answers = []
    for each in event["templates"]:
        answer = validator.check(each["path"], read(s3, bucket, each["key"], each["sha256"]), each["parameters"])
        answers.append({**answer, "diagnostics": answer["diagnostics"][:MOST_DIAGNOSTICS]})
    return {"answers": answers}


@lru_cache(maxsize=1)
def validator_with(rules: tuple[tuple[str, str], ...]) -> Validator:
    """Return the validator of these rules, each a key and its text; cached for the next invocation."""
    return Validator(dict(rules))


def read(s3: Any, bucket: str, key: str, digest: str) -> bytes:
    """Return an object. Raises ``ValueError`` if it has another digest."""
    data = bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    if (found := sha256(data).hexdigest()) != digest:
        raise ValueError(f"{key}: expected the SHA-256 {digest}, found {found}")
    return data
