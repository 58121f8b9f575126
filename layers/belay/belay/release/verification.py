"""Whether what is deployed works: its alarms are watched for the bake time, its verify function is asked.

A verdict of the verify function is its answer; a function that fails, or answers anything else, has not answered. It is
asked again, and when it never answers the deployment counts as bad: nobody knows that it is good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from belay.documents import read, written
from belay.release.origin import Origin
from belay.release.registration import Verify

METRIC = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"

MOST_ASKED = 3
"""How often in a row a verify function may fail to answer."""

_LONGEST_REASON = 1_000


class Verified(StrEnum):
    """How a verification stands."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    AGAIN = "AGAIN"
    """It is not over: look again."""


class Occasion(StrEnum):
    """After what a stage is verified."""

    DEPLOYED = "DEPLOYED"
    ROLLED_BACK = "ROLLED_BACK"
    """What was red before is still red for a while: the end of the bake decides, only then the function is asked."""


@dataclass(frozen=True)
class AlarmSeen:
    """A registered alarm: ``state`` is OK, ALARM or INSUFFICIENT_DATA, and None where there is no such alarm."""

    name: str
    state: str | None
    reason: str = ""
    arn: str = ""
    kind: str = METRIC

    @property
    def red(self) -> bool:
        """Whether it is in ALARM."""
        return self.state == "ALARM"

    def in_words(self) -> str:
        """What is wrong with it, or what it is."""
        if self.state is None:
            return f"the alarm {self.name} does not exist, so nothing watches what it should"
        return f"the alarm {self.name} is in {self.state}" + (f" ({_one_line(self.reason)})" if self.reason else "")


@dataclass(frozen=True)
class Answer:
    """What a verify function answered: ``verdict`` is PASS or FAIL, and None where that is no answer."""

    verdict: Verified | None
    reason: str = ""


@dataclass(frozen=True)
class Verification:
    """A verification between two looks: when it began, whether the function passed it yet, how often it failed to
    answer in a row, and how all that stands."""

    since: str
    asked: bool = False
    unanswered: int = 0
    verdict: Verified = Verified.AGAIN
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Verification":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, "verification.json")

    def over(self, verify: Verify, now: datetime) -> bool:
        """Whether the bake time has passed."""
        return now - datetime.fromisoformat(self.since) >= timedelta(minutes=verify.bake_minutes)

    def with_alarms(self, alarms: Sequence[AlarmSeen], occasion: Occasion, *, over: bool) -> "Verification":
        """Hold the alarms as they are now against it. INSUFFICIENT_DATA is not red, as with rollback triggers."""
        missing = [alarm for alarm in alarms if alarm.state is None]
        red = [alarm for alarm in alarms if alarm.red]
        if missing or (red and (over or occasion is Occasion.DEPLOYED)):
            return self._ended(Verified.FAIL, "; ".join(alarm.in_words() for alarm in (*missing, *red)))
        if not over:
            return self
        silent = [alarm.in_words() for alarm in alarms if alarm.state == "INSUFFICIENT_DATA"]
        return self._ended(Verified.PASS, "; ".join(silent))

    def due(self, verify: Verify, occasion: Occasion, *, over: bool) -> bool:
        """Whether the function is to be asked now: at the beginning, except after a rollback, and when it is over."""
        if verify.function is None or self.verdict is Verified.FAIL:
            return False
        return over or (occasion is Occasion.DEPLOYED and not self.asked)

    def with_answer(self, answer: Answer) -> "Verification":
        """Take up what the verify function answered."""
        if answer.verdict is Verified.FAIL:
            return self._ended(Verified.FAIL, f"the verify function says: {answer.reason or 'FAIL, without a reason'}")
        if answer.verdict is Verified.PASS:
            return replace(self, asked=True, unanswered=0)
        unanswered = self.unanswered + 1
        if unanswered < MOST_ASKED:
            return replace(self, unanswered=unanswered, verdict=Verified.AGAIN)
        why = f"the verify function gave no verdict, asked {unanswered} times: {answer.reason}"
        return replace(self._ended(Verified.FAIL, why), unanswered=unanswered)

    def _ended(self, verdict: Verified, reason: str) -> "Verification":
        return replace(self, verdict=verdict, reason=reason)


def question(origin: Origin, stage: str, occasion: Occasion, stacks: Mapping[str, str], bucket: str) -> dict[str, Any]:
    """What a verify function is given: the release, the stage, the stacks by their registered names, and a pointer to
    the stage's plan in the artifact bucket."""
    return {
        "application": origin.application,
        "version": origin.name,
        "stage": stage,
        "occasion": occasion.value,
        "stacks": dict(stacks),
        "plan": {"bucket": bucket, "key": origin.stage_key(stage, "plan.json")},
    }


def answer_of(payload: object) -> Answer:
    """Read what a verify function returned. Anything but a verdict with, perhaps, a reason is no answer."""
    if isinstance(payload, Mapping) and payload.get("verdict") in (Verified.PASS, Verified.FAIL):
        reason = payload.get("reason")
        return Answer(Verified(payload["verdict"]), _one_line(reason) if isinstance(reason, str) else "")
    return Answer(None, f"expected a verdict of PASS or FAIL, found {_one_line(str(payload)) or 'nothing'}")


def rollback_triggers(alarms: Sequence[AlarmSeen], monitoring_minutes: int) -> dict[str, Any]:
    """CreateChangeSet's RollbackConfiguration: the alarms that exist, since one that does not fails the operation.

    The list replaces what the stack had, also where it is empty; without triggers a monitoring time would only delay
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackConfiguration.html).
    """
    triggers = [{"Arn": alarm.arn, "Type": alarm.kind} for alarm in alarms if alarm.state is not None]
    return {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": monitoring_minutes if triggers else 0}


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."
