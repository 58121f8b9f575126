"""Events that Amazon RDS and Aurora send through EventBridge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.events.envelope import AwsEvent, read, read_outer

_CREATED = ("RDS-EVENT-0042", "RDS-EVENT-0091", "RDS-EVENT-0075", "RDS-EVENT-0169")


@dataclass(frozen=True, kw_only=True)
class SnapshotEvent(AwsEvent):
    """Something happened to a snapshot of a DB instance or of an Aurora cluster.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html and
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html; samples
    ``events/aws.rds/db_snapshot_event.json`` and ``events/aws.rds/db_cluster_snapshot_event.json``.

    ``event_id`` is AWS's event id (``RDS-EVENT-0042``), ``message`` AWS's text.
    """

    snapshot: str
    snapshot_arn: str
    of_cluster: bool
    event_id: str
    message: str

    @property
    def created(self) -> bool:
        """Whether the snapshot is complete: manual or automated, of an instance or of a cluster."""
        return self.event_id in _CREATED

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "SnapshotEvent":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        return cls(
            **read_outer(event, "aws.rds", "RDS DB Snapshot Event", "RDS DB Cluster Snapshot Event"),
            snapshot=read(event, "detail", "SourceIdentifier", kind=str),
            snapshot_arn=read(event, "detail", "SourceArn", kind=str),
            of_cluster=event["detail-type"] == "RDS DB Cluster Snapshot Event",
            event_id=read(event, "detail", "EventID", kind=str),
            message=read(event, "detail", "Message", kind=str),
        )
