"""AWS Lambda: Belay's own sweep, which a person may run on demand."""

import json
from collections.abc import Mapping
from typing import Any

from belay.aws.faults import translated


class SweepFunction:
    """The function. ``patient`` is the client that waits for its reads in other accounts."""

    def __init__(self, client: Any, patient: Any, name: str) -> None:
        self._client = client
        self._patient = patient
        self._name = name

    def start(self) -> None:
        """Run it, without waiting for its end."""
        with translated("Lambda.InvokeFunction"):
            self._client.invoke(FunctionName=self._name, InvocationType="Event", Payload=b"{}")

    def examine(self) -> Mapping[str, Any]:
        """Return its response about the places of stages elsewhere: ``spokes``, or its ``errorMessage``."""
        with translated("Lambda.InvokeFunction"):
            answer = self._patient.invoke(FunctionName=self._name, Payload=json.dumps({"examine": True}).encode())
            return dict(json.load(answer["Payload"]))
