"""The person on call in the demo, who answers a recovery's questions with signed requests, as the command does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.credentials import Credentials

from cli.function_url import post_signed
from local.engine import REGION

_ACCEPTED = 200


class Person:
    """A person with their own credentials, who answers every question once."""

    def __init__(self, iam: Any, ledger: Any, outputs: Mapping[str, str], name: str) -> None:
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self._credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        self._ledger = ledger
        self._outputs = outputs
        self.name = name

    def approve(self, application: str) -> list[str]:
        """Approve the application's open questions, and return their texts."""
        approved = []
        for incident, question, text in self._asked(application):
            document = {
                "decision": "approve",
                "application": application,
                "incident": incident,
                "question": question,
                "comment": "the snapshot is minutes old",
            }
            status, _ = post_signed(self._outputs["DecisionUrl"], document, self._credentials, REGION)
            if status == _ACCEPTED:
                approved.append(text)
        return approved

    def _asked(self, application: str) -> Iterator[tuple[str, str, str]]:
        """Yield the unanswered questions: incident, name and text."""
        found = self._ledger.query(
            TableName=self._outputs["LedgerTableName"],
            KeyConditionExpression="PK = :pk AND begins_with(SK, :prefix)",
            ExpressionAttributeValues={":pk": {"S": f"APPLICATION#{application}"}, ":prefix": {"S": "DECISION#"}},
        )["Items"]
        for item in found:
            if "announced" in item and "answer" not in item:
                _, incident, question = item["SK"]["S"].split("#", 2)
                yield incident, question, item["text"]["S"]
