"""Belay's library: pure rooms that decide, an edge that calls AWS, and what brings both together."""

VERSION = "0.2.0"
"""The version of Belay that this is, as ``pyproject.toml`` and the stack's output have it."""
