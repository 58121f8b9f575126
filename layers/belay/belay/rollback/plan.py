"""A rollback plan: the ordered steps of a recovery, and what only a person can do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """Everything a recovery may do."""

    WAIT = "WAIT"
    """Wait until CloudFormation has finished what it is doing."""
    CANCEL_UPDATE = "CANCEL_UPDATE"
    """Stop an update that is still running; CloudFormation then rolls it back."""
    ROLLBACK_STACK = "ROLLBACK_STACK"
    """Take a stack that failed with rollback disabled back to its last stable state."""
    CONTINUE_UPDATE_ROLLBACK = "CONTINUE_UPDATE_ROLLBACK"
    """Go on with an update rollback that got stuck."""
    UPDATE_TO_BASELINE = "UPDATE_TO_BASELINE"
    """Bring a stack back to what it was before the release: make a change set, look at it, execute it."""
    DELETE_CHANGE_SET = "DELETE_CHANGE_SET"
    """Remove a change set that was never executed."""
    DELETE_STACK = "DELETE_STACK"
    """Remove a stack that the release created."""


class Risk(StrEnum):
    """What a step may cost, the worst word that applies."""

    NONE = "none"
    DOWNTIME = "downtime"
    DATA = "data"


ROLLED_BACK = "ROLLED_BACK"
NEEDS_OPERATOR = "NEEDS_OPERATOR"


@dataclass(frozen=True)
class Step:
    """One step of a recovery.

    - ``stack`` is the registered name, ``stack_id`` the stack the call is about.
    - ``call`` is the service and the operation of the API; ``parameters`` what is passed, as the API spells it. Whoever
      executes the step adds the request token, and for a change set its name.
    - ``why`` says it for people, ``legal_because`` names the rule that allows the call in the status the stack is in.
    - ``risk`` and ``risk_in_words`` say what it may cost.
    - ``expected`` are the statuses that show that it worked; the stack's absence is written ``DELETE_COMPLETE``.
    """

    action: Action
    stack: str
    stack_id: str
    call: tuple[str, str]
    parameters: Mapping[str, Any]
    why: str
    legal_because: str
    risk: Risk
    risk_in_words: str
    expected: tuple[str, ...]

    def in_words(self) -> str:
        """The step as one sentence for people."""
        return f"{self.stack}: {self.why} ({self.call[1]})."

    def to_dict(self) -> dict[str, Any]:
        """The step as a JSON document."""
        return vars(self) | {
            "action": self.action.value,
            "call": list(self.call),
            "parameters": dict(self.parameters),
            "risk": self.risk.value,
            "expected": list(self.expected),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Step":
        """The inverse of ``to_dict``. Raises ``KeyError`` or ``TypeError`` when it was not written by it."""
        values = dict(document)
        service, operation = values["call"]
        return cls(
            **values
            | {
                "action": Action(values["action"]),
                "call": (service, operation),
                "risk": Risk(values["risk"]),
                "expected": tuple(values["expected"]),
            }
        )


@dataclass(frozen=True)
class LeftToDo:
    """What a person must do: on which stack, what and why.

    ``look`` is the AWS CLI command to look closer, ``then`` the one that does it, where one is known to be right.
    """

    stack: str
    what: str
    look: str
    then: str | None = None

    def in_words(self) -> str:
        """What is left to do, with the commands, for people."""
        return f"{self.stack}: {self.what} Look: {self.look}" + (f" Then: {self.then}" if self.then else "")


@dataclass(frozen=True)
class RollbackPlan:
    """What to do now, in order, and what remains for a person when all of it is done.

    A plan without steps and without anything left to do says that the stage is recovered.
    """

    steps: tuple[Step, ...]
    left_to_do: tuple[LeftToDo, ...] = field(default=())

    @property
    def outcome_if_done(self) -> str:
        """ROLLED_BACK, or NEEDS_OPERATOR when something is left to do."""
        return NEEDS_OPERATOR if self.left_to_do else ROLLED_BACK

    @property
    def done(self) -> bool:
        """Whether there is no step to take any more."""
        return not self.steps

    def describe(self) -> list[str]:
        """The plan for people, one line a step, then what is left to do."""
        steps = [f"{number}. {step.in_words()}" for number, step in enumerate(self.steps, 1)]
        left = [each.in_words() for each in self.left_to_do]
        return steps + left or ["Nothing to do: every stack is as it was."]

    def to_dict(self) -> dict[str, Any]:
        """The plan as a JSON document; ``outcome_if_done`` is in it for whoever reads it without this class."""
        return {
            "steps": [step.to_dict() for step in self.steps],
            "left_to_do": [dict(vars(each)) for each in self.left_to_do],
            "outcome_if_done": self.outcome_if_done,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "RollbackPlan":
        """The inverse of ``to_dict``. Raises ``KeyError`` or ``TypeError`` when it was not written by it."""
        return cls(
            steps=tuple(Step.from_dict(step) for step in document["steps"]),
            left_to_do=tuple(LeftToDo(**each) for each in document["left_to_do"]),
        )
