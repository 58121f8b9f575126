"""The description of a kind of database: every difference in RDS between an instance and a cluster.

All other code about databases reads these descriptions, and never branches on a kind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Description = Mapping[str, Any]
"""A database or a snapshot, as a describe call returns it."""


@dataclass(frozen=True)
class Field:
    """One field of a description.

    - ``path`` leads to its value: ``Endpoint.Port``; a name with ``[]`` is a list, whose items' values are the value.
    - ``create`` and ``modify`` are the parameters that restore it: of the call that creates the new database and of the
      Modify call afterwards. A field without either can only be compared.
    - ``together`` names fields that a call accepts only together.
    """

    path: str
    create: str | None = None
    modify: str | None = None
    together: str | None = None

    @property
    def name(self) -> str:
        """The field's name for people: the last part of its path."""
        return self.path.rpartition(".")[2]

    def of(self, description: Description) -> Any:
        """Return the field's value, None where there is none; lists are sorted, because RDS keeps no order in them."""
        return _value(description, self.path.split("."))


def same(name: str, together: str | None = None) -> Field:
    """A field with the same name in both calls and in the description."""
    return Field(name, name, name, together)


COMMON: Final = (
    Field("VpcSecurityGroups[].VpcSecurityGroupId", "VpcSecurityGroupIds", "VpcSecurityGroupIds"),
    same("NetworkType"),
    same("DeletionProtection"),
    Field("IAMDatabaseAuthenticationEnabled", "EnableIAMDatabaseAuthentication", "EnableIAMDatabaseAuthentication"),
    Field("EnabledCloudwatchLogsExports", "EnableCloudwatchLogsExports", "CloudwatchLogsExportConfiguration"),
    same("CopyTagsToSnapshot"),
    same("BackupRetentionPeriod"),
    same("PreferredBackupWindow"),
    Field("PreferredMaintenanceWindow", None, "PreferredMaintenanceWindow"),
    Field("MonitoringInterval", None, "MonitoringInterval", together="monitoring"),
    Field("MonitoringRoleArn", None, "MonitoringRoleArn", together="monitoring"),
    Field("DatabaseInsightsMode", None, "DatabaseInsightsMode", together="insights"),
    Field("PerformanceInsightsEnabled", None, "EnablePerformanceInsights", together="insights"),
    Field("PerformanceInsightsKMSKeyId", None, "PerformanceInsightsKMSKeyId", together="insights"),
    Field("PerformanceInsightsRetentionPeriod", None, "PerformanceInsightsRetentionPeriod", together="insights"),
    Field("EngineVersion"),
    Field("MasterUsername"),
    Field("StorageEncrypted"),
    Field("KmsKeyId"),
    Field("CharacterSetName"),
    Field("DBSystemId"),
)
"""The fields that every kind of database has under the same names."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ResourceType:
    """RDS's names for a type of resource.

    - ``noun`` is used in operations, parameters, descriptions and error codes (``DBInstance``), ``arn_type`` in ARNs.
    - ``id_key`` is the key of a database's resource id, which survives renaming; its snapshots have it too.
    """

    noun: str
    arn_type: str
    id_key: str
    status_key: str = "Status"

    @property
    def identifier(self) -> str:
        """The parameter and key of its name: ``DBInstanceIdentifier``."""
        return f"{self.noun}Identifier"

    @property
    def listed(self) -> str:
        """The key of the descriptions in the describe call's response: ``DBInstances``."""
        return f"{self.noun}s"

    @property
    def describe(self) -> str:
        """The operation that describes it: ``DescribeDBInstances``."""
        return f"Describe{self.noun}s"

    @property
    def create(self) -> str:
        """The operation that creates one: ``CreateDBSnapshot``."""
        return f"Create{self.noun}"

    @property
    def share(self) -> str:
        """The operation that shares a snapshot with other accounts: ``ModifyDBSnapshotAttribute``."""
        return f"Modify{self.noun}Attribute"

    @property
    def copy(self) -> str:
        """The operation that copies a snapshot: ``CopyDBSnapshot``."""
        return f"Copy{self.noun}"

    @property
    def delete(self) -> str:
        """The operation that deletes it: ``DeleteDBSnapshot``."""
        return f"Delete{self.noun}"

    @property
    def modify(self) -> str:
        """The operation that modifies and renames it: ``ModifyDBInstance``."""
        return f"Modify{self.noun}"

    @property
    def add_role(self) -> str:
        """The operation that gives it a role: ``AddRoleToDBInstance``."""
        return f"AddRoleTo{self.noun}"

    def resource_id(self, description: Description) -> str:
        """Return a database's resource id, which does not depend on its name."""
        return str(description[self.id_key])

    def arn(self, description: Description) -> str:
        """Return the ARN, which the name is part of."""
        return str(description[f"{self.noun}Arn"])

    def status(self, description: Description) -> str:
        """Return the status."""
        return str(description[self.status_key])


@dataclass(frozen=True, eq=False, kw_only=True)
class UnitKind(ResourceType):
    """What is restored, modified and renamed on its own: a kind of database, or of a database's members.

    - ``name`` is its name in plans and messages.
    - ``made_by`` is the operation that creates the restored one. It takes ``fields`` of the original, ``of_snapshot``
      (by parameter, the key in the snapshot's description), and ``unless_of_snapshot`` only if they differ there.
    - ``made_in`` is the parameter that names the database a member is created in.
    - ``rename_applies_pending``: whether a rename also applies the changes that wait for the maintenance window.
    """

    name: str
    made_by: str
    fields: tuple[Field, ...]
    of_snapshot: Mapping[str, str] = field(default_factory=dict)
    unless_of_snapshot: tuple[str, ...] = ()
    made_in: str | None = None
    rename_applies_pending: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Members:
    """The members of a kind of database: their kind, and how their names are read from a description."""

    kind: UnitKind
    names: Callable[[Description], Sequence[str]]


@dataclass(frozen=True, eq=False, kw_only=True)
class DatabaseKind(UnitKind):
    """A kind that can be registered: it has snapshots of its own.

    - ``snapshot`` is the type of its snapshots, ``snapshot_quota`` the account's quota of manual ones,
      ``longest_snapshot_name`` how many characters a name may have, ``fewest_backup_days`` the shortest retention of
      automated backups.
    - ``obstacles`` say, by the key of a description, what a restore would leave behind or cut off, and no call of the
      recovery restores; ``engines`` say it by a pattern for the start of the engine's name.
    - ``replicas`` is the key of the replicas that would stay with the replaced one.
    - ``proxy_target`` is the key of a proxy's target that names it.
    - ``part_of`` is the key of the cluster that it is a member of: then the cluster has to be registered.
    """

    snapshot: ResourceType
    snapshot_quota: str
    longest_snapshot_name: int
    fewest_backup_days: int
    obstacles: Mapping[str, str]
    engines: Mapping[str, str]
    replicas: str
    proxy_target: str
    part_of: str | None = None
    members: Members | None = None

    def snapshot_arn(self, description: Description) -> str:
        """Return a database's ARN as that of a snapshot with its name."""
        return self.arn(description).replace(f":{self.arn_type}:", f":{self.snapshot.arn_type}:")


def _value(found: Any, path: list[str]) -> Any:
    if not path or found is None:
        return sorted(found, key=str) if isinstance(found, list) else found
    name, rest = path[0], path[1:]
    if name.endswith("[]"):
        items = found.get(name.removesuffix("[]")) or []
        return sorted(str(value) for item in items if (value := _value(item, rest)) is not None)
    return _value(found.get(name), rest)
