"""Incidents: the steps tried, the facts found, the outcome, and what is left for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from belay.approval.asked import GivenAnswer
from belay.aws.dynamodb import Item
from belay.documents import read
from belay.ledger.records import Records, announced, close, opened, read_each
from belay.release.reason import Reason, from_document, to_dict
from belay.release.records import Outcome
from belay.rollback.noted import Noted
from belay.rollback.taken import StepTaken
from belay.subject.incident import Incident
from belay.subject.life import IncidentState, state_of

_LEFT: Final = "OPERATOR"


@dataclass(frozen=True)
class IncidentRecord:
    """An incident and its recovery so far.

    ``blocked`` maps a subject to why it must not be rolled back, ``settled`` are the subjects with nothing to change
    back, ``noted`` are facts about a subject recorded between steps. ``announced`` says whether the ``outcome`` was
    announced. ``acknowledged`` is who is working on it, ``closed`` who reported, after NEEDS_OPERATOR, that it is done.
    """

    incident: Incident
    opened_at: str
    tried: tuple[StepTaken, ...] = ()
    blocked: Mapping[str, str] = field(default_factory=dict)
    settled: frozenset[str] = frozenset()
    noted: Mapping[str, Noted] = field(default_factory=dict)
    outcome: Outcome | None = None
    reason: Reason | None = None
    ended_at: str | None = None
    announced: bool = False
    acknowledged: GivenAnswer | None = None
    closed: GivenAnswer | None = None

    def state(self, *, left: bool) -> IncidentState:
        """Return its state; ``left`` says whether its stage or its stacks are still as it left them."""
        return state_of(self.outcome, left=left, closed=self.closed is not None)

    @classmethod
    def from_item(cls, item: Item) -> "IncidentRecord":
        """Read the ledger's item."""
        return cls(
            incident=Incident.from_dict(item["details"]),
            opened_at=item["opened_at"],
            tried=tuple(StepTaken.from_dict(each) for each in item["tried"]),
            blocked=item["blocked"],
            settled=frozenset(item["settled"]),
            noted={subject: Noted.from_dict(facts) for subject, facts in item["noted"].items()},
            outcome=Outcome(item["outcome"]) if "outcome" in item else None,
            reason=from_document(item["reason"]) if "reason" in item else None,
            ended_at=item.get("ended_at"),
            announced=item.get("announced", False),
            acknowledged=GivenAnswer.from_dict(item["acknowledged"]) if "acknowledged" in item else None,
            closed=GivenAnswer.from_dict(item["closed"]) if "closed" in item else None,
        )


@dataclass(frozen=True)
class OpenIncident:
    """An incident that has not ended, or whose outcome was not announced.

    ``execution`` is the ARN of the recovery's execution, empty until one is started; ``at`` is when that was recorded,
    None if an earlier version of Belay did.
    """

    application: str
    incident: str
    execution: str
    at: str | None = None


@dataclass(frozen=True)
class WatchedIncident:
    """An ended incident that left unstable stacks for a person, and possibly ``more`` than these."""

    incident: Incident
    stack_ids: tuple[str, ...]
    more: bool = True


