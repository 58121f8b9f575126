"""Takes CloudFormation's request about a fleet and starts the state machine that processes and answers it.

A deployment takes longer than a function may run. The execution's name is the request's id: a request that Lambda
delivers twice is processed once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import boto3
from custom_resource import BOUNDED, NOT_YET, CustomResource, NotYet, text


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Start; a request that cannot be started gets an immediate response."""

    def start(*_: Any) -> NotYet:
        machines = boto3.client("stepfunctions", config=BOUNDED)
        # The id is known from the beginning: by it the remains of a failed Create are found and deleted.
        request = {"PhysicalResourceId": text(event["ResourceProperties"], "Name"), **event}
        with suppress(machines.exceptions.ExecutionAlreadyExists):  # it has ended, so a response was sent
            machines.start_execution(
                stateMachineArn=os.environ["STATE_MACHINE_ARN"], name=event["RequestId"], input=json.dumps(request)
            )
        return NOT_YET

    CustomResource(start, start)(event, context)
