"""The stage check that validates the security groups of deployed stacks and their resources against the policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.control.live import LiveStages
from belay.release.accepted import AcceptedRelease
from belay.release.records import ReleaseReference
from belay.release.verification import Checked, DeployedStage, Verified


@dataclass(frozen=True)
class LiveGroupsCheck:
    """PASS, FAIL or REVIEW, according to the policies; the release's templates say what it declares."""

    live: LiveStages
    release: ReleaseReference
    accepted: AcceptedRelease

    def look(self, deployed: DeployedStage, noted: Mapping[str, Any]) -> Checked:
        """Run the check once, in all the stage's regions."""
        report = self.live.validate(self.release, self.accepted, deployed.stage, deployed.standing, deployed.today)
        return Checked(Verified(report.verdict), report=report)
