"""Plain English for counts."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 file`` or ``2 files``; ``plural`` is for a noun whose plural does not just end in -s."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"
