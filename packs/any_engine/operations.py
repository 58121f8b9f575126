"""The progress of operations, in the pack's own DynamoDB table, because a tool's tables must not be written."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from belay.database.executor import Begin, OperationAnswer, OperationState, read_answer, read_request, written
from packs.executors.serving import RefusedRequest


@dataclass(frozen=True)
class KeptOperation:
    """An operation: its request, its progress, its current build, and how many builds there were."""

    asked: Begin
    answer: OperationAnswer
    build: str
    builds: int


class Operations:
    """The table, whose items have the key ``name``."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def begin(self, asked: Begin, answer: OperationAnswer) -> KeptOperation:
        """Return the operation of a token, created if there is none.

        Raises ``RefusedRequest`` if the token was used for another.
        """
        made = {
            "content": {"S": asked.content},
            "asked": {"S": json.dumps(written(asked))},
            "answer": {"B": _packed(written(answer))},
            "state": {"S": answer.state},
            "build": {"S": ""},
            "builds": {"N": "0"},
        }
        self._put_new(f"operation {asked.token}", made)
        item = self._item(f"operation {asked.token}")
        if item["content"]["S"] != asked.content:
            raise RefusedRequest(f"the token {asked.token} began another operation; expected what it was begun with")
        return _kept(item)

    def get(self, name: str) -> KeptOperation:
        """Return an operation. Raises ``RefusedRequest`` if it does not exist."""
        item = self._item(f"operation {name}")
        if not item:
            raise RefusedRequest(f"operation: expected one that was begun, found {name}")
        return _kept(item)

    def claim(self, kept: KeptOperation) -> bool:
        """Claim the start of the next build; False if another call has it."""
        return self._update(
            kept.asked.token,
            "SET builds = :next",
            "builds = :now",
            {":now": {"N": str(kept.builds)}, ":next": {"N": str(kept.builds + 1)}},
        )

    def started(self, kept: KeptOperation, build: str) -> None:
        """Record the running build, after a claim; empty if none could be started."""
        builds = kept.builds + 1 if build else kept.builds
        self._update(
            kept.asked.token,
            "SET build = :build, builds = :builds",
            "attribute_exists(content)",
            {":build": {"S": build}, ":builds": {"N": str(builds)}},
        )

    def end(self, answer: OperationAnswer) -> None:
        """Store the end, if the operation is not over yet."""
        self._update(
            answer.operation,
            "SET answer = :answer, #state = :state",
            "#state = :running",
            {
                ":answer": {"B": _packed(written(answer))},
                ":state": {"S": answer.state},
                ":running": {"S": OperationState.RUNNING},
            },
            {"#state": "state"},
        )

    def remember(self, name: str, ids: list[str]) -> list[str]:
        """Store ids, if nothing is stored under the name yet, and return what is stored."""
        self._put_new(f"ids {name}", {"ids": {"B": _packed(ids)}})
        kept: list[str] = _unpacked(self._item(f"ids {name}")["ids"]["B"])
        return kept

    def _put_new(self, name: str, attributes: Mapping[str, Any]) -> None:
        try:
            self._client.put_item(
                TableName=self._table,
                Item={"name": {"S": name}, **attributes},
                ConditionExpression="attribute_not_exists(#name)",
                ExpressionAttributeNames={"#name": "name"},
            )
        except ClientError as error:
            _only_if_not_so(error)

    def _item(self, name: str) -> dict[str, Any]:
        found = self._client.get_item(TableName=self._table, Key={"name": {"S": name}}, ConsistentRead=True)
        return dict(found.get("Item", {}))

    def _update(
        self, token: str, update: str, condition: str, values: Mapping[str, Any], names: Mapping[str, str] | None = None
    ) -> bool:
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"name": {"S": f"operation {token}"}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                **({"ExpressionAttributeNames": names} if names else {}),
            )
        except ClientError as error:
            _only_if_not_so(error)
            return False
        return True


def _kept(item: Mapping[str, Any]) -> KeptOperation:
    asked = read_request(json.loads(item["asked"]["S"]))
    assert isinstance(asked, Begin)  # noqa: S101 - only they are kept
    answer = read_answer(_unpacked(item["answer"]["B"]))
    return KeptOperation(asked, answer, item["build"]["S"], int(item["builds"]["N"]))


def _only_if_not_so(error: ClientError) -> None:
    """Ignore a failed condition, which is a result; raise a fault."""
    if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
        raise error


def _packed(value: object) -> bytes:
    """An item holds 400 KB, of which a thousand results take more than half."""
    return zlib.compress(json.dumps(value).encode())


def _unpacked(data: bytes) -> Any:
    return json.loads(zlib.decompress(bytes(data)))
