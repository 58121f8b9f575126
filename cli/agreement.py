"""Asking a person on a terminal before something is changed."""

from __future__ import annotations

import sys

from cli.problems import Refused


def agreed(question: str, otherwise: str) -> bool:
    """Ask on the terminal; return whether the answer is yes. Raises ``Refused`` without a terminal."""
    if not sys.stdin.isatty():
        raise Refused(f"{otherwise}: no terminal to ask on; pass --yes")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
