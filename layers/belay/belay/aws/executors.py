"""AWS Lambda: the functions that operators registered to change databases (docs/database-executors.md)."""

import json
from typing import Any

from belay.aws.clients import Gateway
from belay.aws.faults import translated
from belay.database.executor import Begin, Look, OperationAnswer, read_answer, written
from belay.documents import parsed
from belay.errors import ExecutorFailed, UnknownSchema, UnreadableRecord


class Executors(Gateway):
    """The executors of databases.

    Calls are idempotent, as each token begins one operation, so the client retries them.
    """

    def begin(self, function: str, asked: Begin) -> OperationAnswer:
        """Begin an operation, or return its progress by its token; ``function`` is an ARN, possibly qualified.

        Raises ``ExecutorFailed`` if the function failed or its response violates the protocol, and AWS's faults.
        """
        return self._ask(function, written(asked))

    def look(self, function: str, asked: Look) -> OperationAnswer:
        """Return an operation's progress. Raises as ``begin`` does."""
        return self._ask(function, written(asked))

    def _ask(self, function: str, asked: dict[str, Any]) -> OperationAnswer:
        with translated("Lambda.Invoke"):
            answer = self._client.invoke(FunctionName=function, Payload=json.dumps(asked).encode())
            payload = answer["Payload"].read()
        try:
            document = parsed(payload, "its answer")
        except UnreadableRecord as error:
            raise ExecutorFailed(function, str(error)) from error
        if answer.get("FunctionError"):
            failed = document if isinstance(document, dict) else {}
            raise ExecutorFailed(function, f"{failed.get('errorType')}: {failed.get('errorMessage')}")
        try:
            return read_answer(document)
        except (UnreadableRecord, UnknownSchema) as error:
            raise ExecutorFailed(function, str(error)) from error
