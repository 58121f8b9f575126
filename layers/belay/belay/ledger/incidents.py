"""Each incident: what was tried, what was found, how it ended, and what it left to a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from belay.aws.dynamodb import Item, Table
from belay.ledger.ends import announced, close, opened
from belay.release.records import Outcome


class IncidentRecords:
    """Items ``INCIDENT#`` and ``DURATION#`` of an application, and ``UNHEALTHY``."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def open(self, application: str, incident: str, details: Mapping[str, Any], now: str) -> bool:
        """Open an incident. False where it is known already: whoever opened it recovers."""
        return self._table.transact(
            self._table.change(
                f"APPLICATION#{application}",
                f"INCIDENT#{incident}",
                "SET application = :application, incident = :incident, details = :details, opened_at = :now, "
                "tried = :tried, blocked = :blocked, settled = :settled, noted = :noted",
                "attribute_not_exists(PK)",
                {
                    ":application": application,
                    ":incident": incident,
                    ":details": dict(details),
                    ":now": now,
                    ":tried": [],
                    ":blocked": {},
                    ":settled": {},
                    ":noted": {},
                },
            ),
            opened(self._table, f"INCIDENT#{incident}", {"application": application, "incident": incident}, ""),
        )

    def get(self, application: str, incident: str) -> Item | None:
        """Return an incident's record."""
        return self._table.get(f"APPLICATION#{application}", f"INCIDENT#{incident}")

    def record_step(self, application: str, incident: str, step: Mapping[str, Any], number: int, now: str) -> None:
        """Note, before the call, that a recovery's step of this number is tried; a rerun of it is noted once."""
        self._table.update(
            f"APPLICATION#{application}",
            f"INCIDENT#{incident}",
            "SET tried = list_append(tried, :step)",
            "size(tried) = :number",
            {":step": [{**step, "at": now}], ":number": number},
        )

    def end_step(self, application: str, incident: str, number: int, seconds: int) -> bool:
        """Note how long a recovery's step took. False where that was noted before."""
        return self._table.update(
            f"APPLICATION#{application}",
            f"INCIDENT#{incident}",
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
        """Return the execution that recovers an open incident, empty before one was started; None where it ended."""
        item = self._table.get("OPEN", f"INCIDENT#{incident}")
        return None if item is None else str(item["execution"])

    def follow(self, incident: str, execution: str) -> None:
        """Note which execution recovers an open incident."""
        self._table.update(
            "OPEN",
            f"INCIDENT#{incident}",
            "SET execution = :execution",
            "attribute_exists(PK)",
            {":execution": execution},
        )

    def mark(self, application: str, incident: str, mark: str, subject: str, value: Any) -> None:
        """Note what was found about one subject: why it is ``settled`` or ``blocked``, or other facts ``noted``."""
        self._table.update(
            f"APPLICATION#{application}",
            f"INCIDENT#{incident}",
            "SET #mark.#subject = :value",
            None,
            {":value": value},
            names={"#mark": mark, "#subject": subject},
        )

    def close(self, application: str, incident: str, outcome: Outcome, reason: str, now: str) -> bool:
        """Record how an incident ended. False where that was recorded and announced before."""
        return close(self._table, f"APPLICATION#{application}", f"INCIDENT#{incident}", outcome, reason=reason, now=now)

    def announced(self, application: str, incident: str) -> None:
        """Record that the end of an incident was told; only then is there nothing left to see to."""
        announced(self._table, f"APPLICATION#{application}", f"INCIDENT#{incident}")
        self._table.delete("OPEN", f"INCIDENT#{incident}")

    def rerun(self, application: str, incident: str) -> int:
        """Count one more execution started for an incident, and return its number."""
        return self._table.count(f"APPLICATION#{application}", f"INCIDENT#{incident}", "reruns")

    def watch(self, incident: str, details: Mapping[str, Any], stack_ids: Sequence[str]) -> None:
        """Remember an ended incident until its unstable stacks are stable again."""
        self._table.put({"PK": "UNHEALTHY", "SK": incident, "details": dict(details), "stacks": [*stack_ids]})

    def watched(self) -> list[Item]:
        """Return the ended incidents that left unstable stacks: their ``details`` and ``stacks``."""
        return self._table.query("UNHEALTHY")

    def watch_no_more(self, incident: str) -> None:
        """Forget an incident whose stacks are stable again."""
        self._table.delete("UNHEALTHY", incident)