class IncidentRecords(Records):
    """Items ``INCIDENT#`` and ``DURATION#`` of an application, ``UNHEALTHY``, ``OPERATOR``, the incidents in ``OPEN``.

    ``OPENED#`` items index an application's incidents in the order in which they were opened.
    """

    def open(self, incident: Incident, now: str) -> bool:
        """Open an incident. False if it already exists: its opener starts the recovery."""
        return self._table.transact(*self.opening(incident, now))

    def opening(self, incident: Incident, now: str) -> list[Item]:
        """Return the parts of a transaction that open an incident, unless it exists."""
        known = {"application": incident.application, "incident": incident.name}
        return [
            self._table.change(
                *_keys(incident.application, incident.name),
                "SET application = :application, incident = :incident, details = :details, opened_at = :now, "
                "tried = :tried, blocked = :blocked, settled = :settled, noted = :noted",
                "attribute_not_exists(PK)",
                {f":{name}": value for name, value in known.items()}
                | {
                    ":details": incident.to_dict(),
                    ":now": now,
                    ":tried": [],
                    ":blocked": {},
                    ":settled": {},
                    ":noted": {},
                },
            ),
            opened(self._table, f"INCIDENT#{incident.name}", known, "", now),
            self._table.new(
                {"PK": f"APPLICATION#{incident.application}", "SK": f"OPENED#{now}#{incident.name}"} | known
            ),
        ]

    def _update(self, of: Incident, update: str, condition: str | None, values: Item, **names: str) -> bool:
        named = {f"#{name}": value for name, value in names.items()}
        return self._table.update(*_keys(of.application, of.name), update, condition, values, names=named)

    def get(self, application: str, incident: str) -> IncidentRecord | None:
        """Return an incident's record."""
        item = self._table.get(*_keys(application, incident))
        return None if item is None else IncidentRecord.from_item(item)

    def of_names(self, names: Sequence[tuple[str, str]]) -> dict[str, IncidentRecord]:
        """Return the records of many incidents by name, given with their applications."""
        items = self._table.get_many([_keys(application, incident) for application, incident in dict.fromkeys(names)])
        return {item["incident"]: IncidentRecord.from_item(item) for item in items}

    def newest(self, application: str, most: int) -> list[IncidentRecord]:
        """Return an application's newest incidents, the newest first.

        Before Belay 0.2 they had no index: if it has too few, every incident is read, of which there are few then.
        """
        pointers = self._table.query(f"APPLICATION#{application}", "OPENED#", newest=most)
        if len(pointers) < most:
            return self.of_application(application)[:most]
        return [*self.of_names([(application, item["incident"]) for item in pointers]).values()]

    def opened_since(self, application: str, begin: str) -> list[IncidentRecord]:
        """Return an application's incidents that were opened since a time (ISO 8601 in UTC).

        As for ``newest``, every incident is read if the index does not go back that far.
        """
        pk, since = f"APPLICATION#{application}", f"OPENED#{begin}"
        if not self._table.query(pk, between=("OPENED#", since), newest=1):
            return [each for each in self.of_application(application) if each.opened_at >= begin]
        pointers = self._table.query(pk, between=(since, "OPENED#~"))
        return [*self.of_names([(application, item["incident"]) for item in pointers]).values()]

    def of_application(self, application: str) -> list[IncidentRecord]:
        """Return every incident of an application, the newest first: all of them are read."""
        items = self._table.query(f"APPLICATION#{application}", "INCIDENT#")
        return sorted(map(IncidentRecord.from_item, items), key=lambda each: each.opened_at, reverse=True)

    def open_ones(self, faults: list[Exception] | None = None) -> list[OpenIncident]:
        """Return the incidents that have not ended or been announced; ``faults`` as for ``read_each``."""
        return read_each(self._table.query("OPEN", "INCIDENT#"), _open, faults)

    def record_step(self, incident: Incident, step: StepTaken, number: int) -> None:
        """Record the attempt of a recovery's numbered step, before its call; a rerun is recorded once."""
        self._update(
            incident,
            "SET tried = list_append(tried, :step)",
            "size(tried) = :number",
            {":step": [step.to_dict()], ":number": number},
        )

    def refuse_step(self, incident: Incident, number: int) -> None:
        """Record that AWS refused a recovery's numbered step."""
        self._update(
            incident,
            f"SET tried[{number}].refused = :refused",
            f"attribute_exists(tried[{number}])",
            {":refused": True},
        )

    def end_step(self, incident: Incident, number: int, seconds: int) -> bool:
        """Record how long a recovery's step took. False if that was recorded before."""
        return self._update(
            incident,
            f"SET tried[{number}].seconds = :seconds",
            f"attribute_exists(tried[{number}]) AND attribute_not_exists(tried[{number}].seconds)",
            {":seconds": seconds},
        )

    def record_duration(
        self, application: str, stage: str, action: str, subject: str, seconds: int, *, keep: int
    ) -> None:
        """Remember how long a step of a recovery took; the last ``keep`` runs are kept."""
        known = self.durations(application, stage).get((action, subject), [])
        key = {"PK": f"APPLICATION#{application}", "SK": f"DURATION#{stage}#{action}#{subject}"}
        self._table.put(key | {"action": action, "subject": subject, "seconds": [*known, seconds][-keep:]})

    def durations(self, application: str, stage: str) -> dict[tuple[str, str], list[int]]:
        """Return how long the steps of a stage's recoveries took, by action and subject, oldest first."""
        items = self._table.query(f"APPLICATION#{application}", f"DURATION#{stage}#")
        return {(item["action"], item["subject"]): item["seconds"] for item in items}

    def execution(self, incident: str) -> str | None:
        """Return the execution that recovers an open incident, empty before it is started; None if it ended."""
        item = self._table.get("OPEN", f"INCIDENT#{incident}")
        return None if item is None else str(item["execution"])

    def follow(self, incident: str, execution: str, now: str) -> None:
        """Record which execution recovers an open incident."""
        self._table.update(
            "OPEN",
            f"INCIDENT#{incident}",
            "SET execution = :execution, #at = :now",
            "attribute_exists(PK)",
            {":execution": execution, ":now": now},
            names={"#at": "at"},
        )

    def block(self, incident: Incident, subject: str, why: str) -> None:
        """Record why a subject must not be rolled back."""
        self._mark(incident, "blocked", subject, why)

    def settle(self, incident: Incident, subject: str) -> None:
        """Record that there is nothing to change back."""
        self._mark(incident, "settled", subject, "nothing to change")

    def note(self, incident: Incident, subject: str, facts: Noted) -> None:
        """Remember facts about a subject, replacing earlier ones."""
        self._mark(incident, "noted", subject, facts.to_dict())

    def _mark(
        self, incident: Incident, mark: Literal["blocked", "settled", "noted"], subject: str, value: object
    ) -> None:
        self._update(incident, "SET #mark.#subject = :value", None, {":value": value}, mark=mark, subject=subject)

    def close(self, incident: Incident, outcome: Outcome, reason: Reason, now: str) -> bool:
        """Record how an incident ended. False if that was recorded and announced before."""
        return close(self._table, *_keys(incident.application, incident.name), outcome, reason=to_dict(reason), now=now)

    def announced(self, incident: Incident) -> None:
        """Record that the outcome of an incident was announced; only then is it finished."""
        announced(self._table, *_keys(incident.application, incident.name))
        self._table.delete("OPEN", f"INCIDENT#{incident.name}")

    def rerun(self, incident: Incident) -> int:
        """Count one more execution started for an incident, and return its number."""
        return self._table.count(*_keys(incident.application, incident.name), "reruns")

    def leave(self, incident: Incident) -> None:
        """Record that an incident left something to a person."""
        self._table.put({"PK": _LEFT, "SK": f"{incident.application}#{incident.stage}#{incident.name}"})

    def left_no_more(self, incident: Incident) -> None:
        """Record that what an incident left to a person is done."""
        self._table.delete(_LEFT, f"{incident.application}#{incident.stage}#{incident.name}")

    def left(self, application: str | None = None, stage: str | None = None) -> list[tuple[str, str]]:
        """Return the incidents that left something to a person, in a stage or in any: application and name."""
        place = f"{application}#{stage}#" if application and stage else ""
        found = (str(item["SK"]).split("#") for item in self._table.query(_LEFT, place))
        return [(owner, name) for owner, _, name in found]

    def acknowledge(self, incident: Incident, answer: GivenAnswer) -> None:
        """Record who is working on an incident, replacing an earlier person."""
        self._update(incident, "SET acknowledged = :answer", "attribute_exists(PK)", {":answer": answer.to_dict()})

    def shut(self, incident: Incident, answer: GivenAnswer) -> GivenAnswer:
        """Record who reports that what an incident left is done; returns the first report, which is kept."""
        shut = self._update(
            incident,
            "SET closed = :answer",
            "attribute_exists(outcome) AND attribute_not_exists(closed)",
            {":answer": answer.to_dict()},
        )
        record = None if shut else self.get(incident.application, incident.name)
        return answer if record is None or record.closed is None else record.closed

    def watch(self, incident: Incident, stack_ids: Sequence[str], *, more: bool) -> None:
        """Remember an ended incident until its unstable stacks are stable; ``more`` if it left more than these."""
        known = {"details": incident.to_dict(), "stacks": [*stack_ids], "more": more}
        self._table.put({"PK": "UNHEALTHY", "SK": incident.name} | known)

    def watched_of(self, incident: Incident) -> WatchedIncident | None:
        """Return what an ended incident left unstable; None if it is stable again."""
        item = self._table.get("UNHEALTHY", incident.name)
        return None if item is None else _watched(item)

    def watched(self, faults: list[Exception] | None = None) -> list[WatchedIncident]:
        """Return the ended incidents that left unstable stacks; ``faults`` as for ``read_each``."""
        return read_each(self._table.query("UNHEALTHY"), _watched, faults)

    def watch_no_more(self, incident: Incident) -> None:
        """Forget an incident whose stacks are stable again."""
        self._table.delete("UNHEALTHY", incident.name)


def _open(item: Item) -> OpenIncident:
    return read(OpenIncident, {**item, **item["document"]}, "an open incident")


def _watched(item: Item) -> WatchedIncident:
    return WatchedIncident(Incident.from_dict(item["details"]), tuple(item["stacks"]), item.get("more", True))


def _keys(application: str, incident: str) -> tuple[str, str]:
    return f"APPLICATION#{application}", f"INCIDENT#{incident}"
