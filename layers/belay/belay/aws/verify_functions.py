"""AWS Lambda: the functions that verify a stage."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ReadTimeoutError

from belay.aws.clients import PATIENT_SECONDS, Gateway
from belay.aws.faults import translated
from belay.documents import parsed
from belay.errors import UnreadableRecord
from belay.release.verification import FunctionAnswer, answer_of


class VerifyFunctions(Gateway):
    """The functions that operators registered."""

    def state(self, function: str) -> str | None:
        """Return a function's State (Active, Pending, Inactive, Failed), or None if it does not exist."""
        with translated("Lambda.GetFunctionConfiguration", ignoring=("ResourceNotFoundException",)):
            return str(self._client.get_function_configuration(FunctionName=function)["State"])
        return None

    def ask(self, function: str, asked: Mapping[str, Any]) -> FunctionAnswer:
        """Invoke a function and return its response, without a verdict if it fails or times out.

        Raises ``AccessDenied`` and other faults if it cannot be invoked at all: that is not a verdict on a deployment.
        """
        with translated("Lambda.Invoke"):
            try:
                answer = self._client.invoke(FunctionName=function, Payload=json.dumps(asked).encode())
                payload = answer["Payload"].read()
            except ReadTimeoutError:
                return FunctionAnswer(None, f"it did not answer within {PATIENT_SECONDS} seconds")
        try:
            document = parsed(payload, function)
        except UnreadableRecord:
            document = payload.decode(errors="replace")
        if answer.get("FunctionError"):
            failed = document if isinstance(document, Mapping) else {}
            return FunctionAnswer(None, f"it failed with {failed.get('errorType')}: {failed.get('errorMessage')}")
        return answer_of(document)
