"""Whether what is deployed works: its alarms are watched for the bake time, its verify function is asked.

A verdict of the verify function is its answer; a function that fails, or answers anything else, has not answered. It is
asked again, and when it never answers the deployment counts as bad: nobody knows that it is good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from belay.documents import Document, read, written
from belay.policy.verdict import Report
from belay.release.origin import Origin
from belay.release.registration import Stage, Verify

METRIC = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"

MOST_ASKED = 3
"""How often in a row a verify function may fail to answer."""

VERIFY_FUNCTION = "verify function"

_LONGEST_REASON = 1_000


class Verified(StrEnum):
    """The verdict of a stage check, or of all of them together."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    REVIEW = "REVIEW"
    """It could not be decided, so it is never green by itself."""
    AGAIN = "AGAIN"
    """It is not over: look again."""


_GRAVITY = (Verified.FAIL, Verified.AGAIN, Verified.REVIEW)


class Occasion(StrEnum):
    """After what a stage is verified."""

    DEPLOYED = "DEPLOYED"
    ROLLED_BACK = "ROLLED_BACK"
    """What was red before is still red for a while: the end of the bake decides, only then the function is asked."""
    REVALIDATED = "REVALIDATED"


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
class DeployedStage:
    """What a stage check is asked about: what was deployed, to which stage, and the stacks as they stand.

    ``standing`` are the stacks' ids or names by the release's name of them, ``bucket`` is the artifact bucket. ``over``
    says whether the bake time has passed, so that what is bad now stays bad.
    """

    origin: Origin
    stage: Stage
    occasion: Occasion
    standing: Mapping[str, str]
    bucket: str
    today: date
    over: bool = True

    def question(self) -> dict[str, Any]:
        """What a verify function is given; ``plan`` points to the stage's plan in the artifact bucket."""
        return {
            "application": self.origin.application,
            "version": self.origin.name,
            "stage": self.stage.name,
            "occasion": self.occasion.value,
            "stacks": dict(self.standing),
            "plan": {"bucket": self.bucket, "key": self.origin.stage_key(self.stage.name, "plan.json")},
        }


@dataclass(frozen=True)
class Checked:
    """What a stage check found: its verdict, and why: each reason in words, or the ``report`` of policies.

    ``noted`` is what the check has to know when it looks again.
    """

    verdict: Verified
    reasons: tuple[str, ...] = ()
    noted: Mapping[str, Any] = field(default_factory=dict)
    report: Report | None = None


@dataclass(frozen=True)
class Verification:
    """How the checks of a stage stand, between two looks: since when, all together, and what each of them noted."""

    since: str
    verdict: Verified = Verified.AGAIN
    reason: str = ""
    noted: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Verification":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, "verification.json", _noted_by_checks)

    def over(self, verify: Verify, now: datetime) -> bool:
        """Whether the bake time has passed."""
        return now - datetime.fromisoformat(self.since) >= timedelta(minutes=verify.bake_minutes)

    def with_found(self, found: Mapping[str, Checked]) -> "Verification":
        """Take up what the checks found, by their names: the gravest verdict counts, with the reasons for it."""
        verdict = next((each for each in _GRAVITY if any(c.verdict is each for c in found.values())), Verified.PASS)
        reasons = [reason for each in found.values() if each.verdict is verdict for reason in each.reasons]
        noted = dict(self.noted) | {name: dict(each.noted) for name, each in found.items()}
        return Verification(self.since, verdict, "; ".join(reasons), noted)


def _noted_by_checks(document: Document) -> Document:
    """Belay 0.1 noted nothing but how the verify function was asked."""
    return {**document, "noted": {VERIFY_FUNCTION: {name: document[name] for name in ("asked", "unanswered")}}}


def alarms_checked(alarms: Sequence[AlarmSeen], occasion: Occasion, *, over: bool) -> Checked:
    """Tell from the alarms how a stage is. INSUFFICIENT_DATA is not red, as with rollback triggers."""
    missing = [alarm for alarm in alarms if alarm.state is None]
    red = [alarm for alarm in alarms if alarm.red]
    if missing or (red and (over or occasion is Occasion.DEPLOYED)):
        return Checked(Verified.FAIL, tuple(alarm.in_words() for alarm in (*missing, *red)))
    if not over:
        return Checked(Verified.AGAIN)
    return Checked(Verified.PASS, tuple(each.in_words() for each in alarms if each.state == "INSUFFICIENT_DATA"))


def answer_due(noted: Mapping[str, Any], deployed: DeployedStage) -> bool:
    """Whether the function is to be asked now: at the beginning, except after a rollback, and when the bake is over."""
    return deployed.over or (deployed.occasion is Occasion.DEPLOYED and not noted.get("asked"))


def answer_checked(answer: Answer, noted: Mapping[str, Any], *, over: bool) -> Checked:
    """Tell from what the verify function answered how a stage is."""
    if answer.verdict is Verified.FAIL:
        return Checked(Verified.FAIL, (f"the verify function says: {answer.reason or 'FAIL, without a reason'}",))
    if answer.verdict is Verified.PASS:
        return Checked(Verified.PASS if over else Verified.AGAIN, noted={"asked": True})
    unanswered = noted.get("unanswered", 0) + 1
    if unanswered < MOST_ASKED:
        return Checked(Verified.AGAIN, noted={**noted, "unanswered": unanswered})
    return Checked(Verified.FAIL, (f"the verify function gave no verdict, asked {unanswered} times: {answer.reason}",))


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
