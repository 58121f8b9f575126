"""The ledger on a DynamoDB simulated by moto, with attempts in various states."""

from collections import deque
from typing import Any

from belay.aws.dynamodb import Table
from belay.aws.gateways import own_aws
from belay.aws.s3 import ArtifactBucket
from belay.ledger.incidents import IncidentRecord
from belay.ledger.ledger import Ledger
from belay.release.life import ENTERING, FOLLOWS, State
from belay.release.reason import from_document
from belay.release.records import Outcome, ReleaseReference, Upload
from belay.release.waves import Waves, stages_before

NOW = "2026-01-01T10:00:00.000+00:00"


def empty_ledger(dynamodb: Any) -> Ledger:
    """The ledger in a new table, which is named ``ledger``."""
    dynamodb.create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
    )
    return Ledger(Table(dynamodb, "ledger"))


def remembered() -> tuple[Ledger, ArtifactBucket]:
    """The ledger and the artifact bucket of this process's account, simulated by moto."""
    return Ledger(own_aws().table("ledger")), own_aws().artifacts("artifacts")


def every_incident(ledger: Ledger, application: str) -> list[IncidentRecord]:
    """Every incident of an application, for tests only: Belay reads each by its name."""
    items = ledger.incidents._table.query(f"APPLICATION#{application}", "INCIDENT#")
    return [IncidentRecord.from_item(item) for item in items]


def accepted(
    ledger: Ledger,
    upload: Upload,
    version: str,
    digest: str = "d1",
    *,
    execution: str = "e1",
    waves: Waves = (),
    now: str = NOW,
) -> ReleaseReference:
    """Claim an upload, and accept it as a release."""
    assert ledger.attempts.claim(upload, execution, now)
    ledger.attempts.note_version(upload, version)
    release = ReleaseReference(upload.application, version, digest, upload.attempt)
    assert ledger.attempts.accept(release, upload, waves, now) is None
    return release


def bring(
    ledger: Ledger, release: ReleaseReference, stage: str, state: State, *, about: str = "", now: str = NOW
) -> None:
    """Bring an attempt to a state of a stage by the shortest way; earlier waves were deployed."""
    attempt = ledger.attempts.get(release)
    assert attempt is not None
    if attempt.state is State.ACCEPTED:
        ledger.attempts.record(release, State.CHECKED, now)
    for each in stages_before(attempt.waves, stage):
        if attempt.in_stage(each) is None:
            assert ledger.attempts.end_stage(release, each, Outcome.DEPLOYED, good=False, fencing=None, now=now)
    standing = attempt.in_stage(stage)
    for each in _way(None if standing is None else standing.state, state):
        ledger.attempts.record(release, each, now, stage=stage, about=about if each is state else "")


def _way(start: State | None, goal: State) -> list[State]:
    """The states after ``start`` up to ``goal``; None where the stage is not entered."""
    ways: deque[list[State | None]] = deque([[start]])
    while ways:
        way = ways.popleft()
        follows = ENTERING if way[-1] is None else FOLLOWS[way[-1]]
        for each in sorted(follows - {State.STAGE_ENDED}):
            if each is goal:
                return [*filter(None, way[1:]), each]
            if each is not State.RECOVERING:
                ways.append([*way, each])
    raise AssertionError(f"{goal} is not reached from {start}")


def end_stage(
    ledger: Ledger,
    release: ReleaseReference,
    stage: str = "production",
    outcome: Outcome = Outcome.DEPLOYED,
    *,
    now: str = NOW,
) -> None:
    """End a stage that was just planned; deployed, it runs the release."""
    attempt = ledger.attempts.get(release)
    assert attempt is not None
    if attempt.in_stage(stage) is None:
        bring(ledger, release, stage, State.PLANNING, now=now)
    good = outcome is Outcome.DEPLOYED
    assert ledger.attempts.end_stage(release, stage, outcome, good=good, fencing=None, now=now)


def end(ledger: Ledger, release: ReleaseReference, outcome: Outcome, reason: str = "", *, now: str = NOW) -> None:
    """Record an attempt's outcome, which is not announced yet."""
    attempt = ledger.attempts.get(release)
    assert attempt is not None
    assert ledger.attempts.close(attempt, outcome, from_document(reason) if reason else None, now)
