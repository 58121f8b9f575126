"""The settings that a restore keeps: those that the creating call accepts, and those that the Modify call does.

A restore creates a new database with RDS's defaults for everything that is not passed
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RestoreFromSnapshot.html). The fields of each kind of
database are in its description (``belay.database.kind``).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from belay.database.kind import Description, Field, UnitKind

_LOG_EXPORTS: Final = "CloudwatchLogsExportConfiguration"
_ONLY_WHERE_SET: Final = ("MonitoringInterval", "BacktrackWindow")
_OFF_UNLESS_ASKED: Final = ("CustomerOwnedIpEnabled", "DedicatedLogVolume", "IAMDatabaseAuthenticationEnabled")
"""Shown as off for every engine, but accepted as a parameter only by some; off is the default."""
_ONE_NAME: Final = ("DBParameterGroupName", "OptionGroupName")
_GP3_BASELINE: Final = (3000, 125)
"""The fixed IOPS and MiB/s of gp3 volumes below their engine's size threshold. RDS shows them, and refuses them as
parameters (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html)."""

_PROVISIONED: Final = {"Iops": ("gp3", "io1", "io2"), "StorageThroughput": ("gp3",)}
"""The storage types that accept each parameter; for the others RDS shows none, or 0, which a restore would refuse
(https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html)."""


def create_parameters(kind: UnitKind, original: Description) -> dict[str, Any]:
    """Return the creating call's parameters from the original's description."""
    taken = {
        field.create: _parameter(field.create, field.of(original))
        for field in kind.fields
        if field.create and not _left_out(field, original)
    }
    tags = own_tags(original)
    return taken | ({"Tags": tag_list(tags)} if tags else {})


def of_snapshot(kind: UnitKind, parameters: Mapping[str, Any], snapshot: Description) -> dict[str, Any]:
    """Return the creating call's parameters with those that name the snapshot, and without what it already has."""
    own = {name for name in kind.unless_of_snapshot if parameters.get(name) == snapshot.get(name)}
    kept = {name: value for name, value in parameters.items() if name not in own}
    return kept | {name: snapshot[key] for name, key in kind.of_snapshot.items()}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as RDS takes them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def modify_parameters(kind: UnitKind, original: Description, restored: Description) -> dict[str, Any]:
    """Return what the Modify call still has to set; empty if the new database has everything."""
    missing = [field for field in kind.fields if field.modify and _can_be_modified(field, original, restored)]
    together = {field.together for field in missing if field.together}
    wanted = [field for field in kind.fields if field.modify and (field in missing or field.together in together)]
    return {
        field.modify: _modified(field, original, restored)
        for field in wanted
        if field.modify and (field in missing or not _left_out(field, original))
    }


def before_modifying(kind: UnitKind, original: Description) -> Description:
    """Return the expected first description of a restored database, as far as the table determines it.

    A plan made before the restore uses it to show what will be set afterwards.
    """
    lost = {field.path.partition(".")[0] for field in kind.fields if field.modify and not field.create}
    lost |= {"AssociatedRoles"}
    return {name: value for name, value in original.items() if name not in lost}


def missing_roles(original: Description, restored: Description) -> tuple[tuple[str, str | None], ...]:
    """Return the roles that the new database lacks, each with the feature it is for."""
    has = set(_roles(restored))
    return tuple(role for role in _roles(original) if role not in has)


def differing(kind: UnitKind, original: Description, restored: Description) -> Iterator[Field]:
    """Return the fields in which the new database differs from the original."""
    return (field for field in kind.fields if _differs(field, original, restored))


def own_tags(description: Description) -> dict[str, str]:
    """Return the tags that a user can set: those beginning with ``aws:`` are AWS's own.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.html
    """
    tags = {tag["Key"]: tag.get("Value", "") for tag in description.get("TagList") or []}
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def _can_be_modified(field: Field, original: Description, restored: Description) -> bool:
    """Whether it differs and can be set: of what the original lacks, only flags and log exports can be turned off."""
    given = field.of(original) is not None or isinstance(field.of(restored), bool) or field.modify == _LOG_EXPORTS
    return given and _differs(field, original, restored)


def _differs(field: Field, original: Description, restored: Description) -> bool:
    if field.name == "AvailabilityZone" and original.get("MultiAZ"):
        return False  # RDS chooses which of the two zones is the first.
    return bool(_comparable(field, original) != _comparable(field, restored))


def _comparable(field: Field, description: Description) -> Any:
    """A field's value; missing, off and empty are the same."""
    return field.of(description) or None


def _left_out(field: Field, original: Description) -> bool:
    """Whether a field is omitted: it has no value, or RDS would refuse it."""
    if field.of(original) in (None, [], {}, ""):
        return True
    if field.name == "AvailabilityZone":
        return bool(original.get("MultiAZ"))
    if field.name in _PROVISIONED:
        baseline = (original.get("Iops"), original.get("StorageThroughput")) == _GP3_BASELINE
        return baseline or original.get("StorageType") not in _PROVISIONED[field.name]
    if field.name == "AllocatedStorage":
        return str(original.get("Engine", "")).startswith("sqlserver")
    if field.name == "EngineMode":
        return bool(original["EngineMode"] == "provisioned")
    return field.name in (*_ONLY_WHERE_SET, *_OFF_UNLESS_ASKED) and not field.of(original)


def _modified(field: Field, original: Description, restored: Description) -> Any:
    value = field.of(original)
    if field.modify == _LOG_EXPORTS:
        wanted, has = set(value or ()), set(field.of(restored) or ())
        types = {"EnableLogTypes": sorted(wanted - has), "DisableLogTypes": sorted(has - wanted)}
        return {name: logs for name, logs in types.items() if logs}
    if value is None:
        return False
    return _parameter(str(field.modify), value)


def _parameter(name: str, value: Any) -> Any:
    return value[0] if name in _ONE_NAME and isinstance(value, list) else value


def _roles(description: Description) -> list[tuple[str, str | None]]:
    roles = description.get("AssociatedRoles") or []
    return sorted((role["RoleArn"], role.get("FeatureName") or None) for role in roles)
