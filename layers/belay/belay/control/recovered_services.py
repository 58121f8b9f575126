"""The services of an incident's stage: observing them, and performing their steps."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from belay.aws.application_autoscaling import ScalableTargets
from belay.aws.clock import now
from belay.aws.ecs import Services
from belay.control.recovery import Recovery
from belay.errors import AwsFault, ServiceUnavailable, Throttled
from belay.release.registration import Service, Stage
from belay.rollback.noted import NOT_RESTARTED, Noted
from belay.rollback.plan import Action, Step
from belay.rollback.situation import Scaling, ServiceDeployment, ServiceSeen

_EVENTS_KEPT = 3


class RecoveredServices:
    """Observes the registered services of an incident's stage and performs their steps."""

    def __init__(self, recovery: Recovery, services: Services, targets: ScalableTargets) -> None:
        self._recovery = recovery
        self._services = services
        self._targets = targets

    # -- observing -----------------------------------------------------------------------------------------------

    def look(self, stage: Stage | None) -> tuple[ServiceSeen, ...]:
        """Return the stage's services in the registration's order, as they are now."""
        return () if stage is None else tuple(self._looked_at(service) for service in stage.services)

    def _looked_at(self, service: Service) -> ServiceSeen:
        """Read a service. A denied describe call must not block the rollback of the stacks: it is recorded for a
        person.
        """
        try:
            return self._seen(service)
        except (Throttled, ServiceUnavailable):
            raise
        except AwsFault as fault:
            noted = self._recovery.noted(service.name)
            return ServiceSeen(
                service.name, stopped_from=noted.stopped_from, scaled_by=noted.scaled_by, unseen=str(fault)
            )

    def _seen(self, service: Service) -> ServiceSeen:
        description = self._services.describe(service)
        noted = self._recovery.noted(service.name)
        if description is None:
            return ServiceSeen(service.name)
        return ServiceSeen(
            service=service.name,
            arn=description["serviceArn"],
            status=description["status"],
            desired=description["desiredCount"],
            running=description["runningCount"],
            controller=description.get("deploymentController", {}).get("type", "ECS"),
            daemon=description.get("schedulingStrategy") == "DAEMON",
            deployments=tuple(_deployment(each) for each in description["deployments"]),
            events=tuple(each["message"] for each in description.get("events", [])[:_EVENTS_KEPT]),
            scaling=_scaling(self._targets.describe(service)),
            restarted=noted.restarted or _begun(description, noted),
            waited_seconds=self._waited(service),
            stopped_from=noted.stopped_from,
            scaled_by=noted.scaled_by,
            blocked=self._recovery.blocked(service.name),
        )

    def _waited(self, service: Service) -> int:
        """Seconds since this incident let the service start tasks."""
        times = [
            each.at
            for each in self._recovery.record.tried
            if each.subject == service.name and each.action in (Action.RESTART_SERVICE, Action.START_SERVICE)
        ]
        return int((now() - datetime.fromisoformat(max(times))).total_seconds()) if times else 0

    # -- acting --------------------------------------------------------------------------------------------------

    def perform(self, step: Step, number: int) -> bool:
        """Perform one step unless the service shows that it was done. It never has to be repeated.

        A permanent refusal by AWS is recorded, so that the next plan does the rest: one service that cannot be stopped
        must not keep the others from being stopped.
        """
        with self._recovery.blocking(step.subject):
            self._take(step, number)
        return False

    def _take(self, step: Step, number: int) -> None:
        cluster, _, name = step.subject.partition("/")
        service = Service(cluster, name)
        seen = self._seen(service)
        match step.action:
            case Action.RESTART_SERVICE:
                self._restart(service, seen, step, number)
            case Action.STOP_SERVICE:
                self._stop(service, seen, step, number)
            case Action.START_SERVICE:
                self._recovery.take(step, number)
                self._services.set_desired_count(service, int(step.parameters["desiredCount"]))
            case Action.SUSPEND_SCALING:
                self._suspend(service, seen, step, number)
            case Action.RESUME_SCALING:
                self._recovery.take(step, number)
                self._targets.suspend(service, step.parameters["SuspendedState"])
            case _:
                raise ValueError(f"no service is brought back by {step.action}")

    def _restart(self, service: Service, seen: ServiceSeen, step: Step, number: int) -> None:
        """Record which deployment is to be replaced: UpdateService takes no token; its successor shows the call."""
        if seen.restarted is not None:
            return
        self._recovery.take(step, number)
        primary = seen.primary
        noted = replace(self._recovery.noted(service.name), restarted_from=None if primary is None else primary.id)
        self._recovery.note(service.name, noted)
        self._recovery.note(service.name, replace(noted, restarted=self._services.force_new_deployment(service)))

    def _stop(self, service: Service, seen: ServiceSeen, step: Step, number: int) -> None:
        """Record the count before it is lost; the first record is kept."""
        self._recovery.take(step, number)
        if seen.stopped_from is None:
            self._note(service, stopped_from=seen.desired)
        self._services.set_desired_count(service, 0)

    def _suspend(self, service: Service, seen: ServiceSeen, step: Step, number: int) -> None:
        self._recovery.take(step, number)
        if seen.scaled_by is None and seen.scaling is not None:
            self._note(service, scaled_by=dict(seen.scaling.suspended))
        self._targets.suspend(service, step.parameters["SuspendedState"])

    def _note(self, service: Service, **facts: Any) -> None:
        self._recovery.note(service.name, replace(self._recovery.noted(service.name), **facts))


def _begun(description: Mapping[str, Any], noted: Noted) -> str | None:
    """The deployment that this incident started but, because of a crash, did not record."""
    newest = next((str(each["id"]) for each in description["deployments"] if each["status"] == "PRIMARY"), None)
    return newest if noted.restarted_from not in (NOT_RESTARTED, newest) else None


def _deployment(described: Mapping[str, Any]) -> ServiceDeployment:
    return ServiceDeployment(
        described["id"], described["status"], described.get("rolloutState"), described.get("rolloutStateReason", "")
    )


def _scaling(described: Mapping[str, Any] | None) -> Scaling | None:
    if described is None:
        return None
    return Scaling(described["MinCapacity"], dict(described.get("SuspendedState", {})))
