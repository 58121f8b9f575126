"""The gate of database changes: checks what a release would apply in each stage against what is recorded there."""

from collections.abc import Mapping, Sequence
from datetime import date

from belay.aws.s3 import ArtifactBucket
from belay.control.applied_changes import applied_changes
from belay.errors import UnreadableChanges
from belay.ledger.ledger import Ledger
from belay.policy.database_gate import applied_before, check_database_changes, parsed
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.release.accepted import AcceptedRelease
from belay.release.manifest import DatabaseChanges
from belay.release.registration import Stage, changed_database
from belay.sql.changes import DatabaseChange
from belay.sql.contexts import applies
from belay.sql.reading import read_changes


class DatabaseGate:
    """Checks a release's database changes."""

    def __init__(self, ledger: Ledger, artifacts: ArtifactBucket) -> None:
        self._ledger = ledger
        self._artifacts = artifacts

    def check(self, accepted: AcceptedRelease, files: Mapping[str, bytes], today: date) -> dict[str, Report]:
        """Return a report for each stage; none if the release changes no database. Raises ``UnreadableChanges``."""
        declared = accepted.manifest.database
        if declared is None or declared.engine is None:
            return {}
        read = read_changes(files, declared.changes, declared.engine, format=declared.format)
        changes = parsed(read, declared.engine)
        reports = {}
        for name, stage in accepted.stages.items():
            settings = PolicySettings.from_registration(stage.policies, stage.trusted_networks)
            here = [change for change in changes if _is_for(change, name)]
            applied = self._applied(stage, declared, here)
            reports[name] = check_database_changes(here, declared.engine, settings, today, applied=applied)
        return reports

    def _applied(self, stage: Stage, declared: DatabaseChanges, changes: Sequence[DatabaseChange]) -> Mapping[str, str]:
        """Return the digests of what is recorded as applied; without any record, of what the release begins with."""
        if (changed := changed_database(declared, stage)) is not None:
            recorded = applied_changes(stage, changed[0].identifier, self._ledger, self._artifacts)
            if standing := {each.id: each.digest for each in recorded if each.outcome.stands}:
                return standing
        return {} if declared.schema is None else applied_before(changes, declared.schema.before)


def _is_for(change: DatabaseChange, stage: str) -> bool:
    try:
        return applies(change.contexts, stage)
    except ValueError as error:
        raise UnreadableChanges([f"{change.place.path}:{change.place.line}: {change.id}: {error}"]) from error
