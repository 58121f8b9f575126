"""The AWS CLI commands about databases that people get. Each can be pasted into a shell."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from belay.database.kind import DatabaseKind, UnitKind

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def describe_command(kind: UnitKind, identifier: str) -> str:
    """Describe a database."""
    return f"aws rds {words(kind.describe)} --{words(kind.identifier)} {shlex.quote(identifier)}"


def snapshots_command(kind: DatabaseKind, identifier: str) -> str:
    """List the manual snapshots of a database."""
    about = f"--{words(kind.identifier)} {shlex.quote(identifier)}"
    return f"aws rds {words(kind.snapshot.describe)} {about} --snapshot-type manual"


def call_command(operation: str, parameters: Mapping[str, Any]) -> str:
    """Make a call from a plan."""
    document = shlex.quote(json.dumps(dict(parameters), sort_keys=True))
    return f"aws rds {words(operation)} --cli-input-json {document}"


def words(name: str) -> str:
    """Return ``describe-db-instances`` for ``DescribeDBInstances``, as the AWS CLI spells it."""
    return _WORDS.sub("-", name).lower()
