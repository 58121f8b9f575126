"""The clients of gateways: their timeouts and retries."""

from typing import Any

from botocore.config import Config

# Together less than the minute that most functions may run: a function that times out reports nothing.
ORDINARY = Config(connect_timeout=3, read_timeout=14, retries={"mode": "standard", "total_max_attempts": 3})

PATIENT_SECONDS = 240
"""How long a patient client waits for a response; less than the five minutes of the functions that have one."""

PATIENT = Config(connect_timeout=3, read_timeout=PATIENT_SECONDS, retries={"mode": "standard", "total_max_attempts": 1})
"""For calls that return when they are done, such as an operator's function: never retried."""


class Gateway:
    """One service's operations, through one boto3 client."""

    def __init__(self, client: Any) -> None:
        self._client = client
