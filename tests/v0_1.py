"""Reading ``fixtures/v0_1``: the items and documents that commit 8deb935 wrote."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeSerializer

ROOT = Path(__file__).parent / "fixtures" / "v0_1"
KINDS = sorted(path.stem for path in (ROOT / "items").glob("*.json"))
AT_ONCE = 25  # DynamoDB's limit of writes per call
DOCUMENTS = sorted(path.stem for path in (ROOT / "documents").glob("*.json"))


def items(kind: str) -> list[dict[str, Any]]:
    """Every item of a kind, as ``aws.dynamodb.Table`` would return it."""
    return _items(ROOT / "items" / f"{kind}.json")


def item(kind: str, pk: str, sk: str) -> dict[str, Any]:
    """The one item of a kind with this key prefix."""
    (found,) = [each for each in items(kind) if each["PK"].startswith(pk) and each["SK"].startswith(sk)]
    return found


def all_items() -> list[dict[str, Any]]:
    """Every item of every kind."""
    return [each for kind in KINDS for each in items(kind)]


def document(name: str) -> dict[str, Any]:
    """One document as stored in the artifact bucket."""
    return dict(json.loads((ROOT / "documents" / f"{name}.json").read_text()))


def waiting_items() -> list[dict[str, Any]]:
    """Everything in the ledger about orders 1.4.1 while it waited for its approval."""
    return _items(ROOT / "waiting" / "items.json")


def waiting_documents() -> dict[str, dict[str, Any]]:
    """The documents of orders 1.4.1 while it waited for its approval, by key."""
    return dict(json.loads((ROOT / "waiting" / "documents.json").read_text()))


def put(dynamodb: Any, table: str, written: Iterable[dict[str, Any]]) -> None:
    """Put items into a table, through boto3's client."""
    serialize = TypeSerializer().serialize
    asked = [{"PutRequest": {"Item": {k: serialize(v) for k, v in each.items()}}} for each in written]
    for first in range(0, len(asked), AT_ONCE):
        answer = dynamodb.batch_write_item(RequestItems={table: asked[first : first + AT_ONCE]})
        assert answer["UnprocessedItems"] == {}


def _items(path: Path) -> list[dict[str, Any]]:
    return [{name: _with_sets(value) for name, value in each.items()} for each in json.loads(path.read_text())]


def _with_sets(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_sets(each) for each in value]
    if not isinstance(value, dict):
        return value
    return set(value["__set__"]) if value.keys() == {"__set__"} else {k: _with_sets(v) for k, v in value.items()}
