"""The steps that restore a database and swap names: each with its API call, why it is legal, and its cost."""

from collections.abc import Mapping
from typing import Any, Final

from belay.database.kind import Description
from belay.database.restore import TAG_OPERATION, Call, Place, Unit
from belay.database.snapshots import age_in_words, snapshot_of
from belay.rollback.plan import Action, Kind, Risk, Step
from belay.rollback.situation import DatabaseSeen

_API: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_{}.html"
_RENAMING: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RenameInstance.html"
_OFF: Final = "unavailable until the swap is complete: a reboot, and about ten minutes until the name resolves"
_NAMES: Final = ("ResourceName", "DBInstanceIdentifier", "DBClusterIdentifier")
"""The parameters that identify a call's target; a member's call names its cluster too."""


def wait(unit: Unit, place: Place, why: str) -> Step:
    """Wait for RDS to finish."""
    operation = unit.kind.describe
    return _step(
        Action.WAIT,
        unit,
        (operation, {unit.kind.identifier: unit.at(place)}),
        why=why,
        legal_because=f"{_API.format(operation)} may be called at any time",
        risk=(Risk.NONE, "none but time"),
        checked="its status and pending changes",
    )


def restore(
    seen: DatabaseSeen, unit: Unit, original: Description, snapshot: Description, tags: Mapping[str, str]
) -> Step:
    """Restore it beside the original."""
    cluster = seen.units[0].at(Place.RESTORED)
    call = unit.create(original, snapshot, tags, cluster)
    if unit.kind.made_in:
        why = f"create the instance {unit.at(Place.RESTORED)} in the restored cluster {cluster}, like {unit.name}"
        legal, action = "an Aurora cluster is restored without instances", Action.CREATE_MEMBER
    else:
        why = f"restore the snapshot {seen.taken.name} as {unit.at(Place.RESTORED)}"
        legal, action = "the snapshot is available, and the name is free", Action.RESTORE_DATABASE
    return _step(
        action,
        unit,
        call,
        why=why,
        legal_because=f"{legal}; {_API.format(call[0])}",
        risk=(Risk.NONE, "none: the original is not touched; a second database costs money"),
        checked="that it is available, and its settings",
    )


def modify(unit: Unit, parameters: Mapping[str, Any]) -> Step:
    """Set on the restored one what the restore call does not accept."""
    call = unit.modify(Place.RESTORED, parameters)
    return _step(
        Action.MODIFY_DATABASE,
        unit,
        call,
        why=f"set on {unit.at(Place.RESTORED)} what a restore does not accept: {', '.join(sorted(parameters))}",
        legal_because=f"an available database can be modified; {_API.format(call[0])}",
        risk=(Risk.NONE, "none: nothing uses the restored database yet"),
        checked="that it is available, with no pending changes and the settings of the original",
    )


def add_role(unit: Unit, role: tuple[str, str | None]) -> Step:
    """Add a role to the restored one."""
    call = unit.add_role(role)
    return _step(
        Action.ADD_ROLE,
        unit,
        call,
        why=f"add the role {role[0]} to {unit.at(Place.RESTORED)}",
        legal_because=f"an available database can be given a role; {_API.format(call[0])}",
        risk=(Risk.NONE, "none: nothing uses the restored database yet"),
        checked="that the role is among its roles",
    )


def rename(action: Action, unit: Unit, place: Place, to: Place) -> Step:
    """Rename one of the two, for the swap or to undo it."""
    call = unit.rename(place, to)
    old, new = unit.at(place), unit.at(to)
    why = {
        Action.RENAME_ORIGINAL: f"rename the original {unit.kind} to {new}",
        Action.RENAME_RESTORED: f"rename the restored {unit.kind} {old} to {new}",
        Action.UNDO_RENAME_RESTORED: f"undo the swap: rename the restored {unit.kind} to {new}",
        Action.UNDO_RENAME_ORIGINAL: f"undo the swap: rename the original {unit.kind} {old} back to {new}",
    }[action]
    return _step(
        action,
        unit,
        call,
        why=why,
        legal_because=f"an available database can be renamed to a free name, immediately with "
        f"ApplyImmediately; {_RENAMING}",
        risk=(Risk.DATA, f"{_OFF}; writes to {old} in the meantime stay there"),
        checked=f"that {new} is available",
    )


def protect(unit: Unit) -> Step:
    """Protect the replaced one from deletion."""
    call = unit.modify(Place.REPLACED, {"DeletionProtection": True})
    return _step(
        Action.PROTECT_REPLACED,
        unit,
        call,
        why=f"protect the replaced {unit.kind} {unit.at(Place.REPLACED)} from deletion",
        legal_because=f"an available database can be modified; {_API.format(call[0])}",
        risk=(Risk.NONE, "none: it costs money until a person deletes it"),
        checked="that it is protected",
    )


def tag(unit: Unit, original: Description, tags: Mapping[str, str]) -> Step:
    """Tag the replaced one with why it is kept, and until when."""
    account, _, _ = unit.kind.arn(original).rpartition(":")
    named = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    return _step(
        Action.TAG_REPLACED,
        unit,
        (TAG_OPERATION, {"ResourceName": f"{account}:{unit.at(Place.REPLACED)}", "Tags": named}),
        why=f"tag the replaced {unit.kind} {unit.at(Place.REPLACED)} with why and how long it is kept",
        legal_because=f"a database can be tagged at any time; {_API.format(TAG_OPERATION)}",
        risk=(Risk.NONE, "none"),
        checked="that it has the tags",
    )


def writes_lost(seen: DatabaseSeen) -> str:
    """Describe what a restore would lose: ``12 minutes of writes, those after 2026-11-21T10:02:11+00:00``."""
    created = None if seen.snapshot is None else snapshot_of(seen.kind, seen.snapshot).created
    if created is None:
        return "the writes since the snapshot"
    return f"{age_in_words(seen.now - created)} of writes, those after {created.isoformat(timespec='seconds')}"


def _step(
    action: Action, unit: Unit, call: Call, *, why: str, legal_because: str, risk: tuple[Risk, str], checked: str
) -> Step:
    operation, parameters = call
    return Step(
        action=action,
        kind=Kind.DATABASE,
        subject=unit.name,
        subject_id=str(next(parameters[name] for name in _NAMES if name in parameters)),
        call=("rds", operation),
        parameters=parameters,
        why=why,
        legal_because=legal_because,
        risk=risk[0],
        risk_in_words=risk[1],
        expected=("available",),
        checked_afterwards=checked,
    )
