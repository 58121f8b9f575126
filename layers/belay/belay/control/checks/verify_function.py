"""The stage check that invokes the registered verify function."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.verify_functions import VerifyFunctions
from belay.release.verification import Checked, DeployedStage, Verified, answer_checked, answer_due


@dataclass(frozen=True)
class VerifyFunctionCheck:
    """PASS or FAIL as the function returned, at the end of the bake time; FAIL if it never responds."""

    functions: VerifyFunctions

    def look(self, deployed: DeployedStage, noted: Mapping[str, Any]) -> Checked:
        """Invoke it if that is due; ``noted`` is whether it passed the stage, and how often it failed to respond."""
        function = deployed.stage.verify.function
        if function is None:
            return Checked(Verified.PASS)
        if not answer_due(noted, deployed):
            return Checked(Verified.AGAIN, noted=noted)
        return answer_checked(self.functions.ask(function, deployed.question()), noted, over=deployed.over)
