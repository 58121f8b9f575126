"""The questions of incidents, and people's decisions."""

from collections.abc import Sequence

from belay.aws.clock import kept_until
from belay.aws.dynamodb import Item
from belay.ledger.records import Records, announced, is_current
from belay.rollback.question import AskedQuestion


class DecisionRecords(Records):
    """Items ``DECISION#`` of an application."""

    def ask(
        self, application: str, incident: str, question: str, text: str, now: str, *, endangers: Sequence[str] = ()
    ) -> bool:
        """Record that an incident asks a question, for these resources. False if that was recorded before."""
        return self._table.update(
            *_keys(application, incident, question),
            "SET question = :question, #text = :text, asked_at = :now, endangers = :endangers",
            "attribute_not_exists(asked_at)",
            {":question": question, ":text": text, ":now": now, ":endangers": [*endangers]},
            names={"#text": "text"},
        )

    def announced(self, application: str, incident: str, question: str) -> None:
        """Record that a question was announced; only then is its answer waited for."""
        announced(self._table, *_keys(application, incident, question))

    def decide(
        self, application: str, incident: str, question: str, *, approved: bool, by: str, at: str, comment: str = ""
    ) -> bool:
        """Record a person's answer with their ARN. False if there already is one: the first answer counts."""
        return self._table.update(
            *_keys(application, incident, question),
            "SET question = :question, answer = :answer, #by = :by, #at = :at, #comment = :comment",
            "attribute_not_exists(answer)",
            {
                ":question": question,
                ":answer": "approved" if approved else "denied",
                ":by": by,
                ":at": at,
                ":comment": comment,
            },
            names={"#by": "by", "#at": "at", "#comment": "comment"},
        )

    def close(self, application: str, incident: str, now: str) -> None:
        """Let the questions of an ended incident expire."""
        for question in self.of_incident(application, incident):
            self._table.update(
                *_keys(application, incident, question), "SET expires = :expires", None, {":expires": kept_until(now)}
            )

    def get(self, application: str, incident: str, question: str) -> AskedQuestion | None:
        """Return a question of an incident with its answer, if any; None if it was never asked."""
        item = self._table.get(*_keys(application, incident, question))
        return None if item is None or not is_current(item) else _question(item)

    def of_incident(self, application: str, incident: str) -> dict[str, AskedQuestion]:
        """Return every question of an incident, by its name."""
        items = self._table.query(*_keys(application, incident, ""))
        return {item["question"]: _question(item) for item in items if is_current(item)}


def _keys(application: str, incident: str, question: str) -> tuple[str, str]:
    return f"APPLICATION#{application}", f"DECISION#{incident}#{question}"


def _question(item: Item) -> AskedQuestion:
    return AskedQuestion(
        name=item["question"],
        text=item.get("text", ""),
        asked_at=item.get("asked_at", ""),
        announced=item.get("announced", False),
        approved=item["answer"] == "approved" if "answer" in item else None,
        by=item.get("by"),
        at=item.get("at"),
        comment=item.get("comment"),
        endangers=frozenset(item.get("endangers", ())),
    )
