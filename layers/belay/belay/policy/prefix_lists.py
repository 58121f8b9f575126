"""Prefix lists that AWS manages: blocks of its own services, never the whole Internet."""

from __future__ import annotations

OF_AWS: frozenset[str] = frozenset()


def is_of_aws(prefix_list_id: str) -> bool:
    """Tell whether a prefix list is one that AWS manages."""
    return prefix_list_id in OF_AWS
