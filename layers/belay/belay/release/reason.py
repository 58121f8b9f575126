"""Why something ended, in words, from what a state machine caught."""

import json
from typing import Any


def in_words(reason: Any) -> str:
    """Return the text for people in a Step Functions error output, a text, or nothing.

    A Lambda function's exception arrives as ``{"Error": name, "Cause": text}`` whose cause is a JSON document with
    ``errorMessage``
    (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html). Our own verdicts are told by
    their message alone; the name of anything else helps whoever looks for it.
    """
    if reason is None:
        return ""
    if not isinstance(reason, dict):
        return str(reason)
    error, cause = str(reason.get("Error", "")), str(reason.get("Cause", ""))
    message = _message(cause) or "no cause was given"
    return message if error in (*_OUR_VERDICTS, _A_PERSON_S) else f"{error}: {message}"


_OUR_VERDICTS = ("InvalidRelease", "InvalidRegistration", "UnreadableTemplate", "ReleaseSuperseded", "StackFailed")
_A_PERSON_S = "ApprovalDenied"
"""Sent with a person's answer, which says everything."""


def _message(cause: str) -> str:
    try:
        document = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(document, dict):
        return cause
    if "ExecutionArn" in document:
        return _execution_ended(document)
    return str(document.get("errorMessage", cause))


def _execution_ended(document: dict[str, Any]) -> str:
    """Say how an execution that was waited for ended: its description is the cause then."""
    ended = f"{document['ExecutionArn']} ended {document.get('Status', 'without a status')}"
    return f"{ended}: {in_words(document)}" if document.get("Error") else ended
