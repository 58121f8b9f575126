"""What the machines' definitions say: where they end, and where what is caught leads."""

from pathlib import Path
from typing import Any

import yaml

MACHINES = Path(__file__).parents[2] / "statemachines"


def states(machine: str) -> dict[str, dict[str, Any]]:
    """The states of a machine by name."""
    definition = yaml.safe_load((MACHINES / machine / "definition.asl.yaml").read_text(encoding="utf-8"))
    return dict(definition["States"])


def ends(machine: str) -> set[str]:
    """The states in which a machine ends."""
    return {name for name, state in states(machine).items() if state["Type"] in ("Succeed", "Fail")}


def catches(machine: str) -> set[tuple[str, str]]:
    """From which state to which one something caught leads, where nothing else leads there."""
    found = set()
    for name, state in states(machine).items():
        found |= {(name, catch["Next"]) for catch in state.get("Catch", []) if catch["Next"] != state.get("Next")}
    return found


def caught_into(machine: str, state: str, error: str) -> str:
    """The state that an error caught in a state leads to."""
    return next(catch["Next"] for catch in states(machine)[state]["Catch"] if error in catch["ErrorEquals"])
