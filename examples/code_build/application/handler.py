"""Prices an order."""

from typing import Any

from acme_money import cents


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Return the price in cents of an order ``{"price": "2.50", "pieces": 3}``."""
    return {"cents": cents(event["price"]) * int(event["pieces"])}
