"""``belay override RELEASE``: let a held release continue outside of its stage's windows; --comment says why."""

from __future__ import annotations

import argparse

from cli.decision import add_decision_arguments, decide


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_decision_arguments(parser, incidents=False)


def run(arguments: argparse.Namespace) -> int:
    """Send the decision."""
    return decide(arguments, "override")
