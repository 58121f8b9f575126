"""What a stage ran, one line for each deployment and rollback: by whom, how long it took, whether it still stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from belay.ledger.ledger import Ledger
from belay.release.attempt import Attempt, StageDeployment, TakenBack, Transition, standing_in
from belay.release.life import State
from belay.subject.measures import is_deployment, lead_seconds, seconds_between


@dataclass(frozen=True)
class HistoryLine:
    """One deployment of a stage, or one rollback (``incident``).

    ``seconds`` is how long it took from the plan, or since the rollback was asked for; None if no longer known. ``by``
    is who asked for a rollback, or who approved a deployment; ``stands`` says whether the stage could go back to it.
    """

    at: str
    version: str
    attempt: str
    incident: str | None
    by: str | None
    seconds: int | None
    lead_seconds: int | None
    taken_back: TakenBack | None
    stands: bool
    runs: bool


def stage_history(ledger: Ledger, application: str, stage: str) -> list[HistoryLine]:
    """Return a stage's last 90 deployments and rollbacks, the newest first.

    Costs a request for each deployment, whose history says how long it took and who approved it.
    """
    deployments = ledger.stages.history(application, stage)
    attempts = ledger.attempts.of_ids([(application, each.release.attempt) for each in deployments])
    histories = {name: ledger.attempts.history(each) for name, each in attempts.items()}
    rolled_back = ledger.incidents.of_names([(application, each.incident) for each in deployments if each.incident])
    opened = {name: record.opened_at for name, record in rolled_back.items()}
    return lines(deployments, attempts, histories, opened, stage)


def lines(
    deployments: Sequence[StageDeployment],
    attempts: Mapping[str, Attempt],
    histories: Mapping[str, Sequence[Transition]],
    opened: Mapping[str, str],
    stage: str,
) -> list[HistoryLine]:
    """Describe deployments, which come oldest first, the newest first; ``opened`` says when an incident was."""
    standing = standing_in(deployments)
    found = []
    for each in deployments:
        attempt = attempts.get(each.release.attempt)
        history = [one for one in histories.get(each.release.attempt, ()) if one.stage == stage]
        began = opened.get(each.incident or "") if each.incident else next((one.at for one in history), None)
        by = next(
            (one.taken_back.by for one in deployments if one.taken_back and one.taken_back.incident == each.incident),
            None,
        )
        approved = next((one.detail for one in history if one.what is State.APPROVED), None)
        found.append(
            HistoryLine(
                at=each.at,
                version=each.release.version,
                attempt=each.release.attempt,
                incident=each.incident,
                by=by if each.incident else approved,
                seconds=seconds_between(began, each.at),
                lead_seconds=lead_seconds(attempt, each.at) if is_deployment(each) else None,
                taken_back=each.taken_back,
                stands=each in standing,
                runs=bool(standing) and each is standing[-1],
            )
        )
    return found[::-1]
