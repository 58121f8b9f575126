"""Publishes parameters of an application: a new version of them, which its next release takes.

    python examples/table_parameters/publish.py parameters-shared orders/production orders values.json

A version is written once and never changed, so a stack can go back to what it had. It is written together with the
number of the newest one, or not at all: of two who publish at the same time, one is refused.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).parents[1] / "custom_resources" / "functions"))
from table_values import InvalidValuesError, item_of, texts

_OWNER = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*")
_APPLICATION = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


def publish(table: Any, owner: str, application: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Publish the values and yield the changes. Raises ``InvalidValuesError``."""
    if not _OWNER.fullmatch(owner) or not _APPLICATION.fullmatch(application):
        raise InvalidValuesError(
            f"expected an owner such as orders/production and a name, found {owner}, {application}"
        )
    new = texts(values)
    newest = _item(table, owner, application).get("Version")
    old = {} if newest is None else texts(_item(table, owner, item_of(application, int(newest)))["Values"])
    if new == old and newest is not None:
        yield f"version {newest} has these values: nothing to publish"
        return
    version = int(newest or 0) + 1
    if not _written(table, {"Owner": owner}, application, version, values):
        raise InvalidValuesError("somebody else published meanwhile: look at that, then publish again")
    yield from (f"  {name}: {old.get(name, '-')} -> {new.get(name, '-')}" for name in _changed(old, new))
    yield f"{owner} {application} version {version} is published; the next release takes it"


def _item(table: Any, owner: str, item: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = table.get_item(Key={"Owner": owner, "Item": item}, ConsistentRead=True).get("Item", {})
    return found


def _written(table: Any, owner: Mapping[str, str], application: str, version: int, values: Mapping[str, Any]) -> bool:
    """Write the version and the number of the newest. False if there is another one by now."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    new = {**owner, "Item": item_of(application, version), "Values": values, "PublishedAt": at}
    head = {**owner, "Item": application, "Version": version}
    once = {"ConditionExpression": "attribute_not_exists(#item)", "ExpressionAttributeNames": {"#item": "Item"}}
    after = {
        "ConditionExpression": "#version = :before",
        "ExpressionAttributeNames": {"#version": "Version"},
        "ExpressionAttributeValues": {":before": version - 1},
    }
    try:
        table.meta.client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table.name, "Item": new, **once}},
                {"Put": {"TableName": table.name, "Item": head, **(once if version == 1 else after)}},
            ]
        )
    except ClientError as error:
        reasons = {each.get("Code") for each in error.response.get("CancellationReasons", [])}
        if reasons & {"ConditionalCheckFailed", "TransactionConflict"}:
            return False
        raise
    return True


def _changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


def read(path: Path) -> dict[str, Any]:
    """Read a file's values. Raises ``InvalidValuesError``."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise InvalidValuesError(f"expected a file of JSON: {error}") from error
    if not isinstance(values, dict):
        raise InvalidValuesError("expected a mapping of names and values")
    return values


def main() -> str | None:
    """Publish a file's values; return the problem, if any."""
    parser = argparse.ArgumentParser(description="Publishes parameters of an application.")
    for name in ("table", "owner", "application"):
        parser.add_argument(name)
    parser.add_argument("file", type=Path)
    asked = parser.parse_args()
    try:
        table = boto3.resource("dynamodb").Table(asked.table)
        for line in publish(table, asked.owner, asked.application, read(asked.file)):
            sys.stdout.write(f"{line}\n")
    except InvalidValuesError as error:
        return f"{asked.file}: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
