"""Asking a recovery's questions, and reading their answers."""

from belay.aws.clock import now, timestamp
from belay.control.recovery import Recovery
from belay.control.topics import Topic
from belay.notify.incidents import person_needed
from belay.release.left_to_do import LeftToDo
from belay.rollback.plan import Step
from belay.rollback.question import Answer


class Questions:
    """The questions of one incident. Their answers are in the ledger."""

    def __init__(self, recovery: Recovery) -> None:
        self._recovery = recovery

    def answers(self) -> dict[str, Answer]:
        """Return the state of every announced question."""
        decisions = self._recovery.ledger.decisions.of_incident(
            self._recovery.application, self._recovery.incident.name
        )
        stand = {name: asked.stands(now()) for name, asked in decisions.items()}
        return {name: answer for name, answer in stand.items() if answer is not None}

    def put(self, step: Step, number: int, topic: Topic) -> None:
        """Ask, unless that was done: a question left unannounced by a crash is announced again."""
        recovery, question, text = self._recovery, step.parameters["question"], step.parameters["text"]
        application, incident = recovery.application, recovery.incident
        named = f"{application} --incident {incident.name} --question {question}"
        endangers = step.parameters.get("endangers", ())
        recovery.ledger.decisions.ask(application, incident.name, question, text, timestamp(), endangers=endangers)
        topic.publish(
            person_needed(
                incident.subject.told_as,
                why=text,
                reason=incident.reason,
                done=recovery.done(),
                left_to_do=[
                    LeftToDo("", "Approve", then=f"belay approve {named}"),
                    LeftToDo("", "Deny", then=f"belay reject {named}"),
                ],
            ),
            [incident.place],
        )
        recovery.take(step, number)
        recovery.ledger.decisions.announced(application, incident.name, question)
