"""The one place where boto3 clients are made: when first needed, and once a process."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# Together less than the minute that most functions may run: a function that dies waiting says nothing.
_CONFIG = Config(connect_timeout=3, read_timeout=14, retries={"mode": "standard", "total_max_attempts": 3})

PATIENT_SECONDS = 240
"""How long a patient client waits for an answer; less than the five minutes of the functions that have one."""


@cache
def client(service: str, region: str | None = None) -> Any:
    """Return the process's client of ``service`` (boto3's name, such as ``cloudformation``).

    It talks to the region that the process runs in, or to the one that is named. Retries are botocore's standard mode;
    what is left after them the gateways raise as ``Throttled`` or ``ServiceUnavailable`` for the state machine to retry
    with longer waits.
    """
    return boto3.client(service, region_name=region, config=_CONFIG)  # type: ignore[call-overload]


_PATIENT = Config(
    connect_timeout=3, read_timeout=PATIENT_SECONDS, retries={"mode": "standard", "total_max_attempts": 1}
)


@cache
def patient_client(service: str) -> Any:
    """Return a client for calls that answer when they are done: each may take ``PATIENT_SECONDS``, and is made once.

    Such are an operator's function, and the comparison of a resource with its template.
    """
    return boto3.client(service, config=_PATIENT)  # type: ignore[call-overload]


def client_with(service: str, access_key_id: str, secret_access_key: str, session_token: str) -> Any:
    """Return a client that uses somebody else's credentials, such as those of a pipeline's job; never kept."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        config=_CONFIG,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        aws_session_token=session_token,
    )
