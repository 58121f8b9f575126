"""What an incident asks of people, and what they decided."""

from belay.aws.dynamodb import Item, Table
from belay.ledger.ends import announced


class DecisionRecords:
    """Items ``DECISION#`` of an application."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def ask(self, application: str, incident: str, question: str, text: str, now: str) -> bool:
        """Note that a question of an incident is put to people. False where that was noted before."""
        return self._table.update(
            f"APPLICATION#{application}",
            f"DECISION#{incident}#{question}",
            "SET question = :question, #text = :text, asked_at = :now",
            "attribute_not_exists(asked_at)",
            {":question": question, ":text": text, ":now": now},
            names={"#text": "text"},
        )

    def announced(self, application: str, incident: str, question: str) -> None:
        """Record that people were told of a question; only then is an answer waited for."""
        announced(self._table, f"APPLICATION#{application}", f"DECISION#{incident}#{question}")

    def decide(  # noqa: PLR0917 - all are parts of one item
        self, application: str, incident: str, question: str, answer: str, by: str, at: str, comment: str = ""
    ) -> bool:
        """Record a person's answer: ``approved`` or ``denied``, and whose it is (an ARN). The first one stands."""
        return self._table.update(
            f"APPLICATION#{application}",
            f"DECISION#{incident}#{question}",
            "SET question = :question, answer = :answer, #by = :by, #at = :at, #comment = :comment",
            "attribute_not_exists(answer)",
            {":question": question, ":answer": answer, ":by": by, ":at": at, ":comment": comment},
            names={"#by": "by", "#at": "at", "#comment": "comment"},
        )

    def get(self, application: str, incident: str, question: str) -> Item | None:
        """Return a question of an incident with its answer, where one was given; None where it was not even put."""
        return self._table.get(f"APPLICATION#{application}", f"DECISION#{incident}#{question}")

    def of_incident(self, application: str, incident: str) -> dict[str, Item]:
        """Return every question of an incident, by question."""
        items = self._table.query(f"APPLICATION#{application}", f"DECISION#{incident}#")
        return {str(item["question"]): item for item in items}
