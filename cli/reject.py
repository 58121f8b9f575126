"""``belay reject RELEASE``: reject a release in a stage, or what an incident asks."""

from __future__ import annotations

import argparse

from cli.decision import add_decision_arguments, decide


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_decision_arguments(parser, incidents=True)


def run(arguments: argparse.Namespace) -> int:
    """Send the decision."""
    return decide(arguments, "reject")
