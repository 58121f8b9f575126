"""The last part of a rollback plan: verifying that the stage works again."""

import shlex
from typing import Any

from belay.release.left_to_do import Choice, LeftToDo
from belay.release.verification import Verified
from belay.rollback.plan import Action, Kind, Risk, Step, Todo
from belay.rollback.situation import Situation, VerificationSeen

_CLOUDWATCH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"


def plan_verification(situation: Situation) -> tuple[Todo, ...]:
    """Plan how the stage is verified, once everything in it is recovered.

    A release that changed nothing left nothing to verify; an ephemeral stage is deleted. What still fails after the
    rollback was not caused by the release, or not undone with it: a person must decide which.
    """
    seen = situation.verification
    disturbed = any(stack.changed_by_release for stack in situation.stacks) and not situation.ephemeral
    if seen is None or not disturbed or seen.verdict is Verified.PASS:
        return ()
    if seen.blocked:
        why = f"the release was rolled back, and it is not known whether the stage works: {seen.blocked.rstrip('.')}."
        return (_left(seen, situation, "check that the stage works", why),)
    if seen.verdict is not Verified.AGAIN:
        why = f"the release was rolled back, and the stage still fails: {seen.reason.rstrip('.')}."
        return (_left(seen, situation, "find out what is wrong with the stage", why),)
    return (_verify(seen, situation),)


def _left(seen: VerificationSeen, situation: Situation, what: str, why: str) -> LeftToDo:
    ways = (
        Choice("fix what is outside of the stacks", "nothing is lost: they are as before the release"),
        Choice("release a version that fixes it", "nothing is lost"),
    )
    return LeftToDo(situation.stage, what, why, _look(seen), choices=ways)


def _verify(seen: VerificationSeen, situation: Situation) -> Step:
    asks = f"the verify function {seen.function}" if seen.function else ""
    bake = f" for {seen.bake_minutes:g} minutes" if seen.bake_minutes else ""
    watches = f"the alarms {', '.join(seen.alarms)}{bake}" if seen.alarms else ""
    call, source = (("lambda", "Invoke"), _LAMBDA) if seen.function else (("cloudwatch", "DescribeAlarms"), _CLOUDWATCH)
    parameters: dict[str, Any] = {"FunctionName": seen.function} if seen.function else {"AlarmNames": list(seen.alarms)}
    return Step(
        action=Action.VERIFY,
        kind=Kind.STAGE,
        subject=situation.stage,
        subject_id=situation.stage,
        call=call,
        parameters=parameters,
        why=f"verify that the stage works: {' and '.join(filter(None, (watches, asks)))}",
        legal_because=f"it changes nothing of the stage, and may be done at any time; {source}",
        risk=Risk.NONE,
        risk_in_words="none but what the verify function does itself" if seen.function else "none but time",
        expected=(Verified.PASS.value,),
        checked_afterwards="that no alarm is red at the end and that the verify function passes",
        estimate_seconds=int(seen.bake_minutes * 60),
    )


def _look(seen: VerificationSeen) -> str | None:
    if not seen.alarms:
        return None
    return f"aws cloudwatch describe-alarms --alarm-names {' '.join(shlex.quote(name) for name in seen.alarms)}"
