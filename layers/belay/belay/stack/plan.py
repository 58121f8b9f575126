"""The plan of a release for the stacks of one stage: waves of change sets, and their progress."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from belay.documents import read, written


class Progress(StrEnum):
    """The progress of one stack."""

    WAITING = "WAITING"
    """It depends on a stack that has to change first, and is planned after that."""
    CREATING = "CREATING"
    """Its change set is being created."""
    PLANNED = "PLANNED"
    """Its change set is ready."""
    UNCHANGED = "UNCHANGED"
    """There is nothing to change."""
    EXECUTING = "EXECUTING"
    """Its change set is being executed."""
    EXECUTED = "EXECUTED"
    """Its change set was executed successfully."""


_SETTLED = (Progress.UNCHANGED, Progress.EXECUTED)


@dataclass(frozen=True)
class StackPlan:
    """One stack of the release in this stage.

    ``creates`` is true if the stack does not exist yet, ``generation`` counts the change sets created for it, ``token``
    is the client request token of the execution and ``asked_at`` when it was requested (ISO 8601 in UTC), ``digest``
    identifies what the change set will do, ``changes`` describe it; ``digests`` are those of its NoEcho parameters
    (``stack.values``); ``report`` is the policies' report on it, as written by ``policy.verdict.Report.to_json``.
    ``undeleted`` says which resources the deployment could not delete.
    """

    stack: str
    stack_name: str
    depends_on: tuple[str, ...] = ()
    progress: Progress = Progress.WAITING
    creates: bool = False
    stack_id: str | None = None
    change_set_id: str | None = None
    generation: int = 0
    token: str | None = None
    asked_at: str | None = None
    digest: str | None = None
    changes: tuple[str, ...] = ()
    report: Mapping[str, Any] | None = None
    undeleted: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StagePlan:
    """Every stack of the release in this stage, in deploy order.

    ``lock_seen`` is the fencing token of the stage's free lock when planning began; None if the lock was held, so that
    the stage may have changed before this release gets the lock.
    """

    stacks: tuple[StackPlan, ...]
    lock_seen: int | None = None

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "StagePlan":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, "plan.json")

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)

    def with_stack(self, changed: StackPlan) -> "StagePlan":
        """Return the plan with one stack replaced."""
        stacks = tuple(changed if stack.stack == changed.stack else stack for stack in self.stacks)
        return replace(self, stacks=stacks)

    def changed_since(self, fencing: int) -> bool:
        """Whether the stage may have been changed between planning and the lock with this fencing token."""
        return self.lock_seen is None or fencing != self.lock_seen + 1

    def in_progress(self, *progress: Progress) -> tuple[StackPlan, ...]:
        """Return the stacks with one of these progresses."""
        return tuple(stack for stack in self.stacks if stack.progress in progress)

    @property
    def begun(self) -> bool:
        """Whether a change set was ever created for one of the stacks."""
        return any(stack.generation for stack in self.stacks)

    @property
    def plannable(self) -> tuple[StackPlan, ...]:
        """The waiting stacks whose dependencies are settled."""
        settled = {stack.stack for stack in self.in_progress(*_SETTLED)}
        return tuple(stack for stack in self.in_progress(Progress.WAITING) if settled.issuperset(stack.depends_on))

    def unsettled_before(self, stack: StackPlan) -> tuple[str, ...]:
        """Return the stacks before this one that are not settled."""
        names = [each.stack for each in self.stacks]
        return tuple(each.stack for each in self.stacks[: names.index(stack.stack)] if each.progress not in _SETTLED)

    @property
    def ready(self) -> bool:
        """Whether every change set that can be created now has been created."""
        return not self.plannable and not self.in_progress(Progress.CREATING)

    @property
    def unready(self) -> str:
        """What is not ready yet, as in ``the change set of network is still being created``."""
        created = ", ".join(stack.stack for stack in self.in_progress(Progress.CREATING))
        busy = ", ".join(stack.stack for stack in self.plannable)
        waits = [f"the change set of {created} is still being created"] if created else []
        waits += [f"another operation on {busy} is still in progress"] if busy else []
        return " and ".join(waits)

    @property
    def done(self) -> bool:
        """Whether every stack was changed or needed no change."""
        return all(stack.progress in _SETTLED for stack in self.stacks)

    @property
    def unchanged(self) -> bool:
        """Whether CloudFormation found nothing to change in any stack: an existing change set changes something.

        One that only updates nested stacks may change its own stack's outputs, which no change set shows.
        """
        return all(stack.progress is Progress.UNCHANGED for stack in self.stacks)

    @property
    def wave(self) -> str:
        """The progress of the wave whose change sets were executed: RUNNING, NEXT_WAVE (to be planned first) or
        DONE.
        """
        if self.in_progress(Progress.EXECUTING):
            return "RUNNING"
        return "DONE" if self.done else "NEXT_WAVE"

    def planned_anew(self, stale: Sequence[str]) -> "StagePlan":
        """Return the plan without the change sets of these stacks, to be created again."""
        stacks = tuple(
            replace(stack, progress=Progress.WAITING, change_set_id=None, digest=None, changes=(), report=None)
            if stack.stack in stale
            else stack
            for stack in self.stacks
        )
        return replace(self, stacks=stacks)

    def standing(self) -> dict[str, str]:
        """Return the id of each stack, or its name if it has none yet, by its name in the release."""
        return {stack.stack: stack.stack_id or stack.stack_name for stack in self.stacks}

    def describe(self) -> list[str]:
        """Return a description of the changes, stack by stack."""
        lines = []
        for stack in self.stacks:
            if stack.progress is Progress.WAITING:
                first, be = " and ".join(stack.depends_on), "is" if len(stack.depends_on) == 1 else "are"
                lines.append(f"{stack.stack} ({stack.stack_name}): planned once {first} {be} deployed")
            elif stack.progress is Progress.UNCHANGED:
                lines.append(f"{stack.stack} ({stack.stack_name}): no change")
            else:
                lines.append(f"{stack.stack} ({stack.stack_name}):")
                lines += [f"  {change}" for change in stack.changes]
        return lines
