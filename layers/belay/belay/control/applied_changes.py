"""What releases did to a stage's database, as the ledger has it."""

from functools import cache

from belay.aws.s3 import ArtifactBucket
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.applied import AppliedChange, ChangedDatabase
from belay.release.records import ReleaseReference
from belay.release.registration import Stage


def database_of(stage: Stage, database: str, artifacts: ArtifactBucket) -> ChangedDatabase:
    """Return the identity of a stage's database; ``artifacts`` is in Belay's own region."""
    return ChangedDatabase(stage.application, stage.name, stage.where(artifacts.region), database)


def applied_changes(
    stage: Stage, database: str, ledger: Ledger, artifacts: ArtifactBucket
) -> tuple[AppliedChange, ...]:
    """Return what was last done with each change in a stage's database, where the stage is now."""
    known = database_of(stage, database, artifacts)

    @cache
    def deployed_there(release: ReleaseReference) -> bool:
        accepted = artifacts.read(release.document_key, AcceptedRelease.from_dict)
        return accepted is None or accepted.stages[stage.name].where(artifacts.region) == known.where

    return ledger.database_changes.of(known, deployed_there)
