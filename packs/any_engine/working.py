"""The worker: it runs the tool, reads the tool's own table before and after, and reports the result of each change."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from belay.database.executor import (
    Begin,
    ChangeDocument,
    ChangeOutcome,
    ChangeResult,
    OperationAnswer,
    OperationState,
    Profile,
    RecordedChange,
)
from belay.sql.changes import Engine
from packs.any_engine.tools import Applied, Problem, Tool

TRANSACTIONAL: Final = (Engine.POSTGRESQL, Engine.SQLSERVER, Engine.DB2)
"""Engines with transactional DDL: a change that fails leaves nothing."""

Remember = Callable[[str, list[str]], list[str]]
"""Stores ids of a release and a database under a name, if nothing is stored there yet, and returns what is stored."""


@dataclass(frozen=True)
class ToolWorker:
    """Does one operation with a tool."""

    tool: Tool
    asked: Begin
    name: str
    remember: Remember

    def profile(self) -> OperationAnswer:
        """Return what is applied; the tools show nothing else."""
        recorded = tuple(
            RecordedChange(each.id, each.author, each.path, number, "", "", "", each.at, each.at, ChangeOutcome.APPLIED)
            for number, each in enumerate(self.tool.applied(), 1)
        )
        profile = Profile(f"{self.asked.database.engine}, as {self.name} sees it", recorded)
        return OperationAnswer(self.asked.token, OperationState.SUCCEEDED, profile=profile)

    def apply(self, document: ChangeDocument) -> OperationAnswer:
        """Apply what is pending. After a kill the tool's own table shows what was done."""
        before = set(self.remember("before", [each.id for each in self.tool.applied()]))
        problem = self.tool.apply()
        applied = {each.id: each for each in self.tool.applied()}
        results = [_applied(each, before, applied) for each in initial(document)]
        if problem is None and any(each.outcome is ChangeOutcome.PENDING for each in results):
            missing = ", ".join(each.id for each in results if each.outcome is ChangeOutcome.PENDING)
            return self._answer(
                OperationState.FAILED, results, f"{self.name} did not apply {missing}: it does not know them"
            )
        if problem is not None:
            results = self._with_failure(results, problem)
            return self._answer(OperationState.FAILED, results, _in_words(problem))
        return self._answer(OperationState.SUCCEEDED, results)

    def undo(self, document: ChangeDocument) -> OperationAnswer:
        """Undo what this release applied, if it was applied last."""
        now = [each.id for each in self.tool.applied()]
        before = set(self.remember("before", now))
        ours = [each for each in now if each not in before]
        undoable = {each.id for each in document.changes if each.undo is not None}
        if ours != now[len(now) - len(ours) :] or not undoable >= set(ours):
            why = "a change without an undo, or of another release, was applied"
            return OperationAnswer(self.asked.token, OperationState.UNSUPPORTED, why)
        to_undo = set(self.remember("ours", ours))
        problem = self.tool.undo(len(ours)) if ours else None
        left = {each.id for each in self.tool.applied()}
        results = [_undone(each, to_undo, left) for each in initial(document)]
        if problem is not None:
            return self._answer(OperationState.FAILED, self._with_failure(results, problem), _in_words(problem))
        return self._answer(OperationState.SUCCEEDED, results)

    def _with_failure(self, results: list[ChangeResult], problem: Problem) -> list[ChangeResult]:
        """Mark the change that failed, if one did."""
        outcome = ChangeOutcome.FAILED if self.asked.database.engine in TRANSACTIONAL else ChangeOutcome.UNKNOWN
        return [
            replace(each, outcome=outcome, error=problem.error) if each.id == problem.change else each
            for each in results
        ]

    def _answer(self, state: OperationState, results: list[ChangeResult], reason: str = "") -> OperationAnswer:
        return OperationAnswer(self.asked.token, state, reason, tuple(results))


def initial(document: ChangeDocument) -> list[ChangeResult]:
    """Return the results of an operation that has just begun."""
    return [ChangeResult(each.id, each.digest, ChangeOutcome.PENDING) for each in document.changes]


def _applied(result: ChangeResult, before: set[str], applied: dict[str, Applied]) -> ChangeResult:
    if result.id not in applied:
        return result
    outcome = ChangeOutcome.UNCHANGED if result.id in before else ChangeOutcome.APPLIED
    return replace(result, outcome=outcome, ended=applied[result.id].at)


def _undone(result: ChangeResult, to_undo: set[str], left: set[str]) -> ChangeResult:
    if result.id not in to_undo:
        return replace(result, outcome=ChangeOutcome.UNCHANGED)
    return replace(result, outcome=ChangeOutcome.APPLIED if result.id in left else ChangeOutcome.UNDONE)


def _in_words(problem: Problem) -> str:
    return f"{problem.change}: {problem.error.message}" if problem.change else problem.error.message
