"""The machines' definitions: where they end, and where caught errors lead."""

from typing import Any

from statemachines.document import definition_of, flattened


def states(machine: str) -> dict[str, dict[str, Any]]:
    """The states of a machine by name, those inside a Map too."""
    return dict(flattened(definition_of(machine))["States"])


def ends(machine: str) -> set[str]:
    """The states in which a machine ends."""
    return {name for name, state in states(machine).items() if state["Type"] in ("Succeed", "Fail")}


def catches(machine: str) -> set[tuple[str, str]]:
    """From which state to which one a caught error leads, if nothing else leads there."""
    found = set()
    for name, state in states(machine).items():
        # What is caught around a Map leads to where it leads anyway, and nothing inside it is left to be caught there.
        handlers = state.get("Catch", []) if state["Type"] != "Map" else []
        found |= {(name, catch["Next"]) for catch in handlers if catch["Next"] != state.get("Next")}
    return found


def caught_into(machine: str, state: str, error: str) -> str:
    """The state that an error caught in a state leads to."""
    return next(catch["Next"] for catch in states(machine)[state]["Catch"] if error in catch["ErrorEquals"])
