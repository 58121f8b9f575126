"""The ``UserParameters`` of Belay's Invoke actions."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from belay.errors import InvalidActionConfiguration
from belay.pipeline.execution import EXECUTION_ID

SEVERITIES = ("info", "warning", "critical")
"""The values of ``notify.message.Severity``."""


@dataclass(frozen=True)
class Registered:
    """The stage whose registration an action uses."""

    application: str
    stage: str


@dataclass(frozen=True)
class TemplateAction:
    """Validate these templates of the input artifact with the parameters of their stack."""

    templates: tuple[str, ...]
    parameters: Mapping[str, str]
    registered: Registered | None


@dataclass(frozen=True)
class StackAction:
    """Validate these stacks as deployed."""

    stacks: tuple[str, ...]
    registered: Registered | None


@dataclass(frozen=True)
class SnapshotAction:
    """Take a snapshot of every database of this stage, named after the pipeline execution's id."""

    registered: Registered
    execution: str


@dataclass(frozen=True)
class RollbackAction:
    """Roll back what this execution of the stage's registered pipeline has deployed; ``reason`` goes into messages."""

    registered: Registered
    execution: str
    reason: str


@dataclass(frozen=True)
class NotifyAction:
    """Send a message to the application's on-call engineers, optionally about a ``stage`` and an ``execution``."""

    application: str
    stage: str | None
    execution: str | None
    message: str
    severity: str


def template_action(parameters: Mapping[str, Any]) -> TemplateAction:
    """Read ``{"templates": ["network.yaml"], "parameters": {...}, "application": "orders", "stage": "test"}``.

    ``parameters`` are optional, and so are application and stage together. Raises InvalidActionConfiguration.
    """
    _refuse_others(parameters, {"templates", "parameters", "application", "stage"})
    given = parameters.get("parameters", {})
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise InvalidActionConfiguration(f"UserParameters.parameters: expected an object of texts, found {given!r}")
    return TemplateAction(_texts(parameters, "templates"), given, _registered(parameters))


def stack_action(parameters: Mapping[str, Any]) -> StackAction:
    """Read ``{"stacks": ["orders-network"], "application": "orders", "stage": "production"}``.

    Application and stage are optional together. Raises InvalidActionConfiguration.
    """
    _refuse_others(parameters, {"stacks", "application", "stage"})
    return StackAction(_texts(parameters, "stacks"), _registered(parameters))


def snapshot_action(parameters: Mapping[str, Any]) -> SnapshotAction:
    """Read ``{"application": "orders", "stage": "production", "execution": "#{codepipeline.PipelineExecutionId}"}``.

    CodePipeline replaces the variable by the id
    (https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html). Raises
    InvalidActionConfiguration.
    """
    _refuse_others(parameters, {"application", "stage", "execution"})
    return SnapshotAction(_required_stage(parameters), _execution(parameters))


def rollback_action(parameters: Mapping[str, Any]) -> RollbackAction:
    """Read what ``snapshot_action`` reads and an optional ``reason``. Raises InvalidActionConfiguration."""
    _refuse_others(parameters, {"application", "stage", "execution", "reason"})
    reason = _text(parameters, "reason") if "reason" in parameters else "the pipeline requested a rollback"
    return RollbackAction(_required_stage(parameters), _execution(parameters), reason)


def notify_action(parameters: Mapping[str, Any]) -> NotifyAction:
    """Read ``{"application": "orders", "message": "The change set is waiting for review."}``.

    ``stage``, ``execution`` and ``severity`` (info, warning or critical; default info) are optional. Raises
    InvalidActionConfiguration.
    """
    _refuse_others(parameters, {"application", "stage", "execution", "message", "severity"})
    severity = parameters.get("severity", SEVERITIES[0])
    if severity not in SEVERITIES:
        raise InvalidActionConfiguration(
            f"UserParameters.severity: expected one of {', '.join(SEVERITIES)}, found {severity!r}"
        )
    return NotifyAction(
        application=_text(parameters, "application"),
        stage=_text(parameters, "stage") if "stage" in parameters else None,
        execution=_execution(parameters) if "execution" in parameters else None,
        message=_text(parameters, "message"),
        severity=severity,
    )


def _required_stage(parameters: Mapping[str, Any]) -> Registered:
    return Registered(_text(parameters, "application"), _text(parameters, "stage"))


def _execution(parameters: Mapping[str, Any]) -> str:
    found = _text(parameters, "execution")
    if not re.fullmatch(EXECUTION_ID, found):
        raise InvalidActionConfiguration(
            "UserParameters.execution: expected the id of a pipeline execution, written as "
            f"#{{codepipeline.PipelineExecutionId}}, found {found!r}"
        )
    return found


def _text(parameters: Mapping[str, Any], name: str) -> str:
    found = parameters.get(name)
    if not isinstance(found, str) or not found:
        raise InvalidActionConfiguration(f"UserParameters.{name}: expected a text, found {found!r}")
    return found


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
