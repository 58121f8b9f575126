"""The messages of each thread, as they were sent."""

import json
from typing import Final

from belay.aws.clock import kept_until
from belay.aws.dynamodb import Item
from belay.ledger.records import Records, is_current
from belay.notify.sent import SentMessage

MOST: Final = 100
"""How many messages of a thread are read: a stage's thread lasts as long as the stage."""


class MessageRecords(Records):
    """Items ``MESSAGE#`` of a thread. They are kept for ``HistoryDays``, as transitions are."""

    def keep(self, thread: str, sent: SentMessage) -> None:
        """Keep a message under its number; one that was sent twice is kept as it was first sent."""
        document = json.dumps(sent.document, ensure_ascii=False, separators=(",", ":"))
        self._table.update(
            f"THREAD#{thread}",
            f"MESSAGE#{sent.number:06}",
            "SET #at = :at, topic = :topic, #document = :document, expires = :expires",
            "attribute_not_exists(PK)",
            {":at": sent.at, ":topic": sent.topic, ":document": document, ":expires": kept_until(sent.at)},
            names={"#at": "at", "#document": "document"},
        )

    def of_thread(self, thread: str) -> list[SentMessage]:
        """Return the newest hundred messages of a thread, in the order of their numbers."""
        items = self._table.query(f"THREAD#{thread}", "MESSAGE#", newest=MOST)
        return [_sent(item) for item in reversed(items) if is_current(item)]


def _sent(item: Item) -> SentMessage:
    return SentMessage(item["at"], item["topic"], json.loads(item["document"]))
