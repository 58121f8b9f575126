"""The person on call in the demo, who answers a recovery's questions and takes one of a message's choices."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.credentials import Credentials

from belay.aws.function_url import post_signed
from local.engine import REGION

_ACCEPTED = 200
_COMMENTS = {
    "approve": "the snapshot is minutes old",
    "reject": "not without the database: first I look why it cannot be changed",
}


class Person:
    """A person with their own credentials, who answers every question once."""

    def __init__(self, iam: Any, ledger: Any, outputs: Mapping[str, str], name: str) -> None:
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self._credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        self._ledger = ledger
        self._outputs = outputs
        self.name = name

    def answer(self, application: str, decision: str) -> list[str]:
        """Approve or reject the application's open questions, and return their texts."""
        answered = []
        for incident, question, text in self._asked(application):
            document = {
                "decision": decision,
                "application": application,
                "incident": incident,
                "question": question,
                "comment": _COMMENTS[decision],
            }
            status, _ = post_signed(self._outputs["DecisionUrl"], document, self._credentials, REGION)
            if status == _ACCEPTED:
                answered.append(text)
        return answered

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


def paste(command: str, environment: Mapping[str, str]) -> str:
    """Run a command from a message, as if pasted into a shell; return its output.

    Raises ``subprocess.CalledProcessError``.
    """
    program, *words = shlex.split(command)
    installed = [sys.executable, str(Path(sys.executable).with_name(program))]
    told = subprocess.run(
        [*installed, *words], env={**os.environ, **environment}, check=True, capture_output=True, text=True
    )
    return told.stdout
