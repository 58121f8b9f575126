"""The four measures of software delivery, from the ledger: how often, how soon, how well, and how soon repaired.

``belay.subject.measures`` defines them; CloudWatch counts by the same definitions, without telling applications apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from belay.ledger.incidents import IncidentRecord
from belay.ledger.ledger import Ledger
from belay.release.attempt import Attempt, StageDeployment
from belay.subject.measures import failed_attempt, is_deployment, lead_seconds, restore_seconds

WEEKS = 12


@dataclass(frozen=True)
class Week:
    """One week from ``begins`` on: deployments, failed changes, and both medians in seconds."""

    begins: datetime
    deployments: int
    failures: int
    lead_seconds: float | None
    restore_seconds: float | None


@dataclass(frozen=True)
class Measures:
    """The four measures of one stage over ``WEEKS`` weeks. Seconds are medians, None where nothing happened."""

    application: str
    stage: str
    weeks: tuple[Week, ...]
    deployments: int
    per_week: float
    lead_seconds: float | None
    failures: int
    failure_rate: float | None
    restore_seconds: float | None
    not_restored: int
    """Incidents that ended without the stage being restored, or have not ended."""


def read_measures(ledger: Ledger, application: str, stage: str, now: datetime) -> Measures:
    """Read them, from a stage's last 90 deployments and the application's incidents of these weeks."""
    deployments = ledger.stages.history(application, stage)
    attempts = ledger.attempts.of_ids([(application, each.release.attempt) for each in deployments])
    opened = ledger.incidents.opened_since(
        application, (now - timedelta(weeks=WEEKS)).isoformat(timespec="milliseconds")
    )
    incidents = [each for each in opened if each.incident.stage == stage]
    return measured((application, stage), deployments, list(attempts.values()), incidents, now)


def measured(
    place: tuple[str, str],
    deployments: Sequence[StageDeployment],
    attempts: Sequence[Attempt],
    incidents: Sequence[IncidentRecord],
    now: datetime,
) -> Measures:
    """Return the measures of a stage, named with its application, from what the ledger keeps."""
    begin = now - timedelta(weeks=WEEKS)
    known = {each.id: each for each in attempts}
    done = [each for each in deployments if is_deployment(each) and _time(each.at) >= begin]
    recent = [each for each in incidents if _time(each.opened_at) >= begin]
    failed = {each.release.attempt: each.taken_back.at for each in done if each.taken_back is not None}
    failed |= {attempt: each.opened_at for each in recent if (attempt := failed_attempt(each.incident))}
    leads = {each.release.attempt: lead_seconds(known.get(each.release.attempt), each.at) for each in done}
    restored = {each.incident.name: restore_seconds(each.opened_at, each.outcome, each.ended_at) for each in recent}
    weeks = []
    for number in range(WEEKS):
        first = begin + timedelta(weeks=number)

        def within(at: str, first: datetime = first) -> bool:
            return first <= _time(at) < first + timedelta(weeks=1)

        here = [each for each in done if within(each.at)]
        weeks.append(
            Week(
                begins=first,
                deployments=len(here),
                failures=sum(within(at) for at in failed.values()),
                lead_seconds=_median([leads[each.release.attempt] for each in here]),
                restore_seconds=_median([restored[each.incident.name] for each in recent if within(each.opened_at)]),
            )
        )
    changes = len({each.release.attempt for each in done} | failed.keys())
    return Measures(
        application=place[0],
        stage=place[1],
        weeks=tuple(weeks),
        deployments=len(done),
        per_week=len(done) / WEEKS,
        lead_seconds=_median(leads.values()),
        failures=len(failed),
        failure_rate=len(failed) / changes if changes else None,
        restore_seconds=_median(restored.values()),
        not_restored=sum(each is None for each in restored.values()),
    )


def _median(seconds: Iterable[int | None]) -> float | None:
    known = [each for each in seconds if each is not None]
    return median(known) if known else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
