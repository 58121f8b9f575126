"""The stage check that watches the registered alarms: none is in ALARM, and none is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.cloudwatch import Alarms
from belay.release.verification import Checked, DeployedStage, alarms_checked


@dataclass(frozen=True)
class AlarmsCheck:
    """FAIL where an alarm is in ALARM or missing, AGAIN until the bake time has passed."""

    alarms: Alarms

    def look(self, deployed: DeployedStage, noted: Mapping[str, Any]) -> Checked:
        """Run the check once."""
        return alarms_checked(self.alarms.describe(deployed.stage.alarms), deployed.occasion, over=deployed.over)
