"""Restoring a database beside the one it is to replace: what may be restored, by which calls, and how to tell them
apart.

A restore always creates a new database. It is created beside the original under a descriptive name, gets all the
original's settings, is compared with it, and only then takes its name; the original keeps its data under another name.
So both can always be identified by name and resource id, and an interrupted recovery can see its progress.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RestoreFromSnapshot.html,
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RenameInstance.html
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from belay.database.fields import create_parameters, differing, missing_roles, of_snapshot, own_tags, tag_list
from belay.database.kind import DatabaseKind, Description, UnitKind
from belay.database.kinds import UNIT_KINDS
from belay.database.snapshots import TAG_PREFIX, Availability, Snapshot, availability, snapshot_of, snapshot_tags

Call = tuple[str, dict[str, Any]]
"""An operation of RDS and its parameters."""

TAG_OPERATION: Final = "AddTagsToResource"

OPERATIONS: Final = frozenset(
    {TAG_OPERATION, *(call for kind in UNIT_KINDS for call in (kind.made_by, kind.modify, kind.add_role))}
)
"""Every RDS operation that a recovery calls. None of them deletes anything."""

INCIDENT_TAG: Final = f"{TAG_PREFIX}incident"
"""The tag of a restored database that names the incident it was restored in."""

COPIED_FROM_TAG: Final = f"{TAG_PREFIX}copied-from"
"""The tag of a copied snapshot that names its source. Another account sees none of the source's tags."""

KEEP_UNTIL_TAG: Final = f"{TAG_PREFIX}keep-until"

_LONGEST_NAME: Final = 63
_DIGITS: Final = 8


class Place(StrEnum):
    """The place of one of the two databases: the registered name, or beside it."""

    NAME = "name"
    RESTORED = "restored"
    REPLACED = "replaced"


def name_beside(name: str, place: str, unique: str) -> str:
    """Name the database beside another: ``orders-db-belay-restored-1f0c9a3e``, deterministic.

    IAM policies match the infix. A letter, then letters, digits and single hyphens, at most 63
    (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html).
    """
    infix = f"-belay-{place}-"
    digest = hashlib.sha256(f"{name}\0{unique}".encode()).hexdigest()[:_DIGITS]
    return f"{name[: _LONGEST_NAME - len(infix) - _DIGITS].rstrip('-')}{infix}{digest}"


