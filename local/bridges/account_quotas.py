"""Gap: moto's RDS does not return the account's quotas.

Here it returns those of manual snapshots, with AWS's default of 100 per region and the number in use
(https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeAccountAttributes.html). It can be removed once
moto has the operation.
"""

from collections.abc import Mapping

from moto.core.responses import ActionResult
from moto.rds.models import DBClusterSnapshot, DBSnapshot
from moto.rds.responses import RDSResponse

MOST = 100


def install() -> None:
    """Handle DescribeAccountAttributes."""
    RDSResponse.describe_account_attributes = _describe_account_attributes  # type: ignore[attr-defined]


def _describe_account_attributes(self: RDSResponse) -> ActionResult:
    backend = self.backend
    taken: dict[str, Mapping[str, DBSnapshot | DBClusterSnapshot]] = {
        "ManualSnapshots": backend.database_snapshots,
        "ManualClusterSnapshots": backend.cluster_snapshots,
    }
    quotas = [
        {"AccountQuotaName": name, "Max": MOST, "Used": sum(each.snapshot_type == "manual" for each in held.values())}
        for name, held in taken.items()
    ]
    return ActionResult({"AccountQuotas": quotas})
