"""The ledger on a DynamoDB that moto plays."""

from typing import Any

from belay.ledger.ledger import Ledger


def empty_ledger(dynamodb: Any) -> Ledger:
    """The ledger in a new table, which is named ``ledger``."""
    dynamodb.create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
    )
    return Ledger(dynamodb, "ledger")
