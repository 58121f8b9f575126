"""The executor of any engine: it stores operations, and has a build run the tool for each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from belay.database.executor import Ask, Begin, ChangeDocument, ChangeOutcome, Look, OperationAnswer, OperationState
from packs.any_engine.operations import KeptOperation, Operations
from packs.any_engine.tools import Tool
from packs.any_engine.working import ToolWorker, initial
from packs.executors.serving import ChangeDocuments

MOST_BUILDS: Final = 5


@dataclass(frozen=True)
class ToolExecutor:
    """``start`` starts a build for an operation and returns its id, empty if there is no room for one now.

    ``is_running`` says whether a build is running or queued.
    """

    operations: Operations
    documents: ChangeDocuments
    undoes: bool
    start: Callable[[str], str]
    is_running: Callable[[str], bool]

    def begin(self, asked: Begin, changes: ChangeDocument | None) -> OperationAnswer:
        """Begin an operation, or return its progress by its token. Raises ``RefusedRequest``."""
        if asked.request is Ask.UNDO and not self.undoes:
            return OperationAnswer(asked.token, OperationState.UNSUPPORTED, "the tool cannot undo")
        results = () if changes is None else tuple(initial(changes))
        begun = OperationAnswer(asked.token, OperationState.RUNNING, changes=results)
        return self._looked_at(self.operations.begin(asked, begun))

    def look(self, asked: Look) -> OperationAnswer:
        """Return an operation's progress; if its build died, start another. Raises ``RefusedRequest``."""
        return self._looked_at(self.operations.get(asked.operation))

    def _looked_at(self, kept: KeptOperation) -> OperationAnswer:
        if kept.answer.state is not OperationState.RUNNING or (kept.build and self.is_running(kept.build)):
            return kept.answer
        # The build ends after storing its result: read it again before starting another build.
        kept = self.operations.get(kept.answer.operation)
        if kept.answer.state is not OperationState.RUNNING:
            return kept.answer
        if kept.builds >= MOST_BUILDS:
            self.operations.end(given_up(kept))
        elif self.operations.claim(kept):
            self.operations.started(kept, self.start(kept.asked.token))
        return self.operations.get(kept.answer.operation).answer

    def work(self, name: str, make: Callable[[Begin, ChangeDocument | None], Tool], tool_name: str) -> None:
        """Run an operation's build, if the operation is not over."""
        kept = self.operations.get(name)
        if kept.answer.state is not OperationState.RUNNING:
            return
        asked = kept.asked
        document = None if asked.changes is None else self.documents.read(asked.changes)
        tool = make(asked, document)
        if kept.builds > 1:
            # Builds run one at a time, so the holder of the tool's lock was killed.
            tool.release()
        where = f"{asked.database.identifier} {asked.database.endpoint}"
        attempt = "" if document is None else f"{document.application} {document.attempt}"

        def remember(what: str, ids: list[str]) -> list[str]:
            return self.operations.remember(f"{what} {where} {attempt}", ids)

        worker = ToolWorker(tool, asked, tool_name, remember)
        if document is None:
            self.operations.end(worker.profile())
        elif asked.request is Ask.UNDO:
            self.operations.end(worker.undo(document))
        else:
            self.operations.end(worker.apply(document))


def given_up(kept: KeptOperation) -> OperationAnswer:
    """Return the end of an operation whose builds all died: a person has to check what was in progress."""
    results = tuple(replace(each, outcome=ChangeOutcome.UNKNOWN) for each in kept.answer.changes)
    reason = f"{kept.builds} builds ended without an answer; their logs say why, and the tool's table what is applied"
    return replace(kept.answer, state=OperationState.FAILED, reason=reason, changes=results)
