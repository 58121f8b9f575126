"""A rollback plan: the ordered steps of a recovery, and what is left for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from belay.database.command_line import call_command
from belay.documents import read, written
from belay.release.left_to_do import LeftToDo
from belay.release.records import Outcome


class Kind(StrEnum):
    """A step's kind of subject; each has its own part of the plan and its own performer."""

    STACK = "STACK"
    DATABASE = "DATABASE"
    CHANGES = "CHANGES"
    SERVICE = "SERVICE"
    STAGE = "STAGE"


class Action(StrEnum):
    """Every action of a recovery."""

    WAIT = "WAIT"
    """Wait until AWS has finished what it is doing, or a person has answered."""
    ASK = "ASK"
    """Ask a person for an approval."""
    CANCEL_UPDATE = "CANCEL_UPDATE"
    """Stop an update that is still running; CloudFormation then rolls it back."""
    ROLLBACK_STACK = "ROLLBACK_STACK"
    """Roll a stack that failed with rollback disabled back to its last stable state."""
    CONTINUE_UPDATE_ROLLBACK = "CONTINUE_UPDATE_ROLLBACK"
    """Continue a stuck update rollback."""
    SKIP_RESOURCES = "SKIP_RESOURCES"
    """Continue a stuck update rollback, skipping the resources that it is stuck on."""
    DETECT_DRIFT = "DETECT_DRIFT"
    """Compare a resource in doubt, such as a skipped one, with its template."""
    REVERT_DRIFT = "REVERT_DRIFT"
    """Return resources in doubt to their template: create a drift-aware change set, check it, execute it."""
    UPDATE_TO_BASELINE = "UPDATE_TO_BASELINE"
    """Return a stack to its state before the release: create a change set, check it, execute it."""
    DELETE_CHANGE_SET = "DELETE_CHANGE_SET"
    """Delete a change set that was never executed."""
    DELETE_STACK = "DELETE_STACK"
    """Delete a stack that the release created."""
    CHECK_CHANGES = "CHECK_CHANGES"
    """Determine through the executor the result of database changes that were started."""
    UNDO_CHANGES = "UNDO_CHANGES"
    """Undo a release's database changes by their own scripts, the last first."""
    RESTORE_DATABASE = "RESTORE_DATABASE"
    """Restore a snapshot beside the database that it was taken of."""
    CREATE_MEMBER = "CREATE_MEMBER"
    """Create one of a restored cluster's instances."""
    MODIFY_DATABASE = "MODIFY_DATABASE"
    """Set on a restored database what the restore call does not accept."""
    ADD_ROLE = "ADD_ROLE"
    """Add a role to a restored database."""
    RENAME_ORIGINAL = "RENAME_ORIGINAL"
    """Take the name from the database that is replaced."""
    RENAME_RESTORED = "RENAME_RESTORED"
    """Give the name to the restored database."""
    UNDO_RENAME_RESTORED = "UNDO_RENAME_RESTORED"
    """Take the name from the restored database again: the swap failed."""
    UNDO_RENAME_ORIGINAL = "UNDO_RENAME_ORIGINAL"
    """Give the name back to the database it was taken from: the swap failed."""
    PROTECT_REPLACED = "PROTECT_REPLACED"
    """Protect the replaced database from deletion."""
    TAG_REPLACED = "TAG_REPLACED"
    """Tag the replaced database with why it is kept, and until when."""
    SUSPEND_SCALING = "SUSPEND_SCALING"
    """Keep Application Auto Scaling from starting tasks of a service that is to be stopped."""
    STOP_SERVICE = "STOP_SERVICE"
    """Stop all tasks of a service, remembering how many it ran."""
    START_SERVICE = "START_SERVICE"
    """Start as many tasks of a stopped service as before."""
    RESUME_SCALING = "RESUME_SCALING"
    """Resume Application Auto Scaling of a restarted service."""
    RESTART_SERVICE = "RESTART_SERVICE"
    """Replace every task of a service with a new one."""
    VERIFY = "VERIFY"
    """Verify the stage with its checks, until the bake time has passed."""


class Risk(StrEnum):
    """What a step may cost: the worst that applies."""

    NONE = "none"
    DOWNTIME = "downtime"
    DATA = "data"