@dataclass(frozen=True)
class Unit:
    """One thing that is restored and renamed: an instance, a cluster, or one of a cluster's members.

    ``name`` is the registered or the member's own name, ``source_id`` the resource id of the original: it survives
    renaming (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html). ``found`` holds the
    description of what is at each place now.
    """

    kind: UnitKind
    name: str
    source_id: str
    incident: str
    found: Mapping[Place, Description] = field(default_factory=dict)

    def at(self, place: Place) -> str:
        """The name of a place."""
        return self.name if place is Place.NAME else name_beside(self.name, place, self.incident)

    @property
    def original_place(self) -> Place | None:
        """Where the original is, None if it was deleted."""
        places = (Place.NAME, Place.REPLACED)
        return next((each for each in places if self._resource_id(each) == self.source_id), None)

    @property
    def restored_place(self) -> Place | None:
        """Where the restored one is, None before it was created. Its tags identify it: a name proves nothing."""
        places = (Place.NAME, Place.RESTORED)
        return next((each for each in places if self._is_restored(each)), None)

    @property
    def original(self) -> Description | None:
        """The description of the original, wherever it is."""
        return None if self.original_place is None else self.found[self.original_place]

    @property
    def restored(self) -> Description | None:
        """The description of the restored one, wherever it is."""
        return None if self.restored_place is None else self.found[self.restored_place]

    @property
    def swapped(self) -> bool:
        """Whether the restored one has the name, and the original is kept beside it."""
        return (self.restored_place, self.original_place) == (Place.NAME, Place.REPLACED)

    def _resource_id(self, place: Place) -> str | None:
        described = self.found.get(place)
        return None if described is None else self.kind.resource_id(described)

    def _is_restored(self, place: Place) -> bool:
        described = self.found.get(place)
        if described is None or self.kind.resource_id(described) == self.source_id:
            return False
        return own_tags(described).get(INCIDENT_TAG) == self.incident

    def create(self, original: Description, snapshot: Description, tags: Mapping[str, str], database: str) -> Call:
        """Return the call that creates the restored one, with every setting of the original that it accepts.

        ``database`` is the name of the restored database that a member is created in.
        """
        parameters = create_parameters(self.kind, original)
        own = {tag["Key"]: tag["Value"] for tag in parameters.get("Tags", [])} | dict(tags)
        parameters = of_snapshot(self.kind, parameters | {"Tags": tag_list(own)}, snapshot)
        if self.kind.made_in:
            parameters[self.kind.made_in] = database
        return self.kind.made_by, parameters | {self.kind.identifier: self.at(Place.RESTORED)}

    def modify(self, place: Place, parameters: Mapping[str, Any]) -> Call:
        """Return the call that modifies the database at a place, immediately rather than in the maintenance window."""
        return self.kind.modify, {self.kind.identifier: self.at(place), **parameters, "ApplyImmediately": True}

    def rename(self, place: Place, to: Place) -> Call:
        """Return the call that renames the database at one place to another's name."""
        return self.modify(place, {f"New{self.kind.identifier}": self.at(to)})

    def add_role(self, role: tuple[str, str | None]) -> Call:
        """Return the call that adds a role to the restored one."""
        arn, feature = role
        for_feature = {"FeatureName": feature} if feature else {}
        return self.kind.add_role, {self.kind.identifier: self.at(Place.RESTORED), "RoleArn": arn, **for_feature}


def availability_of(kind: UnitKind, description: Description, *, new: bool) -> Availability:
    """Return whether a database can be modified now, after waiting, or never.

    Modify and rename need it to be available. A ``new`` one has requested changes that must be done before it is used:
    they are under PendingModifiedValues
    (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html). An available original's
    pending changes wait for its maintenance window (``waits_for_window``).
    """
    found = availability(kind.status(description))
    return Availability.NOT_YET if found is Availability.READY and new and pending(description) else found


def pending(description: Description) -> list[str]:
    """Return the names of the pending changes."""
    return sorted(name for name, value in (description.get("PendingModifiedValues") or {}).items() if value)


def waits_for_window(kind: UnitKind, name: str, original: Description) -> str | None:
    """Say which changes wait for the maintenance window, and would not after a rename; None if there are none.

    An engine upgrade, for example, would then be applied to the only copy of the newest data.
    """
    waiting = pending(original) if kind.rename_applies_pending else []
    if not waiting or availability(kind.status(original)) is not Availability.READY:
        return None
    return (
        f"{name} has changes that wait for its maintenance window ({', '.join(waiting)}), and renaming would make them"
    )


# -- may it be restored ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Taken:
    """A release's record of its snapshot: its name, its tags, and when the attempt began.

    ``vault`` says in words where a copy of it went, if the stage has a vault. ``copied_from`` is the ARN of the vault's
    copy that it was made from: then a person chose it, whatever its age and the current database.
    """

    name: str
    application: str
    stage: str
    version: str
    since: datetime | None
    vault: str = ""
    copied_from: str = ""


