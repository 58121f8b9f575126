"""Rollbacks on request: planned from the current state, and opened as their own incidents."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import timestamp
from belay.aws.s3 import ArtifactBucket
from belay.control.incidents import Incidents
from belay.control.places import Places
from belay.control.recovery import Recovery
from belay.control.rollback_incidents import RollbackIncidents
from belay.control.situations import Situations
from belay.events.function_url import Refusal
from belay.ledger.incidents import IncidentRecord
from belay.ledger.ledger import Ledger
from belay.rollback.estimates import with_estimates
from belay.rollback.planner import plan_rollback
from belay.rollback.request import RollbackRequest


class AskedRollbacks:
    """Plans and starts requested rollbacks."""

    def __init__(self, ledger: Ledger, artifacts: ArtifactBucket, incidents: Incidents, places: Places) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self._incidents = RollbackIncidents(ledger, artifacts, incidents)
        self._places = places

    def take(self, request: RollbackRequest, by: str) -> Mapping[str, Any] | Refusal:
        """Plan the rollback and, unless only the plan is wanted, start it. Returns the response, or the reason for a
        refusal.

        ``by`` is the ARN of the caller.
        """
        prepared = self._incidents.prepare(request, by)
        if isinstance(prepared, Refusal):
            return prepared
        incident, asked = prepared
        recovery = Recovery(IncidentRecord(incident, timestamp()), self._artifacts, self._ledger)
        situations = Situations.of(self._places.of_incident(incident), self._ledger)
        planned = plan_rollback(situations.look(recovery))
        plan = with_estimates(planned, self._ledger.incidents.durations(request.application, request.stage))
        name = None if request.plan_only else self._incidents.open(incident, asked)
        return {
            "incident": name,
            "execution": None if name is None else self._ledger.incidents.execution(name),
            "plan": plan.to_dict(),
            "lines": plan.describe(),
        }
