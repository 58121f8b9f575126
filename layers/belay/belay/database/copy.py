"""The copy of a database that changes are tried on: restored beside the original, and always deleted.

A copy has its own name and tags, by which Belay's role that deletes copies finds them and can delete nothing else. Only
the executor can connect to it, and it cannot connect out: security groups that the operator registered for it, no
public address, none of the original's IAM roles, and a parameter group in which scheduled jobs can be switched off.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RestoreFromSnapshot.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from belay.database.fields import create_parameters, of_snapshot, own_tags, tag_list
from belay.database.kind import DatabaseKind, Description, UnitKind
from belay.database.restore import Call, name_beside
from belay.database.snapshots import TAG_PREFIX, SnapshotState, snapshot_of, snapshot_tags

COPY_OF_TAG: Final = f"{TAG_PREFIX}copy-of"
"""The tag of a copy that names the original."""

DELETE_AFTER_TAG: Final = f"{TAG_PREFIX}delete-after"
"""The tag of a copy with the time, in UTC, after which anybody may delete it."""

EXECUTION_TAG: Final = f"{TAG_PREFIX}execution"

_INFIX: Final = "-belay-copy-"

_COPIED: Final = frozenset(
    {"DBInstanceClass", "DBSubnetGroupName", "Engine", "EngineLifecycleSupport", "EngineMode", "LicenseModel"}
    | {"NetworkType", "OptionGroupName", "Port", "ProcessorFeatures", "CACertificateIdentifier"}
    | {"AllocatedStorage", "Iops", "StorageThroughput", "StorageType"}
    | {"DBClusterParameterGroupName", "DBParameterGroupName", "EnableIAMDatabaseAuthentication"}
    | {"ScalingConfiguration", "ServerlessV2ScalingConfiguration"}
)
"""The original's settings that a copy has: what makes it as fast and lets the executor in as usual. It has no others:
no roles, no log exports, no monitoring, no windows.
"""

_OFF: Final = ("DeletionProtection", "MultiAZ", "PubliclyAccessible")
"""The features that a copy is created without."""


@dataclass(frozen=True)
class CopySettings:
    """What an operator registers about the copies of a database.

    ``security_groups`` let the executor in and nothing out. The parameter groups, if given, replace the original's, so
    that an operator can switch off scheduled jobs and the like.
    """

    security_groups: tuple[str, ...] = ()
    parameter_group: str | None = None
    cluster_parameter_group: str | None = None

    @property
    def parameter_groups(self) -> dict[str, str]:
        """The parameter groups that replace the original's, by the parameter that names them."""
        groups = {
            "DBParameterGroupName": self.parameter_group,
            "DBClusterParameterGroupName": self.cluster_parameter_group,
        }
        return {name: group for name, group in groups.items() if group}


@dataclass(frozen=True)
class Copy:
    """One copy of one registered database, for one attempt of a release in one stage.

    ``execution`` is the ARN of the execution that forecasts; ``delete_after`` is in UTC.
    """

    kind: DatabaseKind
    original: str
    application: str
    stage: str
    version: str
    attempt: str
    execution: str
    delete_after: datetime
    settings: CopySettings = field(default_factory=CopySettings)

    @property
    def name(self) -> str:
        """Its name, deterministic; a cluster's one instance has it too."""
        return name_beside(self.original, "copy", f"{self.application}/{self.stage}/{self.attempt}")

    @property
    def tags(self) -> dict[str, str]:
        """Its owner, its original, and when anybody may delete it."""
        return snapshot_tags(self.application, self.stage, self.version, self.execution) | {
            f"{TAG_PREFIX}attempt": self.attempt,
            COPY_OF_TAG: self.original,
            DELETE_AFTER_TAG: self.delete_after.astimezone(UTC).isoformat(timespec="seconds"),
        }

    def restore(self, original: Description, snapshot: Description) -> Call:
        """Return the call that restores the copy from a snapshot."""
        return self.kind.made_by, of_snapshot(self.kind, self._parameters(self.kind, original), snapshot)

    def create_member(self, original: Description) -> Call | None:
        """Return the call that creates the one instance of a restored cluster like the original's; None for instances.

        A cluster is restored without instances, and only an instance can be connected to
        (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBClusterFromSnapshot.html).
        """
        if self.kind.members is None:
            return None
        member = self.kind.members.kind
        return member.made_by, self._parameters(member, original) | {str(member.made_in): self.name}

    def _parameters(self, kind: UnitKind, original: Description) -> dict[str, Any]:
        accepted = {each.create for each in kind.fields}
        of_original = create_parameters(kind, original).items()
        parameters: dict[str, Any] = {name: value for name, value in of_original if name in _COPIED}
        own = {
            **dict.fromkeys(_OFF, False),
            "BackupRetentionPeriod": self.kind.fewest_backup_days,
            "VpcSecurityGroupIds": [*self.settings.security_groups],
            **self.settings.parameter_groups,
        }
        parameters |= {name: value for name, value in own.items() if name in accepted}
        return parameters | {kind.identifier: self.name, "Tags": tag_list(self.tags)}


def newest_usable(kind: DatabaseKind, snapshots: Iterable[Description], source_id: str) -> Description | None:
    """Return the newest finished snapshot of the database with this resource id, automated or manual; None if none is.

    A database that was replaced has left snapshots under the same name.
    """
    own = [each for each in snapshots if kind.resource_id(each) == source_id]
    read = [(snapshot_of(kind, each), each) for each in own]
    usable = [(seen.created, seen.name, each) for seen, each in read if seen.state is SnapshotState.AVAILABLE]
    dated = [(created, name, each) for created, name, each in usable if created is not None]
    return max(dated, key=lambda item: item[:2])[2] if dated else None


def not_copied(kind: DatabaseKind, original: Description) -> str | None:
    """Return why a database cannot be copied; None if it can."""
    cluster = original.get(kind.part_of) if kind.part_of else None
    if cluster:
        return f"it is a member of the cluster {cluster}: register the cluster instead"
    engine = str(original.get("Engine", ""))
    return next((words for pattern, words in kind.engines.items() if re.match(pattern, engine)), None)


@dataclass(frozen=True)
class FoundCopy:
    """A database that is a copy: its name has the infix, and its tags say of what, by whom and until when.

    ``kind`` is that of what is deleted: an instance, a cluster, or a cluster's member.
    """

    kind: UnitKind
    name: str
    execution: str
    delete_after: datetime
    status: str


def found_copy(kind: UnitKind, description: Description) -> FoundCopy | None:
    """Return the copy that a description shows; None for anything else, whatever its name."""
    name, tags = str(description[kind.identifier]), own_tags(description)
    if _INFIX not in name or COPY_OF_TAG not in tags or EXECUTION_TAG not in tags:
        return None
    try:
        delete_after = datetime.fromisoformat(tags.get(DELETE_AFTER_TAG, ""))
    except ValueError:
        return None
    if delete_after.tzinfo is None:
        return None
    return FoundCopy(kind, name, tags[EXECUTION_TAG], delete_after, kind.status(description))
