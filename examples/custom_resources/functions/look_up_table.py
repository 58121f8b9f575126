"""``Custom::TableLookup``: every value that a table has for an application of an owner, in one version.

``Owner`` is a team and an environment (``orders/production``), ``Application`` one of theirs, ``Version`` the version
of the values. ``Fn::GetAtt`` finds each by its name, those of a mapping as ``Timeouts.Visibility``. ``Keys`` names
those that the stack needs: they must be there, and no others are returned. With ``NoEcho`` ``true`` CloudFormation
shows none of them. Names that sound secret are refused: every reader of the table would see the value.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key
from custom_resource import BOUNDED, CustomResource, InvalidPropertiesError, Made, text
from table_values import InvalidValuesError, item_of, texts

_MOST_NAMED = 20


def look_up(properties: Mapping[str, Any], request: Mapping[str, Any]) -> Made:
    """Read the version. It never changes, so a stack that is rolled back finds the older one again."""
    table = boto3.resource("dynamodb", config=BOUNDED).Table(os.environ["TABLE_NAME"])
    owner, application, version = (text(properties, name) for name in ("Owner", "Application", "Version"))
    if not version.isdecimal():
        raise InvalidPropertiesError(f"Version: expected a number, found {version!r}")
    where = f"{owner} {application} version {version}"
    found = table.get_item(Key={"Owner": owner, "Item": item_of(application, int(version))}, ConsistentRead=True)
    if "Item" not in found:
        raise InvalidPropertiesError(_missing(table, owner, application, version))
    try:
        values = texts(found["Item"]["Values"])
    except InvalidValuesError as error:
        raise InvalidPropertiesError(f"{where}: {error}") from error
    return Made(
        f"{table.name}/{owner}/{application}",
        _chosen(values, properties.get("Keys"), where),
        no_echo=text(properties, "NoEcho", "false") == "true",
        if_too_large="name those that the stack needs in Keys",
    )


def forget(physical_id: str, properties: Mapping[str, Any]) -> None:
    """Do nothing: a lookup leaves nothing behind."""


def _chosen(values: Mapping[str, str], keys: Any, where: str) -> Mapping[str, str]:
    if keys is None:
        return values
    if not isinstance(keys, list):
        raise InvalidPropertiesError(f"Keys: expected a list of names, found {keys!r}")
    missing = [str(key) for key in keys if key not in values]
    if missing:
        raise InvalidPropertiesError(f"Keys: {where} has no {_listed(missing)}; it has {_listed(sorted(values))}")
    return {key: values[key] for key in keys}


def _missing(table: Any, owner: str, application: str, version: str) -> str:
    """Say what does not exist, and what does: versions of the application, or applications of the owner."""
    versions = _items(table, owner, f"{application}#")
    if versions:
        newest = _listed(str(int(item.partition("#")[2])) for item in versions)
        return f"Version: {owner} {application} has no version {version}; it has {newest}"
    applications = dict.fromkeys(item.partition("#")[0] for item in _items(table, owner))
    if applications:
        return f"Application: {owner} has no {application}; it has {_listed(applications)}"
    return f"Owner: the table {table.name} has nothing of {owner}"


def _items(table: Any, owner: str, prefix: str = "") -> list[str]:
    condition = Key("Owner").eq(owner)
    answer = table.query(
        KeyConditionExpression=condition & Key("Item").begins_with(prefix) if prefix else condition,
        ProjectionExpression="#item",
        ExpressionAttributeNames={"#item": "Item"},
        ScanIndexForward=False,
        ConsistentRead=True,
    )
    return [str(each["Item"]) for each in answer["Items"]]


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _MOST_NAMED
    return ", ".join(every[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


handler = CustomResource(look_up, forget)
