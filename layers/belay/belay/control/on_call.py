"""Incidents left to people: acknowledging and closing them. Each is recorded, then announced once."""

from typing import Final

from belay.approval.asked import GivenAnswer
from belay.approval.decision import Decision
from belay.approval.on_call import refuse_acknowledgement, refuse_closing
from belay.approval.principal import Principal
from belay.aws.clock import timestamp
from belay.aws.sns import Notifications
from belay.control.topics import Topic
from belay.events.function_url import Refusal
from belay.ledger.incidents import IncidentRecord
from belay.ledger.ledger import Ledger
from belay.notify.incidents import incident_acknowledged, incident_closed
from belay.notify.message import Message
from belay.notify.publication import told_on
from belay.stack.stack_id import name_of_stack
from belay.subject.life import IncidentState

BELAY: Final = "Belay"
"""The closer of an incident that needs no person to close it."""


class OnCall:
    """Processes acknowledgements; ``default_topic`` is for applications without their own."""

    def __init__(self, ledger: Ledger, sns: Notifications, default_topic: str) -> None:
        self._ledger = ledger
        self._sns = sns
        self._default_topic = default_topic

    def take(self, decision: Decision, caller: Principal, now: str) -> GivenAnswer | Refusal:
        """Record an acknowledgement or a closing and return it as stored, or the reason for a refusal.

        A repeat by the same person finishes what a crash may have left undone.
        """
        record = self._ledger.incidents.get(decision.application, decision.incident)
        answer = GivenAnswer(decision.word, caller.arn, now, decision.comment, caller.principal_id)
        if decision.word == "close":
            return self._close(decision, record, answer)
        return self._acknowledge(decision, record, answer)

    def _acknowledge(
        self, decision: Decision, record: IncidentRecord | None, answer: GivenAnswer
    ) -> GivenAnswer | Refusal:
        """Record who is working on an incident; another person can take it over."""
        refusal = refuse_acknowledgement(decision, self._state(record))
        if record is None or refusal is not None:
            return refusal or Refusal(404, "Unknown", decision.about)
        standing = record.acknowledged
        if standing is None or not answer.repeats(standing):
            self._ledger.incidents.acknowledge(record.incident, answer)
            standing = answer
        said = {"by": standing.by, "at": standing.at, "comment": standing.comment}
        self._tell(record, incident_acknowledged(record.incident.subject.told_as, record.incident.name, **said))
        return standing

    def _close(self, decision: Decision, record: IncidentRecord | None, answer: GivenAnswer) -> GivenAnswer | Refusal:
        """Record that a person has done what an incident left. It does not say what the stage runs."""
        closed = None if record is None else record.closed
        if record is None or closed is None or not answer.repeats(closed):
            refusal = refuse_closing(
                decision,
                self._state(record),
                None if record is None else record.outcome,
                closed,
                [] if record is None else self._unstable(record),
            )
            if record is None or refusal is not None:
                return refusal or Refusal(404, "Unknown", decision.about)
            closed = self._ledger.incidents.shut(record.incident, answer)
        if not answer.repeats(closed):
            return Refusal(409, "AlreadyClosed", f"{decision.about} was {closed.in_words}")
        incident = record.incident
        runs = self._ledger.stages.in_words(incident.application, incident.stage)
        mixed = runs if self._ledger.stages.left(incident.application, incident.stage) else None
        told_as = incident.subject.told_as
        self._tell(record, incident_closed(told_as, incident.name, by=closed.by, why=closed.comment, mixed=mixed))
        self._ledger.incidents.left_no_more(incident)
        return closed

    def supersede(self, application: str, stage: str, why: str) -> None:
        """Close what incidents left to people in a stage that was deployed to, or rolled back, since; announce each.

        A rerun finishes the work of a crashed one.
        """
        for owner, name in self._ledger.incidents.left(application, stage):
            record = self._ledger.incidents.get(owner, name)
            if record is not None and record.outcome is not None:
                incident = record.incident
                closed = self._ledger.incidents.shut(incident, GivenAnswer("close", BELAY, timestamp(), why))
                told_as = incident.subject.told_as
                self._tell(record, incident_closed(told_as, name, by=closed.by, why=closed.comment))
                self._ledger.incidents.left_no_more(incident)

    def _state(self, record: IncidentRecord | None) -> IncidentState | None:
        return None if record is None else record.state(left=self._left(record))

    def _left(self, record: IncidentRecord) -> bool:
        incident = record.incident
        left = self._ledger.incidents.left(incident.application, incident.stage)
        return (incident.application, incident.name) in left or bool(self._unstable(record))

    def _unstable(self, record: IncidentRecord) -> list[str]:
        watched = self._ledger.incidents.watched_of(record.incident)
        return [] if watched is None else [name_of_stack(each) for each in watched.stack_ids]

    def _tell(self, record: IncidentRecord, message: Message) -> None:
        topic = told_on(record.incident.subject.topic, self._default_topic)
        Topic(self._sns, topic, self._ledger).publish(message, [record.incident.place])