def refusal(kind: DatabaseKind, taken: Taken, snapshot: Description | None, source_id: str | None) -> str | None:
    """Return why a snapshot must not be restored; None if it may.

    It must be available, Belay's (by its name and tags), no older than the release, and of the database that it would
    replace: ``source_id`` is the resource id of the database with that name now, or before the swap.
    """
    if snapshot is None:
        command = f"belay vault restore {taken.application} {taken.stage}"
        copied = f"; a copy of it may be in {taken.vault}, from where `{command}` restores it" if taken.vault else ""
        return f"there is no snapshot {taken.name}: the release took none of it, or it was deleted{copied}"
    seen = snapshot_of(kind, snapshot)
    if seen.status != "available":
        return f"the snapshot {seen.name} is {seen.status}, not available"
    if seen.name != taken.name or not seen.taken_for(taken.application, taken.stage, taken.version):
        wanted = snapshot_tags(taken.application, taken.stage, taken.version)
        return f"the snapshot {seen.name} is not the one that was taken for the release: it lacks {wanted}"
    if taken.copied_from:
        own = seen.tags.get(COPIED_FROM_TAG)
        return None if own == taken.copied_from else f"the snapshot {seen.name} is no copy of {taken.copied_from}"
    return _of_another(taken, seen, kind.resource_id(snapshot), source_id)


def _of_another(taken: Taken, seen: Snapshot, own: str, source_id: str | None) -> str | None:
    """Say whether a snapshot is of another time or another database than the release changed; None if it is not."""
    if taken.since is None or seen.created is None or seen.created < taken.since:
        return f"the snapshot {seen.name} is older than the release"
    if own != source_id:
        return f"the snapshot {seen.name} is of another database ({own}) than the one that has its name ({source_id})"
    return None


def obstacles(kind: DatabaseKind, original: Description) -> tuple[str, ...]:
    """List what a restore would lose or cut off, and no call of the recovery restores."""
    engine = str(original.get("Engine", ""))
    return (
        *(words.format(_listed(original[name])) for name, words in kind.obstacles.items() if _present(name, original)),
        *(words for pattern, words in kind.engines.items() if re.match(pattern, engine)),
    )


def _present(name: str, original: Description) -> bool:
    return original.get(name) not in (None, "", [], False, "stopped", "disabled")


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


# -- is it the same ----------------------------------------------------------------------------------------------------


def restored_tags(application: str, stage: str, version: str, incident: str, snapshot: str) -> dict[str, str]:
    """The tags of a restored database: its source and its purpose."""
    tags = snapshot_tags(application, stage, version)
    return tags | {INCIDENT_TAG: incident, f"{TAG_PREFIX}restored-from": snapshot}


def replaced_tags(application: str, stage: str, version: str, *, reason: str, keep_until: datetime) -> dict[str, str]:
    """The tags of the replaced database, which is kept: its data's release, why, and until when.

    A tag's value has at most 256 letters, digits, spaces and ``_.:/=+-@``
    (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Tag.html).
    """
    plain = "".join(letter if letter.isalnum() or letter in " _.:/=+-@" else " " for letter in reason)
    because = " ".join(plain.split())[:256].strip() or "rolled back"
    more = {f"{TAG_PREFIX}replaced-because": because, KEEP_UNTIL_TAG: keep_until.date().isoformat()}
    return snapshot_tags(application, stage, version) | more


def differences(kind: UnitKind, original: Description, restored: Description) -> tuple[str, ...]:
    """List how a restored database differs from the original: it must not before the swap.

    Expected differences, not listed: its names, its age and its counters; the tags that say it was restored; AWS's own
    tags, which only AWS sets; the managed secret of the master user, which stays with the replaced database.
    """
    told = [
        f"{each.name} is {_in_words(each.of(restored))} instead of {_in_words(each.of(original))}"
        for each in differing(kind, original, restored)
    ]
    roles = [f"the role {arn} is missing" for arn, _ in missing_roles(original, restored)]
    tags = own_tags(restored)
    missing = [key for key, value in sorted(own_tags(original).items()) if tags.get(key) != value]
    return (*told, *roles, *(f"the tag {key} is missing" for key in missing if not key.startswith(TAG_PREFIX)))


def _in_words(value: Any) -> str:
    return "none" if value in (None, "", [], {}) else str(value)
