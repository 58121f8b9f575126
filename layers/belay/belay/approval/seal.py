"""What an approval is bound to: a digest for each part of what was shown, and one over them all.

The parts are everything whose change would alter the deployment: the release's content, its stored files, the accepted
registration, the database changes that are pending and their forecast, the parameters of each stack, the policies'
verdicts, and each change set with all its changes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from belay.database.forecast import DatabaseForecast
from belay.documents import plain, read, written
from belay.policy.verdict import Report
from belay.release.accepted import AcceptedRelease
from belay.release.change_plan import ChangePlan
from belay.release.records import ReleaseReference
from belay.stack.change_set import ChangeSet
from belay.stack.plan import StackPlan, StagePlan

SEAL_DIGITS: Final = 12
"""The length of a seal that is shown to people; a decision has to name at least as much."""


@dataclass(frozen=True)
class Sealed:
    """Everything that a stage's approval covers, in its current state.

    ``files`` maps each file of the release to the version of its object; ``static`` is the report of the static gate;
    ``change_sets`` maps a stack to the current description of its planned change set (None if it is gone) and
    ``reports`` to the policies' current findings in it; ``database_changes`` are those that Belay applies, if any,
    and ``forecast`` is what they do.
    """

    release: ReleaseReference
    accepted: AcceptedRelease
    stage: str
    artifact_bucket: str
    files: Mapping[str, str]
    static: Report | None
    plan: StagePlan
    change_sets: Mapping[str, ChangeSet | None]
    reports: Mapping[str, Report]
    database_changes: ChangePlan | None = None
    forecast: DatabaseForecast | None = None


@dataclass(frozen=True)
class Seal:
    """The digest of every part by its name in words, such as ``the change set of network``."""

    parts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over all parts: what a person approves."""
        return _digest(self.parts)

    @classmethod
    def of(cls, sealed: Sealed) -> "Seal":
        """Seal the current state."""
        return cls({name: _digest(document) for name, document in _parts(sealed).items()})

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Seal":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, "seal.json")

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return {**written(self), "digest": self.digest}

    def broken_by(self, found: "Seal") -> tuple[str, ...]:
        """Name the parts that were changed, removed or added since sealing."""
        names = [*self.parts, *(name for name in found.parts if name not in self.parts)]
        return tuple(name for name in names if self.parts.get(name) != found.parts.get(name))


def _parts(sealed: Sealed) -> dict[str, Any]:
    accepted, release, stage = sealed.accepted, sealed.release, sealed.stage
    parts: dict[str, Any] = {
        "the release": {**release.to_dict(), "manifest": accepted.manifest_text},
        "the release's files": dict(sealed.files),
        "the registration": {
            "application": accepted.application_text,
            "stages": dict(accepted.stage_texts),
            "declared": {path: dict(names) for path, names in accepted.declared.items()},
        },
        "the policies' verdicts on the templates": _verdicts(sealed.static),
    }
    if sealed.database_changes is not None:
        parts["the database changes"] = sealed.database_changes.sealed
    if sealed.forecast is not None:
        parts["the forecast of the database changes"] = plain(sealed.forecast)
    for stack in accepted.manifest.stacks:
        bucket = sealed.artifact_bucket
        parameters = accepted.parameters(stage, stack, release.attempt, bucket, release.prefix)
        secrets = accepted.secrets.get(stage, {}).get(stack.name, {})
        parts[f"the parameters of {stack.name}"] = {**parameters, **secrets}
    for planned in sealed.plan.stacks:
        change_set, report = sealed.change_sets.get(planned.stack), sealed.reports.get(planned.stack)
        parts[f"the change set of {planned.stack}"] = _change_set(planned, change_set)
        parts[f"the policies' verdicts on the change set of {planned.stack}"] = _verdicts(report)
    return parts


def _verdicts(report: Report | None) -> dict[str, Any] | None:
    """Return the sealed part of a report: an approval outlives a new schema of the stored document."""
    return None if report is None else {name: value for name, value in report.to_json().items() if name != "schema"}


def _change_set(planned: StackPlan, change_set: ChangeSet | None) -> dict[str, Any]:
    """Return the sealed part of a stack's plan; a change set that is gone or cannot be executed counts as changed."""
    return {
        "stack": planned.stack_name,
        "progress": planned.progress.value,
        "depends_on": list(planned.depends_on),
        "creates": planned.creates,
        "change_set": planned.change_set_id,
        "ready": change_set.ready if change_set else None,
        "effect": change_set.digest if change_set else None,
    }


def _digest(document: Any) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
