"""The last part of a rollback plan: verifying that the stage works again."""

from belay.release.left_to_do import Choice, LeftToDo
from belay.release.verification import Verified
from belay.rollback.plan import Action, Kind, Risk, Step, Todo
from belay.rollback.situation import Situation, VerificationSeen


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
        fails = "the stage still fails" if seen.verdict is Verified.FAIL else "it is undecided whether the stage works"
        why = f"the release was rolled back, and {fails}: {seen.reason.rstrip('.')}."
        return (_left(seen, situation, "find out what is wrong with the stage", why),)
    return (_verify(seen, situation),)


def _left(seen: VerificationSeen, situation: Situation, what: str, why: str) -> LeftToDo:
    ways = (
        Choice("fix what is outside of the stacks", "nothing is lost: they are as before the release"),
        Choice("release a version that fixes it", "nothing is lost"),
    )
    look = next((part.look for part in seen.parts if part.look), None)
    return LeftToDo(situation.stage, what, why, look, choices=ways)


def _verify(seen: VerificationSeen, situation: Situation) -> Step:
    *_, last = seen.parts
    return Step(
        action=Action.VERIFY,
        kind=Kind.STAGE,
        subject=situation.stage,
        subject_id=situation.stage,
        call=last.call,
        parameters=last.parameters,
        why=f"verify that the stage works: {' and '.join(part.in_words for part in seen.parts)}",
        legal_because=f"it changes nothing of the stage, and may be done at any time; {last.source}",
        risk=Risk.NONE,
        risk_in_words=last.risk,
        expected=(Verified.PASS.value,),
        checked_afterwards=" and ".join(f"that {part.passes}" for part in seen.parts),
        estimate_seconds=int(seen.bake_minutes * 60),
    )