@dataclass(frozen=True)
class Step:
    """One step of a recovery.

    - ``subject`` is the registered name of the stack, database or service that the step is about, ``subject_id`` what
      the call names it by: a stack's id, a database's identifier, a service's ARN.
    - ``call`` is the service, as boto3 spells it, and the operation; ``parameters`` what is passed, as the API spells
      it. The performer adds the request token, and for a change set its name.
    - ``why`` is the reason for people, ``legal_because`` the rule that allows the call in the current status.
    - ``risk`` and ``risk_in_words`` say what it may cost.
    - ``expected`` are the statuses that show success (a stack's absence is written ``DELETE_COMPLETE``),
      ``checked_afterwards`` describes what is checked then.
    - ``estimate_seconds`` is what earlier runs of the step took; None if it was never measured.
    """

    action: Action
    kind: Kind
    subject: str
    subject_id: str
    call: tuple[str, str]
    parameters: Mapping[str, Any]
    why: str
    legal_because: str
    risk: Risk
    risk_in_words: str
    expected: tuple[str, ...]
    checked_afterwards: str
    estimate_seconds: int | None = None

    def in_words(self) -> str:
        """The step as one sentence for people."""
        took = "" if self.estimate_seconds is None else f", about {lasting(self.estimate_seconds)}"
        return f"{self.subject}: {self.why} ({self.call[1]}{took})."


@dataclass(frozen=True)
class Remark:
    """A remark about a subject that does not make the rollback incomplete: why something was left alone.

    ``follow_up``: a person has to act on it later; the release is still ROLLED_BACK.
    """

    subject: str
    what: str
    follow_up: bool = False

    def in_words(self) -> str:
        """The remark as text."""
        return f"{self.subject}: {self.what}"


def lasting(seconds: int) -> str:
    """Format a duration: ``40 seconds``, ``3 minutes``."""
    if seconds < 1:
        return "less than a second"
    if seconds < _MINUTES_FROM:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{round(seconds / 60)} minutes"


_MINUTES_FROM = 90

_RENAMES = (
    *(Action.RENAME_ORIGINAL, Action.RENAME_RESTORED),
    *(Action.UNDO_RENAME_ORIGINAL, Action.UNDO_RENAME_RESTORED),
)


def _how(step: Step) -> str | None:
    return call_command(step.call[1], step.parameters) if step.action in _RENAMES else None


Todo = Step | LeftToDo | Remark
"""What each part of a plan is made of, in order."""


@dataclass(frozen=True)
class RollbackPlan:
    """What to do now, in order, and what is left for a person afterwards.

    A plan with no steps and nothing left to do means that the stage is recovered.
    """

    steps: tuple[Step, ...]
    left_to_do: tuple[LeftToDo, ...] = field(default=())
    remarks: tuple[Remark, ...] = field(default=())

    @classmethod
    def of(cls, *parts: Sequence[Todo]) -> "RollbackPlan":
        """Combine the parts of a plan, in execution order."""
        todos = [todo for part in parts for todo in part]
        return cls(
            steps=tuple(todo for todo in todos if isinstance(todo, Step)),
            left_to_do=tuple(todo for todo in todos if isinstance(todo, LeftToDo)),
            remarks=tuple(todo for todo in todos if isinstance(todo, Remark)),
        )

    @property
    def outcome_if_done(self) -> Outcome:
        """ROLLED_BACK, or NEEDS_OPERATOR when something is left to do."""
        return Outcome.NEEDS_OPERATOR if self.left_to_do else Outcome.ROLLED_BACK

    def describe(self) -> list[str]:
        """The plan as text, one line per step, then what is left to do."""
        steps = [f"{number}. {step.in_words()}" for number, step in enumerate(self.steps, 1)]
        left = [line for each in self.left_to_do for line in each.lines()]
        told = [each.in_words() for each in self.remarks]
        return steps + left + told or ["Nothing to do: all stacks are as they were before."]

    def undone(self) -> list[LeftToDo]:
        """Return what a stopped recovery left to do, step by step, with commands for a database halfway through a swap.

        Whether the first step was done is unknown: its response may have been lost.
        """
        steps = [step for step in self.steps if step.action not in (Action.WAIT, Action.ASK, Action.VERIFY)]
        why = "not done, or not confirmed"
        return [LeftToDo(step.subject, f"{step.why} ({step.call[1]})", why, then=_how(step)) for step in steps]

    def to_dict(self) -> dict[str, Any]:
        """The plan as a JSON document; ``outcome_if_done`` is included for readers without this class."""
        return {**written(self), "outcome_if_done": self.outcome_if_done}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "RollbackPlan":
        """The inverse of ``to_dict``. Raises ``UnreadableRecord``."""
        return read(cls, document, "rollback.json")
