"""How far a release is: the states its executions entered and left, read from Step Functions' histories."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

_SILENT: Final = ("Choice", "Pass", "Succeed", "Fail")
"""Types of state that decide, assign or end, and take no time of their own."""

_ENDS: Final = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


@dataclass(frozen=True)
class Step:
    """One state of one execution. ``left`` is None while it lasts; ``stage`` is None outside of any."""

    machine: str
    stage: str | None
    state: str
    kind: str
    entered: datetime
    left: datetime | None = None

    @property
    def silent(self) -> bool:
        """Whether there is nothing to see in it: it decides, assigns or ends."""
        return self.kind in _SILENT

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken until now."""
        return ((self.left or now) - self.entered).total_seconds()


@dataclass(frozen=True)
class Execution:
    """One execution of one of the machines, with the steps it has taken so far."""

    arn: str
    machine: str
    stage: str | None
    started: datetime
    running: bool
    steps: tuple[Step, ...] = ()


def steps(execution: Execution, history: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Read the steps out of an execution's history, oldest event first.

    A state that was left without an event of its own ended when the next was entered or the execution ended.
    """
    found: list[Step] = []
    for event in history:
        kind, at = event["type"], event["timestamp"]
        if kind.endswith("StateEntered"):
            found = _left(found, at)
            name = event["stateEnteredEventDetails"]["name"]
            found.append(Step(execution.machine, execution.stage, name, kind.removesuffix("StateEntered"), at))
        elif kind.endswith("StateExited") or kind in _ENDS:
            found = _left(found, at)
    return tuple(found)


def _left(found: list[Step], at: datetime) -> list[Step]:
    return [step if step.left else replace(step, left=at) for step in found]


class Progress:
    """Follows the executions that the machines started since the last release; asks only for what can have changed."""

    def __init__(self, stepfunctions: Any, machines: Mapping[str, str]) -> None:
        """``machines`` maps the machines' names to their ARNs, in the order in which they are told of."""
        self._stepfunctions = stepfunctions
        self._machines = machines
        self._executions: dict[str, Execution] = {}
        self._earlier: set[str] = set()

    def begin(self) -> None:
        """Forget what has been seen: what starts from now on belongs to the next release."""
        self._earlier |= self._executions.keys()
        self._executions = {}

    def look(self) -> list[Execution]:
        """Return the executions with their steps, in the order in which they started."""
        for machine, arn in self._machines.items():
            for listed in self._listed(arn):
                self._see(machine, listed)
        return sorted(self._executions.values(), key=lambda execution: execution.started)

    def _see(self, machine: str, listed: Mapping[str, Any]) -> None:
        arn = listed["executionArn"]
        known = self._executions.get(arn)
        if arn in self._earlier or (known and not known.running):
            return
        running = listed["status"] == "RUNNING"
        known = known or Execution(arn, machine, self._stage(arn), listed["startDate"], running)
        self._executions[arn] = replace(known, running=running, steps=steps(known, self._history(arn)))

    def _listed(self, machine: str) -> Iterable[Mapping[str, Any]]:
        pages = self._stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=machine)
        return (listed for page in pages for listed in page["executions"])

    def _history(self, arn: str) -> Iterable[Mapping[str, Any]]:
        pages = self._stepfunctions.get_paginator("get_execution_history").paginate(
            executionArn=arn, includeExecutionData=False, PaginationConfig={"PageSize": 1000}
        )
        return (event for page in pages for event in page["events"])

    def _stage(self, arn: str) -> str | None:
        document = json.loads(self._stepfunctions.describe_execution(executionArn=arn)["input"])
        return document.get("stage") if isinstance(document, dict) else None
