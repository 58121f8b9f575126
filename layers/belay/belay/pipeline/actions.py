"""What the owner of a pipeline asks of our Invoke actions, in their ``UserParameters``."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from belay.errors import InvalidActionConfiguration


@dataclass(frozen=True)
class Registered:
    """The stage by whose registration an action judges."""

    application: str
    stage: str


@dataclass(frozen=True)
class TemplateAction:
    """Validate these templates of the input artifact, with the parameters their stack will be given."""

    templates: tuple[str, ...]
    parameters: Mapping[str, str]
    registered: Registered | None


@dataclass(frozen=True)
class StackAction:
    """Validate these stacks, as they are deployed."""

    stacks: tuple[str, ...]
    registered: Registered | None


def template_action(parameters: Mapping[str, Any]) -> TemplateAction:
    """Read ``{"templates": ["network.yaml"], "parameters": {...}, "application": "orders", "stage": "test"}``.

    ``parameters`` may be left out, and so may application and stage together. Raises InvalidActionConfiguration.
    """
    _refuse_others(parameters, {"templates", "parameters", "application", "stage"})
    given = parameters.get("parameters", {})
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise InvalidActionConfiguration(f"UserParameters.parameters: expected an object of texts, found {given!r}")
    return TemplateAction(_texts(parameters, "templates"), given, _registered(parameters))


def stack_action(parameters: Mapping[str, Any]) -> StackAction:
    """Read ``{"stacks": ["orders-network"], "application": "orders", "stage": "production"}``.

    Application and stage may be left out together. Raises InvalidActionConfiguration.
    """
    _refuse_others(parameters, {"stacks", "application", "stage"})
    return StackAction(_texts(parameters, "stacks"), _registered(parameters))


def _refuse_others(parameters: Mapping[str, Any], known: Collection[str]) -> None:
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise InvalidActionConfiguration(
            f"UserParameters: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )


def _texts(parameters: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = parameters.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(each, str) and each for each in found):
        raise InvalidActionConfiguration(f"UserParameters.{name}: expected a list of texts, found {found!r}")
    return tuple(found)


def _registered(parameters: Mapping[str, Any]) -> Registered | None:
    found = parameters.get("application"), parameters.get("stage")
    if found == (None, None):
        return None
    application, stage = found
    if not isinstance(application, str) or not isinstance(stage, str):
        raise InvalidActionConfiguration(f"UserParameters: expected application and stage, both texts, found {found!r}")
    return Registered(application, stage)
