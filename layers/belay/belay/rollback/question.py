"""Questions that a recovery asks people: asked once, then approved, denied or timed out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from belay.release.left_to_do import LeftToDo
from belay.rollback.plan import Action, Kind, Risk, Step, Todo

ANSWER_WITHIN = timedelta(hours=4)
"""How long a recovery waits for an answer. The stage stays locked until then, so that nothing is deployed over it."""


class Answer(StrEnum):
    """The state of a question."""

    WAITING = "WAITING"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True)
class Question:
    """A request for an approval that only a person can give.

    ``name`` identifies the question in its incident and in an answer (``delete-network``), ``text`` says what a yes
    does, and what it costs. ``endangers`` are the resources with data that it is about.
    """

    name: str
    kind: Kind
    subject: str
    subject_id: str
    text: str
    endangers: tuple[str, ...] = ()


@dataclass(frozen=True)
class AskedQuestion:
    """A question that was asked, whether it was ``announced``, and its answer.

    ``approved`` is None without an answer; ``by`` is the ARN of the person who answered. ``endangers`` is as for
    ``Question``.
    """

    name: str
    text: str = ""
    asked_at: str = ""
    announced: bool = False
    approved: bool | None = None
    by: str | None = None
    at: str | None = None
    comment: str | None = None
    endangers: frozenset[str] = frozenset()

    @property
    def answer(self) -> str | None:
        """How it was answered, in a word."""
        return None if self.approved is None else "approved" if self.approved else "denied"

    def stands(self, now: datetime) -> Answer | None:
        """Return the question's state; None if it was not announced."""
        if self.approved is not None:
            return Answer.APPROVED if self.approved else Answer.DENIED
        if not self.announced:
            return None
        return Answer.EXPIRED if now - datetime.fromisoformat(self.asked_at) > ANSWER_WITHIN else Answer.WAITING


def with_approval(
    question: Question, answer: Answer | None, approved: tuple[Todo, ...], refused: LeftToDo
) -> tuple[Todo, ...]:
    """Plan what needs a person's approval: ask, wait, then do what was ``approved``, or leave it as ``refused`` says.

    The approved steps are not part of the plan before the approval.
    """
    match answer:
        case None:
            return (_ask(question),)
        case Answer.WAITING:
            return (_wait_for_answer(question),)
        case Answer.APPROVED:
            return approved
        case Answer.DENIED:
            return (replace(refused, why=f"{refused.why} Its approval was denied."),)
        case Answer.EXPIRED:
            hours = int(ANSWER_WITHIN.total_seconds() // 3600)
            return (replace(refused, why=f"{refused.why} Nobody answered within {hours} hours."),)


def update_question(stack: str, name: str, target: str, endangered: Sequence[str]) -> Question:
    """Ask whether a stack may be rolled back although that deletes or replaces resources with data."""
    return Question(
        name=f"update-{stack}",
        kind=Kind.STACK,
        subject=stack,
        subject_id=target,
        text=f"may the stack {stack} ({name}) be updated back to its earlier template? That deletes or replaces "
        f"{' and '.join(endangered)} with the data in it, unless a deletion policy keeps it.",
        endangers=tuple(endangered),
    )


def names_all(question: AskedQuestion, endangered: Sequence[str]) -> bool:
    """Whether a question named all of these resources: an approval covers no others."""
    return question.endangers.issuperset(endangered)


def is_asked(todo: Todo) -> bool:
    """Whether this is about a question without an answer."""
    return isinstance(todo, Step) and "question" in todo.parameters


def _ask(question: Question) -> Step:
    return Step(
        action=Action.ASK,
        kind=question.kind,
        subject=question.subject,
        subject_id=question.subject_id,
        call=("sns", "Publish"),
        parameters={"question": question.name, "text": question.text}
        | ({"endangers": [*question.endangers]} if question.endangers else {}),
        why=f"ask a person: {question.text}",
        legal_because="a message changes nothing; https://docs.aws.amazon.com/sns/latest/api/API_Publish.html",
        risk=Risk.NONE,
        risk_in_words="the stage stays locked until there is an answer",
        expected=(Answer.WAITING.value,),
        checked_afterwards="whether a person has answered",
    )


def _wait_for_answer(question: Question) -> Step:
    return Step(
        action=Action.WAIT,
        kind=question.kind,
        subject=question.subject,
        subject_id=question.subject_id,
        call=("dynamodb", "GetItem"),
        parameters={"question": question.name},
        why=f"wait for the answer to: {question.text}",
        legal_because="reading the ledger changes nothing; "
        "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html",
        risk=Risk.NONE,
        risk_in_words="the stage stays locked until there is an answer",
        expected=(Answer.APPROVED.value, Answer.DENIED.value, Answer.EXPIRED.value),
        checked_afterwards="whether a person has answered",
    )
