"""The measures: what counts as what, and that CloudWatch and the ledger's reports agree."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from belay.ledger.incidents import IncidentRecord
from belay.release.attempt import Attempt, StageDeployment, TakenBack
from belay.release.reason import Statement, Why
from belay.release.records import Outcome, ReleaseReference, upload_of
from belay.subject import measures
from belay.subject.incident import Incident
from belay.subject.measures import Measured, Metric
from belay.subject.subjects import AskedRollback, ReleaseAttempt
from cli.views.measures import measured

UPLOAD = upload_of("orders", "releases", "releases/orders/1.zip", "v1", 7)
RELEASE = ReleaseReference("orders", "1.0.0", "d", UPLOAD.attempt)
CLAIMED, DEPLOYED, LATER = (f"2026-03-02T10:0{minute}:00.000+00:00" for minute in (0, 5, 9))
ATTEMPT = Attempt(UPLOAD, "e", CLAIMED, version="1.0.0", digest="d")
FAILED = Incident("i1", ReleaseAttempt(RELEASE, "production", None), Statement(Why.INTERRUPTED, "it failed"), "role")
ASKED = replace(FAILED, subject=AskedRollback(RELEASE, "production", None, "arn:ann", None, None))


def summed(found: list[Measured]) -> dict[Metric, int]:
    totals: dict[Metric, int] = {}
    for each in found:
        totals[each.metric] = totals.get(each.metric, 0) + each.value
    return totals


def test_an_end_is_counted_by_its_outcome_with_the_time_since_its_upload() -> None:
    assert measures.ended(ATTEMPT, Outcome.REJECTED, DEPLOYED) == [
        Measured(Metric.RELEASES, 1, "REJECTED", "orders"),
        Measured(Metric.RELEASE_TIME, 300, "REJECTED", "orders"),
    ]


def test_a_stage_that_does_not_last_delivers_nothing() -> None:
    ephemeral = replace(FAILED, subject=ReleaseAttempt(RELEASE, "test", None, ephemeral=True))
    assert measures.failed(ephemeral) == []
    assert measures.restored(ephemeral, DEPLOYED, Outcome.ROLLED_BACK, LATER) == []


@pytest.mark.parametrize("outcome", [Outcome.NEEDS_OPERATOR, Outcome.ABORTED])
def test_what_was_not_restored_took_no_time(outcome: Outcome) -> None:
    assert measures.restored(FAILED, DEPLOYED, outcome, LATER) == []


def test_a_rollback_that_a_person_asked_for_fails_the_deployments_it_takes_back_and_no_rollback() -> None:
    assert measures.failed(ASKED) == []
    gone = [StageDeployment("production", RELEASE, DEPLOYED), StageDeployment("production", RELEASE, DEPLOYED, "i0")]
    assert measures.taken_back(ASKED, gone) == [Measured(Metric.CHANGE_FAILURES, 1, "production", "orders")]
    assert measures.taken_back(ASKED, ()) == []


def test_cloudwatch_s_sums_are_what_the_ledger_s_reader_says() -> None:
    """One release was deployed, one failed and was restored, one was deployed and rolled back by a person."""
    others = [replace(ATTEMPT, upload=replace(UPLOAD, version_id=each)) for each in ("v2", "v3")]
    failing, regretted = (ReleaseReference("orders", "2", "d", each.id) for each in others)
    incident = replace(FAILED, subject=ReleaseAttempt(failing, "production", None))
    back = TakenBack(LATER, "i2", "arn:ann")
    stood = StageDeployment("production", RELEASE, DEPLOYED)
    left = StageDeployment("production", regretted, DEPLOYED, None, back)
    emitted = [
        *measures.deployed(ATTEMPT, "production", DEPLOYED),
        *measures.failed(incident),
        *measures.restored(incident, DEPLOYED, Outcome.ROLLED_BACK, LATER),
        *measures.deployed(others[1], "production", DEPLOYED),
        *measures.taken_back(ASKED, [left]),
    ]
    record = IncidentRecord(incident, DEPLOYED, outcome=Outcome.ROLLED_BACK, ended_at=LATER)
    now = datetime(2026, 3, 3, tzinfo=UTC)
    read = measured(("orders", "production"), [stood, left], [ATTEMPT, *others], [record], now)
    totals = summed(emitted)
    assert totals[Metric.DEPLOYMENTS] == read.deployments == 2
    assert totals[Metric.CHANGE_FAILURES] / totals[Metric.CHANGES] == read.failure_rate == 2 / 3
    assert totals[Metric.LEAD_TIME] / totals[Metric.DEPLOYMENTS] == read.lead_seconds == 300
    assert totals[Metric.TIME_TO_RESTORE] == read.restore_seconds == 240


def test_every_metric_has_a_unit_and_at_most_one_dimension_of_its_own() -> None:
    assert {each.unit for each in Metric} == {"Count", "Seconds"}
    assert {each.dimension for each in Metric} == {None, "outcome", "stage"}
