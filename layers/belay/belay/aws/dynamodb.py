"""DynamoDB: the ledger's table, items as plain values, failed conditions as return values; and operators' tables."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from belay.aws.clients import Gateway
from belay.aws.faults import cancellation_codes, code_of, translated
from belay.errors import InvalidRequest

Item = dict[str, Any]
_SERIALIZER = TypeSerializer()
_DESERIALIZER = TypeDeserializer()
_MOST_AT_ONCE = 100
"""Keys in one BatchGetItem
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html)."""
_CONDITION_FAILED = ("ConditionalCheckFailedException",)
_MOST_TRIES = 5
"""How often a transaction that conflicts with another one is tried; callers retry later."""


class Table:
    """One table with the key PK and SK, read consistently; ``transact`` takes what ``new`` and ``change`` return."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def new(self, item: Item, *, once: bool = False) -> Item:
        """Return the part of a transaction that puts an item; ``once`` if there must be none yet."""
        condition = {"ConditionExpression": "attribute_not_exists(PK)"} if once else {}
        return {"Put": {"TableName": self._name, "Item": _typed(item), **condition}}

    def change(
        self, pk: str, sk: str, update: str, condition: str, values: Item, *, names: Mapping[str, str] | None = None
    ) -> Item:
        """Return the part of a transaction that updates an item on a condition; ``names`` stand for reserved words."""
        change: Item = {
            "TableName": self._name,
            "Key": _typed({"PK": pk, "SK": sk}),
            "UpdateExpression": update,
            "ConditionExpression": condition,
        }
        if values:
            change["ExpressionAttributeValues"] = _typed(values)
        if names:
            change["ExpressionAttributeNames"] = dict(names)
        return {"Update": change}

    def transact(self, *changes: Item) -> bool:
        """Write everything or nothing. Returns False if a condition fails.

        Of two simultaneous transactions on one item DynamoDB refuses one, which botocore does not retry: the stages of
        a wave write to one attempt's item.
        """
        with translated("DynamoDB.TransactWriteItems"):
            for tried in range(1, _MOST_TRIES + 1):
                try:
                    self._client.transact_write_items(TransactItems=list(changes))
                    break
                except ClientError as error:
                    codes = cancellation_codes(error)
                    if "ConditionalCheckFailed" in codes:
                        return False
                    if "TransactionConflict" not in codes or tried == _MOST_TRIES:
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
        arguments: Item = {"TableName": self._name, "Key": _typed({"PK": pk, "SK": sk}), "UpdateExpression": update}
        if values:
            arguments["ExpressionAttributeValues"] = _typed(values)
        if condition:
            arguments["ConditionExpression"] = condition
        if names:
            arguments["ExpressionAttributeNames"] = dict(names)
        with translated("DynamoDB.UpdateItem", ignoring=_CONDITION_FAILED):
            self._client.update_item(**arguments)
            return True
        return False

    def put(self, item: Item) -> None:
        """Put an item, replacing any existing one."""
        with translated("DynamoDB.PutItem"):
            self._client.put_item(TableName=self._name, Item=_typed(item))

    def get(self, pk: str, sk: str) -> Item | None:
        """Return an item, or None if it does not exist."""
        with translated("DynamoDB.GetItem"):
            answer = self._client.get_item(TableName=self._name, Key=_typed({"PK": pk, "SK": sk}), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item]:
        """Return the existing items of these keys, in their order."""
        found: dict[tuple[str, str], Item] = {}
        asked = [_typed({"PK": pk, "SK": sk}) for pk, sk in keys]
        with translated("DynamoDB.BatchGetItem"):
            while asked:
                request = {self._name: {"Keys": asked[:_MOST_AT_ONCE], "ConsistentRead": True}}
                answer = self._client.batch_get_item(RequestItems=request)
                left = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
                asked = [*left, *asked[_MOST_AT_ONCE:]]
                for item in map(_plain, answer["Responses"].get(self._name, [])):
                    found[item["PK"], item["SK"]] = item
        return [found[key] for key in keys if key in found]

    def query(
        self, pk: str, prefix: str = "", *, newest: int | None = None, between: tuple[str, str] | None = None
    ) -> list[Item]:
        """Return a partition's items in its order, whose sort keys begin with ``prefix``, or lie ``between`` two.

        With ``newest``, at most that many from its end, last first.
        """
        condition = "PK = :pk"
        values = {":pk": pk}
        if between:
            condition += " AND SK BETWEEN :first AND :last"
            values |= {":first": between[0], ":last": between[1]}
        elif prefix:
            condition += " AND begins_with(SK, :prefix)"
            values[":prefix"] = prefix
        with translated("DynamoDB.Query"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=_typed(values),
                ConsistentRead=True,
                ScanIndexForward=newest is None,
                PaginationConfig={"MaxItems": newest, "PageSize": newest},
            )
            return [_plain(item) for page in pages for item in page["Items"]]

    def delete(self, pk: str, sk: str, condition: str = "", values: Item | None = None) -> None:
        """Delete an item, if there is one and it meets the condition."""
        arguments = {"ConditionExpression": condition, "ExpressionAttributeValues": _typed(values or {})}
        with translated("DynamoDB.DeleteItem", ignoring=_CONDITION_FAILED):
            key = _typed({"PK": pk, "SK": sk})
            self._client.delete_item(TableName=self._name, Key=key, **(arguments if condition else {}))

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


class ParameterTables(Gateway):
    """Tables in which operators keep parameter values; read only."""

    def item(self, table: str, key: Mapping[str, str]) -> Item | None:
        """Return an item, its numbers as strings as DynamoDB has them; None if it does not exist.

        Raises ``InvalidRequest`` if the table does not exist, or its items have another key.
        """
        with translated("DynamoDB.GetItem"):
            try:
                answer = self._client.get_item(TableName=table, Key=_typed(dict(key)), ConsistentRead=True)
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    raise InvalidRequest("DynamoDB.GetItem", code_of(error), f"there is no table {table}") from error
                raise
        found = answer.get("Item")
        return None if found is None else {name: _as_text(value) for name, value in found.items()}


def _as_text(value: Any) -> Any:
    return value["N"] if "N" in value else _DESERIALIZER.deserialize(value)


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
