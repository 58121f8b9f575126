"""One DynamoDB table with the key PK and SK: items as plain values, failed conditions as return values."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from belay.aws.faults import cancellation_codes, code_of, translated

Item = dict[str, Any]
_SERIALIZER = TypeSerializer()
_DESERIALIZER = TypeDeserializer()


class Table:
    """Reads are consistent; ``transact`` takes the results of ``new`` and ``change``."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def new(self, item: Item) -> Item:
        """Return the part of a transaction that puts an item."""
        return {"Put": {"TableName": self._name, "Item": _typed(item)}}

    def change(
        self,
        pk: str,
        sk: str,
        update: str,
        condition: str,
        values: Item,
        *,
        names: Mapping[str, str] | None = None,
    ) -> Item:
        """Return the part of a transaction that updates an item on a condition; ``names`` stand for reserved words."""
        change: Item = {
            "TableName": self._name,
            "Key": _typed({"PK": pk, "SK": sk}),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": _typed(values),
        }
        if names:
            change["ExpressionAttributeNames"] = dict(names)
        return {"Update": change}

    def transact(self, *changes: Item) -> bool:
        """Write everything or nothing. Returns False if a condition fails."""
        with translated("DynamoDB.TransactWriteItems"):
            try:
                self._client.transact_write_items(TransactItems=list(changes))
            except ClientError as error:
                if "ConditionalCheckFailed" in cancellation_codes(error):
                    return False
                raise
        return True

    def update(
        self,
        pk: str,
        sk: str,
        update: str,
        condition: str | None,
        values: Item,
        *,
        names: Mapping[str, str] | None = None,
    ) -> bool:
        """Update an item, optionally on a condition. Returns False if it fails."""
        arguments: Item = {
            "TableName": self._name,
            "Key": _typed({"PK": pk, "SK": sk}),
            "UpdateExpression": update,
        }
        if values:
            arguments["ExpressionAttributeValues"] = _typed(values)
        if condition:
            arguments["ConditionExpression"] = condition
        if names:
            arguments["ExpressionAttributeNames"] = dict(names)
        with translated("DynamoDB.UpdateItem"):
            try:
                self._client.update_item(**arguments)
            except ClientError as error:
                if code_of(error) == "ConditionalCheckFailedException":
                    return False
                raise
        return True

    def put(self, item: Item) -> None:
        """Put an item, replacing any existing one."""
        with translated("DynamoDB.PutItem"):
            self._client.put_item(TableName=self._name, Item=_typed(item))

    def get(self, pk: str, sk: str) -> Item | None:
        """Return an item, or None if there is none."""
        with translated("DynamoDB.GetItem"):
            answer = self._client.get_item(TableName=self._name, Key=_typed({"PK": pk, "SK": sk}), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def query(self, pk: str, prefix: str = "") -> list[Item]:
        """Return the items of a partition whose sort key begins with ``prefix``, in order."""
        condition = "PK = :pk"
        values = {":pk": pk}
        if prefix:
            condition += " AND begins_with(SK, :prefix)"
            values[":prefix"] = prefix
        with translated("DynamoDB.Query"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=_typed(values),
                ConsistentRead=True,
            )
            return [_plain(item) for page in pages for item in page["Items"]]

    def delete(self, pk: str, sk: str, *, attempt: str | None = None) -> None:
        """Delete an item; with an ``attempt``, only where its document is that attempt's."""
        arguments: Item = {"TableName": self._name, "Key": _typed({"PK": pk, "SK": sk})}
        if attempt is not None:
            arguments["ConditionExpression"] = "document.attempt = :attempt"
            arguments["ExpressionAttributeValues"] = _typed({":attempt": attempt})
        with translated("DynamoDB.DeleteItem"):
            try:
                self._client.delete_item(**arguments)
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise

    def count(self, pk: str, sk: str, name: str) -> int:
        """Add one to a number in an item and return it."""
        with translated("DynamoDB.UpdateItem"):
            answer = self._client.update_item(
                TableName=self._name,
                Key=_typed({"PK": pk, "SK": sk}),
                UpdateExpression=f"ADD {name} :one",
                ExpressionAttributeValues=_typed({":one": 1}),
                ReturnValues="UPDATED_NEW",
            )
        return int(_plain(answer["Attributes"])[name])


def _typed(item: Mapping[str, Any]) -> Item:
    return {name: _SERIALIZER.serialize(value) for name, value in item.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: _without_decimals(_DESERIALIZER.deserialize(value)) for name, value in item.items()}


def _without_decimals(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _without_decimals(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_decimals(inner) for inner in value]
    return value
