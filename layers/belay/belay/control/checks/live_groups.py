"""The stage check that holds the groups of the deployed stacks, and on their resources, against the policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.control.live import LiveStages
from belay.release.accepted import AcceptedRelease
from belay.release.records import ReleaseReference
from belay.release.verification import Checked, DeployedStage, Verified


@dataclass(frozen=True)
class LiveGroupsCheck:
    """PASS, FAIL or REVIEW, as the policies say; the templates of the release tell what it declares."""

    live: LiveStages
    release: ReleaseReference
    accepted: AcceptedRelease

    def look(self, deployed: DeployedStage, noted: Mapping[str, Any]) -> Checked:
        """Look once, in all the stage's regions."""
        report = self.live.validate(self.release, self.accepted, deployed.stage, deployed.standing, deployed.today)
        return Checked(Verified(report.verdict), report=report)
