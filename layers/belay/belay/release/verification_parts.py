"""The parts of a stage's verification, from what is registered: how a rollback plan names and shows each of them."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from belay.release.registration import Stage
from belay.release.verification import ALARMS, VERIFY_FUNCTION

_CLOUDWATCH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"


@dataclass(frozen=True)
class VerificationPart:
    """A part of a stage's verification, as people see it.

    - ``call`` is its service and operation in botocore's names, with ``parameters``; ``source`` is its AWS page.
    - ``passes`` continues "verify that".
    - ``look`` is the command that shows its state, if there is one.
    """

    in_words: str
    call: tuple[str, str]
    parameters: Mapping[str, Any]
    source: str
    passes: str
    risk: str
    look: str | None = None


def verification_parts(stage: Stage) -> tuple[VerificationPart, ...]:
    """Return the registered parts of a stage's verification, in the order of its checks."""
    found = (part(stage) for part in PARTS.values())
    return tuple(part for part in found if part is not None)


def _alarms(stage: Stage) -> VerificationPart | None:
    if not stage.alarms:
        return None
    minutes = stage.verify.bake_minutes
    bake = f" for {minutes:g} {'minute' if minutes == 1 else 'minutes'}" if minutes else ""
    return VerificationPart(
        in_words=f"the alarms {', '.join(stage.alarms)}{bake}",
        call=("cloudwatch", "DescribeAlarms"),
        parameters={"AlarmNames": list(stage.alarms)},
        source=_CLOUDWATCH,
        passes="no alarm is in ALARM at the end",
        risk="none but time",
        look=f"aws cloudwatch describe-alarms --alarm-names {' '.join(map(shlex.quote, stage.alarms))}",
    )


def _verify_function(stage: Stage) -> VerificationPart | None:
    if stage.verify.function is None:
        return None
    return VerificationPart(
        in_words=f"the verify function {stage.verify.function}",
        call=("lambda", "Invoke"),
        parameters={"FunctionName": stage.verify.function},
        source=_LAMBDA,
        passes="the verify function passes",
        risk="none but what the verify function does itself",
    )


PARTS: Mapping[str, Callable[[Stage], VerificationPart | None]] = {ALARMS: _alarms, VERIFY_FUNCTION: _verify_function}
"""By the name of the stage check; None where nothing is registered for it."""
