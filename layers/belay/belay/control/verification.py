"""Verifying a stage with its checks, after a deployment and after a rollback."""

from dataclasses import replace

from belay.aws.clock import now, timestamp
from belay.aws.cloudwatch import Alarms
from belay.aws.verify_functions import VerifyFunctions
from belay.control.checks.alarms import AlarmsCheck
from belay.control.checks.verify_function import VerifyFunctionCheck
from belay.control.recovery import Recovery
from belay.control.stage_checks import look, verification
from belay.release.registration import Stage
from belay.release.verification import DeployedStage, Occasion, Verification, Verified
from belay.release.verification_parts import verification_parts
from belay.rollback.noted import Noted
from belay.rollback.plan import Step
from belay.rollback.situation import VerificationSeen
from belay.stack.plan import StagePlan


class StageVerification:
    """Runs a verification step by step."""

    def __init__(self, alarms: Alarms, functions: VerifyFunctions) -> None:
        self._alarms = AlarmsCheck(alarms)
        self._verify_function = VerifyFunctionCheck(functions)

    def look(self, earlier: Verification | None, deployed: DeployedStage) -> Verification:
        """Run the checks once; ``earlier`` is the result of the last run."""
        standing = earlier or Verification(since=timestamp())
        now_over = replace(deployed, over=standing.over(deployed.stage.verify, now()))
        standing, _ = look(verification(self._alarms, self._verify_function), now_over, standing)
        return standing


class RecoveredStage:
    """Verifies a stage whose release was rolled back: the last step of a rollback."""

    def __init__(self, recovery: Recovery, verification: StageVerification) -> None:
        self._recovery = recovery
        self._verification = verification

    def perform(self, step: Step, number: int) -> bool:
        """Run the verification's next step. Returns whether it has to be called again.

        A permanent refusal by AWS is not a verdict: it is recorded for a person.
        """
        recovery = self._recovery
        stage = recovery.registered()
        if stage is None:
            return False
        noted = recovery.noted(_subject(stage)).verification
        if noted is None:
            recovery.take(step, number)
        with recovery.blocking(_subject(stage)):
            standing = self._verification.look(noted, self._deployed(stage))
            recovery.note(_subject(stage), Noted(verification=standing))
            return standing.verdict is Verified.AGAIN
        return False

    def _deployed(self, stage: Stage) -> DeployedStage:
        origin, artifacts = self._recovery.origin, self._recovery.artifacts
        plan = StagePlan.from_dict(artifacts.require_json(origin.stage_key(stage.name, "plan.json")))
        return DeployedStage(origin, stage, Occasion.ROLLED_BACK, plan.standing(), artifacts.name, now().date())


def verification_seen(recovery: Recovery, stage: Stage | None) -> VerificationSeen | None:
    """Return a stage's verification and its state; None if nothing is registered."""
    parts = () if stage is None else verification_parts(stage)
    if stage is None or not parts:
        return None
    standing = recovery.noted(_subject(stage)).verification or Verification(since="")
    blocked = recovery.blocked(_subject(stage))
    return VerificationSeen(parts, stage.verify.bake_minutes, standing.verdict, standing.reason, blocked)


def _subject(stage: Stage) -> str:
    """Facts are recorded under a name that no database and no service can have."""
    return f"verification of {stage.name}"
