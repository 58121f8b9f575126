"""SHA-256 over everything that determines what a change runs."""

from collections.abc import Iterable
from hashlib import sha256


def digest_of(data: bytes, *more: bytes) -> str:
    """Return the digest, in lower-case hex: a file's own if nothing else counts, else one over all parts, in order."""
    if not more:
        return sha256(data).hexdigest()
    return sha256(b"".join(sha256(each).digest() for each in (data, *more))).hexdigest()


def values_of(values: Iterable[tuple[str, str]]) -> list[bytes]:
    """Return names and values as parts of a digest, in the names' order."""
    return [each.encode() for pair in sorted(values) for each in pair]
