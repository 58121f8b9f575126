"""The progress of a release: the states its executions entered and left, read from Step Functions' histories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

_SILENT: Final = ("Choice", "Pass", "Succeed", "Fail")
"""Types of states that take no time."""

_ENDS: Final = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


@dataclass(frozen=True)
class ProgressStep:
    """One state of one execution. ``left`` is None while it lasts; ``stage`` is None outside of stages."""

    machine: str
    stage: str | None
    state: str
    kind: str
    entered: datetime
    left: datetime | None = None

    @property
    def silent(self) -> bool:
        """Whether it takes no time: it decides, assigns or ends."""
        return self.kind in _SILENT

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken until now."""
        return ((self.left or now) - self.entered).total_seconds()


@dataclass(frozen=True)
class Execution:
    """One execution of a state machine, with its steps so far."""

    arn: str
    machine: str
    stage: str | None
    started: datetime
    running: bool
    steps: tuple[ProgressStep, ...] = ()


def steps(execution: Execution, history: Iterable[Mapping[str, Any]]) -> tuple[ProgressStep, ...]:
    """Read the steps out of an execution's history, oldest event first.

    A state that was left without an event of its own ended when the next was entered or the execution ended.
    """
    found: list[ProgressStep] = []
    for event in history:
        kind, at = event["type"], event["timestamp"]
        if kind.endswith("StateEntered"):
            found = _left(found, at)
            name = event["stateEnteredEventDetails"]["name"]
            found.append(ProgressStep(execution.machine, execution.stage, name, kind.removesuffix("StateEntered"), at))
        elif kind.endswith("StateExited") or kind in _ENDS:
            found = _left(found, at)
    return tuple(found)


def _left(found: list[ProgressStep], at: datetime) -> list[ProgressStep]:
    return [step if step.left else replace(step, left=at) for step in found]
