"""Operational items expire.

DynamoDB deletes an item after the epoch second in its ``expires``, "typically within a few days"
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html): until then, readers ignore it.
"""

from belay.aws.clock import lease
from belay.aws.dynamodb import Item


def is_current(item: Item) -> bool:
    """Tell whether an item has not expired."""
    return "expires" not in item or int(item["expires"]) > lease(0)
