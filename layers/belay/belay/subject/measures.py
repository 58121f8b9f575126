"""What Belay measures, each measure defined once: for CloudWatch, where it happens, and for reports from the ledger.

The four measures of software delivery are those of https://dora.dev/guides/dora-metrics: deployment frequency, lead
time, failure rate and time to restore. They cover lasting stages; an ephemeral stage delivers nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from belay.release.attempt import Attempt, StageDeployment
from belay.release.records import Outcome
from belay.subject.incident import Incident
from belay.subject.subjects import ReleaseAttempt


class Metric(StrEnum):
    """A metric in CloudWatch's namespace ``Belay``."""

    RELEASES = "Releases"
    RELEASE_TIME = "ReleaseTime"
    DEPLOYMENTS = "Deployments"
    LEAD_TIME = "LeadTime"
    CHANGES = "Changes"
    CHANGE_FAILURES = "ChangeFailures"
    TIME_TO_RESTORE = "TimeToRestore"
    OPEN_INCIDENTS = "OpenIncidents"
    LOCKS_HELD_PAST_EXPIRY = "LocksHeldPastExpiry"
    SWEEP_FAULTS = "SweepFaults"
    COPIES_LEFT = "CopiesLeft"

    @property
    def unit(self) -> str:
        """CloudWatch's name of the unit."""
        return "Seconds" if self in _TIMES else "Count"

    @property
    def dimension(self) -> str | None:
        """Its dimension, in addition to the service: the outcome of a release, or the stage."""
        return _DIMENSIONS.get(self)


_TIMES: Final = frozenset({Metric.RELEASE_TIME, Metric.LEAD_TIME, Metric.TIME_TO_RESTORE})
_DIMENSIONS: Final = {
    **dict.fromkeys((Metric.RELEASES, Metric.RELEASE_TIME), "outcome"),
    **dict.fromkeys((Metric.DEPLOYMENTS, Metric.LEAD_TIME, Metric.CHANGES), "stage"),
    **dict.fromkeys((Metric.CHANGE_FAILURES, Metric.TIME_TO_RESTORE), "stage"),
}
"""Few, because CloudWatch bills every combination of their values: an application is not one of them."""


@dataclass(frozen=True)
class Measured:
    """One value of a metric; ``by`` is the value of its dimension, ``application`` is only logged with it."""

    metric: Metric
    value: int
    by: str | None = None
    application: str | None = None


def seconds_between(began: str | None, ended: str | None) -> int | None:
    """Return the seconds between two times of the ledger, None if one is not known."""
    if began is None or ended is None:
        return None
    return max(0, round((datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()))


def is_deployment(deployment: StageDeployment) -> bool:
    """Whether a stage's new version was a deployment: a rollback is not."""
    return deployment.incident is None


def lead_seconds(attempt: Attempt | None, deployed_at: str) -> int | None:
    """Return how long a change took from its upload until a stage ran it; None if no longer known."""
    return None if attempt is None else seconds_between(attempt.claimed_at, deployed_at)


def failed_attempt(incident: Incident) -> str | None:
    """Return the attempt whose change failed; None if an incident is about something else.

    A rollback by a person is no failed change: the deployment that it undoes failed.
    """
    subject = incident.subject
    return subject.attempt if isinstance(subject, ReleaseAttempt) and not subject.ephemeral else None


def restore_seconds(opened_at: str, outcome: Outcome | None, ended_at: str | None) -> int | None:
    """Return how long a stage took to be restored after a failure; None if it was not, or not yet."""
    return seconds_between(opened_at, ended_at) if outcome is Outcome.ROLLED_BACK else None


def ended(attempt: Attempt, outcome: Outcome, now: str) -> list[Measured]:
    """Record the end of an upload."""
    took = seconds_between(attempt.claimed_at, now) or 0
    found = {Metric.RELEASES: 1, Metric.RELEASE_TIME: took}
    return [Measured(metric, value, outcome.value, attempt.application) for metric, value in found.items()]


def deployed(attempt: Attempt, stage: str, now: str) -> list[Measured]:
    """Record that a lasting stage now runs a release: a change that has not failed so far."""
    lead = lead_seconds(attempt, now) or 0
    found = {Metric.DEPLOYMENTS: 1, Metric.LEAD_TIME: lead, Metric.CHANGES: 1, Metric.CHANGE_FAILURES: 0}
    return [Measured(metric, value, stage, attempt.application) for metric, value in found.items()]


def failed(incident: Incident) -> list[Measured]:
    """Record a failure when its incident is opened: a change that failed never becomes a deployment."""
    counted = (Metric.CHANGES, Metric.CHANGE_FAILURES) if failed_attempt(incident) else ()
    return [Measured(metric, 1, incident.stage, incident.application) for metric in counted]


def restored(incident: Incident, opened_at: str, outcome: Outcome, now: str) -> list[Measured]:
    """Record the end of an incident in a lasting stage."""
    took = restore_seconds(opened_at, outcome, now)
    if took is None or incident.subject.ephemeral:
        return []
    return [Measured(Metric.TIME_TO_RESTORE, took, incident.stage, incident.application)]


def swept(open_incidents: int | None, locks_held_past_expiry: int, faults: int) -> list[Measured]:
    """Record what a sweep found about Belay itself; incidents that it could not read are not counted."""
    found = {
        Metric.OPEN_INCIDENTS: open_incidents,
        Metric.LOCKS_HELD_PAST_EXPIRY: locks_held_past_expiry,
        Metric.SWEEP_FAULTS: faults,
    }
    return [Measured(metric, value) for metric, value in found.items() if value is not None]


def taken_back(incident: Incident, gone: Iterable[StageDeployment]) -> list[Measured]:
    """Record that a person rolled a stage back: the undone deployments count as failed."""
    count = sum(map(is_deployment, gone))
    return [Measured(Metric.CHANGE_FAILURES, count, incident.stage, incident.application)] if count else []
