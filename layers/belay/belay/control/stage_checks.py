"""The checks of a deployed stage, and when they run. CONTRIBUTING.md says how to add a stage check."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from belay.control.checks.alarms import AlarmsCheck
from belay.control.checks.live_groups import LiveGroupsCheck
from belay.control.checks.verify_function import VerifyFunctionCheck
from belay.policy.verdict import Report
from belay.release.verification import ALARMS, VERIFY_FUNCTION, Checked, DeployedStage, Verification, Verified

StageChecks: TypeAlias = Mapping[str, Callable[[DeployedStage, Mapping[str, Any]], Checked]]


def validation(live_groups: LiveGroupsCheck) -> StageChecks:
    """The checks of a stage once its stacks are deployed, and in every re-validation."""
    return {"live groups": live_groups.look}


def verification(alarms: AlarmsCheck, verify_function: VerifyFunctionCheck) -> StageChecks:
    """The checks of a stage until its bake time has passed, after a deployment and after a rollback."""
    return {ALARMS: alarms.look, VERIFY_FUNCTION: verify_function.look}


def look(checks: StageChecks, deployed: DeployedStage, standing: Verification) -> tuple[Verification, Report]:
    """Run every check once, up to the first failure: people are not asked about what is known to be bad.

    Returns the stage's state, and what the policies found.
    """
    found: dict[str, Checked] = {}
    for name, check in checks.items():
        found[name] = check(deployed, standing.noted.get(name, {}))
        if found[name].verdict is Verified.FAIL:
            break
    reports = [each.report for each in found.values() if each.report is not None]
    return standing.with_found(found), Report().merged(*reports)
