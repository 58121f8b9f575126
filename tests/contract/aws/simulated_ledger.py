"""The ledger on a DynamoDB that moto plays."""

from typing import Any

from belay.aws.dynamodb import Table
from belay.aws.gateways import own_aws
from belay.aws.s3 import ArtifactBucket
from belay.ledger.ledger import Ledger


def empty_ledger(dynamodb: Any) -> Ledger:
    """The ledger in a new table, which is named ``ledger``."""
    dynamodb.create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
    )
    return Ledger(Table(dynamodb, "ledger"))


def remembered() -> tuple[Ledger, ArtifactBucket]:
    """The ledger and the artifact bucket of the account that this process runs in, which moto plays."""
    return Ledger(own_aws().table("ledger")), own_aws().artifacts("artifacts")
