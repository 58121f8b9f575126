"""The rehearsal of a rollback: what can be checked before a stage is changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from belay.database.kinds import KINDS
from belay.database.snapshots import Availability, SnapshotSource
from belay.documents import read, written
from belay.release.registration import Database, Restore
from belay.release.verification import AlarmSeen
from belay.template.policies import UNREADABLE


class Readiness(StrEnum):
    """The result of a check, or of all of them together."""

    READY = "ready"
    NOT_READY = "not ready"
    NOT_KNOWN = "not known"
    """It could not be checked, which never counts as ready."""


@dataclass(frozen=True)
class Check:
    """One thing that a rollback would depend on: what was checked, what was found and why that matters."""

    about: str
    readiness: Readiness
    reason: str

    def in_words(self) -> str:
        """``not ready: alarms: orders-errors does not exist``."""
        return f"{self.readiness}: {self.about}: {self.reason}"


@dataclass(frozen=True)
class Rehearsal:
    """Every check of a stage's rollback, made when its change sets existed and nothing had been changed."""

    checks: tuple[Check, ...] = ()

    @property
    def readiness(self) -> Readiness:
        """The worst result; NOT_READY outranks NOT_KNOWN."""
        found = {check.readiness for check in self.checks}
        return next((each for each in _WORST_FIRST if each in found), Readiness.READY)

    @property
    def ready(self) -> bool:
        """Whether everything was checked and nothing is missing."""
        return self.readiness is Readiness.READY

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not ready, what is missing first; empty if it is."""
        return tuple(check.in_words() for worst in _WORST_FIRST for check in self.checks if check.readiness is worst)

    def describe(self) -> list[str]:
        """The result for people: one line that sums it up, then a line a reason."""
        checked = ", ".join(dict.fromkeys(check.about for check in self.checks))
        return [f"{_SUMMARY[self.readiness]} Checked: {checked or 'nothing'}.", *self.reasons]

    def to_dict(self) -> dict[str, Any]:
        """The rehearsal as a JSON document; ``readiness`` is included for readers without this class."""
        return {**written(self), "readiness": self.readiness.value}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Rehearsal":
        """The inverse of ``to_dict``. Raises ``UnreadableRecord``."""
        return read(cls, document, "rehearsal.json")


_WORST_FIRST = (Readiness.NOT_READY, Readiness.NOT_KNOWN)

_SUMMARY = {
    Readiness.READY: "Rollback ready.",
    Readiness.NOT_READY: "NOT rollback ready.",
    Readiness.NOT_KNOWN: "Whether a rollback would work is unknown.",
}


def gathered(about: str, problems: Iterable[str], otherwise: str) -> Check:
    """One check of several things: not ready if there are problems, otherwise ready with ``otherwise``."""
    found = list(problems)
    if found:
        return Check(about, Readiness.NOT_READY, "; ".join(found))
    return Check(about, Readiness.READY, otherwise)


def refusal(rehearsal: Rehearsal, *, required: bool) -> list[str]:
    """Why a stage that requires a ready rollback must not be changed, one line each; empty if it may."""
    if not required or rehearsal.ready:
        return []
    return ["the registration requires a ready rollback (require_rollback_ready)", *rehearsal.reasons]


# -- what each check says ----------------------------------------------------------------------------------------


def check_last_known_good(version: str | None, gone: Sequence[str]) -> Check:
    """Whether the files of the release that the stage would be rolled back to still exist."""
    if version is None:
        return Check(_GOOD, Readiness.READY, "none yet: a rollback deletes what the release creates")
    problems = [f"{path} of version {version} is missing from the artifact bucket" for path in gone]
    return gathered(_GOOD, problems, f"all templates of version {version} are there")


def check_alarms(alarms: Sequence[AlarmSeen], *, coming: bool) -> Check:
    """Whether the alarms can detect a bad deployment: each exists, and none is in ALARM before anything is changed.

    One that the release may create itself (``coming``) need not exist yet: the later verification needs it.
    """
    missing = [alarm for alarm in alarms if alarm.state is None]
    problems = [] if coming else [alarm.in_words() for alarm in missing]
    problems += [f"{alarm.in_words()} already, so it cannot verify anything" for alarm in alarms if alarm.red]
    return gathered("alarms", problems, _with_those_to_come(f"{len(alarms)} watched", [each.name for each in missing]))


def check_verify_function(function: str, state: str | None, *, coming: bool) -> Check:
    """Whether the verify function can be invoked; ``state`` is GetFunctionConfiguration's, None if there is none.

    One that the release may create itself (``coming``) need not exist yet. An Inactive function was not used for a
    while; invoking it reactivates it (https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html).
    """
    about = "verify function"
    if state in ("Active", "Inactive"):
        return Check(about, Readiness.READY, f"it is {state}")
    if state is None and coming:
        return Check(about, Readiness.READY, _with_those_to_come("it is invoked after a deployment", [function]))
    if state is None:
        return Check(about, Readiness.NOT_READY, f"{function} does not exist")
    return Check(about, Readiness.NOT_KNOWN if state == "Pending" else Readiness.NOT_READY, f"{function} is {state}")


def check_databases(
    databases: Sequence[SnapshotSource], replicas: Mapping[str, Sequence[str]], restore: Restore
) -> Check:
    """Whether a snapshot of each database can be taken, and the database replaced from it.

    Replicas (by identifier of their source) stay with the instance that is renamed away.
    """
    problems = [seen.in_words() for seen in databases if seen.availability is Availability.NOT_POSSIBLE]
    if restore != "never":
        problems += [
            f"{source} has the replicas {', '.join(found)}, which a restore would leave behind"
            for source, found in replicas.items()
            if found
        ]
    waiting = [seen.in_words() for seen in databases if seen.availability is Availability.NOT_YET]
    told = f"; waits until it allows a snapshot: {', '.join(waiting)}" if waiting else ""
    return gathered("databases", problems, f"{len(databases)} can be snapshotted{told}")


def check_snapshot_quota(databases: Sequence[Database], quotas: Mapping[str, tuple[int, int]]) -> Check:
    """Whether there is room for one more manual snapshot of each database; ``quotas`` are used and maximum, by name."""
    about = "snapshot quota"
    wanted = {
        kind.snapshot_quota: count
        for kind in KINDS.values()
        if (count := sum(database.kind is kind for database in databases))
    }
    unknown = sorted(wanted.keys() - quotas.keys())
    if unknown:
        return Check(about, Readiness.NOT_KNOWN, f"RDS returns no {', '.join(unknown)}")
    problems = [
        f"{name}: {quotas[name][0]} of {quotas[name][1]} are taken, {count} more are needed"
        for name, count in wanted.items()
        if quotas[name][0] + count > quotas[name][1]
    ]
    room = ", ".join(f"{quotas[name][0]} of {quotas[name][1]} {name} taken" for name in wanted)
    return gathered(about, problems, room)


def check_services(controllers: Mapping[str, str | None], *, coming: bool) -> Check:
    """Whether each service can be restarted: the type of its deployment controller by name, None if it does not exist.

    One that the release may create itself (``coming``) need not exist yet: there is nothing to restart.
    """
    missing = [name for name, controller in controllers.items() if controller is None]
    problems = [] if coming else [f"{name} does not exist" for name in missing]
    problems += [
        f"{name} is deployed by {controller}, which alone can restart it"
        for name, controller in controllers.items()
        if controller not in (None, "ECS")
    ]
    return gathered("services", problems, _with_those_to_come(f"{len(controllers)} can be restarted", missing))


def _with_those_to_come(found: str, missing: Sequence[str]) -> str:
    """The text of a ready check, with the resources that will exist only after the deployment."""
    return f"{found}; does not exist yet, and may be created by the release: {', '.join(missing)}" if missing else found


def check_permissions(role: str, refused: Sequence[str]) -> Check:
    """Whether a role may do what a rollback needs, as simulated by IAM; ``refused`` in words."""
    problems = [f"{role} may not {each}" for each in refused]
    return gathered("permissions", problems, f"{role} has the permissions that it would need")


def check_service_role(role: str, allowed: Sequence[str]) -> Check:
    """Whether a stage's service role cannot change Belay itself: with it, a release could extend its own permissions.

    ``allowed`` are the calls on Belay's own resources that IAM's simulation allows it, in words.
    """
    problems = [f"{role} may {each}: attach Belay's ServiceRolePolicy to it" for each in allowed]
    return gathered("service role", problems, f"{role} may change nothing of Belay's")


def check_values(changed: Sequence[str], unknown: Sequence[str]) -> Check:
    """Whether the values of NoEcho parameters could be restored: the earlier ones cannot be read."""
    if unknown and not changed:
        return Check("secret values", Readiness.NOT_KNOWN, f"whether {', '.join(unknown)} are changed is unknown")
    problems = [
        f"{each} is changed, and its earlier value cannot be read: a rollback keeps the new" for each in changed
    ]
    return gathered("secret values", problems, "no NoEcho parameter is changed")


@dataclass(frozen=True)
class StatefulChange:
    """What a release will do to a resource that holds data: its logical path and what its template says about it.

    ``creates_stack``: its whole stack is new; ``deletion_policy`` is None if the template has none, and UNREADABLE if
    it could not be read.
    """

    path: str
    resource_type: str
    adds: bool
    removes: bool
    creates_stack: bool
    deletion_policy: str | None


_KEPT = ("Retain", "Snapshot", "RetainExceptOnCreate")
_GOOD = "last-known-good"


def check_data(changes: Sequence[StatefulChange], *, first: bool) -> Check:
    """Whether a rollback would have to delete, or could not bring back, resources with data.

    Only what the release adds, removes or replaces counts: a rollback touches nothing else. A resource removed with
    ``Retain`` is kept, but outside the stack; a new one that is not kept would have to be deleted with its data. The
    ``first`` release of a stage can only create new stacks: their data is the release's own, and nothing is deleted
    without a person's approval.
    """
    counted = [each for each in changes if not (first and each.adds and each.creates_stack)]
    problems = [problem for change in counted if (problem := _data_problem(change))]
    unread = [each for each in counted if _data_problem(each) is None and each.deletion_policy == UNREADABLE]
    if unread and not problems:
        named = ", ".join(each.path for each in unread)
        return Check("data", Readiness.NOT_KNOWN, f"the deletion policy of {named} cannot be read")
    return gathered("data", problems, "no resource with data is created or removed for good")


def _data_problem(change: StatefulChange) -> str | None:
    what = f"{change.path} ({change.resource_type})"
    if change.removes:
        return f"{what} is removed or may be replaced: a rollback would create a new one without its data"
    if change.adds and change.creates_stack:
        return f"{what} is created with a new stack, which is deleted only after a person confirms it"
    if change.adds and change.deletion_policy not in (*_KEPT, UNREADABLE):
        return (
            f"{what} is created without a DeletionPolicy that keeps it: CloudFormation deletes it if this update of "
            "its stack fails; a rollback after that deletes it only once a person confirms"
        )
    return None
