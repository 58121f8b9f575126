"""The AWS CLI commands that a person is handed about a database. Each can be pasted into a shell as it is."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from belay.database.snapshots import DatabaseKind

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def describe_command(kind: DatabaseKind, identifier: str) -> str:
    """Describe a database."""
    return f"aws rds describe-db-{kind}s --db-{kind}-identifier {shlex.quote(identifier)}"


def snapshots_command(kind: DatabaseKind, identifier: str) -> str:
    """List the manual snapshots of a database."""
    of = "db-cluster-snapshots" if kind == "cluster" else "db-snapshots"
    return f"aws rds describe-{of} --db-{kind}-identifier {shlex.quote(identifier)} --snapshot-type manual"


def call_command(operation: str, parameters: Mapping[str, Any]) -> str:
    """Make a call as it stands in a plan."""
    document = shlex.quote(json.dumps(dict(parameters), sort_keys=True))
    return f"aws rds {_WORDS.sub('-', operation).lower()} --cli-input-json {document}"
