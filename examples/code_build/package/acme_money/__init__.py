"""Amounts of money in cents."""


def cents(text: str) -> int:
    """Read an amount such as ``2.50``. Raises ``ValueError``."""
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(f"{part:0<2}"[:2])
