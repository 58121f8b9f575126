"""The progress of the demo's releases, found by listing the state machines' executions."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from belay.aws.stepfunctions import Executions
from cli.progress import Execution, steps


class DemoProgress:
    """Follows the executions started since the last release; reads only what may have changed."""

    def __init__(self, stepfunctions: Any, machines: Mapping[str, str]) -> None:
        """``machines`` maps the state machines' names to their ARNs, in the order to show them."""
        self._stepfunctions = stepfunctions
        self._machines = machines
        self._executions: dict[str, Execution] = {}
        self._earlier: set[str] = set()

    def begin(self) -> None:
        """Begin a new release, to which all executions from now on belong."""
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
        history = Executions(self._stepfunctions).history(arn)
        self._executions[arn] = replace(known, running=running, steps=steps(known, history))

    def _listed(self, machine: str) -> Iterable[Mapping[str, Any]]:
        pages = self._stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=machine)
        return (listed for page in pages for listed in page["executions"])

    def _stage(self, arn: str) -> str | None:
        document = json.loads(self._stepfunctions.describe_execution(executionArn=arn)["input"])
        return document.get("stage") if isinstance(document, dict) else None
