"""Whether a deployment works: its alarms are watched for the bake time, its verify function is invoked.

The verify function must return a verdict; if it fails or returns anything else, it is invoked again, and if it never
returns one the deployment counts as bad: there is no evidence that it is good.
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
"""How many times in a row a verify function may fail to return a verdict."""

ALARMS = "alarms"
VERIFY_FUNCTION = "verify function"

_LONGEST_REASON = 1_000


class Verified(StrEnum):
    """The verdict of a stage check, or of all of them together."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    REVIEW = "REVIEW"
    """Undecided, so it never passes without a person."""
    AGAIN = "AGAIN"
    """Not finished: check again."""


_GRAVITY = (Verified.FAIL, Verified.AGAIN, Verified.REVIEW)


class Occasion(StrEnum):
    """What a verification follows."""

    DEPLOYED = "DEPLOYED"
    ROLLED_BACK = "ROLLED_BACK"
    """Alarms stay in ALARM for a while: only the end of the bake time decides, and only then is the function
    invoked.
    """
    REVALIDATED = "REVALIDATED"


@dataclass(frozen=True)
class AlarmSeen:
    """A registered alarm: ``state`` is OK, ALARM or INSUFFICIENT_DATA, and None if there is no such alarm."""

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
        """Its problem, or its description."""
        if self.state is None:
            return f"the alarm {self.name} does not exist, so nothing watches what it should"
        return f"the alarm {self.name} is in {self.state}" + (f" ({_one_line(self.reason)})" if self.reason else "")


@dataclass(frozen=True)
class FunctionAnswer:
    """What a verify function returned: ``verdict`` is PASS or FAIL, and None if it returned no verdict."""

    verdict: Verified | None
    reason: str = ""


@dataclass(frozen=True)
class DeployedStage:
    """A stage check's input: what was deployed, to which stage, and the current stacks.

    ``standing`` maps the release's stack names to ids or names, ``bucket`` is the artifact bucket. ``over`` says
    whether the bake time has passed, so that a failure now is final.
    """

    origin: Origin
    stage: Stage
    occasion: Occasion
    standing: Mapping[str, str]
    bucket: str
    today: date
    over: bool = True

    def question(self) -> dict[str, Any]:
        """The verify function's event; ``plan`` points to the stage's plan in the artifact bucket."""
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
    """What a stage check found: its verdict, with the reasons in words, or the policies' ``report``.

    ``noted`` is the state that the check needs the next time.
    """

    verdict: Verified
    reasons: tuple[str, ...] = ()
    noted: Mapping[str, Any] = field(default_factory=dict)
    report: Report | None = None


@dataclass(frozen=True)
class Verification:
    """The state of a stage's checks between two runs: the start, the overall verdict, and each check's own state."""

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
        """Add what the checks found, by name: the worst verdict counts, with its reasons."""
        verdict = next((each for each in _GRAVITY if any(c.verdict is each for c in found.values())), Verified.PASS)
        reasons = [reason for each in found.values() if each.verdict is verdict for reason in each.reasons]
        noted = dict(self.noted) | {name: dict(each.noted) for name, each in found.items()}
        return Verification(self.since, verdict, "; ".join(reasons), noted)


def _noted_by_checks(document: Document) -> Document:
    """Belay 0.1 stored only the state of the verify function."""
    return {**document, "noted": {VERIFY_FUNCTION: {name: document[name] for name in ("asked", "unanswered")}}}


def alarms_checked(alarms: Sequence[AlarmSeen], occasion: Occasion, *, over: bool) -> Checked:
    """Decide a stage's verdict from its alarms. INSUFFICIENT_DATA does not fail it, as with rollback triggers."""
    missing = [alarm for alarm in alarms if alarm.state is None]
    red = [alarm for alarm in alarms if alarm.red]
    if missing or (red and (over or occasion is Occasion.DEPLOYED)):
        return Checked(Verified.FAIL, tuple(alarm.in_words() for alarm in (*missing, *red)))
    if not over:
        return Checked(Verified.AGAIN)
    return Checked(Verified.PASS, tuple(each.in_words() for each in alarms if each.state == "INSUFFICIENT_DATA"))


def answer_due(noted: Mapping[str, Any], deployed: DeployedStage) -> bool:
    """Whether to invoke the function now: at the beginning, except after a rollback, and after the bake time."""
    return deployed.over or (deployed.occasion is Occasion.DEPLOYED and not noted.get("asked"))


def answer_checked(answer: FunctionAnswer, noted: Mapping[str, Any], *, over: bool) -> Checked:
    """Decide a stage's verdict from what the verify function returned."""
    if answer.verdict is Verified.FAIL:
        return Checked(Verified.FAIL, (f"the verify function says: {answer.reason or 'FAIL, without a reason'}",))
    if answer.verdict is Verified.PASS:
        return Checked(Verified.PASS if over else Verified.AGAIN, noted={"asked": True})
    unanswered = noted.get("unanswered", 0) + 1
    if unanswered < MOST_ASKED:
        return Checked(Verified.AGAIN, noted={**noted, "unanswered": unanswered})
    return Checked(Verified.FAIL, (f"the verify function gave no verdict, asked {unanswered} times: {answer.reason}",))


def answer_of(payload: object) -> FunctionAnswer:
    """Read what a verify function returned. Anything but a verdict with an optional reason is invalid."""
    if isinstance(payload, Mapping) and payload.get("verdict") in (Verified.PASS, Verified.FAIL):
        reason = payload.get("reason")
        return FunctionAnswer(Verified(payload["verdict"]), _one_line(reason) if isinstance(reason, str) else "")
    return FunctionAnswer(None, f"expected a verdict of PASS or FAIL, found {_one_line(str(payload)) or 'nothing'}")


def rollback_triggers(alarms: Sequence[AlarmSeen], monitoring_minutes: int) -> dict[str, Any]:
    """CreateChangeSet's RollbackConfiguration: only existing alarms, since a missing one fails the operation.

    The list replaces the stack's earlier one, even if it is empty; without triggers a monitoring time would only delay
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackConfiguration.html).
    """
    triggers = [{"Arn": alarm.arn, "Type": alarm.kind} for alarm in alarms if alarm.state is not None]
    return {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": monitoring_minutes if triggers else 0}


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."
