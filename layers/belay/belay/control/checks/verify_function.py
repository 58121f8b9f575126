"""The stage check that asks the registered verify function."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.verify_functions import VerifyFunctions
from belay.release.verification import Checked, DeployedStage, Verified, answer_checked, answer_due


@dataclass(frozen=True)
class VerifyFunctionCheck:
    """PASS or FAIL as the function answers, at the end of the bake; FAIL where it never does."""

    functions: VerifyFunctions

    def look(self, deployed: DeployedStage, noted: Mapping[str, Any]) -> Checked:
        """Ask it where that is due; ``noted`` is whether it passed the stage, and how often it did not answer."""
        function = deployed.stage.verify.function
        if function is None:
            return Checked(Verified.PASS)
        if not answer_due(noted, deployed):
            return Checked(Verified.AGAIN, noted=noted)
        return answer_checked(self.functions.ask(function, deployed.question()), noted, over=deployed.over)
